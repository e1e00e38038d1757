/* SPDX-License-Identifier: MIT */
/*
 * unwind.h - the stack of a hook's caller becomes an interned id (stacks.h). One contract,
 * several engines.
 *
 * The contract lets an engine reuse what it found last time on this thread (struct
 * unwind_trace is the engine's own): it hands over an id, not a list of addresses.
 */
#ifndef PRELOAD_UNWIND_H
#define PRELOAD_UNWIND_H

#include <stdint.h>

struct thread;

/*
 * Prepares the engine: our own where the machine has rules (unwind_arch.h), else libunwind, by
 * dlopen with RTLD_LOCAL; that may call the allocator and the loader, so the caller holds the
 * guard. 0, or -errno when there is no engine: then every stack is the caller's return address
 * alone and a note says so. Context: start-up only.
 */
int unwind_start(void);

/*
 * Memory for T's engine state, from the arena; if T has some, of a thread that has ended, that is
 * made as new. 0 or -ENOMEM. Context: T itself, inside the guard.
 */
int unwind_thread_start(struct thread *t);

/*
 * The id of the stack whose innermost frame is the return address of the function with
 * frame address FRAME (FRAME[1] is that address, FRAME[0] the caller's rbp, FRAME + 2 the
 * caller's rsp). At most config.depth frames are kept, the leaf side; a deeper stack hangs
 * below SHIM_STACK_TRUNCATED. Keeps errno. Never fails: at worst one frame.
 * Context: T itself, inside the guard; not a signal handler.
 */
uint32_t unwind_stack(struct thread *t, const uintptr_t *frame);

/* Forgets all reuse: code was unloaded, what an address means has changed. Context: any thread. */
void unwind_forget(void);

#endif
