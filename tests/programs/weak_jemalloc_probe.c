/* SPDX-License-Identifier: MIT */
/*
 * Asks by weak symbols and by dlsym whether jemalloc is there, as Rust's and C++'s libraries do (folly,
 * arrow, jemallocator). It is not, and must not seem to be; a program that believes otherwise calls
 * functions that do not exist behind the library.
 * A perfect report says nothing in particular; the output is "absent" for each.
 */
/* build: -O0 -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

extern void *mallocx(size_t, int) __attribute__((weak));
extern void *rallocx(void *, size_t, int) __attribute__((weak));
extern size_t xallocx(void *, size_t, size_t, int) __attribute__((weak));
extern void sdallocx(void *, size_t, int) __attribute__((weak));
extern void dallocx(void *, int) __attribute__((weak));
extern size_t sallocx(const void *, int) __attribute__((weak));
extern int mallctl(const char *, void *, size_t *, void *, size_t) __attribute__((weak));

/* The test that folly::usingJEMalloc and others make: all of them or none. */
static int seems_present(void)
{
	return mallocx && rallocx && xallocx && sdallocx && dallocx && sallocx && mallctl;
}

int main(void)
{
	void *block;

	printf("weak: %s\n", seems_present() ? "present" : "absent");
	printf("mallocx: %s\n", mallocx ? "present" : "absent");
	printf("sdallocx: %s\n", sdallocx ? "present" : "absent");
	printf("dlsym: %s\n", dlsym(RTLD_DEFAULT, "mallocx") ? "present" : "absent");
	/* a naive program asks for one function only and then uses it */
	block = mallocx ? mallocx(100, 0) : malloc(100);
	if (!block)
		return 1;
	if (dallocx)
		dallocx(block, 0);
	else
		free(block);
	return 0;
}
