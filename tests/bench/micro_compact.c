/* SPDX-License-Identifier: MIT */
/*
 * micro_compact.c - ns per event of what a full chunk costs: rows to columns (compact.c) and columns to a
 * zstd frame, over the events of a recorded trace.
 *
 *   micro_compact TRACE [alone|beside]
 *
 * The rows of each block are made again from the trace and cut to the size of a chunk; local pairs, which have
 * lost their address there, get one as an allocator would give it: the newest free one of their size. Prints
 * the sums over all chunks of the best of five rounds of each, and how long the slowest and the median full
 * chunk took. Build:
 *   make && gcc -O2 -D_GNU_SOURCE -Iinclude -Ipreload -Ianalyzer tests/bench/micro_compact.c preload/compact.c \
 *       build/libanalyzer.a -lzstd -o micro_compact
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zstd.h>

#include "compact.h"
#include "trace/block.h"

#define ROUNDS     5
#define CLASSES    (1u << 16)
#define FULL_ROWS  (COMPACT_ROWS_MAX - 200)
#define CHUNKS_MAX 65536
#define LEVEL      1

static struct shim_row rows[COMPACT_ROWS_MAX];
static uint64_t *free_addrs[CLASSES]; /* stacks: [0] how many */
static uint64_t top = UINT64_C(0x555500000000);
static double full_ns[CHUNKS_MAX];
static size_t fulls;

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static unsigned class_of(uint64_t size)
{
	uint64_t units = (size + 8 + 15) / 16;

	return units < CLASSES ? (unsigned)units : CLASSES - 1;
}

static uint64_t take_addr(uint64_t size)
{
	uint64_t *list = free_addrs[class_of(size)], addr = top;

	if (list && list[0])
		return list[list[0]--];
	top += (uint64_t)class_of(size) * 16;
	return addr;
}

static void give_addr(uint64_t size, uint64_t addr)
{
	uint64_t **list = &free_addrs[class_of(size)], count = *list ? (*list)[0] : 0;

	if (!(count & (count + 1)))
		*list = realloc(*list, (2 * count + 3) * sizeof(**list));
	(*list)[0] = count + 1;
	(*list)[count + 1] = addr;
}

/* The rows of B, settled, from FIRST on: at most a chunk of them. */
static uint32_t fill(const struct block *b, size_t first)
{
	uint32_t i;

	for (i = 0; i < COMPACT_ROWS_MAX && first + i < b->header.row_count; i++) {
		const struct event *e = &b->events[first + i];

		rows[i] = (struct shim_row){ e->ticks, e->addr, e->size, e->stack,
					     e->op,    e->func, e->extra };
	}
	return i;
}

static void measure(struct compact *work, ZSTD_CCtx *zstd, uint32_t count, unsigned order,
		    double sums[3])
{
	static uint8_t payload[COMPACT_BOUND(COMPACT_ROWS_MAX)],
		frame[2 * COMPACT_BOUND(COMPACT_ROWS_MAX)];
	double best[2] = { 1e18, 1e18 };
	size_t length = 0, bytes = 0;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		double begin = now_ns(), middle, end;

		length = compact_rows(work, rows, count, rows[0].ticks, order, payload);
		middle = now_ns();
		bytes = ZSTD_compress2(zstd, frame, sizeof(frame), payload, length);
		end = now_ns();
		best[0] = middle - begin < best[0] ? middle - begin : best[0];
		best[1] = end - middle < best[1] ? end - middle : best[1];
	}
	sums[0] += best[0];
	sums[1] += best[1];
	sums[2] += (double)bytes;
	if (count >= FULL_ROWS && fulls < CHUNKS_MAX)
		full_ns[fulls++] = best[0] + best[1];
}

/* Gives local pairs addresses. Until an end comes it holds its block's size, marked by bit 63. */
static void settle(struct block *b)
{
	size_t i;

	for (i = 0; i < b->header.row_count; i++) {
		struct event *e = &b->events[i];

		if (event_is_local(e) && event_is_alloc(e)) {
			struct event *end = e + (uint32_t)e->addr;

			e->addr = end->addr = take_addr(e->size);
			end->size = e->size | UINT64_C(1) << 63;
		} else if (e->size >> 63 && (e->op == SHIM_OP_FREE || e->op == SHIM_OP_REALLOC_FREE)) {
			e->size &= ~(UINT64_C(1) << 63);
			give_addr(e->size, e->addr);
			e->size = 0;
		}
	}
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint8_t *read_file(const char *path, size_t *length)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes;

	if (!f || fseek(f, 0, SEEK_END))
		return NULL;
	*length = (size_t)ftell(f);
	rewind(f);
	bytes = malloc(*length + 1);
	if (fread(bytes, 1, *length, f) != *length)
		return NULL;
	fclose(f);
	return bytes;
}

int main(int argc, char **argv)
{
	struct compact *work = calloc(1, compact_bytes());
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	unsigned order = argc == 3 && strcmp(argv[2], "beside") == 0 ? COMPACT_ADDRESSES : 0;
	double sums[3] = { 0, 0, 0 }, events = 0;
	struct block block = { 0 };
	size_t length, at = 0, frame, first;
	uint8_t *bytes = argc >= 2 ? read_file(argv[1], &length) : NULL;
	uint32_t count;

	if (!bytes || !work || !zstd) {
		fprintf(stderr, "usage: micro_compact TRACE [alone|beside]\n");
		return 2;
	}
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	for (; at < length; at += frame) {
		frame = ZSTD_findFrameCompressedSize(bytes + at, length - at);
		if (ZSTD_isError(frame))
			break;
		if (block_decode(&block, bytes + at, frame, argv[1], at, NULL) ||
		    block.header.kind != SHIM_BLOCK_EVENTS)
			continue;
		settle(&block);
		for (first = 0; (count = fill(&block, first)) > 0; first += count) {
			measure(work, zstd, count, order, sums);
			events += count;
		}
	}
	qsort(full_ns, fulls, sizeof(*full_ns), compare);
	printf("%s: %.0f events, columns %.2f ns, zstd %.2f ns, %.4f bytes each; a full chunk %.0f us, at most %.0f\n",
	       argv[1], events, sums[0] / events, sums[1] / events, sums[2] / events,
	       fulls ? full_ns[fulls / 2] / 1000 : 0, fulls ? full_ns[fulls - 1] / 1000 : 0);
	block_free(&block);
	return 0;
}
