/* SPDX-License-Identifier: MIT */
/* test_run.c - several traces as one run, moments that users type, and ticks as time. */
#include "../gen/trace_fixture.h"

#define T0 1000000

static void make(uint64_t end)
{
	const struct shim_row row = ROW(T0 + end, ALLOC, MALLOC, 0x10, 1, 0);
	struct gen g;

	gen_begin(&g, 1, NULL);
	gen_mark(&g, T0 + 700, 1, "warm");
	gen_mark(&g, T0 + 900, 1, "warm");
	gen_mark(&g, T0 + 800, 1, "10%");
	gen_defs(&g, 0);
	gen_block(&g, 1, &row, 1, SHIM_LAYOUT_ROWS);
	gen_end(&g, "exit");
	assert_int_equal(gen_write(&g, fixture_path), 0);
	gen_free(&g);
}

static void moments_as_users_type_them(void **state)
{
	static const struct {
		const char *text;
		uint64_t after; /* ns behind the start */
	} good[] = { { "0", 0 },
		     { "2", 2000000000 },
		     { "1.5", 1500000000 },
		     { "250ms", 250000000 },
		     { "3us", 3000 },
		     { "7ns", 7 },
		     { "50%", 2000000000 },
		     { "-1", 3000000000 },
		     { "-25%", 3000000000 },
		     { "-9", 0 },
		     { "0.5m", 30000000000 },
		     { "1e-3", 1000000 },
		     { "warm", 700 },
		     { "10%", 800 } };
	static const char *const bad[] = { "",    "cold", "5 parsecs", "nan",
					   "inf", "0x10", "12,5",      "1%%" };
	struct run *run;
	uint64_t ticks;
	struct diag d;
	size_t i;

	(void)state;
	make(4000000000);
	run = fixture_run();
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		diag_clear(&d);
		if (run_parse_moment(run->processes[0], good[i].text, &ticks, &d) < 0)
			fail_msg("%s: %s", good[i].text, d.what);
		assert_int_equal(ticks - T0, good[i].after);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		diag_clear(&d);
		assert_int_equal(run_parse_moment(run->processes[0], bad[i], &ticks, &d), -1);
		assert_true(diag_is_set(&d));
	}
	run_close(run);
}

static void a_bad_moment_fails_the_analysis(void **state)
{
	struct analysis_request request = { .from = "cold" };
	struct analysis a;
	struct run *run;
	struct diag d;

	(void)state;
	make(10);
	run = fixture_run();
	diag_clear(&d);
	assert_int_equal(analysis_run(run, &request, &a, &d), -1);
	assert_non_null(strstr(d.what, "cold"));
	analysis_free(&a);
	run_close(run);
}

static void a_spool_stands_for_its_trace(void **state)
{
	const struct shim_row row = ROW(T0 + 5, ALLOC, MALLOC, 0x10, 1, 0);
	const char *paths[1];
	char spool[128];
	struct run *run;
	struct diag d;
	struct gen g;

	(void)state;
	gen_begin(&g, 1, NULL);
	gen_chunk(&g, 1, &row, 1);
	assert_int_equal(gen_write(&g, fixture_path), 0);
	snprintf(spool, sizeof(spool), "%s.spool", fixture_path);
	paths[0] = spool;
	diag_clear(&d);
	run = run_open(paths, 1, 1, &d);
	assert_non_null(run);
	assert_string_equal(run->processes[0]->source->path, fixture_path);
	assert_int_equal(run_exit_status(run), 0);
	assert_int_equal(run_is_complete(run), 0);
	run_close(run);
	gen_free(&g);
}

static void a_spool_without_its_trace_is_refused(void **state)
{
	const struct shim_row row = ROW(T0 + 5, ALLOC, MALLOC, 0x10, 1, 0);
	const char *paths[1];
	char spool[128];
	struct diag d;
	struct gen g;

	(void)state;
	gen_begin(&g, 1, NULL);
	gen_chunk(&g, 1, &row, 1);
	assert_int_equal(gen_write(&g, fixture_path), 0);
	gen_free(&g);
	unlink(fixture_path);
	snprintf(spool, sizeof(spool), "%s.spool", fixture_path);
	paths[0] = spool;
	diag_clear(&d);
	assert_null(run_open(paths, 1, 1, &d));
	assert_string_equal(d.where, spool);
	assert_non_null(strstr(d.what, "its trace"));
	assert_non_null(strstr(d.what, fixture_path));
}

static void a_trace_named_twice_counts_once(void **state)
{
	const struct shim_row row = ROW(T0 + 5, ALLOC, MALLOC, 0x10, 1, 0);
	char spool[128];
	const char *paths[] = { fixture_path, spool, fixture_path };
	struct run *run;
	struct diag d;
	struct gen g;

	(void)state;
	gen_begin(&g, 1, NULL);
	gen_chunk(&g, 1, &row, 1);
	assert_int_equal(gen_write(&g, fixture_path), 0);
	gen_free(&g);
	snprintf(spool, sizeof(spool), "%s.spool", fixture_path);
	diag_clear(&d);
	run = run_open(paths, 3, 1, &d);
	assert_non_null(run);
	assert_int_equal(run->process_count, 1);
	assert_int_equal(run->repeated, 2);
	run_close(run);
}

static void one_foreign_file_among_traces_is_refused(void **state)
{
	const char *paths[] = { fixture_path, "/etc/passwd" };
	struct diag d;

	(void)state;
	make(10);
	diag_clear(&d);
	assert_null(run_open(paths, 2, 1, &d));
	assert_string_equal(d.where, "/etc/passwd");
}

static void ticks_become_time_along_the_line(void **state)
{
	struct timebase t = { .start_ticks = 1000 };

	(void)state;
	assert_int_equal(timebase_span_ns(&t, 5), 5); /* nothing known */
	timebase_add(&t, 3000, 51000);
	assert_int_equal(timebase_mono_ns(&t, 3000), 51000);
	timebase_add(&t, 1000, 50000); /* 2 ticks a nanosecond */
	timebase_add(&t, 2000, 60000); /* between: does not count */
	assert_int_equal(timebase_mono_ns(&t, 1000), 50000);
	assert_int_equal(timebase_mono_ns(&t, 2000), 50500);
	assert_int_equal(timebase_mono_ns(&t, 5000), 52000);
	assert_int_equal(timebase_mono_ns(&t, 0), 49500);
	assert_int_equal(timebase_ns(&t, 3000), 1000);
	assert_int_equal(timebase_ns(&t, 10), 0);
	assert_int_equal(timebase_ticks(&t, 1000), 3000);
	assert_int_equal(timebase_ticks(&t, UINT64_MAX), UINT64_MAX);
	timebase_add(&t, UINT64_MAX, 52000);
	assert_true(timebase_mono_ns(&t, UINT64_MAX / 2) <= 52000); /* no overflow on the way */
	t = (struct timebase){ .is_ns = 1 };
	timebase_add(&t, 1, 500);
	timebase_add(&t, 2, 900);
	assert_int_equal(timebase_span_ns(&t, 7), 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(moments_as_users_type_them),
		TEST(a_bad_moment_fails_the_analysis),
		TEST(a_spool_stands_for_its_trace),
		TEST(a_spool_without_its_trace_is_refused),
		TEST(a_trace_named_twice_counts_once),
		TEST(one_foreign_file_among_traces_is_refused),
		cmocka_unit_test(ticks_become_time_along_the_line),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
