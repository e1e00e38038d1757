/* SPDX-License-Identifier: MIT */
/*
 * heap.h - the central pass: which blocks are alive, and what every call stack allocated, holds and
 * held at the peak.
 *
 * One struct heap takes the events of one process in replay order, hands what it resolves to the
 * smaller passes (sizes, lifetimes, threads, timeline), and is folded into a heap_result, which
 * sums over processes by the stacks of the run.
 *
 * Meaning of the numbers:
 * - allocations: calls that made a block come alive (op alloc, realloc-alloc); reallocations: those
 *   of them that were a realloc of a live block; frees: calls of a free function, and realloc(p, 0).
 *   A failed call is none of them.
 * - A reallocated block counts for the stack of the last realloc.
 * - temporary: blocks that the thread which made them ended (free or realloc) before its next
 *   allocation, as heaptrack counts them.
 * - peak: the first moment at which the sum of live sizes is largest, exact to the event. Of
 *   several processes: that of the process whose peak is largest; the peak figures of stacks are
 *   those of that process alone. (The sum of several processes at their worst common moment would
 *   need all of them replayed against each other.)
 * - The stamps order the events of all threads (docs/trace-format.md, 2.1), so what does not fit
 *   is an event that is missing: an allocation at the address of a live block ends that block
 *   (unended_blocks); a free of an address that no live block has is counted as the call that it
 *   is, and ends nothing (unmatched_frees).
 */
#ifndef PASS_HEAP_H
#define PASS_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "model/run.h"
#include "pass/estimate.h"
#include "trace/event.h"
#include "util/map.h"

struct sizes;
struct lifetimes;
struct threads;
struct timeline;

#define HEAP_FUNCS 256

struct heap_func {
	uint64_t calls;  /* that gave a block, or ended one */
	uint64_t bytes;  /* asked for by those */
	uint64_t failed; /* calls that gave nothing */
};

/*
 * What samples stand for in the numbers beside it, which hold exact counts and estimates together:
 * zero where all was recorded.
 */
struct heap_estimates {
	struct estimate allocated, reallocated, temporary, live, peak;
};

struct heap_totals {
	uint64_t allocations, reallocations, frees, failed;
	uint64_t allocated_bytes;
	uint64_t live_count, live_bytes; /* at the end */
	uint64_t temporary;
	uint64_t peak_bytes, peak_count; /* count: blocks alive at that moment */
	uint64_t peak_ns;                /* since the start of that process */
	size_t peak_process;             /* index in the run */
	/* blocks ended by a function of another family, as new[] by free */
	uint64_t mismatches;
	struct heap_func funcs[HEAP_FUNCS]; /* by enum shim_func */
	struct heap_estimates estimates;
	struct estimate freed;
	/* mean distances of the samples in the run, 0 and 0 without any */
	uint64_t least_distance, most_distance;
	uint64_t folded; /* blocks that were counted, but have no rows */
	/*
	 * With folded blocks of several threads, or beside the ends of older blocks, more may have
	 * been alive at some moment than is seen, and what is seen may have ended: the peak was
	 * between these two. Otherwise they are peak_bytes. UINT64_MAX: not known.
	 */
	uint64_t peak_least_bytes;
	uint64_t peak_most_bytes;
	/*
	 * The largest value of an estimated curve, peak_bytes, errs high: it is taken where chance
	 * was largest. What one half of the sample says of the moment at which the other is highest
	 * errs low: it need not be that of the peak. This is the middle of the two; peak_bytes
	 * where nothing was sampled.
	 */
	uint64_t peak_likely_bytes;
};

/* Where the true peak lies: around peak_likely_bytes, and up to peak_most_bytes. */
struct estimate_range heap_peak_range(const struct heap_totals *t);

/* One stack of the run; the sum over allocating functions. */
struct heap_site {
	uint32_t stack; /* in struct frames */
	uint8_t func;   /* the allocating function (the first, should there be several) */
	uint64_t allocations, reallocations, allocated_bytes, temporary;
	uint64_t live_count, live_bytes;  /* at the end: unfreed */
	uint64_t peak_count, peak_bytes;  /* at the peak */
	struct heap_estimates *estimates; /* NULL: all was recorded */
};

/*
 * Blocks alive at the end, by stack, allocating function and whether they were under
 * shim_ignore_begin.
 */
struct heap_leak {
	uint32_t stack;
	uint8_t func;
	uint8_t ignored;
	uint64_t count, bytes;
	uint64_t largest; /* bytes of the largest block */
	/* when the oldest and the newest of them was allocated, since process start */
	uint64_t first_ns, last_ns;
	size_t process;           /* of the first block, index in the run … */
	uint32_t thread;          /* … and the writer's index of the thread that allocated it */
	struct estimate estimate; /* in count and bytes; zero: all was recorded */
};

/* A block given back by the wrong family of functions. */
struct heap_mismatch {
	uint32_t alloc_stack, free_stack; /* free_stack 0: the trace has none */
	uint8_t alloc_func, free_func;
	uint64_t count;
};

struct heap_result {
	struct heap_totals totals;
	/* every stack that allocated, ordered by heap_order_sites(HEAP_BY_LIVE) */
	struct heap_site *sites;
	size_t site_count;
	struct heap_leak *leaks; /* largest first; ties by content */
	size_t leak_count;
	struct heap_mismatch *mismatches; /* most frequent first */
	size_t mismatch_count;
	/* private: while processes are added */
	uint32_t *site_of; /* by stack of the run: its place in sites + 1, 0 none */
	size_t site_of_count;
	size_t sites_capacity, leaks_capacity, mismatches_capacity;
	struct map leak_of;
};

enum heap_order {
	HEAP_BY_LIVE,
	HEAP_BY_PEAK,
	HEAP_BY_ALLOCATIONS,
	HEAP_BY_ALLOCATED,
	HEAP_BY_TEMPORARY
};

/*
 * Sorts R's sites, largest first, ties by the other cost of the pair and then by content of the
 * stack. Sites that have none of the cost come last, by id. Pointers into sites become void.
 */
void heap_order_sites(struct heap_result *r, const struct frames *frames, enum heap_order order);
void heap_result_free(struct heap_result *r);
/* Adds E to INTO, of other blocks. */
void heap_estimates_merge(struct heap_estimates *into, const struct heap_estimates *e);

/*
 * Which events count. Blocks left out are still followed, so that their ends are not taken for
 * unknown frees.
 */
struct heap_filter {
	/* per stack of the run (frames->stack_count): 0 = leave out; NULL: all stay */
	const uint8_t *keep_stack;
	/* per slot of this process: 0 = leave out what this thread allocates; NULL */
	const uint8_t *keep_slot;
	uint64_t from_ticks; /* allocations before it do not count */
	/*
	 * Replay ends here; UINT64_MAX or 0: it does not. Of the folded blocks of a block of events
	 * that reaches beyond the two, as large a share counts as of its time lies within.
	 */
	uint64_t to_ticks;
};

/* The passes that the heap feeds; any may be NULL. */
struct heap_followers {
	struct sizes *sizes;
	struct lifetimes *lifetimes;
	struct threads *threads;
	struct timeline *timeline;
};

struct heap;

/*
 * A heap for the events of P, process number NUMBER of its run. FILTER and FOLLOWERS may be NULL;
 * both are copied, what they point to is not.
 */
struct heap *heap_new(const struct process *p, size_t number, const struct heap_filter *filter,
		      const struct heap_followers *followers);
void heap_batch(struct heap *h, const struct event_batch *batch);
void heap_folded(struct heap *h, const struct event_folded *folded);
/*
 * Ends the replay and adds H to RESULT (zero-initialised before the first), and to Q what it counts
 * (unmatched_frees, unended_blocks, truncated_stacks, unknown_stacks). Call
 * heap_result_finish behind the last process.
 */
void heap_finish(struct heap *h, struct heap_result *result, struct quality *q);
/* Orders RESULT; its sites by HEAP_BY_LIVE. */
void heap_result_finish(struct heap_result *r, const struct frames *frames);
void heap_delete(struct heap *h);

#endif
