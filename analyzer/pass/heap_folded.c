/* SPDX-License-Identifier: MIT */
/*
 * heap_folded.c - short-lived blocks without rows in the heap pass (docs/trace-format.md, 2.4): they
 * are in every sum from the begin of their block of events on, and alive for one moment, its crest.
 */
#include <stdlib.h>

#include "pass/heap_state.h"
#include "pass/lifetimes.h"
#include "pass/sizes.h"
#include "util/pool.h"

static int is_counted(const struct heap *h, const struct folded_kind *k, uint32_t slot)
{
	return (!h->filter.keep_slot || h->filter.keep_slot[slot]) &&
	       (!h->filter.keep_stack || h->filter.keep_stack[process_stack(h->process, k->stack)]);
}

/* The share of F's time that lies in the window of the report, 0 … 1. */
static double share_of(const struct heap *h, const struct event_folded *f)
{
	uint64_t from = h->filter.from_ticks, to = h->filter.to_ticks;
	uint64_t begin = f->begin_ticks, end = f->end_ticks;

	if (begin >= from && (!to || end < to))
		return 1;
	begin = begin > from ? begin : from;
	end = to && end > to ? to : end;
	if (end <= begin)
		return 0;
	return (double)(end - begin) / (double)(f->end_ticks - f->begin_ticks);
}

static struct live_facts facts_of(struct heap *h, const struct folded_kind *k, uint32_t slot,
				  uint8_t sample_flags, uint64_t ticks)
{
	return (struct live_facts){ .size = k->size,
				    .ticks = ticks,
				    .site = heap_site_of(h, k->stack),
				    .slot = slot,
				    .func = k->func,
				    .flags = sample_flags };
}

static void count_exact(struct heap *h, const struct live_facts *b, uint8_t end_func,
			uint64_t count, uint64_t temporary)
{
	struct heap_stat *s = &h->stats[b->site];
	struct threads_row *row = h->lanes[b->slot].row;
	uint64_t bytes = count * b->size;

	if (!s->func)
		s->func = b->func;
	s->allocations += count;
	s->allocated_bytes += bytes;
	s->temporary += temporary;
	row->allocations += count;
	row->allocated_bytes += bytes;
	row->temporary += temporary;
	row->frees += count;
	h->allocations += count;
	h->allocated_bytes += bytes;
	h->temporary += temporary;
	h->frees += count;
	h->funcs[b->func].calls += count;
	h->funcs[b->func].bytes += bytes;
	h->funcs[end_func].calls += count;
	h->funcs[end_func].bytes += bytes;
	if (h->followers.sizes)
		sizes_add_many(h->followers.sizes, heap_run_stack(h, b->site), b->size, count);
}

static void count_sampled(struct heap *h, const struct live_facts *b, uint8_t end_func,
			  uint64_t count, uint64_t temporary)
{
	heap_sampled_allocation(h, b, 0, count);
	heap_sampled_temporary(h, b, b->slot, temporary);
	heap_sampled_free(h, b, b->slot, end_func, 1, count);
}

static void count_kind(struct heap *h, const struct event_folded *f, const struct folded_kind *k,
		       uint8_t flags, double share)
{
	struct live_facts b = facts_of(h, k, f->slot, flags, f->begin_ticks);
	uint64_t count = k->count, temporary = k->temporary, before = h->frees;

	/* What lay between two events of a sample is not among them: the end tells. */
	if (flags & LIVE_SAMPLE_MASK)
		temporary = k->end_extra & SHIM_EXTRA_TEMPORARY ? k->count : 0;
	if (share < 1) {
		count = (uint64_t)(share * (double)count + 0.5);
		temporary = (uint64_t)(share * (double)temporary + 0.5);
	}
	if (flags & LIVE_SAMPLE_MASK)
		count_sampled(h, &b, k->end_func, count, temporary);
	else
		count_exact(h, &b, k->end_func, count, temporary);
	h->folded += h->frees - before;
	if (heap_is_mismatch(k->func, k->end_func) && count)
		heap_count_mismatch(h, &b, 0, k->end_func, count);
	if (h->followers.lifetimes)
		lifetimes_add_folded(h->followers.lifetimes, h->frees - before,
				     heap_span_ns(h, f->begin_ticks, f->end_ticks));
}

/* Remembers the time of F's block, for debts. */
static void open_window(struct heap *h, const struct event_folded *f)
{
	struct heap_windows *w;

	if (!h->windows)
		h->windows = xcalloc(h->process->slot_count, sizeof(*h->windows));
	if (!h->is_in_doubt) {
		h->is_in_doubt = 1;
		h->peak_least_bytes = h->peak_bytes;
	}
	w = &h->windows[f->slot];
	w->last[0] = w->last[1];
	w->last[1] = (struct heap_window){ f->begin_ticks, f->end_ticks };
}

uint64_t heap_debt_due(const struct heap *h, uint32_t slot, uint64_t ticks)
{
	uint64_t due = 0;
	size_t i, j;

	for (i = 0; i < h->process->slot_count; i++) {
		if (i == slot)
			continue;
		for (j = 0; j < 2; j++) {
			const struct heap_window *w = &h->windows[i].last[j];

			if (ticks >= w->begin_ticks && ticks <= w->end_ticks && w->end_ticks > due)
				due = w->end_ticks;
		}
	}
	return due;
}

uint64_t heap_debt_extended(const struct heap *h, uint64_t due)
{
	uint64_t before;
	size_t i, j;

	do {
		before = due;
		for (i = 0; h->windows && i < h->process->slot_count; i++)
			for (j = 0; j < 2; j++) {
				const struct heap_window *w = &h->windows[i].last[j];

				if (w->begin_ticks <= due && w->end_ticks > due)
					due = w->end_ticks;
			}
	} while (due > before);
	return due;
}

void heap_close_interval(struct heap *h)
{
	uint64_t most;

	if (__builtin_add_overflow(h->most_bytes, h->hidden_bytes, &most))
		most = UINT64_MAX;
	h->peak_most_bytes = most > h->peak_most_bytes ? most : h->peak_most_bytes;
	h->bucket_bytes = h->most_bytes > h->bucket_bytes ? h->most_bytes : h->bucket_bytes;
	h->most_bytes = h->live_bytes;
}

void heap_hide(struct heap *h, uint32_t slot, uint64_t hidden)
{
	size_t i;

	heap_close_interval(h);
	h->lanes[slot].hidden_bytes = hidden;
	h->hidden_bytes = 0;
	for (i = 0; i < h->process->slot_count; i++)
		if (__builtin_add_overflow(h->hidden_bytes, h->lanes[i].hidden_bytes,
					   &h->hidden_bytes))
			h->hidden_bytes = UINT64_MAX;
}

/* What F's blocks can hold beside the crest: nothing where that is all there is to know. */
static uint64_t hidden_by(const struct heap *h, const struct event_folded *f)
{
	uint64_t hidden = 0;
	size_t i;

	if (h->process->slot_count == 1 && !f->has_older_ends)
		return 0;
	if (f->sample_bytes)
		return UINT64_MAX;
	if (f->folded->most_bytes)
		return f->folded->most_bytes;
	for (i = 0; i < f->folded->count; i++)
		hidden += f->folded->kinds[i].size * f->folded->kinds[i].count;
	return hidden;
}

/* The folded blocks that are alive at the crest come, or go again. */
static void add_crest(struct heap *h, const struct event_folded *f, uint8_t flags, int is_back)
{
	struct threads_row *row = h->lanes[f->slot].row;
	size_t i;

	for (i = 0; i < f->folded->count; i++) {
		const struct folded_kind *k = &f->folded->kinds[i];
		struct live_facts b;

		if (!k->live || !is_counted(h, k, f->slot))
			continue;
		b = facts_of(h, k, f->slot, flags, f->begin_ticks);
		b.flags |= flags && i % 2 ? LIVE_SAMPLE_HALF : 0;
		if (is_back)
			heap_drop_many(h, &b, k->live);
		else
			heap_add_many(h, &b, k->live);
	}
	if (row->live_bytes > row->peak_bytes)
		row->peak_bytes = row->live_bytes;
}

static void pass_crest(struct heap *h, const struct event_folded *f, uint8_t flags)
{
	uint64_t ticks = h->lanes[f->slot].newest_ticks;

	ticks = ticks > f->begin_ticks ? ticks : f->begin_ticks;
	if (ticks < h->filter.from_ticks || (h->filter.to_ticks && ticks >= h->filter.to_ticks))
		return;
	add_crest(h, f, flags, 0);
	heap_look_for_crest(h, ticks);
	add_crest(h, f, flags, 1);
}

void heap_folded(struct heap *h, const struct event_folded *f)
{
	uint8_t flags = f->sample_bytes ? heap_sample_flags(h, f->sample_bytes) : 0;
	struct threads_row *row = h->lanes[f->slot].row;
	double share = share_of(h, f);
	size_t i;

	if (f->is_crest) {
		pass_crest(h, f, flags);
		return;
	}
	heap_wake(h, f->begin_ticks);
	open_window(h, f);
	heap_hide(h, f->slot, hidden_by(h, f));
	h->lanes[f->slot].hidden_end_ticks = f->end_ticks;
	if (!row->events)
		row->first_ns = timebase_ns(&h->process->clock, f->begin_ticks);
	row->events += 2 * f->folded->pairs;
	row->last_ns = f->end_ticks; /* ticks until heap_finish */
	for (i = 0; i < f->folded->count; i++)
		if (is_counted(h, &f->folded->kinds[i], f->slot))
			count_kind(h, f, &f->folded->kinds[i], flags, share);
}
