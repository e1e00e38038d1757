/* SPDX-License-Identifier: MIT */
/* unit: both */
/*
 * test_fold.c - what the writer leaves out of a trace that gets too large: pairs by kind, the
 * crest, the rows that stay, and the column behind those of compact.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compact.h"
#include "fold.h"
#include "trace/cursor.h"
#include "trace/folded.h"

#define BEGIN (UINT64_C(5) << 21)

static struct fold *work;
static struct shim_row rows[64];
static uint32_t count;

static void add(enum shim_op op, uint64_t addr, uint64_t size, uint32_t stack)
{
	rows[count] = (struct shim_row){ .ticks = BEGIN + count,
					 .addr = addr,
					 .size = size,
					 .stack = stack,
					 .op = (uint8_t)op,
					 .func = op == SHIM_OP_FREE ? SHIM_FUNC_FREE
								    : SHIM_FUNC_MALLOC };
	count++;
}

/* Folds the rows and reads the column back with the tool's own reader. */
static uint32_t fold(struct folded *out, const struct shim_row **kept)
{
	static uint8_t payload[8192];
	struct cursor c;
	uint32_t n;
	size_t length, entries, i, at = 1, column = 0, bytes = 0;

	*kept = fold_rows(work, rows, count, BEGIN, FOLD_PAIRS, &n);
	memcpy(payload, (const uint8_t[]){ 2, 99, 2, 98, 1, 'a', 'b', 'c' }, 8);
	length = fold_append(work, payload, 8);
	*out = (struct folded){ 0 };
	if (length == 8)
		return n;
	entries = payload[0];
	assert_int_equal(entries, 3);
	for (i = 0; i < entries; i++) {
		assert_true(payload[at + 1] < 0x80);
		column += bytes;
		bytes = payload[at + 1];
		at += 2;
	}
	assert_int_equal(payload[5], SHIM_COLUMN_FOLDED);
	assert_memory_equal(payload + at, "abc", 3);
	assert_int_equal(at + column + bytes, length);
	cursor_begin(&c, (const char *)payload + at + column, bytes);
	assert_int_equal(folded_read(out, &c, n), 0);
	return n;
}

static void pairs_are_counted_by_kind(void **state)
{
	const struct shim_row *kept;
	struct folded f;

	(void)state;
	count = 0;
	add(SHIM_OP_ALLOC, 0x100, 10, 5); /* temporary */
	add(SHIM_OP_FREE, 0x100, 0, 0);
	add(SHIM_OP_ALLOC, 0x100, 10, 5); /* not: another comes between */
	add(SHIM_OP_ALLOC, 0x200, 70, 6); /* stays */
	add(SHIM_OP_FREE, 0x100, 0, 0);
	add(SHIM_OP_FREE, 0x900, 0, 0); /* of an older block: stays */
	add(SHIM_OP_MMAP, 0xa000, 4096, 7);
	assert_int_equal(fold(&f, &kept), 3);
	assert_int_equal(kept[0].addr, 0x200);
	assert_int_equal(kept[1].addr, 0x900);
	assert_int_equal(kept[2].addr, 0xa000);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.kinds[0].size, 10);
	assert_int_equal(f.kinds[0].stack, 5);
	assert_int_equal(f.kinds[0].func, SHIM_FUNC_MALLOC);
	assert_int_equal(f.kinds[0].end_func, SHIM_FUNC_FREE);
	assert_int_equal(f.kinds[0].count, 2);
	assert_int_equal(f.kinds[0].temporary, 1);
	/* the crest: 80 bytes, behind the first kept row, with one of the kind alive */
	assert_int_equal(f.kinds[0].live, 1);
	assert_int_equal(f.crest, 1);
	assert_int_equal(f.most_bytes, 10);
	folded_free(&f);
}

static void what_a_realloc_has_touched_stays(void **state)
{
	const struct shim_row *kept;
	struct folded f;

	(void)state;
	count = 0;
	add(SHIM_OP_ALLOC, 0x100, 10, 5);
	add(SHIM_OP_REALLOC_FREE, 0x100, 20, 0);
	add(SHIM_OP_REALLOC_ALLOC, 0x300, 20, 5);
	add(SHIM_OP_FREE, 0x300, 0, 0);
	add(SHIM_OP_ALLOC, 0x100, 10, 5);
	add(SHIM_OP_REALLOC_FREE, 0x100, 20, 0);
	add(SHIM_OP_REALLOC_FAIL, 0x100, 0, 5);
	add(SHIM_OP_FREE, 0x100, 0, 0);
	assert_int_equal(fold(&f, &kept), 8);
	assert_int_equal(f.count, 0);
	folded_free(&f);
}

static void a_block_keeps_a_row(void **state)
{
	const struct shim_row *kept;
	struct folded f;

	(void)state;
	count = 0;
	add(SHIM_OP_ALLOC, 0x100, 10, 5);
	add(SHIM_OP_FREE, 0x100, 0, 0);
	add(SHIM_OP_ALLOC, 0x100, 10, 5);
	add(SHIM_OP_FREE, 0x100, 0, 0);
	assert_int_equal(fold(&f, &kept), 2);
	assert_int_equal(f.kinds[0].count, 1);
	folded_free(&f);
}

static void a_double_free_is_seen(void **state)
{
	const struct shim_row *kept;
	struct folded f;

	(void)state;
	count = 0;
	add(SHIM_OP_ALLOC, 0x100, 10, 5);
	add(SHIM_OP_FREE, 0x100, 0, 0);
	add(SHIM_OP_FREE, 0x100, 0, 0);
	assert_int_equal(fold(&f, &kept), 1);
	assert_int_equal(kept[0].op, SHIM_OP_FREE);
	assert_int_equal(f.kinds[0].count, 1);
	folded_free(&f);
}

static void coarse_times_do_not_fall_below_the_block(void **state)
{
	const struct shim_row *kept;
	uint32_t n, i;

	(void)state;
	count = 0;
	add(SHIM_OP_ALLOC, 0x100, 10, 5);
	add(SHIM_OP_ALLOC, 0x200, 10, 5);
	rows[1].ticks = BEGIN + (UINT64_C(9) << 21) + 77;
	kept = fold_rows(work, rows, count, BEGIN + 5, FOLD_TIMES, &n);
	assert_int_equal(n, 2);
	for (i = 0; i < n; i++)
		assert_true(kept[i].ticks >= BEGIN + 5 && kept[i].ticks <= rows[i].ticks + 5);
	assert_int_equal(kept[1].ticks, BEGIN + (UINT64_C(9) << 21));
}

/* All of it where nothing else is there; one row stays for what is counted by kind. */
static void bare_rows_are_of_blocks(void **state)
{
	const struct shim_row *kept;
	uint32_t n;

	(void)state;
	count = 0;
	add(SHIM_OP_MMAP, 0x1000, 4096, 5);
	add(SHIM_OP_ALLOC_FAIL, 0, 10, 5);
	add(SHIM_OP_MUNMAP, 0x1000, 4096, 5);
	fold_rows(work, rows, count, BEGIN, FOLD_PAIRS | FOLD_BARE, &n);
	assert_int_equal(n, 0);
	add(SHIM_OP_ALLOC, 0x100, 10, 5);
	add(SHIM_OP_BRK, 0x5000, 10, 5);
	kept = fold_rows(work, rows, count, BEGIN, FOLD_PAIRS | FOLD_BARE, &n);
	assert_int_equal(n, 1);
	assert_int_equal(kept[0].op, SHIM_OP_ALLOC);
	add(SHIM_OP_FREE, 0x100, 0, 0);
	add(SHIM_OP_MMAP, 0x1000, 4096, 5);
	kept = fold_rows(work, rows, count, BEGIN, FOLD_PAIRS | FOLD_BARE, &n);
	assert_int_equal(n, 1);
	assert_int_equal(kept[0].op, SHIM_OP_MMAP);
	fold_rows(work, rows, count, BEGIN, FOLD_PAIRS, &n);
	assert_int_equal(n, count - 2);
}

static int start(void **state)
{
	(void)state;
	work = calloc(1, fold_bytes());
	return !work;
}

static int stop(void **state)
{
	(void)state;
	free(work);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_counted_by_kind),
		cmocka_unit_test(what_a_realloc_has_touched_stays),
		cmocka_unit_test(a_block_keeps_a_row),
		cmocka_unit_test(a_double_free_is_seen),
		cmocka_unit_test(coarse_times_do_not_fall_below_the_block),
		cmocka_unit_test(bare_rows_are_of_blocks),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
