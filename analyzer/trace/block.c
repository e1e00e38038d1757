/* SPDX-License-Identifier: MIT */
/*
 * block.c - see block.h. Memory is taken for what a header promises only after the promise was
 * bounded.
 */
#include "trace/block.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "trace/columns.h"
#include "util/pool.h"

void block_free(struct block *b)
{
	ZSTD_freeDCtx(b->zstd);
	free(b->bytes);
	free(b->events);
	free(b->shapes);
	free(b->locals);
	free(b->freed_addr);
	ranks_free(&b->live);
	ranks_free(&b->freed);
	folded_free(&b->folded);
	*b = (struct block){ 0 };
}

/*
 * Looks at a block's header; PAYLOAD is what there is room for behind it. Returns NULL, or what is
 * wrong.
 */
static const char *check_header(const struct shim_block *h, size_t payload)
{
	if (h->magic != SHIM_BLOCK_MAGIC)
		return "no block magic";
	if (h->payload_bytes > payload)
		return "its payload is longer than it";
	if (h->kind == SHIM_BLOCK_DEFS)
		return h->layout == SHIM_LAYOUT_RECORDS && h->thread == 0
			       ? NULL
			       : "definitions in an unknown layout";
	if (h->kind != SHIM_BLOCK_EVENTS)
		return "unknown kind of block";
	if (h->thread == 0)
		return "events of no thread";
	if (h->sample_bytes > SHIM_SAMPLE_MAX_BYTES)
		return "a sample of nothing";
	if (h->layout != SHIM_LAYOUT_ROWS && h->layout != SHIM_LAYOUT_COLUMNS)
		return "unknown layout";
	if (h->row_count > BLOCK_ROWS_MAX || h->row_count > h->payload_bytes)
		return "more rows than fit in it";
	if (h->layout == SHIM_LAYOUT_ROWS && h->payload_bytes / sizeof(struct shim_row) < h->row_count)
		return "more rows than fit in it";
	return NULL;
}

/* Rows become events: same bytes, checked. Returns how many were kept. */
static size_t decode_rows(struct block *b)
{
	uint64_t least = b->header.begin_ticks;
	size_t i, kept = 0;

	for (i = 0; i < b->header.row_count; i++) {
		struct event *e = &b->events[kept];
		struct shim_row row;

		memcpy(&row, b->payload + i * sizeof(row), sizeof(row));
		if (row.op == 0 || row.op >= SHIM_OP_COUNT) {
			b->unknown++;
			continue;
		}
		least = row.ticks > least ? row.ticks : least;
		*e = (struct event){ .ticks = least,
				     .addr = row.addr & ~EVENT_LOCAL,
				     .size = row.size,
				     .stack = row.stack,
				     .op = row.op,
				     .func = row.func,
				     .extra = row.extra };
		if (event_is_alloc(e) && e->size > EVENT_SIZE_MAX)
			e->size = EVENT_SIZE_MAX;
		kept++;
	}
	return kept;
}

static int decode_payload(struct block *b, const char *name, uint64_t offset, struct diag *d)
{
	const char *why = NULL;
	int64_t kept;

	if (b->header.kind != SHIM_BLOCK_EVENTS)
		return 0;
	b->events = pool_grow(b->events, &b->events_capacity, (size_t)b->header.row_count + 1,
			      sizeof(*b->events));
	kept = b->header.layout == SHIM_LAYOUT_ROWS ? (int64_t)decode_rows(b)
						    : columns_decode(b, &why);
	if (kept < 0)
		return block_refuse(d, name, offset, "%s", why);
	b->header.row_count = (uint32_t)kept;
	return 0;
}

static void make_room(struct block *b, size_t bytes)
{
	b->bytes = pool_grow(b->bytes, &b->bytes_capacity, bytes + BLOCK_SLACK, 1);
	memset(b->bytes + bytes, 0, BLOCK_SLACK);
	b->unknown = 0;
	folded_clear(&b->folded);
}

/*
 * Length of the block in FRAME[BYTES], or 0 when that is not said, out of bounds, or nothing
 * vouches for the content.
 */
static size_t content_bytes(const void *frame, size_t bytes)
{
	unsigned long long content = ZSTD_getFrameContentSize(frame, bytes);

	if (content == ZSTD_CONTENTSIZE_ERROR || content == ZSTD_CONTENTSIZE_UNKNOWN ||
	    content > SHIM_BLOCK_MAX_BYTES || content < sizeof(struct shim_block))
		return 0;
	/*
	 * RFC 8878, 3.1.1.1.1: bit 2 of the descriptor, the byte behind the magic, is the
	 * checksum's.
	 */
	return ((const uint8_t *)frame)[4] & 0x04 ? (size_t)content : 0;
}

int block_decode(struct block *b, const void *frame, size_t bytes, const char *name,
		 uint64_t offset, struct diag *d)
{
	size_t content = content_bytes(frame, bytes), result;
	const char *wrong;

	if (!content)
		return block_refuse(d, name, offset,
				    "no checksum, or a size that is unknown or beyond all bounds");
	if (!b->zstd)
		b->zstd = ZSTD_createDCtx();
	make_room(b, content);
	result = ZSTD_decompressDCtx(b->zstd, b->bytes, content, frame, bytes);
	if (ZSTD_isError(result))
		return diag_set(d, name, offset, "damaged block: %s", ZSTD_getErrorName(result));
	if (result != content)
		return block_refuse(d, name, offset, "it is shorter than it says");
	memcpy(&b->header, b->bytes, sizeof(b->header));
	b->payload = b->bytes + sizeof(b->header);
	wrong = check_header(&b->header, content - sizeof(b->header));
	if (wrong)
		return block_refuse(d, name, offset, "%s", wrong);
	return decode_payload(b, name, offset, d);
}

int block_peek(struct shim_block *header, const void *frame, size_t bytes, void **zstd)
{
	size_t content = content_bytes(frame, bytes);
	ZSTD_inBuffer in = { frame, bytes, 0 };
	ZSTD_outBuffer out = { header, sizeof(*header), 0 };

	if (!content)
		return -1;
	if (!*zstd)
		*zstd = ZSTD_createDCtx();
	ZSTD_DCtx_reset(*zstd, ZSTD_reset_session_only);
	while (out.pos < out.size) {
		size_t before = in.pos + out.pos;
		size_t result = ZSTD_decompressStream(*zstd, &out, &in);

		if (ZSTD_isError(result) || in.pos + out.pos == before)
			return -1;
	}
	return check_header(header, content - sizeof(*header)) ? -1 : 0;
}

int block_decode_chunk(struct block *b, const void *chunk, size_t bytes, const char *name,
		       uint64_t offset, struct diag *d)
{
	struct shim_chunk c;
	const char *wrong;

	if (bytes < sizeof(c) || bytes > SHIM_CHUNK_MAX_BYTES)
		return block_refuse(d, name, offset, "a chunk of %zu bytes", bytes);
	memcpy(&c, chunk, sizeof(c));
	if (c.magic != SHIM_CHUNK_MAGIC || c.used > bytes - sizeof(c) ||
	    c.layout == SHIM_LAYOUT_COLUMNS)
		return block_refuse(d, name, offset, "a chunk that makes no sense");
	make_room(b, c.used);
	memcpy(b->bytes, (const uint8_t *)chunk + sizeof(c), c.used);
	b->payload = b->bytes;
	b->header = (struct shim_block){
		.magic = SHIM_BLOCK_MAGIC,
		.kind = c.kind,
		.layout = c.layout,
		.thread = c.thread,
		.seq = c.seq,
		.begin_ticks = c.begin_ticks,
		.end_ticks = c.begin_ticks,
		.begin_mono_ns = c.begin_mono_ns,
		.payload_bytes = c.used,
		.lost = c.lost,
		.sample_bytes = c.sample_bytes,
	};
	if (c.kind == SHIM_BLOCK_EVENTS)
		b->header.row_count = c.used / (uint32_t)sizeof(struct shim_row);
	wrong = check_header(&b->header, c.used);
	if (wrong)
		return block_refuse(d, name, offset, "%s", wrong);
	if (decode_payload(b, name, offset, d) < 0)
		return -1;
	if (b->header.row_count && c.kind == SHIM_BLOCK_EVENTS)
		b->header.end_ticks = b->events[b->header.row_count - 1].ticks;
	return 0;
}
