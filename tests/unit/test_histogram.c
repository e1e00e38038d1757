/* SPDX-License-Identifier: MIT */
/* test_histogram.c - buckets, quantiles and sums. */
#include "../gen/trace_fixture.h"

#include "util/histogram.h"

static void buckets_cover_every_value_once(void **state)
{
	unsigned i, shift;

	(void)state;
	assert_int_equal(histogram_lower(0), 0);
	assert_int_equal(histogram_upper(HISTOGRAM_BUCKETS - 1), UINT64_MAX);
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		assert_int_equal(histogram_bucket(histogram_lower(i)), i);
		assert_int_equal(histogram_bucket(histogram_upper(i)), i);
		if (i)
			assert_int_equal(histogram_lower(i), histogram_upper(i - 1) + 1);
		if (histogram_lower(i) >= 16)
			assert_true(histogram_upper(i) - histogram_lower(i) <=
				    histogram_lower(i) / 16);
	}
	for (shift = 0; shift < 64; shift++)
		assert_true(histogram_bucket(UINT64_C(1) << shift) < HISTOGRAM_BUCKETS);
}

static void quantiles_of_known_values(void **state)
{
	struct histogram h = { 0 };
	unsigned i;

	(void)state;
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
	for (i = 1; i <= 20; i++)
		histogram_add(&h, i);
	assert_int_equal(histogram_quantile(&h, 0), 1);
	assert_int_equal(histogram_quantile(&h, 0.5), 10);
	assert_int_equal(histogram_quantile(&h, 0.95), 19);
	assert_int_equal(histogram_quantile(&h, 1), 20);
	histogram_add(&h, 1000000);
	assert_int_equal(histogram_quantile(&h, 1), 1000000); /* not the end of its bucket */
	assert_int_equal(h.min, 1);
	assert_int_equal(h.max, 1000000);
	assert_true(histogram_mean(&h) > 47629.0 && histogram_mean(&h) < 47630.0);
}

static void merging_is_adding(void **state)
{
	struct histogram a = { 0 }, b = { 0 }, both = { 0 };
	uint64_t value = 1;
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		value = value * 6364136223846793005u + 1442695040888963407u;
		histogram_add(i % 3 ? &a : &b, value >> (i % 60));
		histogram_add(&both, value >> (i % 60));
	}
	histogram_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
	assert_int_equal(both.sum, UINT64_MAX); /* it saturates */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_cover_every_value_once),
		cmocka_unit_test(quantiles_of_known_values),
		cmocka_unit_test(merging_is_adding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
