/* SPDX-License-Identifier: MIT */
/*
 * compact.c - see compact.h. Runs in the thread whose chunk is full. Two passes: find the
 * pairs, then write the columns. Tables are cleared by a generation number, not by memset:
 * a flush of a few rows must not pay for the largest.
 */
#include "compact.h"

#include <string.h>

#include "encode.h"
#include "sys.h"

#define SLOT_COUNT     16384u /* >= 2 * COMPACT_ROWS_MAX: load at most a half */
#define SLOT_ROW_BITS  13
#define SLOT_ROW_MASK  ((1u << SLOT_ROW_BITS) - 1)
#define GENERATION_END (1u << (32 - SLOT_ROW_BITS))
#define NOT_PAIRED     0u
#define SHIFT_ADDR_MAX 12
#define SHIFT_TIME     11 /* single thread: 2048 ticks are below a microsecond, and stamps no finer */

struct shape {
	uint64_t size;
	uint32_t stack;
	uint16_t extra;
	uint8_t op; /* with SHIM_SHAPE_* */
	uint8_t func;
};

struct column {
	uint8_t *begin;
	uint8_t *at;
};

struct compact {
	uint32_t generation;
	uint32_t addr_slots[SLOT_COUNT]; /* generation << 13 | row of the newest allocation at this address */
	uint32_t shape_slots[SLOT_COUNT]; /* generation << 13 | shape */
	uint32_t partner[COMPACT_ROWS_MAX + 1]; /* allocation: number + 1 once paired; end: row of its allocation + 1 */
	struct shape shapes[COMPACT_ROWS_MAX + 1];
	uint32_t shape_count;
	uint32_t last_shape[256]; /* by op with flags; of this block if below shape_count */
	unsigned addr_shift;
	struct column codes, back, alloc_addr, other_addr, time;
	uint8_t bytes[COMPACT_ROWS_MAX * 34 + 256]; /* the columns but shapes, each at its largest */
};

size_t compact_bytes(void)
{
	return sizeof(struct compact);
}

static int begins(uint8_t op)
{
	return op == SHIM_OP_ALLOC || op == SHIM_OP_REALLOC_ALLOC;
}

static int ends(uint8_t op)
{
	return op == SHIM_OP_FREE || op == SHIM_OP_REALLOC_FREE;
}

static uint32_t mix(uint64_t key)
{
	key *= UINT64_C(0x9E3779B97F4A7C15);
	return (uint32_t)(key >> 40) & (SLOT_COUNT - 1);
}

static void next_generation(struct compact *w)
{
	if (++w->generation < GENERATION_END)
		return;
	memset(w->addr_slots, 0, sizeof(w->addr_slots));
	memset(w->shape_slots, 0, sizeof(w->shape_slots));
	w->generation = 1;
}

/* The slot that holds the newest allocation at ADDR, or the empty one where it would go. */
static uint32_t *addr_slot(struct compact *w, const struct shim_row *rows, uint64_t addr)
{
	uint32_t i = mix(addr >> 4);

	for (;; i = (i + 1) & (SLOT_COUNT - 1)) {
		uint32_t slot = w->addr_slots[i];

		if (slot >> SLOT_ROW_BITS != w->generation || rows[slot & SLOT_ROW_MASK].addr == addr)
			return &w->addr_slots[i];
	}
}

/*
 * Pass 1: partner[] of every row, and the bits all addresses share. A realloc that failed
 * takes its pair back: the block lives on under its address.
 */
static void find_pairs(struct compact *w, const struct shim_row *rows, uint32_t count)
{
	uint64_t bits = 0;
	uint32_t i, alloc, realloc_row = COMPACT_ROWS_MAX;

	for (i = 0; i < count; i++) {
		const struct shim_row *row = &rows[i];
		uint32_t *slot;

		w->partner[i] = NOT_PAIRED;
		bits |= row->addr;
		if (begins(row->op)) {
			*addr_slot(w, rows, row->addr) = w->generation << SLOT_ROW_BITS | i;
		} else if (ends(row->op)) {
			slot = addr_slot(w, rows, row->addr);
			alloc = *slot & SLOT_ROW_MASK;
			if (*slot >> SLOT_ROW_BITS == w->generation &&
			    w->partner[alloc] == NOT_PAIRED) {
				w->partner[alloc] = 1;
				w->partner[i] = alloc + 1;
			}
			if (row->op == SHIM_OP_REALLOC_FREE)
				realloc_row = i;
		} else if (row->op == SHIM_OP_REALLOC_FAIL && realloc_row < i &&
			   rows[realloc_row].addr == row->addr &&
			   w->partner[realloc_row] != NOT_PAIRED) {
			/*
			 * The allocation stays in its slot as "paired" with nothing: a
			 * later end in this block names it by address.
			 */
			w->partner[w->partner[realloc_row] - 1] = COMPACT_ROWS_MAX + 1;
			w->partner[realloc_row] = NOT_PAIRED;
		}
	}
	w->addr_shift = bits ? (unsigned)__builtin_ctzll(bits) : 0;
	if (w->addr_shift > SHIFT_ADDR_MAX)
		w->addr_shift = SHIFT_ADDR_MAX;
}

static int same_shape(const struct shape *a, const struct shape *b)
{
	return a->size == b->size && a->stack == b->stack && a->extra == b->extra &&
	       a->op == b->op && a->func == b->func;
}

/*
 * The number of the shape of ROW, whose op with flags is OP; made when new. Looks first at the last
 * shape with that op: all frees by one function share theirs, and loops repeat what they allocate.
 */
static uint32_t shape_of(struct compact *w, const struct shim_row *row, uint8_t op)
{
	struct shape key = { row->size, row->stack, row->extra, op, row->func };
	uint64_t word = (uint64_t)op << 56 ^ (uint64_t)row->func << 48 ^
			(uint64_t)row->extra << 32 ^ row->stack;
	uint32_t last = w->last_shape[op], i;

	if (last < w->shape_count && same_shape(&w->shapes[last], &key))
		return last;
	for (i = mix(word ^ key.size * UINT64_C(0xD6E8FEB86659FD93));;
	     i = (i + 1) & (SLOT_COUNT - 1)) {
		uint32_t slot = w->shape_slots[i];

		if (slot >> SLOT_ROW_BITS != w->generation)
			break;
		if (same_shape(&w->shapes[slot & SLOT_ROW_MASK], &key))
			return w->last_shape[op] = slot & SLOT_ROW_MASK;
	}
	w->shape_slots[i] = w->generation << SLOT_ROW_BITS | w->shape_count;
	w->shapes[w->shape_count] = key;
	return w->last_shape[op] = w->shape_count++;
}

static void put(struct column *column, uint64_t value)
{
	column->at = encode_varint(column->at, value);
}

static void open_columns(struct compact *w, uint32_t count)
{
	uint8_t *at = w->bytes;

	w->codes.begin = w->codes.at = at;
	at += 2 * (size_t)count;
	w->back.begin = w->back.at = at;
	at += 2 * (size_t)count;
	w->alloc_addr.begin = w->alloc_addr.at = at;
	at += 10 * (size_t)count + 1;
	w->other_addr.begin = w->other_addr.at = at;
	at += 10 * (size_t)count + 1;
	w->time.begin = w->time.at = at;
	*w->alloc_addr.at++ = (uint8_t)w->addr_shift;
	*w->other_addr.at++ = (uint8_t)w->addr_shift;
}

/* Pass 2: every column but the shapes. */
static void write_columns(struct compact *w, const struct shim_row *rows, uint32_t count,
			  uint64_t begin_ticks, unsigned order)
{
	unsigned time_shift = order & COMPACT_TIMES ? 0 : SHIFT_TIME;
	int has_threads = (order & COMPACT_ADDRESSES) != 0;
	uint64_t time = begin_ticks >> time_shift, alloc_addr = 0, other_addr = 0;
	uint32_t i, numbered = 0;

	*w->time.at++ = (uint8_t)time_shift;
	for (i = 0; i < count; i++) {
		const struct shim_row *row = &rows[i];
		uint64_t addr = row->addr >> w->addr_shift, now = row->ticks >> time_shift;
		uint8_t op = row->op;
		int is_alloc = begins(op),
		    is_local = is_alloc ? w->partner[i] == 1
					: ends(op) && w->partner[i] != NOT_PAIRED;

		if (is_local)
			op |= is_alloc && has_threads ? SHIM_SHAPE_LOCAL | SHIM_SHAPE_ADDRESSED
						      : SHIM_SHAPE_LOCAL;
		put(&w->codes, shape_of(w, row, op));
		if (is_local && is_alloc)
			w->partner[i] = ++numbered; /* its number + 1, for its end */
		else if (is_local)
			put(&w->back, numbered - w->partner[w->partner[i] - 1]);
		if ((is_alloc && (!is_local || has_threads)) || op == SHIM_OP_MMAP) {
			put(&w->alloc_addr, encode_zigzag((int64_t)(addr - alloc_addr)));
			alloc_addr = addr;
		} else if (!is_local && op != SHIM_OP_ALLOC_FAIL) {
			put(&w->other_addr, encode_zigzag((int64_t)(addr - other_addr)));
			other_addr = addr;
		}
		put(&w->time, now - time);
		time = now;
	}
}

/* Shapes straight into OUT, where there is room for the largest. */
static uint8_t *write_shapes(const struct compact *w, uint8_t *out)
{
	uint32_t i, stack = 0;

	out = encode_varint(out, w->shape_count);
	for (i = 0; i < w->shape_count; i++) {
		const struct shape *shape = &w->shapes[i];

		*out++ = shape->op;
		*out++ = shape->func;
		out = encode_varint(out, shape->extra);
		out = encode_varint(out, encode_zigzag((int64_t)shape->stack - (int64_t)stack));
		out = encode_varint(out, shape->size);
		stack = shape->stack;
	}
	return out;
}

size_t compact_rows(struct compact *w, const struct shim_row *rows, uint32_t count,
		    uint64_t begin_ticks, unsigned order, uint8_t *out)
{
	const struct column *columns[] = { &w->codes, &w->back, &w->alloc_addr, &w->other_addr,
					   &w->time };
	uint8_t *at = out, *directory_end, *shapes_end;
	size_t i, shapes_bytes;

	next_generation(w);
	w->shape_count = 0;
	find_pairs(w, rows, count);
	open_columns(w, count);
	write_columns(w, rows, count, begin_ticks, order);

	/*
	 * Shapes are written behind the longest possible directory and then moved up
	 * against the real one.
	 */
	shapes_end = write_shapes(w, out + 128);
	shapes_bytes = (size_t)(shapes_end - (out + 128));
	*at++ = 6;
	*at++ = SHIM_COLUMN_SHAPES;
	at = encode_varint(at, shapes_bytes);
	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		*at++ = (uint8_t)(SHIM_COLUMN_CODES + i);
		at = encode_varint(at, (uint64_t)(columns[i]->at - columns[i]->begin));
	}
	directory_end = at;
	memmove(directory_end, out + 128, shapes_bytes);
	at = directory_end + shapes_bytes;
	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		size_t length = (size_t)(columns[i]->at - columns[i]->begin);

		memcpy(at, columns[i]->begin, length);
		at += length;
	}
	return (size_t)(at - out);
}
