/* SPDX-License-Identifier: MIT */
/* leak_list.c - see leak_list.h. */
#include "cli/leak_list.h"

#include <stdlib.h>
#include <string.h>

#include "util/map.h"
#include "util/pool.h"

static int load_suppressions(struct leak_list *list, const struct options *o, struct diag *d)
{
	size_t i;

	list->suppressions = suppressions_new();
	for (i = 0; i < o->suppressions.count; i++)
		if (suppressions_load(list->suppressions, o->suppressions.items[i], d) < 0)
			return -1;
	if (!o->no_builtin_suppressions)
		suppressions_add_builtin(list->suppressions);
	return 0;
}

static void sum_add(struct leak_sum *sum, const struct heap_leak *leak)
{
	sum->bytes += leak->bytes;
	sum->count += leak->count;
	estimate_merge(&sum->estimate, &leak->estimate);
}

/* The stack's frames as suppressions see them; grows *FRAMES. Returns their number. */
static size_t plain_frames(const struct names_stack *stack, struct suppressions_frame **frames,
			   size_t *capacity)
{
	size_t i;

	*frames = pool_grow(*frames, capacity, stack->count, sizeof(**frames));
	for (i = 0; i < stack->count; i++)
		(*frames)[i] = (struct suppressions_frame){ .id = stack->frames[i],
							    .function = stack->frames[i]->function,
							    .file = stack->frames[i]->file,
							    .module = stack->frames[i]->module };
	return stack->count;
}

static void merge(struct heap_leak *into, const struct heap_leak *leak)
{
	into->count += leak->count;
	into->bytes += leak->bytes;
	estimate_merge(&into->estimate, &leak->estimate);
	if (leak->largest > into->largest)
		into->largest = leak->largest;
	if (leak->first_ns < into->first_ns)
		into->first_ns = leak->first_ns;
	if (leak->last_ns > into->last_ns)
		into->last_ns = leak->last_ns;
}

static int compare_leaks(const void *a, const void *b, void *frames)
{
	const struct heap_leak *x = a, *y = b;
	int order;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	order = frames_compare(frames, x->stack, y->stack);
	return order ? order : (int)x->func - (int)y->func;
}

/* Counts LEAK as left out, if it is. */
static int suppressed(struct leak_list *list, const struct heap_leak *leak,
		      const struct suppressions_frame *frames, size_t count)
{
	struct suppression *by = leak->ignored
					 ? NULL
					 : suppressions_find(list->suppressions, frames, count);

	if (!leak->ignored && !by)
		return 0;
	sum_add(&list->suppressed, leak);
	if (leak->ignored)
		sum_add(&list->ignored, leak);
	if (by) {
		by->count += leak->count;
		by->bytes += leak->bytes;
	}
	return 1;
}

int leak_list_make(struct leak_list *list, struct session *s)
{
	const struct heap_result *heap = &s->analysis.heap;
	struct names *names = session_names(s);
	struct suppressions_frame *frames = NULL;
	struct map merged = { 0 };
	size_t capacity = 0, i;

	memset(list, 0, sizeof(*list));
	if (load_suppressions(list, s->options, s->diag) < 0)
		return -1;
	list->items = xcalloc(heap->leak_count, sizeof(*list->items));
	for (i = 0; i < heap->leak_count; i++) {
		const struct heap_leak *leak = &heap->leaks[i];
		size_t count = plain_frames(names_stack(names, leak->stack), &frames, &capacity);
		uint64_t *slot;
		int is_new;

		if (suppressed(list, leak, frames, count))
			continue;
		sum_add(&list->unfreed, leak);
		slot = map_put(&merged, names_fingerprint(names, leak->stack) * 31 + leak->func,
			       &is_new);
		if (is_new) {
			*slot = list->count;
			list->items[list->count++] = *leak;
		} else {
			merge(&list->items[*slot], leak);
		}
	}
	if (list->count)
		qsort_r(list->items, list->count, sizeof(*list->items), compare_leaks,
			s->run->frames);
	map_free(&merged);
	free(frames);
	return 0;
}

void leak_list_free(struct leak_list *list)
{
	free(list->items);
	suppressions_delete(list->suppressions);
}

struct heap_site *leak_list_sites(const struct leak_list *list)
{
	/* The estimates lie behind the sites, where one free reaches them. */
	size_t bytes = list->count * sizeof(struct heap_site), i;
	struct heap_estimates *estimates;
	struct heap_site *sites;

	bytes = (bytes + _Alignof(struct heap_estimates) - 1) / _Alignof(struct heap_estimates) *
		_Alignof(struct heap_estimates);
	sites = xcalloc(1, bytes + list->count * sizeof(*estimates));
	estimates = (struct heap_estimates *)(void *)((char *)sites + bytes);
	for (i = 0; i < list->count; i++) {
		sites[i] = (struct heap_site){ .stack = list->items[i].stack,
					       .func = list->items[i].func,
					       .allocations = list->items[i].count,
					       .live_count = list->items[i].count,
					       .live_bytes = list->items[i].bytes };
		if (!list->items[i].estimate.samples)
			continue;
		sites[i].estimates = &estimates[i];
		estimates[i].live = list->items[i].estimate;
	}
	return sites;
}
