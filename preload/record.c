/* SPDX-License-Identifier: MIT */
/*
 * record.c - see record.h. Runs in the thread that the event belongs to, inside the guard.
 * A row is written whole and then covered by the chunk's `used`: what a kill leaves is a
 * prefix of the events, never half of one.
 */
#include "record.h"

#include "followed.h"
#include "skipped.h"
#include "sys.h"
#include "thread.h"
#include "unwind.h"
#include "upto.h"

static void stamp_before(struct thread *t)
{
	thread_stamp(t, 0);
}

static void stamp_after(struct thread *t)
{
	thread_stamp(t, 1);
}

/* Stamp first. */
static inline void push(struct thread *t, uint64_t addr, uint64_t size, uint32_t stack,
			enum shim_op op, enum shim_func func, unsigned extra)
{
	struct shim_row *row;

	if (!upto(UPTO_ROWS))
		return;
	if (unlikely(t->next == t->end) && thread_make_room(t)) {
		t->lost++;
		return;
	}
	row = t->next++;
	row->ticks = t->ticks;
	row->addr = addr;
	row->size = size;
	row->stack = stack;
	row->op = (uint8_t)op;
	row->func = (uint8_t)func;
	row->extra = (uint16_t)extra;
	/*
	 * release: the row is there before it counts; pairs with the reader of the spool
	 * and with lifecycle.c
	 */
	__atomic_store_n(&t->chunk->used, (uint32_t)((uintptr_t)t->next - (uintptr_t)(t->chunk + 1)),
			 __ATOMIC_RELEASE);
}

static unsigned ignored(const struct thread *t)
{
	return unlikely(t->ignore) ? SHIM_EXTRA_IGNORED : 0;
}

static int is_sampling(const struct thread *t)
{
	return t->sample.mean_bytes != 0;
}

/* The new block at P is in the sample: 1 if it can be followed. */
static __attribute__((noinline)) int begins_followed(struct thread *t, const void *p)
{
	t->newest_sampled = p;
	t->newest_left_bytes = t->sample.left_bytes;
	if (t->is_skipping) {
		skipped_remove((uintptr_t)p);
		return 1;
	}
	if (likely(followed_add((uintptr_t)p) == 0))
		return 1;
	t->lost++;
	return 0;
}

/*
 * While T takes a sample: 1 if the new block at P is not in it. What cannot be remembered for want
 * of memory is lost: a block that should be followed, or the mark without which a free looks like
 * that of an older block.
 */
static inline int is_left_out(struct thread *t, const void *p, size_t size)
{
	if (likely(!sample_hits(&t->sample, size))) {
		if (t->is_skipping && skipped_add((uintptr_t)p))
			t->lost++;
		return 1;
	}
	return !begins_followed(t, p);
}

/* While T takes a sample: 1 if the block at P, which is about to end, was recorded. */
static inline int ends_followed(const struct thread *t, const void *p)
{
	if (t->is_skipping)
		return !skipped_remove((uintptr_t)p);
	return followed_may_have((uintptr_t)p) && followed_remove((uintptr_t)p);
}

/*
 * While T takes a sample: what the end of the block at P tells if T has allocated nothing since; any
 * other allocation would have counted down.
 */
static unsigned temporary(const struct thread *t, const void *p)
{
	return p == t->newest_sampled && t->sample.left_bytes == t->newest_left_bytes
		       ? SHIM_EXTRA_TEMPORARY
		       : 0;
}

/* After a realloc that failed: the block at P lives on as what it was. */
static void lives_on(struct thread *t, const void *p)
{
	if (t->is_old_followed && !t->is_skipping && followed_add((uintptr_t)p))
		t->lost++;
	if (!t->is_old_followed && t->is_skipping && skipped_add((uintptr_t)p))
		t->lost++;
}

/* Of its own, so that what is left out of a sample saves no registers for it. */
static __attribute__((noinline)) void push_alloc(struct thread *t, enum shim_func func, const void *p,
						 size_t size, unsigned extra, const void *frame)
{
	uint32_t stack;

	stamp_after(t);
	stack = unwind_stack(t, frame);
	push(t, (uintptr_t)p, size, stack, likely(p) ? SHIM_OP_ALLOC : SHIM_OP_ALLOC_FAIL, func,
	     extra | ignored(t));
}

void record_alloc(struct thread *t, enum shim_func func, const void *p, size_t size, unsigned extra,
		  const void *frame)
{
	if (!upto(UPTO_CAPTURE))
		return;
	if (unlikely(is_sampling(t)) && likely(p) && is_left_out(t, p, size))
		return;
	push_alloc(t, func, p, size, extra, frame);
}

void record_free(struct thread *t, enum shim_func func, const void *p, unsigned extra)
{
	if (!upto(UPTO_CAPTURE))
		return;
	if (unlikely(is_sampling(t))) {
		if (!ends_followed(t, p))
			return;
		extra |= temporary(t, p);
	}
	stamp_before(t);
	push(t, (uintptr_t)p, 0, SHIM_STACK_NONE, SHIM_OP_FREE, func, extra);
}

void record_realloc_begin(struct thread *t, enum shim_func func, const void *old, size_t size)
{
	unsigned extra = 0;

	if (!upto(UPTO_CAPTURE))
		return;
	if (unlikely(is_sampling(t))) {
		t->is_old_followed = (uint32_t)ends_followed(t, old);
		if (!t->is_old_followed)
			return;
		extra = temporary(t, old);
	}
	stamp_before(t);
	push(t, (uintptr_t)old, size, SHIM_STACK_NONE, SHIM_OP_REALLOC_FREE, func, extra);
}

/*
 * While T takes a sample: 1 if nothing of the end of this realloc is recorded. Otherwise *P is 0
 * when the new block is not followed, but the old one was: then the call is told without the block.
 */
static int leaves_out_realloc(struct thread *t, const void *old, const void **p, size_t size)
{
	if (!*p) {
		lives_on(t, old);
		return !t->is_old_followed;
	}
	if (!is_left_out(t, *p, size))
		return 0;
	*p = NULL;
	return !t->is_old_followed;
}

void record_realloc_end(struct thread *t, enum shim_func func, const void *old, const void *p,
			size_t size, unsigned extra, const void *frame)
{
	int has_moved = p != NULL;
	uint32_t stack;

	if (!upto(UPTO_CAPTURE))
		return;
	if (!p && size == 0)
		return; /* it was a free, and realloc-free has said so */
	if (unlikely(is_sampling(t))) {
		if (leaves_out_realloc(t, old, &p, size))
			return;
		if (has_moved && !p)
			extra |= SHIM_EXTRA_UNFOLLOWED;
	}
	stamp_after(t);
	stack = unwind_stack(t, frame);
	if (has_moved)
		push(t, (uintptr_t)p, size, stack, SHIM_OP_REALLOC_ALLOC, func, extra | ignored(t));
	else
		push(t, (uintptr_t)old, 0, stack, SHIM_OP_REALLOC_FAIL, func, extra);
}

void record_mmap(struct thread *t, enum shim_func func, const void *p, size_t size, unsigned extra,
		 const void *frame)
{
	if (!upto(UPTO_CAPTURE))
		return;
	stamp_after(t);
	push(t, (uintptr_t)p, size, unwind_stack(t, frame), SHIM_OP_MMAP, func, extra);
}

void record_munmap(struct thread *t, enum shim_func func, const void *p, size_t size,
		   const void *frame)
{
	if (!upto(UPTO_CAPTURE))
		return;
	stamp_before(t);
	push(t, (uintptr_t)p, size, unwind_stack(t, frame), SHIM_OP_MUNMAP, func, 0);
}

void record_brk(struct thread *t, enum shim_func func, const void *break_now, intptr_t change,
		const void *frame)
{
	if (!upto(UPTO_CAPTURE))
		return;
	stamp_after(t);
	push(t, (uintptr_t)break_now, (uint64_t)change, unwind_stack(t, frame), SHIM_OP_BRK, func, 0);
}
