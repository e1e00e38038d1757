/* SPDX-License-Identifier: MIT */
/*
 * A failing realloc leaves the old block alive; realloc to 0 frees it; zero sizes and null pointers.
 * A perfect report says:
 * truth: leak failed_keeps 3 3000
 * truth: leak to_zero 0 0
 * truth: leak zero_sized 4 0
 * truth: leak moved 1 100000
 * truth: leak shrunk 1 10
 * truth: allocs fails 0 0
 * truth: valgrind
 */
/* build: -O0 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static volatile size_t huge = SIZE_MAX / 2;
static void *volatile sink;
static int bad;

static void failed_keeps(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		char *p = malloc(1000);

		p[999] = (char)i;
		sink = p; /* the compiler may not think that it knows this block */
		bad += realloc(p, huge) != NULL || ((char *)sink)[999] != i;
	}
}

static void to_zero(void)
{
	int i;

	for (i = 0; i < 50; i++)
		bad += realloc(malloc(300), 0) != NULL;
}

static void zero_sized(void)
{
	sink = malloc(0);
	sink = calloc(0, 8);
	sink = realloc(NULL, 0);
	sink = calloc(8, 0);
	free(NULL);
}

static void moved(void)
{
	char *p = malloc(10), *wall = malloc(10);

	p[9] = 9;
	p = realloc(p, 100000);
	bad += p[9] != 9;
	free(wall);
	sink = p;
}

static void shrunk(void)
{
	sink = realloc(malloc(100000), 10);
}

static void fails(void)
{
	void *p = NULL;

	bad += malloc(huge) || calloc(huge, 3) || realloc(NULL, huge);
	bad += posix_memalign(&p, 64, huge) != ENOMEM;
	bad += posix_memalign(&p, 5, 100) != EINVAL;
	bad += aligned_alloc(64, huge) != NULL;
}

int main(void)
{
	failed_keeps();
	to_zero();
	zero_sized();
	moved();
	shrunk();
	fails();
	return bad || write(1, "realloc_fail: good\n", 19) != 19;
}
