/* SPDX-License-Identifier: MIT */
/* pool.c - see pool.h. Arena blocks double up to 1 MiB; a larger request gets a block of its own. */
#include "util/pool.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_FIRST_BYTES (16u << 10)
#define POOL_MOST_BYTES  (1u << 20)

struct pool_block {
	struct pool_block *next;
	size_t used;
	size_t capacity;
	_Alignas(16) char bytes[];
};

struct pool {
	struct pool_block *blocks;
	size_t next_bytes;
};

static void *checked(void *p, size_t size)
{
	if (p || size == 0)
		return p;
	fprintf(stderr, "shim-analyze: out of memory (%zu bytes wanted)\n", size);
	exit(1);
}

void *xmalloc(size_t size)
{
	return checked(malloc(size ? size : 1), size);
}

void *xcalloc(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size ? size : 1), count * size);
}

void *xrealloc(void *old, size_t size)
{
	return checked(realloc(old, size ? size : 1), size);
}

char *xstrdup(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(xmalloc(size), text, size);
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *text = NULL;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	return checked(length < 0 ? NULL : text, 1);
}

void *pool_grow(void *array, size_t *capacity, size_t needed, size_t size)
{
	size_t wanted = *capacity + *capacity / 2 + 8;

	if (needed <= *capacity)
		return array;
	if (wanted < needed)
		wanted = needed;
	if (wanted > SIZE_MAX / size)
		checked(NULL, SIZE_MAX);
	*capacity = wanted;
	return xrealloc(array, wanted * size);
}

struct pool *pool_new(void)
{
	struct pool *pool = xcalloc(1, sizeof(*pool));

	pool->next_bytes = POOL_FIRST_BYTES;
	return pool;
}

void pool_delete(struct pool *pool)
{
	struct pool_block *block, *next;

	if (!pool)
		return;
	for (block = pool->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	free(pool);
}

void *pool_alloc(struct pool *pool, size_t size)
{
	struct pool_block *block = pool->blocks;
	void *p;

	size = (size + 15) & ~(size_t)15;
	if (!block || block->capacity - block->used < size) {
		size_t capacity = size > pool->next_bytes ? size : pool->next_bytes;

		block = xcalloc(1, sizeof(*block) + capacity);
		block->capacity = capacity;
		block->next = pool->blocks;
		pool->blocks = block;
		if (pool->next_bytes < POOL_MOST_BYTES)
			pool->next_bytes *= 2;
	}
	p = block->bytes + block->used;
	block->used += size;
	return p;
}

char *pool_strndup(struct pool *pool, const char *text, size_t length)
{
	char *copy = pool_alloc(pool, length + 1);

	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}
