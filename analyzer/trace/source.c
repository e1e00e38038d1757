/* SPDX-License-Identifier: MIT */
/*
 * source.c - see source.h. Files are read whole into memory, which is at most their size budget, and
 * not mapped: one that is cut while it is read would raise SIGBUS. Everything that is wrong but can
 * be read around is counted in ->quality; only a file that is no trace at all is refused.
 */
#include "trace/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "trace/scan.h"
#include "trace/spooled.h"
#include "util/pool.h"
#include "util/workers.h"

/* ---- files ---------------------------------------------------------------------------------- */

/*
 * Reads the BYTES of FD, or as many as there are by now, into memory for free(). NULL with errno
 * when that fails.
 */
static uint8_t *read_bytes(int fd, uint64_t *bytes)
{
	uint8_t *into = malloc(*bytes);
	uint64_t at = 0;
	ssize_t got = 1;

	while (into && at < *bytes && got) {
		got = read(fd, into + at, *bytes - at);
		if (got > 0) {
			at += (uint64_t)got;
		} else if (got < 0 && errno != EINTR) {
			free(into);
			return NULL;
		}
	}
	*bytes = at;
	return into;
}

/* Reads the file PATH. Returns 0 (an empty file: *MAP NULL), or -1 with D. */
static int read_file(const char *path, const uint8_t **map, uint64_t *bytes, struct diag *d)
{
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*map = NULL;
	*bytes = 0;
	if (fd < 0)
		return diag_set(d, path, DIAG_NO_OFFSET, "cannot open: %s", strerror(errno));
	if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
		close(fd);
		return diag_set(d, path, DIAG_NO_OFFSET, "not a trace: %s",
				S_ISDIR(info.st_mode) ? "it is a directory"
						      : "it is not a regular file");
	}
	if (info.st_size == 0) {
		close(fd);
		return 0;
	}
	*bytes = (uint64_t)info.st_size;
	*map = read_bytes(fd, bytes);
	if (!*map)
		diag_set(d, path, DIAG_NO_OFFSET, "cannot read: %s", strerror(errno));
	close(fd);
	return *map ? 0 : -1;
}

static int begins_with(const struct source *s, const void *bytes, size_t length)
{
	return s->file_bytes >= length && memcmp(s->map, bytes, length) == 0;
}

/* 1 when the file is a zstd frame whose content begins as heaptrack's does ("v " and a version). */
static int is_heaptrack(const struct source *s)
{
	char content[2] = { 0 };
	ZSTD_inBuffer in = { s->map, s->file_bytes, 0 };
	ZSTD_outBuffer out = { content, sizeof(content), 0 };
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	size_t result = 1;

	while (zstd && out.pos < out.size && in.pos < in.size && result && !ZSTD_isError(result))
		result = ZSTD_decompressStream(zstd, &out, &in);
	ZSTD_freeDCtx(zstd);
	return content[0] == 'v' && content[1] == ' ';
}

static int refuse_foreign(const struct source *s, struct diag *d)
{
	const char *what = "not a trace of libshim: it does not begin with a trace header";

	if (s->file_bytes == 0)
		what = "not a trace: the file is empty (did the traced program start at all?)";
	else if (begins_with(s, SHIM_SPOOL_MAGIC, 8))
		what = "this is a spool; name the trace beside it, without " SHIM_SPOOL_SUFFIX;
	else if (begins_with(s, "\x28\xb5\x2f\xfd", 4))
		what = is_heaptrack(s)
			       ? "not a trace of libshim: it is one of heaptrack (read it with heaptrack_print)"
			       : "not a trace of libshim: zstd-compressed data without a trace header";
	else if (begins_with(s, "\x1f\x8b", 2))
		what = "not a trace of libshim: a gzip file";
	else if (begins_with(s,
			     "\x7f"
			     "ELF",
			     4))
		what = "not a trace of libshim: a program or library";
	return diag_set(d, s->path, 0, "%s", what);
}

/* ---- header --------------------------------------------------------------------------------- */

/*
 * Looks at the header frame. Returns 0, also when its facts are damaged; -1 with D when this is no
 * trace of ours.
 */
static int read_header(struct source *s, struct diag *d)
{
	struct shim_trace_facts start;
	uint32_t frame[2];
	struct diag damage;

	if (s->file_bytes < sizeof(frame) + sizeof(start))
		return refuse_foreign(s, d);
	memcpy(frame, s->map, sizeof(frame));
	memcpy(&start, s->map + sizeof(frame), sizeof(start));
	if (frame[0] != SHIM_FRAME_HEADER ||
	    memcmp(start.magic, SHIM_HEADER_MAGIC, sizeof(start.magic)) != 0)
		return refuse_foreign(s, d);
	if (start.version > SHIM_TRACE_VERSION)
		return diag_set(
			d, s->path, 8,
			"written by a newer libshim (format %u; this shim-analyze reads %u): use its shim-analyze",
			start.version, SHIM_TRACE_VERSION);
	diag_clear(&damage);
	if (frame[1] > s->file_bytes - sizeof(frame))
		diag_set(&damage, s->path, 0, "the header is cut off");
	else
		fields_parse(&s->header, s->map + sizeof(frame), frame[1], 0, SHIM_HEADER_MAGIC,
			     s->path, 0, &damage);
	if (diag_is_set(&damage))
		scan_damage(&s->quality, s->path, 0, damage.what);
	s->header.run_id = start.run_id;
	return 0;
}

/* The footer counts only as the last frame and with the header's run id. */
static void read_footer(struct source *s, const struct scan *scan)
{
	const struct frame *f = scan->count ? &scan->frames[scan->count - 1] : NULL;
	struct diag damage;
	const char *end;

	if (!f || f->kind != FRAME_FOOTER)
		return;
	diag_clear(&damage);
	if (!scan_has_end_magic(scan, f))
		diag_set(&damage, s->path, f->offset, "the footer has no end magic");
	else if (fields_parse(&s->footer, s->map + f->offset + 8, f->bytes - 8,
			      sizeof(struct shim_trace_tail), SHIM_FOOTER_MAGIC, s->path, f->offset,
			      &damage) == 0 &&
		 s->footer.run_id != s->header.run_id)
		diag_set(&damage, s->path, f->offset, "the footer belongs to another run");
	if (diag_is_set(&damage)) {
		fields_free(&s->footer);
		scan_damage(&s->quality, s->path, f->offset, damage.what);
		return;
	}
	end = fields_text(&s->footer, "end");
	snprintf(s->quality.end, sizeof(s->quality.end), "%s", end ? end : "unknown");
	s->quality.clean_end = !fields_text(&s->footer, "incomplete");
}

/* ---- blocks --------------------------------------------------------------------------------- */

struct peek {
	struct scan *scan;
	void **zstd; /* by worker */
};

static void peek_block(void *context, int worker, size_t item)
{
	struct peek *peek = context;
	struct frame *f = &peek->scan->frames[item];
	struct shim_block header;

	if (f->kind != FRAME_BLOCK)
		return;
	if (block_peek(&header, peek->scan->map + f->offset, f->bytes, &peek->zstd[worker]) < 0) {
		f->kind = FRAME_DAMAGED;
		return;
	}
	f->begin_ticks = header.begin_ticks;
	f->end_ticks = header.end_ticks;
	f->begin_mono_ns = header.begin_mono_ns;
	f->lost = header.lost;
	f->thread = header.thread;
	f->seq = header.seq;
	f->row_count = header.row_count;
	f->block_kind = header.kind;
	f->layout = header.layout;
}

static void peek_blocks(struct scan *scan, int jobs)
{
	struct peek peek = { scan, NULL };
	int i;

	jobs = jobs < 1 ? 1 : jobs;
	peek.zstd = xcalloc((size_t)jobs, sizeof(*peek.zstd));
	workers_run(jobs, scan->count, peek_block, &peek);
	for (i = 0; i < jobs; i++)
		ZSTD_freeDCtx(peek.zstd[i]);
	free(peek.zstd);
}

/*
 * Counts what walking and peeking found damaged. A frame that the kill cut off at the very end is
 * no damage when there is a spool: the chunk that it came from is still in it.
 */
static void count_damage(struct source *s, const struct scan *scan)
{
	size_t i;

	for (i = 0; i < scan->count; i++) {
		const struct frame *f = &scan->frames[i];

		if (f->kind != FRAME_DAMAGED)
			continue;
		if (s->spool_map && i + 1 == scan->count)
			continue;
		s->quality.bytes_skipped += f->bytes;
		scan_damage(&s->quality, s->path, f->offset,
			    f->offset + f->bytes == s->file_bytes ? "the file is cut off here"
								  : "a damaged frame");
	}
}

static int is_block(const struct frame *f)
{
	return f->kind == FRAME_BLOCK || f->kind == FRAME_CHUNK;
}

/* By thread, then seq, then place: blocks of the trace come before chunks of the spool. */
static int compare_blocks(const void *a, const void *b, void *frames)
{
	const struct frame *x = (const struct frame *)frames + *(const uint32_t *)a;
	const struct frame *y = (const struct frame *)frames + *(const uint32_t *)b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->seq != y->seq)
		return x->seq < y->seq ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void sort_blocks(struct source *s)
{
	size_t i;

	s->order = xrealloc(s->order, s->frame_count * sizeof(*s->order));
	s->order_count = 0;
	for (i = 0; i < s->frame_count; i++)
		if (is_block(&s->frames[i]))
			s->order[s->order_count++] = (uint32_t)i;
	qsort_r(s->order, s->order_count, sizeof(*s->order), compare_blocks, s->frames);
}

/*
 * FIRST and SECOND are the same block. Marks the one that does not count as FRAME_NOTHING and
 * returns the other: the chunk of the spool counts only when the block in the trace is not whole.
 */
static struct frame *choose_block(struct source *s, struct frame *first, struct frame *second)
{
	struct block block = { 0 };
	struct frame *worse = second;

	if (second->kind == FRAME_CHUNK && first->kind == FRAME_BLOCK) {
		if (source_read(s, first, &block, NULL) < 0)
			worse = first;
		block_free(&block);
	} else {
		scan_damage(&s->quality, source_file(s, second), second->offset,
			    "a block of a number that was there before");
	}
	worse->kind = FRAME_NOTHING;
	return worse == first ? second : first;
}

static void drop_doubles(struct source *s)
{
	size_t i, kept = 0;
	struct frame *last = NULL;

	for (i = 0; i < s->order_count; i++) {
		struct frame *f = &s->frames[s->order[i]];

		if (last && last->thread == f->thread && last->seq == f->seq)
			last = choose_block(s, last, f);
		else
			last = f;
	}
	for (i = 0; i < s->frame_count; i++)
		if (s->frames[i].kind != FRAME_NOTHING)
			s->frames[kept++] = s->frames[i];
	s->frame_count = kept;
}

static void count_gaps(struct source *s)
{
	uint64_t expected = 0;
	size_t i;

	for (i = 0; i < s->order_count; i++) {
		const struct frame *f = &s->frames[s->order[i]];

		if (i == 0 || s->frames[s->order[i - 1]].thread != f->thread)
			expected = 0;
		s->quality.blocks_missing += f->seq - expected;
		expected = (uint64_t)f->seq + 1;
		if (f->end_ticks > s->last_ticks)
			s->last_ticks = f->end_ticks;
	}
}

/* ---- opening -------------------------------------------------------------------------------- */

static void open_spool(struct source *s)
{
	char *path = xasprintf("%s" SHIM_SPOOL_SUFFIX, s->path);
	struct diag ignored;

	diag_clear(&ignored);
	if (access(path, F_OK) != 0 ||
	    read_file(path, &s->spool_map, &s->spool_bytes, &ignored) < 0 || !s->spool_map) {
		free(path);
		return;
	}
	if (spooled_header(s->spool_map, s->spool_bytes, s->header.run_id, &s->spool)) {
		s->spool_path = path;
		return;
	}
	free(path);
	s->quality.spool_foreign = 1;
	free((void *)s->spool_map);
	s->spool_map = NULL;
}

/*
 * The footer is sound, and yet its tail led to no sound index. Nothing is lost by that, but the file
 * is not what was written.
 */
static void judge_index(struct source *s, const struct scan *scan)
{
	uint64_t offset = scan->count ? scan->frames[scan->count - 1].offset : 0;
	size_t i;

	if (s->indexed || !s->footer.items)
		return;
	for (i = 0; i < scan->count; i++)
		if (scan->frames[i].kind == FRAME_INDEX)
			offset = scan->frames[i].offset;
	s->quality.index_damaged = 1;
	diag_set(&s->quality.first_damage, s->path, offset,
		 "the index, or the way to it in the footer, is damaged: the blocks were found without it");
}

static void find_blocks(struct source *s, int jobs)
{
	struct scan scan = {
		.map = s->map, .bytes = s->file_bytes, .name = s->path, .quality = &s->quality
	};

	s->indexed = scan_by_index(&scan, s->header.run_id);
	if (!s->indexed)
		scan_by_walking(&scan);
	read_footer(s, &scan);
	open_spool(s);
	if (!s->indexed)
		peek_blocks(&scan, jobs);
	count_damage(s, &scan);
	judge_index(s, &scan);
	if (s->spool_map)
		spooled_scan(&scan, s->spool_map, s->spool_bytes, s->spool_path);
	s->quality.killed = s->spool_map && !s->footer.items;
	s->frames = scan.frames;
	s->frame_count = scan.count;
}

static uint64_t newest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

struct source *source_open(const char *path, int jobs, struct diag *d)
{
	struct source *s = xcalloc(1, sizeof(*s));

	s->path = xstrdup(path);
	diag_clear(&s->quality.first_damage);
	if (read_file(path, &s->map, &s->file_bytes, d) < 0 || read_header(s, d) < 0) {
		source_close(s);
		return NULL;
	}
	find_blocks(s, jobs);
	sort_blocks(s);
	drop_doubles(s);
	sort_blocks(s);
	s->last_ticks = fields_number(&s->header, "start_ticks", 0);
	s->last_ticks = newest(s->last_ticks, fields_number(&s->footer, "end_ticks", 0));
	s->last_ticks = newest(s->last_ticks, s->spool.last_ticks);
	count_gaps(s);
	return s;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	free((void *)s->map);
	free((void *)s->spool_map);
	fields_free(&s->header);
	fields_free(&s->footer);
	free(s->frames);
	free(s->order);
	free(s->path);
	free(s->spool_path);
	free(s);
}

const void *source_bytes(const struct source *s, const struct frame *f)
{
	return (f->kind == FRAME_CHUNK ? s->spool_map : s->map) + f->offset;
}

const char *source_file(const struct source *s, const struct frame *f)
{
	return f->kind == FRAME_CHUNK ? s->spool_path : s->path;
}

int source_read(const struct source *s, const struct frame *f, struct block *b, struct diag *d)
{
	const char *name = source_file(s, f);
	int result;

	if (!is_block(f))
		return diag_set(d, name, f->offset, "not a block");
	result = f->kind == FRAME_CHUNK
			 ? block_decode_chunk(b, source_bytes(s, f), f->bytes, name, f->offset, d)
			 : block_decode(b, source_bytes(s, f), f->bytes, name, f->offset, d);
	if (result == 0 && (b->header.thread != f->thread || b->header.seq != f->seq ||
			    b->header.kind != f->block_kind))
		return diag_set(d, name, f->offset, "another block than the one the index has here");
	return result;
}
