/* SPDX-License-Identifier: MIT */
/*
 * column.h - what the two forms of columns (columns.c, steps.c) have in common: reading one column,
 * and what a shape says.
 */
#ifndef TRACE_COLUMN_H
#define TRACE_COLUMN_H

#include <stdint.h>

#include "shim_trace.h"
#include "trace/cursor.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* What becomes of a row's address. */
enum address_from {
	FROM_NONE,
	FROM_ALLOC,
	FROM_OTHER,
	FROM_LOCAL_ALLOC,
	FROM_LOCAL_KEPT,
	FROM_LOCAL_END
};

struct block_shape {
	uint64_t size;
	uint32_t stack;
	uint16_t extra;
	uint8_t op;
	uint8_t func;
	uint8_t from; /* enum address_from */
	uint8_t unknown;
};

struct column {
	const uint8_t *at, *end;
};

/* A varint without a look at the end. More than 64 bits: the excess is dropped. */
static inline uint64_t column_read(const uint8_t **at)
{
	const uint8_t *p = *at;
	uint64_t value = *p++;
	unsigned shift;

	if (likely(value < 0x80)) {
		*at = p;
		return value;
	}
	value &= 0x7f;
	for (shift = 7; shift < 70; shift += 7) {
		uint8_t byte = *p++;

		value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
		if (!(byte & 0x80))
			break;
	}
	*at = p;
	return value;
}

/*
 * Next number of C, or *BAD set when the column has ended. One number may run up to nine bytes
 * beyond the end, into memory that block.c guarantees: the caller compares at and end in the end.
 */
static inline uint64_t column_number(struct column *c, int *bad)
{
	if (unlikely(c->at >= c->end)) {
		*bad = 1;
		return 0;
	}
	return column_read(&c->at);
}

/*
 * The op byte of a shape: where its rows' addresses come from. Returns -1 when flags and op do not
 * go together.
 */
static inline int column_address_from(unsigned op)
{
	unsigned kind = op & SHIM_SHAPE_OP_MASK;
	int is_alloc = kind == SHIM_OP_ALLOC || kind == SHIM_OP_REALLOC_ALLOC;

	if (op & SHIM_SHAPE_LOCAL) {
		if (is_alloc)
			return op & SHIM_SHAPE_ADDRESSED ? FROM_LOCAL_KEPT : FROM_LOCAL_ALLOC;
		if (op & SHIM_SHAPE_ADDRESSED ||
		    (kind != SHIM_OP_FREE && kind != SHIM_OP_REALLOC_FREE))
			return -1;
		return FROM_LOCAL_END;
	}
	if (op & SHIM_SHAPE_ADDRESSED)
		return -1;
	if (is_alloc || kind == SHIM_OP_MMAP)
		return FROM_ALLOC;
	return kind == SHIM_OP_ALLOC_FAIL ? FROM_NONE : FROM_OTHER;
}

/* The column in C, with its first byte in *SHIFT unless SHIFT is NULL. */
static inline struct column column_begin(struct cursor *c, unsigned *shift)
{
	if (shift) {
		*shift = cursor_left(c) ? cursor_byte(c) : 0;
		if (*shift > 63)
			cursor_fail(c);
	}
	return (struct column){ c->at, c->end };
}

#endif
