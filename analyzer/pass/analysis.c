/* SPDX-License-Identifier: MIT */
/* analysis.c - see analysis.h. */
#include "pass/analysis.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "trace/replay.h"
#include "util/pool.h"

#define BUCKETS_DEFAULT 60

/* One process on its way through the passes. */
struct passes {
	struct heap *heap;
	struct mapped *mapped;
	const struct analysis_request *request;
	uint64_t done, total; /* blocks of the processes before, and of all */
};

struct window {
	uint64_t from_ticks, to_ticks;
};

static void take_batch(void *context, const struct event_batch *batch)
{
	struct passes *passes = context;

	heap_batch(passes->heap, batch);
	if (passes->mapped)
		mapped_batch(passes->mapped, batch);
}

static void take_folded(void *context, const struct event_folded *folded)
{
	struct passes *passes = context;

	heap_folded(passes->heap, folded);
}

static void report_progress(void *context, uint64_t done, uint64_t total)
{
	struct passes *passes = context;

	(void)total;
	passes->request->progress(passes->request->progress_context, passes->done + done,
				  passes->total);
}

/* The moment of P at CLOCK_MONOTONIC NS. */
static uint64_t ticks_at(const struct process *p, uint64_t mono_ns)
{
	uint64_t start = timebase_mono_ns(&p->clock, p->clock.start_ticks);

	return mono_ns <= start ? 0 : timebase_ticks(&p->clock, mono_ns - start);
}

/*
 * TEXT as a moment of the run: seconds and shares are those of its first process, a mark may be in
 * any. Stores each process' ticks of that moment through FIELD, an offset into struct window.
 */
static int find_moment(const struct run *run, const char *text, struct window *windows,
		       size_t field, struct diag *d)
{
	const struct process *p = NULL;
	uint64_t ticks = 0;
	size_t i;

	for (i = 0; i < run->process_count && !p; i++)
		if (run_parse_moment(run->processes[i], text, &ticks, i == 0 ? d : NULL) == 0)
			p = run->processes[i];
	if (!p)
		return -1;
	diag_clear(d);
	for (i = 0; i < run->process_count; i++) {
		const struct process *other = run->processes[i];
		uint64_t *at = (uint64_t *)(void *)((char *)&windows[i] + field);

		*at = other == p ? ticks : ticks_at(other, timebase_mono_ns(&p->clock, ticks));
	}
	return 0;
}

static int find_windows(const struct run *run, const struct analysis_request *request,
			struct window *windows, struct diag *d)
{
	size_t i;

	for (i = 0; i < run->process_count; i++)
		windows[i] = (struct window){ 0, UINT64_MAX };
	if (request->from &&
	    find_moment(run, request->from, windows, offsetof(struct window, from_ticks), d) < 0)
		return -1;
	if (request->to &&
	    find_moment(run, request->to, windows, offsetof(struct window, to_ticks), d) < 0)
		return -1;
	return 0;
}

static uint64_t block_count(const struct run *run)
{
	uint64_t count = 0;
	size_t i, j;

	for (i = 0; i < run->process_count; i++) {
		const struct source *s = run->processes[i]->source;

		for (j = 0; j < s->order_count; j++)
			count += s->frames[s->order[j]].block_kind == SHIM_BLOCK_EVENTS;
	}
	return count;
}

/* The run's extent in CLOCK_MONOTONIC ns: from the first start to the last end, or the window. */
static void find_extent(const struct run *run, const struct window *windows, struct analysis *a)
{
	size_t i;

	for (i = 0; i < run->process_count; i++) {
		const struct process *p = run->processes[i];
		uint64_t begin = windows[i].from_ticks > p->clock.start_ticks ? windows[i].from_ticks
									      : p->clock.start_ticks;
		uint64_t end = windows[i].to_ticks < p->end_ticks ? windows[i].to_ticks
								  : p->end_ticks;

		begin = timebase_mono_ns(&p->clock, begin);
		end = timebase_mono_ns(&p->clock, end);
		a->begin_mono_ns = i == 0 || begin < a->begin_mono_ns ? begin : a->begin_mono_ns;
		a->end_mono_ns = i == 0 || end > a->end_mono_ns ? end : a->end_mono_ns;
	}
}

/* Per slot of P, whether its thread is kept; NULL when all are. */
static uint8_t *keep_slots(const struct process *p, const struct analysis_request *request)
{
	uint8_t *keep;
	size_t i;

	if (!request->keep_thread)
		return NULL;
	keep = xcalloc(p->slot_count, 1);
	for (i = 0; i < p->slot_count; i++)
		keep[i] = request->keep_thread(request->keep_context, p,
					       &p->threads[p->slot_thread[i]]) != 0;
	return keep;
}

static void run_process(struct run *run, size_t number, const struct window *window,
			struct passes *passes, struct analysis *a)
{
	const struct analysis_request *request = passes->request;
	struct process *p = run->processes[number];
	struct timeline *timeline = request->wants & ANALYSIS_TIMELINE ? &a->timeline : NULL;
	uint8_t *keep_slot = keep_slots(p, request);
	struct heap_filter filter = { .keep_stack = request->keep_stack,
				      .keep_slot = keep_slot,
				      .from_ticks = window->from_ticks,
				      .to_ticks = window->to_ticks };
	struct heap_followers followers = {
		.sizes = request->wants & (ANALYSIS_SIZES | ANALYSIS_SIZES_SITES) ? &a->sizes : NULL,
		.lifetimes = request->wants & (ANALYSIS_LIFETIMES | ANALYSIS_LIFETIME_SITES)
				     ? &a->lifetimes
				     : NULL,
		.threads = request->wants & ANALYSIS_THREADS ? &a->threads : NULL,
		.timeline = timeline,
	};
	struct replay_options options = {
		.jobs = request->jobs,
		.to_ticks = window->to_ticks,
		.batch = take_batch,
		.folded = take_folded,
		.context = passes,
		.progress = request->progress ? report_progress : NULL,
		.progress_context = passes,
	};

	p->quality = p->loaded;
	passes->heap = heap_new(p, number, &filter, &followers);
	passes->mapped = request->wants & ANALYSIS_MAPPED ? mapped_new(p, number, timeline) : NULL;
	replay_run(p->source, &options, &p->quality);
	heap_finish(passes->heap, &a->heap, &p->quality);
	heap_delete(passes->heap);
	if (passes->mapped) {
		mapped_finish(passes->mapped, &a->mapped);
		mapped_delete(passes->mapped);
	}
	free(keep_slot);
}

int analysis_run(struct run *run, const struct analysis_request *request, struct analysis *a,
		 struct diag *d)
{
	struct window *windows = xcalloc(run->process_count, sizeof(*windows));
	struct passes passes = { .request = request, .total = block_count(run) };
	size_t i, j;

	memset(a, 0, sizeof(*a));
	a->sizes.per_stack = (request->wants & ANALYSIS_SIZES_SITES) != 0;
	a->lifetimes.per_stack = (request->wants & ANALYSIS_LIFETIME_SITES) != 0;
	if (find_windows(run, request, windows, d) < 0) {
		free(windows);
		return -1;
	}
	find_extent(run, windows, a);
	if (request->wants & ANALYSIS_TIMELINE)
		timeline_init(&a->timeline, request->buckets ? request->buckets : BUCKETS_DEFAULT,
			      a->begin_mono_ns, a->end_mono_ns);
	for (i = 0; i < run->process_count; i++) {
		const struct source *s = run->processes[i]->source;

		run_process(run, i, &windows[i], &passes, a);
		for (j = 0; j < s->order_count; j++)
			passes.done += s->frames[s->order[j]].block_kind == SHIM_BLOCK_EVENTS;
	}
	heap_result_finish(&a->heap, run->frames);
	mapped_result_finish(&a->mapped, run->frames);
	free(windows);
	return 0;
}

void analysis_free(struct analysis *a)
{
	heap_result_free(&a->heap);
	sizes_free(&a->sizes);
	lifetimes_free(&a->lifetimes);
	threads_free(&a->threads);
	timeline_free(&a->timeline);
	mapped_result_free(&a->mapped);
}
