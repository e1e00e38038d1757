/* SPDX-License-Identifier: MIT */
/*
 * A leak at the bottom of 10,000 frames, twice; a stack far deeper than any default depth.
 * A perfect report keeps the leaf side and says that the stack was cut:
 * truth: leak bottom_leak 2 246
 * truth: leak recurse 2 246
 * truth: truncated
 */
/* build: -O0 */
#include <stdio.h>
#include <stdlib.h>

static void *volatile sink;

static void bottom_leak(void)
{
	sink = malloc(123);
}

static int recurse(int depth)
{
	volatile char frame[64];

	frame[0] = (char)depth;
	if (depth == 0)
		bottom_leak();
	else
		frame[1] = (char)recurse(depth - 1);
	return frame[0];
}

int main(void)
{
	recurse(10000);
	free(malloc(5));
	recurse(10000);
	puts("deep_recursion: done");
	return 0;
}
