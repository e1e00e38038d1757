/* SPDX-License-Identifier: MIT */
/*
 * scan.c - see scan.h. What the file says about lengths is believed only when the next frame begins
 * where it should; otherwise the frame must decode as a whole to count.
 */
#include "trace/scan.h"

#include <string.h>
#include <zstd.h>

#include "util/crc32.h"
#include "util/pool.h"

#define SKIPPABLE_FIRST 0x184D2A50u
/*
 * A file made to look like damage everywhere must end some time: no more than this many doubtful
 * frames are tried.
 */
#define DOUBTS_MAX      4096
/* Longest zstd frame of a block: incompressible content, with room for zstd's own headers. */
#define FRAME_MAX_BYTES (SHIM_BLOCK_MAX_BYTES + (1u << 20))

static uint32_t read_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

struct frame *scan_add(struct scan *scan, enum frame_kind kind, uint64_t offset, uint64_t bytes)
{
	struct frame *f;

	scan->frames = pool_grow(scan->frames, &scan->capacity, scan->count + 1,
				 sizeof(*scan->frames));
	f = &scan->frames[scan->count++];
	*f = (struct frame){ .kind = kind, .offset = offset, .bytes = bytes };
	return f;
}

void scan_damage(struct quality *q, const char *name, uint64_t offset, const char *what)
{
	q->blocks_damaged++;
	diag_set(&q->first_damage, name, offset, "%s", what);
}

/* ---- by index ------------------------------------------------------------------------------- */

/* The payload of the skippable frame MAGIC at OFFSET that ends at or before END, or NULL. */
static const uint8_t *skippable_payload(const struct scan *scan, uint64_t offset, uint64_t end,
					uint32_t magic, size_t *bytes)
{
	if (offset > end || end - offset < 8 || read_u32(scan->map + offset) != magic)
		return NULL;
	*bytes = read_u32(scan->map + offset + 4);
	return *bytes <= end - offset - 8 ? scan->map + offset + 8 : NULL;
}

static int add_entry(struct scan *scan, const struct shim_index_entry *e, uint64_t *next, uint64_t end)
{
	struct frame *f;

	if (e->offset < *next || e->offset > end || e->frame_bytes > end - e->offset ||
	    e->frame_bytes < 4 || e->frame_bytes > FRAME_MAX_BYTES ||
	    (e->thread && e->row_count > BLOCK_ROWS_MAX) ||
	    (e->kind != SHIM_BLOCK_DEFS && e->kind != SHIM_BLOCK_EVENTS) ||
	    (e->kind == SHIM_BLOCK_DEFS) != (e->thread == 0))
		return 0;
	*next = e->offset + e->frame_bytes;
	f = scan_add(scan, FRAME_BLOCK, e->offset, e->frame_bytes);
	f->begin_ticks = e->begin_ticks;
	f->end_ticks = e->end_ticks;
	f->thread = e->thread;
	f->seq = e->seq;
	f->row_count = e->row_count;
	f->block_kind = e->kind;
	return 1;
}

static int add_entries(struct scan *scan, const uint8_t *index, size_t bytes, uint64_t run_id,
		       uint64_t end)
{
	struct shim_trace_facts start;
	uint64_t next;
	size_t at;

	memcpy(&start, index, sizeof(start));
	if (memcmp(start.magic, SHIM_INDEX_MAGIC, sizeof(start.magic)) != 0 ||
	    start.version < SHIM_TRACE_VERSION_MIN || start.version > SHIM_TRACE_VERSION ||
	    start.run_id != run_id || (bytes - sizeof(start)) % sizeof(struct shim_index_entry) != 0 ||
	    crc32_add(0, index + sizeof(start), bytes - sizeof(start)) != start.crc)
		return 0;
	next = 8 + (uint64_t)read_u32(scan->map + 4);
	scan_add(scan, FRAME_HEADER, 0, next);
	for (at = sizeof(start); at < bytes; at += sizeof(struct shim_index_entry)) {
		struct shim_index_entry entry;

		memcpy(&entry, index + at, sizeof(entry));
		if (!add_entry(scan, &entry, &next, end))
			return 0;
	}
	return 1;
}

int scan_has_end_magic(const struct scan *scan, const struct frame *footer)
{
	struct shim_trace_tail tail;

	if (footer->bytes < sizeof(tail))
		return 0;
	memcpy(&tail, scan->map + footer->offset + footer->bytes - sizeof(tail), sizeof(tail));
	return memcmp(tail.magic, SHIM_END_MAGIC, sizeof(tail.magic)) == 0;
}

int scan_by_index(struct scan *scan, uint64_t run_id)
{
	const uint8_t *footer, *index;
	struct shim_trace_tail tail;
	size_t footer_bytes = 0, index_bytes = 0;

	if (scan->bytes < sizeof(tail))
		return 0;
	memcpy(&tail, scan->map + scan->bytes - sizeof(tail), sizeof(tail));
	if (memcmp(tail.magic, SHIM_END_MAGIC, sizeof(tail.magic)) != 0 ||
	    tail.footer_offset > scan->bytes)
		return 0;
	footer = skippable_payload(scan, tail.footer_offset, scan->bytes, SHIM_FRAME_FOOTER,
				   &footer_bytes);
	index = skippable_payload(scan, tail.index_offset, tail.footer_offset, SHIM_FRAME_INDEX,
				  &index_bytes);
	if (!footer || !index || footer + footer_bytes != scan->map + scan->bytes ||
	    footer_bytes < sizeof(struct shim_trace_facts) + sizeof(tail) ||
	    index_bytes < sizeof(struct shim_trace_facts) ||
	    !add_entries(scan, index, index_bytes, run_id, tail.index_offset)) {
		scan->count = 0;
		return 0;
	}
	scan_add(scan, FRAME_INDEX, tail.index_offset, 8 + index_bytes);
	scan_add(scan, FRAME_FOOTER, tail.footer_offset, 8 + footer_bytes);
	return 1;
}

/* ---- by walking ----------------------------------------------------------------------------- */

static int is_magic(const struct scan *scan, uint64_t offset)
{
	uint32_t magic;

	if (offset > scan->bytes || scan->bytes - offset < 4)
		return 0;
	magic = read_u32(scan->map + offset);
	return magic == ZSTD_MAGICNUMBER || (magic & ~0xfu) == SKIPPABLE_FIRST;
}

static enum frame_kind skippable_kind(const struct scan *scan, uint64_t offset, uint64_t bytes)
{
	static const struct {
		uint32_t frame;
		const char *payload;
		enum frame_kind kind;
	} known[] = {
		{ SHIM_FRAME_HEADER, SHIM_HEADER_MAGIC, FRAME_HEADER },
		{ SHIM_FRAME_INDEX, SHIM_INDEX_MAGIC, FRAME_INDEX },
		{ SHIM_FRAME_FOOTER, SHIM_FOOTER_MAGIC, FRAME_FOOTER },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (read_u32(scan->map + offset) == known[i].frame && bytes >= 16 &&
		    memcmp(scan->map + offset + 8, known[i].payload, 8) == 0)
			return known[i].kind;
	return FRAME_OTHER;
}

/* The length of the frame at OFFSET by its own account, 0 when it has none or leaves the file. */
static uint64_t frame_length(const struct scan *scan, uint64_t offset)
{
	const uint8_t *at = scan->map + offset;
	uint64_t left = scan->bytes - offset;
	unsigned long long content;
	size_t length;

	if (!is_magic(scan, offset) || left < 8)
		return 0;
	if (read_u32(at) != ZSTD_MAGICNUMBER) {
		uint64_t skipped = 8 + (uint64_t)read_u32(at + 4);

		return skipped <= left ? skipped : 0;
	}
	content = ZSTD_getFrameContentSize(at, left);
	if (content == ZSTD_CONTENTSIZE_ERROR || content == ZSTD_CONTENTSIZE_UNKNOWN ||
	    content > SHIM_BLOCK_MAX_BYTES)
		return 0;
	length = ZSTD_findFrameCompressedSize(at, left < FRAME_MAX_BYTES ? left : FRAME_MAX_BYTES);
	return ZSTD_isError(length) ? 0 : length;
}

/* A frame at a doubtful place: is it really one? */
static int is_proven(const struct scan *scan, uint64_t offset, uint64_t length)
{
	struct block block = { 0 };
	int good;

	if (read_u32(scan->map + offset) != ZSTD_MAGICNUMBER)
		return skippable_kind(scan, offset, length) != FRAME_OTHER;
	good = block_decode(&block, scan->map + offset, length, scan->name, offset, NULL) == 0;
	block_free(&block);
	return good;
}

static uint64_t next_magic(const struct scan *scan, uint64_t offset)
{
	while (offset < scan->bytes && !is_magic(scan, offset))
		offset++;
	return offset;
}

void scan_by_walking(struct scan *scan)
{
	uint64_t offset = 0, damage = UINT64_MAX;
	unsigned doubts = 0;

	while (offset < scan->bytes) {
		uint64_t length = frame_length(scan, offset);
		int doubtful = damage != UINT64_MAX || (length && offset + length != scan->bytes &&
							!is_magic(scan, offset + length));

		if (length && doubtful)
			doubts++;
		if (length && (!doubtful || is_proven(scan, offset, length))) {
			if (damage != UINT64_MAX)
				scan_add(scan, FRAME_DAMAGED, damage, offset - damage);
			damage = UINT64_MAX;
			scan_add(scan,
				 read_u32(scan->map + offset) == ZSTD_MAGICNUMBER
					 ? FRAME_BLOCK
					 : skippable_kind(scan, offset, length),
				 offset, length);
			offset += length;
			continue;
		}
		if (damage == UINT64_MAX)
			damage = offset;
		offset = doubts > DOUBTS_MAX ? scan->bytes : next_magic(scan, offset + 1);
	}
	if (damage != UINT64_MAX)
		scan_add(scan, FRAME_DAMAGED, damage, scan->bytes - damage);
}
