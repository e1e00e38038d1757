/* SPDX-License-Identifier: MIT */
/*
 * cmd_flamegraph.c - `shim-analyze flamegraph`: one cost over all stacks, as folded text, SVG or an
 * interactive page.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/leak_list.h"
#include "cli/nearest.h"
#include "cli/session.h"
#include "out/flame.h"
#include "out/flame_folded.h"
#include "out/flame_html.h"
#include "out/flame_svg.h"
#include "out/number.h"
#include "out/site_report.h"
#include "out/trace_report.h"
#include "util/map.h"
#include "util/pool.h"

static const struct cost {
	const char *name;
	enum heap_order order;
	const char *title; /* "… of PROGRAM" */
	const char *unit;
} costs[] = {
	{ "allocated", HEAP_BY_ALLOCATED, "bytes allocated", "bytes" },
	{ "allocations", HEAP_BY_ALLOCATIONS, "allocations", "allocations" },
	{ "peak", HEAP_BY_PEAK, "peak memory", "bytes" },
	{ "leaked", HEAP_BY_LIVE, "leaked memory", "bytes" },
	{ "temporary", HEAP_BY_TEMPORARY, "temporary allocations", "allocations" },
};

#define COST_COUNT   (sizeof(costs) / sizeof(costs[0]))
#define COST_DEFAULT 2

static const struct cost *find_cost(const char *name, struct diag *d)
{
	const char *names[COST_COUNT], *near;
	size_t i;

	if (!name)
		return &costs[COST_DEFAULT];
	for (i = 0; i < COST_COUNT; i++) {
		names[i] = costs[i].name;
		if (strcmp(names[i], name) == 0)
			return &costs[i];
	}
	near = nearest_word(name, names, COST_COUNT);
	diag_set(d, "", DIAG_NO_OFFSET,
		 "--cost wants allocated, allocations, peak, leaked or temporary, not \"%.50s\"%s%s%s",
		 name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return NULL;
}

/* Per-run memory of the conversion from stacks to labels. */
struct builder {
	struct flame *flame;
	struct names *names;
	struct map known; /* struct symbol_frame -> its label, plus 1 */
	uint32_t *labels; /* of one stack, outermost first */
	size_t capacity;
};

static uint32_t label_of(struct builder *b, const struct symbol_frame *f)
{
	uint64_t *slot = map_put(&b->known, (uintptr_t)f, NULL);

	if (!*slot)
		*slot = flame_label(b->flame, f->function, names_short_module(f->module)) + 1u;
	return (uint32_t)(*slot - 1);
}

static void add_stack(struct builder *b, uint32_t stack, uint64_t weight)
{
	const struct names_stack *s = names_stack(b->names, stack);
	size_t count = 0, i;

	b->labels = pool_grow(b->labels, &b->capacity, s->count + 2, sizeof(*b->labels));
	if (s->truncated)
		b->labels[count++] = flame_label(b->flame, "[deeper frames not recorded]", "");
	else if (s->count == 0)
		b->labels[count++] = flame_label(b->flame, "[no stack]", "");
	for (i = s->count; i-- > 0;)
		b->labels[count++] = label_of(b, s->frames[i]);
	flame_add(b->flame, b->labels, count, weight);
}

/*
 * The tree of COST. Leaks come with suppressions applied; *LEAKED is the estimate in them. Returns 0,
 * or -1 with S->diag.
 */
static int build(struct session *s, const struct cost *cost, struct flame *flame,
		 struct estimate *leaked)
{
	struct builder b = { .flame = flame, .names = session_names(s) };
	const struct heap_result *heap = &s->analysis.heap;
	struct leak_list list = { 0 };
	int result = 0;
	size_t i;

	if (cost->order == HEAP_BY_LIVE) {
		result = leak_list_make(&list, s);
		for (i = 0; i < list.count; i++)
			add_stack(&b, list.items[i].stack, list.items[i].bytes);
		*leaked = list.unfreed.estimate;
		leak_list_free(&list);
	} else {
		for (i = 0; i < heap->site_count; i++) {
			uint64_t weight = site_report_cost(&heap->sites[i], cost->order);

			if (weight)
				add_stack(&b, heap->sites[i].stack, weight);
		}
	}
	flame_finish(flame);
	free(b.labels);
	map_free(&b.known);
	return result;
}

/* The whole of COST; TOTAL is what the tree has of it. */
static struct number whole(struct session *s, const struct cost *cost,
			   const struct estimate *leaked, uint64_t total)
{
	const struct heap_estimates *e = &s->analysis.heap.totals.estimates;

	switch (cost->order) {
	case HEAP_BY_PEAK:
		return number_of_peak(&s->analysis.heap.totals);
	case HEAP_BY_LIVE:
		return number_of_bytes(total, leaked);
	case HEAP_BY_ALLOCATED:
		return number_of_bytes(total, &e->allocated);
	case HEAP_BY_ALLOCATIONS:
		return number_of_count(total, &e->allocated);
	case HEAP_BY_TEMPORARY:
		break;
	}
	return number_of_count(total, &e->temporary);
}

static void write_flame(struct session *s, const struct cost *cost, const struct flame *flame,
			const struct estimate *leaked)
{
	struct number all = whole(s, cost, leaked, flame->nodes[FLAME_ROOT].total);
	struct flame_view view = { .unit = cost->unit,
				   .cost = cost->name,
				   .is_estimate = all.is_estimate };
	char text[NUMBER_TEXT_BYTES];
	struct buf title, command;

	buf_init(&title);
	buf_init(&command);
	buf_printf(&title, "%s of ", cost->title);
	trace_report_title(s->run, &title);
	if (all.is_estimate)
		buf_printf(&title, ", %s",
			   strcmp(cost->unit, "bytes") == 0 ? number_bytes_text(text, &all)
							    : number_count_text(text, &all));
	trace_report_step(s->run, &title);
	trace_report_command(s->run->processes[0], &command);
	view.title = s->options->title ? s->options->title : title.bytes;
	view.subtitle = command.length ? command.bytes : "";
	if (s->options->format == FORMAT_SVG)
		flame_svg_write(flame, &view, &s->out);
	else if (s->options->format == FORMAT_HTML)
		flame_html_write(flame, &view, &s->out);
	else
		flame_folded_write(flame, &s->out);
	buf_free(&title);
	buf_free(&command);
}

static int run(struct session *s)
{
	const struct cost *cost = find_cost(s->options->cost, s->diag);
	struct estimate leaked = { 0 };
	struct flame *flame;
	int status = -1;

	if (!cost || session_analyze(s, 0, 0) < 0)
		return -1;
	flame = flame_new();
	if (build(s, cost, flame, &leaked) == 0 && session_output(s) == 0) {
		write_flame(s, cost, flame, &leaked);
		status = run_exit_status(s->run);
	}
	flame_delete(flame);
	return status;
}

const struct command command_flamegraph = {
	.name = "flamegraph",
	.summary = "one cost over all stacks, as .folded, .svg or interactive .html",
	.about = "Draws where a cost comes from: --cost allocated (bytes), allocations\n"
		 "(calls), peak (bytes alive at the peak), leaked (bytes never freed,\n"
		 "suppressions applied) or temporary (calls). The ending of -o FILE, or\n"
		 "--format, chooses the format; without either it is folded stacks, as\n"
		 "flamegraph.pl and speedscope read them.\n\n"
		 "The .html page is one file that works offline: zoom, search by regular\n"
		 "expression, callers, dark and light.\n",
	.options = ONLY_FLAMEGRAPH,
	.formats = (1u << FORMAT_FOLDED) | (1u << FORMAT_SVG) | (1u << FORMAT_HTML),
	.run = run,
};
