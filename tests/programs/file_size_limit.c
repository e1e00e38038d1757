/* SPDX-License-Identifier: MIT */
/*
 * Sets RLIMIT_FSIZE to 4 KB and allocates for hundreds of kilobytes of trace. A careless writer gets
 * the process killed by SIGXFSZ.
 * A perfect report has everything, or says since when it is incomplete; the program ends with 0, and:
 * truth: may-be-incomplete
 * truth: leak before_limit 3 333
 */
/* build: -O0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static void *volatile sink;

static void before_limit(void)
{
	int i;

	for (i = 0; i < 3; i++)
		sink = malloc(111);
}

static unsigned seed = 1;

static size_t random_size(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 18;
}

int main(void)
{
	struct rlimit limit = { 4096, 4096 };
	void *kept[64] = { 0 };
	int i;

	before_limit();
	if (setrlimit(RLIMIT_FSIZE, &limit))
		return 1;
	for (i = 0; i < 400000; i++) {
		free(kept[i % 64]);
		kept[i % 64] = malloc(random_size());
	}
	for (i = 0; i < 64; i++)
		free(kept[i]);
	puts("file_size_limit: alive");
	return 0;
}
