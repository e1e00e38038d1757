/* SPDX-License-Identifier: MIT */
/*
 * unwind_memory.c - see unwind_memory.h. Runs in the thread whose stack is read, inside the guard.
 * Touches memory only after the kernel has read it: rt_sigprocmask copies a signal set from the
 * address first and then refuses the impossible request, so it changes nothing, and no sandbox
 * forbids it.
 */
#include "unwind_memory.h"

#include <errno.h>

#define PAGE ((uintptr_t)4096)

int unwind_can_read(uintptr_t addr)
{
	return sys_call(SYS_rt_sigprocmask, ~0, addr, NULL, 8) != -EFAULT;
}

int unwind_read_slow(struct unwind_window *w, uintptr_t addr, uintptr_t *out)
{
	uintptr_t page = addr & ~(PAGE - 1);

	if ((addr & 7) || !unwind_can_read(addr))
		return -EFAULT;
	if (page == w->high) {
		w->high = page + PAGE;
	} else {
		w->low = page;
		w->high = page + PAGE;
	}
	memcpy(out, (const void *)addr, sizeof(*out));
	return 0;
}
