/* SPDX-License-Identifier: MIT */
/*
 * Runs out of memory under RLIMIT_AS, survives, frees and goes on; and leaves without room for anybody.
 * A perfect report says:
 * truth: leak until_full 0 0
 * truth: leak after_all 3 30
 * and counts no failed call as an allocation.
 */
/* build: -O0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void *volatile sink;
static void *blocks[4096];

static int until_full(void)
{
	int count = 0, i;

	while (count < 4096 && (blocks[count] = malloc(1 << 20)))
		count++;
	/* small ones, too, until really nothing is left */
	for (i = 0; i < 100000; i++) {
		void *p = malloc(200000);

		if (p)
			free(p);
	}
	for (i = 0; i < count; i++)
		free(blocks[i]);
	return count;
}

static void after_all(void)
{
	int i;

	for (i = 0; i < 3; i++)
		sink = malloc(10);
}

int main(void)
{
	struct rlimit limit = { 1 << 30, 1 << 30 };
	int first, second;

	if (setrlimit(RLIMIT_AS, &limit))
		return 1;
	first = until_full();
	second = until_full();
	after_all();
	/* the same room the second time, whatever else shares it */
	printf("memory_limit: %s %s\n", first > 500 && first < 1024 ? "full" : "odd",
	       second > first - 16 ? "again" : "less");
	return 0;
}
