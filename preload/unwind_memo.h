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

#define MEMO_FRAMES 14 /* of one chain */

struct memo_entry {
	uintptr_t sp, pc; /* of the innermost frame: the key; 0 empty */
	uint32_t epoch;
	uint32_t count;
	uint32_t join;      /* index in the record of the frame that the chain ends at … */
	uint32_t join_node; /* … and its node: so all further out is the same stack */
	uint32_t own;       /* a bit for each frame that is code of this library */
	uint32_t reserved;
	struct record_mark join_mark;
	struct record_mark marks[MEMO_FRAMES]; /* innermost first */
	uint32_t nodes[MEMO_FRAMES];
};

struct memo {
	struct memo_entry *entries; /* NULL until it is worth having */
	uint32_t lookups, hits;     /* since the switch was last set */
	uint32_t off;               /* look-ups to go without */
};

/*
 * If the chain from the frame in state S to a frame of R is known and unchanged, makes it R's and
 * returns the innermost frame's node; else 0, and R may have lost frames that are gone. R is of the
 * thread's own stack and reaches the root. EPOCH: entries of another one are void. Context: the
 * thread whose stack it is, inside the guard.
 */
uint32_t memo_find(struct memo *memo, struct record *r, const struct unwind_state *s, uint32_t epoch);

/*
 * Remembers the COUNT innermost frames of R as the way to the frame before them, if they are of the
 * kind that can be. Context: as above.
 */
void memo_keep(struct memo *memo, const struct record *r, uint32_t count, uint32_t epoch);

#endif
#endif
