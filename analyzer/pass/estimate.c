/* SPDX-License-Identifier: MIT */
/* estimate.c - see estimate.h. */
#include "pass/estimate.h"

#include <math.h>
#include <stddef.h>

static estimate_sum fixed(double value)
{
	return (estimate_sum)(value * (double)(1u << ESTIMATE_BITS) + 0.5);
}

/* Bounded, so that sums of them fit: no sound distance comes near. */
static double cube(double x)
{
	x = x < 0x1p32 ? x : 0x1p32;
	return x * x * x;
}

void weight_of(struct weight *w, uint64_t size, uint64_t distance)
{
	double x = (double)size, q, p, variance;

	w->size = size;
	w->distance = distance;
	if (!distance) {
		w->bytes = (estimate_sum)size << ESTIMATE_BITS;
		w->count = (estimate_sum)1 << ESTIMATE_BITS;
		w->bytes_variance = w->count_variance = 0;
		w->bytes_third = w->count_third = w->bytes_chance = 0;
		return;
	}
	q = exp(-(size ? x : 1.0) / (double)distance);
	p = -expm1(-(size ? x : 1.0) / (double)distance);
	variance = q / (p * p);
	w->bytes = fixed(x / p);
	w->count = fixed(1 / p);
	w->bytes_chance = fixed(x / p * sqrt(q));
	w->bytes_variance = fixed(variance * x * x);
	w->count_variance = fixed(variance);
	w->bytes_third = fixed(q * (2 - p) * cube(x / p));
	w->count_third = fixed(q * (2 - p) * cube(1 / p));
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

static void count_distance(struct estimate *e, uint64_t distance, uint64_t times)
{
	if (distance > e->most_distance) {
		e->most_distance = distance;
		e->most_samples = 0;
	}
	if (distance == e->most_distance)
		e->most_samples += times;
}

void estimate_add(struct estimate *e, const struct weight *w, uint64_t times, uint64_t *bytes,
		  uint64_t *count)
{
	uint64_t bytes_before = estimate_bytes(e), count_before = estimate_count(e);

	e->bytes += w->bytes * times;
	e->count += w->count * times;
	e->bytes_variance += w->bytes_variance * times;
	e->count_variance += w->count_variance * times;
	e->bytes_third += w->bytes_third * times;
	e->count_third += w->count_third * times;
	e->seen_bytes += w->size * times;
	e->samples += times;
	count_distance(e, w->distance, times);
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
	e->bytes_third -= w->bytes_third * times;
	e->count_third -= w->count_third * times;
	e->seen_bytes -= w->size * times;
	e->samples -= times;
	if (w->distance == e->most_distance)
		e->most_samples -= times;
	if (!e->samples)
		e->most_distance = 0;
	follow(e, bytes_before, count_before, bytes, count);
}

void estimate_merge(struct estimate *into, const struct estimate *e)
{
	into->bytes += e->bytes;
	into->count += e->count;
	into->bytes_variance += e->bytes_variance;
	into->count_variance += e->count_variance;
	into->bytes_third += e->bytes_third;
	into->count_third += e->count_third;
	into->seen_bytes += e->seen_bytes;
	into->samples += e->samples;
	count_distance(into, e->most_distance, e->most_samples);
	if (e->run_distance > into->run_distance)
		into->run_distance = e->run_distance;
}

void estimate_beside(struct estimate *e, uint64_t distance)
{
	e->run_distance = distance;
}

/* ---- intervals ------------------------------------------------------------------------------ */

#define Z_TAIL     1.959963984540054 /* of the normal distribution, 2.5 % above it */
#define TAIL       0.025
#define LARGE      400  /* from here on, Wilson and Hilferty are exact to 5 digits */
#define LEAST      1e-3 /* of a shape: all of it lies at 0 */
#define ITERATIONS 100

/*
 * P(A, X), the regularized lower incomplete gamma function, by its series (Abramowitz and Stegun,
 * 6.5.29).
 */
static double gamma_share(double a, double x)
{
	double term = 1 / a, sum = term;
	int i;

	if (x <= 0)
		return 0;
	for (i = 1; i < 10000 && term > sum * 1e-15; i++) {
		term *= x / (a + i);
		sum += term;
	}
	return sum * exp(a * log(x) - x - lgamma(a));
}

/* The X at which P(A, X) is SHARE; Z is the normal quantile of it. */
static double gamma_quantile(double a, double share, double z)
{
	/* Wilson and Hilferty, Proc. Natl. Acad. Sci. USA 17:684, 1931 */
	double root = 1 - 1 / (9 * a) + z / (3 * sqrt(a));
	double guess = root > 0 ? a * root * root * root : 0, low = 0, high = 2 * a + 20;
	int i;

	if (a >= LARGE)
		return guess;
	if (a < LEAST)
		return 0;
	for (i = 0; i < ITERATIONS && high - low > 1e-12 * high; i++) {
		double middle = (low + high) / 2;

		if (gamma_share(a, middle) < share)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

double estimate_poisson_low(double x)
{
	return x > 0 ? gamma_quantile(x, TAIL, -Z_TAIL) : 0;
}

double estimate_poisson_high(double x)
{
	return gamma_quantile(x + 1, 1 - TAIL, Z_TAIL);
}

static double plain(estimate_sum sum)
{
	return (double)sum / (double)(1u << ESTIMATE_BITS);
}

/*
 * SEEN was seen and is sure, MEAN more is estimated, with variance and third moment given. NUMBER is
 * what is printed of it all.
 */
static struct estimate_range range_of(uint64_t number, uint64_t seen, double mean, double variance,
				      double third)
{
	struct estimate_range range = { number, number };
	double shape, scale, low, high;

	/* Closer than to the next whole number: there is no chance in it. */
	if (variance < 1e-6 || !(third > 0))
		return range;
	shape = 4 * variance * variance * variance / (third * third);
	scale = third / (2 * variance);
	low = mean + scale * (gamma_quantile(shape, TAIL, -Z_TAIL) - shape);
	high = mean + scale * (gamma_quantile(shape + 1, 1 - TAIL, Z_TAIL) - shape);
	range.low = seen + (low > 0 ? (uint64_t)ceil(low) : 0);
	if (range.low > number)
		range.low = number;
	range.high = high < 0x1p62 ? seen + (uint64_t)high : UINT64_MAX;
	if (range.high < number)
		range.high = number;
	return range;
}

static int is_blind(const struct estimate *e)
{
	return e->samples && e->run_distance &&
	       (e->most_distance < e->run_distance || !e->most_samples);
}

struct estimate_range estimate_bytes_range(const struct estimate *e, uint64_t bytes)
{
	struct estimate_range range = range_of(bytes, bytes - estimate_bytes(e) + e->seen_bytes,
					       plain(e->bytes) - (double)e->seen_bytes,
					       plain(e->bytes_variance), plain(e->bytes_third));
	double missed = is_blind(e) ? estimate_poisson_high(0) * (double)e->run_distance : 0;

	if (__builtin_add_overflow(range.high, (uint64_t)missed, &range.high))
		range.high = UINT64_MAX;
	return range;
}

/* Of how many small blocks nothing is in a sample, no sample tells. */
struct estimate_range estimate_count_range(const struct estimate *e, uint64_t count)
{
	struct estimate_range range = range_of(count, count - estimate_count(e) + e->samples,
					       plain(e->count) - (double)e->samples,
					       plain(e->count_variance), plain(e->count_third));

	if (is_blind(e))
		range.high = UINT64_MAX;
	return range;
}
