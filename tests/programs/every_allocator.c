/* SPDX-License-Identifier: MIT */
/*
 * Every allocating function of the C library once kept and once freed.
 * A perfect report says (the C library's own functions call malloc or realloc):
 * truth: leak use_malloc 1 101
 * truth: leak use_calloc 1 306
 * truth: leak use_realloc 2 803
 * truth: leak use_reallocarray 2 1020
 * truth: leak use_posix_memalign 1 204
 * truth: leak use_aligned_alloc 1 320
 * truth: leak use_memalign 1 206
 * truth: leak use_valloc 1 207
 * truth: leak use_strdup 1 11
 * truth: leak use_strndup 1 6
 * truth: leak use_getline 1 120
 * truth: leak use_free_sized 0 0
 * truth: allocs use_malloc 2 202
 * truth: allocs use_calloc 2 612
 * truth: allocs use_free_sized 2 128
 * pvalloc rounds up to a page; the report may give either 208 or 4096 bytes for use_pvalloc, 1 block.
 * asprintf keeps 27 bytes or what the C library asked for, 1 block.
 */
/* build: -O0 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bad;
static volatile size_t huge = SIZE_MAX / 2;

static void *check(void *p, size_t size, size_t align)
{
	if (!p || (uintptr_t)p % align || malloc_usable_size(p) < size) {
		bad++;
		return p;
	}
	memset(p, 0x5a, size);
	return p;
}

static void use_malloc(void)
{
	check(malloc(101), 101, 16);
	free(check(malloc(101), 101, 16));
}

static void use_calloc(void)
{
	const unsigned char *p = calloc(3, 102);
	int i;

	for (i = 0; p && i < 306; i++)
		bad += p[i] != 0;
	free(check(calloc(3, 102), 306, 16));
}

static void use_realloc(void)
{
	char *p = check(realloc(NULL, 103), 103, 16);

	check(p, 103, 16);
	p = realloc(malloc(10), 700);
	check(p, 700, 16);
	p = realloc(malloc(10), 5000);
	check(p, 5000, 16);
	free(p);
}

static void use_reallocarray(void)
{
	check(reallocarray(NULL, 4, 105), 420, 16);
	check(reallocarray(malloc(1), 5, 120), 600, 16);
	errno = 0;
	if (reallocarray(NULL, huge, 3) || errno != ENOMEM)
		bad++;
}

static void use_posix_memalign(void)
{
	void *p = NULL;

	bad += posix_memalign(&p, 64, 204) != 0;
	check(p, 204, 64);
	bad += posix_memalign(&p, 4096, 204) != 0;
	free(check(p, 204, 4096));
	bad += posix_memalign(&p, 3, 100) != EINVAL;
}

static void use_aligned_alloc(void)
{
	check(aligned_alloc(64, 320), 320, 64);
	free(check(aligned_alloc(128, 256), 256, 128));
}

static void use_memalign(void)
{
	check(memalign(512, 206), 206, 512);
	free(check(memalign(32, 206), 206, 32));
}

static void use_valloc(void)
{
	check(valloc(207), 207, 4096);
	free(check(valloc(207), 207, 4096));
}

static void use_pvalloc(void)
{
	check(pvalloc(208), 4096, 4096);
	free(check(pvalloc(208), 4096, 4096));
}

static void use_strdup(void)
{
	char *p = strdup("0123456789");

	bad += !p || strcmp(p, "0123456789");
	free(strdup("freed"));
}

static void use_strndup(void)
{
	char *p = strndup("0123456789", 5);

	bad += !p || strcmp(p, "01234");
	free(strndup("freed", 2));
}

static void use_getline(void)
{
	static char text[] = "one line\nsecond line\n";
	FILE *f = fmemopen(text, sizeof(text) - 1, "r");
	char *line = NULL;
	size_t size = 0;

	if (!f) {
		bad++;
		return;
	}
	bad += getline(&line, &size, f) != 9 || strcmp(line, "one line\n");
	bad += getline(&line, &size, f) != 12 || strcmp(line, "second line\n");
	bad += size < 13;
	fclose(f);
}

static void use_asprintf(void)
{
	char *p = NULL;

	bad += asprintf(&p, "%s %d", "twenty-three characters", 42) != 26;
	p = NULL;
	bad += asprintf(&p, "%d", 7) != 1;
	free(p);
}

extern void free_sized(void *, size_t) __attribute__((weak));
extern void free_aligned_sized(void *, size_t, size_t) __attribute__((weak));

/* C23: a C library or an allocator that has them; else plain free. */
static void use_free_sized(void)
{
	if (free_sized)
		free_sized(malloc(64), 64);
	else
		free(malloc(64));
	if (free_aligned_sized)
		free_aligned_sized(aligned_alloc(64, 64), 64, 64);
	else
		free(aligned_alloc(64, 64));
}

int main(void)
{
	use_malloc();
	use_calloc();
	use_realloc();
	use_reallocarray();
	use_posix_memalign();
	use_aligned_alloc();
	use_memalign();
	use_valloc();
	use_pvalloc();
	use_strdup();
	use_strndup();
	use_getline();
	use_asprintf();
	use_free_sized();
	free(NULL);
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("every_allocator: %d bad\n", bad);
	return bad != 0;
}
