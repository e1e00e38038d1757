/* SPDX-License-Identifier: MIT */
/*
 * pool.h - memory of the tool: checked allocation, a growing array, and an arena for things that live as long as a run.
 *
 * Out of memory ends the tool with one line on stderr and status 1: there is no report to save at that point.
 * That is the one exception to "library code never exits"; sizes that come from input are bounded by their readers
 * before they reach this file.
 */
#ifndef UTIL_POOL_H
#define UTIL_POOL_H

#include <stddef.h>

/* malloc, calloc and realloc that never return NULL. SIZE or COUNT may be 0. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);

/* "text" formatted into memory of its own; free() it. */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Makes sure that ARRAY (element size SIZE, *CAPACITY elements) holds NEEDED elements; grows by half again.
 * Returns the array, which may have moved.
 */
void *pool_grow(void *array, size_t *capacity, size_t needed, size_t size);

/* An arena: allocations are never freed one by one. */
struct pool;

struct pool *pool_new(void);
void pool_delete(struct pool *pool);
/* SIZE bytes aligned to 16, zeroed, valid until pool_delete. Context: one thread at a time. */
void *pool_alloc(struct pool *pool, size_t size);
/* A terminated copy of TEXT[LENGTH]. */
char *pool_strndup(struct pool *pool, const char *text, size_t length);

#endif
