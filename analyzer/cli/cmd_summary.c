/* SPDX-License-Identifier: MIT */
/*
 * cmd_summary.c - `shim-analyze summary`: the totals, the quality of the data, and the top of each
 * section.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/leak_list.h"
#include "cli/session.h"
#include "cli/site_command.h"
#include "out/number.h"
#include "out/site_report.h"
#include "out/text.h"
#include "out/trace_report.h"

#define SUMMARY_SITES  3
#define SUMMARY_STACKS 1
#define SUMMARY_FRAMES 8

/* "(123/s)", as heaptrack's users know it. */
static void write_rate(struct session *s, const char *what, struct number count)
{
	uint64_t ns = trace_report_duration_ns(s->run);
	char text[NUMBER_TEXT_BYTES];

	buf_printf(&s->out, "%s: %s", what, number_count_text(text, &count));
	if (ns)
		buf_printf(&s->out, " (%.0f/s)", (double)count.value * 1e9 / (double)ns);
	buf_putc(&s->out, '\n');
}

static void write_footer(struct session *s, const struct leak_list *list)
{
	const struct heap_totals *t = &s->analysis.heap.totals;
	const struct process *peak = s->run->processes[t->peak_process];
	char number[TEXT_NUMBER_BYTES], when[TEXT_NUMBER_BYTES], text[NUMBER_TEXT_BYTES];
	const struct heap_estimates *e = &t->estimates;
	struct number peak_bytes = number_of_peak(t), n;
	uint64_t rss = fields_number(&s->run->processes[0]->source->footer, "max_rss_bytes", 0);

	buf_printf(&s->out, "total runtime: %s.\n",
		   text_seconds(number, trace_report_duration_ns(s->run), 2));
	write_rate(s, "calls to allocation functions",
		   number_of_all_count(t->allocations, &e->allocated, t));
	write_rate(s, "temporary memory allocations",
		   number_of_all_count(t->temporary, &e->temporary, t));
	n = number_of_all_bytes(t->allocated_bytes, &e->allocated, t);
	buf_printf(&s->out, "bytes allocated in total: %s\n", number_bytes_text(text, &n));
	buf_printf(&s->out, "peak heap memory consumption: %s", number_bytes_text(text, &peak_bytes));
	n = number_of_count(t->peak_count, &e->peak);
	if (t->peak_bytes)
		buf_printf(&s->out, " in %s block%s, at %s", number_count_text(text, &n),
			   text_plural(t->peak_count), text_seconds(when, t->peak_ns, 3));
	if (s->run->process_count > 1)
		buf_printf(&s->out, " of pid %" PRIu64, peak->pid);
	buf_putc(&s->out, '\n');
	if (rss)
		buf_printf(&s->out, "peak RSS (including shim overhead): %s\n",
			   text_bytes(number, rss));
	n = number_of_all_bytes(list->unfreed.bytes, &list->unfreed.estimate, t);
	buf_printf(&s->out, "total memory leaked: %s", number_bytes_text(text, &n));
	n = number_of_all_count(list->unfreed.count, &list->unfreed.estimate, t);
	buf_printf(&s->out, " in %s block%s\n", number_count_text(text, &n), text_plural(n.value));
	n = number_of_bytes(list->suppressed.bytes, &list->suppressed.estimate);
	buf_printf(&s->out, "suppressed leaks: %s\n", number_bytes_text(text, &n));
	if (t->mismatches)
		buf_printf(&s->out,
			   "blocks ended by the wrong function: %" PRIu64
			   " (see shim-analyze leaks)\n",
			   t->mismatches);
	if (s->analysis.mapped.maps)
		buf_printf(&s->out,
			   "mapped by the program: %s at the peak, %" PRIu64 " calls of mmap\n",
			   text_bytes(number, s->analysis.mapped.peak_bytes),
			   s->analysis.mapped.maps);
}

static void write_leaks(struct session *s, const struct leak_list *list,
			const struct site_extent *extent)
{
	struct heap_site *sites = leak_list_sites(list);
	struct heap_totals totals = { .live_bytes = list->unfreed.bytes,
				      .live_count = list->unfreed.count };
	struct site_report leaks = {
		.sites = sites,
		.count = list->count,
		.order = HEAP_BY_LIVE,
		.totals = &totals,
		.site_limit = extent->sites,
		.stack_limit = extent->stacks,
		.frame_limit = extent->frames,
	};

	site_report_text(&leaks, s->names, &s->out, s->color);
	free(sites);
}

static void write_text(struct session *s, const struct leak_list *list)
{
	const struct site_extent extent = { session_limit(s, SUMMARY_SITES),
					    session_stack_limit(s, SUMMARY_STACKS), SUMMARY_FRAMES };
	struct buf file = s->out, sections;

	/* The head tells the share of frames without a name, so the names are looked up first. */
	buf_init(&s->out);
	site_command_section(s, HEAP_BY_ALLOCATIONS, &extent);
	site_command_section(s, HEAP_BY_PEAK, &extent);
	write_leaks(s, list, &extent);
	site_command_section(s, HEAP_BY_TEMPORARY, &extent);
	write_footer(s, list);
	sections = s->out;
	s->out = file;
	trace_report_head(s->run, s->names, &s->out, s->color);
	buf_putc(&s->out, '\n');
	buf_add(&s->out, sections.bytes, sections.length);
	buf_free(&sections);
	session_notes(s);
}

static void json_functions(const struct heap_totals *t, struct emit *j)
{
	unsigned i;

	emit_begin_object(j, "by_function");
	for (i = 0; i < HEAP_FUNCS; i++) {
		const struct heap_func *f = &t->funcs[i];

		if (!f->calls && !f->failed)
			continue;
		emit_begin_flat_object(j, event_func_name(i));
		emit_uint(j, "calls", f->calls);
		emit_uint(j, "bytes", f->bytes);
		emit_uint(j, "failed", f->failed);
		emit_end(j);
	}
	emit_end(j);
}

static void json_bytes(struct emit *j, const char *key, uint64_t value, const struct estimate *e,
		       const struct heap_totals *t)
{
	struct number n = number_of_all_bytes(value, e, t);

	number_json(j, key, &n);
}

static void json_count(struct emit *j, const char *key, uint64_t value, const struct estimate *e,
		       const struct heap_totals *t)
{
	struct number n = number_of_all_count(value, e, t);

	number_json(j, key, &n);
}

static void json_heap(const struct heap_totals *t, struct emit *j)
{
	const struct heap_estimates *e = &t->estimates;
	struct number peak = number_of_peak(t);

	emit_begin_object(j, "heap");
	json_count(j, "allocations", t->allocations, &e->allocated, t);
	json_count(j, "frees", t->frees, &t->freed, t);
	json_count(j, "reallocations", t->reallocations, &e->reallocated, t);
	emit_uint(j, "failed", t->failed);
	json_bytes(j, "allocated_bytes", t->allocated_bytes, &e->allocated, t);
	json_bytes(j, "live_bytes", t->live_bytes, &e->live, t);
	json_count(j, "live_count", t->live_count, &e->live, t);
	number_json(j, "peak_bytes", &peak);
	json_count(j, "peak_count", t->peak_count, &e->peak, t);
	emit_uint(j, "peak_ns", t->peak_ns);
	json_count(j, "temporary", t->temporary, &e->temporary, t);
	emit_uint(j, "mismatches", t->mismatches);
	if (t->most_distance) {
		emit_uint(j, "sample_bytes", t->most_distance);
		emit_uint(j, "samples", e->allocated.samples);
		emit_uint(j, "peak_likely_bytes", t->peak_likely_bytes);
	}
	if (t->folded)
		emit_uint(j, "folded", t->folded);
	json_functions(t, j);
	emit_end(j);
}

static void json_mapped(const struct mapped_result *m, struct emit *j)
{
	int kind;

	emit_begin_object(j, "mapped");
	emit_uint(j, "maps", m->maps);
	emit_uint(j, "unmaps", m->unmaps);
	emit_uint(j, "total_bytes", m->total_bytes);
	emit_uint(j, "peak_bytes", m->peak_bytes);
	emit_uint(j, "peak_ns", m->peak_ns);
	emit_begin_flat_object(j, "live_bytes");
	for (kind = 0; kind < MAPPED_KINDS; kind++)
		emit_uint(j, mapped_kind_name((enum mapped_kind)kind), m->live_bytes[kind]);
	emit_end(j);
	emit_int(j, "brk_bytes", m->brk_bytes);
	emit_end(j);
}

static void write_json(struct session *s, const struct leak_list *list)
{
	size_t threads = 0, i;
	struct emit j;

	for (i = 0; i < s->run->process_count; i++)
		threads += s->run->processes[i]->thread_count;
	session_json_begin(s, &j, "summary");
	json_heap(&s->analysis.heap.totals, &j);
	json_mapped(&s->analysis.mapped, &j);
	emit_uint(&j, "threads", threads);
	emit_begin_object(&j, "leaks");
	json_bytes(&j, "unfreed_bytes", list->unfreed.bytes, &list->unfreed.estimate,
		   &s->analysis.heap.totals);
	json_count(&j, "unfreed_count", list->unfreed.count, &list->unfreed.estimate,
		   &s->analysis.heap.totals);
	json_bytes(&j, "suppressed_bytes", list->suppressed.bytes, &list->suppressed.estimate,
		   &s->analysis.heap.totals);
	json_count(&j, "suppressed_count", list->suppressed.count, &list->suppressed.estimate,
		   &s->analysis.heap.totals);
	emit_end(&j);
	emit_end(&j);
}

static int run(struct session *s)
{
	struct leak_list list = { 0 };
	int status = -1;

	if (session_analyze(s, ANALYSIS_MAPPED, 0) == 0 && leak_list_make(&list, s) == 0 &&
	    session_output(s) == 0) {
		if (session_is_json(s))
			write_json(s, &list);
		else
			write_text(s, &list);
		status = run_exit_status(s->run);
	}
	leak_list_free(&list);
	return status;
}

const struct command command_summary = {
	.name = "summary",
	.summary = "totals, quality of the data, and the top of each section",
	.about = "Shows who was traced and how good the data are, the top of the four sections\n"
		 "of the heap (most calls, peak, leaks, temporary allocations), and the\n"
		 "totals. Each section has a command of its own that shows more.\n",
	.formats = COMMAND_TEXT_JSON,
	.run = run,
};
