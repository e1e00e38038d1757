/* SPDX-License-Identifier: MIT */
/*
 * annotate.c - the far side of include/shim.h: what a program tells about itself.
 *
 * The header's inline functions find these by name at run time. Contracts stand there. Runs in any
 * thread, outside the guard; calls from within an allocator that we are inside of (a program's own
 * pool that is built on malloc) are recorded like any other.
 */
#include <stddef.h>

#include "config.h"
#include "defs.h"
#include "hooks.h"
#include "lifecycle.h"
#include "record.h"

/* Not from shim.h: there they are the inline functions of the program. */
void shim_start(void);
void shim_stop(void);
void shim_mark(const char *name);
void shim_alloc(const void *p, size_t size);
void shim_free(const void *p);
void shim_realloc(const void *old, const void *p, size_t size);
void shim_ignore_begin(void);
void shim_ignore_end(void);
void shim_thread_name(const char *name);

EXPORT void shim_start(void)
{
	lifecycle_record(1);
}

EXPORT void shim_stop(void)
{
	lifecycle_record(0);
}

EXPORT void shim_mark(const char *name)
{
	struct thread *t = thread_enter(HERE);

	if (t) {
		defs_mark(t->index, name ? name : "");
		thread_marked(t);
		thread_leave(t);
	}
}

EXPORT void shim_alloc(const void *p, size_t size)
{
	struct thread *t = thread_enter(HERE);

	if (likely(t)) {
		if (hooks_record(CONFIG_EVENT_HEAP))
			record_alloc(t, SHIM_FUNC_SHIM_ALLOC, p, size, 0, HERE);
		thread_leave(t);
	}
}

EXPORT void shim_free(const void *p)
{
	struct thread *t = thread_enter(HERE);

	if (likely(t)) {
		if (p && hooks_record(CONFIG_EVENT_HEAP))
			record_free(t, SHIM_FUNC_SHIM_FREE, p, 0);
		thread_leave(t);
	}
}

EXPORT void shim_realloc(const void *old, const void *p, size_t size)
{
	struct thread *t = thread_enter(HERE);

	if (unlikely(!t))
		return;
	if (!hooks_record(CONFIG_EVENT_HEAP)) {
		thread_leave(t);
		return;
	}
	if (old) {
		record_realloc_begin(t, SHIM_FUNC_SHIM_REALLOC, old, size);
		record_realloc_end(t, SHIM_FUNC_SHIM_REALLOC, old, p, size, 0, HERE);
	} else {
		record_alloc(t, SHIM_FUNC_SHIM_REALLOC, p, size, 0, HERE);
	}
	thread_leave(t);
}

EXPORT void shim_ignore_begin(void)
{
	struct thread *t = thread_enter(HERE);

	if (t) {
		t->ignore++;
		thread_leave(t);
	}
}

/* Recording may have been off at the begin that belongs to this end. */
EXPORT void shim_ignore_end(void)
{
	struct thread *t = thread_enter(HERE);

	if (t) {
		t->ignore -= t->ignore > 0;
		thread_leave(t);
	}
}

/* T->name stays: it is the kernel's name, kept to notice when that changes. */
EXPORT void shim_thread_name(const char *name)
{
	struct thread *t = thread_enter(HERE);

	if (t) {
		defs_thread_name(t->index, name ? name : "");
		thread_leave(t);
	}
}
