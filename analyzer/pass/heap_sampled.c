/* SPDX-License-Identifier: MIT */
/*
 * heap_sampled.c - blocks of a sample in the heap pass: each stands for more than itself. Sampled
 * events are rare by their nature, so nothing here is on the path of exact ones. Numbers hold exact
 * counts and rounded estimates together (struct estimate); the estimates alone lie in struct
 * heap_sampled.
 */
#include <stdlib.h>
#include <string.h>

#include "pass/heap_state.h"
#include "pass/sizes.h"
#include "util/pool.h"

static struct heap_sampled *sampled_of(struct heap *h)
{
	size_t i;

	if (!h->sampled) {
		if (!h->is_in_doubt)
			h->peak_least_bytes = h->peak_bytes;
		h->is_in_doubt = 1;
		h->sampled = xcalloc(1, sizeof(*h->sampled));
		h->sampled->slots = xcalloc(h->process->slot_count, sizeof(*h->sampled->slots));
		for (i = 0; i < 2; i++)
			h->sampled->halves[i] = (struct heap_half){ .highest = h->peak_bytes,
								    .other = h->peak_bytes };
	}
	return h->sampled;
}

void heap_sampled_delete(struct heap_sampled *sampled)
{
	if (!sampled)
		return;
	free(sampled->sites);
	free(sampled->slots);
	free(sampled);
}

/* A writer has a few distances; of a file that has more than there is room for, the last serves. */
uint8_t heap_sample_flags(struct heap *h, uint64_t distance)
{
	struct heap_sampled *s = sampled_of(h);
	unsigned i;

	for (i = 1; i <= s->distance_count; i++)
		if (s->distances[i] == distance)
			return (uint8_t)(i << LIVE_SAMPLE_SHIFT);
	if (s->distance_count < HEAP_DISTANCES - 1)
		s->distances[++s->distance_count] = distance;
	return (uint8_t)(s->distance_count << LIVE_SAMPLE_SHIFT);
}

const struct weight *heap_weight(struct heap *h, uint8_t flags, uint64_t size)
{
	unsigned distance = (flags & LIVE_SAMPLE_MASK) >> LIVE_SAMPLE_SHIFT;
	struct heap_weight_memo *memo =
		&h->sampled->memo[(size ^ size >> 10 ^ distance) % HEAP_WEIGHT_MEMO];

	if (memo->distance != distance || memo->size != size) {
		weight_of(&memo->weight, size, h->sampled->distances[distance]);
		memo->size = size;
		memo->distance = distance;
	}
	return &memo->weight;
}

struct heap_estimates *heap_site_estimates(struct heap *h, uint32_t site)
{
	struct heap_sampled *s = h->sampled;

	if (site >= s->site_count) {
		s->sites = pool_grow(s->sites, &s->sites_capacity, site + 1, sizeof(*s->sites));
		memset(&s->sites[s->site_count], 0, (site + 1 - s->site_count) * sizeof(*s->sites));
		s->site_count = site + 1;
	}
	return &s->sites[site];
}

void heap_save_sampled_peak(struct heap *h, const struct heap_stat *stat)
{
	size_t site = (size_t)(stat - h->stats);

	if (site < h->sampled->site_count)
		h->sampled->sites[site].peak = h->sampled->sites[site].live;
}

void heap_look_at_halves(struct heap *h)
{
	struct heap_half *halves = h->sampled->halves;
	uint64_t chance[2], curve[2];
	size_t i;

	for (i = 0; i < 2; i++)
		chance[i] = estimate_round(halves[i].chance);
	for (i = 0; i < 2; i++) {
		curve[i] = h->live_bytes + chance[i];
		curve[i] = curve[i] > chance[1 - i] ? curve[i] - chance[1 - i] : 0;
	}
	for (i = 0; i < 2; i++) {
		if (curve[i] > halves[i].highest) {
			halves[i].highest = curve[i];
			halves[i].other = curve[1 - i];
		}
	}
}

static struct heap_half *half_of(struct heap *h, const struct live_facts *b)
{
	return &h->sampled->halves[(b->flags & LIVE_SAMPLE_HALF) != 0];
}

/* As save_peak of heap.c. */
static void save_peak(struct heap *h, struct heap_stat *s)
{
	if (s->epoch == h->epoch)
		return;
	s->peak_bytes = s->live_bytes;
	s->peak_count = s->live_count;
	s->epoch = h->epoch;
	heap_save_sampled_peak(h, s);
}

void heap_sampled_begin(struct heap *h, const struct live_facts *b, uint64_t times)
{
	const struct weight *w = heap_weight(h, b->flags, b->size);
	struct heap_estimates *site = heap_site_estimates(h, b->site);
	struct heap_stat *s = &h->stats[b->site];
	struct threads_row *row = h->lanes[b->slot].row;
	uint64_t count = s->live_count;

	save_peak(h, s);
	estimate_add(&site->live, w, times, &s->live_bytes, &count);
	s->live_count = (uint32_t)count;
	estimate_add(&h->sampled->slots[b->slot].live, w, times, &row->live_bytes, &row->live_count);
	if (row->live_bytes > row->peak_bytes)
		row->peak_bytes = row->live_bytes;
	estimate_add(&h->sampled->totals.live, w, times, &h->live_bytes, &h->live_count);
	half_of(h, b)->chance += w->bytes_chance * times;
}

void heap_sampled_drop(struct heap *h, const struct live_facts *b, uint64_t times)
{
	const struct weight *w = heap_weight(h, b->flags, b->size);
	struct heap_estimates *site = heap_site_estimates(h, b->site);
	struct heap_stat *s = &h->stats[b->site];
	struct threads_row *row = h->lanes[b->slot].row;
	uint64_t count = s->live_count;

	save_peak(h, s);
	estimate_drop(&site->live, w, times, &s->live_bytes, &count);
	s->live_count = (uint32_t)count;
	estimate_drop(&h->sampled->slots[b->slot].live, w, times, &row->live_bytes, &row->live_count);
	estimate_drop(&h->sampled->totals.live, w, times, &h->live_bytes, &h->live_count);
	half_of(h, b)->chance -= w->bytes_chance * times;
}

void heap_sampled_allocation(struct heap *h, const struct live_facts *b, int is_realloc,
			     uint64_t times)
{
	const struct weight *w = heap_weight(h, b->flags, b->size);
	struct heap_estimates *site = heap_site_estimates(h, b->site);
	struct heap_slot_estimates *slot = &h->sampled->slots[b->slot];
	struct heap_sampled *sampled = h->sampled;
	struct heap_stat *s = &h->stats[b->site];
	struct threads_row *row = h->lanes[b->slot].row;
	struct heap_func *func = &h->funcs[b->func];
	uint64_t before = h->allocations;

	if (!s->func)
		s->func = b->func;
	estimate_add(&site->allocated, w, times, &s->allocated_bytes, &s->allocations);
	estimate_add(&slot->allocated, w, times, &row->allocated_bytes, &row->allocations);
	estimate_add(&sampled->totals.allocated, w, times, &h->allocated_bytes, &h->allocations);
	estimate_add(&sampled->funcs[b->func], w, times, &func->bytes, &func->calls);
	if (is_realloc) {
		uint64_t count = s->reallocations;

		estimate_add(&site->reallocated, w, times, NULL, &count);
		s->reallocations = count & ((UINT64_C(1) << 56) - 1);
		estimate_add(&slot->reallocated, w, times, NULL, &row->reallocations);
		estimate_add(&sampled->totals.reallocated, w, times, NULL, &h->reallocations);
	}
	/* As many as the total grew by: whole numbers that add up to it. */
	if (h->followers.sizes)
		sizes_add_many(h->followers.sizes, heap_run_stack(h, b->site), b->size,
			       h->allocations - before);
}

void heap_sampled_temporary(struct heap *h, const struct live_facts *b, uint32_t slot, uint64_t times)
{
	const struct weight *w = heap_weight(h, b->flags, b->size);
	struct heap_estimates *site = heap_site_estimates(h, b->site);

	estimate_add(&site->temporary, w, times, NULL, &h->stats[b->site].temporary);
	estimate_add(&h->sampled->slots[slot].temporary, w, times, NULL,
		     &h->lanes[slot].row->temporary);
	estimate_add(&h->sampled->totals.temporary, w, times, NULL, &h->temporary);
}

void heap_sampled_free(struct heap *h, const struct live_facts *b, uint32_t slot, uint8_t func,
		       int has_bytes, uint64_t times)
{
	const struct weight *w = heap_weight(h, b->flags, b->size);
	struct threads_row *row = h->lanes[slot].row;
	struct heap_func *f = &h->funcs[func];

	estimate_add(&h->sampled->slots[slot].freed, w, times, NULL, &row->frees);
	if (b->slot != slot)
		estimate_add(&h->sampled->slots[slot].foreign, w, times, NULL, &row->foreign_frees);
	estimate_add(&h->sampled->freed, w, times, NULL, &h->frees);
	estimate_add(&h->sampled->funcs[func], w, times, has_bytes ? &f->bytes : NULL, &f->calls);
}

uint64_t heap_sampled_end(struct heap *h, const struct live_facts *b)
{
	uint64_t before = h->sampled->ended_count;

	estimate_add(&h->sampled->ended, heap_weight(h, b->flags, b->size), 1, NULL,
		     &h->sampled->ended_count);
	return h->sampled->ended_count - before;
}
