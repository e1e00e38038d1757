/* SPDX-License-Identifier: MIT */
/* site_report.c - see site_report.h. */
#include "out/site_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "out/number.h"
#include "out/text.h"
#include "util/map.h"
#include "util/pool.h"

#define NO_SITE SIZE_MAX

struct group {
	const struct symbol_frame *frame; /* innermost; NULL: sites without a stack */
	struct heap_site sum;
	size_t first, last; /* sites in order of cost, by struct grouping.next */
	size_t count;
	size_t rank; /* place of the first site, breaks ties */
};

struct grouping {
	struct group *items;
	size_t count, capacity;
	size_t *next; /* per site: the next one of its group, NO_SITE */
};

uint64_t site_report_cost(const struct heap_site *site, enum heap_order order)
{
	switch (order) {
	case HEAP_BY_LIVE:
		return site->live_bytes;
	case HEAP_BY_PEAK:
		return site->peak_bytes;
	case HEAP_BY_ALLOCATIONS:
		return site->allocations;
	case HEAP_BY_ALLOCATED:
		return site->allocated_bytes;
	case HEAP_BY_TEMPORARY:
		return site->temporary;
	}
	return 0;
}

static uint64_t total_cost(const struct site_report *r)
{
	struct heap_site all = {
		.live_bytes = r->totals->live_bytes,
		.peak_bytes = r->totals->peak_bytes,
		.allocations = r->totals->allocations,
		.allocated_bytes = r->totals->allocated_bytes,
		.temporary = r->totals->temporary,
	};

	return site_report_cost(&all, r->order);
}

const char *site_report_title(enum heap_order order)
{
	static const char *const title[] = {
		[HEAP_BY_LIVE] = "MEMORY LEAKS",
		[HEAP_BY_PEAK] = "PEAK MEMORY CONSUMERS",
		[HEAP_BY_ALLOCATIONS] = "MOST CALLS TO ALLOCATION FUNCTIONS",
		[HEAP_BY_ALLOCATED] = "MOST BYTES ALLOCATED",
		[HEAP_BY_TEMPORARY] = "MOST TEMPORARY ALLOCATIONS",
	};

	return title[order];
}

static void add_site(struct heap_site *sum, const struct heap_site *s)
{
	sum->allocations += s->allocations;
	sum->reallocations += s->reallocations;
	sum->allocated_bytes += s->allocated_bytes;
	sum->temporary += s->temporary;
	sum->live_count += s->live_count;
	sum->live_bytes += s->live_bytes;
	sum->peak_count += s->peak_count;
	sum->peak_bytes += s->peak_bytes;
	if (!s->estimates)
		return;
	if (!sum->estimates)
		sum->estimates = xcalloc(1, sizeof(*sum->estimates));
	heap_estimates_merge(sum->estimates, s->estimates);
}

/* Number of blocks or calls, and bytes, that ORDER shows of S. */
static void numbers_of(const struct heap_site *s, enum heap_order order, struct number *count,
		       struct number *bytes)
{
	const struct heap_estimates *e = s->estimates;

	switch (order) {
	case HEAP_BY_LIVE:
		*count = number_of_count(s->live_count, e ? &e->live : NULL);
		*bytes = number_of_bytes(s->live_bytes, e ? &e->live : NULL);
		break;
	case HEAP_BY_PEAK:
		*count = number_of_count(s->peak_count, e ? &e->peak : NULL);
		*bytes = number_of_bytes(s->peak_bytes, e ? &e->peak : NULL);
		break;
	case HEAP_BY_TEMPORARY:
		*count = number_of_count(s->temporary, e ? &e->temporary : NULL);
		*bytes = number_of_bytes(s->allocated_bytes, e ? &e->allocated : NULL);
		break;
	case HEAP_BY_ALLOCATIONS:
	case HEAP_BY_ALLOCATED:
		*count = number_of_count(s->allocations, e ? &e->allocated : NULL);
		*bytes = number_of_bytes(s->allocated_bytes, e ? &e->allocated : NULL);
		break;
	}
}

/* Number of sites with a cost: those without one come last and are no news. */
static size_t cost_count(const struct site_report *r)
{
	size_t count = r->count;

	while (count && site_report_cost(&r->sites[count - 1], r->order) == 0)
		count--;
	return count;
}

static void grouping_add(struct grouping *g, const struct site_report *r, size_t i,
			 struct names *names, struct map *groups)
{
	uint64_t hash, *slot;
	const struct symbol_frame *frame = names_innermost(names, r->sites[i].stack, &hash);
	int is_new;
	struct group *group;

	slot = map_put(groups, hash, &is_new);
	if (is_new) {
		*slot = g->count;
		g->items = pool_grow(g->items, &g->capacity, g->count + 1, sizeof(*g->items));
		g->items[g->count++] =
			(struct group){ .frame = frame, .first = i, .last = i, .rank = i };
	}
	group = &g->items[*slot];
	add_site(&group->sum, &r->sites[i]);
	g->next[i] = NO_SITE;
	if (!is_new)
		g->next[group->last] = i;
	group->last = i;
	group->count++;
}

static int compare_groups(const void *a, const void *b, void *order)
{
	const struct group *x = a, *y = b;
	uint64_t cost_x = site_report_cost(&x->sum, *(enum heap_order *)order);
	uint64_t cost_y = site_report_cost(&y->sum, *(enum heap_order *)order);

	if (cost_x != cost_y)
		return cost_x > cost_y ? -1 : 1;
	return x->rank < y->rank ? -1 : 1;
}

static void grouping_make(struct grouping *g, const struct site_report *r, struct names *names)
{
	struct map groups = { 0 };
	size_t count = cost_count(r), i;
	enum heap_order order = r->order;

	memset(g, 0, sizeof(*g));
	g->next = xcalloc(count, sizeof(*g->next));
	for (i = 0; i < count; i++)
		grouping_add(g, r, i, names, &groups);
	map_free(&groups);
	if (g->count)
		qsort_r(g->items, g->count, sizeof(*g->items), compare_groups, &order);
}

static void grouping_free(struct grouping *g)
{
	size_t i;

	for (i = 0; i < g->count; i++)
		free(g->items[i].sum.estimates);
	free(g->items);
	free(g->next);
}

/*
 * The figures of S in heaptrack's words, up to "from". STACK: the shorter wording of a stack below
 * its site.
 */
static void write_figures(const struct heap_site *s, enum heap_order order, int stack, struct buf *out)
{
	char bytes[NUMBER_TEXT_BYTES], count[NUMBER_TEXT_BYTES], percent[TEXT_NUMBER_BYTES];
	const struct heap_estimates *e = s->estimates;
	struct number many, amount, other;

	numbers_of(s, order, &many, &amount);
	number_count_text(count, &many);
	number_bytes_text(bytes, &amount);
	switch (order) {
	case HEAP_BY_ALLOCATIONS:
		other = number_of_bytes(s->peak_bytes, e ? &e->peak : NULL);
		buf_printf(out, "%s call%s %swith %s peak consumption from", count,
			   text_plural(many.value), stack ? "" : "to allocation functions ",
			   number_bytes_text(bytes, &other));
		break;
	case HEAP_BY_PEAK:
		buf_printf(out, "%s %sconsumed over %s call%s from", bytes,
			   stack ? "" : "peak memory ", count, text_plural(many.value));
		break;
	case HEAP_BY_LIVE:
		buf_printf(out, "%s leaked over %s call%s from", bytes, count,
			   text_plural(many.value));
		break;
	case HEAP_BY_ALLOCATED:
		buf_printf(out, "%s allocated over %s call%s from", bytes, count,
			   text_plural(many.value));
		break;
	case HEAP_BY_TEMPORARY:
		other = number_of_count(s->allocations, e ? &e->allocated : NULL);
		buf_printf(out, "%s temporary allocation%s of %s allocation%s in total (%s) from",
			   count, text_plural(many.value), number_count_text(bytes, &other),
			   text_plural(other.value),
			   text_percent(percent, s->temporary, s->allocations));
		break;
	}
}

static void write_share(const struct group *g, const struct site_report *r, struct buf *out)
{
	static const char *const whole[] = {
		[HEAP_BY_LIVE] = "of all that leaked",
		[HEAP_BY_PEAK] = "of the peak",
		[HEAP_BY_ALLOCATIONS] = "of all calls",
		[HEAP_BY_ALLOCATED] = "of all bytes allocated",
		[HEAP_BY_TEMPORARY] = "of all temporary allocations",
	};
	char percent[TEXT_NUMBER_BYTES];

	text_percent(percent, site_report_cost(&g->sum, r->order), total_cost(r));
	buf_printf(out, "  %s %s\n", percent, whole[r->order]);
}

static void write_group_head(const struct group *g, const struct site_report *r, struct buf *out,
			     int color)
{
	text_style(out, color, TEXT_STRONG);
	write_figures(&g->sum, r->order, 0, out);
	text_style(out, color, TEXT_PLAIN);
	buf_putc(out, '\n');
	if (!g->frame) {
		buf_puts(out, "(no stack was recorded)\n");
		write_share(g, r, out);
		return;
	}
	names_function_text(g->frame->function, out);
	buf_putc(out, '\n');
	if (g->frame->file) {
		buf_puts(out, "  at ");
		text_name(out, g->frame->file);
		if (g->frame->line)
			buf_printf(out, ":%" PRIu32, g->frame->line);
		buf_putc(out, '\n');
	}
	if (g->frame->module) {
		buf_puts(out, "  in ");
		text_name(out, g->frame->module);
		buf_putc(out, '\n');
	}
	write_share(g, r, out);
}

static void write_group(const struct grouping *g, const struct group *group,
			const struct site_report *r, struct names *names, struct buf *out, int color)
{
	struct heap_site rest = { 0 };
	size_t shown = 0, left = 0, i;

	write_group_head(group, r, out, color);
	for (i = group->first; i != NO_SITE && group->frame; i = g->next[i]) {
		if (shown == r->stack_limit) {
			add_site(&rest, &r->sites[i]);
			left++;
			continue;
		}
		shown++;
		buf_puts(out, "  ");
		write_figures(&r->sites[i], r->order, 1, out);
		buf_puts(out, ":\n");
		names_text(names, r->sites[i].stack, out, 4, r->frame_limit);
	}
	if (left) {
		buf_puts(out, shown ? "  and " : "  ");
		write_figures(&rest, r->order, 1, out);
		buf_printf(out, " %zu %splace%s\n", left, shown ? "other " : "", text_plural(left));
		free(rest.estimates);
	}
	buf_putc(out, '\n');
}

void site_report_text(const struct site_report *r, struct names *names, struct buf *out, int color)
{
	struct heap_site rest = { 0 };
	struct grouping g;
	size_t i;

	text_style(out, color, TEXT_TITLE);
	buf_puts(out, site_report_title(r->order));
	text_style(out, color, TEXT_PLAIN);
	buf_putc(out, '\n');
	grouping_make(&g, r, names);
	for (i = 0; i < g.count && i < r->site_limit; i++)
		write_group(&g, &g.items[i], r, names, out, color);
	for (; i < g.count; i++)
		add_site(&rest, &g.items[i].sum);
	if (g.count > r->site_limit) {
		buf_puts(out, "and ");
		write_figures(&rest, r->order, 1, out);
		buf_printf(out, " %zu more site%s: use -n 0 to see all\n\n",
			   g.count - r->site_limit, text_plural(g.count - r->site_limit));
		free(rest.estimates);
	} else if (g.count == 0) {
		buf_puts(out, "none\n\n");
	}
	grouping_free(&g);
}

void site_report_resolve(const struct site_report *r, struct names *names)
{
	size_t count = cost_count(r), i;

	for (i = 0; i < count && i < r->site_limit; i++)
		names_stack(names, r->sites[i].stack);
}

/* Bytes and number of blocks that go with a cost. */
static void write_json_figures(const struct site_report *r, const struct heap_site *s, struct emit *j)
{
	struct number count, bytes, all;

	numbers_of(s, r->order, &count, &bytes);
	number_json(j, "bytes", &bytes);
	number_json(j, "count", &count);
	if (count.is_estimate || bytes.is_estimate)
		emit_uint(j, "samples",
			  count.samples > bytes.samples ? count.samples : bytes.samples);
	emit_double(j, "percent", text_share(site_report_cost(s, r->order), total_cost(r)), 2);
	if (r->order == HEAP_BY_TEMPORARY) {
		all = number_of_count(s->allocations, s->estimates ? &s->estimates->allocated : NULL);
		number_json(j, "allocations", &all);
	}
}

void site_report_json(const struct site_report *r, struct names *names, struct emit *j)
{
	size_t count = cost_count(r), shown = count < r->site_limit ? count : r->site_limit, i;
	struct heap_site rest = { 0 };

	emit_begin_array(j, "sites");
	for (i = 0; i < shown; i++) {
		emit_begin_object(j, NULL);
		write_json_figures(r, &r->sites[i], j);
		emit_string(j, "allocator", event_func_name(r->sites[i].func));
		names_json(names, r->sites[i].stack, j, "stack");
		emit_end(j);
	}
	emit_end(j);
	if (shown == count)
		return;
	for (; i < count; i++)
		add_site(&rest, &r->sites[i]);
	emit_begin_object(j, "more");
	emit_uint(j, "sites", count - shown);
	write_json_figures(r, &rest, j);
	free(rest.estimates);
	emit_end(j);
}
