/* SPDX-License-Identifier: MIT */
/*
 * unwind_check.h - a test build (-DSHIM_UNWIND_CHECK) compares stacks of our own engine with those of
 * an oracle: libunwind's, on aarch64 libgcc's.
 * In any other build this is nothing.
 */
#ifndef PRELOAD_UNWIND_CHECK_H
#define PRELOAD_UNWIND_CHECK_H

#include <stdint.h>

#ifdef SHIM_UNWIND_CHECK

/*
 * ID, after comparing the frames of that stack with those that the oracle finds at FRAME (unwind.h) - once in
 * UNWIND_CHECK_EVERY captures (environment, default 1). When the process ends, a line with the counts is
 * appended to the file UNWIND_CHECK_LOG; before it, every difference.
 * Context: any thread, inside the guard.
 */
uint32_t check_stack(uint32_t id, const uintptr_t *frame);

#else

static inline uint32_t check_stack(uint32_t id, const uintptr_t *frame)
{
	(void)frame;
	return id;
}

#endif
#endif
