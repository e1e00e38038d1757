/* SPDX-License-Identifier: MIT */
/*
 * unwind_incremental.h - the engine behind unwind.h where the machine has rules: a stack is walked
 * only down to the first frame that the thread's last stack had in the same state; what lies beyond
 * is compared with memory, not walked.
 *
 * Why that is exact: the caller of a frame depends on the frame's state (pc, stack pointer, and the
 * frame pointer where a rule uses it), on the rules, and on the words of memory that the rules
 * read. The record holds all of them; the words are read again at every capture.
 */
#ifndef PRELOAD_UNWIND_INCREMENTAL_H
#define PRELOAD_UNWIND_INCREMENTAL_H

#include <stdint.h>

#include "thread.h"
#include "unwind_arch.h"

#if UNWIND_HAS_RULES

/* 0 or -ENOMEM. Context: start-up only (of the process, or of a forked child). */
int incremental_start(void);

/* T->trace. 0 or -ENOMEM. Context: T itself, inside the guard. */
int incremental_thread_start(struct thread *t);

/* As unwind_stack() in unwind.h. Context: as there. */
uint32_t incremental_stack(struct thread *t, const uintptr_t *frame);

#endif
#endif
