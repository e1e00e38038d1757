/* SPDX-License-Identifier: MIT */
/*
 * Temporary allocations: ended before the same thread allocates anything else.
 * A perfect report says:
 * truth: temporary at_once 5000
 * truth: temporary pairs 1000
 * truth: temporary grown 200
 * truth: temporary kept 0
 * truth: allocs at_once 5000 500000
 * truth: allocs pairs 2000 40000
 * truth: leak kept 10 100
 * pairs() allocates two and frees them in order: the first is freed after another allocation and is not
 * temporary, the second is. grown() has two each time: the block that realloc ends and the one it gives.
 */
/* build: -O0 */
#include <stdio.h>
#include <stdlib.h>

static void *volatile sink;

static void at_once(void)
{
	int i;

	for (i = 0; i < 5000; i++)
		free(malloc(100));
}

static void pairs(void)
{
	int i;

	for (i = 0; i < 1000; i++) {
		void *a = malloc(20), *b = malloc(20);

		free(a);
		free(b);
	}
}

static void grown(void)
{
	int i;

	for (i = 0; i < 100; i++)
		free(realloc(malloc(10), 1000));
}

static void kept(void)
{
	int i;

	for (i = 0; i < 10; i++)
		sink = malloc(10);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	at_once();
	pairs();
	grown();
	kept();
	puts("temporary_known: done");
	return 0;
}
