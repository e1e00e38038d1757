/* SPDX-License-Identifier: MIT */
/*
 * spooled.c - see spooled.h. The file was written by a process that died at any instant: nothing is
 * assumed to be whole.
 */
#include "trace/spooled.h"

#include <string.h>

#define CHUNK_ALIGN 4096u

int spooled_header(const void *map, size_t bytes, uint64_t run_id, struct shim_spool *spool)
{
	if (bytes < sizeof(*spool))
		return 0;
	memcpy(spool, map, sizeof(*spool));
	return memcmp(spool->magic, SHIM_SPOOL_MAGIC, sizeof(spool->magic)) == 0 &&
	       spool->version >= SHIM_TRACE_VERSION_MIN && spool->version <= SHIM_TRACE_VERSION &&
	       spool->header_bytes == SHIM_SPOOL_HEADER_BYTES && spool->run_id == run_id;
}

/* Ticks of the last whole row, at least those at which the chunk begins. */
static uint64_t last_ticks(const struct shim_chunk *c, const uint8_t *payload)
{
	size_t rows = c->used / sizeof(struct shim_row);
	struct shim_row row;

	if (c->kind != SHIM_BLOCK_EVENTS || !rows)
		return c->begin_ticks;
	memcpy(&row, payload + (rows - 1) * sizeof(row), sizeof(row));
	return row.ticks > c->begin_ticks ? row.ticks : c->begin_ticks;
}

static void add_chunk(struct scan *scan, const struct shim_chunk *c, const uint8_t *payload,
		      uint64_t offset)
{
	struct frame *f = scan_add(scan, FRAME_CHUNK, offset, sizeof(*c) + c->used);

	f->begin_ticks = c->begin_ticks;
	f->end_ticks = last_ticks(c, payload);
	f->begin_mono_ns = c->begin_mono_ns;
	f->lost = c->lost;
	f->thread = c->thread;
	f->seq = c->seq;
	f->row_count = c->kind == SHIM_BLOCK_EVENTS ? c->used / (uint32_t)sizeof(struct shim_row) : 0;
	f->block_kind = c->kind;
	f->layout = c->layout;
}

static int makes_sense(const struct shim_chunk *c)
{
	if (c->used > c->bytes - sizeof(*c))
		return 0;
	if (c->kind == SHIM_BLOCK_DEFS)
		return c->layout == SHIM_LAYOUT_RECORDS && c->thread == 0;
	return c->kind == SHIM_BLOCK_EVENTS && c->layout == SHIM_LAYOUT_ROWS && c->thread != 0;
}

void spooled_scan(struct scan *scan, const uint8_t *map, size_t bytes, const char *name)
{
	uint64_t offset = SHIM_SPOOL_HEADER_BYTES;
	struct shim_chunk c;

	for (; offset <= bytes && bytes - offset >= sizeof(c); offset += c.bytes) {
		memcpy(&c, map + offset, sizeof(c));
		if (c.magic != SHIM_CHUNK_MAGIC || c.bytes == 0)
			return;
		if (c.bytes % CHUNK_ALIGN != 0 || c.bytes > SHIM_CHUNK_MAX_BYTES ||
		    c.bytes > bytes - offset) {
			scan_damage(scan->quality, name, offset,
				    "a chunk of the spool is cut off or has no sensible length");
			return;
		}
		if (c.kind == SHIM_BLOCK_FREE || c.used == 0)
			continue;
		if (makes_sense(&c))
			add_chunk(scan, &c, map + offset + sizeof(c), offset);
		else
			scan_damage(scan->quality, name, offset,
				    "a chunk of the spool makes no sense");
	}
}
