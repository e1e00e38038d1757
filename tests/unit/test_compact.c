/* SPDX-License-Identifier: MIT */
/* unit: both */
/*
 * test_compact.c - what the writer's columns say is what the rows said: random rows go
 * through compact.c, one zstd frame, and the reader's block.c. The one place where both
 * sides meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "compact.h"
#include "trace/block.h"

#define BEGIN        UINT64_C(1000000)
#define ADDRS        64
#define ROUNDS       300
#define SHIFT_ALONE  11 /* times of a thread that records alone keep no finer ones */
#define SHIFT_BESIDE 4  /* nor do those of one that does not */

static struct compact *work;
static uint8_t *block_bytes;
static struct shim_row rows[COMPACT_ROWS_MAX];
static uint32_t seed = 1;

static uint32_t pick(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

/*
 * A row as the guest could write it; addresses come from a few, so that most frees find a
 * partner.
 */
static struct shim_row random_row(uint64_t ticks)
{
	static const uint8_t ops[] = { SHIM_OP_ALLOC,        SHIM_OP_ALLOC,
				       SHIM_OP_ALLOC,        SHIM_OP_FREE,
				       SHIM_OP_FREE,         SHIM_OP_FREE,
				       SHIM_OP_REALLOC_FREE, SHIM_OP_REALLOC_ALLOC,
				       SHIM_OP_REALLOC_FAIL, SHIM_OP_ALLOC_FAIL,
				       SHIM_OP_MMAP,         SHIM_OP_MUNMAP,
				       SHIM_OP_BRK };
	struct shim_row row = { .ticks = ticks,
				.addr = 0x7f0000000000u + pick(ADDRS) * 48u,
				.size = pick(4) ? pick(8) * 8 : (uint64_t)pick(1u << 20) << pick(20),
				.stack = pick(2) ? 2 + pick(5) : pick(1u << 20),
				.op = ops[pick(sizeof(ops))],
				.func = (uint8_t)(1 + pick(40)),
				.extra = (uint16_t)pick(1024) };

	if (row.op == SHIM_OP_ALLOC_FAIL)
		row.addr = 0;
	if (row.op == SHIM_OP_FREE || row.op == SHIM_OP_REALLOC_FAIL)
		row.size = 0;
	return row;
}

static void fill(uint32_t count, int is_fine)
{
	uint64_t ticks = BEGIN + pick(100);
	uint32_t i;

	for (i = 0; i < count; i++) {
		ticks += is_fine ? pick(3) : pick(5) ? 0 : pick(1u << 24);
		rows[i] = random_row(ticks);
	}
}

static void decode(struct block *block, uint32_t count, unsigned order)
{
	struct shim_block *header = (struct shim_block *)(void *)block_bytes;
	size_t room = ZSTD_compressBound(sizeof(*header) + COMPACT_BOUND(count));
	uint8_t *frame = malloc(room);
	ZSTD_CCtx *context = ZSTD_createCCtx();
	struct diag d;
	size_t length;
	int rc;

	*header = (struct shim_block){ .magic = SHIM_BLOCK_MAGIC,
				       .kind = SHIM_BLOCK_EVENTS,
				       .layout = SHIM_LAYOUT_COLUMNS,
				       .thread = 1,
				       .begin_ticks = BEGIN,
				       .end_ticks = rows[count ? count - 1 : 0].ticks,
				       .row_count = count };
	header->payload_bytes = (uint32_t)compact_rows(work, rows, count, BEGIN, order,
						       (uint8_t *)(header + 1));
	assert_true(header->payload_bytes <= COMPACT_BOUND(count));
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	length = ZSTD_compress2(context, frame, room, block_bytes,
				sizeof(*header) + header->payload_bytes);
	assert_false(ZSTD_isError(length));
	diag_clear(&d);
	rc = block_decode(block, frame, length, "memory", 0, &d);
	if (rc)
		print_message("%s\n", d.what);
	assert_int_equal(rc, 0);
	assert_int_equal(block->header.row_count, count);
	ZSTD_freeCCtx(context);
	free(frame);
}

static void same(const struct shim_row *row, const struct event *event, unsigned order)
{
	unsigned shift = order & COMPACT_TIMES ? 0 : order ? SHIFT_BESIDE : SHIFT_ALONE;
	uint64_t ticks = row->ticks >> shift << shift;

	assert_true(event->ticks == (ticks > BEGIN ? ticks : BEGIN));
	assert_int_equal(event->op, row->op);
	assert_int_equal(event->func, row->func);
	assert_int_equal(event->extra, row->extra);
	assert_int_equal(event->stack, row->stack);
	assert_true(event->size == row->size);
	if (!event_is_local(event)) {
		assert_true(event->addr == row->addr);
	} else {
		/*
		 * Without an address it must name the right partner, and only where nobody
		 * interleaves.
		 */
		assert_false(order & COMPACT_ADDRESSES);
		assert_true(rows[event_partner(event) - event + (row - rows)].addr == row->addr);
	}
}

static void rounds(unsigned order)
{
	struct block block = { 0 };
	uint32_t round, i, count, locals = 0;

	for (round = 0; round < ROUNDS; round++) {
		count = round ? 1 + pick(round % 10 ? 200 : COMPACT_ROWS_MAX) : COMPACT_ROWS_MAX;
		fill(count, (int)round & 1);
		decode(&block, count, order);
		for (i = 0; i < count; i++) {
			same(&rows[i], &block.events[i], order);
			locals += (uint32_t)event_is_local(&block.events[i]);
		}
	}
	assert_true(order & COMPACT_ADDRESSES ? locals == 0 : locals > 0);
	block_free(&block);
}

static void rows_come_back_with_one_thread(void **state)
{
	(void)state;
	rounds(0);
}

static void rows_come_back_to_the_tick(void **state)
{
	(void)state;
	rounds(COMPACT_TIMES);
}

static void rows_come_back_with_many_threads(void **state)
{
	(void)state;
	rounds(COMPACT_ADDRESSES);
	rounds(COMPACT_ADDRESSES | COMPACT_TIMES);
}

/*
 * The block of a realloc that failed lives on: its allocation keeps the address by which it
 * is freed later.
 */
static void a_failed_realloc_is_no_pair(void **state)
{
	struct block block = { 0 };

	(void)state;
	rows[0] = (struct shim_row){ BEGIN, 0x1000, 8, 2, SHIM_OP_ALLOC, SHIM_FUNC_MALLOC, 0 };
	rows[1] = (struct shim_row){ BEGIN, 0x1000, 1, 0, SHIM_OP_REALLOC_FREE, SHIM_FUNC_REALLOC, 0 };
	rows[2] = (struct shim_row){ BEGIN, 0x1000, 0, 2, SHIM_OP_REALLOC_FAIL, SHIM_FUNC_REALLOC, 0 };
	rows[3] = (struct shim_row){ BEGIN, 0x1000, 0, 0, SHIM_OP_FREE, SHIM_FUNC_FREE, 0 };
	decode(&block, 4, 0);
	assert_true(block.events[0].addr == 0x1000);
	assert_true(block.events[2].addr == 0x1000);
	assert_true(block.events[3].addr == 0x1000);
	block_free(&block);
}

/* Blocks can be without rows: all of them are folded. */
static void no_rows(void **state)
{
	struct block block = { 0 };

	(void)state;
	rows[0].ticks = BEGIN;
	decode(&block, 0, 0);
	decode(&block, 0, COMPACT_ADDRESSES);
	block_free(&block);
}

static int start(void **state)
{
	(void)state;
	work = calloc(1, compact_bytes());
	block_bytes = malloc(sizeof(struct shim_block) + COMPACT_BOUND(COMPACT_ROWS_MAX));
	return work && block_bytes ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	free(work);
	free(block_bytes);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_back_with_one_thread),
		cmocka_unit_test(rows_come_back_to_the_tick),
		cmocka_unit_test(rows_come_back_with_many_threads),
		cmocka_unit_test(a_failed_realloc_is_no_pair),
		cmocka_unit_test(no_rows),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
