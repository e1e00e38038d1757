/* SPDX-License-Identifier: MIT */
/* test_block.c - blocks from both layouts, and every way in which one can be impossible. */
#include "../gen/trace_fixture.h"

#include "trace/block.h"

static const struct shim_row rows[] = {
	ROW(1000, ALLOC, MALLOC, 0x7f0010, 24, 5), /* local: ends in row 2 */
	ROW(1001, ALLOC, NEW, 0x7f0040, 100, 6),   /* stays */
	ROW(1002, FREE, FREE, 0x7f0010, 0, 0),
	ROW(1003, MMAP, MMAP, 0x10000, 8192, 2),
	ROW(1003, ALLOC_FAIL, MALLOC, 0, 1u << 30, 7),
	ROW(1010, FREE, DELETE, 0x500000, 0, 3),  /* from an earlier block */
	ROW(1011, ALLOC, MALLOC, 0x7f0010, 8, 5), /* local, the same address again */
	ROW(1012, REALLOC_FREE, REALLOC, 0x7f0010, 64, 0),
	ROW(1013, REALLOC_ALLOC, REALLOC, 0x7f0080, 64, 5),
	ROW(1014, REALLOC_FREE, REALLOC, 0x7f0080, 1 << 20, 0),
	ROW(1015, REALLOC_FAIL, REALLOC, 0x7f0080, 0, 0),
	ROW(1016, BRK, SBRK, 0x900000, (uint64_t)-4096, 0),
	ROW(1017, MUNMAP, MUNMAP, 0x10000, 8192, 0),
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct shim_block header_of(unsigned layout, size_t count, size_t payload)
{
	return (struct shim_block){ .magic = SHIM_BLOCK_MAGIC,
				    .kind = SHIM_BLOCK_EVENTS,
				    .layout = (uint8_t)layout,
				    .thread = 1,
				    .begin_ticks = 1000,
				    .end_ticks = 2000,
				    .row_count = (uint32_t)count,
				    .payload_bytes = (uint32_t)payload };
}

/* Decodes HEADER and PAYLOAD as a frame of their own. */
static int decode(struct block *b, const struct shim_block *header, const void *payload,
		  size_t length, struct diag *d)
{
	struct gen g = { 0 };
	int result;

	diag_clear(d);
	gen_raw_block(&g, header, payload, length);
	result = block_decode(b, g.trace.at, g.trace.length, "app.zst", 77, d);
	gen_free(&g);
	return result;
}

static int decode_columns(struct block *b, const struct shim_row *of, size_t count, int addressed)
{
	struct gen g = { .addressed = addressed };
	struct shim_block header;
	struct diag d;
	size_t length;
	uint8_t *payload = gen_columns(&g, of, count, 1000, &length);
	int result;

	header = header_of(SHIM_LAYOUT_COLUMNS, count, length);
	result = decode(b, &header, payload, length, &d);
	if (result < 0)
		print_message("%s\n", d.what);
	free(payload);
	return result;
}

static void rows_read_as_they_are(void **state)
{
	struct shim_block header = header_of(SHIM_LAYOUT_ROWS, ROWS, sizeof(rows));
	struct block b = { 0 };
	struct diag d;

	(void)state;
	assert_int_equal(decode(&b, &header, rows, sizeof(rows), &d), 0);
	assert_int_equal(b.header.row_count, ROWS);
	assert_int_equal(sizeof(struct event), sizeof(struct shim_row));
	assert_memory_equal(b.events, rows, sizeof(rows));
	block_free(&b);
}

static void addressed_columns_read_as_the_rows(void **state)
{
	struct block b = { 0 };

	(void)state;
	assert_int_equal(decode_columns(&b, rows, ROWS, 1), 0);
	assert_int_equal(b.header.row_count, ROWS);
	assert_memory_equal(b.events, rows, sizeof(rows));
	block_free(&b);
}

static void local_pairs_find_each_other(void **state)
{
	static const struct {
		unsigned alloc, end;
	} pairs[] = { { 0, 2 }, { 6, 7 }, { 8, 9 } };
	struct block b = { 0 };
	size_t i, local = 0;

	(void)state;
	assert_int_equal(decode_columns(&b, rows, ROWS, 0), 0);
	for (i = 0; i < 3; i++) {
		assert_true(event_is_local(&b.events[pairs[i].alloc]));
		assert_ptr_equal(event_partner(&b.events[pairs[i].alloc]), &b.events[pairs[i].end]);
		assert_ptr_equal(event_partner(&b.events[pairs[i].end]), &b.events[pairs[i].alloc]);
		assert_int_equal(event_addr(&b.events[pairs[i].end]), 0);
	}
	for (i = 0; i < ROWS; i++) {
		local += (size_t)event_is_local(&b.events[i]);
		assert_int_equal(b.events[i].ticks, rows[i].ticks);
		assert_int_equal(b.events[i].size, rows[i].size);
		assert_int_equal(b.events[i].stack, rows[i].stack);
		if (!event_is_local(&b.events[i]))
			assert_int_equal(b.events[i].addr, rows[i].addr);
	}
	assert_int_equal(local, 6);
	block_free(&b);
}

static void shifted_times_stay_behind_the_beginning(void **state)
{
	struct gen g = { .time_shift = 6 };
	struct shim_row late[3] = { rows[0], rows[1], rows[2] };
	struct block b = { 0 };
	struct shim_block header;
	struct diag d;
	size_t length, i;
	uint8_t *payload;

	(void)state;
	for (i = 0; i < 3; i++)
		late[i].ticks = 1003 + i * 100;
	payload = gen_columns(&g, late, 3, 1003, &length);
	header = header_of(SHIM_LAYOUT_COLUMNS, 3, length);
	header.begin_ticks = 1003;
	assert_int_equal(decode(&b, &header, payload, length, &d), 0);
	assert_int_equal(b.events[0].ticks, 1003); /* not 960 */
	assert_int_equal(b.events[1].ticks, 1103 / 64 * 64);
	assert_int_equal(b.events[2].ticks, 1203 / 64 * 64);
	free(payload);
	block_free(&b);
}

static void odd_rows_are_put_right(void **state)
{
	struct shim_row odd[4] = { rows[0], rows[1], rows[2], rows[3] };
	struct shim_block header = header_of(SHIM_LAYOUT_ROWS, 4, sizeof(odd));
	struct block b = { 0 };
	struct diag d;

	(void)state;
	odd[0].ticks = 5;         /* before the block's beginning */
	odd[1].op = 200;          /* unknown: left out */
	odd[2].ticks = 0;         /* back in time */
	odd[3].addr = UINT64_MAX; /* looks like a local one */
	assert_int_equal(decode(&b, &header, odd, sizeof(odd), &d), 0);
	assert_int_equal(b.header.row_count, 3);
	assert_int_equal(b.unknown, 1);
	assert_int_equal(b.events[0].ticks, 1000);
	assert_int_equal(b.events[1].ticks, 1000);
	assert_false(event_is_local(&b.events[2]));
	odd[0].size = UINT64_MAX;
	assert_int_equal(decode(&b, &header, odd, sizeof(odd), &d), 0);
	assert_int_equal(b.events[0].size, EVENT_SIZE_MAX);
	block_free(&b);
}

static void refused(const struct shim_block *header, size_t length, const char *why)
{
	struct block b = { 0 };
	struct diag d;

	assert_int_equal(decode(&b, header, rows, length, &d), -1);
	if (!strstr(d.what, why))
		fail_msg("'%s' should say '%s'", d.what, why);
	assert_string_equal(d.where, "app.zst");
	assert_int_equal(d.offset, 77);
	block_free(&b);
}

static void impossible_headers_are_refused(void **state)
{
	struct shim_block good = header_of(SHIM_LAYOUT_ROWS, ROWS, sizeof(rows)), bad;

	(void)state;
	bad = good;
	bad.magic++;
	refused(&bad, sizeof(rows), "no block magic");
	bad = good;
	bad.kind = 3;
	refused(&bad, sizeof(rows), "unknown kind");
	bad = good;
	bad.layout = 3;
	refused(&bad, sizeof(rows), "unknown layout");
	bad = good;
	bad.payload_bytes++;
	refused(&bad, sizeof(rows), "payload is longer");
	bad = good;
	bad.row_count++;
	refused(&bad, sizeof(rows), "more rows than fit");
	bad = good;
	bad.kind = SHIM_BLOCK_DEFS;
	refused(&bad, sizeof(rows), "definitions in an unknown layout");
	bad = good;
	bad.layout = SHIM_LAYOUT_COLUMNS;
	bad.row_count = UINT32_MAX;
	refused(&bad, sizeof(rows), "more rows than fit");
}

static void frames_without_size_or_beyond_all_bounds_are_refused(void **state)
{
	static uint8_t out[4096];
	uint8_t *zeros = calloc(1, SHIM_BLOCK_MAX_BYTES + 1);
	size_t bound = ZSTD_compressBound(SHIM_BLOCK_MAX_BYTES + 1), packed;
	uint8_t *large = malloc(bound);
	struct block b = { 0 };
	struct diag d;

	(void)state;
	diag_clear(&d);
	packed = ZSTD_compress(large, bound, zeros, SHIM_BLOCK_MAX_BYTES + 1, 1);
	assert_int_equal(block_decode(&b, large, packed, "x", 0, &d), -1);
	packed = ZSTD_compress(out, sizeof(out), zeros, 10, 1);
	assert_int_equal(block_decode(&b, out, packed, "x", 0, &d), -1);
	assert_int_equal(block_decode(&b, out, 3, "x", 0, &d), -1);
	assert_int_equal(block_decode(&b, "nonsense", 8, "x", 0, &d), -1);
	free(large);
	free(zeros);
	block_free(&b);
}

/*
 * Whatever one byte of the payload becomes: read or refused, never a wild access (valgrind and the
 * sanitizers watch).
 */
static void every_broken_byte_of_columns_is_survived(void **state)
{
	struct gen g = { 0 };
	size_t length, at, read = 0;
	uint8_t *payload = gen_columns(&g, rows, ROWS, 1000, &length);
	struct block b = { 0 };
	unsigned bit;

	(void)state;
	for (at = 0; at < length; at++) {
		for (bit = 0; bit < 8; bit++) {
			struct shim_block header = header_of(SHIM_LAYOUT_COLUMNS, ROWS, length);
			struct diag d;

			payload[at] ^= (uint8_t)(1u << bit);
			read += decode(&b, &header, payload, length, &d) == 0;
			payload[at] ^= (uint8_t)(1u << bit);
		}
	}
	assert_true(read > 0 && read < length * 8);
	for (at = 0; at < length; at++) {
		struct shim_block header = header_of(SHIM_LAYOUT_COLUMNS, ROWS, at);
		struct diag d;

		assert_int_equal(decode(&b, &header, payload, at, &d), -1);
	}
	free(payload);
	block_free(&b);
}

/* Columns by hand: SHAPES and what follows, as one payload. */
struct hand {
	uint8_t bytes[128];
	size_t length;
};

static void hand_columns(struct hand *h, const uint8_t *const columns[6], const uint8_t lengths[6])
{
	unsigned i;

	h->length = 0;
	h->bytes[h->length++] = 6;
	for (i = 0; i < 6; i++) {
		h->bytes[h->length++] = (uint8_t)(i + 1);
		h->bytes[h->length++] = lengths[i];
	}
	for (i = 0; i < 6; i++) {
		memcpy(h->bytes + h->length, columns[i], lengths[i]);
		h->length += lengths[i];
	}
}

static void senseless_local_pairs_are_refused(void **state)
{
	/* Shapes: local malloc of 8 by stack 2; local free. */
	static const uint8_t shapes[] = { 2, 0x81, 1, 0, 4, 8, 0x82, 32, 0, 3, 0 };
	static const uint8_t two_ends[] = { 0, 1, 1 }, no_end[] = { 0 }, early[] = { 1, 0 },
			     good[] = { 0, 1 };
	static const uint8_t back[] = { 0, 0 }, none[] = { 0 }, times[] = { 0, 1, 1, 1 };
	static const struct {
		const uint8_t *codes;
		uint8_t rows, backs;
		int result;
	} cases[] = { { good, 2, 1, 0 },
		      { two_ends, 3, 2, -1 },
		      { no_end, 1, 0, -1 },
		      { early, 2, 1, -1 },
		      { good, 2, 0, -1 } };
	struct block b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint8_t *const columns[6] = { shapes, cases[i].codes, back, none, none, times };
		const uint8_t lengths[6] = { sizeof(shapes),
					     cases[i].rows,
					     cases[i].backs,
					     1,
					     1,
					     (uint8_t)(1 + cases[i].rows) };
		struct shim_block header;
		struct hand h;
		struct diag d;

		hand_columns(&h, columns, lengths);
		header = header_of(SHIM_LAYOUT_COLUMNS, cases[i].rows, h.length);
		assert_int_equal(decode(&b, &header, h.bytes, h.length, &d), cases[i].result);
	}
	block_free(&b);
}

static void unknown_columns_are_skipped(void **state)
{
	struct gen g = { 0 };
	uint8_t *payload, *more;
	struct block b = { 0 };
	struct shim_block header;
	struct diag d;
	size_t length, directory = 1, i;

	(void)state;
	payload = gen_columns(&g, rows, ROWS, 1000, &length);
	for (i = 0; i < 6; i++) /* one length may take two bytes */
		directory += payload[directory + 1] & 0x80 ? 3 : 2;
	more = malloc(length + 5);
	more[0] = 7;
	memcpy(more + 1, payload + 1, directory - 1);
	more[directory] = 99;
	more[directory + 1] = 3;
	memcpy(more + directory + 2, payload + directory, length - directory);
	memcpy(more + length + 2, "abc", 3);
	header = header_of(SHIM_LAYOUT_COLUMNS, ROWS, length + 5);
	assert_int_equal(decode(&b, &header, more, length + 5, &d), 0);
	assert_int_equal(b.header.row_count, ROWS);
	free(payload);
	free(more);
	block_free(&b);
}

static void chunks_read_as_blocks(void **state)
{
	struct gen g = { 0 };
	const uint8_t *chunk;
	struct shim_chunk c;
	struct block b = { 0 };
	struct diag d;

	(void)state;
	diag_clear(&d);
	g.seqs[3] = 9;
	gen_chunk(&g, 3, rows, ROWS);
	chunk = g.spool.at + SHIM_SPOOL_HEADER_BYTES;
	memcpy(&c, chunk, sizeof(c));
	assert_int_equal(block_decode_chunk(&b, chunk, sizeof(c) + c.used, "s", 0, &d), 0);
	assert_int_equal(b.header.thread, 3);
	assert_int_equal(b.header.seq, 9);
	assert_int_equal(b.header.row_count, ROWS);
	assert_int_equal(b.header.end_ticks, rows[ROWS - 1].ticks);
	assert_memory_equal(b.events, rows, sizeof(rows));
	/* Half a row at the end: not committed as a whole, so it does not count. */
	c.used -= 7;
	memcpy(g.spool.at + SHIM_SPOOL_HEADER_BYTES, &c, sizeof(c));
	assert_int_equal(block_decode_chunk(&b, chunk, sizeof(c) + c.used, "s", 0, &d), 0);
	assert_int_equal(b.header.row_count, ROWS - 1);
	c.used = 1u << 30;
	memcpy(g.spool.at + SHIM_SPOOL_HEADER_BYTES, &c, sizeof(c));
	assert_int_equal(block_decode_chunk(&b, chunk, sizeof(c) + sizeof(rows), "s", 0, &d), -1);
	gen_free(&g);
	block_free(&b);
}

static void peeking_sees_the_header_alone(void **state)
{
	struct shim_block header = header_of(SHIM_LAYOUT_ROWS, ROWS, sizeof(rows)), seen;
	struct gen g = { 0 };
	void *zstd = NULL;

	(void)state;
	header.seq = 7;
	gen_raw_block(&g, &header, rows, sizeof(rows));
	assert_int_equal(block_peek(&seen, g.trace.at, g.trace.length, &zstd), 0);
	assert_memory_equal(&seen, &header, sizeof(seen));
	assert_int_equal(block_peek(&seen, g.trace.at, 6, &zstd), -1);
	ZSTD_freeDCtx(zstd);
	gen_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_read_as_they_are),
		cmocka_unit_test(addressed_columns_read_as_the_rows),
		cmocka_unit_test(local_pairs_find_each_other),
		cmocka_unit_test(shifted_times_stay_behind_the_beginning),
		cmocka_unit_test(odd_rows_are_put_right),
		cmocka_unit_test(impossible_headers_are_refused),
		cmocka_unit_test(frames_without_size_or_beyond_all_bounds_are_refused),
		cmocka_unit_test(every_broken_byte_of_columns_is_survived),
		cmocka_unit_test(senseless_local_pairs_are_refused),
		cmocka_unit_test(unknown_columns_are_skipped),
		cmocka_unit_test(chunks_read_as_blocks),
		cmocka_unit_test(peeking_sees_the_header_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
