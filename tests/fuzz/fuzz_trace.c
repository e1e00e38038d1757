/* SPDX-License-Identifier: MIT */
/*
 * fuzz_trace.c - fuzz target: everything from the bytes of a trace to the numbers of a report.
 *
 * Opens the input as a trace, loads its process, runs all passes, repairs it, and opens what came out. An input is one of
 *   a trace                        as it is
 *   'R' then sections              a trace put together here with right CRCs, checksums and offsets, so that changed bytes
 *                                  reach what lies behind them. A section: u8 type (enum section), u24 length, content
 * make_seeds.py turns traces into the second kind. Beyond not crashing, it must hold that a repaired trace is sound
 * and has the same events, and that two threads find what one finds. Runs under libFuzzer or under driver.c.
 * Must never write anywhere but into its own directory below TMPDIR.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "pass/analysis.h"
#include "shim_trace.h"
#include "trace/rewrite.h"
#include "util/crc32.h"

#define INPUT_MAX (1u << 20)
#define RUN_ID    UINT64_C(0x5EED)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum section {
	SECTION_BLOCK, /* a decompressed block: becomes a zstd frame with checksum; magic and payload length are set right */
	SECTION_HEADER, /* fields of the header */
	SECTION_INDEX, /* entries; the offset and frame length of the nth are those of the nth block */
	SECTION_FOOTER, /* fields of the footer */
	SECTION_SPOOL,  /* the spool file; version, page size and run id are set right */
	SECTION_RAW,    /* bytes of the trace as they are */
	SECTION_COUNT
};

struct place {
	uint64_t offset;
	uint32_t bytes;
};

/* The files that an input becomes. */
struct files {
	uint8_t *trace, *spool;
	size_t trace_bytes, spool_bytes;
	size_t capacity;
	struct place blocks[256];
	size_t block_count;
	uint64_t index_offset;
};

static char directory[512], trace_path[600], spool_path[600], repaired_path[600];

static void must(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_trace: %s\n", what);
	abort();
}

static void remove_files(void)
{
	unlink(trace_path);
	unlink(spool_path);
	unlink(repaired_path);
	rmdir(directory);
}

static void prepare(void)
{
	const char *tmp = getenv("TMPDIR");

	if (directory[0])
		return;
	snprintf(directory, sizeof(directory), "%s/fuzz-trace-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
	if (!mkdtemp(directory)) {
		perror(directory);
		exit(1);
	}
	snprintf(trace_path, sizeof(trace_path), "%s/trace.zst", directory);
	snprintf(spool_path, sizeof(spool_path), "%s/trace.zst.spool", directory);
	snprintf(repaired_path, sizeof(repaired_path), "%s/repaired.zst", directory);
	atexit(remove_files);
}

static void put_file(const char *path, const uint8_t *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd)) {
		perror(path);
		exit(1);
	}
}

static void add(struct files *f, const void *bytes, size_t size)
{
	if (size > f->capacity - f->trace_bytes)
		size = f->capacity - f->trace_bytes;
	if (size)
		memcpy(f->trace + f->trace_bytes, bytes, size);
	f->trace_bytes += size;
}

static void add_block(struct files *f, const uint8_t *content, size_t size)
{
	size_t bound = ZSTD_compressBound(size), bytes;
	uint8_t *block = malloc(size + 1), *frame = malloc(bound);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();

	must(block && frame && zstd, "no memory");
	memcpy(block, content, size);
	if (size >= sizeof(struct shim_block)) {
		struct shim_block header;

		memcpy(&header, block, sizeof(header));
		header.magic = SHIM_BLOCK_MAGIC;
		header.payload_bytes = (uint32_t)(size - sizeof(header));
		memcpy(block, &header, sizeof(header));
	}
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, -1);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	bytes = ZSTD_compress2(zstd, frame, bound, block, size);
	must(!ZSTD_isError(bytes), "zstd cannot compress");
	if (f->block_count < sizeof(f->blocks) / sizeof(f->blocks[0]))
		f->blocks[f->block_count++] = (struct place){ f->trace_bytes, (uint32_t)bytes };
	add(f, frame, bytes);
	ZSTD_freeCCtx(zstd);
	free(frame);
	free(block);
}

/* Header, index or footer around FIELDS. */
static void add_facts(struct files *f, uint32_t frame_magic, const char *magic,
		      const uint8_t *fields, size_t size)
{
	uint32_t tail_bytes = frame_magic == SHIM_FRAME_FOOTER
				      ? (uint32_t)sizeof(struct shim_trace_tail)
				      : 0;
	uint32_t frame[2] = { frame_magic,
			      (uint32_t)(sizeof(struct shim_trace_facts) + size) + tail_bytes };
	struct shim_trace_facts facts = { .version = SHIM_TRACE_VERSION,
					  .crc = crc32_add(0, fields, size),
					  .run_id = RUN_ID };
	struct shim_trace_tail tail = { .index_offset = f->index_offset,
					.footer_offset = f->trace_bytes };

	memcpy(facts.magic, magic, sizeof(facts.magic));
	memcpy(tail.magic, SHIM_END_MAGIC, sizeof(tail.magic));
	add(f, frame, sizeof(frame));
	add(f, &facts, sizeof(facts));
	add(f, fields, size);
	add(f, &tail, tail_bytes);
}

static void add_index(struct files *f, const uint8_t *entries, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	size_t i;

	must(copy != NULL, "no memory");
	memcpy(copy, entries, size);
	for (i = 0; i < f->block_count && (i + 1) * sizeof(struct shim_index_entry) <= size; i++) {
		struct shim_index_entry entry;

		memcpy(&entry, copy + i * sizeof(entry), sizeof(entry));
		entry.offset = f->blocks[i].offset;
		entry.frame_bytes = f->blocks[i].bytes;
		memcpy(copy + i * sizeof(entry), &entry, sizeof(entry));
	}
	f->index_offset = f->trace_bytes;
	add_facts(f, SHIM_FRAME_INDEX, SHIM_INDEX_MAGIC, copy, size);
	free(copy);
}

static void set_spool(struct files *f, const uint8_t *bytes, size_t size)
{
	struct shim_spool *page;

	free(f->spool);
	f->spool_bytes = size < SHIM_SPOOL_HEADER_BYTES ? SHIM_SPOOL_HEADER_BYTES : size;
	f->spool = calloc(1, f->spool_bytes);
	must(f->spool != NULL, "no memory");
	memcpy(f->spool, bytes, size);
	page = (struct shim_spool *)(void *)f->spool;
	memcpy(page->magic, SHIM_SPOOL_MAGIC, sizeof(page->magic));
	page->version = SHIM_TRACE_VERSION;
	page->header_bytes = SHIM_SPOOL_HEADER_BYTES;
	page->run_id = RUN_ID;
}

static void add_section(struct files *f, unsigned type, const uint8_t *content, size_t size)
{
	switch ((enum section)(type % SECTION_COUNT)) {
	case SECTION_BLOCK:
		add_block(f, content, size);
		break;
	case SECTION_HEADER:
		add_facts(f, SHIM_FRAME_HEADER, SHIM_HEADER_MAGIC, content, size);
		break;
	case SECTION_INDEX:
		add_index(f, content, size);
		break;
	case SECTION_FOOTER:
		add_facts(f, SHIM_FRAME_FOOTER, SHIM_FOOTER_MAGIC, content, size);
		break;
	case SECTION_SPOOL:
		set_spool(f, content, size);
		break;
	case SECTION_RAW:
	default:
		add(f, content, size);
		break;
	}
}

static void build(struct files *f, const uint8_t *data, size_t size)
{
	f->capacity = 2 * size + (64u << 10);
	f->trace = malloc(f->capacity);
	must(f->trace != NULL, "no memory");
	if (!size || data[0] != 'R') {
		add(f, data, size);
		return;
	}
	data++;
	size--;
	while (size >= 4) {
		size_t length = data[1] | (size_t)data[2] << 8 | (size_t)data[3] << 16;

		if (length > size - 4)
			length = size - 4;
		add_section(f, data[0], data + 4, length);
		data += 4 + length;
		size -= 4 + length;
	}
}

static int keep_all_but_last(void *context, const struct process *p, const struct process_thread *t)
{
	(void)context;
	return t != &p->threads[p->thread_count - 1];
}

/* All passes with JOBS threads; FILTERED: with every filter too. The totals go to *TOTALS. */
static void analyse(struct run *run, int jobs, int filtered, struct heap_totals *totals)
{
	struct analysis_request request = {
		.wants = ANALYSIS_SIZES | ANALYSIS_SIZES_SITES | ANALYSIS_LIFETIMES |
			 ANALYSIS_LIFETIME_SITES | ANALYSIS_THREADS | ANALYSIS_TIMELINE |
			 ANALYSIS_MAPPED,
		.jobs = jobs,
	};
	struct analysis a = { 0 };
	struct diag d;

	diag_clear(&d);
	if (filtered) {
		request.keep_thread = keep_all_but_last;
		request.from = "10%";
		request.to = "-10%";
	}
	must(!analysis_run(run, &request, &a, &d) || filtered, "the passes failed without a window");
	*totals = a.heap.totals;
	analysis_free(&a);
}

static uint64_t events_of(const struct run *run)
{
	uint64_t events = 0;
	size_t i;

	for (i = 0; i < run->process_count; i++)
		events += run->processes[i]->quality.events;
	return events;
}

/* Events that have rows: the others are folded. */
static uint64_t rows_of(const struct run *run)
{
	const struct quality *q = &run->processes[0]->quality;

	return q->events - q->events_folded;
}

/* Repairs the trace of RUN, in which EVENTS were readable, and reads the result. */
static void check_repair(const struct run *run, uint64_t events)
{
	const char *path = repaired_path;
	struct rewrite_result result;
	struct heap_totals totals;
	struct run *again;
	struct diag d;

	diag_clear(&d);
	unlink(repaired_path);
	if (rewrite_trace(run->processes[0]->source, repaired_path, &result, &d)) {
		must(access(repaired_path, F_OK) != 0, "a failed repair left a file behind");
		return;
	}
	again = run_open(&path, 1, 1, &d);
	must(again != NULL, "a repaired trace cannot be opened");
	analyse(again, 1, 0, &totals);
	must(!again->processes[0]->quality.blocks_damaged, "a repaired trace is damaged");
	must(events_of(again) == events && result.events == rows_of(run),
	     "a repaired trace has other events");
	run_close(again);
	unlink(repaired_path);
}

/* IS_THOROUGH: also with filters, and with two threads. */
static void check(int is_thorough)
{
	const char *path = trace_path;
	struct heap_totals one, two;
	struct run *run;
	struct diag d;
	uint64_t events;

	diag_clear(&d);
	run = run_open(&path, 1, 1, &d);
	if (!run) {
		must(diag_is_set(&d), "a refused trace without a reason");
		return;
	}
	must(run->process_count == 1, "one trace is not one process");
	analyse(run, 1, 0, &one);
	events = events_of(run);
	must(one.live_bytes <= one.allocated_bytes && one.live_bytes <= one.peak_bytes,
	     "more is live than was allocated");
	check_repair(run, events);
	if (!is_thorough) {
		run_close(run);
		return;
	}
	analyse(run, 2, 1, &two);
	run_close(run);

	run = run_open(&path, 1, 2, &d);
	must(run != NULL, "the same trace cannot be opened twice");
	analyse(run, 2, 0, &two);
	must(!memcmp(&one, &two, sizeof(one)) && events_of(run) == events,
	     "two threads find other numbers than one");
	run_close(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct files f = { 0 };

	if (size > INPUT_MAX)
		return 0;
	prepare();
	build(&f, data, size);
	put_file(trace_path, f.trace, f.trace_bytes);
	if (f.spool)
		put_file(spool_path, f.spool, f.spool_bytes);
	else
		must(!unlink(spool_path) || errno == ENOENT, "the last spool cannot be removed");
	free(f.trace);
	free(f.spool);
	check(size % 4 == 0); /* a quarter of the inputs: it costs as much as all the rest */
	return 0;
}
