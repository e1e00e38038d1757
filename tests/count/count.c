/* SPDX-License-Identifier: MIT */
/*
 * count.c - an independent witness: a preload library that counts heap calls and nothing else.
 *
 * It shares no code with preload/ and is read by tests/count/count.py. For each function that the
 * program calls it keeps the number of calls that succeeded and the bytes asked for, in a file mapped
 * shared (COUNT_OUTPUT.PID, with .1, .2... after an exec), so that any end of the process leaves them.
 * Without COUNT_OUTPUT it counts for itself. It must never know of the shim, nor guess.
 *
 * What is counted (the words of docs/trace-format.md):
 * - An allocation gave a pointer; a failed call is nothing. Bytes are those asked for.
 * - realloc(NULL, n) is an allocation ("realloc_new"), realloc(p, n) that moved or kept a block a
 *   reallocation ("realloc"), realloc(p, 0) that gave NULL a free ("realloc_to_zero").
 * - free(NULL) and operator delete(nullptr) are nothing.
 * - Only the function that the program called is counted: not the malloc inside operator new, nor the
 *   realloc inside reallocarray. The outer wrapper leaves a token that the inner call takes. (A new
 *   that succeeds only after its new handler made room counts as new and as malloc.)
 * - Calls before this library's constructor are kept apart ("early"): the start-up of whatever else is
 *   preloaded falls into them or not, by the order of LD_PRELOAD.
 * - A child of fork or of a bare clone begins with zeros in a file of its own.
 */
#define _GNU_SOURCE
#include "count.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const names[COUNT_ROWS] = {
#define COUNT_NAME(id, text) [COUNT_##id] = text,
	COUNT_LIST(COUNT_NAME)
#undef COUNT_NAME
};

struct row {
	char name[24];
	_Atomic uint64_t early_calls, early_bytes, calls, bytes;
};

struct table {
	char magic[8];
	uint32_t rows, pid;
	struct row row[COUNT_ROWS];
};

static struct table own; /* before the constructor, and without a file */
static struct table *_Atomic table = &own;
static _Atomic uint32_t *alive; /* on a page that reads as zero in a child */
static char output[4096];
static _Atomic int constructed;

#define THREAD_LOCAL static __thread __attribute__((tls_model("initial-exec")))
THREAD_LOCAL int token;
THREAD_LOCAL int resolving;

/* ---- next definitions ------------------------------------------------------------------------- */

/* For whoever allocates while dlsym looks for malloc; never given back, never counted. */
static char arena[65536] __attribute__((aligned(64)));
static size_t arena_used;

static void *arena_take(size_t size)
{
	size_t at = (arena_used + 63) & ~(size_t)63;

	if (size > sizeof(arena) || at > sizeof(arena) - size)
		return NULL;
	arena_used = at + size;
	return arena + at;
}

static int in_arena(const void *p)
{
	return (const char *)p >= arena && (const char *)p < arena + sizeof(arena);
}

void *count_next(void *_Atomic *slot, const char *name)
{
	void *found = atomic_load_explicit(slot, memory_order_acquire);
	int saved = errno, mangled = !strncmp(name, "_Z", 2);

	if (found)
		return found;
	resolving++;
	found = dlsym(RTLD_NEXT, name);
	if (!found && mangled) {
		/* libstdc++ in a local scope, of which this library is no part; from now on it stays */
		void *library = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_NOLOAD);

		found = library ? dlsym(library, name) : NULL;
	}
	if (found)
		atomic_store_explicit(slot, found, memory_order_release);
	resolving--;
	errno = saved;
	return found;
}

/* ---- counting --------------------------------------------------------------------------------- */

static struct table *map_table(void)
{
	char path[sizeof(output) + 32];
	struct table *mapped;
	int fd = -1, i;

	for (i = 0; i < 1000 && fd < 0; i++) {
		if (i == 0)
			snprintf(path, sizeof(path), "%s.%d", output, (int)getpid());
		else
			snprintf(path, sizeof(path), "%s.%d.%d", output, (int)getpid(), i);
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			return NULL;
	}
	if (fd < 0)
		return NULL;
	mapped = MAP_FAILED;
	if (ftruncate(fd, sizeof(*mapped)) == 0)
		mapped = mmap(NULL, sizeof(*mapped), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (mapped == MAP_FAILED)
		return NULL;
	memcpy(mapped->magic, "COUNT001", 8);
	mapped->rows = COUNT_ROWS;
	mapped->pid = (uint32_t)getpid();
	for (i = 0; i < COUNT_ROWS; i++)
		strncpy(mapped->row[i].name, names[i], sizeof(mapped->row[i].name) - 1);
	return mapped;
}

/* The first call in a child, which has one thread: what was before belongs to the parent. */
static void begin_child(void)
{
	int saved = errno;
	struct table *mapped;

	atomic_store(alive, 1);
	mapped = output[0] ? map_table() : NULL;
	if (!mapped) {
		memset(&own, 0, sizeof(own));
		mapped = &own;
	}
	atomic_store(&table, mapped);
	errno = saved;
}

void count_call(enum count_row which, size_t bytes)
{
	struct row *row;

	if (alive && !atomic_load_explicit(alive, memory_order_relaxed))
		begin_child();
	row = &atomic_load_explicit(&table, memory_order_acquire)->row[which];
	if (atomic_load_explicit(&constructed, memory_order_relaxed)) {
		atomic_fetch_add_explicit(&row->calls, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&row->bytes, bytes, memory_order_relaxed);
	} else {
		atomic_fetch_add_explicit(&row->early_calls, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&row->early_bytes, bytes, memory_order_relaxed);
	}
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("COUNT_OUTPUT");
	struct table *mapped = NULL;
	int saved = errno, i;
	void *page;

	if (path && strlen(path) < sizeof(output)) {
		strcpy(output, path);
		mapped = output[0] ? map_table() : NULL;
	}
	for (i = 0; mapped && i < COUNT_ROWS; i++) {
		mapped->row[i].early_calls = own.row[i].early_calls;
		mapped->row[i].early_bytes = own.row[i].early_bytes;
	}
	if (mapped)
		atomic_store(&table, mapped);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || madvise(page, 4096, MADV_WIPEONFORK))
		abort();
	alive = page;
	atomic_store(alive, 1);
	atomic_store(&constructed, 1);
	errno = saved;
}

int count_enter(void)
{
	int inner = token;

	token = 1;
	return inner;
}

void count_leave(void)
{
	token = 0;
}

static int take_token(void)
{
	int taken = token;

	token = 0;
	return taken;
}

/* ---- the C library's functions ---------------------------------------------------------------- */

static void *counted(void *p, int inner, enum count_row which, size_t bytes)
{
	if (p && !inner)
		count_call(which, bytes);
	return p;
}

EXPORT void *malloc(size_t size)
{
	int inner;

	if (resolving)
		return arena_take(size);
	inner = take_token();
	return counted(NEXT(malloc, "malloc")(size), inner, COUNT_MALLOC, size);
}

EXPORT void *calloc(size_t count, size_t size)
{
	int inner;

	if (resolving) /* fresh arena is zero */
		return size && count > SIZE_MAX / size ? NULL : arena_take(count * size);
	inner = take_token();
	return counted(NEXT(calloc, "calloc")(count, size), inner, COUNT_CALLOC, count * size);
}

/* A block of the arena that grows becomes an ordinary one; its true size is not known, its end is. */
static void *leave_arena(const void *old, size_t size)
{
	size_t rest = (size_t)(arena + sizeof(arena) - (const char *)old);
	void *p = resolving ? arena_take(size) : malloc(size);

	return p ? memcpy(p, old, size < rest ? size : rest) : NULL;
}

static void *resize_counted(void *p, void *old, size_t bytes, int inner, enum count_row fresh,
			    enum count_row moved)
{
	if (inner)
		return p;
	if (!old)
		return counted(p, 0, fresh, bytes);
	if (!p && bytes == 0)
		count_call(COUNT_REALLOC_TO_ZERO, 0);
	return counted(p, 0, moved, bytes);
}

EXPORT void *realloc(void *old, size_t size)
{
	int inner;

	if (resolving || in_arena(old))
		return leave_arena(old, size);
	inner = take_token();
	return resize_counted(NEXT(realloc, "realloc")(old, size), old, size, inner,
			      COUNT_REALLOC_NEW, COUNT_REALLOC);
}

EXPORT void *reallocarray(void *old, size_t count, size_t size)
{
	int inner = count_enter();
	void *p = NEXT(reallocarray, "reallocarray")(old, count, size);

	count_leave();
	return resize_counted(p, old, count * size, inner, COUNT_REALLOCARRAY_NEW,
			      COUNT_REALLOCARRAY);
}

EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
	int inner = count_enter();
	int error = NEXT(posix_memalign, "posix_memalign")(out, align, size);

	count_leave();
	if (!error)
		counted(*out, inner, COUNT_POSIX_MEMALIGN, size);
	return error;
}

#define ALIGNED(function, row)                                    \
	EXPORT void *function(size_t align, size_t size)          \
	{                                                         \
		int inner = count_enter();                        \
		void *p = NEXT(function, #function)(align, size); \
                                                                  \
		count_leave();                                    \
		return counted(p, inner, row, size);              \
	}
ALIGNED(aligned_alloc, COUNT_ALIGNED_ALLOC)
ALIGNED(memalign, COUNT_MEMALIGN)

#define PAGED(function, row)                               \
	EXPORT void *function(size_t size)                 \
	{                                                  \
		int inner = count_enter();                 \
		void *p = NEXT(function, #function)(size); \
                                                           \
		count_leave();                             \
		return counted(p, inner, row, size);       \
	}
PAGED(valloc, COUNT_VALLOC)
PAGED(pvalloc, COUNT_PVALLOC)

EXPORT void free(void *p)
{
	int inner;

	/* inside of dlsym: the text of an old error, at most once for each name looked up */
	if (resolving)
		return;
	inner = take_token();
	if (!p || in_arena(p))
		return;
	if (!inner)
		count_call(COUNT_FREE, 0);
	NEXT(free, "free")(p);
}

/* C23's, which the C library may lack: then they are what the standard says, a free. */
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size);

EXPORT void free_sized(void *p, size_t size)
{
	__typeof__(&free_sized) next = NEXT(free_sized, "free_sized");
	int inner = count_enter();

	if (p && !inner)
		count_call(COUNT_FREE_SIZED, 0);
	if (next)
		next(p, size);
	else
		free(p);
	count_leave();
}

EXPORT void free_aligned_sized(void *p, size_t align, size_t size)
{
	__typeof__(&free_aligned_sized) next = NEXT(free_aligned_sized, "free_aligned_sized");
	int inner = count_enter();

	if (p && !inner)
		count_call(COUNT_FREE_ALIGNED_SIZED, 0);
	if (next)
		next(p, align, size);
	else
		free(p);
	count_leave();
}
