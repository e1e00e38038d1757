/* SPDX-License-Identifier: MIT */
/*
 * test_workers.c - every item is worked on once, by a worker of a valid number; and the checksum of
 * it all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/crc32.h"
#include "util/workers.h"

#define ITEMS 1000

static int done[ITEMS];

static void work(void *context, int worker, size_t item)
{
	int jobs = *(const int *)context;

	if (worker >= 0 && worker < (jobs < 1 ? 1 : jobs))
		__atomic_fetch_add(&done[item], 1, __ATOMIC_RELAXED);
}

static void every_item_once(void **state)
{
	static const size_t counts[] = { 0, 1, 15, 16, 17, ITEMS };
	size_t i, c;
	int jobs;

	(void)state;
	for (jobs = 0; jobs < 6; jobs++) {
		for (c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
			memset(done, 0, sizeof(done));
			workers_run(jobs, counts[c], work, &jobs);
			for (i = 0; i < ITEMS; i++)
				assert_int_equal(done[i], i < counts[c]);
		}
	}
	assert_true(workers_processors() >= 1);
}

/* The check value that the CRC-32 of IEEE 802.3 has by definition. */
static void crc_is_that_of_zlib(void **state)
{
	(void)state;
	assert_int_equal(crc32_add(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32_add(crc32_add(0, "1234", 4), "56789", 5), 0xcbf43926);
	assert_int_equal(crc32_add(0, "", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_item_once),
		cmocka_unit_test(crc_is_that_of_zlib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
