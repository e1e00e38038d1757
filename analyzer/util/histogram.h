/* SPDX-License-Identifier: MIT */
/*
 * histogram.h - log-linear histogram of 64-bit values: exact below 32, then 16 buckets an octave
 * (each at most 6.25 % wide), with a count and a sum per bucket. The bucket scheme is that of
 * HdrHistogram (two-level: octave, linear part).
 */
#ifndef UTIL_HISTOGRAM_H
#define UTIL_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 4
#define HISTOGRAM_BUCKETS  ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

/* Zero-initialise. */
struct histogram {
	uint64_t count;
	uint64_t sum;      /* saturates */
	uint64_t min, max; /* undefined while count is 0 */
	uint64_t counts[HISTOGRAM_BUCKETS];
};

/* Bucket of VALUE: 0 … HISTOGRAM_BUCKETS - 1, ascending with the value. */
static inline unsigned histogram_bucket(uint64_t value)
{
	unsigned shift;

	if (value < (2u << HISTOGRAM_SUB_BITS))
		return (unsigned)value;
	shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	return (shift << HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift);
}

/* Smallest and largest value of BUCKET. */
uint64_t histogram_lower(unsigned bucket);
uint64_t histogram_upper(unsigned bucket);

static inline void histogram_add(struct histogram *h, uint64_t value)
{
	if (!h->count || value < h->min)
		h->min = value;
	if (!h->count || value > h->max)
		h->max = value;
	h->count++;
	h->sum = h->sum + value < h->sum ? UINT64_MAX : h->sum + value;
	h->counts[histogram_bucket(value)]++;
}

/* VALUE, TIMES times. */
void histogram_add_many(struct histogram *h, uint64_t value, uint64_t times);

void histogram_merge(struct histogram *into, const struct histogram *from);
/*
 * Value that the share Q (0 … 1) of all values do not exceed: upper end of its bucket, never above
 * max. 0 when empty.
 */
uint64_t histogram_quantile(const struct histogram *h, double q);
/* Mean, 0 when empty. */
double histogram_mean(const struct histogram *h);

#endif
