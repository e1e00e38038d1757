/* SPDX-License-Identifier: MIT */
/*
 * budget.h - what is given up so that the trace stays below SHIM_MAX_TRACE, and when. Pure: sizes
 * in, decisions out.
 *
 * Half of the budget is for exact recording. Then three steps (enum shim_step), each with a share
 * of what is left: time per event, rows of short-lived blocks, and at last everything but a sample.
 * Whenever half of what the sample had left is used up its mean distance grows fourfold, in the end
 * sixteenfold, so each half lasts for at least twice as many events as the one before it, and no run
 * is too long. What threads have gathered and not written is counted in, and they gather less where
 * many share a small budget: it is written at each change. So is the end that each recorded block
 * will have: a heap of many small blocks may be torn down when the budget is nearly used up, and
 * without their ends all of them would look like leaks. And what no sample makes less, mappings,
 * allocations that fail, threads and marks, is left out once it has used up a part of the last step.
 */
#ifndef PRELOAD_BUDGET_H
#define PRELOAD_BUDGET_H

#include <stdint.h>

#include "shim_trace.h"

#define BUDGET_ROW_BYTES   8   /* compressed; more than most take */
#define BUDGET_BLOCK_BYTES 256 /* of a block, whatever is in it */
#define BUDGET_END_BYTES   6   /* compressed: an end at an address that nothing foretells */

struct budget {
	uint64_t limit_bytes;                        /* 0: none */
	uint64_t next_bytes;                         /* with this size the next step begins */
	uint64_t begin_ticks[SHIM_STEP_SAMPLED + 1]; /* of each step that has begun; others never */
	enum shim_step step;
	uint64_t sample_bytes; /* mean distance; 0 before SHIM_STEP_SAMPLED, if the user wants no sample */
	int64_t live_count;   /* recorded blocks whose ends are to come */
	uint64_t other_bytes; /* in SHIM_STEP_SAMPLED, of what is not blocks */
	int is_bare;          /* only blocks are recorded */
};

/* What a chunk of rows changes. */
struct budget_rows {
	int64_t live_count;   /* more blocks live after it than before */
	uint32_t other_count; /* rows that are of no block */
};

/* LIMIT_BYTES 0: no limit. SAMPLE_BYTES: what the user wants anyway, 0 for everything. */
void budget_begin(struct budget *b, uint64_t limit_bytes, uint64_t sample_bytes);

/* 1 if a trace of SIZE_BYTES is within B. */
static inline int budget_holds(const struct budget *b, uint64_t size_bytes)
{
	return !b->limit_bytes || size_bytes <= b->limit_bytes;
}

/* What ROWS[COUNT] change. */
struct budget_rows budget_look_at(const struct shim_row *rows, uint32_t count);

/* BYTES more of the trace are not of blocks: 1 if from here on such things are to be left out. */
int budget_others(struct budget *b, uint64_t bytes);

/* What the ends of all blocks that B counts as live may take. */
static inline uint64_t budget_reserved(const struct budget *b)
{
	return b->live_count > 0 ? (uint64_t)b->live_count * BUDGET_END_BYTES : 0;
}

/*
 * The trace has SIZE_BYTES now, at TICKS, with what threads have recorded and not written: 1 if
 * another step, or a coarser sample, begins with that.
 */
int budget_advance(struct budget *b, uint64_t size_bytes, uint64_t ticks);

/*
 * 1 if a block of events that began at TICKS is under STEP: what a thread that sleeps has recorded
 * long before loses nothing of its detail.
 */
static inline int budget_is_under(const struct budget *b, enum shim_step step, uint64_t ticks)
{
	return b->step >= step && ticks >= b->begin_ticks[step];
}

/*
 * How many rows one of THREADS may gather before it writes them, of a trace of SIZE_BYTES: so few
 * that all of them together use up a small part of what is left.
 */
uint64_t budget_rows(const struct budget *b, uint64_t size_bytes, uint32_t threads);

/*
 * What a thread with COUNT rows that are not written yet is likely to take at most: a block of them,
 * and one more at its end.
 */
static inline uint64_t budget_bytes_of(uint64_t count)
{
	return 2 * BUDGET_BLOCK_BYTES + count * BUDGET_ROW_BYTES;
}

#endif
