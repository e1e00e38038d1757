/* SPDX-License-Identifier: MIT */
/*
 * hooks_malloc.c - the C allocator's doors.
 *
 * Runs in every thread of the program, before main, after exit, and in signal handlers that
 * allocate although they should not. free is recorded before the real call and an allocation after
 * it, so that for one address the time order across threads is right; a realloc is both. Bodies
 * touch neither errno nor memory of the program; what is nested in one (the allocator's own mmap,
 * libc's malloc below reallocarray) finds the guard taken and is not recorded.
 */
#define _GNU_SOURCE
#include "hooks.h"

#include <malloc.h>
#include <stdlib.h>

#include "real.h"
#include "record.h"
#include "slots.h"

/* log2 of the page that valloc and pvalloc align to. */
#define PAGE_SHIFT 12

/* The end of every allocating hook: T is what thread_enter() gave, P what the real call gave. */
static inline void *allocated(struct thread *t, enum shim_func func, void *p, size_t size,
			      unsigned extra, const void *frame)
{
	if (likely(t)) {
		if (hooks_record(CONFIG_EVENT_HEAP))
			record_alloc(t, func, p, size, extra, frame);
		thread_leave(t);
	}
	return p;
}

/* Before every freeing hook's real call. */
static inline void freeing(struct thread *t, enum shim_func func, const void *p)
{
	if (likely(t) && hooks_record(CONFIG_EVENT_HEAP))
		record_free(t, func, p, 0);
}

static inline void freed(struct thread *t)
{
	if (likely(t))
		thread_leave(t);
}

static inline void reallocating(struct thread *t, enum shim_func func, const void *old, size_t size)
{
	if (likely(t) && old && hooks_record(CONFIG_EVENT_HEAP))
		record_realloc_begin(t, func, old, size);
}

static inline void *reallocated(struct thread *t, enum shim_func func, const void *old, void *p,
				size_t size, const void *frame)
{
	if (likely(t)) {
		if (!hooks_record(CONFIG_EVENT_HEAP))
			;
		else if (old)
			record_realloc_end(t, func, old, p, size, 0, frame);
		else
			record_alloc(t, func, p, size, 0, frame);
		thread_leave(t);
	}
	return p;
}

EXPORT void *malloc(size_t size)
{
	struct thread *t = thread_enter(HERE);
	void *p = real.malloc(size);

	return allocated(t, SHIM_FUNC_MALLOC, p, size, 0, HERE);
}

EXPORT void *calloc(size_t count, size_t size)
{
	struct thread *t = thread_enter(HERE);
	void *p = real.calloc(count, size);

	return allocated(t, SHIM_FUNC_CALLOC, p, hooks_product(count, size), 0, HERE);
}

EXPORT void free(void *p)
{
	struct thread *t;

	if (unlikely(!p))
		return;
	t = thread_enter(HERE);
	freeing(t, SHIM_FUNC_FREE, p);
	real.free(p);
	freed(t);
}

EXPORT void cfree(void *p)
{
	struct thread *t;

	if (unlikely(!p))
		return;
	t = thread_enter(HERE);
	freeing(t, SHIM_FUNC_CFREE, p);
	real.cfree(p);
	freed(t);
}

/* C23's: few allocators have them, and they are asked for (slots.h). */
static struct {
	void (*free_sized)(void *p, size_t size);
	void (*free_aligned_sized)(void *p, size_t alignment, size_t size);
} next;

static void hook_free_sized(void *p, size_t size)
{
	struct thread *t;

	if (unlikely(!p))
		return;
	t = thread_enter(HERE);
	freeing(t, SHIM_FUNC_FREE_SIZED, p);
	next.free_sized(p, size);
	freed(t);
}

static void hook_free_aligned_sized(void *p, size_t alignment, size_t size)
{
	struct thread *t;

	if (unlikely(!p))
		return;
	t = thread_enter(HERE);
	freeing(t, SHIM_FUNC_FREE_ALIGNED_SIZED, p);
	next.free_aligned_sized(p, alignment, size);
	freed(t);
}

static const struct slot_door doors[] = {
	{ "free_sized", (void *)hook_free_sized, (void **)&next.free_sized },
	{ "free_aligned_sized", (void *)hook_free_aligned_sized, (void **)&next.free_aligned_sized },
};

__attribute__((constructor)) void hooks_malloc_loaded(void)
{
	slots_turn(&doors[0], 1);
	slots_turn(&doors[1], 1);
}

EXPORT void *realloc(void *old, size_t size)
{
	struct thread *t = thread_enter(HERE);
	void *p;

	reallocating(t, SHIM_FUNC_REALLOC, old, size);
	p = real.realloc(old, size);
	return reallocated(t, SHIM_FUNC_REALLOC, old, p, size, HERE);
}

EXPORT void *reallocarray(void *old, size_t count, size_t size)
{
	struct thread *t = thread_enter(HERE);
	size_t whole = hooks_product(count, size);
	void *p;

	reallocating(t, SHIM_FUNC_REALLOCARRAY, old, whole);
	p = real.reallocarray(old, count, size);
	return reallocated(t, SHIM_FUNC_REALLOCARRAY, old, p, whole, HERE);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
	struct thread *t = thread_enter(HERE);
	int error = real.posix_memalign(out, alignment, size);

	allocated(t, SHIM_FUNC_POSIX_MEMALIGN, error ? NULL : *out, size,
		  hooks_alignment(alignment), HERE);
	return error;
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	struct thread *t = thread_enter(HERE);
	void *p = real.aligned_alloc(alignment, size);

	return allocated(t, SHIM_FUNC_ALIGNED_ALLOC, p, size, hooks_alignment(alignment), HERE);
}

EXPORT void *memalign(size_t alignment, size_t size)
{
	struct thread *t = thread_enter(HERE);
	void *p = real.memalign(alignment, size);

	return allocated(t, SHIM_FUNC_MEMALIGN, p, size, hooks_alignment(alignment), HERE);
}

EXPORT void *valloc(size_t size)
{
	struct thread *t = thread_enter(HERE);
	void *p = real.valloc(size);

	return allocated(t, SHIM_FUNC_VALLOC, p, size, PAGE_SHIFT, HERE);
}

EXPORT void *pvalloc(size_t size)
{
	struct thread *t = thread_enter(HERE);
	void *p = real.pvalloc(size);

	return allocated(t, SHIM_FUNC_PVALLOC, p, size, PAGE_SHIFT, HERE);
}

/* Passed through: no event, but of the same allocator as the rest. */
EXPORT size_t malloc_usable_size(void *p)
{
	return real.malloc_usable_size(p);
}
