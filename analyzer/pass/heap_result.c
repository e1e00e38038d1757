/* SPDX-License-Identifier: MIT */
/*
 * heap_result.c - the second half of heap.h: what was followed process by process becomes sums by
 * the stacks of the run, in an order that depends on nothing but the content.
 */
#include <stdlib.h>
#include <string.h>

#include "pass/heap.h"
#include "pass/heap_state.h"
#include "util/pool.h"

/* ---- adding a process ----------------------------------------------------------------------- */

static struct heap_site *site_of(struct heap_result *r, uint32_t stack)
{
	if (stack >= r->site_of_count) {
		size_t wanted = (size_t)stack + stack / 2 + 1024;

		r->site_of = xrealloc(r->site_of, wanted * sizeof(*r->site_of));
		memset(&r->site_of[r->site_of_count], 0,
		       (wanted - r->site_of_count) * sizeof(*r->site_of));
		r->site_of_count = wanted;
	}
	if (!r->site_of[stack]) {
		r->sites = pool_grow(r->sites, &r->sites_capacity, r->site_count + 1,
				     sizeof(*r->sites));
		r->sites[r->site_count++] = (struct heap_site){ .stack = stack };
		r->site_of[stack] = (uint32_t)r->site_count;
	}
	return &r->sites[r->site_of[stack] - 1];
}

void heap_estimates_merge(struct heap_estimates *into, const struct heap_estimates *e)
{
	estimate_merge(&into->allocated, &e->allocated);
	estimate_merge(&into->reallocated, &e->reallocated);
	estimate_merge(&into->temporary, &e->temporary);
	estimate_merge(&into->live, &e->live);
	estimate_merge(&into->peak, &e->peak);
}

/*
 * What samples stand for in the numbers of site number I of H goes to SITE; at the peak as add_sites
 * takes it.
 */
static void add_site_estimates(const struct heap *h, size_t i, struct heap_site *site, int is_peak)
{
	struct heap_estimates e;

	if (!h->sampled || i >= h->sampled->site_count || !h->sampled->sites[i].allocated.samples)
		return;
	e = h->sampled->sites[i];
	if (h->stats[i].epoch != h->epoch)
		e.peak = e.live;
	if (!is_peak)
		e.peak = (struct estimate){ 0 };
	if (!site->estimates)
		site->estimates = xcalloc(1, sizeof(*site->estimates));
	heap_estimates_merge(site->estimates, &e);
}

/* A larger peak makes those of the processes before void. */
static void forget_peaks(struct heap_result *r)
{
	size_t i;

	for (i = 0; i < r->site_count; i++) {
		r->sites[i].peak_bytes = r->sites[i].peak_count = 0;
		if (r->sites[i].estimates)
			r->sites[i].estimates->peak = (struct estimate){ 0 };
	}
}

/*
 * The trace's own stacks fold into those of the run. IS_PEAK: this process has the largest peak so
 * far.
 */
static void add_sites(struct heap *h, struct heap_result *r, struct quality *q, int is_peak)
{
	const struct process *p = h->process;
	size_t i;

	if (is_peak)
		forget_peaks(r);
	for (i = 0; i < h->site_count; i++) {
		const struct heap_stat *s = &h->stats[i];
		uint32_t stack = process_stack(p, h->site_stacks[i]);
		struct heap_site *site;

		if (!s->allocations)
			continue;
		site = site_of(r, stack);
		if (!site->func)
			site->func = s->func;
		site->allocations += s->allocations;
		site->reallocations += s->reallocations;
		site->allocated_bytes += s->allocated_bytes;
		site->temporary += s->temporary;
		site->live_count += s->live_count;
		site->live_bytes += s->live_bytes;
		if (is_peak) {
			site->peak_bytes += s->epoch == h->epoch ? s->peak_bytes : s->live_bytes;
			site->peak_count += s->epoch == h->epoch ? s->peak_count : s->live_count;
		}
		add_site_estimates(h, i, site, is_peak);
		if (frames_is_truncated(p->frames, stack))
			q->truncated_stacks += s->allocations;
		if (stack == p->lost_stack)
			q->unknown_stacks += s->allocations;
	}
}

static void add_leak(struct heap *h, struct heap_result *r, const struct live_facts *b)
{
	const struct process *p = h->process;
	uint64_t ns = timebase_ns(&p->clock, b->ticks);
	uint32_t stack = process_stack(p, h->site_stacks[b->site]);
	int ignored = (b->flags & LIVE_IGNORED) != 0, is_new;
	uint64_t *place = map_put(&r->leak_of,
				  (uint64_t)stack << 16 | (uint64_t)b->func << 8 | (uint64_t)ignored,
				  &is_new);
	struct heap_leak *leak;
	uint32_t thread = p->threads[p->slot_thread[b->slot]].index;

	if (is_new) {
		*place = r->leak_count;
		r->leaks = pool_grow(r->leaks, &r->leaks_capacity, r->leak_count + 1,
				     sizeof(*r->leaks));
		r->leaks[r->leak_count++] = (struct heap_leak){ .stack = stack,
								.func = b->func,
								.ignored = (uint8_t)ignored,
								.first_ns = ns,
								.process = h->number,
								.thread = thread };
	}
	leak = &r->leaks[*place];
	if (b->flags & LIVE_SAMPLE_MASK) {
		estimate_add(&leak->estimate, heap_weight(h, b->flags, b->size), 1, &leak->bytes,
			     &leak->count);
	} else {
		leak->count++;
		leak->bytes += b->size;
	}
	leak->largest = b->size > leak->largest ? b->size : leak->largest;
	leak->last_ns = ns > leak->last_ns ? ns : leak->last_ns;
	/*
	 * The table has no order: of the oldest block's process, time and thread the smallest are
	 * taken.
	 */
	if (h->number == leak->process &&
	    (ns < leak->first_ns || (ns == leak->first_ns && thread < leak->thread))) {
		leak->first_ns = ns;
		leak->thread = thread;
	}
}

static void add_leaks(struct heap *h, struct heap_result *r)
{
	size_t i;

	for (i = 0; h->live.blocks && i <= h->live.mask; i++) {
		struct live_facts facts = live_load(&h->live.blocks[i]);

		if (h->live.blocks[i].key && !(facts.flags & LIVE_UNCOUNTED))
			add_leak(h, r, &facts);
	}
}

/* One kind of mismatch, of different processes, by the stacks of the run. */
static void add_mismatch(struct heap_result *r, const struct heap_mismatch *m)
{
	size_t i;

	for (i = 0; i < r->mismatch_count; i++) {
		struct heap_mismatch *have = &r->mismatches[i];

		if (have->alloc_stack == m->alloc_stack && have->free_stack == m->free_stack &&
		    have->alloc_func == m->alloc_func && have->free_func == m->free_func) {
			have->count += m->count;
			return;
		}
	}
	r->mismatches = pool_grow(r->mismatches, &r->mismatches_capacity, r->mismatch_count + 1,
				  sizeof(*r->mismatches));
	r->mismatches[r->mismatch_count++] = *m;
}

static void add_mismatches(struct heap *h, struct heap_result *r)
{
	const struct process *p = h->process;
	struct map_entry entry;
	size_t at = 0;

	while (map_next(&h->mismatches, &at, &entry)) {
		struct heap_mismatch m = {
			.alloc_stack = process_stack(p, h->site_stacks[entry.key >> 38]),
			.free_stack = process_stack(p, entry.key >> 12 & 0x3ffffff),
			.alloc_func = entry.key >> 6 & 63,
			.free_func = entry.key & 63,
			.count = entry.value,
		};

		add_mismatch(r, &m);
	}
}

static void add_sampled(const struct heap *h, struct heap_totals *t, int is_peak)
{
	const struct heap_sampled *s = h->sampled;
	struct heap_estimates totals;
	unsigned i;

	if (is_peak) {
		t->estimates.peak = (struct estimate){ 0 };
		t->peak_likely_bytes = h->peak_bytes;
	}
	if (!s)
		return;
	if (is_peak)
		t->peak_likely_bytes = h->peak_bytes / 2 + s->halves[0].other / 4 +
				       s->halves[1].other / 4;
	totals = s->totals;
	if (!is_peak)
		totals.peak = (struct estimate){ 0 };
	heap_estimates_merge(&t->estimates, &totals);
	estimate_merge(&t->freed, &s->freed);
	for (i = 1; i <= s->distance_count; i++) {
		if (!t->least_distance || s->distances[i] < t->least_distance)
			t->least_distance = s->distances[i];
		if (s->distances[i] > t->most_distance)
			t->most_distance = s->distances[i];
	}
}

static void add_totals(struct heap *h, struct heap_totals *t)
{
	size_t i;

	t->folded += h->folded;
	t->allocations += h->allocations;
	t->reallocations += h->reallocations;
	t->frees += h->frees;
	t->failed += h->failed;
	t->allocated_bytes += h->allocated_bytes;
	t->live_count += h->live_count;
	t->live_bytes += h->live_bytes;
	t->temporary += h->temporary;
	t->mismatches += h->mismatch_count;
	for (i = 0; i < HEAP_FUNCS; i++) {
		t->funcs[i].calls += h->funcs[i].calls;
		t->funcs[i].bytes += h->funcs[i].bytes;
		t->funcs[i].failed += h->funcs[i].failed;
	}
}

/* How far the largest peak of any process may lie above the one that is known. */
static void widen_peak(const struct heap *h, struct heap_totals *t)
{
	uint64_t most = h->peak_bytes > h->peak_most_bytes ? h->peak_bytes : h->peak_most_bytes;
	uint64_t least = h->is_in_doubt ? h->peak_least_bytes : h->peak_bytes;

	if (most > t->peak_most_bytes)
		t->peak_most_bytes = most;
	if (least > t->peak_least_bytes)
		t->peak_least_bytes = least;
}

struct estimate_range heap_peak_range(const struct heap_totals *t)
{
	const struct estimate *e = &t->estimates.peak;
	struct estimate_range range = estimate_bytes_range(e, t->peak_bytes);
	uint64_t seen = t->peak_bytes - estimate_bytes(e) + e->seen_bytes, bias;

	if (t->peak_likely_bytes < t->peak_bytes) {
		bias = t->peak_bytes - t->peak_likely_bytes;
		range.low -= bias < range.low ? bias : range.low;
		range.high -= bias < range.high ? bias : range.high;
	} else {
		bias = t->peak_likely_bytes - t->peak_bytes;
		range.high += bias;
	}
	if (range.low < seen)
		range.low = seen;
	if (range.high < t->peak_bytes)
		range.high = t->peak_bytes;
	if (range.high < t->peak_most_bytes)
		range.high = t->peak_most_bytes;
	if (range.low > t->peak_least_bytes && t->folded)
		range.low = t->peak_least_bytes;
	return range;
}

void heap_finish(struct heap *h, struct heap_result *r, struct quality *q)
{
	struct heap_totals *t = &r->totals;
	int is_peak;
	size_t i;

	heap_settle(h);
	is_peak = h->peak_bytes > t->peak_bytes;
	if (is_peak) {
		t->peak_bytes = h->peak_bytes;
		t->peak_count = h->peak_count;
		t->peak_ns = timebase_ns(&h->process->clock, h->peak_ticks);
		t->peak_process = h->number;
	}
	widen_peak(h, t);
	add_totals(h, t);
	add_sampled(h, t, is_peak);
	add_sites(h, r, q, is_peak);
	add_leaks(h, r);
	add_mismatches(h, r);
	for (i = 0; i < h->process->slot_count; i++)
		h->rows[i].last_ns = h->rows[i].events
					     ? timebase_ns(&h->process->clock, h->rows[i].last_ns)
					     : 0;
	q->unmatched_frees += h->unmatched_frees;
	q->unended_blocks += h->unended_blocks;
}

/* ---- order ---------------------------------------------------------------------------------- */

static int descending(uint64_t a, uint64_t b)
{
	return a > b ? -1 : a < b;
}

/*
 * What a site is sorted by: all that most comparisons need, since there may be very many and each
 * look elsewhere is a cache miss.
 */
struct site_key {
	uint64_t costs[2];
	uint32_t content; /* of the stack: what frames_compare looks at first */
	uint32_t stack;
	uint32_t at; /* place in sites */
};

static void costs_of(const struct heap_site *s, enum heap_order order, uint64_t costs[2])
{
	switch (order) {
	case HEAP_BY_LIVE:
		costs[0] = s->live_bytes;
		costs[1] = s->live_count;
		break;
	case HEAP_BY_PEAK:
		costs[0] = s->peak_bytes;
		costs[1] = s->peak_count;
		break;
	case HEAP_BY_ALLOCATIONS:
		costs[0] = s->allocations;
		costs[1] = s->allocated_bytes;
		break;
	case HEAP_BY_ALLOCATED:
		costs[0] = s->allocated_bytes;
		costs[1] = s->allocations;
		break;
	case HEAP_BY_TEMPORARY:
		costs[0] = s->temporary;
		costs[1] = s->temporary ? s->allocations : 0;
		break;
	}
}

static int compare_keys(const void *a, const void *b, void *frames)
{
	const struct site_key *x = a, *y = b;

	if (x->costs[0] != y->costs[0])
		return x->costs[0] > y->costs[0] ? -1 : 1;
	if (x->costs[1] != y->costs[1])
		return x->costs[1] > y->costs[1] ? -1 : 1;
	if (x->content != y->content)
		return x->content < y->content ? -1 : 1;
	return frames_compare(frames, x->stack, y->stack);
}

void heap_order_sites(struct heap_result *r, const struct frames *frames, enum heap_order order)
{
	struct heap_site *sorted = xmalloc(r->site_count * sizeof(*sorted));
	struct site_key *keys = xmalloc(r->site_count * sizeof(*keys));
	size_t count = 0, rest = r->site_count, i;

	/* Sites without the cost are many and shown by nobody: they go last, unsorted. */
	for (i = r->site_count; i-- > 0;) {
		const struct heap_site *s = &r->sites[i];
		struct site_key key = { .stack = s->stack, .at = (uint32_t)i };

		costs_of(s, order, key.costs);
		key.content = frames->stacks[s->stack].content;
		if (key.costs[0] || key.costs[1])
			keys[count++] = key;
		else
			sorted[--rest] = *s;
	}
	if (count)
		qsort_r(keys, count, sizeof(*keys), compare_keys, (void *)frames);
	for (i = 0; i < count; i++)
		sorted[i] = r->sites[keys[i].at];
	free(keys);
	free(r->sites);
	r->sites = sorted;
}

static int compare_leaks(const void *a, const void *b, void *frames)
{
	const struct heap_leak *x = a, *y = b;
	int order = descending(x->bytes, y->bytes);

	if (!order)
		order = descending(x->count, y->count);
	if (!order)
		order = frames_compare(frames, x->stack, y->stack);
	if (!order)
		order = (int)x->func - (int)y->func;
	return order ? order : (int)x->ignored - (int)y->ignored;
}

static int compare_mismatches(const void *a, const void *b, void *frames)
{
	const struct heap_mismatch *x = a, *y = b;
	int order = descending(x->count, y->count);

	if (!order)
		order = frames_compare(frames, x->alloc_stack, y->alloc_stack);
	if (!order)
		order = frames_compare(frames, x->free_stack, y->free_stack);
	if (!order)
		order = (int)x->alloc_func - (int)y->alloc_func;
	return order ? order : (int)x->free_func - (int)y->free_func;
}

static void all_beside(struct heap_estimates *e, uint64_t distance)
{
	estimate_beside(&e->allocated, distance);
	estimate_beside(&e->reallocated, distance);
	estimate_beside(&e->temporary, distance);
	estimate_beside(&e->live, distance);
	estimate_beside(&e->peak, distance);
}

/* What samples that got sparser may have missed in the end. */
static void tell_distance(struct heap_result *r)
{
	uint64_t distance = r->totals.most_distance;
	size_t i;

	if (r->totals.least_distance == distance)
		return;
	all_beside(&r->totals.estimates, distance);
	estimate_beside(&r->totals.freed, distance);
	for (i = 0; i < r->site_count; i++)
		if (r->sites[i].estimates)
			all_beside(r->sites[i].estimates, distance);
	for (i = 0; i < r->leak_count; i++)
		estimate_beside(&r->leaks[i].estimate, distance);
}

void heap_result_finish(struct heap_result *r, const struct frames *frames)
{
	tell_distance(r);
	heap_order_sites(r, frames, HEAP_BY_LIVE);
	if (r->leak_count)
		qsort_r(r->leaks, r->leak_count, sizeof(*r->leaks), compare_leaks, (void *)frames);
	if (r->mismatch_count)
		qsort_r(r->mismatches, r->mismatch_count, sizeof(*r->mismatches),
			compare_mismatches, (void *)frames);
	free(r->site_of);
	r->site_of = NULL;
	r->site_of_count = 0;
	map_free(&r->leak_of);
}

void heap_result_free(struct heap_result *r)
{
	size_t i;

	for (i = 0; i < r->site_count; i++)
		free(r->sites[i].estimates);
	free(r->sites);
	free(r->leaks);
	free(r->mismatches);
	free(r->site_of);
	map_free(&r->leak_of);
	*r = (struct heap_result){ 0 };
}
