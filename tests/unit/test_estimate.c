/* SPDX-License-Identifier: MIT */
/*
 * test_estimate.c - what a sample stands for, and whether the truth lies in its interval as often as
 * that says: made-up programs, of which everything is known, are sampled many times over with one
 * fixed seed.
 */
#include "../gen/trace_fixture.h"

#include <math.h>

#include "pass/estimate.h"

#define N    UINT64_C(524288)
#define RUNS 2000

static uint64_t seed;

/* xorshift64 (Marsaglia 2003), 0 … 1. */
static double draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (double)(seed >> 11) * 0x1p-53;
}

static double chance(uint64_t size)
{
	return -expm1(-(double)(size ? size : 1) / (double)N);
}

/* How many of COUNT blocks of SIZE bytes are in a sample: jumps from one to the next. */
static uint64_t sampled_of(uint64_t size, uint64_t count)
{
	double step = log1p(-chance(size)), at = 0;
	uint64_t hits = 0;

	for (;;) {
		at += floor(log(1 - draw()) / step) + 1;
		if (!(at <= (double)count))
			return hits;
		hits++;
	}
}

struct part {
	uint64_t size, count;
};

struct coverage {
	double bytes, count; /* share of the runs in which the truth was in the interval */
	unsigned runs;       /* in which anything was sampled */
	double mean_bytes;   /* of the estimate, over its truth */
};

/* Runs without any sample show nothing, so they claim nothing: they are left out if ONLY_SEEN. */
static struct coverage cover(const struct part *parts, size_t count, int only_seen)
{
	uint64_t true_bytes = 0, true_count = 0;
	struct coverage c = { 0 };
	double sum = 0;
	unsigned run;
	size_t i;

	seed = 88172645463325252u;
	for (i = 0; i < count; i++) {
		true_bytes += parts[i].size * parts[i].count;
		true_count += parts[i].count;
	}
	for (run = 0; run < RUNS; run++) {
		struct estimate e = { 0 };
		uint64_t bytes = 0, blocks = 0;
		struct estimate_range range;

		for (i = 0; i < count; i++) {
			struct weight w;

			weight_of(&w, parts[i].size, N);
			estimate_add(&e, &w, sampled_of(parts[i].size, parts[i].count), &bytes,
				     &blocks);
		}
		sum += (double)bytes;
		if (only_seen && !e.samples)
			continue;
		c.runs++;
		range = estimate_bytes_range(&e, bytes);
		assert_true(range.low <= bytes && bytes <= range.high);
		c.bytes += range.low <= true_bytes && true_bytes <= range.high;
		range = estimate_count_range(&e, blocks);
		assert_true(range.low <= blocks && blocks <= range.high);
		c.count += range.low <= true_count && true_count <= range.high;
	}
	c.bytes /= c.runs;
	c.count /= c.runs;
	c.mean_bytes = sum / RUNS / (double)true_bytes;
	return c;
}

#define COVER(only_seen, ...)                       \
	cover((const struct part[]){ __VA_ARGS__ }, \
	      sizeof((const struct part[]){ __VA_ARGS__ }) / sizeof(struct part), only_seen)

static void weights_of_known_sizes(void **state)
{
	struct weight w;

	(void)state;
	weight_of(&w, 25469, 36744); /* within 1e-10 of ln 2 apart: p = 1/2 */
	assert_int_equal(estimate_round(w.count), 2);
	assert_int_equal(estimate_round(w.bytes), 2 * 25469);
	assert_int_equal(estimate_round(w.count_variance), 2); /* (1 - p) / p^2 */
	assert_int_equal(estimate_round(w.bytes_variance), 2u * 25469u * 25469u);
	assert_int_equal(estimate_round(w.count_third), 6); /* (1 - p) (2 - p) / p^3 */
	weight_of(&w, 100 * N, N);                          /* always there */
	assert_int_equal(estimate_round(w.count), 1);
	assert_int_equal(estimate_round(w.bytes), 100 * N);
	assert_int_equal(w.count_variance, 0);
	weight_of(&w, 0, N); /* counts as one byte, and weighs none */
	assert_in_range(estimate_round(w.count), N, N + 1);
	assert_int_equal(w.bytes, 0);
	weight_of(&w, 77, 0); /* no sample */
	assert_int_equal(estimate_round(w.count), 1);
	assert_int_equal(estimate_round(w.bytes), 77);
	assert_int_equal(w.bytes_variance, 0);
}

static void what_goes_leaves_nothing_behind(void **state)
{
	uint64_t sizes[50], bytes = 1000, count = 3;
	struct estimate e = { 0 }, nothing = { 0 };
	struct weight w;
	int i;

	(void)state;
	seed = 1;
	for (i = 0; i < 50; i++) {
		sizes[i] = (uint64_t)(draw() * 1e6);
		weight_of(&w, sizes[i], N);
		estimate_add(&e, &w, 1, &bytes, &count);
	}
	assert_true(bytes > 1000 && count > 53);
	for (i = 0; i < 50; i++) {
		weight_of(&w, sizes[i * 7 % 50], N);
		estimate_drop(&e, &w, 1, &bytes, &count);
	}
	assert_int_equal(bytes, 1000);
	assert_int_equal(count, 3);
	assert_memory_equal(&e, &nothing, sizeof(e));
}

static void limits_of_poisson_counts(void **state)
{
	/* Garwood, Biometrika 28:437, 1936, and later tables of the same */
	static const struct {
		double x, low, high;
	} known[] = {
		{ 0, 0, 3.6889 },           { 1, 0.0253, 5.5716 },   { 2, 0.2422, 7.2247 },
		{ 5, 1.6235, 11.6683 },     { 10, 4.7954, 18.3904 }, { 30, 20.2409, 42.8269 },
		{ 100, 81.3640, 121.6268 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_true(fabs(estimate_poisson_low(known[i].x) - known[i].low) < 1e-4);
		assert_true(fabs(estimate_poisson_high(known[i].x) - known[i].high) < 1e-4);
	}
	/* The two ways of computing them meet. */
	assert_true(fabs(estimate_poisson_low(401) / estimate_poisson_low(399.999) - 1) < 0.0031);
	assert_true(estimate_poisson_low(400) > estimate_poisson_low(399.999));
	assert_true(estimate_poisson_high(400) > estimate_poisson_high(398.999));
	assert_true(fabs(estimate_poisson_high(1e8) - (1e8 + 1.96e4)) < 5);
}

static void exact_numbers_have_no_width(void **state)
{
	struct estimate e = { 0 };
	struct estimate_range range = estimate_bytes_range(&e, 12345);
	struct weight w;
	uint64_t bytes = 10, count = 1;

	(void)state;
	assert_int_equal(range.low, 12345);
	assert_int_equal(range.high, 12345);
	weight_of(&w, 1000 * N, N); /* of a sample, and yet certain */
	estimate_add(&e, &w, 1, &bytes, &count);
	range = estimate_bytes_range(&e, bytes);
	assert_int_equal(range.low, 10 + 1000 * N);
	assert_int_equal(range.high, 10 + 1000 * N);
}

/* One block in the sample: it is there, whatever it stands for, and so are those counted exactly. */
static void what_was_seen_is_there(void **state)
{
	struct estimate e = { 0 };
	uint64_t bytes = 5000, count = 9;
	struct estimate_range range;
	struct weight w;

	(void)state;
	weight_of(&w, 300000, N);
	estimate_add(&e, &w, 1, &bytes, &count);
	range = estimate_bytes_range(&e, bytes);
	assert_int_equal(range.low, 305000);
	range = estimate_count_range(&e, count);
	assert_int_equal(range.low, 10);
	assert_int_equal(count, 11);
	assert_in_range(range.high, 12, 30);
}

static void totals_lie_in_their_intervals(void **state)
{
	struct coverage c;

	(void)state;
	c = COVER(0, { 16, 500000 }, { 64, 200000 }, { 256, 50000 }, { 1024, 10000 },
		  { 4096, 3000 }, { 65536, 100 }, { 1 << 20, 20 }, { 16 << 20, 3 });
	assert_true(c.bytes >= 0.93 && c.bytes <= 0.99);
	assert_true(c.count >= 0.93 && c.count <= 0.99);
	assert_true(fabs(c.mean_bytes - 1) < 0.005);
	/* Few samples are behind the count, many behind the bytes. */
	c = COVER(0, { 16, 50 * 32768 }, { 262144, 50 });
	assert_true(c.bytes >= 0.93 && c.bytes <= 0.99);
	assert_true(c.count >= 0.93 && c.count <= 0.99);
	c = COVER(0, { 16, 100000 }, { 64, 10000 }, { 1024, 1000 }, { 65536, 10 }, { 1 << 20, 2 });
	assert_true(c.bytes >= 0.9 && c.bytes <= 0.99);
	assert_true(c.count >= 0.9 && c.count <= 0.99);
}

static void sites_with_few_samples_lie_in_their_intervals(void **state)
{
	static const double expected[] = { 0.5, 1, 2, 3, 5, 8, 13, 21, 34 };
	struct coverage c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		c = COVER(1, { 64, (uint64_t)(expected[i] * (double)N / 64) });
		assert_true(c.bytes >= 0.9 && c.bytes <= 0.995);
		assert_true(c.count >= 0.9 && c.count <= 0.995);
		c = COVER(1, { 40000, (uint64_t)(expected[i] * (double)N / 40000) + 1 });
		assert_true(c.bytes >= 0.9 && c.count >= 0.9);
	}
	/* Blocks about as large as the distance, and larger: more are in the sample than not. */
	for (i = 1; i <= 20; i++) {
		c = COVER(1, { 300000, i });
		assert_true(c.bytes >= 0.9 && c.count >= 0.9);
		c = COVER(1, { 600000, i });
		assert_true(c.bytes >= 0.9 && c.count >= 0.9);
		c = COVER(1, { 1500000, i });
		assert_true(c.bytes >= 0.9 && c.count >= 0.9);
	}
}

/* exp(-B / N) of the sites that leak B bytes show nothing: what the reports say of it. */
static void small_leaks_are_missed_as_often_as_told(void **state)
{
	struct coverage c = COVER(1, { 128, 3 * N / 128 });

	(void)state;
	assert_true(fabs(1 - (double)c.runs / RUNS - exp(-3)) < 0.012);
}

/* The last part of a run had a sparser sample, and nothing of this is in that. */
static void what_a_sparser_sample_may_have_missed_is_in_the_range(void **state)
{
	struct estimate e = { 0 };
	struct estimate_range before, after;
	struct weight fine, coarse;
	uint64_t bytes = 0, count = 0;

	(void)state;
	weight_of(&fine, 100, 4096);
	weight_of(&coarse, 100, 1 << 20);
	estimate_add(&e, &fine, 5, &bytes, &count);
	before = estimate_bytes_range(&e, bytes);
	estimate_beside(&e, 1 << 20);
	after = estimate_bytes_range(&e, bytes);
	assert_int_equal(after.low, before.low);
	assert_true(after.high >= before.high + (3u << 20) && after.high < before.high + (4u << 20));
	assert_true(estimate_count_range(&e, count).high == UINT64_MAX);
	estimate_add(&e, &coarse, 1, &bytes, &count);
	assert_true(estimate_count_range(&e, count).high < UINT64_MAX);
	estimate_drop(&e, &coarse, 1, &bytes,
		      &count); /* freed again: the live ones are blind as before */
	assert_true(estimate_count_range(&e, count).high == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_sparser_sample_may_have_missed_is_in_the_range),
		cmocka_unit_test(weights_of_known_sizes),
		cmocka_unit_test(what_goes_leaves_nothing_behind),
		cmocka_unit_test(limits_of_poisson_counts),
		cmocka_unit_test(exact_numbers_have_no_width),
		cmocka_unit_test(what_was_seen_is_there),
		cmocka_unit_test(totals_lie_in_their_intervals),
		cmocka_unit_test(sites_with_few_samples_lie_in_their_intervals),
		cmocka_unit_test(small_leaks_are_missed_as_often_as_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
