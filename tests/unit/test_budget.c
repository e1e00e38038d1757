/* SPDX-License-Identifier: MIT */
/* test_budget.c - the steps come in order, at their marks, and the sample gets coarser for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "budget.h"

#define LIMIT (64u << 20)

static void steps_come_in_order(void **state)
{
	static const uint64_t marks[] = { 32u << 20, 40u << 20, 52u << 20 };
	struct budget b;
	unsigned i;

	(void)state;
	budget_begin(&b, LIMIT, 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(budget_advance(&b, marks[i] - 1, 1000), 0);
		assert_int_equal(b.step, i);
		assert_int_equal(b.sample_bytes, 0);
		assert_int_equal(budget_advance(&b, marks[i], 1000), 1);
		assert_int_equal(b.step, i + 1);
	}
	assert_true(b.sample_bytes > 0);
}

static void each_half_of_the_rest_makes_the_sample_coarser(void **state)
{
	uint64_t size = 52u << 20, before;
	struct budget b;
	int i;

	(void)state;
	budget_begin(&b, LIMIT, 0);
	while (b.step != SHIM_STEP_SAMPLED)
		budget_advance(&b, size, 1000);
	for (i = 0; i < 10; i++) {
		before = b.sample_bytes;
		assert_int_equal(budget_advance(&b, size + (LIMIT - size) / 2 - 1, 1000), 0);
		size += (LIMIT - size) / 2;
		assert_int_equal(budget_advance(&b, size, 1000), 1);
		assert_true(b.sample_bytes > before);
	}
}

static void a_sample_of_the_user_is_where_it_begins(void **state)
{
	struct budget b;

	(void)state;
	budget_begin(&b, LIMIT, 1u << 20);
	assert_int_equal(b.sample_bytes, 1u << 20);
	while (b.step != SHIM_STEP_SAMPLED)
		budget_advance(&b, LIMIT, 1000);
	assert_true(b.sample_bytes > 1u << 20);
}

static void no_limit_no_steps(void **state)
{
	struct budget b;

	(void)state;
	budget_begin(&b, 0, 0);
	assert_int_equal(budget_advance(&b, UINT64_MAX, 1000), 0);
	assert_true(budget_holds(&b, UINT64_MAX));
	budget_begin(&b, LIMIT, 0);
	assert_true(budget_holds(&b, LIMIT));
	assert_false(budget_holds(&b, LIMIT + 1));
}

/* Whatever many threads have gathered is a small part of what is left, down to the least. */
static void many_threads_gather_little(void **state)
{
	uint64_t size;
	struct budget b;

	(void)state;
	budget_begin(&b, LIMIT, 0);
	assert_true(budget_rows(&b, 0, 100) * 100 * BUDGET_ROW_BYTES <= LIMIT / 16);
	while (b.step != SHIM_STEP_SAMPLED)
		budget_advance(&b, 52u << 20, 1000);
	for (size = 52u << 20; LIMIT - size > 1u << 20; size += (LIMIT - size) / 2)
		assert_true(budget_rows(&b, size, 50) * 50 * BUDGET_ROW_BYTES <= (LIMIT - size) / 4);
	assert_true(budget_rows(&b, LIMIT, 1000) > 0);
	assert_true(budget_rows(&b, LIMIT + 1, 0) > 0);
	budget_begin(&b, 0, 0);
	assert_true(budget_rows(&b, 1u << 30, 7) == UINT64_MAX);
}

/* An estimate beyond the limit does not make the sample coarser with every block. */
static void too_high_an_estimate_waits(void **state)
{
	uint64_t before;
	struct budget b;

	(void)state;
	budget_begin(&b, LIMIT, 0);
	while (b.step != SHIM_STEP_SAMPLED)
		budget_advance(&b, LIMIT + 1000, 1000);
	before = b.sample_bytes;
	assert_int_equal(budget_advance(&b, LIMIT + 1000, 1000), 0);
	assert_int_equal(budget_advance(&b, LIMIT - 1000, 1000), 0);
	assert_true(b.sample_bytes == before);
}

/* The less is left the faster it grows. */
static void the_last_of_it_goes_slowly(void **state)
{
	uint64_t before;
	struct budget b;

	(void)state;
	budget_begin(&b, LIMIT, 0);
	while (b.step != SHIM_STEP_SAMPLED)
		budget_advance(&b, 52u << 20, 1000);
	before = b.sample_bytes;
	assert_int_equal(budget_advance(&b, LIMIT - 1000, 1000), 1);
	assert_true(b.sample_bytes >= 16 * before);
}

static void live_blocks_are_rows_that_have_not_ended(void **state)
{
	static const struct shim_row rows[] = {
		{ .op = SHIM_OP_ALLOC, .addr = 16 },
		{ .op = SHIM_OP_ALLOC, .addr = 32 },
		{ .op = SHIM_OP_ALLOC_FAIL },
		{ .op = SHIM_OP_MMAP, .addr = 4096 },
		{ .op = SHIM_OP_REALLOC_FREE, .addr = 16 },
		{ .op = SHIM_OP_REALLOC_FAIL, .addr = 16 },
		{ .op = SHIM_OP_REALLOC_FREE, .addr = 32 },
		{ .op = SHIM_OP_REALLOC_ALLOC, .addr = 0, .extra = SHIM_EXTRA_UNFOLLOWED },
		{ .op = SHIM_OP_FREE, .addr = 16 },
	};

	(void)state;
	assert_int_equal(budget_look_at(rows, 2).live_count, 2);
	assert_int_equal(budget_look_at(rows, 2).other_count, 0);
	assert_int_equal(budget_look_at(rows, 6).live_count, 2);
	assert_int_equal(budget_look_at(rows, 6).other_count, 2);
	assert_int_equal(budget_look_at(rows, 8).live_count, 1);
	assert_int_equal(budget_look_at(rows, 9).live_count, 0);
	assert_int_equal(budget_look_at(rows, 9).other_count, 2);
	assert_int_equal(budget_look_at(rows, 0).live_count, 0);
}

/* What is alive will end: the steps come so early that there is room for that. */
static void ends_to_come_are_kept_free(void **state)
{
	struct budget b;

	(void)state;
	budget_begin(&b, LIMIT, 0);
	b.live_count = (32u << 20) / BUDGET_END_BYTES - 1000;
	assert_int_equal(budget_advance(&b, 0, 1000), 0);
	b.live_count += 1001;
	assert_int_equal(budget_advance(&b, 0, 1000), 1);
	b.live_count = -5; /* ends of blocks from before */
	assert_int_equal(budget_reserved(&b), 0);
	assert_int_equal(budget_advance(&b, (40u << 20) - 1, 1000), 0);
	b.live_count = 0;
	assert_int_equal(budget_advance(&b, 40u << 20, 1000), 1);
}

/* What was recorded before a step keeps what it has. */
static void a_block_from_before_a_step_is_not_under_it(void **state)
{
	struct budget b;

	(void)state;
	budget_begin(&b, LIMIT, 0);
	assert_false(budget_is_under(&b, SHIM_STEP_TIMES, 5000));
	assert_int_equal(budget_advance(&b, 32u << 20, 3000), 1);
	assert_int_equal(budget_advance(&b, 40u << 20, 4000), 1);
	assert_false(budget_is_under(&b, SHIM_STEP_TIMES, 2999));
	assert_true(budget_is_under(&b, SHIM_STEP_TIMES, 3000));
	assert_false(budget_is_under(&b, SHIM_STEP_FOLDED, 3999));
	assert_true(budget_is_under(&b, SHIM_STEP_FOLDED, 4000));
	assert_false(budget_is_under(&b, SHIM_STEP_SAMPLED, 9000));
}

/* Once, and not before there is nothing else to give up. */
static void what_no_sample_thins_out_is_left_out_in_the_end(void **state)
{
	struct budget b;

	(void)state;
	budget_begin(&b, LIMIT, 0);
	assert_int_equal(budget_others(&b, LIMIT), 0);
	while (b.step != SHIM_STEP_SAMPLED)
		budget_advance(&b, 52u << 20, 1000);
	assert_int_equal(budget_others(&b, 2u << 20), 0);
	assert_false(b.is_bare);
	assert_int_equal(budget_others(&b, 1), 1);
	assert_true(b.is_bare);
	assert_int_equal(budget_others(&b, LIMIT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_blocks_are_rows_that_have_not_ended),
		cmocka_unit_test(ends_to_come_are_kept_free),
		cmocka_unit_test(a_block_from_before_a_step_is_not_under_it),
		cmocka_unit_test(what_no_sample_thins_out_is_left_out_in_the_end),
		cmocka_unit_test(steps_come_in_order),
		cmocka_unit_test(each_half_of_the_rest_makes_the_sample_coarser),
		cmocka_unit_test(a_sample_of_the_user_is_where_it_begins),
		cmocka_unit_test(no_limit_no_steps),
		cmocka_unit_test(many_threads_gather_little),
		cmocka_unit_test(too_high_an_estimate_waits),
		cmocka_unit_test(the_last_of_it_goes_slowly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
