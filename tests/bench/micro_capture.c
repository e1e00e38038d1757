/* SPDX-License-Identifier: MIT */
/*
 * micro_capture.c - ns per malloc+free pair at a given depth of the stack.
 *
 *   micro_capture DEPTH PAIRS [same|tree]
 *
 * same: one place at the end of the chain, so every stack is the last one again. tree: a recursive walk over
 * a binary tree at the end of the chain, an allocation in each node, so that 1 to 10 frames change. Prints
 * the best of five rounds. Run it alone and under LD_PRELOAD; the difference is the cost of a pair.
 * Build: gcc -O2 -fno-optimize-sibling-calls micro_capture.c
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOINLINE     __attribute__((noinline))
#define TREE_DEPTH   10
#define ROUNDS       5
#define CHAIN_LENGTH 8

static void *volatile sink;
static volatile long number;
static long pairs;
static int is_tree;

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static NOINLINE void same(void)
{
	long i;

	for (i = 0; i < pairs; i++) {
		void *p = malloc(64);

		sink = p;
		free(p);
	}
}

static NOINLINE long tree(int depth)
{
	void *p = malloc(64);
	long count = 1;

	sink = p;
	free(p);
	if (depth)
		count += tree(depth - 1) + tree(depth - 1);
	return count;
}

/* A chain of functions with frames of different sizes and different uses of registers that they must keep. */
static NOINLINE long chain(int depth, long a, long b);

#define LINK(n, bytes)                                          \
	static NOINLINE long link##n(int depth, long a, long b) \
	{                                                       \
		volatile char pad[bytes];                       \
		long result;                                    \
                                                                \
		pad[0] = (char)a;                               \
		result = chain(depth, a * 3 + n, b ^ a);        \
		number = number + pad[0];                       \
		return result + a - b * n;                      \
	}

LINK(0, 16)
LINK(1, 40)
LINK(2, 100)
LINK(3, 24)
LINK(4, 200)
LINK(5, 8)
LINK(6, 64)
LINK(7, 312)

static long (*const links[CHAIN_LENGTH])(int, long, long) = { link0, link1, link2, link3,
							      link4, link5, link6, link7 };

/* Two frames of the depth are gone with each call: this one and its link. */
static NOINLINE long chain(int depth, long a, long b)
{
	long count, i;

	if (depth > 2)
		return links[(size_t)depth / 2 % CHAIN_LENGTH](depth - 2, a, b) + 1;
	if (!is_tree) {
		same();
		return pairs;
	}
	for (count = 0, i = 0; count < pairs; i++)
		count += tree(TREE_DEPTH);
	return count;
}

int main(int argc, char **argv)
{
	double best = 1e30;
	int depth, round;

	if (argc < 3) {
		fputs("usage: micro_capture DEPTH PAIRS [same|tree]\n", stderr);
		return 2;
	}
	depth = atoi(argv[1]);
	pairs = atol(argv[2]);
	is_tree = argc > 3 && strcmp(argv[3], "tree") == 0;
	for (round = 0; round < ROUNDS; round++) {
		double start = now_ns(), spent;

		chain(depth, 1, 2);
		spent = (now_ns() - start) / (double)pairs;
		if (spent < best)
			best = spent;
	}
	printf("%.1f\n", best);
	return 0;
}
