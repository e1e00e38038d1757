/* SPDX-License-Identifier: MIT */
/*
 * count.h - what the files of the counting library share: its rows, and how a wrapper counts.
 *
 * Only tests/count/ includes it. See count.c for what is counted and what is not.
 */
#ifndef COUNT_H
#define COUNT_H

#include <stddef.h>

#define COUNT_LIST(ROW)                               \
	ROW(MALLOC, "malloc")                         \
	ROW(CALLOC, "calloc")                         \
	ROW(REALLOC_NEW, "realloc_new")               \
	ROW(REALLOC, "realloc")                       \
	ROW(REALLOC_TO_ZERO, "realloc_to_zero")       \
	ROW(REALLOCARRAY_NEW, "reallocarray_new")     \
	ROW(REALLOCARRAY, "reallocarray")             \
	ROW(POSIX_MEMALIGN, "posix_memalign")         \
	ROW(ALIGNED_ALLOC, "aligned_alloc")           \
	ROW(MEMALIGN, "memalign")                     \
	ROW(VALLOC, "valloc")                         \
	ROW(PVALLOC, "pvalloc")                       \
	ROW(NEW, "operator new")                      \
	ROW(NEW_ARRAY, "operator new[]")              \
	ROW(MALLOCX, "mallocx")                       \
	ROW(RALLOCX, "rallocx")                       \
	ROW(XALLOCX, "xallocx")                       \
	ROW(FREE, "free")                             \
	ROW(FREE_SIZED, "free_sized")                 \
	ROW(FREE_ALIGNED_SIZED, "free_aligned_sized") \
	ROW(DELETE, "operator delete")                \
	ROW(DELETE_ARRAY, "operator delete[]")        \
	ROW(DALLOCX, "dallocx")                       \
	ROW(SDALLOCX, "sdallocx")

enum count_row {
#define COUNT_ID(id, text) COUNT_##id,
	COUNT_LIST(COUNT_ID)
#undef COUNT_ID
		COUNT_ROWS
};

#define EXPORT __attribute__((visibility("default")))

/* The next definition of NAME behind this library, of FUNCTION's own type; looked up once per place. */
#define NEXT(function, name)                                      \
	({                                                        \
		static void *_Atomic slot;                        \
		(__typeof__(&(function)))count_next(&slot, name); \
	})

/**
 * Look up the next definition of a symbol.
 * @return the definition, or NULL if there is none. errno is kept.
 */
void *count_next(void *_Atomic *slot, const char *name);

/** Count one call that succeeded, with the bytes that it asked for. */
void count_call(enum count_row which, size_t bytes);

/**
 * Begin a call whose next definition may call another counted function, which is then not counted.
 * @return 1 if this call is itself such an inner call: do not count it.
 */
int count_enter(void);

/** End what count_enter began; not needed after an exception. */
void count_leave(void);

#endif
