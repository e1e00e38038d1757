/* SPDX-License-Identifier: MIT */
/*
 * A program that defines malloc and free itself: a preloaded library comes after it in symbol order and
 * sees none of its calls. The program works as before.
 * A perfect report has no heap event of own_blocks:
 * truth: leak own_blocks 0 0
 */
/* build: -O0 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char heap[1 << 20] __attribute__((aligned(64)));
static size_t used;
static int calls;

void *malloc(size_t size)
{
	size_t at = used;

	calls++;
	if (size > sizeof(heap) - used) {
		errno = ENOMEM;
		return NULL;
	}
	used += (size + 63) & ~(size_t)63;
	return heap + at;
}

void free(void *p)
{
	(void)p;
}

void *calloc(size_t count, size_t size)
{
	void *p = malloc(count * size);

	return p ? memset(p, 0, count * size) : NULL;
}

void *realloc(void *old, size_t size)
{
	void *p = malloc(size);

	/* reads beyond the old block, but never beyond the heap */
	if (p && old)
		memmove(p, old, size);
	return p;
}

static void own_blocks(void)
{
	int i;

	for (i = 0; i < 100; i++)
		*(volatile char *)malloc(100) = 1;
}

int main(void)
{
	int before = calls;

	own_blocks();
	return write(1, calls - before == 100 ? "mine\n" : "lost\n", 5) != 5;
}
