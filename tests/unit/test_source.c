/* SPDX-License-Identifier: MIT */
/*
 * test_source.c - opening traces: whole, cut, flipped, foreign, killed with a spool, and what is
 * said about each.
 */
#include "../gen/trace_fixture.h"

#include "trace/source.h"

#define BLOCKS    6
#define PER_BLOCK 40

/* A small trace: one block of definitions, BLOCKS of events by two threads, in turns. */
static void make_trace(struct gen *g, int end)
{
	struct shim_row rows[PER_BLOCK];
	unsigned block, i;

	gen_begin(g, 7, NULL);
	g->addressed = 1;
	gen_stack(g, 2, 0, 0x1000, 0);
	gen_defs(g, 0);
	for (block = 0; block < BLOCKS; block++) {
		for (i = 0; i < PER_BLOCK; i++)
			rows[i] = (struct shim_row)ROW(1000000 + block * 1000 + i, ALLOC, MALLOC,
						       0x10000 + (block * PER_BLOCK + i) * 64, i, 2);
		gen_block(g, 1 + block % 2, rows, PER_BLOCK,
			  block < 3 ? SHIM_LAYOUT_ROWS : SHIM_LAYOUT_COLUMNS);
	}
	if (end)
		gen_end(g, "exit");
}

static const struct shim_index_entry *entries(const struct gen *g)
{
	return (const struct shim_index_entry *)(const void *)g->index.at;
}

/* What can be read of the trace at fixture_path: events, with the quality of all in *Q. */
static uint64_t read_all(struct quality *q)
{
	struct run *run = fixture_run();
	struct analysis_request request = { .jobs = 1 };
	struct analysis a;
	uint64_t events;
	struct diag d;

	diag_clear(&d);
	assert_int_equal(analysis_run(run, &request, &a, &d), 0);
	*q = run->processes[0]->quality;
	events = a.heap.totals.allocations;
	analysis_free(&a);
	run_close(run);
	return events;
}

static void whole_trace_is_complete(void **state)
{
	struct quality q;
	struct source *s;
	struct gen g;

	(void)state;
	make_trace(&g, 1);
	assert_int_equal(gen_write(&g, fixture_path), 0);
	s = fixture_open(2);
	assert_int_equal(s->indexed, 1);
	assert_int_equal(s->frame_count, BLOCKS + 4);
	assert_int_equal(s->order_count, BLOCKS + 1);
	assert_string_equal(fields_text(&s->header, "program"), "app");
	assert_string_equal(s->quality.end, "exit");
	source_close(s);
	assert_int_equal(read_all(&q), BLOCKS * PER_BLOCK);
	assert_true(quality_is_complete(&q));
	assert_int_equal(quality_exit_status(&q), 0);
	gen_free(&g);
}

static void walking_finds_what_the_index_says(void **state)
{
	struct source *by_index, *by_walk;
	struct gen g;
	size_t i;

	(void)state;
	make_trace(&g, 1);
	fixture_put(g.trace.at, g.trace.length);
	by_index = fixture_open(1);
	/* the index' content */
	g.trace.at[entries(&g)[BLOCKS].offset + entries(&g)[BLOCKS].frame_bytes + 40] ^= 1;
	fixture_put(g.trace.at, g.trace.length);
	by_walk = fixture_open(2);
	assert_int_equal(by_walk->indexed, 0);
	assert_int_equal(by_walk->quality.clean_end, 1);
	assert_int_equal(quality_exit_status(&by_index->quality), 0);
	assert_int_equal(quality_exit_status(&by_walk->quality), 2);
	assert_true(diag_is_set(&by_walk->quality.first_damage));
	assert_int_equal(by_walk->quality.blocks_damaged, 0);
	assert_int_equal(by_walk->frame_count, by_index->frame_count);
	for (i = 0; i < by_walk->frame_count; i++) {
		const struct frame *x = &by_index->frames[i], *y = &by_walk->frames[i];

		assert_int_equal(x->kind, y->kind);
		assert_int_equal(x->offset, y->offset);
		assert_int_equal(x->bytes, y->bytes);
		assert_int_equal(x->begin_ticks, y->begin_ticks);
		assert_int_equal(x->thread, y->thread);
		assert_int_equal(x->seq, y->seq);
		assert_int_equal(x->row_count, y->row_count);
		assert_int_equal(x->block_kind, y->block_kind);
	}
	source_close(by_index);
	source_close(by_walk);
	gen_free(&g);
}

/* A file that is cut while it is open cannot end the reader by a signal. */
static void cut_while_open_is_read_on(void **state)
{
	struct block block = { 0 };
	struct source *s;
	struct gen g;
	size_t i;

	(void)state;
	make_trace(&g, 1);
	assert_int_equal(gen_write(&g, fixture_path), 0);
	s = fixture_open(1);
	assert_int_equal(truncate(fixture_path, 0), 0);
	for (i = 0; i < s->order_count; i++)
		assert_int_equal(source_read(s, &s->frames[s->order[i]], &block, NULL), 0);
	block_free(&block);
	source_close(s);
	gen_free(&g);
}

/*
 * Cut after every byte: every block that is there as a whole is read, and the status says that
 * something is missing.
 */
static void cut_anywhere_whole_blocks_are_read(void **state)
{
	size_t length, block;
	struct gen g;

	(void)state;
	make_trace(&g, 1);
	for (length = entries(&g)[0].offset; length < g.trace.length; length++) {
		uint64_t expected = 0;
		struct quality q;

		for (block = 1; block <= BLOCKS; block++)
			if (entries(&g)[block].offset + entries(&g)[block].frame_bytes <= length)
				expected += PER_BLOCK;
		fixture_put(g.trace.at, length);
		assert_int_equal(read_all(&q), expected);
		assert_int_equal(quality_exit_status(&q), 2);
		assert_false(quality_is_complete(&q));
	}
	gen_free(&g);
}

/*
 * One flipped bit in a block costs that block and no other; with and without an index. A bit that
 * zstd does not need (reserved ones, padding) may also cost nothing: the checksum of the content
 * vouches for it.
 */
static void flipped_bits_cost_one_block(void **state)
{
	size_t at, tried = 0, harmless = 0;
	struct gen g;
	int end;

	(void)state;
	for (end = 0; end < 2; end++) {
		make_trace(&g, end);
		for (at = entries(&g)[2].offset; at < entries(&g)[4].offset; at++, tried++) {
			struct quality q;
			uint64_t events;

			g.trace.at[at] ^= (uint8_t)(1u << (at % 8));
			fixture_put(g.trace.at, g.trace.length);
			events = read_all(&q);
			g.trace.at[at] ^= (uint8_t)(1u << (at % 8));
			if (events == BLOCKS * PER_BLOCK) {
				harmless++;
				continue;
			}
			assert_int_equal(events, (BLOCKS - 1) * PER_BLOCK);
			assert_int_equal(quality_exit_status(&q), 2);
			assert_true(q.blocks_damaged >= 1 || q.blocks_missing >= 1);
			assert_true(diag_is_set(&q.first_damage));
			assert_string_equal(q.first_damage.where, fixture_path);
		}
		gen_free(&g);
	}
	assert_true(tried > 300 && harmless <= tried / 50);
}

/*
 * No flipped bit anywhere may hang, crash or go unnoticed; whether it is refused or read is all the
 * same here.
 */
static void any_flipped_bit_is_survived(void **state)
{
	struct gen g;
	size_t at;

	(void)state;
	make_trace(&g, 1);
	for (at = 0; at < g.trace.length; at += 1 + at % 3) {
		const char *paths[] = { fixture_path };
		struct run *run;
		struct diag d;

		diag_clear(&d);
		g.trace.at[at] ^= 0x04;
		fixture_put(g.trace.at, g.trace.length);
		g.trace.at[at] ^= 0x04;
		run = run_open(paths, 1, 1, &d);
		assert_true(run || diag_is_set(&d));
		run_close(run);
	}
	gen_free(&g);
}

static void refused(const void *bytes, size_t length, const char *why)
{
	struct diag d;

	fixture_put(bytes, length);
	diag_clear(&d);
	assert_null(source_open(fixture_path, 1, &d));
	if (!strstr(d.what, why))
		fail_msg("'%s' should say '%s'", d.what, why);
	assert_null(strchr(d.what, '\n'));
}

static void refused_text(const char *text, const char *why)
{
	refused(text, strlen(text), why);
}

static void foreign_files_get_one_clear_line(void **state)
{
	static const char text[] = "v 10400 3\nsomething that heaptrack would write, and more of it";
	uint8_t packed[256];
	struct diag d;
	struct gen g;
	size_t length;

	(void)state;
	refused_text("", "empty");
	refused_text("#!/bin/sh\necho hello world, this is not a trace at all\n", "not a trace");
	refused_text("\x7f"
		     "ELF and so on, and so on, and so on, and so on",
		     "program or library");
	refused_text("\x1f\x8b and so on, and so on, and so on, and so on", "gzip");
	length = ZSTD_compress(packed, sizeof(packed), text, sizeof(text), 1);
	refused(packed, length, "heaptrack");
	length = ZSTD_compress(packed, sizeof(packed), text + 2, sizeof(text) - 2, 1);
	refused(packed, length, "without a trace header");
	refused_text("SHIMSPL1 is how a spool begins, which is a file beside the trace", "spool");
	make_trace(&g, 1);
	g.trace.at[16] = SHIM_TRACE_VERSION + 1;
	refused(g.trace.at, g.trace.length, "newer");
	gen_free(&g);
	diag_clear(&d);
	assert_null(source_open(fixture_folder, 1, &d));
	assert_non_null(strstr(d.what, "directory"));
	diag_clear(&d);
	assert_null(source_open("/nonexistent/app.zst", 1, &d));
	assert_non_null(strstr(d.what, "cannot open"));
}

static void killed_trace_has_what_the_spool_holds(void **state)
{
	const struct shim_row rows[] = { ROW(1010000, ALLOC, MALLOC, 0x90000, 1, 3),
					 ROW(1010001, FREE, FREE, 0x90000, 0, 0) };
	struct quality q;
	struct gen g;

	(void)state;
	make_trace(&g, 0);
	gen_stack(&g, 3, 2, 0x1010, 0);
	gen_defs(&g, 1);
	gen_chunk(&g, 2, rows, 2);
	assert_int_equal(gen_write(&g, fixture_path), 0);
	assert_int_equal(read_all(&q), BLOCKS * PER_BLOCK + 1);
	assert_int_equal(q.killed, 1);
	assert_int_equal(q.clean_end, 0);
	assert_int_equal(q.spool_blocks, 2);
	assert_int_equal(q.spool_events, 2);
	assert_int_equal(q.unknown_stacks, 0);
	assert_int_equal(quality_exit_status(&q), 0);
	assert_false(quality_is_complete(&q));
	gen_free(&g);
}

static void chunk_of_a_block_that_is_there_does_not_count(void **state)
{
	struct shim_row rows[PER_BLOCK];
	struct quality q;
	struct gen g;
	unsigned i;

	(void)state;
	make_trace(&g, 0);
	for (i = 0; i < PER_BLOCK; i++)
		rows[i] = (struct shim_row)ROW(1005000 + i, ALLOC, MALLOC,
					       0x10000 + (5 * PER_BLOCK + i) * 64, i, 2);
	g.seqs[2]--; /* the chunk of block 5 as it was */
	gen_chunk(&g, 2, rows, PER_BLOCK);
	assert_int_equal(gen_write(&g, fixture_path), 0);
	assert_int_equal(read_all(&q), BLOCKS * PER_BLOCK);
	assert_int_equal(q.spool_blocks, 0);
	assert_int_equal(quality_exit_status(&q), 0);

	/* When that block is cut off, or damaged, the chunk has it. */
	g.trace.length -= 10;
	assert_int_equal(gen_write(&g, fixture_path), 0);
	assert_int_equal(read_all(&q), BLOCKS * PER_BLOCK);
	assert_int_equal(q.spool_blocks, 1);
	assert_int_equal(q.blocks_damaged, 0);
	assert_int_equal(quality_exit_status(&q), 0);
	g.trace.length += 10;
	/* its checksum */
	g.trace.at[entries(&g)[BLOCKS].offset + entries(&g)[BLOCKS].frame_bytes - 2] ^= 1;
	assert_int_equal(gen_write(&g, fixture_path), 0);
	assert_int_equal(read_all(&q), BLOCKS * PER_BLOCK);
	assert_int_equal(q.spool_blocks, 1);
	assert_int_equal(quality_exit_status(&q), 0);
	gen_free(&g);
}

static void foreign_and_broken_spools_are_reported(void **state)
{
	const struct shim_row rows[] = { ROW(1010000, ALLOC, MALLOC, 0x90000, 1, 2) };
	struct shim_chunk chunk = { .magic = SHIM_CHUNK_MAGIC,
				    .kind = SHIM_BLOCK_EVENTS,
				    .layout = SHIM_LAYOUT_ROWS,
				    .thread = 1,
				    .seq = 3 };
	struct quality q;
	struct gen g;

	(void)state;
	make_trace(&g, 0);
	gen_chunk(&g, 1, rows, 1);
	g.spool.at[16] ^= 1; /* run id */
	assert_int_equal(gen_write(&g, fixture_path), 0);
	assert_int_equal(read_all(&q), BLOCKS * PER_BLOCK);
	assert_int_equal(q.spool_foreign, 1);
	assert_int_equal(quality_exit_status(&q), 2);
	g.spool.at[16] ^= 1;
	chunk.used = 100000; /* more than the chunk has */
	gen_raw_chunk(&g, &chunk, rows, sizeof(rows));
	chunk.used = 0; /* unused ones are fine */
	gen_raw_chunk(&g, &chunk, rows, sizeof(rows));
	assert_int_equal(gen_write(&g, fixture_path), 0);
	assert_int_equal(read_all(&q), BLOCKS * PER_BLOCK + 1);
	assert_int_equal(q.blocks_damaged, 1);
	assert_int_equal(quality_exit_status(&q), 2);
	g.spool.length -= 100; /* cut within the last chunk */
	assert_int_equal(gen_write(&g, fixture_path), 0);
	assert_int_equal(read_all(&q), BLOCKS * PER_BLOCK + 1);
	gen_free(&g);
}

static void missing_blocks_and_lost_events_are_counted(void **state)
{
	const struct shim_row row = ROW(1010000, ALLOC, MALLOC, 0x90000, 1, 2);
	struct quality q;
	struct gen g;

	(void)state;
	make_trace(&g, 0);
	g.seqs[1] += 3;
	g.lost[1] = 55;
	gen_block(&g, 1, &row, 1, SHIM_LAYOUT_ROWS);
	gen_end(&g, "_exit");
	assert_int_equal(gen_write(&g, fixture_path), 0);
	assert_int_equal(read_all(&q), BLOCKS * PER_BLOCK + 1);
	assert_int_equal(q.blocks_missing, 3);
	assert_int_equal(q.events_lost, 55);
	assert_int_equal(q.clean_end, 1);
	assert_string_equal(q.end, "_exit");
	assert_int_equal(quality_exit_status(&q), 2);
	gen_free(&g);
}

/* After an exec that failed there is a footer in the middle of the file: void, but no damage. */
static void footer_in_the_middle_is_void(void **state)
{
	const struct shim_row row = ROW(1010000, ALLOC, MALLOC, 0x90000, 1, 2);
	struct quality q;
	struct gen g;

	(void)state;
	make_trace(&g, 1);
	gen_block(&g, 1, &row, 1, SHIM_LAYOUT_ROWS);
	assert_int_equal(gen_write(&g, fixture_path), 0);
	assert_int_equal(read_all(&q), BLOCKS * PER_BLOCK + 1);
	assert_int_equal(q.clean_end, 0);
	assert_int_equal(q.blocks_damaged, 0);
	gen_end(&g, "exit");
	assert_int_equal(gen_write(&g, fixture_path), 0);
	assert_int_equal(read_all(&q), BLOCKS * PER_BLOCK + 1);
	assert_true(quality_is_complete(&q));
	gen_free(&g);
}

static void two_traces_in_one_file_do_not_mix(void **state)
{
	struct gen_bytes both = { 0 };
	struct quality q;
	struct gen g;

	(void)state;
	make_trace(&g, 1);
	gen_put(&both, g.trace.at, g.trace.length);
	gen_put(&both, g.trace.at, g.trace.length);
	fixture_put(both.at, both.length);
	assert_int_equal(read_all(&q), BLOCKS * PER_BLOCK);
	assert_int_equal(q.blocks_damaged, BLOCKS + 1);
	free(both.at);
	gen_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole_trace_is_complete, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(walking_finds_what_the_index_says, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(cut_while_open_is_read_on, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(cut_anywhere_whole_blocks_are_read, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(flipped_bits_cost_one_block, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(any_flipped_bit_is_survived, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(foreign_files_get_one_clear_line, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(killed_trace_has_what_the_spool_holds,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(chunk_of_a_block_that_is_there_does_not_count,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(foreign_and_broken_spools_are_reported,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(missing_blocks_and_lost_events_are_counted,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(footer_in_the_middle_is_void, fixture_setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(two_traces_in_one_file_do_not_mix, fixture_setup,
						fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
