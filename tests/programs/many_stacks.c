/* SPDX-License-Identifier: MIT */
/*
 * 65,536 different stacks of 16 levels, one leaked block of 8 bytes at the end of each.
 * A perfect report says:
 * truth: leak leaf_leak 65536 524288
 * truth: leak left 65535 524280
 * truth: leak right 65535 524280
 * truth: sites leaf_leak 65536
 */
/* build: -O0 */
#include <stdio.h>
#include <stdlib.h>

static void *volatile sink;

static void leaf_leak(void)
{
	sink = malloc(8);
}

static void walk(int depth);

static void left(int depth)
{
	walk(depth);
}

static void right(int depth)
{
	walk(depth);
}

static void walk(int depth)
{
	if (depth == 0) {
		leaf_leak();
		return;
	}
	left(depth - 1);
	right(depth - 1);
}

int main(void)
{
	walk(16);
	puts("many_stacks: done");
	return 0;
}
