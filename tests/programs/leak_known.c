/* SPDX-License-Identifier: MIT */
/*
 * Leaks of known size at known sites, beside blocks that are freed properly.
 * A perfect report says:
 * truth: leak leak_malloc 3 300
 * truth: leak leak_calloc 2 400
 * truth: leak leak_realloc 1 4096
 * truth: leak leak_strdup 1 12
 * truth: leak leak_level_three 7 7777
 * truth: leak leak_level_one 7 7777
 * truth: leak leak_aligned 4 4096
 * truth: leak leak_reachable 2 96
 * truth: leak nothing_leaks 0 0
 * truth: leak main 20 16777
 * truth: allocs nothing_leaks 1000 500500
 * truth: valgrind
 */
/* build: -O0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *keep[2];

static void leak_malloc(void)
{
	int i;

	for (i = 0; i < 3; i++)
		memset(malloc(100), 1, 100);
}

static void leak_calloc(void)
{
	int i;

	for (i = 0; i < 2; i++)
		*(volatile char *)calloc(10, 20) = 1;
}

static void leak_realloc(void)
{
	char *p = malloc(16);

	p = realloc(p, 200);
	p = realloc(p, 4096);
	p[4095] = 1;
}

static void leak_strdup(void)
{
	*(volatile char *)strdup("hello world") = 'H';
}

static void leak_level_three(void)
{
	*(volatile char *)malloc(1111) = 1;
}

static void leak_level_two(void)
{
	leak_level_three();
}

static void leak_level_one(void)
{
	int i;

	for (i = 0; i < 7; i++)
		leak_level_two();
}

static void leak_aligned(void)
{
	void *p;
	int i;

	for (i = 0; i < 4; i++)
		if (posix_memalign(&p, 256, 1024) == 0)
			*(volatile char *)p = 1;
}

static void leak_reachable(void)
{
	keep[0] = malloc(32);
	keep[1] = malloc(64);
}

static void nothing_leaks(void)
{
	int i;

	for (i = 1; i <= 1000; i++)
		free(malloc(i));
}

int main(void)
{
	static const char done[] = "leak_known: done\n";

	leak_malloc();
	leak_calloc();
	leak_realloc();
	leak_strdup();
	leak_level_one();
	leak_aligned();
	leak_reachable();
	nothing_leaks();
	/* write, not printf: no stdio buffer of the C library's among the leaks */
	return write(1, done, sizeof(done) - 1) == (ssize_t)(sizeof(done) - 1) ? 0 : 1;
}
