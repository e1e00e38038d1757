/* SPDX-License-Identifier: MIT */
/*
 * compact.c - see compact.h. Runs in the thread whose chunk is full, and is most of what a full
 * chunk costs. Two passes: find the pairs, then write every column. What comes next in a program
 * can hardly be guessed, so both have few branches on it; their tables are cleared by a generation
 * number, not by memset: a flush of a few rows must not pay for the largest. Over 600 lines since both
 * passes work in one struct, with its tables, and the compiler must see all of it.
 */
#include "compact.h"

#include <string.h>

#include "encode.h"
#include "sys.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NOINLINE      __attribute__((noinline))

#define SLOT_BITS      14
#define SLOT_COUNT     (1u << SLOT_BITS) /* >= 2 * COMPACT_ROWS_MAX: load at most a half */
#define ROW_BITS       13
#define ROW_MASK       ((1u << ROW_BITS) - 1)
#define GENERATION_END (1u << (32 - ROW_BITS)) /* of the slots of shapes */

/* A place holds, from the top: generation, address (the two: its tag), is the row an end, row. */
#define PLACE_GENERATION_END 8u
#define PLACE_ADDR_BITS      47
#define PLACE_ADDR_END       (UINT64_C(1) << PLACE_ADDR_BITS)
#define PLACE_TAG_AT         (ROW_BITS + 1)

#define SHIFT_ADDR_MAX 12
#define SHIFT_COARSE \
	11 /* nobody else records: 2048 ticks are below a microsecond, stamps no finer */
#define SHIFT_FINE     4 /* docs/design-notes.md, 15 */
#define KINDS_SEARCHED 32
#define AHEAD          8 /* rows whose places are looked at together */
#define WORDS          ((COMPACT_ROWS_MAX + 63) / 64)
#define IS_NEW         0x10000u

static const uint64_t golden = UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / golden ratio: spreads keys */

/*
 * What rows have in common but their address and time. WORD: struct shim_row from `stack` on, with
 * SHIM_SHAPE_* in the op.
 */
struct shape {
	uint64_t word;
	uint64_t size;
};

/* A set of numbers that tells how many of its members are above one of them. */
struct ranks {
	uint64_t word[WORDS];
	uint16_t group[WORDS / 8 + 1]; /* members in 8 words */
	uint32_t end;                  /* above all members */
};

struct column {
	uint8_t *begin;
	uint8_t *at;
};

enum {
	KINDS,
	KIND_OF,
	STACK_OF,
	SIZE_OF,
	STEPS,
	RANKS,
	ALLOC_NEAR,
	ALLOC_FAR,
	OTHER_NEAR,
	OTHER_FAR,
	TIME,
	COLUMNS
};

/* The most that a row puts into each, and so a column's share of `bytes`. */
static const uint8_t bytes_per_row[COLUMNS] = {
	[KINDS] = 5,      [KIND_OF] = 2,   [STACK_OF] = 5,   [SIZE_OF] = 10,
	[STEPS] = 2,      [RANKS] = 2,     [ALLOC_NEAR] = 1, [ALLOC_FAR] = 8,
	[OTHER_NEAR] = 1, [OTHER_FAR] = 8, [TIME] = 10,
};
#define BYTES_PER_ROW 54
#define COLUMN_SLACK  16 /* writers store 8 bytes to keep fewer */

struct compact {
	uint32_t generation, place_generation;
	uint64_t places[SLOT_COUNT];      /* the newest allocation or end at an address */
	uint32_t shape_slots[SLOT_COUNT]; /* generation << 13 | shape */
	/*
	 * Pass 1. other: of an end its allocation's row + 1, of an allocation the row + 1 of the
	 * last end at its address; 0: none. is_paired: an allocation that has its end here.
	 */
	uint16_t other[COMPACT_ROWS_MAX + 1];
	uint8_t is_paired[COMPACT_ROWS_MAX + 1]; /* the last one: nobody's */
	/*
	 * Pass 2: of a paired allocation its number among them; with threads, of an end its number
	 * among the ends, whose addresses the reader then knows.
	 */
	uint16_t number[COMPACT_ROWS_MAX];
	struct shape shapes[COMPACT_ROWS_MAX];
	uint16_t next_shape[COMPACT_ROWS_MAX]; /* what followed a shape last: a guess, of any block */
	uint32_t shape_count, kind_count, last_stack;
	uint64_t kinds[KINDS_SEARCHED];
	struct ranks live, freed;
	unsigned addr_shift;
	struct column columns[COLUMNS];
	uint8_t bytes[COMPACT_ROWS_MAX * BYTES_PER_ROW + COLUMNS * COLUMN_SLACK];
};

_Static_assert(COMPACT_ROWS_MAX < 1u << ROW_BITS && 2 * COMPACT_ROWS_MAX <= SLOT_COUNT,
	       "rows fit the tables");

size_t compact_bytes(void)
{
	return sizeof(struct compact);
}

/* ---- sets of numbers ---- */

static inline unsigned bits_in(uint64_t v)
{
	v -= v >> 1 & UINT64_C(0x5555555555555555);
	v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
	v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned)(v * UINT64_C(0x0101010101010101) >> 56);
}

/* Adds the number above all so far; returns it. */
static inline uint32_t ranks_add(struct ranks *r)
{
	uint32_t n = r->end++;

	r->word[n >> 6] |= UINT64_C(1) << (n & 63);
	r->group[n >> 9]++;
	return n;
}

static inline int ranks_has(const struct ranks *r, uint32_t n)
{
	return (int)(r->word[n >> 6] >> (n & 63) & 1);
}

static inline void ranks_take(struct ranks *r, uint32_t n)
{
	r->word[n >> 6] &= ~(UINT64_C(1) << (n & 63));
	r->group[n >> 9]--;
}

/* How many members are above N. */
static inline uint32_t ranks_above(const struct ranks *r, uint32_t n)
{
	uint32_t word = n >> 6, last = (r->end - 1) >> 6, group;
	uint64_t rest = r->word[word] >> (n & 63) >> 1;
	uint32_t sum = bits_in(rest);

	if (likely(word == last))
		return sum;
	for (word++; word & 7; word++) {
		if (word > last)
			return sum;
		sum += bits_in(r->word[word]);
	}
	for (group = word >> 3; group <= last >> 3; group++)
		sum += r->group[group];
	return sum;
}

/* ---- pass 1: pairs ---- */

static inline int begins(uint8_t op)
{
	return op == SHIM_OP_ALLOC || op == SHIM_OP_REALLOC_ALLOC;
}

static inline int ends(uint8_t op)
{
	return op == SHIM_OP_FREE || op == SHIM_OP_REALLOC_FREE;
}

static void next_generation(struct compact *w)
{
	if (++w->generation == GENERATION_END) {
		memset(w->shape_slots, 0, sizeof(w->shape_slots));
		w->generation = 1;
	}
	if (++w->place_generation == PLACE_GENERATION_END) {
		memset(w->places, 0, sizeof(w->places));
		w->place_generation = 1;
	}
}

/* IF_SO or OTHERWISE by IS, 0 or 1: where a branch could not be guessed. */
static inline uint64_t choose(uint64_t is, uint64_t if_so, uint64_t otherwise)
{
	return otherwise ^ ((if_so ^ otherwise) & -is);
}

/* The place of TAG, or the empty one (of another generation) where it would be. From place I on. */
static inline uint64_t *place_of(uint64_t *places, uint32_t i, uint64_t tag)
{
	/* Equal: 0, which wraps round; of another generation: above all addresses. */
	while (unlikely((places[i] >> PLACE_TAG_AT ^ tag) - 1 < PLACE_ADDR_END - 1))
		i = (i + 1) & (SLOT_COUNT - 1);
	return &places[i];
}

/*
 * other[] and is_paired[] of row I, which is of op 1 to 4. An end matches the allocation that is the
 * newest at its address, an allocation the end. Ends that match nothing are noted if KEEPS_ENDS.
 */
static ALWAYS_INLINE void find_pair(struct compact *w, uint32_t start, uint64_t addr,
				    uint64_t is_end, uint32_t i, uint64_t keeps_ends)
{
	uint64_t tag = (uint64_t)w->place_generation << PLACE_ADDR_BITS | addr,
		 *place = place_of(w->places, start, tag), was = *place,
		 is = tag << PLACE_TAG_AT | is_end << ROW_BITS | i, row = was & ROW_MASK,
		 matches = (was >> PLACE_TAG_AT == tag) & ((was >> ROW_BITS & 1) ^ is_end);

	*place = choose((is_end ^ 1) | matches | keeps_ends, is, was);
	w->other[i] = (uint16_t)((row + 1) & -matches);
	w->is_paired[choose(matches & is_end, row, COMPACT_ROWS_MAX)] = 1;
}

/* A realloc that failed takes its pair back: the block lives on under its address. */
static COLD void part_pair(struct compact *w, uint32_t end)
{
	if (w->other[end])
		w->is_paired[w->other[end] - 1] = 0;
	w->other[end] = 0;
}

/* Where the search for the places of ROWS[COUNT], at most AHEAD, begins. */
static inline uint64_t look_ahead(struct compact *w, const struct shim_row *rows, uint32_t count,
				  uint32_t starts[AHEAD])
{
	uint64_t bits = 0;
	uint32_t i;

	for (i = 0; i < count; i++) {
		bits |= rows[i].addr;
		starts[i] = (uint32_t)(rows[i].addr * golden >> (64 - SLOT_BITS));
		__builtin_prefetch(&w->places[starts[i]], 1);
	}
	return bits;
}

/* Also finds the bits that all addresses lack. */
static void find_pairs(struct compact *w, const struct shim_row *rows, uint32_t count, int has_threads)
{
	uint64_t bits = 0;
	uint32_t i, starts[AHEAD], realloc_row = COMPACT_ROWS_MAX;

	memset(w->is_paired, 0, count);
	for (i = 0; i < count; i++) {
		const struct shim_row *row = &rows[i];
		unsigned op = row->op;

		if (i % AHEAD == 0)
			bits |= look_ahead(w, row, count - i < AHEAD ? count - i : AHEAD, starts);
		if (likely(op - SHIM_OP_ALLOC <= SHIM_OP_REALLOC_ALLOC - SHIM_OP_ALLOC &&
			   row->addr < PLACE_ADDR_END)) {
			find_pair(w, starts[i % AHEAD], row->addr, op - SHIM_OP_FREE < 2, i,
				  (uint64_t)has_threads);
			if (unlikely(op == SHIM_OP_REALLOC_FREE))
				realloc_row = i;
			continue;
		}
		w->other[i] = 0;
		if (op == SHIM_OP_REALLOC_FAIL && realloc_row < i &&
		    rows[realloc_row].addr == row->addr)
			part_pair(w, realloc_row);
	}
	w->addr_shift = bits ? (unsigned)__builtin_ctzll(bits) : 0;
	if (w->addr_shift > SHIFT_ADDR_MAX)
		w->addr_shift = SHIFT_ADDR_MAX;
}

/* ---- shapes ---- */

static inline void put(struct compact *w, unsigned column, uint64_t value)
{
	w->columns[column].at = encode_varint(w->columns[column].at, value);
}

static inline void put_byte(struct compact *w, unsigned column, uint32_t value)
{
	*w->columns[column].at++ = (uint8_t)value;
}

/* The number of a kind: op, function, extra. The search has a bound, so kinds may be there twice. */
static uint32_t kind_of(struct compact *w, uint64_t kind)
{
	uint32_t i;

	for (i = 0; i < w->kind_count && i < KINDS_SEARCHED; i++)
		if (w->kinds[i] == kind)
			return i;
	if (i < KINDS_SEARCHED)
		w->kinds[i] = kind;
	put_byte(w, KINDS, (uint8_t)kind);
	put_byte(w, KINDS, (uint8_t)(kind >> 8));
	put(w, KINDS, kind >> 16);
	return w->kind_count++;
}

static uint32_t new_shape(struct compact *w, uint64_t word, uint64_t size)
{
	uint32_t stack = (uint32_t)word;

	w->shapes[w->shape_count] = (struct shape){ word, size };
	put(w, KIND_OF, kind_of(w, word >> 32));
	put(w, STACK_OF, encode_zigzag((int64_t)stack - (int64_t)w->last_stack));
	put(w, SIZE_OF, size);
	w->last_stack = stack;
	return w->shape_count++;
}

static inline int is_shape(const struct compact *w, uint32_t i, uint64_t word, uint64_t size)
{
	return w->shapes[i].word == word && w->shapes[i].size == size;
}

/* The number of the shape with WORD and SIZE, with IS_NEW if it was made for this row. */
static NOINLINE uint32_t find_shape(struct compact *w, uint32_t last, uint64_t word, uint64_t size)
{
	uint64_t key = (word ^ size * UINT64_C(0xD6E8FEB86659FD93)) * golden;
	uint32_t i, slot;

	for (i = (uint32_t)(key >> (64 - SLOT_BITS));; i = (i + 1) & (SLOT_COUNT - 1)) {
		slot = w->shape_slots[i];
		if (slot >> ROW_BITS != w->generation) {
			slot = new_shape(w, word, size);
			w->shape_slots[i] = w->generation << ROW_BITS | slot;
			w->next_shape[last] = (uint16_t)slot;
			return slot | IS_NEW;
		}
		slot &= ROW_MASK;
		if (is_shape(w, slot, word, size))
			break;
	}
	w->next_shape[last] = (uint16_t)slot;
	return slot;
}

/* ---- pass 2: columns ---- */

/* What pass 2 keeps from row to row, in registers as far as they go. */
struct pass {
	uint8_t *steps, *times;
	uint64_t time, alloc_addr, other_addr;
	struct shape end;       /* of the newest local end */
	uint32_t last;          /* shape of the newest row that told one */
	uint32_t run, last_run; /* rows since the newest stamp, and between the two before */
};

static ALWAYS_INLINE void put_step(struct compact *w, struct pass *p, uint64_t word, uint64_t size)
{
	uint32_t shape = w->next_shape[p->last];

	if (shape >= w->shape_count || !is_shape(w, shape, word, size))
		shape = find_shape(w, p->last, word, size);
	p->last = shape & (IS_NEW - 1);
	p->steps = encode_short(p->steps, shape & IS_NEW ? 0 : 2 * shape + 2);
}

static ALWAYS_INLINE void put_fine(struct pass *p, uint64_t time)
{
	p->times = encode_varint(p->times, time - p->time);
	p->time = time;
}

static ALWAYS_INLINE void put_coarse(struct pass *p, uint64_t time)
{
	if (unlikely(time != p->time)) {
		if (p->run == p->last_run) {
			p->times = encode_varint(p->times, (time - p->time) * 2);
		} else {
			p->times = encode_varint(p->times, p->run * 2 + 1);
			p->times = encode_varint(p->times, time - p->time);
			p->last_run = p->run;
		}
		p->time = time;
		p->run = 0;
	}
	p->run++;
}

/* The distance from *PREVIOUS to ADDR, to the column NEAR and the one behind it. */
static inline void put_addr(struct compact *w, unsigned near, uint64_t *previous, uint64_t addr)
{
	uint64_t distance = encode_zigzag((int64_t)(addr - *previous));
	unsigned bytes;

	*previous = addr;
	if (distance < SHIM_ADDR_RANKS) {
		put_byte(w, near, (uint32_t)distance);
		return;
	}
	bytes = 8 - (unsigned)__builtin_clzll(distance) / 8;
	put_byte(w, near, SHIM_ADDR_FAR + bytes - 1);
	memcpy(w->columns[near + 1].at, &distance, sizeof(distance));
	w->columns[near + 1].at += bytes;
}

/* The address of allocation ROW: most often one that has just been given back. */
static inline void put_alloc_addr(struct compact *w, uint32_t row, uint64_t *previous, uint64_t addr)
{
	uint32_t end = w->other[row] ? w->number[w->other[row] - 1] : COMPACT_ROWS_MAX, rank;

	if (end < w->freed.end && ranks_has(&w->freed, end)) {
		rank = ranks_above(&w->freed, end);
		if (rank < SHIM_ADDR_FAR - SHIM_ADDR_RANKS) {
			ranks_take(&w->freed, end);
			put_byte(w, ALLOC_NEAR, SHIM_ADDR_RANKS + rank);
			*previous = addr;
			return;
		}
	}
	put_addr(w, ALLOC_NEAR, previous, addr);
}

static ALWAYS_INLINE void put_alloc(struct compact *w, struct pass *p, const struct shim_row *row,
				    uint32_t i, uint64_t word, int has_threads)
{
	uint32_t is_paired = w->is_paired[i];

	if (likely(is_paired)) {
		w->number[i] = (uint16_t)ranks_add(&w->live);
		word |= (uint64_t)(SHIM_SHAPE_LOCAL | (has_threads ? SHIM_SHAPE_ADDRESSED : 0)) << 32;
	}
	put_step(w, p, word, row->size);
	if (has_threads)
		put_alloc_addr(w, i, &p->alloc_addr, row->addr >> w->addr_shift);
	else if (!is_paired)
		put_addr(w, ALLOC_NEAR, &p->alloc_addr, row->addr >> w->addr_shift);
}

/* The end of a local block, whose number among those is NUMBER. */
static ALWAYS_INLINE void put_local_end(struct compact *w, struct pass *p, uint64_t word,
					uint64_t size, uint32_t number)
{
	uint32_t rank = ranks_above(&w->live, number);

	ranks_take(&w->live, number);
	if (likely(p->end.word == word && p->end.size == size)) {
		p->steps = encode_short(p->steps, 2 * rank + 1);
		return;
	}
	p->end = (struct shape){ word, size };
	put_step(w, p, word | (uint64_t)SHIM_SHAPE_LOCAL << 32, size);
	w->columns[RANKS].at = encode_short(w->columns[RANKS].at, rank);
}

static ALWAYS_INLINE void put_end(struct compact *w, struct pass *p, const struct shim_row *row,
				  uint32_t i, uint64_t word, int has_threads)
{
	uint32_t alloc = w->other[i];

	if (likely(alloc))
		put_local_end(w, p, word, row->size, w->number[alloc - 1]);
	if (has_threads)
		w->number[i] = (uint16_t)ranks_add(&w->freed);
	if (!alloc) {
		put_step(w, p, word, row->size);
		put_addr(w, OTHER_NEAR, &p->other_addr, row->addr >> w->addr_shift);
	}
}

static ALWAYS_INLINE void put_other(struct compact *w, struct pass *p, const struct shim_row *row,
				    uint64_t word)
{
	put_step(w, p, word, row->size);
	if (row->op == SHIM_OP_MMAP)
		put_addr(w, ALLOC_NEAR, &p->alloc_addr, row->addr >> w->addr_shift);
	else if (row->op != SHIM_OP_ALLOC_FAIL)
		put_addr(w, OTHER_NEAR, &p->other_addr, row->addr >> w->addr_shift);
}

static ALWAYS_INLINE void write_columns(struct compact *w, const struct shim_row *rows,
					uint32_t count, uint64_t begin_ticks, int has_threads,
					int is_coarse, unsigned time_shift)
{
	struct pass p = { .steps = w->columns[STEPS].at,
			  .times = w->columns[TIME].at,
			  .time = begin_ticks >> time_shift };
	uint32_t i;

	for (i = 0; i < count; i++) {
		const struct shim_row *row = &rows[i];
		uint64_t word;

		memcpy(&word, &row->stack, sizeof(word));
		if (is_coarse)
			put_coarse(&p, row->ticks >> time_shift);
		else
			put_fine(&p, row->ticks >> time_shift);
		if (ends(row->op))
			put_end(w, &p, row, i, word, has_threads);
		else if (likely(begins(row->op)))
			put_alloc(w, &p, row, i, word, has_threads);
		else
			put_other(w, &p, row, word);
	}
	w->columns[STEPS].at = p.steps;
	w->columns[TIME].at = p.times;
}

static NOINLINE void write_alone(struct compact *w, const struct shim_row *rows, uint32_t count,
				 uint64_t begin_ticks)
{
	write_columns(w, rows, count, begin_ticks, 0, 1, SHIFT_COARSE);
}

static NOINLINE void write_beside(struct compact *w, const struct shim_row *rows, uint32_t count,
				  uint64_t begin_ticks, int has_threads, unsigned time_shift)
{
	write_columns(w, rows, count, begin_ticks, has_threads, 0, time_shift);
}

/* ---- the payload ---- */

/* A column of the payload: PREFIX and then the columns FIRST to LAST. */
struct part {
	uint8_t id;
	uint8_t first, last;
	uint8_t prefix_bytes;
	uint8_t prefix[2 * ENCODE_VARINT_MAX];
};

static void begin(struct compact *w, uint32_t count)
{
	uint8_t *at = w->bytes;
	unsigned i;

	next_generation(w);
	w->shape_count = w->kind_count = w->last_stack = 0;
	memset(&w->live, 0, sizeof(w->live));
	memset(&w->freed, 0, sizeof(w->freed));
	for (i = 0; i < COLUMNS; i++) {
		w->columns[i].begin = w->columns[i].at = at;
		at += bytes_per_row[i] * (size_t)count + COLUMN_SLACK;
	}
}

static inline size_t length_of(const struct column *column)
{
	return (size_t)(column->at - column->begin);
}

static uint8_t *write_part(const struct compact *w, const struct part *part, uint8_t *at)
{
	unsigned i;

	memcpy(at, part->prefix, part->prefix_bytes);
	at += part->prefix_bytes;
	for (i = part->first; i <= part->last; i++) {
		memcpy(at, w->columns[i].begin, length_of(&w->columns[i]));
		at += length_of(&w->columns[i]);
	}
	return at;
}

/* Those that are empty are left out, but for the first, by which readers know the form. */
static size_t write_payload(const struct compact *w, const struct part *parts, size_t count,
			    uint8_t *out)
{
	uint8_t *at = out + 1;
	size_t i, j;

	*out = 0;
	for (i = 0; i < count; i++) {
		size_t length = 0;

		for (j = parts[i].first; j <= parts[i].last; j++)
			length += length_of(&w->columns[j]);
		if (!length && i)
			continue;
		++*out;
		*at++ = parts[i].id;
		at = encode_varint(at, length + parts[i].prefix_bytes);
	}
	for (i = 0; i < count; i++)
		if (!i || length_of(&w->columns[parts[i].first]))
			at = write_part(w, &parts[i], at);
	return (size_t)(at - out);
}

size_t compact_rows(struct compact *w, const struct shim_row *rows, uint32_t count,
		    uint64_t begin_ticks, unsigned order, uint8_t *out)
{
	const uint8_t time_shift = !order ? SHIFT_COARSE : order & COMPACT_TIMES ? 0 : SHIFT_FINE;
	struct part shapes = { SHIM_COLUMN_SHAPE_PARTS, KINDS, SIZE_OF, 0, { 0 } };
	uint8_t *end;

	begin(w, count);
	find_pairs(w, rows, count, (order & COMPACT_ADDRESSES) != 0);
	if (order)
		write_beside(w, rows, count, begin_ticks, (order & COMPACT_ADDRESSES) != 0,
			     time_shift);
	else
		write_alone(w, rows, count, begin_ticks);
	end = encode_varint(shapes.prefix, w->kind_count);
	end = encode_varint(end, w->shape_count);
	shapes.prefix_bytes = (uint8_t)(end - shapes.prefix);
	{
		const uint8_t addr_shift = (uint8_t)w->addr_shift;
		const struct part parts[] = {
			shapes,
			{ SHIM_COLUMN_STEPS, STEPS, STEPS, 0, { 0 } },
			{ SHIM_COLUMN_RANKS, RANKS, RANKS, 0, { 0 } },
			{ SHIM_COLUMN_ALLOC_NEAR, ALLOC_NEAR, ALLOC_NEAR, 1, { addr_shift } },
			{ SHIM_COLUMN_OTHER_NEAR, OTHER_NEAR, OTHER_NEAR, 1, { addr_shift } },
			{ SHIM_COLUMN_ALLOC_FAR, ALLOC_FAR, ALLOC_FAR, 0, { 0 } },
			{ SHIM_COLUMN_OTHER_FAR, OTHER_FAR, OTHER_FAR, 0, { 0 } },
			{ order ? SHIM_COLUMN_TIME : SHIM_COLUMN_STAMPS, TIME, TIME, 1, { time_shift } },
		};

		return write_payload(w, parts, sizeof(parts) / sizeof(parts[0]), out);
	}
}
