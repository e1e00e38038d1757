/* SPDX-License-Identifier: MIT */
/*
 * unwind_memo.h - ways from an innermost frame to a frame of the record that were walked before:
 * programs alternate between a few of them.
 *
 * Only chains on which no frame needs its frame pointer are remembered: the innermost frame's stack
 * pointer and pc then say where every return address lies, and comparing those proves the chain. A
 * switch turns the memo off while too few look-ups succeed; then it costs more than it saves.
 */
#ifndef PRELOAD_UNWIND_MEMO_H
#define PRELOAD_UNWIND_MEMO_H

#include <stdint.h>

#include "unwind_record.h"

#if UNWIND_HAS_RULES

#define MEMO_FRAMES 13 /* of one chain: with the frame that it ends at three cache lines */

/*
 * Frames 1 to count - 1 are the chain behind the innermost one, frame `count` is the frame of the record
 * that it ends at: all further out is the same stack.
 */
struct memo_entry {
	uintptr_t sp, pc; /* of the innermost frame: the key; 0 empty */
	uint32_t epoch;
	uint32_t count;
	uint32_t node;      /* of the innermost frame */
	uint32_t join;      /* index in the record of the frame that the chain ends at … */
	uint32_t join_node; /* … its node … */
	uint32_t reserved;
	uintptr_t join_sp;                    /* … and stack pointer */
	uint16_t slot_words[MEMO_FRAMES + 1]; /* where each return address lies, above sp */
	uintptr_t pcs[MEMO_FRAMES + 1];
};

struct memo {
	struct memo_entry *entries; /* NULL until it is worth having */
	uint32_t lookups, hits;     /* since the switch was last set */
	uint32_t off;               /* look-ups to go without */
};

/*
 * If the chain from the frame in state S to a frame of R is known, and it and all further out are
 * unchanged, the innermost frame's node; else 0. R is of the thread's own stack and reaches the root; it
 * stays as it is, with the frames of another stack inside of the one that the chain ends at. EPOCH: entries
 * of another one are void. Context: the thread whose stack it is, inside the guard.
 */
uint32_t memo_find(struct memo *memo, const struct record *r, const struct unwind_state *s,
		   uint32_t epoch);

/*
 * Remembers the COUNT innermost frames of R as the way to the frame before them, if they are of the
 * kind that can be. Context: as above.
 */
void memo_keep(struct memo *memo, const struct record *r, uint32_t count, uint32_t epoch);

#endif
#endif
