/* SPDX-License-Identifier: MIT */
/* distribution.c - see distribution.h. */
#include "cli/distribution.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli/site_command.h"
#include "out/text.h"

uint64_t distribution_median(const struct distribution_site *site)
{
	uint64_t seen = 0;
	size_t i;

	for (i = 0; i < site->octave_count; i++) {
		seen += site->octaves[i];
		if (seen * 2 >= site->count && seen) {
			uint64_t upper = i == 0                       ? 0
					 : i + 1 < site->octave_count ? (UINT64_C(1) << i) - 1
								      : site->max;

			return upper < site->max ? upper : site->max;
		}
	}
	return 0;
}

static int compare_sites(const void *a, const void *b, void *frames)
{
	const struct distribution_site *x = a, *y = b;

	if (x->sum != y->sum)
		return x->sum > y->sum ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return frames_compare(frames, x->stack, y->stack);
}

static void write_site(struct session *s, const struct distribution *d,
		       const struct distribution_site *site)
{
	char min[TEXT_NUMBER_BYTES], mean[TEXT_NUMBER_BYTES], median[TEXT_NUMBER_BYTES],
		max[TEXT_NUMBER_BYTES];
	const char *unit = d->view.unit;

	text_style(&s->out, s->color, TEXT_STRONG);
	buf_printf(&s->out, "%s%" PRIu64 " %s, min %s, mean %s, half up to %s, max %s from\n",
		   d->view.is_estimate ? "~" : "", site->count, d->view.what,
		   histogram_report_value(min, unit, site->min),
		   histogram_report_value(mean, unit, site->sum / site->count),
		   histogram_report_value(median, unit, distribution_median(site)),
		   histogram_report_value(max, unit, site->max));
	text_style(&s->out, s->color, TEXT_PLAIN);
	names_text(s->names, site->stack, &s->out, 4, FRAMES_SHOWN);
	buf_putc(&s->out, '\n');
}

static void write_text(struct session *s, const struct distribution *d, size_t limit)
{
	char longest[TEXT_NUMBER_BYTES];
	size_t i;

	text_style(&s->out, s->color, TEXT_TITLE);
	buf_printf(&s->out, "%s\n", d->title);
	text_style(&s->out, s->color, TEXT_PLAIN);
	histogram_report_text(&d->view, &s->out);
	if (d->folded_count)
		buf_printf(&s->out,
			   "%" PRIu64
			   " more %s were shorter than %s each, and are in no row: they were only counted\n",
			   d->folded_count, d->view.what,
			   histogram_report_value(longest, d->view.unit, d->folded_longest));
	buf_putc(&s->out, '\n');
	text_style(&s->out, s->color, TEXT_TITLE);
	buf_printf(&s->out, "%s\n", d->sites_title);
	text_style(&s->out, s->color, TEXT_PLAIN);
	for (i = 0; i < d->site_count && i < limit; i++)
		write_site(s, d, &d->sites[i]);
	if (i < d->site_count)
		buf_printf(&s->out, "and %zu more stacks: use -n 0 to see all\n\n",
			   d->site_count - i);
	session_notes(s);
}

static void write_json(struct session *s, const struct distribution *d, size_t limit)
{
	struct emit j;
	size_t i;

	for (i = 0; i < d->site_count && i < limit; i++)
		names_stack(s->names, d->sites[i].stack);
	session_json_begin(s, &j, d->command);
	emit_begin_object(&j, "histogram");
	emit_string(&j, "name", d->command);
	histogram_report_json(&d->view, &j);
	emit_end(&j);
	if (d->view.is_estimate)
		emit_bool(&j, "estimated", 1);
	if (d->folded_count) {
		emit_begin_flat_object(&j, "folded");
		emit_uint(&j, "count", d->folded_count);
		emit_uint(&j, "longest_at_most", d->folded_longest);
		emit_end(&j);
	}
	emit_begin_array(&j, "sites");
	for (i = 0; i < d->site_count && i < limit; i++) {
		const struct distribution_site *site = &d->sites[i];

		emit_begin_object(&j, NULL);
		emit_uint(&j, "count", site->count);
		emit_uint(&j, "min", site->min);
		emit_double(&j, "mean", (double)site->sum / (double)site->count, 1);
		emit_uint(&j, "median_at_most", distribution_median(site));
		emit_uint(&j, "max", site->max);
		emit_uint(&j, "sum", site->sum);
		names_json(s->names, site->stack, &j, "stack");
		emit_end(&j);
	}
	emit_end(&j);
	if (i < d->site_count) {
		emit_begin_flat_object(&j, "more");
		emit_uint(&j, "sites", d->site_count - i);
		emit_end(&j);
	}
	emit_end(&j);
}

void distribution_write(struct session *s, struct distribution *d)
{
	session_names(s);
	if (d->site_count)
		qsort_r(d->sites, d->site_count, sizeof(*d->sites), compare_sites, s->run->frames);
	if (session_is_json(s))
		write_json(s, d, session_limit(s, SITES_SHOWN_JSON));
	else
		write_text(s, d, session_limit(s, SITES_SHOWN));
}
