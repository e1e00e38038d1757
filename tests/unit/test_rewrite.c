/* SPDX-License-Identifier: MIT */
/*
 * test_rewrite.c - a repaired trace holds what could be read, is closed and undamaged, and says
 * what it is.
 */
#include "../gen/trace_fixture.h"

#include "trace/rewrite.h"

static char fixed[128];

static void make_random(int spool, struct gen *g, struct gen_truth *truth)
{
	struct gen_options options = { .seed = 11,
				       .events = 3000,
				       .threads = 3,
				       .layout = SHIM_LAYOUT_COLUMNS,
				       .stacks = 5,
				       .live = 50,
				       .block_rows = 100,
				       .spool = spool };

	snprintf(fixed, sizeof(fixed), "%s.fixed", fixture_path);
	unlink(fixed);
	gen_random(g, &options, truth);
}

static struct rewrite_result rewrite(void)
{
	struct source *s = fixture_open(1);
	struct rewrite_result result;
	struct diag d;

	diag_clear(&d);
	if (rewrite_trace(s, fixed, &result, &d) < 0)
		fail_msg("%s", d.what);
	source_close(s);
	return result;
}

/* The quality and events of the repaired file. */
static uint64_t read_fixed(struct quality *q)
{
	struct fixture_events all;
	struct source *s;
	struct diag d;
	uint64_t events;

	diag_clear(&d);
	s = source_open(fixed, 1, &d);
	assert_non_null(s);
	assert_int_equal(s->indexed, 1);
	assert_string_equal(fields_text(&s->header, "program"), "app");
	fixture_replay(s, 1, UINT64_MAX, &all);
	*q = all.quality;
	events = all.count;
	fixture_events_free(&all);
	source_close(s);
	unlink(fixed);
	return events;
}

static void killed_trace_becomes_one_file(void **state)
{
	struct rewrite_result result;
	struct gen_truth truth;
	struct quality q;
	struct gen g;

	(void)state;
	make_random(1, &g, &truth);
	assert_int_equal(gen_write(&g, fixture_path), 0);
	result = rewrite();
	assert_int_equal(result.blocks_dropped, 0);
	assert_true(result.blocks_from_spool >= 1);
	assert_int_equal(result.events, truth.events);
	assert_int_equal(read_fixed(&q), truth.events);
	assert_string_equal(q.end, "repaired");
	assert_int_equal(quality_exit_status(&q), 0);
	assert_false(quality_is_complete(&q));
	free(truth.sites);
	gen_free(&g);
}

static void damaged_blocks_stay_behind(void **state)
{
	const struct shim_index_entry *entry;
	struct rewrite_result result;
	struct gen_truth truth;
	struct quality q;
	struct gen g;
	uint64_t rows;

	(void)state;
	make_random(0, &g, &truth);
	entry = (const struct shim_index_entry *)(const void *)g.index.at + 5;
	rows = entry->row_count;
	g.trace.at[entry->offset + entry->frame_bytes / 2] ^= 0x40;
	assert_int_equal(gen_write(&g, fixture_path), 0);
	result = rewrite();
	assert_int_equal(result.blocks_dropped, 1);
	assert_int_equal(read_fixed(&q), truth.events - rows);
	assert_int_equal(q.blocks_damaged, 0);
	assert_int_equal(quality_exit_status(&q), 2); /* the gap is still one */
	g.trace.length = g.trace.length * 2 / 3;
	assert_int_equal(gen_write(&g, fixture_path), 0);
	result = rewrite();
	assert_int_equal(read_fixed(&q), result.events);
	assert_true(result.events > truth.events / 3);
	assert_int_equal(quality_exit_status(&q), 2);
	free(truth.sites);
	gen_free(&g);
}

static void nothing_is_overwritten_and_nothing_half_done_is_left(void **state)
{
	struct rewrite_result result;
	struct gen_truth truth;
	struct source *s;
	struct diag d;
	struct gen g;

	(void)state;
	make_random(0, &g, &truth);
	assert_int_equal(gen_write(&g, fixture_path), 0);
	s = fixture_open(1);
	diag_clear(&d);
	assert_int_equal(rewrite_trace(s, fixture_path, &result, &d), -1);
	assert_non_null(strstr(d.what, "exists"));
	diag_clear(&d);
	assert_int_equal(rewrite_trace(s, "/nonexistent/folder/x.zst", &result, &d), -1);
	assert_true(diag_is_set(&d));
	source_close(s);
	free(truth.sites);
	gen_free(&g);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(killed_trace_becomes_one_file),
		TEST(damaged_blocks_stay_behind),
		TEST(nothing_is_overwritten_and_nothing_half_done_is_left),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
