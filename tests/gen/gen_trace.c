/* SPDX-License-Identifier: MIT */
/*
 * gen_trace.c - see gen_trace.h: the writer of the format.
 */
#include "gen_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define GEN_LEVEL 1
#define GEN_PAGE  4096u

/* ---- bytes ---------------------------------------------------------------------------------- */

static void gen_put(struct gen_bytes *b, const void *bytes, size_t length)
{
	if (b->length + length > b->capacity) {
		b->capacity = (b->length + length) * 2 + 1024;
		b->at = realloc(b->at, b->capacity);
		if (!b->at)
			abort();
	}
	if (length)
		memcpy(b->at + b->length, bytes, length);
	b->length += length;
}

static void gen_byte(struct gen_bytes *b, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	gen_put(b, &byte, 1);
}

static void gen_varint(struct gen_bytes *b, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		gen_byte(b, (unsigned)(value & 0x7f) | 0x80);
	gen_byte(b, (unsigned)value);
}

static void gen_signed(struct gen_bytes *b, uint64_t difference)
{
	int64_t n = (int64_t)difference;

	gen_varint(b, (uint64_t)n << 1 ^ (uint64_t)(n >> 63));
}

static void gen_text(struct gen_bytes *b, const char *text)
{
	gen_varint(b, strlen(text));
	gen_put(b, text, strlen(text));
}

static uint32_t gen_crc(const uint8_t *at, size_t length)
{
	uint32_t crc = 0xffffffff;
	int bit;

	for (; length; length--)
		for (crc ^= *at++, bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	return ~crc;
}

/* A skippable frame: facts header with the CRC of FIELDS, FIELDS, TAIL. */
static void gen_facts(struct gen *g, uint32_t frame, const char *magic,
		      const struct gen_bytes *fields, const void *tail, size_t tail_length)
{
	struct shim_trace_facts facts = { .version = SHIM_TRACE_VERSION, .run_id = g->run_id };
	uint32_t start[2] = { frame, (uint32_t)(sizeof(facts) + fields->length + tail_length) };

	memcpy(facts.magic, magic, sizeof(facts.magic));
	facts.crc = gen_crc(fields->at, fields->length);
	gen_put(&g->trace, start, sizeof(start));
	gen_put(&g->trace, &facts, sizeof(facts));
	gen_put(&g->trace, fields->at, fields->length);
	gen_put(&g->trace, tail, tail_length);
}

/* ---- header, footer, file ------------------------------------------------------------------- */

static void gen_fact(struct gen_bytes *b, const char *key, const char *value)
{
	gen_text(b, key);
	gen_text(b, value);
}

static void gen_fact_number(struct gen_bytes *b, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	gen_fact(b, key, text);
}

void gen_begin(struct gen *g, uint64_t run_id, const char *const *extra)
{
	struct gen_bytes fields = { 0 };

	memset(g, 0, sizeof(*g));
	g->run_id = run_id;
	g->start_ticks = g->last_ticks = 1000000;
	gen_fact(&fields, "program", "app");
	gen_fact(&fields, "pid", "4242");
	gen_fact(&fields, "clock", "monotonic");
	gen_fact(&fields, "start_unix_ns", "1700000000000000000");
	gen_fact_number(&fields, "start_ticks", g->start_ticks);
	gen_fact_number(&fields, "start_mono_ns", g->start_ticks);
	gen_text(&fields, "command");
	gen_varint(&fields, 9);
	gen_put(&fields, "app\0-x\0y", 9);
	for (; extra && extra[0]; extra += 2)
		gen_fact(&fields, extra[0], extra[1]);
	gen_facts(g, SHIM_FRAME_HEADER, SHIM_HEADER_MAGIC, &fields, NULL, 0);
	free(fields.at);
}

void gen_free(struct gen *g)
{
	free(g->trace.at);
	free(g->spool.at);
	free(g->index.at);
	free(g->defs.at);
	memset(g, 0, sizeof(*g));
}

void gen_end(struct gen *g, const char *end)
{
	struct shim_trace_tail tail = { .index_offset = g->trace.length };
	struct gen_bytes fields = { 0 };

	gen_facts(g, SHIM_FRAME_INDEX, SHIM_INDEX_MAGIC, &g->index, NULL, 0);
	tail.footer_offset = g->trace.length;
	memcpy(tail.magic, SHIM_END_MAGIC, sizeof(tail.magic));
	gen_fact(&fields, "end", end);
	gen_fact_number(&fields, "end_ticks", g->last_ticks);
	gen_fact_number(&fields, "end_mono_ns", g->last_ticks);
	gen_fact_number(&fields, "events", g->rows);
	gen_facts(g, SHIM_FRAME_FOOTER, SHIM_FOOTER_MAGIC, &fields, &tail, sizeof(tail));
	free(fields.at);
}

static int gen_write_file(const char *path, const struct gen_bytes *b)
{
	FILE *file = fopen(path, "wb");
	int good = file && fwrite(b->at, 1, b->length, file) == b->length;

	if (file && fclose(file) != 0)
		good = 0;
	return good ? 0 : -1;
}

int gen_write(const struct gen *g, const char *path)
{
	char spool[4096];

	snprintf(spool, sizeof(spool), "%s" SHIM_SPOOL_SUFFIX, path);
	remove(spool);
	if (gen_write_file(path, &g->trace) < 0)
		return -1;
	return g->spool.length ? gen_write_file(spool, &g->spool) : 0;
}

/* ---- blocks --------------------------------------------------------------------------------- */

void gen_raw_block(struct gen *g, const struct shim_block *header, const void *payload, size_t length)
{
	size_t bytes = sizeof(*header) + length, bound = ZSTD_compressBound(bytes), packed;
	uint8_t *plain = malloc(bytes), *out = malloc(bound);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	struct shim_index_entry entry = {
		.offset = g->trace.length,
		.begin_ticks = header->begin_ticks,
		.end_ticks = header->end_ticks,
		.thread = header->thread,
		.seq = header->seq,
		.row_count = header->row_count,
		.kind = header->kind,
	};

	memcpy(plain, header, sizeof(*header));
	if (length)
		memcpy(plain + sizeof(*header), payload, length);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, GEN_LEVEL);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	packed = ZSTD_compress2(zstd, out, bound, plain, bytes);
	if (ZSTD_isError(packed))
		abort();
	entry.frame_bytes = (uint32_t)packed;
	gen_put(&g->index, &entry, sizeof(entry));
	gen_put(&g->trace, out, packed);
	ZSTD_freeCCtx(zstd);
	free(plain);
	free(out);
}

void gen_raw_chunk(struct gen *g, const struct shim_chunk *chunk, const void *payload, size_t length)
{
	static const uint8_t zeros[GEN_PAGE];
	struct shim_chunk c = *chunk;

	if (!g->spool.length) {
		struct shim_spool spool = { .version = SHIM_TRACE_VERSION,
					    .header_bytes = SHIM_SPOOL_HEADER_BYTES,
					    .run_id = g->run_id,
					    .pid = 4242,
					    .start_ticks = g->start_ticks,
					    .start_mono_ns = g->start_ticks,
					    .last_ticks = g->last_ticks,
					    .last_mono_ns = g->last_ticks };

		memcpy(spool.magic, SHIM_SPOOL_MAGIC, sizeof(spool.magic));
		gen_put(&g->spool, &spool, sizeof(spool));
		gen_put(&g->spool, zeros, SHIM_SPOOL_HEADER_BYTES - sizeof(spool));
	}
	c.bytes = (uint32_t)((sizeof(c) + length + GEN_PAGE - 1) / GEN_PAGE * GEN_PAGE);
	gen_put(&g->spool, &c, sizeof(c));
	gen_put(&g->spool, payload, length);
	if (g->spool.length % GEN_PAGE)
		gen_put(&g->spool, zeros, GEN_PAGE - g->spool.length % GEN_PAGE);
}

static void gen_note_time(struct gen *g, const struct shim_row *rows, size_t count)
{
	if (count && rows[count - 1].ticks > g->last_ticks)
		g->last_ticks = rows[count - 1].ticks;
	g->rows += count;
}

void gen_block(struct gen *g, uint32_t thread, const struct shim_row *rows, size_t count,
	       unsigned layout)
{
	struct shim_block b = { .magic = SHIM_BLOCK_MAGIC,
				.kind = SHIM_BLOCK_EVENTS,
				.layout = (uint8_t)layout,
				.thread = thread,
				.seq = g->seqs[thread]++,
				.row_count = (uint32_t)count };
	const void *payload = rows;
	size_t length = count * sizeof(*rows);
	uint8_t *columns = NULL;

	b.begin_ticks = count ? rows[0].ticks : g->last_ticks;
	b.begin_mono_ns = b.begin_ticks;
	b.end_ticks = count ? rows[count - 1].ticks : b.begin_ticks;
	b.lost = g->lost[thread];
	b.sample_bytes = g->sample_bytes;
	if (layout == SHIM_LAYOUT_COLUMNS)
		payload = columns = gen_columns(g, rows, count, b.begin_ticks, &length);
	b.payload_bytes = (uint32_t)length;
	gen_note_time(g, rows, count);
	gen_raw_block(g, &b, payload, length);
	free(columns);
}

void gen_chunk(struct gen *g, uint32_t thread, const struct shim_row *rows, size_t count)
{
	struct shim_chunk c = { .magic = SHIM_CHUNK_MAGIC,
				.kind = SHIM_BLOCK_EVENTS,
				.layout = SHIM_LAYOUT_ROWS,
				.thread = thread,
				.seq = g->seqs[thread]++,
				.used = (uint32_t)(count * sizeof(*rows)) };

	c.begin_ticks = c.begin_mono_ns = count ? rows[0].ticks : g->last_ticks;
	c.lost = g->lost[thread];
	c.sample_bytes = g->sample_bytes;
	gen_note_time(g, rows, count);
	gen_raw_chunk(g, &c, rows, c.used);
}

/* ---- columns -------------------------------------------------------------------------------- */

struct gen_shape {
	uint8_t op, func;
	uint16_t extra;
	uint32_t stack;
	uint64_t size;
};

#define GEN_SLOTS 65536 /* of hash tables over the rows of one block */

struct gen_columns {
	struct gen_shape shapes[GEN_SLOTS];
	uint32_t by_hash[GEN_SLOTS]; /* shape + 1 */
	uint32_t shape_count;
	uint64_t open_addr[GEN_SLOTS];
	/* row + 1 of an allocation that may still end here; UINT32_MAX: taken and done */
	uint32_t open_row[GEN_SLOTS];
	/* row + 1 of an end's allocation; UINT32_MAX for an allocation that ends */
	uint32_t partner[GEN_SLOTS];
};

static uint32_t gen_shape_of(struct gen_columns *c, const struct gen_shape *s)
{
	uint64_t hash = (s->size * 31 + s->stack) * 1000003u + s->op * 977u + s->func * 31u +
			s->extra;
	uint32_t i;

	for (i = (uint32_t)((hash * 0x9e3779b97f4a7c15u) >> 48); c->by_hash[i];
	     i = (i + 1) % GEN_SLOTS) {
		const struct gen_shape *have = &c->shapes[c->by_hash[i] - 1];

		if (have->op == s->op && have->func == s->func && have->extra == s->extra &&
		    have->stack == s->stack && have->size == s->size)
			return c->by_hash[i] - 1;
	}
	c->shapes[c->shape_count] = *s;
	c->by_hash[i] = ++c->shape_count;
	return c->shape_count - 1;
}

static uint32_t gen_open_slot(const struct gen_columns *c, uint64_t addr)
{
	uint32_t i = (uint32_t)((addr * 0x9e3779b97f4a7c15u) >> 48);

	while (c->open_row[i] && c->open_addr[i] != addr)
		i = (i + 1) % GEN_SLOTS;
	return i;
}

static void gen_pair(struct gen_columns *c, const struct shim_row *rows, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		uint32_t slot = gen_open_slot(c, rows[i].addr);

		if (rows[i].op == SHIM_OP_ALLOC || rows[i].op == SHIM_OP_REALLOC_ALLOC) {
			c->open_addr[slot] = rows[i].addr;
			c->open_row[slot] = (uint32_t)i + 1;
		} else if ((rows[i].op == SHIM_OP_FREE || rows[i].op == SHIM_OP_REALLOC_FREE) &&
			   c->open_row[slot] && c->open_row[slot] != UINT32_MAX) {
			c->partner[i] = c->open_row[slot];
			c->partner[c->open_row[slot] - 1] = UINT32_MAX;
			c->open_row[slot] = UINT32_MAX;
		}
	}
}

static void gen_put_columns(struct gen_bytes *out, struct gen_bytes columns[7])
{
	unsigned i;

	gen_byte(out, 6);
	for (i = 1; i <= 6; i++) {
		gen_byte(out, i);
		gen_varint(out, columns[i].length);
	}
	for (i = 1; i <= 6; i++) {
		gen_put(out, columns[i].at, columns[i].length);
		free(columns[i].at);
	}
}

static void gen_put_shapes(struct gen_bytes *out, const struct gen_columns *c)
{
	uint32_t last = 0, i;

	gen_varint(out, c->shape_count);
	for (i = 0; i < c->shape_count; i++) {
		const struct gen_shape *s = &c->shapes[i];

		gen_byte(out, s->op);
		gen_byte(out, s->func);
		gen_varint(out, s->extra);
		gen_signed(out, (uint64_t)s->stack - last);
		gen_varint(out, s->size);
		last = s->stack;
	}
}

/* One row into its columns; LOCALS counts the local allocations, NUMBERS their numbers by row. */
static void gen_put_row(const struct gen *g, struct gen_columns *c, struct gen_bytes columns[7],
			const struct shim_row *r, size_t at, uint32_t *locals, uint32_t *numbers,
			uint64_t last_addr[2])
{
	struct gen_shape s = {
		.op = r->op, .func = r->func, .extra = r->extra, .stack = r->stack, .size = r->size
	};
	int begins = r->op == SHIM_OP_ALLOC || r->op == SHIM_OP_REALLOC_ALLOC,
	    local = c->partner[at] != 0;

	if (local)
		s.op |= begins && g->addressed ? SHIM_SHAPE_LOCAL | SHIM_SHAPE_ADDRESSED
					       : SHIM_SHAPE_LOCAL;
	gen_varint(&columns[SHIM_COLUMN_CODES], gen_shape_of(c, &s));
	if (local && begins)
		numbers[at] = (*locals)++;
	if (local && !begins) {
		gen_varint(&columns[SHIM_COLUMN_BACK], *locals - 1 - numbers[c->partner[at] - 1]);
	} else if (r->op != SHIM_OP_ALLOC_FAIL && !(local && !g->addressed)) {
		int to_alloc = begins || r->op == SHIM_OP_MMAP;

		gen_signed(&columns[to_alloc ? SHIM_COLUMN_ALLOC_ADDR : SHIM_COLUMN_OTHER_ADDR],
			   r->addr - last_addr[to_alloc]);
		last_addr[to_alloc] = r->addr;
	}
}

uint8_t *gen_columns(const struct gen *g, const struct shim_row *rows, size_t count,
		     uint64_t begin_ticks, size_t *length)
{
	struct gen_columns *c = calloc(1, sizeof(*c));
	uint32_t *numbers = calloc(count + 1, sizeof(*numbers)), locals = 0;
	struct gen_bytes columns[7] = { { 0 } }, out = { 0 };
	uint64_t last_addr[2] = { 0, 0 }, time = begin_ticks >> g->time_shift;
	size_t i;

	if (!c || !numbers || count > GEN_SLOTS / 2)
		abort();
	gen_byte(&columns[SHIM_COLUMN_ALLOC_ADDR], 0);
	gen_byte(&columns[SHIM_COLUMN_OTHER_ADDR], 0);
	gen_byte(&columns[SHIM_COLUMN_TIME], (unsigned)g->time_shift);
	gen_pair(c, rows, count);
	for (i = 0; i < count; i++) {
		gen_put_row(g, c, columns, &rows[i], i, &locals, numbers, last_addr);
		gen_varint(&columns[SHIM_COLUMN_TIME], (rows[i].ticks >> g->time_shift) - time);
		time = rows[i].ticks >> g->time_shift;
	}
	gen_put_shapes(&columns[SHIM_COLUMN_SHAPES], c);
	gen_put_columns(&out, columns);
	free(numbers);
	free(c);
	*length = out.length;
	return out.at;
}

/* ---- definitions ---------------------------------------------------------------------------- */

void gen_record(struct gen *g, unsigned type, const void *body, size_t length)
{
	gen_varint(&g->defs, type);
	gen_varint(&g->defs, length);
	gen_put(&g->defs, body, length);
	g->defs_count++;
}

/* Adds the record of BODY, frees it. */
static void gen_add(struct gen *g, unsigned type, struct gen_bytes *body)
{
	gen_record(g, type, body->at, body->length);
	free(body->at);
}

void gen_stack(struct gen *g, uint32_t id, uint32_t parent, uint64_t pc, int exact)
{
	struct gen_bytes b = { 0 };
	int64_t difference = (int64_t)(pc - g->last_pc);

	gen_varint(&b, id - g->last_stack);
	gen_varint(&b, id - parent);
	gen_varint(&b,
		   ((uint64_t)difference << 1 ^ (uint64_t)(difference >> 63)) << 1 | (exact != 0));
	g->last_stack = id;
	g->last_pc = pc;
	gen_add(g, SHIM_DEF_STACK, &b);
}

void gen_module(struct gen *g, uint32_t id, uint64_t ticks, uint64_t bias, const char *path,
		const char *build_id, uint64_t vaddr, uint64_t size)
{
	struct gen_bytes b = { 0 };

	gen_varint(&b, id);
	gen_varint(&b, ticks);
	gen_varint(&b, bias);
	gen_text(&b, path);
	gen_text(&b, build_id);
	gen_varint(&b, 1);
	gen_varint(&b, vaddr);
	gen_varint(&b, size);
	gen_varint(&b, 5);
	gen_add(g, SHIM_DEF_MODULE_LOAD, &b);
}

/* Records that begin with two numbers, and have perhaps a third, a fourth and a text. */
static void gen_simple(struct gen *g, unsigned type, const uint64_t *numbers, unsigned count,
		       const char *text)
{
	struct gen_bytes b = { 0 };
	unsigned i;

	for (i = 0; i < count; i++)
		gen_varint(&b, numbers[i]);
	if (text)
		gen_text(&b, text);
	gen_add(g, type, &b);
}

void gen_unload(struct gen *g, uint32_t id, uint64_t ticks)
{
	gen_simple(g, SHIM_DEF_MODULE_UNLOAD, (uint64_t[]){ id, ticks }, 2, NULL);
}

void gen_thread(struct gen *g, uint32_t index, uint64_t ticks, uint64_t tid, const char *name)
{
	gen_simple(g, SHIM_DEF_THREAD_START, (uint64_t[]){ index, ticks, tid, 0, 0 }, 5, name);
}

void gen_thread_end(struct gen *g, uint32_t index, uint64_t ticks)
{
	gen_simple(g, SHIM_DEF_THREAD_END, (uint64_t[]){ index, ticks }, 2, NULL);
}

void gen_clock(struct gen *g, uint64_t ticks, uint64_t mono_ns)
{
	gen_simple(g, SHIM_DEF_CLOCK, (uint64_t[]){ ticks, mono_ns }, 2, NULL);
}

void gen_note(struct gen *g, uint64_t ticks, unsigned level, const char *text)
{
	gen_simple(g, SHIM_DEF_NOTE, (uint64_t[]){ ticks, level }, 2, text);
}

void gen_mark(struct gen *g, uint64_t ticks, uint32_t thread, const char *text)
{
	gen_simple(g, SHIM_DEF_MARK, (uint64_t[]){ ticks, thread }, 2, text);
}

void gen_process(struct gen *g, uint64_t ticks, unsigned what, uint64_t pid, const char *path)
{
	gen_simple(g, SHIM_DEF_PROCESS, (uint64_t[]){ ticks, what, pid }, 3, path);
}

void gen_defs(struct gen *g, int spooled)
{
	struct shim_block b = { .magic = SHIM_BLOCK_MAGIC,
				.kind = SHIM_BLOCK_DEFS,
				.seq = g->defs_seq,
				.begin_ticks = g->last_ticks,
				.end_ticks = g->last_ticks,
				.row_count = g->defs_count,
				.payload_bytes = (uint32_t)g->defs.length };
	struct shim_chunk c = { .magic = SHIM_CHUNK_MAGIC,
				.kind = SHIM_BLOCK_DEFS,
				.seq = g->defs_seq,
				.begin_ticks = g->last_ticks,
				.used = (uint32_t)g->defs.length };

	if (spooled)
		gen_raw_chunk(g, &c, g->defs.at, g->defs.length);
	else
		gen_raw_block(g, &b, g->defs.at, g->defs.length);
	g->defs_seq++;
	g->defs.length = 0;
	g->defs_count = 0;
	g->last_stack = g->last_pc = 0;
}
