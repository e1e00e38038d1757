/* SPDX-License-Identifier: MIT */
/*
 * test_analysis.c - whole runs: random traces against what their generator knows, and several
 * processes as one.
 */
#include "../gen/trace_fixture.h"

#define T0 1000000 /* start of generated traces, ticks are ns */

/* The site of the stack with the id STACK in the first process' trace; zeros when there is none. */
static struct heap_site site_of(const struct run *run, const struct analysis *a, uint32_t stack)
{
	struct heap_site none = { 0 };
	size_t i;

	for (i = 0; i < a->heap.site_count; i++)
		if (a->heap.sites[i].stack == process_stack(run->processes[0], stack))
			return a->heap.sites[i];
	return none;
}

static void compare_totals(const struct heap_totals *t, const struct gen_truth *truth)
{
	assert_int_equal(t->allocations, truth->allocations);
	assert_int_equal(t->reallocations, truth->reallocations);
	assert_int_equal(t->frees, truth->frees);
	assert_int_equal(t->failed, truth->failed);
	assert_int_equal(t->allocated_bytes, truth->allocated_bytes);
	assert_int_equal(t->live_count, truth->live_count);
	assert_int_equal(t->live_bytes, truth->live_bytes);
	assert_int_equal(t->peak_bytes, truth->peak_bytes);
	assert_int_equal(t->peak_count, truth->peak_count);
	assert_int_equal(t->temporary, truth->temporary);
}

static void compare_site(const struct heap_site *site, const struct gen_site *truth)
{
	assert_int_equal(site->allocations, truth->allocations);
	assert_int_equal(site->allocated_bytes, truth->allocated_bytes);
	assert_int_equal(site->temporary, truth->temporary);
	assert_int_equal(site->live_count, truth->live_count);
	assert_int_equal(site->live_bytes, truth->live_bytes);
	assert_int_equal(site->peak_count, truth->peak_count);
	assert_int_equal(site->peak_bytes, truth->peak_bytes);
}

static uint64_t sum_of_threads(const struct analysis *a)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < a->threads.count; i++)
		sum += a->threads.rows[i].allocations - a->threads.rows[i].temporary +
		       a->threads.rows[i].live_bytes;
	return sum;
}

/* Everything at once: threads, layouts, reuse of addresses, killed or not. */
static void random_traces_give_their_truth(void **state)
{
	static const struct gen_options base = {
		.events = 8000, .stacks = 7, .live = 60, .block_rows = 100
	};
	unsigned round, i;

	(void)state;
	for (round = 0; round < 24; round++) {
		struct gen_options options = base;
		struct gen_truth truth;
		struct analysis a;
		struct run *run;
		struct gen g;

		options.seed = round;
		options.threads = 1 + round % 5;
		options.layout = round % 2 ? SHIM_LAYOUT_ROWS : SHIM_LAYOUT_COLUMNS;
		options.spool = round % 3 == 0;
		gen_random(&g, &options, &truth);
		assert_int_equal(gen_write(&g, fixture_path), 0);
		run = fixture_analyse(NULL, &a);
		compare_totals(&a.heap.totals, &truth);
		for (i = 0; i < options.stacks; i++) {
			struct heap_site site = site_of(run, &a, gen_leaf(i));

			compare_site(&site, &truth.sites[i]);
		}
		assert_int_equal(sum_of_threads(&a),
				 truth.allocations - truth.temporary + truth.live_bytes);
		assert_int_equal(a.sizes.all.count, truth.allocations);
		assert_int_equal(a.sizes.all.sum, truth.allocated_bytes);
		assert_int_equal(a.lifetimes.all.count, truth.allocations - truth.live_count);
		assert_int_equal(a.mapped.maps, truth.maps);
		assert_int_equal(a.mapped.live_bytes[MAPPED_FILE], truth.mapped_bytes);
		assert_int_equal(run->processes[0]->quality.events, truth.events);
		assert_int_equal(run->processes[0]->quality.unmatched_frees, 0);
		assert_int_equal(run->processes[0]->quality.unended_blocks, 0);
		analysis_free(&a);
		run_close(run);
		free(truth.sites);
		gen_free(&g);
	}
}

/* Writes a trace of run ID with ROWS by one thread, stacks 2 and 3, to PATH. */
static void write_process(const char *path, uint64_t id, const struct shim_row *rows, size_t count)
{
	struct gen g;

	gen_begin(&g, id, NULL);
	gen_module(&g, 1, T0, 0, "/bin/app", "\x01", 0, 0x100000);
	gen_stack(&g, 2, 0, 0x1000, 0);
	gen_stack(&g, 3, 0, 0x1010, 0);
	gen_mark(&g, T0 + 1, 1, path); /* each has a mark that the other has not */
	gen_defs(&g, 0);
	gen_block(&g, 1, rows, count, SHIM_LAYOUT_ROWS);
	gen_end(&g, "exit");
	assert_int_equal(gen_write(&g, path), 0);
	gen_free(&g);
}

/* Equal stacks of two processes are one, sums add up, the peak is that of the larger process. */
static void processes_of_a_run_add_up(void **state)
{
	const struct shim_row small[] = { ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 2) };
	const struct shim_row large[] = { ROW(T0 + 1, ALLOC, MALLOC, 0x100, 70, 2),
					  ROW(T0 + 2, ALLOC, MALLOC, 0x200, 30, 3) };
	struct analysis_request request = { .wants = 0x7f, .jobs = 1 };
	char second[128];
	const char *paths[2] = { second, fixture_path };
	struct heap_site site;
	struct analysis a;
	struct run *run;
	struct diag d;

	(void)state;
	diag_clear(&d);
	snprintf(second, sizeof(second), "%s.2", fixture_path);
	write_process(fixture_path, 3, small, 1);
	write_process(second, 4, large, 2);
	run = run_open(paths, 2, 1, &d);
	assert_non_null(run);
	assert_string_equal(run->processes[0]->source->path, fixture_path);
	assert_int_equal(analysis_run(run, &request, &a, &d), 0);
	assert_int_equal(a.heap.totals.live_bytes, 110);
	assert_int_equal(a.heap.totals.peak_bytes, 100);
	assert_int_equal(a.heap.totals.peak_process, 1);
	site = site_of(run, &a, 2);
	assert_int_equal(site.live_bytes, 80);
	assert_int_equal(site.peak_bytes, 70);
	assert_int_equal(a.heap.leak_count, 2);
	assert_int_equal(a.heap.leaks[0].count, 2);
	assert_int_equal(a.threads.count, 2);
	analysis_free(&a);

	/* A mark of the second process is a moment of the whole run; a second call sets all anew. */
	request.from = second;
	assert_int_equal(analysis_run(run, &request, &a, &d), 0);
	assert_false(diag_is_set(&d));
	assert_int_equal(a.heap.totals.live_bytes, 110);
	assert_int_equal(run->processes[0]->quality.events, 1);
	analysis_free(&a);
	run_close(run);
	unlink(second);
}

/* The order of sites by each cost, ties by content and not by id. */
static void sites_are_ordered_by_cost_then_content(void **state)
{
	const struct shim_row rows[] = {
		ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 3), ROW(T0 + 2, ALLOC, MALLOC, 0x200, 10, 2),
		ROW(T0 + 3, ALLOC, MALLOC, 0x300, 5, 0),  ROW(T0 + 4, ALLOC, MALLOC, 0x400, 5, 0),
		ROW(T0 + 5, FREE, FREE, 0x400, 0, 0),
	};
	uint32_t stack2, stack3, first;
	struct analysis a;
	struct run *run;

	(void)state;
	write_process(fixture_path, 3, rows, 5);
	run = fixture_analyse(NULL, &a);
	stack2 = process_stack(run->processes[0], 2);
	stack3 = process_stack(run->processes[0], 3);
	first = frames_compare(run->frames, stack2, stack3) < 0 ? stack2 : stack3;
	assert_int_equal(a.heap.site_count, 3);
	assert_int_equal(a.heap.sites[0].stack, first);
	assert_int_equal(a.heap.sites[1].stack, stack2 + stack3 - first);
	assert_int_equal(a.heap.sites[2].stack, 0);
	heap_order_sites(&a.heap, run->frames, HEAP_BY_ALLOCATIONS);
	assert_int_equal(a.heap.sites[0].stack, 0);
	heap_order_sites(&a.heap, run->frames, HEAP_BY_TEMPORARY);
	assert_int_equal(a.heap.sites[0].temporary, 1);
	assert_int_equal(a.heap.sites[1].stack, stack2); /* the others by id */
	analysis_free(&a);
	run_close(run);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(random_traces_give_their_truth),
		TEST(processes_of_a_run_add_up),
		TEST(sites_are_ordered_by_cost_then_content),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
