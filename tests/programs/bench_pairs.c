/* SPDX-License-Identifier: MIT */
/* build: -O2 -fno-builtin -fno-optimize-sibling-calls */
/*
 * A malloc and its free at stack depths 10, 20 and 40, twelve million times: the worst case
 * of a profiler of allocations. Nothing is left. A perfect report says: truth: leak pairs 0
 * 0
 */
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 4000000

static void *volatile keep;

static __attribute__((noinline)) void pairs(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		keep = malloc(48);
		free(keep);
	}
}

static __attribute__((noinline)) int deep(int depth)
{
	if (depth == 0) {
		pairs();
		return 0;
	}
	return deep(depth - 1) + 1;
}

int main(void)
{
	printf("%d\n", deep(8) + deep(18) + deep(38));
	return 0;
}
