/* SPDX-License-Identifier: MIT */
/* site_command.c - see site_command.h. */
#include "cli/site_command.h"

#include "out/site_report.h"
#include "out/trace_report.h"

static struct site_report report(struct session *s, enum heap_order order, size_t n)
{
	struct heap_result *heap = &s->analysis.heap;

	heap_order_sites(heap, s->run->frames, order);
	return (struct site_report){
		.sites = heap->sites,
		.count = heap->site_count,
		.order = order,
		.totals = &heap->totals,
		.site_limit = n,
		.stack_limit = session_stack_limit(s),
	};
}

void site_command_section(struct session *s, enum heap_order order, size_t n)
{
	struct site_report r = report(s, order, n);

	site_report_text(&r, session_names(s), &s->out, s->color);
}

static void write_json(struct session *s, const char *name, enum heap_order order)
{
	struct site_report r = report(s, order, session_limit(s, SITES_SHOWN_JSON));
	struct emit j;

	site_report_resolve(&r, session_names(s));
	session_json_begin(s, &j, name);
	site_report_json(&r, s->names, &j);
	emit_end(&j);
}

int site_command(struct session *s, const char *name, enum heap_order order)
{
	if (session_analyze(s, 0, 0) < 0 || session_output(s) < 0)
		return -1;
	if (session_is_json(s)) {
		write_json(s, name, order);
	} else {
		site_command_section(s, order, session_limit(s, SITES_SHOWN));
		trace_report_notes(s->run, s->names, &s->out, s->color);
	}
	return run_exit_status(s->run);
}
