/* SPDX-License-Identifier: MIT */
/*
 * unwind_step.h - from one frame to its caller's, by a rule (unwind_rules.h).
 *
 * Reads nothing but through windows (unwind_memory.h): a wrong rule, a damaged stack or one that has been
 * unmapped ends the walk, never the program.
 */
#ifndef PRELOAD_UNWIND_STEP_H
#define PRELOAD_UNWIND_STEP_H

#include <stdint.h>

#include "unwind_arch.h"
#include "unwind_memory.h"
#include "unwind_rules.h"

#if UNWIND_HAS_RULES

/* A frame: where it goes on when its callee has returned, with which registers. */
struct unwind_state {
	uintptr_t pc, sp, fp; /* pc as it was read: unwind_code() */
	uint32_t is_exact; /* interrupted by a signal: pc is the next instruction, not a return address */
#if UNWIND_RA_VARIES
	uintptr_t slot; /* where pc was read */
#endif
};

struct unwind_walk {
	struct unwind_window stack, code;
	uintptr_t own_low, own_high; /* the thread's own stack */
};

enum unwind_result {
	UNWIND_NEXT = 0, /* the caller's frame was found */
	UNWIND_ROOT,     /* there is none: this was the outermost */
	UNWIND_CUT,      /* how to go on is not known */
	UNWIND_COMPLEX,  /* the rule needs more registers: unwind_full.h */
};

/* Where the rule for S holds. */
static inline uintptr_t unwind_location(const struct unwind_state *s)
{
	return unwind_code(s->pc) - !s->is_exact;
}

/* Where the return address was read that is S->pc. */
static inline uintptr_t unwind_slot(const struct unwind_state *s)
{
#if UNWIND_RA_VARIES
	return s->slot;
#else
	return s->sp + UNWIND_RA_SLOT;
#endif
}

static inline void unwind_set_slot(struct unwind_state *s, uintptr_t slot)
{
#if UNWIND_RA_VARIES
	s->slot = slot;
#else
	(void)s;
	(void)slot;
#endif
}

/* A walk that begins at SP, on a thread whose own stack is [LOW, HIGH). */
static inline void unwind_walk_begin(struct unwind_walk *walk, uintptr_t sp, uintptr_t low,
				     uintptr_t high)
{
	walk->own_low = low;
	walk->own_high = high;
	walk->code.low = walk->code.high = 0;
	walk->stack.low = walk->stack.high = 0;
	if (likely(sp - low < high - low)) {
		walk->stack.low = sp - 16; /* what the hook's own frame starts with */
		walk->stack.high = high;
	}
}

/*
 * The kinds that unwind_step() leaves out: signal frames and code that nothing describes. Context: as
 * there.
 */
enum unwind_result unwind_step_slow(struct unwind_walk *walk, struct unwind_rule rule,
				    const struct unwind_state *s, struct unwind_state *next);

/* On copies, so that the states of the plain kinds can stay in registers. */
static inline enum unwind_result unwind_step_copied(struct unwind_walk *walk, struct unwind_rule rule,
						    struct unwind_state s, struct unwind_state *next)
{
	struct unwind_state out = { .pc = 0 };
	enum unwind_result result = unwind_step_slow(walk, rule, &s, &out);

	*next = out;
	return result;
}

/*
 * NEXT becomes the caller of S, whose rule is RULE. Context: the thread whose stack it is, inside the
 * guard.
 */
static inline enum unwind_result unwind_step(struct unwind_walk *walk, struct unwind_rule rule,
					     const struct unwind_state *s, struct unwind_state *next)
{
	uintptr_t cfa, slot, fp = s->fp;

	if (likely(rule.kind == RULE_SP))
		cfa = s->sp + (uintptr_t)(rule.cfa_words * 8L);
	else if (rule.kind == RULE_FP)
		cfa = fp + (uintptr_t)(rule.cfa_words * 8L);
	else if (rule.kind != RULE_CELL)
		return unwind_step_copied(walk, rule, *s, next);
	else if (unwind_read(&walk->stack, fp + (uintptr_t)(rule.cfa_words * 8L), &cfa))
		return UNWIND_CUT;
	/* A caller's frame is further up, unless it lies on another stack. */
	if (unlikely(cfa <= s->sp))
		return UNWIND_COMPLEX;
	slot = cfa + (uintptr_t)rules_ra_slot(rule);
	if (unlikely(unwind_read(&walk->stack, slot, &next->pc)))
		return UNWIND_CUT;
	unwind_set_slot(next, slot);
	next->fp = fp;
	if (rule.fp != RULE_FP_SAME && unlikely(unwind_read(&walk->stack,
							    (rule.fp == RULE_FP_AT_CFA ? cfa : fp) +
								    (uintptr_t)(rule.fp_words * 8L),
							    &next->fp)))
		return UNWIND_CUT;
	next->sp = cfa;
	next->is_exact = 0;
	return likely(unwind_code(next->pc)) ? UNWIND_NEXT : UNWIND_ROOT;
}

#endif
#endif
