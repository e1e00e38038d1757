/* SPDX-License-Identifier: MIT */
/*
 * heap_state.h - what heap.c keeps while it follows one process, shared with heap_sampled.c and
 * heap_folded.c, which add what has no exact rows, and heap_result.c, which makes the result of it.
 * Private to these four.
 */
#ifndef PASS_HEAP_STATE_H
#define PASS_HEAP_STATE_H

#include "pass/debts.h"
#include "pass/heap.h"
#include "pass/live.h"
#include "pass/threads.h"
#include "pass/timeline.h"
#include "util/map.h"

/*
 * One site: a cache line. The figures at the peak are saved late: as long as epoch is
 * not the heap's, the stack has not changed since the peak of now, so its live figures are those of
 * the peak.
 */
struct heap_stat {
	uint64_t live_bytes;
	uint32_t live_count;
	uint32_t peak_count;
	uint64_t peak_bytes;
	uint64_t epoch;
	uint64_t allocations;
	uint64_t allocated_bytes;
	uint64_t temporary;
	uint64_t reallocations : 56;
	uint64_t func : 8; /* the first */
};

/* A realloc that has begun: the block ended for now. */
struct heap_pending {
	struct live_facts block;
	uint64_t addr;
	uint64_t end_ticks;
	uint64_t new_size;
	uint8_t is_open;
	uint8_t is_known; /* block is filled: the address was live */
	uint8_t is_temporary;
	uint8_t is_debt; /* the address was not live, and left a debt */
	uint8_t func;
};

struct heap_lane {
	uint64_t last; /* the thread's last allocation: its address, or EVENT_LOCAL and the event */
	struct threads_row *row;
	uint64_t newest_ticks; /* of the batches so far */
	/* most that the folded blocks of its block had alive and no crest shows, until hidden_end */
	uint64_t hidden_bytes, hidden_end_ticks;
	struct heap_pending pending;
};

/* What samples stand for in the numbers of one thread. */
struct heap_slot_estimates {
	struct estimate allocated, reallocated, temporary, live, freed, foreign;
};

#define HEAP_DISTANCES   32   /* what LIVE_SAMPLE_MASK has room for; 0 is none */
#define HEAP_WEIGHT_MEMO 1024 /* a power of 2 */

struct heap_weight_memo {
	struct weight weight;
	uint64_t size;
	unsigned distance; /* place in distances; 0: empty */
};

/*
 * Half of the sample, which estimates the same curve of live bytes: of each block, what is sure is
 * in both, and what is a matter of chance in one of them, twice. Where one half is highest, the
 * other is as if it had been asked at a moment chosen by nobody.
 */
struct heap_half {
	estimate_sum chance; /* once */
	uint64_t highest;    /* of its curve */
	uint64_t other;      /* the other's curve at that moment */
};

/* Beside the numbers that hold exact counts and estimates together: the estimates alone. */
struct heap_sampled {
	uint64_t distances[HEAP_DISTANCES];
	unsigned distance_count;
	struct heap_weight_memo memo[HEAP_WEIGHT_MEMO];
	struct heap_estimates totals;
	struct heap_half halves[2];
	struct estimate freed, ended;
	uint64_t ended_count;
	struct estimate funcs[HEAP_FUNCS];
	struct heap_estimates *sites; /* by site, for those that a sample has met */
	size_t site_count, sites_capacity;
	struct heap_slot_estimates *slots;
};

/* The time of a block with folded blocks. */
struct heap_window {
	uint64_t begin_ticks, end_ticks;
};

/* The last two of each thread: at its end a block may overlap the begin of the next. */
struct heap_windows {
	struct heap_window last[2];
};

struct heap {
	const struct process *process;
	size_t number;
	struct heap_filter filter;
	struct heap_followers followers;
	/* Sites: stacks that allocate, in order of appearance; far fewer than all. Site 0: no stack. */
	struct heap_stat *stats;
	uint32_t *site_stacks; /* the trace's stack id of each site */
	size_t site_count, stats_capacity, site_stacks_capacity;
	uint32_t *site_of;  /* by the trace's stack id; 0: none yet */
	size_t stack_count; /* the process' ids, and one for all that it has not */
	struct live live;
	struct heap_lane *lanes; /* by slot */
	struct threads_row *rows;
	struct timeline_hand hand;
	uint64_t wake_ticks; /* from here on, something other than an event is due: heap_wake */
	/* LIVE_SAMPLE_* of blocks that the batch at hand allocates */
	uint8_t sample_flags;
	uint8_t is_in_doubt;          /* there are samples or folded blocks */
	struct heap_sampled *sampled; /* NULL: no sample so far */
	struct debts debts;
	struct heap_windows *windows; /* by slot; NULL: nothing is folded so far */
	uint64_t folded;
	/*
	 * Folded blocks can have held hidden_bytes more than is seen, since a moment up to which
	 * the peak was peak_most_bytes at most and the bucket of the timeline bucket_bytes.
	 * UINT64_MAX: not known.
	 */
	uint64_t hidden_bytes, peak_most_bytes, bucket_bytes;
	uint64_t owing_bytes;      /* of blocks that have taken a debt: they may have ended */
	uint64_t peak_least_bytes; /* without those, and without crests */
	double ns_per_tick;
	/* most_bytes: within the bucket of the timeline, and since hidden_bytes changed last */
	uint64_t live_bytes, live_count, most_bytes;
	uint64_t peak_bytes, peak_count, peak_ticks, epoch;
	uint64_t allocations, allocated_bytes, reallocations, frees, failed, temporary;
	struct {
		uint64_t allocations, allocated_bytes, frees;
	} before; /* as they were when the timeline's bucket began */
	struct heap_func funcs[HEAP_FUNCS];
	struct map mismatches; /* key: see mismatch_key */
	uint64_t mismatch_count;
	uint64_t unmatched_frees, unended_blocks;
};

/* ---- heap.c ---- */

/* Settles what is still open at the end of the process, and closes the timeline. */
void heap_settle(struct heap *h);
uint32_t heap_add_site(struct heap *h, uint32_t stack);
/* Does what is due by TICKS: debts, buckets of the timeline. */
void heap_wake(struct heap *h, uint64_t ticks);
/* COUNT blocks like B, whatever they stand for, are alive, and are no longer; no peak is looked for. */
void heap_add_many(struct heap *h, const struct live_facts *b, uint64_t count);
void heap_drop_many(struct heap *h, const struct live_facts *b, uint64_t count);
/* From BEGIN to END in ns; a trace may hold any stamps and clock. */
static inline uint64_t heap_span_ns(const struct heap *h, uint64_t begin, uint64_t end)
{
	double ns = end > begin ? (double)(end - begin) * h->ns_per_tick : 0;

	return __builtin_expect(ns < 0x1p64, 1) ? (uint64_t)ns : UINT64_MAX;
}
/* Looks whether what is live now, at a crest, is more than ever, at TICKS. */
void heap_look_for_crest(struct heap *h, uint64_t ticks);
/* COUNT blocks that were allocated as B says were given back by another family of functions. */
void heap_count_mismatch(struct heap *h, const struct live_facts *b, uint32_t free_stack,
			 uint8_t func, uint64_t count);
int heap_is_mismatch(unsigned alloc_func, unsigned func);

/* The site of the trace's stack id STACK; ids beyond all that are defined share the last one. */
static inline uint32_t heap_site_of(struct heap *h, uint32_t stack)
{
	uint32_t site;

	if (__builtin_expect(stack >= h->stack_count, 0))
		stack = (uint32_t)h->stack_count - 1;
	site = h->site_of[stack];
	return __builtin_expect(site || stack == SHIM_STACK_NONE, 1) ? site : heap_add_site(h, stack);
}

/* The stack of the run that SITE is. */
static inline uint32_t heap_run_stack(const struct heap *h, uint32_t site)
{
	return process_stack(h->process, h->site_stacks[site]);
}

/* ---- heap_sampled.c: blocks that stand for more than themselves ---- */

/* The LIVE_SAMPLE_* flags of blocks in a sample of mean distance DISTANCE. */
uint8_t heap_sample_flags(struct heap *h, uint64_t distance);
/* What one block with FLAGS of SIZE bytes stands for. */
const struct weight *heap_weight(struct heap *h, uint8_t flags, uint64_t size);
/* Estimates of SITE, for changing. */
struct heap_estimates *heap_site_estimates(struct heap *h, uint32_t site);
/* The live sum of S has not changed since the peak: it is that of the peak. */
void heap_save_sampled_peak(struct heap *h, const struct heap_stat *s);
/* Looks whether a half of the sample is higher than ever. */
void heap_look_at_halves(struct heap *h);
/* As the functions of heap.c for exact blocks; B is of a sample. TIMES such blocks. */
void heap_sampled_begin(struct heap *h, const struct live_facts *b, uint64_t times);
void heap_sampled_drop(struct heap *h, const struct live_facts *b, uint64_t times);
/* How many ends the end of B is: whole numbers that add up to the estimate. */
uint64_t heap_sampled_end(struct heap *h, const struct live_facts *b);
void heap_sampled_allocation(struct heap *h, const struct live_facts *b, int is_realloc,
			     uint64_t times);
void heap_sampled_temporary(struct heap *h, const struct live_facts *b, uint32_t slot,
			    uint64_t times);
void heap_sampled_free(struct heap *h, const struct live_facts *b, uint32_t slot, uint8_t func,
		       int has_bytes, uint64_t times);
void heap_sampled_delete(struct heap_sampled *sampled);

/* ---- heap_folded.c: blocks without rows ---- */

/*
 * The last tick at which a folded block of another thread than SLOT's can have been what an end at
 * TICKS ended; 0: none can.
 */
uint64_t heap_debt_due(const struct heap *h, uint32_t slot, uint64_t ticks);
/*
 * DUE, or later: the last tick of the folded blocks that overlap from there on without a gap, as far as
 * they have begun. The block that takes the debt may end in one of them and leave it to the next.
 */
uint64_t heap_debt_extended(const struct heap *h, uint64_t due);
/* What was most since the last such moment goes into the bounds of peak and bucket. */
void heap_close_interval(struct heap *h);
/* From now on the folded blocks of SLOT's thread can hold HIDDEN bytes that nobody sees. */
void heap_hide(struct heap *h, uint32_t slot, uint64_t hidden);

#endif
