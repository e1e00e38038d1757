/* SPDX-License-Identifier: MIT */
/*
 * test_sample.c - the sample hits allocations as often as it says, whatever their size: the whole way from
 * that probability to estimates rests on it. Fixed seeds; bounds are five standard deviations.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sample.h"

#define TRIALS 400000

static double hits_of(uint64_t mean, size_t size, uint64_t seed)
{
	struct sample s;
	double hits = 0;
	int i;

	sample_begin(&s, mean, seed);
	for (i = 0; i < TRIALS; i++)
		hits += sample_hits(&s, size);
	return hits / TRIALS;
}

static void each_size_is_hit_with_its_probability(void **state)
{
	static const size_t sizes[] = { 0, 1, 16, 100, 1000, 4096, 5000, 20000, 100000 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		double p = -expm1(-(double)(sizes[i] ? sizes[i] : 1) / 4096);
		double bound = 5 * sqrt(p * (1 - p) / TRIALS) + 1e-9;

		assert_true(fabs(hits_of(4096, sizes[i], 11 + i) - p) < bound);
	}
}

/* One hit says nothing about the next: pairs of hits are as rare as independence wants. */
static void hits_are_independent(void **state)
{
	double p = -expm1(-0.25), pairs = 0, expected = p * p * (TRIALS - 1);
	int i, last = 0, now;
	struct sample s;

	(void)state;
	sample_begin(&s, 400, 77);
	for (i = 0; i < TRIALS; i++) {
		now = sample_hits(&s, 100);
		pairs += now && last;
		last = now;
	}
	assert_true(fabs(pairs - expected) < 5 * sqrt(expected));
}

/* Mean and deviation of an exponential distribution are equal. */
static void distances_are_exponential(void **state)
{
	double sum = 0, squares = 0, mean;
	struct sample s;
	int i;

	(void)state;
	sample_begin(&s, 1u << 20, 5);
	for (i = 0; i < TRIALS; i++) {
		sample_draw(&s);
		assert_true(s.left_bytes >= 0);
		sum += (double)s.left_bytes;
		squares += (double)s.left_bytes * (double)s.left_bytes;
	}
	mean = sum / TRIALS;
	assert_true(fabs(mean / (1 << 20) - 1) < 5 / sqrt(TRIALS));
	assert_true(fabs(sqrt(squares / TRIALS - mean * mean) / mean - 1) < 10 / sqrt(TRIALS));
}

static void the_largest_mean_does_not_overflow(void **state)
{
	struct sample s;
	int i;

	(void)state;
	sample_begin(&s, SAMPLE_BYTES_MAX, 9);
	for (i = 0; i < 10000; i++) {
		sample_draw(&s);
		assert_true(s.left_bytes >= 0);
		assert_true((uint64_t)s.left_bytes < SAMPLE_BYTES_MAX * 46);
	}
	assert_int_equal(sample_hits(&s, (size_t)1 << 61), 1);
}

static void the_kernel_gives_other_seeds(void **state)
{
	struct sample one, other;

	(void)state;
	sample_begin(&one, 4096, 0);
	sample_begin(&other, 4096, 0);
	assert_true(one.random != other.random);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_size_is_hit_with_its_probability),
		cmocka_unit_test(hits_are_independent),
		cmocka_unit_test(distances_are_exponential),
		cmocka_unit_test(the_largest_mean_does_not_overflow),
		cmocka_unit_test(the_kernel_gives_other_seeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
