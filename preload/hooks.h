/* SPDX-License-Identifier: MIT */
/*
 * hooks.h - what the doors (hooks_*.c) share: prototypes that no header declares, and the test for
 * a family of events.
 *
 * A hook is: enter the guard, make the real call, record, leave. The guard is held over the real
 * call only where what that does inside is the allocator's own business (hooks_malloc.c,
 * hooks_new.c, hooks_jemalloc.c, hooks_mmap.c); the other doors hold it around our own work alone,
 * so that what the loader or libc allocates for the program is recorded as theirs.
 */
#ifndef PRELOAD_HOOKS_H
#define PRELOAD_HOOKS_H

#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "thread.h"
#include "unwind_arch.h"

/*
 * The frame whose return address is the program's call of the hook. Only in the body of a hook
 * itself.
 */
#define HERE UNWIND_HERE

/*
 * 1 if events of FAMILY (CONFIG_EVENT_*) are recorded; asked inside the guard, when the settings
 * have been read. The one branch of a hook beside the guard's. Context: any thread.
 */
static inline int hooks_record(uint32_t family)
{
	return likely(config.events & family);
}

/* log2 of ALIGNMENT for struct shim_row.extra; 0 when it is none. Context: any. */
static inline unsigned hooks_alignment(size_t alignment)
{
	return alignment && !(alignment & (alignment - 1)) ? (unsigned)__builtin_ctzl(alignment) : 0;
}

/*
 * The product as the program meant it; SIZE_MAX when it has overflowed (then the call fails).
 * Context: any.
 */
static inline size_t hooks_product(size_t count, size_t size)
{
	size_t whole;

	return __builtin_mul_overflow(count, size, &whole) ? SIZE_MAX : whole;
}

/*
 * An object may have come (dlopen) or gone (dlclose): look again for functions that only some
 * systems have, and whether the operators new and delete that we forward to are still there.
 * Context: any thread, outside the guard.
 */
void hooks_malloc_loaded(void);
void hooks_jemalloc_loaded(void);
void hooks_new_loaded(void);

/* Removed from or not yet in the headers. */
void cfree(void *p);
void *pvalloc(size_t size);

#endif
