/* SPDX-License-Identifier: MIT */
/*
 * One function with a variable frame, called directly and through one more frame, its size swept, so
 * that stack pointers coincide over stale return addresses: an unwinder that trusts what it saw last
 * gives one path's blocks to the other.
 * A perfect report says:
 * truth: leak variable 4000 64000
 * truth: leak direct 2000 32000
 * truth: leak through 2000 32000
 */
/* build: -O1 -fomit-frame-pointer -fno-optimize-sibling-calls -fno-inline */
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>

static void *volatile sink;
static volatile char touch;

__attribute__((noinline)) static void variable(size_t size)
{
	volatile char *p = alloca(size);

	p[0] = p[size - 1] = touch;
	sink = malloc(16);
	touch = p[0];
}

__attribute__((noinline)) static void direct(size_t size)
{
	variable(size);
	touch++;
}

__attribute__((noinline)) static void middle(size_t size)
{
	variable(size);
	touch--;
}

__attribute__((noinline)) static void through(size_t size)
{
	middle(size);
	touch++;
}

int main(void)
{
	size_t i;

	for (i = 0; i < 2000; i++) {
		direct(16 + i % 512);
		through(16 + (i * 7) % 512);
	}
	puts("alloca_rbp: done");
	return 0;
}
