/* SPDX-License-Identifier: MIT */
/*
 * 8,192 different stacks of 13 levels, one leaked block of 8 bytes at the end of each.
 * A perfect report says:
 * truth: leak leaf_leak 8192 65536
 * truth: leak left 8191 65528
 * truth: leak right 8191 65528
 * truth: sites leaf_leak 8192
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
	walk(13);
	puts("many_stacks: done");
	return 0;
}
