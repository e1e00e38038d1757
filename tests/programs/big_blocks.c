/* SPDX-License-Identifier: MIT */
/*
 * Sizes beyond 32 bits, blocks in mmap'ed areas, and a grown giant; nothing of it is touched.
 * A perfect report says:
 * truth: leak giant 1 5368709120
 * truth: leak grown 1 8589934592
 * truth: leak large 64 67108864
 * truth: peak main 66 14025752576
 */
/* build: -O0 */
#include <stdlib.h>
#include <unistd.h>

static void *volatile sink;

static int giant(void)
{
	sink = malloc((size_t)5 << 30);
	return sink == NULL;
}

static int grown(void)
{
	void *p = malloc((size_t)1 << 30);

	sink = realloc(p, (size_t)8 << 30);
	return sink == NULL;
}

static int large(void)
{
	int i, bad = 0;

	for (i = 0; i < 64; i++)
		bad |= (sink = malloc(1 << 20)) == NULL;
	return bad;
}

int main(void)
{
	return giant() || grown() || large() || write(1, "big_blocks: done\n", 17) != 17;
}
