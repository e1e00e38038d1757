/* SPDX-License-Identifier: MIT */
/* test_interval.c - flattened ranges answer as a search through all ranges does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "symbol/interval.h"

/* What interval.h promises, the slow way. */
static uint32_t search(const struct interval *items, size_t count, uint64_t addr)
{
	const struct interval *best = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct interval *it = &items[i];

		if (addr < it->lo || addr >= it->hi)
			continue;
		if (!best || it->priority > best->priority ||
		    (it->priority == best->priority &&
		     (it->lo > best->lo || (it->lo == best->lo && it->value > best->value))))
			best = it;
	}
	return best ? best->value : INTERVAL_NONE;
}

static void test_random_overlaps(void **state)
{
	unsigned int seed = 1, round, i;

	(void)state;
	for (round = 0; round < 300; round++) {
		struct interval_list list = { 0 };
		struct interval_index index = { 0 };
		struct interval copy[64];
		unsigned int count = rand_r(&seed) % 64;

		for (i = 0; i < count; i++) {
			uint64_t lo = (uint64_t)rand_r(&seed) % 100;

			interval_add(&list, lo, lo + (uint64_t)rand_r(&seed) % 40,
				     (uint32_t)rand_r(&seed) % 5, i);
		}
		if (list.count)
			memcpy(copy, list.items, list.count * sizeof(copy[0]));
		count = (unsigned int)list.count;
		interval_build(&index, &list);
		for (i = 0; i < 160; i++)
			assert_int_equal(interval_find(&index, i), search(copy, count, i));
		interval_list_free(&list);
		interval_free(&index);
	}
}

static void test_empty(void **state)
{
	struct interval_list list = { 0 };
	struct interval_index index = { 0 };

	(void)state;
	assert_int_equal(interval_find(&index, 5), INTERVAL_NONE);
	interval_add(&list, 7, 7, 0, 0);
	interval_add(&list, 9, 8, 0, 0);
	interval_build(&index, &list);
	assert_int_equal(list.count, 0);
	assert_int_equal(interval_find(&index, 7), INTERVAL_NONE);
	interval_list_free(&list);
	interval_free(&index);
}

static void test_ends_of_the_address_space(void **state)
{
	struct interval_list list = { 0 };
	struct interval_index index = { 0 };

	(void)state;
	interval_add(&list, 0, UINT64_MAX, 0, 1);
	interval_add(&list, 0, 10, 1, 2);
	interval_add(&list, UINT64_MAX - 10, UINT64_MAX, 1, 3);
	interval_build(&index, &list);
	assert_int_equal(interval_find(&index, 0), 2);
	assert_int_equal(interval_find(&index, 10), 1);
	assert_int_equal(interval_find(&index, UINT64_MAX - 11), 1);
	assert_int_equal(interval_find(&index, UINT64_MAX - 1), 3);
	interval_list_free(&list);
	interval_free(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_overlaps),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_ends_of_the_address_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
