/* SPDX-License-Identifier: MIT */
/*
 * Code without .eh_frame and without frame pointers: only the section .debug_frame of its file says how to
 * unwind it.
 * A perfect report says:
 * truth: leak inner 20 2000
 * truth: leak outer 20 2000
 * truth: leak main 20 2000
 */
/* build: -fno-asynchronous-unwind-tables -fno-unwind-tables -fomit-frame-pointer -fno-optimize-sibling-calls */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *volatile sink;
static volatile int number;

__attribute__((noinline)) static void inner(size_t size)
{
	sink = malloc(size);
	number++;
}

__attribute__((noinline)) static void outer(int depth)
{
	char room[100];

	memset(room, depth, sizeof(room));
	if (depth)
		outer(depth - 1);
	else
		inner(sizeof(room));
	number += room[number % 100];
}

int main(void)
{
	int i;

	for (i = 0; i < 20; i++)
		outer(i % 5);
	puts("debug_frame: done");
	return 0;
}
