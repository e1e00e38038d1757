/* SPDX-License-Identifier: MIT */
/*
 * test_replay.c - one order of all events, whatever the number of jobs, and nothing lost or doubled
 * on the way.
 */
#include "../gen/trace_fixture.h"

static void make_random(unsigned threads, unsigned layout, int spool, uint64_t seed)
{
	struct gen_options options = { .seed = seed,
				       .events = 20000,
				       .threads = threads,
				       .layout = layout,
				       .stacks = 9,
				       .live = 100,
				       .block_rows = 300,
				       .spool = spool };
	struct gen_truth truth;
	struct gen g;

	gen_random(&g, &options, &truth);
	assert_int_equal(gen_write(&g, fixture_path), 0);
	free(truth.sites);
	gen_free(&g);
}

static void order_is_time_then_thread(void **state)
{
	struct fixture_events all;
	struct source *s;
	size_t i;

	(void)state;
	make_random(20, SHIM_LAYOUT_COLUMNS, 0, 5);
	s = fixture_open(1);
	fixture_replay(s, 1, UINT64_MAX, &all);
	assert_int_equal(all.count, fields_number(&s->footer, "events", 0));
	assert_int_equal(all.quality.events, all.count);
	assert_int_equal(all.quality.events_unread, 0);
	for (i = 1; i < all.count; i++)
		assert_true(all.events[i - 1].ticks < all.events[i].ticks ||
			    (all.events[i - 1].ticks == all.events[i].ticks &&
			     all.threads[i - 1] <= all.threads[i]));
	fixture_events_free(&all);
	source_close(s);
}

static void same_at_any_number_of_jobs(void **state)
{
	struct fixture_events one, many;
	struct source *s;
	unsigned threads;
	int jobs;

	(void)state;
	for (threads = 1; threads <= 33; threads += 16) {
		make_random(threads, threads == 17 ? SHIM_LAYOUT_ROWS : SHIM_LAYOUT_COLUMNS,
			    threads == 33, threads);
		s = fixture_open(2);
		fixture_replay(s, 1, UINT64_MAX, &one);
		for (jobs = 2; jobs <= 5; jobs++) {
			fixture_replay(s, jobs, UINT64_MAX, &many);
			assert_int_equal(one.count, many.count);
			assert_memory_equal(one.events, many.events, one.count * sizeof(*one.events));
			assert_memory_equal(one.threads, many.threads,
					    one.count * sizeof(*one.threads));
			fixture_events_free(&many);
		}
		fixture_events_free(&one);
		source_close(s);
	}
}

static void ties_go_by_thread(void **state)
{
	const struct shim_row rows[] = { ROW(2000000, ALLOC, MALLOC, 0x10, 1, 0),
					 ROW(2000000, ALLOC, MALLOC, 0x20, 2, 0),
					 ROW(2000005, ALLOC, MALLOC, 0x30, 3, 0) };
	struct fixture_events all;
	struct source *s;
	struct gen g;

	(void)state;
	gen_begin(&g, 1, NULL);
	gen_block(&g, 9, rows, 3, SHIM_LAYOUT_ROWS);
	gen_block(&g, 4, rows, 3, SHIM_LAYOUT_ROWS);
	gen_end(&g, "exit");
	assert_int_equal(gen_write(&g, fixture_path), 0);
	s = fixture_open(1);
	fixture_replay(s, 1, UINT64_MAX, &all);
	assert_int_equal(all.count, 6);
	assert_int_equal(all.threads[0], 4);
	assert_int_equal(all.threads[1], 4);
	assert_int_equal(all.threads[2], 9);
	assert_int_equal(all.threads[3], 9);
	assert_int_equal(all.threads[4], 4);
	assert_int_equal(all.threads[5], 9);
	fixture_events_free(&all);
	source_close(s);
	gen_free(&g);
}

static void nothing_at_or_behind_the_end_is_delivered(void **state)
{
	struct fixture_events all, part;
	struct source *s;
	size_t i, expected = 0;
	uint64_t to;

	(void)state;
	make_random(5, SHIM_LAYOUT_COLUMNS, 0, 8);
	s = fixture_open(1);
	fixture_replay(s, 1, UINT64_MAX, &all);
	to = all.events[all.count / 3].ticks;
	while (all.events[expected].ticks < to)
		expected++;
	for (i = 1; i <= 3; i++) {
		fixture_replay(s, (int)i, to, &part);
		assert_int_equal(part.count, expected);
		assert_int_equal(part.quality.events_unread, 0);
		fixture_events_free(&part);
	}
	fixture_events_free(&all);
	source_close(s);
}

/*
 * Blocks whose times overlap, run backwards or lie: everything is still delivered once, in the
 * order of each thread.
 */
static void blocks_with_lying_times_do_not_stop_it(void **state)
{
	struct shim_row rows[4];
	struct fixture_events all, again;
	struct source *s;
	struct gen g;
	unsigned i, j;

	(void)state;
	gen_begin(&g, 1, NULL);
	for (i = 0; i < 12; i++) {
		struct shim_block b = { .magic = SHIM_BLOCK_MAGIC,
					.kind = SHIM_BLOCK_EVENTS,
					.layout = SHIM_LAYOUT_ROWS,
					.thread = 1 + i % 3,
					.seq = i / 3,
					.row_count = 4,
					.payload_bytes = sizeof(rows) };

		for (j = 0; j < 4; j++)
			rows[j] = (struct shim_row)ROW((i * 7919) % 1000 + j * 400, ALLOC, MALLOC,
						       0x1000 * i + 16 * j, i, 0);
		b.begin_ticks = (i * 104729) % 2000;
		gen_raw_block(&g, &b, rows, sizeof(rows));
	}
	assert_int_equal(gen_write(&g, fixture_path), 0);
	s = fixture_open(1);
	fixture_replay(s, 1, UINT64_MAX, &all);
	assert_int_equal(all.count, 48);
	for (i = 2; i <= 4; i++) {
		fixture_replay(s, (int)i, UINT64_MAX, &again);
		assert_int_equal(again.count, 48);
		assert_memory_equal(all.events, again.events, 48 * sizeof(*all.events));
		fixture_events_free(&again);
	}
	for (i = 0; i < 48; i++)
		for (j = i + 1; j < 48; j++)
			assert_true(all.threads[i] != all.threads[j] ||
				    all.events[i].size <= all.events[j].size);
	fixture_events_free(&all);
	source_close(s);
	gen_free(&g);
}

static void damaged_blocks_are_passed_over_and_counted(void **state)
{
	struct fixture_events all;
	struct source *s;
	struct gen g;
	struct shim_row row = ROW(2000000, ALLOC, MALLOC, 0x10, 1, 0);
	const struct shim_index_entry *entry;
	int jobs;
	unsigned i;

	(void)state;
	gen_begin(&g, 1, NULL);
	for (i = 0; i < 9; i++, row.ticks += 100)
		gen_block(&g, 1 + i % 2, &row, 1, SHIM_LAYOUT_ROWS);
	gen_end(&g, "exit");
	for (i = 2; i < 9; i += 3) {
		entry = (const struct shim_index_entry *)(const void *)g.index.at + i;
		g.trace.at[entry->offset + entry->frame_bytes - 1] ^= 1; /* checksum */
	}
	assert_int_equal(gen_write(&g, fixture_path), 0);
	s = fixture_open(1);
	for (jobs = 1; jobs <= 3; jobs++) {
		fixture_replay(s, jobs, UINT64_MAX, &all);
		assert_int_equal(all.count, 6);
		assert_int_equal(all.quality.blocks_damaged, 3);
		assert_int_equal(all.quality.events_unread, 3);
		assert_int_equal(quality_exit_status(&all.quality), 2);
		fixture_events_free(&all);
	}
	source_close(s);
	gen_free(&g);
}

static void count_calls(void *context, uint64_t done, uint64_t total)
{
	uint64_t *last = context;

	assert_true(done >= last[0] && done <= total);
	last[0] = done;
	last[1] = total;
}

static void progress_ends_at_the_total(void **state)
{
	uint64_t last[2] = { 0, 0 };
	struct replay_options options = {
		.jobs = 2, .to_ticks = UINT64_MAX, .progress = count_calls, .progress_context = last
	};
	struct fixture_events all = { 0 };
	struct quality q = { 0 };
	struct source *s;

	(void)state;
	make_random(3, SHIM_LAYOUT_ROWS, 0, 3);
	s = fixture_open(1);
	options.batch = fixture_take;
	options.context = &all;
	replay_run(s, &options, &q);
	assert_true(last[1] > 10);
	assert_int_equal(last[0], last[1]);
	fixture_events_free(&all);
	source_close(s);
}

static void trace_without_events_is_fine(void **state)
{
	struct fixture_events all;
	struct source *s;
	struct gen g;

	(void)state;
	gen_begin(&g, 1, NULL);
	gen_end(&g, "exit");
	assert_int_equal(gen_write(&g, fixture_path), 0);
	s = fixture_open(1);
	fixture_replay(s, 3, UINT64_MAX, &all);
	assert_int_equal(all.count, 0);
	assert_true(quality_is_complete(&all.quality));
	source_close(s);
	gen_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(order_is_time_then_thread, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(same_at_any_number_of_jobs, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(ties_go_by_thread, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(nothing_at_or_behind_the_end_is_delivered,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(blocks_with_lying_times_do_not_stop_it,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(damaged_blocks_are_passed_over_and_counted,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(progress_ends_at_the_total, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(trace_without_events_is_fine, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
