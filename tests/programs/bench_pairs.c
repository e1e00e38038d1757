/* SPDX-License-Identifier: MIT */
/* build: -O2 -fno-builtin -fno-optimize-sibling-calls */
/*
 * A malloc and its free at stack depths 10, 20 and 40, twelve million times: the worst case
 * of a profiler of allocations. With arguments DEPTH PAIRS only at that depth, and it prints the
 * nanoseconds of a pair, the least of five runs of PAIRS. Nothing is left. A perfect report says:
 * truth: leak pairs 0 0
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS       4000000
#define OTHER_FRAMES 2 /* pairs() and the first deep() */

static void *volatile keep;
static long rounds = ROUNDS;

static __attribute__((noinline)) void pairs(void)
{
	long i;

	for (i = 0; i < rounds; i++) {
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

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void measure(int depth)
{
	double least = 1e30;
	int i;

	for (i = 0; i < 5; i++) {
		double begin = now_ns(), spent;

		deep(depth - OTHER_FRAMES);
		spent = (now_ns() - begin) / (double)rounds;
		least = spent < least ? spent : least;
	}
	printf("%.2f\n", least);
}

int main(int argc, char **argv)
{
	if (argc == 3) {
		rounds = atol(argv[2]);
		measure(atoi(argv[1]));
		return 0;
	}
	printf("%d\n", deep(8) + deep(18) + deep(38));
	return 0;
}
