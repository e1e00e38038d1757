/* SPDX-License-Identifier: MIT */
/*
 * columns.c - see columns.h. Every column has its own end, checked before each number is read; one
 * number may run up to nine bytes beyond it, into memory that block.c guarantees, and is refused at
 * the next check.
 */
#include "trace/columns.h"

#include <string.h>

#include "trace/column.h"
#include "trace/cursor.h"
#include "trace/steps.h"
#include "util/pool.h"

#define SHAPE_LEAST_BYTES 5

struct columns {
	struct column codes, back, alloc, other, time;
	struct block_shape *shapes;
	uint64_t shape_count;
	unsigned alloc_shift, other_shift, time_shift;
};

static int read_directory(struct cursor *c, struct cursor *columns, unsigned column_limit)
{
	uint64_t lengths[256];
	uint8_t ids[256];
	unsigned count = cursor_byte(c), i;

	for (i = 0; i < count; i++) {
		ids[i] = cursor_byte(c);
		lengths[i] = cursor_varint(c);
	}
	for (i = 0; i < count; i++) {
		const uint8_t *at = cursor_bytes(c, lengths[i]);

		if (ids[i] < column_limit && at)
			cursor_begin(&columns[ids[i]], at, lengths[i]);
	}
	return c->bad ? -1 : 0;
}

static int read_shapes(struct block *b, struct cursor *c, struct columns *columns)
{
	uint64_t count = cursor_varint(c), i;
	int64_t stack = 0;

	if (count > cursor_left(c) / SHAPE_LEAST_BYTES + 1)
		return -1;
	b->shapes = pool_grow(b->shapes, &b->shapes_capacity, count, sizeof(*b->shapes));
	for (i = 0; i < count; i++) {
		struct block_shape *s = &b->shapes[i];
		unsigned op = cursor_byte(c);
		int from = column_address_from(op);

		s->op = (uint8_t)(op & SHIM_SHAPE_OP_MASK);
		s->func = cursor_byte(c);
		s->extra = (uint16_t)cursor_varint(c);
		stack = (int64_t)((uint64_t)stack + (uint64_t)cursor_unzigzag(cursor_varint(c)));
		s->stack = (uint64_t)stack > UINT32_MAX ? UINT32_MAX : (uint32_t)stack;
		s->size = cursor_varint(c);
		if (from < 0 || c->bad)
			return -1;
		s->from = (uint8_t)from;
		s->unknown = s->op == 0 || s->op >= SHIM_OP_COUNT;
		if ((s->op == SHIM_OP_ALLOC || s->op == SHIM_OP_REALLOC_ALLOC) &&
		    s->size > EVENT_SIZE_MAX)
			s->size = EVENT_SIZE_MAX;
	}
	columns->shapes = b->shapes;
	columns->shape_count = count;
	return 0;
}

/* The columns of B by their id, and the folded blocks, which both forms have. */
static int find_columns(struct block *b, struct cursor by_id[SHIM_COLUMN_END], const char **why)
{
	struct cursor whole;
	unsigned i;

	cursor_begin(&whole, b->payload, b->header.payload_bytes);
	for (i = 0; i < SHIM_COLUMN_END; i++)
		cursor_begin(&by_id[i], b->payload, 0);
	*why = "its columns do not fit in it";
	if (read_directory(&whole, by_id, SHIM_COLUMN_END) < 0)
		return -1;
	*why = "its folded blocks make no sense";
	if (cursor_left(&by_id[SHIM_COLUMN_FOLDED]) &&
	    folded_read(&b->folded, &by_id[SHIM_COLUMN_FOLDED], b->header.row_count) < 0)
		return -1;
	return 0;
}

static int begin_columns(struct block *b, struct columns *columns, struct cursor *by_id,
			 const char **why)
{
	unsigned i;

	*why = "its shapes make no sense";
	if (read_shapes(b, &by_id[SHIM_COLUMN_SHAPES], columns) < 0)
		return -1;
	*why = "a shift of more than 63 bits";
	columns->codes = column_begin(&by_id[SHIM_COLUMN_CODES], NULL);
	columns->back = column_begin(&by_id[SHIM_COLUMN_BACK], NULL);
	columns->alloc = column_begin(&by_id[SHIM_COLUMN_ALLOC_ADDR], &columns->alloc_shift);
	columns->other = column_begin(&by_id[SHIM_COLUMN_OTHER_ADDR], &columns->other_shift);
	columns->time = column_begin(&by_id[SHIM_COLUMN_TIME], &columns->time_shift);
	for (i = 0; i <= SHIM_COLUMN_TIME; i++)
		if (by_id[i].bad)
			return -1;
	*why = "its columns are shorter than its rows";
	if ((size_t)(columns->codes.end - columns->codes.at) < b->header.row_count)
		return -1;
	return 0;
}

/*
 * The end of a local block: finds its allocation through BACK and ties the two together, or takes
 * over its address. *OPEN counts the local allocations without address that still lack their end.
 */
static inline uint64_t end_local(struct event *events, size_t at, uint64_t back,
				 const uint32_t *locals, size_t local_count, size_t *open, int *bad)
{
	struct event *alloc;

	if (unlikely(back >= local_count)) {
		*bad = 1;
		return 0;
	}
	alloc = &events[locals[local_count - 1 - back]];
	if (!event_is_local(alloc))
		return alloc->addr;
	if (unlikely(alloc->addr != EVENT_LOCAL)) {
		*bad = 1; /* it has ended already */
		return 0;
	}
	--*open;
	alloc->addr |= at - locals[local_count - 1 - back];
	return alloc->addr;
}

int64_t columns_decode(struct block *b, const char **why)
{
	uint64_t alloc_addr = 0, other_addr = 0, time, least = b->header.begin_ticks;
	size_t row, kept = 0, local_count = 0, open = 0;
	struct event *events = b->events;
	struct cursor by_id[SHIM_COLUMN_END];
	struct columns c = { 0 };
	int bad = 0;

	if (find_columns(b, by_id, why) < 0)
		return -1;
	if (cursor_left(&by_id[SHIM_COLUMN_SHAPE_PARTS]))
		return steps_decode(b, by_id, why);
	if (begin_columns(b, &c, by_id, why) < 0)
		return -1;
	b->locals = pool_grow(b->locals, &b->locals_capacity, b->header.row_count,
			      sizeof(*b->locals));
	time = least >> c.time_shift;
	for (row = 0; row < b->header.row_count && !bad; row++) {
		uint64_t code = column_number(&c.codes, &bad);
		struct event *e = &events[kept];
		const struct block_shape *s;

		time += column_number(&c.time, &bad);
		if (unlikely(code >= c.shape_count)) {
			bad = 1;
			break;
		}
		s = &c.shapes[code];
		/* A shifted stamp may lie before begin_ticks; one that wraps round would, too. */
		least = e->ticks = time << c.time_shift > least ? time << c.time_shift : least;
		e->size = s->size;
		e->stack = s->stack;
		e->op = s->op;
		e->func = s->func;
		e->extra = s->extra;
		switch (s->from) {
		case FROM_LOCAL_ALLOC:
			b->locals[local_count++] = (uint32_t)kept;
			e->addr = EVENT_LOCAL;
			open++;
			break;
		case FROM_LOCAL_END:
			e->addr = end_local(events, kept, column_number(&c.back, &bad), b->locals,
					    local_count, &open, &bad);
			break;
		case FROM_LOCAL_KEPT:
			b->locals[local_count++] = (uint32_t)kept; /* fallthrough */
		case FROM_ALLOC:
			alloc_addr += (uint64_t)cursor_unzigzag(column_number(&c.alloc, &bad));
			e->addr = alloc_addr << c.alloc_shift & ~EVENT_LOCAL;
			break;
		case FROM_OTHER:
			other_addr += (uint64_t)cursor_unzigzag(column_number(&c.other, &bad));
			e->addr = other_addr << c.other_shift & ~EVENT_LOCAL;
			break;
		default:
			e->addr = 0;
		}
		b->unknown += s->unknown;
		kept += !s->unknown;
	}
	*why = open ? "a local allocation has no end" : "its columns are shorter than its rows";
	if (bad || open || c.codes.at > c.codes.end || c.back.at > c.back.end ||
	    c.alloc.at > c.alloc.end || c.other.at > c.other.end || c.time.at > c.time.end)
		return -1;
	return (int64_t)kept;
}
