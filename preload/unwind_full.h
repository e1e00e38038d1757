/* SPDX-License-Identifier: MIT */
/*
 * unwind_full.h - the slow, general walk: every register that CFI tracks, every kind of rule,
 * nothing remembered. For the few stacks on which a frame needs more than the stack and frame
 * pointer (the dynamic linker's trampolines, hand-written assembly).
 */
#ifndef PRELOAD_UNWIND_FULL_H
#define PRELOAD_UNWIND_FULL_H

#include <stddef.h>
#include <stdint.h>

#include "unwind_step.h"

#if UNWIND_HAS_RULES

struct unwind_frame {
	uintptr_t pc;
	uint32_t is_exact; /* as in struct unwind_state */
	uint32_t is_own;   /* code of this library */
};

/*
 * The frames of the calling thread into OUT[MAX], innermost first, beginning with the one whose
 * stack pointer is SP. *COUNT of them; UNWIND_ROOT when the last one is the outermost, else
 * UNWIND_CUT (also when MAX was reached, or SP was not). Uses about 1.5 KiB of stack. Context: any
 * thread, inside the guard.
 */
enum unwind_result unwind_full(struct unwind_walk *walk, uintptr_t sp, struct unwind_frame *out,
			       size_t max, size_t *count);

#endif
#endif
