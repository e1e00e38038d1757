/* SPDX-License-Identifier: MIT */
/* estimate.c - see estimate.h. */
#include "pass/estimate.h"

#include <math.h>
#include <stddef.h>

static estimate_sum fixed(double value)
{
	return (estimate_sum)(value * (double)(1u << ESTIMATE_BITS) + 0.5);
}

void weight_of(struct weight *w, uint64_t size, uint64_t distance)
{
	double x = (double)size, q, p, variance;

	w->size = size;
	if (!distance) {
		w->bytes = (estimate_sum)size << ESTIMATE_BITS;
		w->count = (estimate_sum)1 << ESTIMATE_BITS;
		w->bytes_variance = w->count_variance = 0;
		return;
	}
	q = exp(-(size ? x : 1.0) / (double)distance);
	p = -expm1(-(size ? x : 1.0) / (double)distance);
	variance = q / (p * p);
	w->bytes = fixed(x / p);
	w->count = fixed(1 / p);
	w->bytes_variance = fixed(variance * x * x);
	w->count_variance = fixed(variance);
}

/* Moves the whole numbers *BYTES and *COUNT along with the sums of E. */
static void follow(const struct estimate *e, uint64_t bytes_before, uint64_t count_before,
		   uint64_t *bytes, uint64_t *count)
{
	if (bytes)
		*bytes += estimate_bytes(e) - bytes_before;
	if (count)
		*count += estimate_count(e) - count_before;
}

void estimate_add(struct estimate *e, const struct weight *w, uint64_t times, uint64_t *bytes,
		  uint64_t *count)
{
	uint64_t bytes_before = estimate_bytes(e), count_before = estimate_count(e);

	e->bytes += w->bytes * times;
	e->count += w->count * times;
	e->bytes_variance += w->bytes_variance * times;
	e->count_variance += w->count_variance * times;
	e->seen_bytes += w->size * times;
	e->samples += times;
	follow(e, bytes_before, count_before, bytes, count);
}

void estimate_drop(struct estimate *e, const struct weight *w, uint64_t times, uint64_t *bytes,
		   uint64_t *count)
{
	uint64_t bytes_before = estimate_bytes(e), count_before = estimate_count(e);

	e->bytes -= w->bytes * times;
	e->count -= w->count * times;
	e->bytes_variance -= w->bytes_variance * times;
	e->count_variance -= w->count_variance * times;
	e->seen_bytes -= w->size * times;
	e->samples -= times;
	follow(e, bytes_before, count_before, bytes, count);
}

void estimate_merge(struct estimate *into, const struct estimate *e)
{
	into->bytes += e->bytes;
	into->count += e->count;
	into->bytes_variance += e->bytes_variance;
	into->count_variance += e->count_variance;
	into->seen_bytes += e->seen_bytes;
	into->samples += e->samples;
}
