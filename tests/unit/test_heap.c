/* SPDX-License-Identifier: MIT */
/*
 * test_heap.c - the heap pass against known truth, by hand for every rule. test_analysis.c has random
 * traces for all of them together.
 */
#include "../gen/trace_fixture.h"

#define T0 1000000 /* start of generated traces, ticks are ns */

/* A trace of hand-made rows, one block per thread (thread = place + 1), analysed. */
struct by_hand {
	struct gen g;
	struct run *run;
	struct analysis a;
};

static void begin(struct by_hand *h)
{
	unsigned i;

	gen_begin(&h->g, 3, NULL);
	gen_module(&h->g, 1, T0, 0, "/bin/app", "\x01", 0, 0x100000);
	for (i = 0; i < 8; i++)
		gen_stack(&h->g, 2 + i, 0, 0x1000 + 16 * i, 0);
	gen_defs(&h->g, 0);
}

static const struct heap_totals *finish(struct by_hand *h, const struct analysis_request *request)
{
	gen_end(&h->g, "exit");
	assert_int_equal(gen_write(&h->g, fixture_path), 0);
	h->run = fixture_analyse(request, &h->a);
	return &h->a.heap.totals;
}

static const struct quality *quality_of(const struct by_hand *h)
{
	return &h->run->processes[0]->quality;
}

/* The site of the trace's stack id STACK; zeros when it allocated nothing. */
static struct heap_site site_of(const struct by_hand *h, uint32_t stack)
{
	struct heap_site none = { 0 };
	size_t i;

	for (i = 0; i < h->a.heap.site_count; i++)
		if (h->a.heap.sites[i].stack == process_stack(h->run->processes[0], stack))
			return h->a.heap.sites[i];
	return none;
}

static void end(struct by_hand *h)
{
	analysis_free(&h->a);
	run_close(h->run);
	gen_free(&h->g);
}

/* One thread, these rows in both layouts. */
#define ONE_THREAD(h, rows, layout)                                                  \
	do {                                                                         \
		begin(h);                                                            \
		gen_block(&(h)->g, 1, rows, sizeof(rows) / sizeof(*(rows)), layout); \
	} while (0)

static void counts_of_a_small_program(void **state)
{
	const struct shim_row rows[] = {
		ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 2),
		ROW(T0 + 2, ALLOC, CALLOC, 0x200, 20, 3),
		ROW(T0 + 3, ALLOC, MALLOC, 0x300, 30, 2),
		ROW(T0 + 4, FREE, FREE, 0x200, 0, 0),
		ROW(T0 + 5, ALLOC, NEW, 0x200, 5, 4),
		ROW(T0 + 6, ALLOC_FAIL, MALLOC, 0, 1000, 2),
		ROW(T0 + 7, FREE, FREE, 0x100, 0, 0),
	};
	unsigned layout;

	(void)state;
	for (layout = SHIM_LAYOUT_ROWS; layout <= SHIM_LAYOUT_COLUMNS; layout++) {
		const struct heap_totals *t;
		struct by_hand h;

		ONE_THREAD(&h, rows, layout);
		t = finish(&h, NULL);
		assert_int_equal(t->allocations, 4);
		assert_int_equal(t->frees, 2);
		assert_int_equal(t->failed, 1);
		assert_int_equal(t->allocated_bytes, 65);
		assert_int_equal(t->live_count, 2);
		assert_int_equal(t->live_bytes, 35);
		assert_int_equal(t->peak_bytes, 60);
		assert_int_equal(t->peak_count, 3);
		assert_int_equal(t->peak_ns, 3);
		assert_int_equal(t->temporary, 0);
		assert_int_equal(t->funcs[SHIM_FUNC_MALLOC].calls, 2);
		assert_int_equal(t->funcs[SHIM_FUNC_MALLOC].bytes, 40);
		assert_int_equal(t->funcs[SHIM_FUNC_MALLOC].failed, 1);
		assert_int_equal(t->funcs[SHIM_FUNC_FREE].calls, 2);
		assert_int_equal(site_of(&h, 2).peak_bytes, 40);
		assert_int_equal(site_of(&h, 2).live_bytes, 30);
		assert_int_equal(site_of(&h, 3).peak_count, 1);
		assert_int_equal(site_of(&h, 4).peak_bytes, 0);
		assert_int_equal(site_of(&h, 4).func, SHIM_FUNC_NEW);
		assert_int_equal(h.a.heap.leak_count, 2);
		assert_int_equal(h.a.heap.leaks[0].bytes, 30);
		assert_int_equal(h.a.heap.leaks[1].func, SHIM_FUNC_NEW);
		assert_int_equal(h.a.heap.leaks[1].first_ns, 5);
		assert_int_equal(h.a.heap.leaks[1].thread, 1);
		end(&h);
	}
}

/* The first of two equal peaks is the peak. */
static void first_moment_of_the_peak_counts(void **state)
{
	const struct shim_row rows[] = { ROW(T0 + 1, ALLOC, MALLOC, 0x100, 50, 2),
					 ROW(T0 + 2, FREE, FREE, 0x100, 0, 0),
					 ROW(T0 + 3, ALLOC, MALLOC, 0x100, 25, 3),
					 ROW(T0 + 4, ALLOC, MALLOC, 0x200, 25, 3) };
	struct by_hand h;

	(void)state;
	ONE_THREAD(&h, rows, SHIM_LAYOUT_COLUMNS);
	assert_int_equal(finish(&h, NULL)->peak_ns, 1);
	assert_int_equal(site_of(&h, 2).peak_bytes, 50);
	assert_int_equal(site_of(&h, 3).peak_bytes, 0);
	end(&h);
}

static void realloc_moves_fails_and_frees(void **state)
{
	const struct shim_row rows[] = {
		ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 2),
		ROW(T0 + 2, REALLOC_FREE, REALLOC, 0x100, 50, 0),
		ROW(T0 + 3, REALLOC_ALLOC, REALLOC, 0x200, 50, 3),
		ROW(T0 + 4, REALLOC_FREE, REALLOC, 0x200, 900, 0),
		ROW(T0 + 5, REALLOC_FAIL, REALLOC, 0x200, 0, 0),
		ROW(T0 + 6, ALLOC, MALLOC, 0x300, 7, 4),
		ROW(T0 + 7, REALLOC_FREE, REALLOC, 0x300, 0, 0), /* realloc(p, 0): a free */
		ROW(T0 + 8, ALLOC, REALLOC, 0x400, 1, 5),        /* realloc(NULL, 1) */
	};
	unsigned layout;

	(void)state;
	for (layout = SHIM_LAYOUT_ROWS; layout <= SHIM_LAYOUT_COLUMNS; layout++) {
		const struct heap_totals *t;
		struct by_hand h;

		ONE_THREAD(&h, rows, layout);
		t = finish(&h, NULL);
		assert_int_equal(t->allocations, 4);
		assert_int_equal(t->reallocations, 1);
		assert_int_equal(t->frees, 1);
		assert_int_equal(t->failed, 1);
		assert_int_equal(t->allocated_bytes, 68);
		assert_int_equal(t->live_count, 2);
		assert_int_equal(t->live_bytes, 51);
		assert_int_equal(t->peak_bytes, 57);
		assert_int_equal(t->temporary, 2); /* 0x100 by its realloc, 0x300 */
		assert_int_equal(t->funcs[SHIM_FUNC_REALLOC].calls, 3);
		assert_int_equal(t->funcs[SHIM_FUNC_REALLOC].bytes, 51); /* 0 for the free */
		assert_int_equal(site_of(&h, 3).live_bytes, 50);
		assert_int_equal(site_of(&h, 3).reallocations, 1);
		assert_int_equal(site_of(&h, 2).live_bytes, 0);
		assert_int_equal(quality_of(&h)->unmatched_frees, 0);
		end(&h);
	}
}

/* A failed realloc changes nothing: the block keeps stack, time and the chance to be temporary. */
static void failed_realloc_leaves_the_block_as_it_was(void **state)
{
	const struct shim_row rows[] = { ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 2),
					 ROW(T0 + 2, REALLOC_FREE, REALLOC, 0x100, 1 << 30, 0),
					 ROW(T0 + 3, REALLOC_FAIL, REALLOC, 0x100, 0, 0),
					 ROW(T0 + 101, FREE, FREE, 0x100, 0, 0) };
	unsigned layout;

	(void)state;
	for (layout = SHIM_LAYOUT_ROWS; layout <= SHIM_LAYOUT_COLUMNS; layout++) {
		const struct heap_totals *t;
		struct by_hand h;

		ONE_THREAD(&h, rows, layout);
		t = finish(&h, NULL);
		assert_int_equal(t->frees, 1);
		assert_int_equal(t->temporary, 1);
		assert_int_equal(t->live_count, 0);
		assert_int_equal(h.a.lifetimes.all.count, 1);
		assert_int_equal(h.a.lifetimes.all.min, 100);
		end(&h);
	}
}

static void realloc_cut_off_by_the_end_leaves_the_block_alive(void **state)
{
	const struct shim_row rows[] = { ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 2),
					 ROW(T0 + 2, REALLOC_FREE, REALLOC, 0x100, 20, 0) };
	unsigned layout;

	(void)state;
	for (layout = SHIM_LAYOUT_ROWS; layout <= SHIM_LAYOUT_COLUMNS; layout++) {
		struct by_hand h;

		ONE_THREAD(&h, rows, layout);
		assert_int_equal(finish(&h, NULL)->live_bytes, 10);
		assert_int_equal(h.a.heap.leak_count, 1);
		assert_int_equal(h.a.heap.totals.frees, 0);
		end(&h);
	}
}

static void temporary_is_by_thread(void **state)
{
	/*
	 * Thread 1: one temporary, one that thread 2 frees; thread 2: its allocation in between
	 * does not matter to thread 1.
	 */
	const struct shim_row one[] = { ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 2),
					ROW(T0 + 9, FREE, FREE, 0x100, 0, 0),
					ROW(T0 + 10, ALLOC, MALLOC, 0x200, 10, 2) };
	const struct shim_row two[] = { ROW(T0 + 5, ALLOC, MALLOC, 0x300, 10, 3),
					ROW(T0 + 12, FREE, FREE, 0x200, 0, 0),
					ROW(T0 + 13, ALLOC, MALLOC, 0x400, 10, 3),
					ROW(T0 + 14, FREE, FREE, 0x300, 0, 0) };
	struct by_hand h;

	(void)state;
	begin(&h);
	h.g.addressed = 1;
	gen_block(&h.g, 1, one, 3, SHIM_LAYOUT_COLUMNS);
	gen_block(&h.g, 2, two, 4, SHIM_LAYOUT_COLUMNS);
	assert_int_equal(finish(&h, NULL)->temporary, 1);
	assert_int_equal(site_of(&h, 2).temporary, 1);
	assert_int_equal(h.a.threads.count, 2);
	assert_int_equal(h.a.threads.rows[0].allocations, 2);
	assert_int_equal(h.a.threads.rows[0].frees, 1);
	assert_int_equal(h.a.threads.rows[0].live_count, 0);
	assert_int_equal(h.a.threads.rows[0].peak_bytes, 10);
	assert_int_equal(h.a.threads.rows[1].frees, 2);
	assert_int_equal(h.a.threads.rows[1].foreign_frees, 1);
	assert_int_equal(h.a.threads.rows[1].live_bytes, 10);
	assert_int_equal(h.a.threads.rows[1].first_ns, 5);
	assert_int_equal(h.a.threads.rows[1].last_ns, 14);
	end(&h);
}

/*
 * Within a trace block of thread 1 the pair looks local, but thread 2 freed the block and got the
 * address itself.
 */
static void address_that_changed_hands_is_not_mixed_up(void **state)
{
	const struct shim_row one[] = { ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 2),
					ROW(T0 + 9, FREE, FREE, 0x100, 0, 0) };
	const struct shim_row two[] = { ROW(T0 + 3, FREE, FREE, 0x100, 0, 0),
					ROW(T0 + 5, ALLOC, MALLOC, 0x100, 77, 3) };
	const struct heap_totals *t;
	struct by_hand h;

	(void)state;
	begin(&h);
	h.g.addressed = 1;
	gen_block(&h.g, 1, one, 2, SHIM_LAYOUT_COLUMNS);
	gen_block(&h.g, 2, two, 2, SHIM_LAYOUT_COLUMNS);
	t = finish(&h, NULL);
	assert_int_equal(t->frees, 2);
	assert_int_equal(t->live_count, 0);
	assert_int_equal(t->peak_bytes, 77);
	assert_int_equal(quality_of(&h)->unmatched_frees, 0);
	end(&h);
}

/* However close in time: an allocation at a live address ends the old block, whoever made it. */
static void allocation_at_a_live_address_ends_the_old_block(void **state)
{
	const struct shim_row one[] = { ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 2),
					ROW(T0 + 9, FREE, FREE, 0x100, 0, 0) };
	const struct shim_row two[] = { ROW(T0 + 5, ALLOC, MALLOC, 0x100, 77, 3) };
	const struct heap_totals *t;
	struct by_hand h;

	(void)state;
	begin(&h);
	gen_block(&h.g, 1, one, 2, SHIM_LAYOUT_ROWS);
	gen_block(&h.g, 2, two, 1, SHIM_LAYOUT_ROWS);
	t = finish(&h, NULL);
	assert_int_equal(t->frees, 1);
	assert_int_equal(t->live_count, 0);
	assert_int_equal(t->peak_bytes, 77);
	assert_int_equal(quality_of(&h)->unmatched_frees, 0);
	assert_int_equal(quality_of(&h)->unended_blocks, 1);
	end(&h);
}

/* However close in time: a free of nothing ends no later block. It is a call all the same. */
static void free_of_nothing_ends_nothing(void **state)
{
	const struct shim_row one[] = { ROW(T0 + 5, FREE, FREE, 0x100, 0, 0) };
	const struct shim_row two[] = { ROW(T0 + 9, ALLOC, MALLOC, 0x100, 77, 3) };
	const struct heap_totals *t;
	struct by_hand h;

	(void)state;
	begin(&h);
	gen_block(&h.g, 1, one, 1, SHIM_LAYOUT_ROWS);
	gen_block(&h.g, 2, two, 1, SHIM_LAYOUT_ROWS);
	t = finish(&h, NULL);
	assert_int_equal(t->allocations, 1);
	assert_int_equal(t->frees, 1);
	assert_int_equal(t->funcs[SHIM_FUNC_FREE].calls, 1);
	assert_int_equal(t->funcs[SHIM_FUNC_FREE].bytes, 0);
	assert_int_equal(h.a.threads.rows[0].frees, 1);
	assert_int_equal(t->live_bytes, 77);
	assert_int_equal(quality_of(&h)->unmatched_frees, 1);
	end(&h);
}

/* A realloc whose other half was lost is no free, and neither is one cut off when its address is
 * another block's by the end. */
static void half_reallocs_are_no_frees(void **state)
{
	const struct shim_row one[] = { ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 2),
					ROW(T0 + 2, ALLOC, MALLOC, 0x200, 20, 2),
					ROW(T0 + 3, REALLOC_FREE, REALLOC, 0x100, 50, 0),
					ROW(T0 + 4, REALLOC_FREE, REALLOC, 0x200, 60, 0) };
	const struct shim_row two[] = { ROW(T0 + 9, ALLOC, MALLOC, 0x200, 77, 3) };
	const struct heap_totals *t;
	struct by_hand h;

	(void)state;
	begin(&h);
	gen_block(&h.g, 1, one, 4, SHIM_LAYOUT_ROWS);
	gen_block(&h.g, 2, two, 1, SHIM_LAYOUT_ROWS);
	t = finish(&h, NULL);
	assert_int_equal(t->frees, 0);
	assert_int_equal(t->reallocations, 0);
	assert_int_equal(t->live_count, 1);
	assert_int_equal(t->live_bytes, 77);
	assert_int_equal(quality_of(&h)->unended_blocks, 0);
	end(&h);
}

static void unknown_frees_and_stacks_are_counted(void **state)
{
	const struct shim_row rows[] = { ROW(T0 + 1, FREE, FREE, 0x100, 0, 0),
					 ROW(T0 + 2, REALLOC_FREE, REALLOC, 0x200, 9, 0),
					 ROW(T0 + 3, REALLOC_ALLOC, REALLOC, 0x200, 9, 2),
					 ROW(T0 + 4, ALLOC, MALLOC, 0x300, 1, 4000000000u),
					 ROW(T0 + 5, ALLOC, MALLOC, 0x300, 2, 5) };
	const struct heap_totals *t;
	struct by_hand h;

	(void)state;
	ONE_THREAD(&h, rows, SHIM_LAYOUT_ROWS);
	t = finish(&h, NULL);
	assert_int_equal(t->frees, 1); /* a realloc is none */
	assert_int_equal(t->live_bytes, 11);
	assert_int_equal(t->reallocations, 1);
	assert_int_equal(quality_of(&h)->unmatched_frees, 2);
	assert_int_equal(quality_of(&h)->unknown_stacks, 1);
	assert_int_equal(quality_exit_status(quality_of(&h)), 2);
	assert_int_equal(site_of(&h, 4000000000u).allocations, 1);
	assert_int_equal(site_of(&h, 0).allocations, 0);
	assert_int_equal(quality_of(&h)->unended_blocks, 1);
	end(&h);
}

static void mismatched_families_are_told(void **state)
{
	const struct shim_row rows[] = {
		ROW(T0 + 1, ALLOC, NEW_ARRAY, 0x100, 10, 2), ROW(T0 + 2, FREE, FREE, 0x100, 0, 3),
		ROW(T0 + 3, ALLOC, NEW_ARRAY, 0x100, 10, 2), ROW(T0 + 4, FREE, FREE, 0x100, 0, 3),
		ROW(T0 + 5, ALLOC, MALLOC, 0x100, 10, 4),    ROW(T0 + 6, FREE, DELETE, 0x100, 0, 0),
		ROW(T0 + 7, ALLOC, NEW, 0x100, 10, 2),       ROW(T0 + 8, FREE, DELETE, 0x100, 0, 0),
		ROW(T0 + 9, ALLOC, MALLOCX, 0x100, 10, 2),   ROW(T0 + 10, FREE, FREE, 0x100, 0, 0),
	};
	struct by_hand h;

	(void)state;
	ONE_THREAD(&h, rows, SHIM_LAYOUT_COLUMNS);
	assert_int_equal(finish(&h, NULL)->mismatches, 3);
	assert_int_equal(h.a.heap.mismatch_count, 2);
	assert_int_equal(h.a.heap.mismatches[0].count, 2);
	assert_int_equal(h.a.heap.mismatches[0].alloc_func, SHIM_FUNC_NEW_ARRAY);
	assert_int_equal(h.a.heap.mismatches[0].free_func, SHIM_FUNC_FREE);
	assert_int_equal(h.a.heap.mismatches[0].alloc_stack, process_stack(h.run->processes[0], 2));
	assert_int_equal(h.a.heap.mismatches[0].free_stack, process_stack(h.run->processes[0], 3));
	assert_int_equal(h.a.heap.mismatches[1].free_func, SHIM_FUNC_DELETE);
	end(&h);
}

static void ignored_blocks_are_leaks_of_their_own(void **state)
{
	struct shim_row rows[] = { ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 2),
				   ROW(T0 + 2, ALLOC, MALLOC, 0x200, 90, 2) };
	struct by_hand h;

	(void)state;
	rows[1].extra = SHIM_EXTRA_IGNORED;
	ONE_THREAD(&h, rows, SHIM_LAYOUT_COLUMNS);
	finish(&h, NULL);
	assert_int_equal(h.a.heap.leak_count, 2);
	assert_int_equal(h.a.heap.leaks[0].ignored, 1);
	assert_int_equal(h.a.heap.leaks[0].bytes, 90);
	assert_int_equal(h.a.heap.leaks[1].ignored, 0);
	end(&h);
}

static int keep_second_thread(void *context, const struct process *p, const struct process_thread *t)
{
	(void)context;
	(void)p;
	return t->index == 2;
}

static void filters_leave_out_without_confusing_frees(void **state)
{
	const struct shim_row one[] = { ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 2),
					ROW(T0 + 20, ALLOC, MALLOC, 0x200, 20, 3),
					ROW(T0 + 40, FREE, FREE, 0x300, 0, 0),
					ROW(T0 + 60, FREE, FREE, 0x100, 0, 0) };
	const struct shim_row two[] = { ROW(T0 + 30, ALLOC, MALLOC, 0x300, 40, 2),
					ROW(T0 + 70, ALLOC, MALLOC, 0x400, 80, 3) };
	struct analysis_request requests[4] = {
		{ .keep_thread = keep_second_thread }, { .from = "15ns" }, { .to = "50ns" }, { 0 }
	};
	static const uint64_t allocated[4] = { 120, 140, 70, 100 }, live[4] = { 80, 100, 30, 100 },
			      frees[4] = { 1, 1, 1, 0 };
	uint8_t keep[64] = { 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		const struct heap_totals *t;
		struct by_hand h;

		requests[i].wants = 0x7f;
		requests[i].jobs = 1;
		/*
		 * stack 3 alone; its id in the run is the same here, as all stacks of the trace
		 * differ
		 */
		if (i == 3) {
			keep[3] = 1;
			requests[i].keep_stack = keep;
		}
		begin(&h);
		gen_block(&h.g, 1, one, 4, SHIM_LAYOUT_ROWS);
		gen_block(&h.g, 2, two, 2, SHIM_LAYOUT_ROWS);
		t = finish(&h, &requests[i]);
		assert_int_equal(process_stack(h.run->processes[0], 3), 3);
		assert_int_equal(t->allocated_bytes, allocated[i]);
		assert_int_equal(t->live_bytes, live[i]);
		assert_int_equal(t->frees, frees[i]);
		assert_int_equal(quality_of(&h)->unmatched_frees, 0);
		end(&h);
	}
}

static void truncated_stacks_are_counted(void **state)
{
	const struct shim_row rows[] = { ROW(T0 + 1, ALLOC, MALLOC, 0x100, 10, 21),
					 ROW(T0 + 2, ALLOC, MALLOC, 0x200, 20, 2) };
	struct by_hand h;

	(void)state;
	begin(&h);
	gen_stack(&h.g, 20, SHIM_STACK_TRUNCATED, 0x5000, 0);
	gen_stack(&h.g, 21, 20, 0x5010, 0);
	gen_defs(&h.g, 0);
	gen_block(&h.g, 1, rows, 2, SHIM_LAYOUT_ROWS);
	finish(&h, NULL);
	assert_int_equal(quality_of(&h)->truncated_stacks, 1);
	end(&h);
}

static void timeline_adds_up(void **state)
{
	const struct shim_row rows[] = {
		ROW(T0 + 5, ALLOC, MALLOC, 0x100, 100, 2),
		ROW(T0 + 15, ALLOC, MALLOC, 0x200, 50, 2),
		ROW(T0 + 16, FREE, FREE, 0x100, 0, 0),
		ROW(T0 + 35, ALLOC, MALLOC, 0x300, 7, 2),
		ROW(T0 + 36, MMAP, MMAP, 0x10000, 8192, 2),
		ROW(T0 + 39, FREE, FREE, 0x200, 0, 0),
	};
	struct analysis_request request = { .wants = 0x7f, .jobs = 1, .buckets = 4 };
	const struct timeline_bucket *b;
	struct by_hand h;

	(void)state;
	ONE_THREAD(&h, rows, SHIM_LAYOUT_ROWS);
	finish(&h, &request);
	assert_int_equal(h.a.timeline.count, 4);
	assert_int_equal(h.a.timeline.bucket_ns, 10);
	assert_int_equal(h.a.timeline.begin_mono_ns, T0);
	b = h.a.timeline.buckets;
	assert_int_equal(b[0].live_bytes, 100);
	assert_int_equal(b[0].allocations, 1);
	assert_int_equal(b[1].live_bytes, 50);
	assert_int_equal(b[1].most_bytes, 150);
	assert_int_equal(b[1].frees, 1);
	assert_int_equal(b[2].live_bytes, 50);
	assert_int_equal(b[2].most_bytes, 50);
	assert_int_equal(b[2].allocations, 0);
	assert_int_equal(b[3].live_bytes, 7);
	assert_int_equal(b[3].most_bytes, 57);
	assert_int_equal(b[3].allocated_bytes, 7);
	assert_int_equal(b[3].mapped_bytes, 8192);
	end(&h);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(counts_of_a_small_program),
		TEST(first_moment_of_the_peak_counts),
		TEST(realloc_moves_fails_and_frees),
		TEST(failed_realloc_leaves_the_block_as_it_was),
		TEST(realloc_cut_off_by_the_end_leaves_the_block_alive),
		TEST(temporary_is_by_thread),
		TEST(address_that_changed_hands_is_not_mixed_up),
		TEST(allocation_at_a_live_address_ends_the_old_block),
		TEST(free_of_nothing_ends_nothing),
		TEST(half_reallocs_are_no_frees),
		TEST(unknown_frees_and_stacks_are_counted),
		TEST(mismatched_families_are_told),
		TEST(ignored_blocks_are_leaks_of_their_own),
		TEST(filters_leave_out_without_confusing_frees),
		TEST(truncated_stacks_are_counted),
		TEST(timeline_adds_up),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
