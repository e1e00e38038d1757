/* SPDX-License-Identifier: MIT */
/*
 * unwind_record.h - the stack that a thread was last seen with on one range of memory, and whether
 * it is still there.
 *
 * Frames stand root first. A record shrinks by lowering its count and grows by raising it last, so
 * that a signal handler that leaves by longjmp in between cannot spoil it; extras beyond the count
 * are void.
 */
#ifndef PRELOAD_UNWIND_RECORD_H
#define PRELOAD_UNWIND_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "sys.h"
#include "unwind_step.h"

#if UNWIND_HAS_RULES

/*
 * Two ways to be wrong, for a test build that must then find differences: 1 trusts what was seen
 * last without looking, 2 forgets that frames depend on the frame pointer.
 */
#ifndef SHIM_UNWIND_MUTANT
#define SHIM_UNWIND_MUTANT 0
#endif

/* The half of a frame that is compared: the word in its slot, on x86-64 the one below SP, must be PC. */
struct record_mark {
	uintptr_t sp, pc;
#if UNWIND_RA_VARIES
	uintptr_t slot; /* of the innermost frame: means nothing */
#endif
};

struct record_frame {
	uintptr_t fp;      /* means something only if needs_fp */
	uint32_t node;     /* of the stack up to here; 0 not known */
	uint16_t needs_fp; /* what lies beyond depends on the frame pointer */
	uint16_t is_own;
};

/* Another word on which frames from OWNER - 1 outwards depend. In the order of owners. */
struct record_extra {
	uintptr_t addr, value;
	uintptr_t owner;
};

struct record {
	uint32_t count;
	uint32_t extra_count;
	uint32_t min_count; /* fewer frames are too few: what lies beyond the first one is not known */
	uint32_t root;      /* parent of the outermost frame */
	uint32_t is_plain; /* everything lies on the thread's own stack: can be read without asking */
	uint32_t capacity;
	uintptr_t low, high; /* stack pointers seen */
	struct record_mark *marks;
	struct record_frame *frames;
	struct record_extra *extras;
};

/* Memory for CAPACITY frames, from the arena. 0 or -ENOMEM. Context: any thread, inside the guard. */
int record_start(struct record *r, uint32_t capacity);

/*
 * 1 if all words on which R's stack from its innermost frame outwards depends are as they were.
 * Else 0, and R has lost the frames of which that is not true. Context: the thread whose stack it
 * is, inside the guard.
 */
int record_verify(struct record *r, struct unwind_walk *walk);

/* Takes frames off that lie further in than stack pointer SP. */
static inline void record_pop(struct record *r, uintptr_t sp)
{
	uint32_t count = r->count;

	while (count && r->marks[count - 1].sp < sp)
		count--;
	r->count = count;
}

/* 1 if R's innermost frame is in state S. */
static inline int record_matches(const struct record *r, const struct unwind_state *s)
{
	uint32_t count = r->count;

	if (!count)
		return 0;
	return r->marks[count - 1].sp == s->sp && r->marks[count - 1].pc == s->pc && !s->is_exact &&
	       (SHIM_UNWIND_MUTANT == 2 || !r->frames[count - 1].needs_fp ||
		r->frames[count - 1].fp == s->fp);
}

/*
 * 1 if a frame of R is in state S: R loses the frames further in. Else 0, and R stays as it is: the memo
 * may know it.
 */
static inline int record_goes_on(struct record *r, const struct unwind_state *s)
{
	uint32_t count = r->count;

	while (count && r->marks[count - 1].sp < s->sp)
		count--;
	if (!count || r->marks[count - 1].sp != s->sp || r->marks[count - 1].pc != s->pc ||
	    (SHIM_UNWIND_MUTANT != 2 && r->frames[count - 1].needs_fp &&
	     r->frames[count - 1].fp != s->fp))
		return 0;
	r->count = count;
	return 1;
}

/* The word at ADDR, which is known to be readable. */
static inline uintptr_t record_word(uintptr_t addr)
{
	return *(const uintptr_t *)addr;
}

/* The mark of a frame in state S. */
static inline struct record_mark record_mark_of(const struct unwind_state *s)
{
	struct record_mark m = { .sp = s->sp, .pc = s->pc };

#if UNWIND_RA_VARIES
	m.slot = s->slot;
#endif
	return m;
}

/* R's innermost frame will be the caller of a frame that keeps its return address in SLOT. */
static inline void record_set_slot(struct record *r, uintptr_t slot)
{
#if UNWIND_RA_VARIES
	r->marks[r->count - 1].slot = slot;
#else
	(void)r;
	(void)slot;
#endif
}

static inline uintptr_t record_slot(const struct record_mark *m)
{
#if UNWIND_RA_VARIES
	return m->slot;
#else
	return m->sp + UNWIND_RA_SLOT;
#endif
}

/* 0 if the return address that M stands for is in its place. That is readable. */
static inline uintptr_t record_difference(const struct record_mark *m)
{
	return record_word(record_slot(m)) ^ m->pc;
}

/*
 * The number of frames beyond the innermost one that are to be dropped counted from the root: 0 if
 * every return address is in its place, else the index of the innermost one that is not, plus 1.
 * Plain records only.
 */
static inline uint32_t record_compare(const struct record_mark *marks, uint32_t count)
{
	uint32_t i = count - 1;

	/* No load depends on another: eight frames cost little more than one. */
	for (; i >= 8; i -= 8) {
		const struct record_mark *m = &marks[i - 8];
		uintptr_t difference = record_difference(&m[0]) | record_difference(&m[1]) |
				       record_difference(&m[2]) | record_difference(&m[3]) |
				       record_difference(&m[4]) | record_difference(&m[5]) |
				       record_difference(&m[6]) | record_difference(&m[7]);

		if (unlikely(difference))
			break;
	}
	for (; i > 0; i--)
		if (unlikely(record_difference(&marks[i - 1])))
			break;
	return i;
}

/*
 * record_verify() for what is common, without a call: 1 if R, which is not empty, is plain and
 * unchanged; 0 says nothing yet.
 */
static inline int record_is_unchanged(struct record *r)
{
	if (unlikely(!r->is_plain))
		return 0;
	if (SHIM_UNWIND_MUTANT != 1 && unlikely(record_compare(r->marks, r->count)))
		return 0;
	return likely(!r->extra_count) || record_verify(r, NULL);
}

/*
 * 1 if all words on which the frames beyond frame INNER of R, which is plain, depend are as they were; R
 * stays as it is.
 */
static inline int record_has_outer(const struct record *r, uint32_t inner)
{
	uint32_t i;

	if (SHIM_UNWIND_MUTANT == 1)
		return 1;
	if (unlikely(record_compare(r->marks, inner + 1)))
		return 0;
	for (i = 0; i < r->extra_count && r->extras[i].owner <= inner; i++)
		if (unlikely(record_word(r->extras[i].addr) != r->extras[i].value))
			return 0;
	return 1;
}

#endif
#endif
