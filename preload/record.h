/* SPDX-License-Identifier: MIT */
/*
 * record.h - the one door from hooks to the pipe: "X happened" becomes a row in this
 * thread's ring.
 *
 * T is what thread_enter() returned. FRAME is the hook's own frame address
 * (__builtin_frame_address(0); hooks keep frame pointers), from which the stack of the
 * hook's caller is taken: its innermost frame is the program's call of the hook. Nothing
 * here changes errno, calls an allocator, or fails: what cannot be written is counted in
 * T->lost.
 * Context of all: the thread that entered.
 */
#ifndef PRELOAD_RECORD_H
#define PRELOAD_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "shim_trace.h"
#include "thread.h"

/*
 * A block of SIZE bytes (as asked for) came alive at P; P NULL: the allocation failed.
 * EXTRA: SHIM_EXTRA_*. Call after the real call.
 */
void record_alloc(struct thread *t, enum shim_func func, const void *p, size_t size, unsigned extra,
		  const void *frame);

/* The block at P (not NULL) is about to be freed. Call before the real call. */
void record_free(struct thread *t, enum shim_func func, const void *p, unsigned extra);

/* A realloc of the block at OLD (not NULL) to SIZE bytes is about to be made. */
void record_realloc_begin(struct thread *t, enum shim_func func, const void *old, size_t size);

/*
 * The realloc begun last on this thread gave P (NULL: it failed, the block at OLD lives on;
 * with SIZE 0: it was a free). SIZE is what the block has now, in bytes as asked for.
 */
void record_realloc_end(struct thread *t, enum shim_func func, const void *old, const void *p,
			size_t size, unsigned extra, const void *frame);

/* SIZE bytes mapped at P; EXTRA: SHIM_MAP_*. After the real call. */
void record_mmap(struct thread *t, enum shim_func func, const void *p, size_t size, unsigned extra,
		 const void *frame);

/* SIZE bytes at P are about to be unmapped. Before the real call. */
void record_munmap(struct thread *t, enum shim_func func, const void *p, size_t size,
		   const void *frame);

/* The program break is now BREAK_NOW, changed by CHANGE bytes. */
void record_brk(struct thread *t, enum shim_func func, const void *break_now, intptr_t change,
		const void *frame);

#endif
