/* SPDX-License-Identifier: MIT */
/*
 * unwind_step.c - see unwind_step.h. Steps that are not plain: over the kernel's signal frame, and
 * through code that no table describes (made at run time, or by hand), by the frame pointer. What a frame
 * pointer says is believed only if the address it leads to follows a call instruction: a stack may end
 * early, but no frame is invented. Runs in the thread whose stack it is, inside the guard.
 */
#include "unwind_step.h"

#if UNWIND_HAS_RULES

#include <errno.h>

#define FRAME_MAX (1u << 24) /* bytes between a stack pointer and a frame pointer that is one */

/* Copies SIZE bytes of code at PC. 0, or -EFAULT. */
static int read_code(struct unwind_window *w, uintptr_t pc, uint8_t *out, unsigned size)
{
	unsigned done = 0;

	while (done < size) {
		uintptr_t at = pc + done, word, offset = at & 7, bytes = 8 - offset;

		if (unwind_read(w, at - offset, &word))
			return -EFAULT;
		if (bytes > size - done)
			bytes = size - done;
		memcpy(out + done, (const uint8_t *)&word + offset, bytes);
		done += (unsigned)bytes;
	}
	return 0;
}

/* ---- is it the return address of a call? ---- */

#if defined(__x86_64__)

#define CALL_BYTES 8 /* more than the longest call instruction */

/* Length of "ff /2", a call through a register or memory, from its ModRM and SIB bytes; 0 if it is no call. */
static unsigned indirect_call_length(const uint8_t *code)
{
	unsigned mode = code[1] >> 6, base = code[1] & 7, sib = mode != 3 && base == 4;

	if ((code[1] >> 3 & 7) != 2)
		return 0;
	if (sib && mode == 0 && (code[2] & 7) == 5)
		return 7;
	if (mode == 1)
		return 3 + sib;
	if (mode == 2 || (mode == 0 && base == 5))
		return 6 + sib;
	return 2 + sib;
}

/* 1 if the instruction before PC is a call. */
static int follows_call(struct unwind_window *w, uintptr_t pc)
{
	static const uint8_t lengths[] = { 2, 3, 4, 6, 7 };
	uint8_t code[CALL_BYTES + 1] = {
		0
	}; /* one more: the SIB byte of a call of two bytes is not looked at */
	const uint8_t *end = code + CALL_BYTES;
	unsigned i;

	if (read_code(w, pc - CALL_BYTES, code, CALL_BYTES))
		return 0;
	if (end[-5] == 0xe8)
		return 1;
	for (i = 0; i < sizeof(lengths); i++) {
		const uint8_t *at = end - lengths[i];

		if (at[0] == 0xff && indirect_call_length(at) == lengths[i])
			return 1;
	}
	return 0;
}

#else

/* 1 if the instruction before PC is a call: bl, blr, or one of the four forms of blra. */
static int follows_call(struct unwind_window *w, uintptr_t pc)
{
	uint32_t code;

	if ((pc & 3) || read_code(w, pc - sizeof(code), (uint8_t *)&code, sizeof(code)))
		return 0;
	return (code & 0xfc000000) == 0x94000000 || (code & 0xfffffc1f) == 0xd63f0000 ||
	       (code & 0xfefff800) == 0xd63f0800;
}

#endif

/* ---- steps ---- */

static int is_sigreturn(struct unwind_window *w, uintptr_t pc)
{
	uint8_t code[UNWIND_SIGRETURN_BYTES];

	return read_code(w, pc, code, sizeof(code)) == 0 &&
	       memcmp(code, UNWIND_SIGRETURN, sizeof(code)) == 0;
}

/* Over the kernel's frame: the registers of what was interrupted lie in a ucontext at the stack pointer. */
static enum unwind_result step_signal(struct unwind_walk *walk, const struct unwind_state *s,
				      struct unwind_state *next)
{
	if (unwind_read(&walk->stack, s->sp + UNWIND_UCONTEXT_PC, &next->pc) ||
	    unwind_read(&walk->stack, s->sp + UNWIND_UCONTEXT_SP, &next->sp) ||
	    unwind_read(&walk->stack, s->sp + UNWIND_UCONTEXT_FP, &next->fp))
		return UNWIND_CUT;
	next->is_exact = 1;
	if (next->sp - walk->own_low < walk->own_high - walk->own_low) {
		walk->stack.low = next->sp & ~(uintptr_t)7;
		walk->stack.high = walk->own_high;
	}
	return next->pc ? UNWIND_NEXT : UNWIND_ROOT;
}

/*
 * NEXT was found by a frame pointer. Where that lies says nothing about the caller's stack pointer if functions choose
 * the place; a rule that needs the stack pointer also tells where the caller, whose frame pointer is known, saved the
 * one before. Both are believed if they lead to a call.
 */
static enum unwind_result guess_sp(struct unwind_walk *walk, struct unwind_state *next)
{
#if UNWIND_RA_VARIES
	struct unwind_rule rule = rules_find(unwind_location(next));
	uintptr_t sp = next->sp, cfa, pc;

	if (rule.kind != RULE_SP)
		return UNWIND_NEXT;
	if (rule.fp == RULE_FP_AT_CFA)
		sp = next->fp - (uintptr_t)((rule.fp_words + rule.cfa_words) * 8L);
	cfa = sp + (uintptr_t)(rule.cfa_words * 8L);
	if (sp - next->sp > FRAME_MAX ||
	    unwind_read(&walk->stack, cfa + (uintptr_t)rules_ra_slot(rule), &pc) ||
	    !follows_call(&walk->code, unwind_code(pc)))
		return UNWIND_CUT;
	next->sp = sp;
#else
	(void)walk;
	(void)next;
#endif
	return UNWIND_NEXT;
}

/*
 * By the frame pointer: the caller's at it, the return address above. A frame pointer of 0 marks the
 * outermost frame; so does an address to which no call returns, put there by whoever made the stack (as
 * makecontext does).
 */
static enum unwind_result step_guess(struct unwind_walk *walk, const struct unwind_state *s,
				     struct unwind_state *next)
{
	uintptr_t pc = unwind_code(s->pc);

	if (is_sigreturn(&walk->code, pc))
		return step_signal(walk, s, next);
	if (s->fp == 0 || (!s->is_exact && !follows_call(&walk->code, pc)))
		return UNWIND_ROOT;
	if (s->fp < s->sp || s->fp - s->sp > FRAME_MAX ||
	    unwind_read(&walk->stack, s->fp, &next->fp) ||
	    unwind_read(&walk->stack, s->fp + 8, &next->pc) ||
	    !follows_call(&walk->code, unwind_code(next->pc)))
		return UNWIND_CUT;
	next->sp = s->fp + 16;
	next->is_exact = 0;
	unwind_set_slot(next, s->fp + 8);
	return guess_sp(walk, next);
}

enum unwind_result unwind_step_slow(struct unwind_walk *walk, struct unwind_rule rule,
				    const struct unwind_state *s, struct unwind_state *next)
{
	if (rule.kind == RULE_SIGNAL)
		return step_signal(walk, s, next);
	if (rule.kind == RULE_GUESS)
		return step_guess(walk, s, next);
	return rule.kind == RULE_END ? UNWIND_ROOT : UNWIND_COMPLEX;
}

#endif
