/* SPDX-License-Identifier: MIT */
/*
 * gen_trace.h - writes traces and spools for tests, in memory, from rows and definitions. Written
 * from docs/trace-format.md alone, apart from both the library's writer and the tool's reader.
 *
 * Unit tests include gen_trace.c and gen_random.c themselves (trace_fixture.h); gen_main.c makes a
 * program of them.
 */
#ifndef GEN_TRACE_H
#define GEN_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "shim_trace.h"

struct gen_bytes {
	uint8_t *at;
	size_t length, capacity;
};

struct gen {
	struct gen_bytes trace, spool, index, defs;
	uint64_t run_id;
	uint64_t start_ticks, last_ticks; /* a tick is a nanosecond; mono = ticks */
	uint64_t rows;
	uint32_t defs_count, defs_seq;
	uint64_t last_stack, last_pc; /* of the definitions block in the making */
	uint32_t seqs[1024];          /* next block of each thread */
	int addressed;                /* local pairs keep their address, as with several threads */
	int time_shift;
	uint64_t lost[1024];   /* per thread, put into its next blocks */
	uint64_t sample_bytes; /* put into the next blocks */
};

/* Starts a trace with a header of usual facts; EXTRA: further key, value, …, NULL; may be NULL. */
void gen_begin(struct gen *g, uint64_t run_id, const char *const *extra);
void gen_free(struct gen *g);

/* Definitions; they go into the block in the making until gen_defs. */
void gen_stack(struct gen *g, uint32_t id, uint32_t parent, uint64_t pc, int exact);
void gen_module(struct gen *g, uint32_t id, uint64_t ticks, uint64_t bias, const char *path,
		const char *build_id, uint64_t vaddr, uint64_t size);
void gen_unload(struct gen *g, uint32_t id, uint64_t ticks);
void gen_thread(struct gen *g, uint32_t index, uint64_t ticks, uint64_t tid, const char *name);
void gen_thread_end(struct gen *g, uint32_t index, uint64_t ticks);
void gen_clock(struct gen *g, uint64_t ticks, uint64_t mono_ns);
void gen_note(struct gen *g, uint64_t ticks, unsigned level, const char *text);
void gen_mark(struct gen *g, uint64_t ticks, uint32_t thread, const char *text);
void gen_process(struct gen *g, uint64_t ticks, unsigned what, uint64_t pid, const char *path);
/* A record of any TYPE with BODY[LENGTH]. */
void gen_record(struct gen *g, unsigned type, const void *body, size_t length);
/* Closes the definitions block: into the trace, or (SPOOLED) as a chunk of the spool. */
void gen_defs(struct gen *g, int spooled);

/* A block of events. LAYOUT: SHIM_LAYOUT_ROWS or _COLUMNS. Times must not decrease. */
void gen_block(struct gen *g, uint32_t thread, const struct shim_row *rows, size_t count,
	       unsigned layout);
/* The same as the next chunk of the spool. */
void gen_chunk(struct gen *g, uint32_t thread, const struct shim_row *rows, size_t count);
/* Any frame: a decompressed block as it stands, compressed and added to trace and index. */
void gen_raw_block(struct gen *g, const struct shim_block *header, const void *payload,
		   size_t length);
/* Any chunk with SEQ; bytes: whole pages that hold it. */
void gen_raw_chunk(struct gen *g, const struct shim_chunk *chunk, const void *payload, size_t length);

/* Payload of layout 2 for ROWS; free() it. */
uint8_t *gen_columns(const struct gen *g, const struct shim_row *rows, size_t count,
		     uint64_t begin_ticks, size_t *length);

/* Index and footer; END: "exit" … */
void gen_end(struct gen *g, const char *end);
/* Writes the trace to PATH, and PATH.spool when there is anything in the spool. 0, or -1. */
int gen_write(const struct gen *g, const char *path);

/* ---- random traces ---- */

struct gen_options {
	uint64_t seed;
	uint64_t events;  /* about */
	unsigned threads; /* 1 … 1000 */
	unsigned layout;  /* SHIM_LAYOUT_ROWS or _COLUMNS */
	unsigned stacks;  /* distinct, at least 1 */
	uint64_t live;    /* about so many blocks are alive in the end */
	unsigned block_rows;
	int spool; /* killed: no footer, the last blocks are in the spool */
};

/* What a perfect report on the trace says. */
struct gen_truth {
	uint64_t events, allocations, reallocations, frees, failed, allocated_bytes;
	uint64_t live_count, live_bytes, peak_bytes, peak_count, temporary;
	uint64_t maps, unmaps, mapped_bytes;
	struct gen_site {
		uint64_t allocations, allocated_bytes, live_count, live_bytes, peak_count,
			peak_bytes, temporary;
	} * sites; /* by stack id - SHIM_STACK_FIRST, of options.stacks leaf stacks */
};

void gen_random(struct gen *g, const struct gen_options *options, struct gen_truth *truth);
/* Stack id of leaf I of gen_random, 0 … stacks - 1. */
uint32_t gen_leaf(unsigned i);

#endif
