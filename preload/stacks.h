/* SPDX-License-Identifier: MIT */
/*
 * stacks.h - the tree of all stacks: (parent id, pc) becomes an id, defined once in the
 * trace before it is used.
 *
 * Look-ups take no lock; an insert takes the definitions' lock. Ids are dense from
 * SHIM_STACK_FIRST.
 */
#ifndef PRELOAD_STACKS_H
#define PRELOAD_STACKS_H

#include <stdint.h>

/*
 * Set in a pc that is the address of an instruction and no return address: that of the frame which
 * a signal interrupted.
 */
#define STACKS_EXACT ((uintptr_t)1 << 63)

/*
 * Prepares an empty tree. 0 or -ENOMEM. Context: start-up only (of the process, or of a
 * forked child).
 */
int stacks_start(void);

/*
 * The node for frame PC (a return address, or STACKS_EXACT with an instruction) called from PARENT
 * (0: outermost, SHIM_STACK_TRUNCATED: deeper ones cut off, or an id). Makes and defines it when
 * new. Returns PARENT itself when memory has run out (counted). Context: any thread, inside the
 * guard.
 */
uint32_t stacks_node(uint32_t parent, uintptr_t pc);

/*
 * The pc of node ID as it was given to stacks_node(); its parent into *PARENT. For tests. Context:
 * any thread.
 */
uintptr_t stacks_frame(uint32_t id, uint32_t *parent);

/* Number of nodes. Context: any thread. */
uint32_t stacks_count(void);

/*
 * Code was unloaded: nodes made from now on are new ones, so that a pc means the module
 * that is loaded then. Context: any thread, inside the guard.
 */
void stacks_forget(void);

/*
 * A number that changes with every stacks_forget() and with every new process: ids cached
 * elsewhere are valid only while it is the same. Context: any thread.
 */
uint32_t stacks_generation(void);

#endif
