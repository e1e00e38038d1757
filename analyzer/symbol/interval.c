/* SPDX-License-Identifier: MIT */
/*
 * interval.c - see interval.h. A sweep over the ranges in order of their start with a heap of those
 * that have begun; ranges that have ended leave the heap when they surface, so each is pushed and
 * popped once.
 */
#include "symbol/interval.h"

#include <stdlib.h>

#include "util/pool.h"

struct interval_segment {
	uint64_t start;
	uint32_t value;
};

struct sweep {
	const struct interval *items;
	uint32_t *heap; /* indices into items, the one in force on top */
	size_t heap_count;
	struct interval_segment *segments;
	size_t count;
	size_t capacity;
};

void interval_add(struct interval_list *list, uint64_t lo, uint64_t hi, uint32_t priority,
		  uint32_t value)
{
	if (hi <= lo)
		return;
	list->items = pool_grow(list->items, &list->capacity, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = (struct interval){ lo, hi, priority, value };
}

static int by_start(const void *a, const void *b)
{
	const struct interval *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

static int outranks(const struct sweep *s, uint32_t a, uint32_t b)
{
	if (s->items[a].priority != s->items[b].priority)
		return s->items[a].priority > s->items[b].priority;
	return a > b;
}

static void heap_push(struct sweep *s, uint32_t item)
{
	size_t i = s->heap_count++;

	while (i && outranks(s, item, s->heap[(i - 1) / 2])) {
		s->heap[i] = s->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap[i] = item;
}

static void heap_pop(struct sweep *s)
{
	uint32_t item = s->heap[--s->heap_count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < s->heap_count) {
		if (child + 1 < s->heap_count && outranks(s, s->heap[child + 1], s->heap[child]))
			child++;
		if (!outranks(s, s->heap[child], item))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = item;
}

static void emit(struct sweep *s, uint64_t start, uint32_t value)
{
	if (s->count && s->segments[s->count - 1].start == start)
		s->count--;
	if (s->count ? s->segments[s->count - 1].value == value : value == INTERVAL_NONE)
		return;
	s->segments = pool_grow(s->segments, &s->capacity, s->count + 1, sizeof(*s->segments));
	s->segments[s->count++] = (struct interval_segment){ start, value };
}

/* Writes the segments from FROM up to TO, where the next range begins. */
static void advance(struct sweep *s, uint64_t from, uint64_t to)
{
	while (s->heap_count && from < to) {
		const struct interval *top = &s->items[s->heap[0]];

		if (top->hi > from) {
			emit(s, from, top->value);
			if (top->hi >= to)
				return;
			from = top->hi;
		}
		heap_pop(s);
	}
	if (from < to)
		emit(s, from, INTERVAL_NONE);
}

void interval_build(struct interval_index *index, struct interval_list *list)
{
	struct sweep s = { .items = list->items };
	size_t i;

	interval_free(index);
	if (list->count == 0)
		return;
	qsort(list->items, list->count, sizeof(*list->items), by_start);
	s.heap = xmalloc(list->count * sizeof(*s.heap));
	for (i = 0; i < list->count; i++) {
		if (i)
			advance(&s, list->items[i - 1].lo, list->items[i].lo);
		heap_push(&s, (uint32_t)i);
	}
	advance(&s, list->items[list->count - 1].lo, UINT64_MAX);
	free(s.heap);
	index->segments = s.segments;
	index->count = s.count;
}

uint32_t interval_find(const struct interval_index *index, uint64_t addr)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->segments[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? index->segments[low - 1].value : INTERVAL_NONE;
}

void interval_list_free(struct interval_list *list)
{
	free(list->items);
	*list = (struct interval_list){ 0 };
}

void interval_free(struct interval_index *index)
{
	free(index->segments);
	*index = (struct interval_index){ 0 };
}
