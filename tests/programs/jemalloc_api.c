/* SPDX-License-Identifier: MIT */
/*
 * Linked with jemalloc: its own calls beside malloc and free. The library forwards to jemalloc, not to
 * the C library.
 * A perfect report says:
 * truth: leak use_mallocx 2 600
 * truth: leak use_rallocx 1 5000
 * truth: leak use_xallocx 1 6144
 * truth: leak use_malloc 1 123
 * truth: leak nothing_leaks 0 0
 */
/* build: -O0 -ljemalloc */
#include <jemalloc/jemalloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bad;
static void *volatile sink;

static void *check(void *p, size_t size, size_t align)
{
	bad += !p || (uintptr_t)p % align || sallocx(p, 0) < size;
	if (p)
		memset(p, 0x5a, size);
	return p;
}

static void use_mallocx(void)
{
	const char *p = mallocx(300, MALLOCX_ZERO);
	int i;

	for (i = 0; p && i < 300; i++)
		bad += p[i] != 0;
	sink = check(mallocx(300, MALLOCX_ALIGN(256)), 300, 256);
}

static void use_rallocx(void)
{
	sink = check(rallocx(mallocx(10, 0), 5000, 0), 5000, 16);
}

/* In place or not at all: 6144 fits the size class of 6000 without a move. */
static void use_xallocx(void)
{
	void *p = mallocx(6000, 0);

	bad += xallocx(p, 6144, 0, 0) < 6144;
	sink = check(p, 6144, 16);
}

static void use_malloc(void)
{
	sink = check(malloc(123), 123, 16);
}

static void nothing_leaks(void)
{
	size_t i;

	for (i = 1; i < 2000; i++) {
		dallocx(mallocx(i, 0), 0);
		sdallocx(mallocx(i, 0), i, 0);
		free(mallocx(i, 0));
		dallocx(malloc(i), 0);
	}
	bad += nallocx(100, 0) < 100;
}

int main(void)
{
	const char *version = NULL;
	size_t size = sizeof(version);

	/* control calls are not hooked and still reach jemalloc */
	bad += mallctl("version", &version, &size, NULL, 0) != 0 || !version;
	use_mallocx();
	use_rallocx();
	use_xallocx();
	use_malloc();
	nothing_leaks();
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("jemalloc_api: %d bad\n", bad);
	return bad != 0;
}
