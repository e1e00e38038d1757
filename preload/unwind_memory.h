/* SPDX-License-Identifier: MIT */
/*
 * unwind_memory.h - reading stack and code of the program without ever faulting.
 *
 * A window is a range that is known to be readable: the rest of the thread's own stack, or the
 * pages that the kernel was asked about. Outside of it each page costs one system call, which is
 * what makes stacks of coroutines, alternate signal stacks and wrong unwind rules harmless.
 */
#ifndef PRELOAD_UNWIND_MEMORY_H
#define PRELOAD_UNWIND_MEMORY_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "sys.h"

struct unwind_window {
	uintptr_t low, high;
};

/* 1 if the word at ADDR (aligned) can be read; asks the kernel. Context: any thread, signal handler. */
int unwind_can_read(uintptr_t addr);

/* The slow half of unwind_read: moves or extends W to ADDR's page. */
int unwind_read_slow(struct unwind_window *w, uintptr_t addr, uintptr_t *out);

/*
 * Reads the word at ADDR. 0, or -EFAULT when it cannot be read or ADDR is not aligned.
 * Context: any thread, signal handler.
 */
static inline int unwind_read(struct unwind_window *w, uintptr_t addr, uintptr_t *out)
{
	if (unlikely(addr < w->low || addr >= w->high || (addr & 7))) {
		uintptr_t word; /* so that *OUT can stay in a register */

		if (unwind_read_slow(w, addr, &word))
			return -EFAULT;
		*out = word;
		return 0;
	}
	memcpy(out, (const void *)addr, sizeof(*out));
	return 0;
}

#endif
