/* SPDX-License-Identifier: MIT */
/* histogram.c - see histogram.h. */
#include "util/histogram.h"

#define SUB_COUNT (1u << HISTOGRAM_SUB_BITS)

uint64_t histogram_lower(unsigned bucket)
{
	unsigned shift;

	if (bucket < 2 * SUB_COUNT)
		return bucket;
	shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
	return (uint64_t)(SUB_COUNT + bucket % SUB_COUNT) << shift;
}

uint64_t histogram_upper(unsigned bucket)
{
	return bucket + 1 < HISTOGRAM_BUCKETS ? histogram_lower(bucket + 1) - 1 : UINT64_MAX;
}

void histogram_add_many(struct histogram *h, uint64_t value, uint64_t times)
{
	uint64_t sum;

	if (!times)
		return;
	if (!h->count || value < h->min)
		h->min = value;
	if (!h->count || value > h->max)
		h->max = value;
	h->count += times;
	if (__builtin_mul_overflow(value, times, &sum) ||
	    __builtin_add_overflow(h->sum, sum, &h->sum))
		h->sum = UINT64_MAX;
	h->counts[histogram_bucket(value)] += times;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	unsigned i;

	if (!from->count)
		return;
	if (!into->count || from->min < into->min)
		into->min = from->min;
	if (!into->count || from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	into->sum = into->sum + from->sum < into->sum ? UINT64_MAX : into->sum + from->sum;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->counts[i] += from->counts[i];
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t seen = 0, wanted, upper;
	unsigned i;

	if (!h->count)
		return 0;
	wanted = q <= 0 ? 1 : q >= 1 ? h->count : (uint64_t)(q * (double)h->count);
	if (q > 0 && q < 1 && (double)wanted < q * (double)h->count)
		wanted++;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->counts[i];
		if (seen >= wanted)
			break;
	}
	upper = i < HISTOGRAM_BUCKETS ? histogram_upper(i) : h->max;
	if (upper > h->max)
		upper = h->max;
	return upper < h->min ? h->min : upper;
}

double histogram_mean(const struct histogram *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}
