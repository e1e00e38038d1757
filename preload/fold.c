/* SPDX-License-Identifier: MIT */
/*
 * fold.c - see fold.h. Runs in the thread whose chunk is full, and only in a trace that is about to
 * get too large: plain rather than fast. Three passes: find the pairs that nothing else refers to,
 * and the crest; count them; copy the rest.
 */
#include "fold.h"

#include <string.h>

#include "compact.h"
#include "encode.h"

#define SLOT_COUNT 16384u /* >= 2 * COMPACT_ROWS_MAX */
#define TIME_SHIFT 21     /* 2 M ticks: about a millisecond */
#define NO_ROW     UINT32_MAX

struct kind {
	uint64_t size;
	uint32_t stack;
	uint16_t extra, end_extra;
	uint8_t func, end_func;
	uint32_t count, temporary, live;
};

struct fold {
	uint16_t addr_slots[SLOT_COUNT]; /* row of the live allocation + 1 */
	uint16_t kind_slots[SLOT_COUNT]; /* kind + 1 */
	uint32_t partner[COMPACT_ROWS_MAX]; /* of an allocation: row of its end; of an end: of its allocation */
	uint8_t is_temporary[COMPACT_ROWS_MAX];
	struct kind kinds[COMPACT_ROWS_MAX];
	uint32_t kind_count;
	uint32_t crest;      /* row after which the crest is; NO_ROW: before the first */
	uint32_t crest_row;  /* kept rows before it */
	uint64_t most_bytes; /* that pairs had alive at one time */
	struct shim_row kept[COMPACT_ROWS_MAX];
};

size_t fold_bytes(void)
{
	return sizeof(struct fold);
}

static int begins(const struct shim_row *row)
{
	return row->op == SHIM_OP_ALLOC || row->op == SHIM_OP_REALLOC_ALLOC;
}

static uint32_t mix(uint64_t key)
{
	return (uint32_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 40) & (SLOT_COUNT - 1);
}

/* The slot of the newest allocation at ADDR, or the empty one where it would go. */
static uint16_t *addr_slot(struct fold *f, const struct shim_row *rows, uint64_t addr)
{
	uint32_t i = mix(addr >> 4);

	while (f->addr_slots[i] && rows[f->addr_slots[i] - 1].addr != addr)
		i = (i + 1) & (SLOT_COUNT - 1);
	return &f->addr_slots[i];
}

/*
 * The allocation of this chunk that lives at ADDR, or NO_ROW. One whose partner is set has ended,
 * or has met a realloc: its slot stays, so that others are found behind it.
 */
static uint32_t live_at(struct fold *f, const struct shim_row *rows, uint64_t addr)
{
	uint16_t slot = *addr_slot(f, rows, addr);

	return slot && f->partner[slot - 1u] == NO_ROW ? slot - 1u : NO_ROW;
}

/*
 * Pass 1. Pairs: an op 1 and the op 2 that ends it. The last row is kept in any case, so that a
 * block has one. The crest counts what this chunk knows the size of: an end of an older block
 * counts nothing.
 */
static void find_pairs(struct fold *f, const struct shim_row *rows, uint32_t count)
{
	int64_t bytes = 0, most = 0;
	uint32_t i, alloc, newest = NO_ROW, realloc_row = NO_ROW;

	memset(f->addr_slots, 0, sizeof(f->addr_slots));
	f->crest = NO_ROW;
	for (i = 0; i < count; i++) {
		const struct shim_row *row = &rows[i];

		f->partner[i] = NO_ROW;
		f->is_temporary[i] = 0;
		if (begins(row)) {
			*addr_slot(f, rows, row->addr) = (uint16_t)(i + 1);
			bytes += (int64_t)row->size;
			newest = i;
			if (bytes > most) {
				most = bytes;
				f->crest = i;
			}
		} else if (row->op == SHIM_OP_FREE || row->op == SHIM_OP_REALLOC_FREE) {
			alloc = live_at(f, rows, row->addr);
			realloc_row = i;
			if (alloc == NO_ROW)
				continue;
			bytes -= (int64_t)rows[alloc].size;
			f->partner[alloc] = i;
			f->partner[i] = alloc;
			f->is_temporary[alloc] = newest == alloc;
		} else if (row->op == SHIM_OP_REALLOC_FAIL && realloc_row != NO_ROW &&
			   f->partner[realloc_row] != NO_ROW) {
			bytes += (int64_t)rows[f->partner[realloc_row]].size;
		}
	}
}

/* 1 if row I is one of a pair that is left out. */
static int is_folded(const struct fold *f, const struct shim_row *rows, uint32_t count, uint32_t i)
{
	uint32_t other = f->partner[i], end = i > other ? i : other;

	return other != NO_ROW && end != count - 1 && rows[end].op == SHIM_OP_FREE &&
	       rows[i > other ? other : i].op == SHIM_OP_ALLOC;
}

static struct kind *kind_of(struct fold *f, const struct shim_row *alloc, const struct shim_row *end)
{
	struct kind key = { .size = alloc->size,
			    .stack = alloc->stack,
			    .extra = alloc->extra,
			    .end_extra = end->extra,
			    .func = alloc->func,
			    .end_func = end->func };
	uint32_t i = mix((uint64_t)key.stack << 32 ^ key.size << 8 ^ key.end_func ^
			 (uint64_t)key.func << 56 ^ (uint64_t)key.extra << 16);

	for (; f->kind_slots[i]; i = (i + 1) & (SLOT_COUNT - 1)) {
		struct kind *k = &f->kinds[f->kind_slots[i] - 1];

		if (k->size == key.size && k->stack == key.stack && k->extra == key.extra &&
		    k->end_extra == key.end_extra && k->func == key.func &&
		    k->end_func == key.end_func)
			return k;
	}
	f->kinds[f->kind_count] = key;
	f->kind_slots[i] = (uint16_t)(f->kind_count + 1);
	return &f->kinds[f->kind_count++];
}

/* Pass 2: what is left out, by kind. */
static void count_kinds(struct fold *f, const struct shim_row *rows, uint32_t count)
{
	uint64_t alive = 0;
	uint32_t i;

	memset(f->kind_slots, 0, sizeof(f->kind_slots));
	f->kind_count = 0;
	f->most_bytes = 0;
	for (i = 0; i < count; i++) {
		const struct shim_row *row = &rows[i];
		struct kind *k;

		if (!is_folded(f, rows, count, i))
			continue;
		if (row->op == SHIM_OP_FREE) {
			alive -= rows[f->partner[i]].size;
			continue;
		}
		alive += row->size;
		if (alive > f->most_bytes)
			f->most_bytes = alive;
		k = kind_of(f, row, &rows[f->partner[i]]);
		k->count++;
		k->temporary += f->is_temporary[i];
		k->live += f->crest != NO_ROW && i <= f->crest && f->partner[i] > f->crest;
	}
}

/* 1 if row I is left out because it is of no block; the last one stays where kinds need a row. */
static int is_bared(const struct fold *f, const struct shim_row *rows, uint32_t count, uint32_t i)
{
	return rows[i].op >= SHIM_OP_ALLOC_FAIL && (i != count - 1 || !f->kind_count);
}

const struct shim_row *fold_rows(struct fold *f, const struct shim_row *rows, uint32_t count,
				 uint64_t begin_ticks, unsigned what, uint32_t *kept)
{
	uint32_t i, n = 0;

	f->kind_count = 0;
	f->crest_row = 0;
	if (what & FOLD_PAIRS) {
		find_pairs(f, rows, count);
		count_kinds(f, rows, count);
	}
	for (i = 0; i < count; i++) {
		if (!(what & FOLD_PAIRS && is_folded(f, rows, count, i)) &&
		    !(what & FOLD_BARE && is_bared(f, rows, count, i))) {
			struct shim_row *row = &f->kept[n++];

			*row = rows[i];
			if (what & FOLD_TIMES)
				row->ticks = row->ticks >> TIME_SHIFT << TIME_SHIFT;
			if (row->ticks < begin_ticks)
				row->ticks = begin_ticks;
		}
		if (i == f->crest)
			f->crest_row = n;
	}
	*kept = n;
	return f->kept;
}

static uint8_t *write_kinds(const struct fold *f, uint8_t *at)
{
	uint32_t i, stack = 0;

	at = encode_varint(at, f->kind_count);
	for (i = 0; i < f->kind_count; i++) {
		const struct kind *k = &f->kinds[i];

		*at++ = k->func;
		*at++ = k->end_func;
		at = encode_varint(at, k->extra);
		at = encode_varint(at, k->end_extra);
		at = encode_varint(at, encode_zigzag((int64_t)k->stack - (int64_t)stack));
		at = encode_varint(at, k->size);
		at = encode_varint(at, k->count);
		at = encode_varint(at, k->temporary);
		at = encode_varint(at, k->live);
		stack = k->stack;
	}
	at = encode_varint(at, f->crest_row);
	return encode_varint(at, f->most_bytes);
}

size_t fold_append(const struct fold *f, uint8_t *payload, size_t length)
{
	uint8_t entry[1 + ENCODE_VARINT_MAX], *at = payload + 1, *end;
	size_t bytes, entry_bytes;
	uint8_t i;

	if (!f->kind_count)
		return length;
	for (i = 0; i < payload[0]; i++) {
		at++; /* the id */
		while (*at++ & 0x80)
			;
	}
	end = write_kinds(f, payload + length);
	bytes = (size_t)(end - (payload + length));
	entry[0] = SHIM_COLUMN_FOLDED;
	entry_bytes = (size_t)(encode_varint(entry + 1, bytes) - entry);
	memmove(at + entry_bytes, at, (size_t)(end - at));
	memcpy(at, entry, entry_bytes);
	payload[0]++;
	return length + bytes + entry_bytes;
}
