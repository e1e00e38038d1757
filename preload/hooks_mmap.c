/* SPDX-License-Identifier: MIT */
/*
 * hooks_mmap.c - the doors to the kernel's memory.
 *
 * A mapping made by an allocator below one of our other doors finds the guard taken and is not
 * recorded: it would count the same bytes twice. What ends is recorded before the real call and
 * what begins after it, because the kernel may give the addresses to another thread in between. Raw
 * system calls and libc's internal ones (thread stacks, the loader's maps) do not come here.
 */
#define _GNU_SOURCE
#include "hooks.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "real.h"
#include "record.h"

#define PAGE 4096u

/*
 * An allocator that stands before us maps its first memory with its own locks held. Recording must
 * not be started from there, since that allocates: before our constructor ran, only a thread that
 * has been seen elsewhere is recorded.
 */
static int is_up;

__attribute__((constructor)) static void come_up(void)
{
	is_up = 1;
}

static inline struct thread *map_enter(const void *frame)
{
	if (unlikely(thread_self == &thread_none) && !is_up)
		return NULL;
	return thread_enter(frame);
}

static unsigned map_extra(int prot, int flags)
{
	unsigned extra = 0;

	extra |= prot & PROT_READ ? SHIM_MAP_READ : 0;
	extra |= prot & PROT_WRITE ? SHIM_MAP_WRITE : 0;
	extra |= prot & PROT_EXEC ? SHIM_MAP_EXEC : 0;
	extra |= flags & MAP_SHARED ? SHIM_MAP_SHARED : 0; /* MAP_SHARED_VALIDATE has this bit too */
	extra |= flags & MAP_ANONYMOUS ? SHIM_MAP_ANONYMOUS : 0;
	extra |= flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) ? SHIM_MAP_FIXED : 0;
	return extra;
}

static void *mapped(struct thread *t, enum shim_func func, void *p, size_t size, unsigned extra,
		    const void *frame)
{
	if (likely(t)) {
		if (p != MAP_FAILED && hooks_record(CONFIG_EVENT_MMAP))
			record_mmap(t, func, p, size, extra, frame);
		thread_leave(t);
	}
	return p;
}

EXPORT void *mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	struct thread *t = map_enter(HERE);
	void *p = real.mmap(addr, size, prot, flags, fd, offset);

	return mapped(t, SHIM_FUNC_MMAP, p, size, map_extra(prot, flags), HERE);
}

EXPORT void *mmap64(void *addr, size_t size, int prot, int flags, int fd, off64_t offset)
{
	struct thread *t = map_enter(HERE);
	void *p = real.mmap64(addr, size, prot, flags, fd, offset);

	return mapped(t, SHIM_FUNC_MMAP, p, size, map_extra(prot, flags), HERE);
}

EXPORT int munmap(void *addr, size_t size)
{
	struct thread *t = map_enter(HERE);
	int result;

	/* what the kernel refuses is no event: it takes whole pages, and at least one */
	if (likely(t) && (uintptr_t)addr % PAGE == 0 && size && hooks_record(CONFIG_EVENT_MMAP))
		record_munmap(t, SHIM_FUNC_MUNMAP, addr, size, HERE);
	result = real.munmap(addr, size);
	if (likely(t))
		thread_leave(t);
	return result;
}

/*
 * The old range must be told as gone before the call where the call may give it up: shrinking, or
 * moving elsewhere. If that call then fails, the range is told as mapped again.
 */
EXPORT void *mremap(void *old, size_t old_size, size_t size, int flags, ...)
{
	struct thread *t = map_enter(HERE);
	int is_on = likely(t) && hooks_record(CONFIG_EVENT_MMAP);
	int ends = old_size && !(flags & MREMAP_DONTUNMAP);
	int is_early = ends && (size < old_size || (flags & MREMAP_MAYMOVE));
	void *target = NULL, *p;
	va_list args;

	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		va_start(args, flags);
		target = va_arg(args, void *);
		va_end(args);
	}
	if (is_on && is_early)
		record_munmap(t, SHIM_FUNC_MREMAP, old, old_size, HERE);
	p = real.mremap(old, old_size, size, flags, target);
	if (is_on && p != MAP_FAILED) {
		if (ends && !is_early)
			record_munmap(t, SHIM_FUNC_MREMAP, old, old_size, HERE);
		record_mmap(t, SHIM_FUNC_MREMAP, p, size, 0, HERE);
	} else if (is_on && is_early) {
		record_mmap(t, SHIM_FUNC_MREMAP, old, old_size, 0, HERE);
	}
	if (likely(t))
		thread_leave(t);
	return p;
}

static uintptr_t break_now(void)
{
	return (uintptr_t)sys_call(SYS_brk, 0);
}

EXPORT int brk(void *addr)
{
	struct thread *t = map_enter(HERE);
	uintptr_t before = break_now(), now;
	int result = real.brk(addr);

	if (likely(t)) {
		now = break_now();
		if (result == 0 && now != before && hooks_record(CONFIG_EVENT_MMAP))
			record_brk(t, SHIM_FUNC_BRK, (void *)now, (intptr_t)(now - before), HERE);
		thread_leave(t);
	}
	return result;
}

/* sbrk(0) asks where the break is. */
EXPORT void *sbrk(intptr_t change)
{
	struct thread *t = map_enter(HERE);
	void *p = real.sbrk(change);

	if (likely(t)) {
		if (change && p != (void *)-1 && hooks_record(CONFIG_EVENT_MMAP))
			record_brk(t, SHIM_FUNC_SBRK, (char *)p + change, change, HERE);
		thread_leave(t);
	}
	return p;
}
