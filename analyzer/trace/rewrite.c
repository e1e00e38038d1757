/* SPDX-License-Identifier: MIT */
/*
 * rewrite.c - see rewrite.h. Reads one block at a time and writes it at once; the index is all that
 * is kept in memory.
 */
#include "trace/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "util/buf.h"
#include "util/crc32.h"
#include "util/pool.h"

#define REWRITE_LEVEL 3

struct rewrite {
	const struct source *source;
	struct rewrite_result *result;
	struct buf out;
	struct buf index; /* entries */
	struct block block;
	ZSTD_CCtx *zstd;
	uint64_t offset; /* bytes written so far */
	uint64_t lost, last_ticks, last_mono_ns;
};

static void put(struct rewrite *w, const void *bytes, size_t length)
{
	buf_add(&w->out, bytes, length);
	w->offset += length;
}

static void put_varint(struct buf *b, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buf_putc(b, (char)(value | 0x80));
	buf_putc(b, (char)value);
}

static void put_field(struct buf *b, const char *key, const char *value, size_t length)
{
	put_varint(b, strlen(key));
	buf_puts(b, key);
	put_varint(b, length);
	buf_add(b, value, length);
}

static void put_number(struct buf *b, const char *key, uint64_t value)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);

	put_field(b, key, text, (size_t)length);
}

/* A skippable frame of facts: FIELDS behind their checksum, TAIL behind them. */
static void put_facts(struct rewrite *w, uint32_t frame, const char *magic,
		      const struct buf *fields, const void *tail, size_t tail_bytes)
{
	struct shim_trace_facts facts = { .version = SHIM_TRACE_VERSION,
					  .run_id = w->source->header.run_id };
	uint32_t start[2] = { frame, (uint32_t)(sizeof(facts) + fields->length + tail_bytes) };

	memcpy(facts.magic, magic, sizeof(facts.magic));
	facts.crc = crc32_add(0, fields->bytes, fields->length);
	put(w, start, sizeof(start));
	put(w, &facts, sizeof(facts));
	put(w, fields->bytes, fields->length);
	put(w, tail, tail_bytes);
}

static void put_header(struct rewrite *w)
{
	const struct fields *header = &w->source->header;
	struct buf fields;
	size_t i;

	buf_init(&fields);
	for (i = 0; i < header->count; i++)
		put_field(&fields, header->items[i].key, header->items[i].value,
			  header->items[i].length);
	put_facts(w, SHIM_FRAME_HEADER, SHIM_HEADER_MAGIC, &fields, NULL, 0);
	buf_free(&fields);
}

/* Remembers the block that is about to be written with FRAME_BYTES. */
static void note_block(struct rewrite *w, size_t frame_bytes)
{
	const struct shim_block *h = &w->block.header;
	struct shim_index_entry entry = {
		.offset = w->offset,
		.begin_ticks = h->begin_ticks,
		.end_ticks = h->end_ticks,
		.frame_bytes = (uint32_t)frame_bytes,
		.thread = h->thread,
		.seq = h->seq,
		.row_count = h->row_count,
		.kind = h->kind,
	};

	buf_add(&w->index, &entry, sizeof(entry));
	if (h->kind == SHIM_BLOCK_EVENTS)
		w->result->events += h->row_count;
	if (h->begin_mono_ns && h->begin_ticks >= w->last_ticks) {
		w->last_ticks = h->begin_ticks;
		w->last_mono_ns = h->begin_mono_ns;
	}
}

/* A chunk of the spool becomes the block that it would have been, in the layout that it has. */
static void put_chunk(struct rewrite *w)
{
	const struct shim_block *h = &w->block.header;
	size_t plain_bytes, bound, packed;
	struct shim_block header = *h;
	uint8_t *plain, *out;

	if (h->kind == SHIM_BLOCK_EVENTS) { /* whole rows only */
		header.row_count = h->payload_bytes / (uint32_t)sizeof(struct shim_row);
		header.payload_bytes = header.row_count * (uint32_t)sizeof(struct shim_row);
	}
	plain_bytes = sizeof(header) + header.payload_bytes;
	bound = ZSTD_compressBound(plain_bytes);
	plain = xmalloc(plain_bytes);
	out = xmalloc(bound);
	memcpy(plain, &header, sizeof(header));
	memcpy(plain + sizeof(header), w->block.payload, header.payload_bytes);
	packed = ZSTD_compress2(w->zstd, out, bound, plain, plain_bytes);
	if (ZSTD_isError(packed)) {
		w->result->blocks_dropped++;
	} else {
		note_block(w, packed);
		put(w, out, packed);
		w->result->blocks_from_spool++;
	}
	free(plain);
	free(out);
}

static void put_blocks(struct rewrite *w)
{
	const struct source *s = w->source;
	size_t i;

	for (i = 0; i < s->frame_count; i++) {
		const struct frame *f = &s->frames[i];

		if (f->kind != FRAME_BLOCK && f->kind != FRAME_CHUNK)
			continue;
		if (source_read(s, f, &w->block, NULL) < 0) {
			w->result->blocks_dropped++;
		} else if (f->kind == FRAME_CHUNK) {
			put_chunk(w);
		} else {
			note_block(w, f->bytes);
			put(w, source_bytes(s, f), f->bytes);
			w->result->blocks_copied++;
		}
	}
}

/* The footer: that of the trace if it has one, else what is known; `end` says what this file is. */
static void put_footer(struct rewrite *w)
{
	const struct source *s = w->source;
	struct shim_trace_tail tail = { .index_offset = w->offset };
	uint64_t lost = fields_number(&s->footer, "lost", s->spool.lost);
	struct buf fields;

	put_facts(w, SHIM_FRAME_INDEX, SHIM_INDEX_MAGIC, &w->index, NULL, 0);
	tail.footer_offset = w->offset;
	memcpy(tail.magic, SHIM_END_MAGIC, sizeof(tail.magic));
	if (s->spool.last_ticks > w->last_ticks) {
		w->last_ticks = s->spool.last_ticks;
		w->last_mono_ns = s->spool.last_mono_ns;
	}
	buf_init(&fields);
	put_field(&fields, "end", "repaired", 8);
	put_number(&fields, "end_ticks", fields_number(&s->footer, "end_ticks", s->last_ticks));
	if (fields_text(&s->footer, "end_mono_ns"))
		put_number(&fields, "end_mono_ns", fields_number(&s->footer, "end_mono_ns", 0));
	else if (w->last_ticks == s->last_ticks && w->last_mono_ns)
		put_number(&fields, "end_mono_ns", w->last_mono_ns);
	put_number(&fields, "events", w->result->events);
	put_number(&fields, "lost", lost);
	if (w->result->blocks_dropped || quality_is_impaired(&s->quality))
		put_field(&fields, "incomplete", "1", 1);
	put_facts(w, SHIM_FRAME_FOOTER, SHIM_FOOTER_MAGIC, &fields, &tail, sizeof(tail));
	buf_free(&fields);
}

int rewrite_trace(const struct source *s, const char *path, struct rewrite_result *result,
		  struct diag *d)
{
	struct rewrite w = { .source = s, .result = result };
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int bad;

	*result = (struct rewrite_result){ 0 };
	if (fd < 0)
		return diag_set(d, path, DIAG_NO_OFFSET, "cannot create: %s", strerror(errno));
	buf_init_fd(&w.out, fd, path);
	buf_init(&w.index);
	w.zstd = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(w.zstd, ZSTD_c_compressionLevel, REWRITE_LEVEL);
	ZSTD_CCtx_setParameter(w.zstd, ZSTD_c_checksumFlag, 1);
	put_header(&w);
	put_blocks(&w);
	put_footer(&w);
	result->bytes = w.offset;
	bad = buf_close(&w.out, d) < 0;
	if (close(fd) != 0 && !bad)
		bad = diag_set(d, path, DIAG_NO_OFFSET, "cannot write: %s", strerror(errno));
	if (bad)
		unlink(path);
	buf_free(&w.index);
	block_free(&w.block);
	ZSTD_freeCCtx(w.zstd);
	return bad ? -1 : 0;
}
