/* SPDX-License-Identifier: MIT */
/*
 * skipped.h - the live blocks that are not recorded, where sampling began in the middle of a run.
 *
 * What was recorded before is followed to its end, and no list of that is kept; so the others are
 * marked: one bit for every 8 bytes of address space, in pages that come with their first bit. No
 * lock.
 */
#ifndef PRELOAD_SKIPPED_H
#define PRELOAD_SKIPPED_H

#include <stdint.h>

/* No block is skipped. 0 or -ENOMEM. Context: any thread, inside the guard, before the first of the others. */
int skipped_start(void);

/* The block at ADDR is not recorded. 0, or -ENOMEM: it cannot be marked. Context: any thread, inside the guard. */
int skipped_add(uintptr_t addr);

/*
 * 1 if ADDR was marked, which it is no longer. The caller alone may name it, as it has just got it
 * or is about to free it. Context: any thread, inside the guard.
 */
int skipped_remove(uintptr_t addr);

#endif
