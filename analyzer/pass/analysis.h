/* SPDX-License-Identifier: MIT */
/*
 * analysis.h - one replay of every process of a run through the passes that a command asks for.
 */
#ifndef PASS_ANALYSIS_H
#define PASS_ANALYSIS_H

#include "model/run.h"
#include "pass/heap.h"
#include "pass/lifetimes.h"
#include "pass/mapped.h"
#include "pass/sizes.h"
#include "pass/threads.h"
#include "pass/timeline.h"

/* The heap pass always runs; these add to it. */
#define ANALYSIS_SIZES          0x01u
#define ANALYSIS_SIZES_SITES    0x02u /* sizes per stack too */
#define ANALYSIS_LIFETIMES      0x04u
#define ANALYSIS_LIFETIME_SITES 0x08u
#define ANALYSIS_THREADS        0x10u
#define ANALYSIS_TIMELINE       0x20u
#define ANALYSIS_MAPPED         0x40u

struct analysis_request {
	unsigned wants;            /* ANALYSIS_* */
	int jobs;                  /* threads; below 1 counts as 1 */
	const uint8_t *keep_stack; /* as struct heap_filter; NULL: all. Sized frames->stack_count */
	/* Nonzero to keep what thread T of P allocates. NULL: all. */
	int (*keep_thread)(void *context, const struct process *p, const struct process_thread *t);
	void *keep_context;
	/* as run_parse_moment, of the run's first process (a mark: of any); NULL: open */
	const char *from, *to;
	size_t buckets; /* of the timeline; 0 counts as 60 */
	/* DONE of TOTAL blocks of all processes. May be NULL. Context: the caller's thread. */
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *progress_context;
};

/* What was not asked for is zero. */
struct analysis {
	struct heap_result heap;
	struct sizes sizes;
	struct lifetimes lifetimes;
	struct threads threads;
	struct timeline timeline;
	struct mapped_result mapped;
	uint64_t begin_mono_ns, end_mono_ns; /* the run, or the window that from and to choose */
};

/*
 * Replays RUN. Adds what replay and passes find out to the quality of its processes, so call it
 * once for each run_open (or expect those counters of the last call: they are set anew). Returns 0,
 * or -1 with D when `from` or `to` cannot be understood. analysis_free either way.
 */
int analysis_run(struct run *run, const struct analysis_request *request, struct analysis *a,
		 struct diag *d);
void analysis_free(struct analysis *a);

#endif
