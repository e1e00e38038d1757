/* SPDX-License-Identifier: MIT */
/* site_command.c - see site_command.h. */
#include "cli/site_command.h"

#include "out/site_report.h"

static struct site_report report(struct session *s, enum heap_order order,
				 const struct site_extent *extent)
{
	struct heap_result *heap = &s->analysis.heap;

	heap_order_sites(heap, s->run->frames, order);
	return (struct site_report){
		.sites = heap->sites,
		.count = heap->site_count,
		.order = order,
		.totals = &heap->totals,
		.site_limit = extent->sites,
		.stack_limit = extent->stacks,
		.frame_limit = extent->frames,
	};
}

void site_command_section(struct session *s, enum heap_order order, const struct site_extent *extent)
{
	struct site_report r = report(s, order, extent);

	site_report_text(&r, session_names(s), &s->out, s->color);
}

static void write_json(struct session *s, const char *name, enum heap_order order)
{
	const struct site_extent extent = { .sites = session_limit(s, SITES_SHOWN_JSON) };
	struct site_report r = report(s, order, &extent);
	struct emit j;

	site_report_resolve(&r, session_names(s));
	session_json_begin(s, &j, name);
	site_report_json(&r, s->names, &j);
	emit_end(&j);
}

int site_command(struct session *s, const char *name, enum heap_order order)
{
	const struct site_extent extent = { session_limit(s, SITES_SHOWN),
					    session_stack_limit(s, STACKS_SHOWN), FRAMES_SHOWN };

	if (session_analyze(s, 0, 0) < 0 || session_output(s) < 0)
		return -1;
	if (session_is_json(s)) {
		write_json(s, name, order);
	} else {
		site_command_section(s, order, &extent);
		session_notes(s);
	}
	return run_exit_status(s->run);
}
