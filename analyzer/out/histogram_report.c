/* SPDX-License-Identifier: MIT */
/* histogram_report.c - see histogram_report.h. */
#include "out/histogram_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out/text.h"

#define BAR_WIDTH      30
#define EMPTY_ROWS_MAX 3  /* as many in a row become one line of dots */
#define OCTAVES        65 /* 0: the value 0; n: values of n binary digits */

struct octave {
	uint64_t count, sum;
};

const char *histogram_report_value(char *out, const char *unit, uint64_t value)
{
	return strcmp(unit, "ns") == 0 ? text_ns(out, value) : text_bytes(out, value);
}

static unsigned octave_of(uint64_t value)
{
	return value ? 64u - (unsigned)__builtin_clzll(value) : 0;
}

/* A bucket never crosses a power of two, so octaves are sums of whole buckets. */
static void sum_octaves(const struct histogram_view *view, struct octave octaves[OCTAVES])
{
	unsigned i;

	memset(octaves, 0, OCTAVES * sizeof(*octaves));
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		struct octave *o = &octaves[octave_of(histogram_lower(i))];

		o->count += view->histogram->counts[i];
		o->sum += view->sums ? view->sums[i] : 0;
	}
}

static void write_line(const struct histogram_view *view, struct buf *out)
{
	static const struct {
		const char *name;
		double q;
	} points[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 } };
	const struct histogram *h = view->histogram;
	char number[TEXT_NUMBER_BYTES];
	size_t i;

	buf_printf(out, "%s%" PRIu64 " %s: min %s", view->is_estimate ? "~" : "", h->count,
		   view->what, histogram_report_value(number, view->unit, h->min));
	buf_printf(out, ", mean %s",
		   histogram_report_value(number, view->unit, (uint64_t)(histogram_mean(h) + 0.5)));
	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		buf_printf(out, ", %s %s", points[i].name,
			   histogram_report_value(number, view->unit,
						  histogram_quantile(h, points[i].q)));
	buf_printf(out, ", max %s\n", histogram_report_value(number, view->unit, h->max));
}

/* An end of a row's range: powers of two read best as they are. */
static const char *range_end(char out[TEXT_NUMBER_BYTES], const char *unit, uint64_t value)
{
	if (strcmp(unit, "bytes") != 0 || value > 99999999)
		return histogram_report_value(out, unit, value);
	snprintf(out, TEXT_NUMBER_BYTES, "%" PRIu64, value);
	return out;
}

static void write_row(const struct histogram_view *view, unsigned i, const struct octave *o,
		      uint64_t most, uint64_t below, struct buf *out)
{
	char low[TEXT_NUMBER_BYTES], high[TEXT_NUMBER_BYTES], share[TEXT_NUMBER_BYTES],
		sum[TEXT_NUMBER_BYTES];
	uint64_t from = i ? UINT64_C(1) << (i - 1) : 0, to = i ? from + (from - 1) : 0;

	if (i == 0 && strcmp(view->unit, "ns") == 0) /* two stamps of one moment are no time */
		text_pad(out, "     below resolution", 23);
	else
		buf_printf(out, "%10s - %-10s", range_end(low, view->unit, from),
			   range_end(high, view->unit, to));
	buf_printf(out, " %12" PRIu64 " %6s %6s ", o->count,
		   text_percent(share, o->count, view->histogram->count),
		   text_percent(sum, below, view->histogram->count));
	if (view->sums)
		buf_printf(out, "%10s ", text_bytes(sum, o->sum));
	text_bar(out, o->count, most, BAR_WIDTH);
	while (out->length && out->bytes[out->length - 1] == ' ')
		out->length--;
	buf_putc(out, '\n');
}

/* Rows without values from I on, up to LAST. */
static unsigned empty_rows(const struct octave octaves[OCTAVES], unsigned i, unsigned last)
{
	unsigned begin = i;

	while (i <= last && !octaves[i].count)
		i++;
	return i - begin;
}

void histogram_report_text(const struct histogram_view *view, struct buf *out)
{
	struct octave octaves[OCTAVES];
	uint64_t most = 0, below = 0;
	unsigned first = OCTAVES, last = 0, i;

	if (!view->histogram->count) {
		buf_printf(out, "no %s\n", view->what);
		return;
	}
	write_line(view, out);
	sum_octaves(view, octaves);
	for (i = 0; i < OCTAVES; i++) {
		if (!octaves[i].count)
			continue;
		first = first < i ? first : i;
		last = i;
		most = octaves[i].count > most ? octaves[i].count : most;
	}
	buf_printf(out, "%10s - %-10s %12s %6s %6s %s\n", "from", "to", view->what, "share", "sum",
		   view->sums ? "     bytes" : "");
	for (i = first; i <= last; i++) {
		unsigned empty = empty_rows(octaves, i, last);

		if (empty >= EMPTY_ROWS_MAX) {
			text_pad(out, "", 11);
			buf_puts(out, "...\n");
			i += empty;
		}
		below += octaves[i].count;
		write_row(view, i, &octaves[i], most, below, out);
	}
}

void histogram_report_json(const struct histogram_view *view, struct emit *j)
{
	const struct histogram *h = view->histogram;
	unsigned i;

	emit_string(j, "unit", view->unit);
	emit_uint(j, "count", h->count);
	emit_uint(j, "min", h->count ? h->min : 0);
	emit_double(j, "mean", histogram_mean(h), 1);
	emit_uint(j, "p50", histogram_quantile(h, 0.5));
	emit_uint(j, "p90", histogram_quantile(h, 0.9));
	emit_uint(j, "p99", histogram_quantile(h, 0.99));
	emit_uint(j, "p999", histogram_quantile(h, 0.999));
	emit_uint(j, "max", h->count ? h->max : 0);
	emit_begin_flat_array(j, "buckets");
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!h->counts[i])
			continue;
		emit_begin_flat_array(j, NULL);
		emit_uint(j, NULL, histogram_upper(i));
		emit_uint(j, NULL, h->counts[i]);
		if (view->sums)
			emit_uint(j, NULL, view->sums[i]);
		emit_end(j);
	}
	emit_end(j);
}
