/* SPDX-License-Identifier: MIT */
/*
 * steps.c - see steps.h. Every column has its own end, checked before each number is read, and a
 * rank is compared with the members that there are.
 */
#include "trace/steps.h"

#include <string.h>

#include "trace/column.h"
#include "trace/ranks.h"
#include "util/pool.h"

#define KIND_LEAST_BYTES  3
#define SHAPE_LEAST_BYTES 3
#define NO_STAMP          UINT64_MAX

/* Where the newest addresses stand, and those that were given back. */
struct addresses {
	struct column near, far;
	uint64_t previous; /* shifted */
	unsigned shift;
};

struct steps {
	struct column steps, ranks, time;
	struct addresses alloc, other;
	const struct block_shape *shapes;
	uint64_t shape_count, shapes_used;
	const struct block_shape *end; /* shape of the newest local end */
	/* Time. */
	unsigned time_shift;
	int has_stamps;
	uint64_t ticks;                          /* shifted */
	uint64_t run, stamp_row, stamp_distance; /* the next stamp, NO_STAMP: none */
	int bad;
};

/* ---- shapes ---- */

/* Kinds go to the first shapes: there are never more of them. */
static int read_kinds(struct cursor *c, struct block_shape *kinds, uint64_t count)
{
	uint64_t i;

	for (i = 0; i < count; i++) {
		struct block_shape *k = &kinds[i];
		unsigned op = cursor_byte(c);
		int from = column_address_from(op);

		k->op = (uint8_t)(op & SHIM_SHAPE_OP_MASK);
		k->func = cursor_byte(c);
		k->extra = (uint16_t)cursor_varint(c);
		k->from = (uint8_t)from;
		k->unknown = 0;
		if (from < 0 || k->op == 0 || k->op >= SHIM_OP_COUNT)
			return -1;
	}
	return 0;
}

static int read_shapes(struct block *b, struct cursor *c, struct steps *s)
{
	uint64_t kinds = cursor_varint(c), count = cursor_varint(c), i, kind;
	struct block_shape *shapes;
	int64_t stack = 0;

	if (kinds > cursor_left(c) / KIND_LEAST_BYTES || count > cursor_left(c) / SHAPE_LEAST_BYTES)
		return -1;
	b->shapes = pool_grow(b->shapes, &b->shapes_capacity, kinds + count, sizeof(*b->shapes));
	shapes = b->shapes + kinds;
	if (read_kinds(c, b->shapes, kinds) < 0)
		return -1;
	for (i = 0; i < count; i++) {
		kind = cursor_varint(c);
		if (kind >= kinds)
			return -1;
		shapes[i] = b->shapes[kind];
	}
	for (i = 0; i < count; i++) {
		stack = (int64_t)((uint64_t)stack + (uint64_t)cursor_unzigzag(cursor_varint(c)));
		shapes[i].stack = (uint64_t)stack > UINT32_MAX ? UINT32_MAX : (uint32_t)stack;
	}
	for (i = 0; i < count; i++) {
		int is_alloc = shapes[i].op == SHIM_OP_ALLOC || shapes[i].op == SHIM_OP_REALLOC_ALLOC;

		shapes[i].size = cursor_varint(c);
		if (is_alloc && shapes[i].size > EVENT_SIZE_MAX)
			shapes[i].size = EVENT_SIZE_MAX;
	}
	s->shapes = shapes;
	s->shape_count = count;
	return c->bad ? -1 : 0;
}

/* ---- time ---- */

/* The stamp behind the one at ROW, or the first. */
static void next_stamp(struct steps *s, uint64_t row, int is_first)
{
	uint64_t value;

	s->stamp_row = NO_STAMP;
	if (s->time.at >= s->time.end)
		return;
	value = column_number(&s->time, &s->bad);
	if (value & 1) {
		s->run = value >> 1;
		s->stamp_distance = column_number(&s->time, &s->bad);
	} else {
		s->stamp_distance = value >> 1;
	}
	s->stamp_row = row + s->run;
	if (!s->stamp_distance || s->run > SHIM_BLOCK_MAX_BYTES || (!is_first && !s->run))
		s->bad = 1;
}

static inline void read_time(struct steps *s, uint64_t row)
{
	if (!s->has_stamps) {
		s->ticks += column_number(&s->time, &s->bad);
	} else if (row == s->stamp_row) {
		s->ticks += s->stamp_distance;
		next_stamp(s, row, 0);
	}
}

/* ---- addresses ---- */

static uint64_t read_far(struct column *far, unsigned bytes, int *bad)
{
	uint64_t value = 0;

	if (bytes > 8 || (size_t)(far->end - far->at) < bytes) {
		*bad = 1;
		return 0;
	}
	memcpy(&value, far->at, bytes);
	far->at += bytes;
	return value;
}

/* The address of a row; FREED: those that may be used again, NULL when this row uses none. */
static uint64_t read_addr(struct block *b, struct addresses *a, struct ranks *freed, int *bad)
{
	unsigned near;
	uint64_t addr;

	if (unlikely(a->near.at >= a->near.end)) {
		*bad = 1;
		return 0;
	}
	near = *a->near.at++;
	if (near >= SHIM_ADDR_RANKS && near < SHIM_ADDR_FAR) {
		if (unlikely(!freed || near - SHIM_ADDR_RANKS >= freed->count)) {
			*bad = 1;
			return 0;
		}
		addr = b->freed_addr[ranks_take(freed, near - SHIM_ADDR_RANKS)];
		a->previous = addr >> a->shift;
		return addr;
	}
	a->previous += (uint64_t)cursor_unzigzag(
		near < SHIM_ADDR_RANKS ? near : read_far(&a->far, near - SHIM_ADDR_FAR + 1, bad));
	return a->previous << a->shift & ~EVENT_LOCAL;
}

static inline void give_back(struct block *b, uint64_t addr)
{
	b->freed_addr[ranks_add(&b->freed)] = addr;
}

/* ---- rows ---- */

static const struct block_shape *read_step(struct steps *s, uint64_t *rank)
{
	uint64_t step = column_number(&s->steps, &s->bad);

	if (step & 1) {
		*rank = step >> 1;
		return s->end;
	}
	step = step ? step / 2 - 1 : s->shapes_used++;
	if (unlikely(step >= s->shapes_used || step >= s->shape_count))
		return NULL;
	if (s->shapes[step].from == FROM_LOCAL_END) {
		s->end = &s->shapes[step];
		*rank = column_number(&s->ranks, &s->bad);
	}
	return &s->shapes[step];
}

/* The end of a local block: tied to its allocation, or with its address. */
static uint64_t end_local(struct block *b, size_t row, uint64_t rank, int *bad)
{
	struct event *alloc;
	size_t distance;

	if (unlikely(rank >= b->live.count)) {
		*bad = 1;
		return 0;
	}
	alloc = &b->events[b->locals[ranks_take(&b->live, rank)]];
	if (!event_is_local(alloc)) {
		give_back(b, alloc->addr);
		return alloc->addr;
	}
	distance = row - (size_t)(alloc - b->events);
	alloc->addr |= distance;
	return alloc->addr;
}

static uint64_t addr_of(struct block *b, struct steps *s, const struct block_shape *shape,
			size_t row, uint64_t rank)
{
	uint64_t addr;

	switch (shape->from) {
	case FROM_LOCAL_ALLOC:
		b->locals[ranks_add(&b->live)] = (uint32_t)row;
		return EVENT_LOCAL;
	case FROM_LOCAL_END:
		return end_local(b, row, rank, &s->bad);
	case FROM_LOCAL_KEPT:
		b->locals[ranks_add(&b->live)] = (uint32_t)row; /* fallthrough */
	case FROM_ALLOC:
		return read_addr(b, &s->alloc, shape->op == SHIM_OP_MMAP ? NULL : &b->freed, &s->bad);
	case FROM_OTHER:
		addr = read_addr(b, &s->other, NULL, &s->bad);
		if (shape->op == SHIM_OP_FREE || shape->op == SHIM_OP_REALLOC_FREE)
			give_back(b, addr);
		return addr;
	default:
		return 0;
	}
}

static int begin_steps(struct block *b, struct cursor *by_id, struct steps *s, const char **why)
{
	int stamps = cursor_left(&by_id[SHIM_COLUMN_STAMPS]) > 0;
	uint32_t rows = b->header.row_count;
	unsigned i;

	*why = "its shapes make no sense";
	if (read_shapes(b, &by_id[SHIM_COLUMN_SHAPE_PARTS], s) < 0)
		return -1;
	*why = "a shift of more than 63 bits";
	s->steps = column_begin(&by_id[SHIM_COLUMN_STEPS], NULL);
	s->ranks = column_begin(&by_id[SHIM_COLUMN_RANKS], NULL);
	s->alloc.near = column_begin(&by_id[SHIM_COLUMN_ALLOC_NEAR], &s->alloc.shift);
	s->alloc.far = column_begin(&by_id[SHIM_COLUMN_ALLOC_FAR], NULL);
	s->other.near = column_begin(&by_id[SHIM_COLUMN_OTHER_NEAR], &s->other.shift);
	s->other.far = column_begin(&by_id[SHIM_COLUMN_OTHER_FAR], NULL);
	s->time = column_begin(&by_id[stamps ? SHIM_COLUMN_STAMPS : SHIM_COLUMN_TIME],
			       &s->time_shift);
	for (i = 0; i < SHIM_COLUMN_END; i++)
		if (by_id[i].bad)
			return -1;
	s->has_stamps = stamps || s->time.at == s->time.end; /* none at all: all at the begin */
	s->ticks = b->header.begin_ticks >> s->time_shift;
	s->stamp_row = NO_STAMP;
	if (stamps)
		next_stamp(s, 0, 1);
	*why = "its columns are shorter than its rows";
	if ((size_t)(s->steps.end - s->steps.at) < rows)
		return -1;
	b->locals = pool_grow(b->locals, &b->locals_capacity, rows, sizeof(*b->locals));
	b->freed_addr = pool_grow(b->freed_addr, &b->freed_capacity, rows, sizeof(*b->freed_addr));
	ranks_begin(&b->live, rows);
	ranks_begin(&b->freed, rows);
	return 0;
}

int64_t steps_decode(struct block *b, struct cursor *by_id, const char **why)
{
	uint64_t least = b->header.begin_ticks, rank = 0;
	struct steps s = { 0 };
	size_t row;

	if (begin_steps(b, by_id, &s, why) < 0)
		return -1;
	for (row = 0; row < b->header.row_count && !s.bad; row++) {
		const struct block_shape *shape = read_step(&s, &rank);
		struct event *e = &b->events[row];

		if (unlikely(!shape))
			return -1;
		read_time(&s, row);
		/* A shifted stamp may lie before begin_ticks; one that wraps round would, too. */
		if (s.ticks << s.time_shift > least)
			least = s.ticks << s.time_shift;
		*e = (struct event){ .ticks = least,
				     .addr = addr_of(b, &s, shape, row, rank),
				     .size = shape->size,
				     .stack = shape->stack,
				     .op = shape->op,
				     .func = shape->func,
				     .extra = shape->extra };
	}
	*why = b->live.count ? "a local allocation has no end"
			     : "its columns are shorter than its rows";
	if (s.bad || b->live.count || s.steps.at > s.steps.end || s.ranks.at > s.ranks.end ||
	    s.time.at > s.time.end)
		return -1;
	return (int64_t)row;
}
