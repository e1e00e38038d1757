/* SPDX-License-Identifier: MIT */
/*
 * histogram_report.h - distributions of sizes and times: a line of percentiles, a table with bars
 * in powers of two, and the JSON form that all histograms have in common.
 */
#ifndef OUT_HISTOGRAM_REPORT_H
#define OUT_HISTOGRAM_REPORT_H

#include "out/emit.h"
#include "util/buf.h"
#include "util/histogram.h"

struct histogram_view {
	const struct histogram *histogram;
	const uint64_t *sums; /* per bucket, or NULL */
	const char *unit;     /* "bytes" or "ns" */
	const char *what;     /* of the values: "allocations", "blocks" */
	int is_estimate;      /* the counts stand for more than was seen */
};

/* "1.20KB" or "3.40ms", by UNIT. OUT as in text.h. */
const char *histogram_report_value(char *out, const char *unit, uint64_t value);

/* Appends "min … p50 … max …" and the table. */
void histogram_report_text(const struct histogram_view *view, struct buf *out);

/*
 * Writes the members unit, count, min, mean, p50, p90, p99, p999, max, buckets [[upper, count(,
 * sum)]…] of an open object.
 */
void histogram_report_json(const struct histogram_view *view, struct emit *j);

#endif
