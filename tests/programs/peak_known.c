/* SPDX-License-Identifier: MIT */
/*
 * A peak in the middle of the run, made of known parts, higher than all before and after it.
 * A perfect report says that the program's own blocks were, at the peak:
 * truth: peak base 1 1000000
 * truth: peak rise 10 2000000
 * truth: peak last_straw 1 500000
 * truth: peak after 0 0
 * truth: peak main 12 3500000
 * truth: peak-total 3500000
 * truth: leak after 1 700000
 * truth: valgrind
 */
/* build: -O0 */
#include <stdlib.h>
#include <unistd.h>

static void *blocks[10];
static void *volatile sink;

static void *base(void)
{
	return malloc(1000000);
}

static void rise(void)
{
	int i;

	for (i = 0; i < 10; i++)
		blocks[i] = malloc(200000);
}

static void last_straw(void)
{
	free(malloc(500000));
}

static void after(void)
{
	sink = malloc(700000);
}

int main(void)
{
	void *ground = base();
	int i;

	free(malloc(2499999)); /* 3499999 in all: one byte short of the later peak */
	rise();
	last_straw();
	for (i = 0; i < 10; i++)
		free(blocks[i]);
	after();
	free(ground);
	return write(1, "peak_known: done\n", 17) != 17;
}
