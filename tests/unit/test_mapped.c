/* SPDX-License-Identifier: MIT */
/* test_mapped.c - mappings against a plain picture of the address space, page by page. */
#include "../gen/trace_fixture.h"

#define T0    1000000
#define BASE  UINT64_C(0x700000000000)
#define PAGES 200

static struct run *analyse(const struct shim_row *rows, size_t count, struct analysis *a)
{
	struct gen g;

	gen_begin(&g, 1, NULL);
	gen_stack(&g, 2, 0, 0x1000, 0);
	gen_stack(&g, 3, 0, 0x2000, 0);
	gen_defs(&g, 0);
	gen_block(&g, 1, rows, count, SHIM_LAYOUT_COLUMNS);
	gen_end(&g, "exit");
	assert_int_equal(gen_write(&g, fixture_path), 0);
	gen_free(&g);
	return fixture_analyse(NULL, a);
}

static void kinds_and_peak_of_a_small_program(void **state)
{
	struct shim_row rows[] = {
		ROW(T0 + 1, MMAP, MMAP, BASE, 8192, 2),
		ROW(T0 + 2, MMAP, MMAP, BASE + 8192, 100, 3),
		ROW(T0 + 3, MUNMAP, MUNMAP, BASE + 4096, 4096, 0),
		ROW(T0 + 4, BRK, SBRK, 0x900000, 65536, 0),
		ROW(T0 + 5, BRK, SBRK, 0x8ff000, (uint64_t)-4096, 0),
		ROW(T0 + 6, MMAP, MREMAP, BASE, 4096, 3),
	};
	struct analysis a;
	struct run *run;

	(void)state;
	rows[0].extra = SHIM_MAP_ANONYMOUS;
	rows[1].extra = SHIM_MAP_SHARED | SHIM_MAP_EXEC;
	rows[5].extra = SHIM_MAP_ANONYMOUS | SHIM_MAP_SHARED;
	run = analyse(rows, 6, &a);
	assert_int_equal(a.mapped.maps, 3);
	assert_int_equal(a.mapped.unmaps, 1);
	assert_int_equal(a.mapped.total_bytes, 8192 + 4096 + 4096); /* whole pages */
	assert_int_equal(a.mapped.peak_bytes, 12288);
	assert_int_equal(a.mapped.peak_ns, 2);
	assert_int_equal(a.mapped.live_bytes[MAPPED_ANONYMOUS], 0);
	assert_int_equal(a.mapped.live_bytes[MAPPED_SHARED], 4096);
	assert_int_equal(a.mapped.live_bytes[MAPPED_FILE_SHARED], 4096);
	assert_int_equal(a.mapped.executable_bytes, 4096);
	assert_int_equal(a.mapped.brk_calls, 2);
	assert_int_equal(a.mapped.brk_bytes, 61440);
	assert_int_equal(a.mapped.site_count, 2);
	assert_int_equal(a.mapped.sites[0].live_bytes, 8192);
	assert_int_equal(a.mapped.sites[0].calls, 2);
	assert_int_equal(a.mapped.sites[1].live_bytes, 0);
	analysis_free(&a);
	run_close(run);
}

/* mremap is not told what it moves; another thread's rows in between do not matter. */
static void moved_range_keeps_its_kind(void **state)
{
	struct shim_row rows[] = {
		ROW(T0 + 1, MMAP, MMAP, BASE, 8192, 2),
		ROW(T0 + 2, MUNMAP, MREMAP, BASE + 4096, 4096, 0),
		ROW(T0 + 3, MMAP, MREMAP, BASE + 0x100000, 16384, 3),
		ROW(T0 + 4, MMAP, MMAP, BASE + 0x200000, 4096, 2),
		ROW(T0 + 5, MUNMAP, MREMAP, BASE + 0x200000, 4096, 0),
		ROW(T0 + 6, MMAP, MREMAP, BASE + 0x300000, 8192, 3),
		/* of a range from before the recording */
		ROW(T0 + 7, MUNMAP, MREMAP, BASE + 0x500000, 4096, 0),
		ROW(T0 + 8, MMAP, MREMAP, BASE + 0x400000, 4096, 3),
	};
	struct analysis a;
	struct run *run;

	(void)state;
	rows[0].extra = SHIM_MAP_SHARED | SHIM_MAP_EXEC;
	rows[3].extra = 0; /* private, of a file */
	run = analyse(rows, 8, &a);
	assert_int_equal(a.mapped.live_bytes[MAPPED_FILE_SHARED], 4096 + 16384);
	assert_int_equal(a.mapped.executable_bytes, 4096 + 16384);
	assert_int_equal(a.mapped.live_bytes[MAPPED_FILE], 8192);
	assert_int_equal(a.mapped.live_bytes[MAPPED_ANONYMOUS], 4096);
	analysis_free(&a);
	run_close(run);
}

static void overlaps_cut_and_replace_as_in_the_kernel(void **state)
{
	static uint8_t stack_of[PAGES]; /* what each page is mapped by, 0 nothing */
	struct shim_row rows[600];
	uint64_t random = 12345, live[4] = { 0 };
	struct analysis a;
	struct run *run;
	unsigned i, page;

	(void)state;
	memset(stack_of, 0, sizeof(stack_of));
	for (i = 0; i < 600; i++) {
		unsigned first, count;

		random = random * 6364136223846793005u + 1442695040888963407u;
		first = (unsigned)(random >> 33) % PAGES;
		count = 1 + (unsigned)(random >> 45) % 40;
		if (first + count > PAGES)
			count = PAGES - first;
		rows[i] = (struct shim_row)ROW(T0 + i, MMAP, MMAP, BASE + 4096ull * first,
					       4096ull * count, 2 + (random >> 60) % 2);
		if ((random >> 61) % 3 == 0) {
			rows[i].op = SHIM_OP_MUNMAP;
			rows[i].stack = 0;
		}
		memset(stack_of + first, rows[i].op == SHIM_OP_MMAP ? (int)rows[i].stack : 0, count);
	}
	for (page = 0; page < PAGES; page++)
		live[stack_of[page]] += 4096;
	run = analyse(rows, 600, &a);
	assert_int_equal(a.mapped.live_bytes[MAPPED_FILE], live[2] + live[3]);
	for (i = 0; i < a.mapped.site_count; i++)
		assert_int_equal(a.mapped.sites[i].live_bytes,
				 a.mapped.sites[i].stack == process_stack(run->processes[0], 2)
					 ? live[2]
					 : live[3]);
	analysis_free(&a);
	run_close(run);
}

static void ranges_beyond_the_address_space_are_left_out(void **state)
{
	const struct shim_row rows[] = { ROW(T0 + 1, MMAP, MMAP, BASE, UINT64_MAX, 2),
					 ROW(T0 + 2, MMAP, MMAP, BASE, 0, 2),
					 ROW(T0 + 3, MMAP, MMAP, UINT64_MAX >> 1, 4096, 2),
					 ROW(T0 + 4, MUNMAP, MUNMAP, 0, UINT64_MAX, 0),
					 ROW(T0 + 5, MMAP, MMAP, BASE, 1, 99) };
	struct analysis a;
	struct run *run;

	(void)state;
	run = analyse(rows, 5, &a);
	assert_int_equal(a.mapped.live_bytes[MAPPED_FILE], 4096);
	assert_int_equal(a.mapped.maps, 1);
	analysis_free(&a);
	run_close(run);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(kinds_and_peak_of_a_small_program),
		TEST(moved_range_keeps_its_kind),
		TEST(overlaps_cut_and_replace_as_in_the_kernel),
		TEST(ranges_beyond_the_address_space_are_left_out),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
