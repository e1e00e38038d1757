/* SPDX-License-Identifier: MIT */
/*
 * heap_state.h - what heap.c keeps while it follows one process, shared with heap_result.c, which
 * makes the result of it. Private to these two.
 */
#ifndef PASS_HEAP_STATE_H
#define PASS_HEAP_STATE_H

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
	uint8_t func;
};

struct heap_lane {
	uint64_t last; /* the thread's last allocation: its address, or EVENT_LOCAL and the event */
	struct threads_row *row;
	struct heap_pending pending;
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
	double ns_per_tick;
	/* most_bytes: within the bucket of the timeline */
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

/* Settles what is still open at the end of the process, and closes the timeline. In heap.c. */
void heap_settle(struct heap *h);

#endif
