/* SPDX-License-Identifier: MIT */
/*
 * hooks_jemalloc.c - jemalloc's own interface: mallocx, rallocx, xallocx, sdallocx, dallocx.
 *
 * Not exported: programs ask by weak symbols whether jemalloc is there (slots.h). The hooks run
 * like those of hooks_malloc.c, and only where a real jemalloc was found.
 */
#include "hooks.h"

#include "record.h"
#include "slots.h"

/*
 * MALLOCX_LG_ALIGN: jemalloc's flags hold log2 of the alignment in the low bits, as
 * SHIM_EXTRA_ALIGN_MASK does.
 */
static unsigned extra_of(int flags)
{
	return (unsigned)flags & SHIM_EXTRA_ALIGN_MASK;
}

static struct {
	void *(*mallocx)(size_t size, int flags);
	void *(*rallocx)(void *old, size_t size, int flags);
	size_t (*xallocx)(void *p, size_t size, size_t more, int flags);
	void (*sdallocx)(void *p, size_t size, int flags);
	void (*dallocx)(void *p, int flags);
} next;

static void *hook_mallocx(size_t size, int flags)
{
	struct thread *t = thread_enter(HERE);
	void *p = next.mallocx(size, flags);

	if (likely(t)) {
		if (hooks_record(CONFIG_EVENT_HEAP))
			record_alloc(t, SHIM_FUNC_MALLOCX, p, size, extra_of(flags), HERE);
		thread_leave(t);
	}
	return p;
}

static void *hook_rallocx(void *old, size_t size, int flags)
{
	struct thread *t = thread_enter(HERE);
	int is_on = likely(t) && hooks_record(CONFIG_EVENT_HEAP);
	void *p;

	if (is_on)
		record_realloc_begin(t, SHIM_FUNC_RALLOCX, old, size);
	p = next.rallocx(old, size, flags);
	if (is_on)
		record_realloc_end(t, SHIM_FUNC_RALLOCX, old, p, size, extra_of(flags), HERE);
	if (likely(t))
		thread_leave(t);
	return p;
}

/* Resizes in place or not at all; returns the real size that the block has in the end. */
static size_t hook_xallocx(void *p, size_t size, size_t more, int flags)
{
	struct thread *t = thread_enter(HERE);
	int is_on = likely(t) && hooks_record(CONFIG_EVENT_HEAP);
	size_t got;

	if (is_on)
		record_realloc_begin(t, SHIM_FUNC_XALLOCX, p, size);
	got = next.xallocx(p, size, more, flags);
	if (is_on)
		record_realloc_end(t, SHIM_FUNC_XALLOCX, p, got >= size ? p : NULL, size,
				   extra_of(flags), HERE);
	if (likely(t))
		thread_leave(t);
	return got;
}

static void hook_sdallocx(void *p, size_t size, int flags)
{
	struct thread *t = thread_enter(HERE);

	if (likely(t) && hooks_record(CONFIG_EVENT_HEAP))
		record_free(t, SHIM_FUNC_SDALLOCX, p, 0);
	next.sdallocx(p, size, flags);
	if (likely(t))
		thread_leave(t);
}

static void hook_dallocx(void *p, int flags)
{
	struct thread *t = thread_enter(HERE);

	if (likely(t) && hooks_record(CONFIG_EVENT_HEAP))
		record_free(t, SHIM_FUNC_DALLOCX, p, 0);
	next.dallocx(p, flags);
	if (likely(t))
		thread_leave(t);
}

static const struct slot_door doors[] = {
	{ "mallocx", (void *)hook_mallocx, (void **)&next.mallocx },
	{ "rallocx", (void *)hook_rallocx, (void **)&next.rallocx },
	{ "xallocx", (void *)hook_xallocx, (void **)&next.xallocx },
	{ "sdallocx", (void *)hook_sdallocx, (void **)&next.sdallocx },
	{ "dallocx", (void *)hook_dallocx, (void **)&next.dallocx },
};

/* All five in one object, or it is not jemalloc. */
__attribute__((constructor)) void hooks_jemalloc_loaded(void)
{
	slots_turn(doors, sizeof(doors) / sizeof(*doors));
}
