/* SPDX-License-Identifier: MIT */
/*
 * block.h - one block: decompressed, checked, its events decoded from either layout; and the
 * records of a block of definitions. Every byte is hostile; a block either passes whole or is
 * refused.
 */
#ifndef TRACE_BLOCK_H
#define TRACE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "trace/event.h"
#include "trace/ranks.h"
#include "trace/folded.h"
#include "util/diag.h"

/* Zero-initialise, reuse for any number of blocks, block_free at the end. */
struct block {
	struct shim_block header;
	const uint8_t *payload; /* of definitions: the records; in memory of this block */
	struct event *events;   /* of events: header.row_count of them */
	/* rows of an op that this version does not know; they are left out of events */
	uint64_t unknown;
	struct folded folded; /* short-lived blocks that have no rows; count 0: none */
	/* private */
	uint8_t *bytes;
	size_t bytes_capacity;
	size_t events_capacity;
	struct block_shape *shapes;
	size_t shapes_capacity;
	uint32_t *locals;
	size_t locals_capacity;
	uint64_t *freed_addr;
	size_t freed_capacity;
	struct ranks live, freed;
	void *zstd;
};

/* Most rows of one block: as many as fit as rows; columns are held to the same. */
#define BLOCK_ROWS_MAX \
	((SHIM_BLOCK_MAX_BYTES - sizeof(struct shim_block)) / sizeof(struct shim_row))
/*
 * Readable bytes behind a payload in memory, so that a number may be read before its end is
 * checked.
 */
#define BLOCK_SLACK 16

void block_free(struct block *b);

/* Says why an event block is impossible: fills D (may be NULL) and returns -1. */
#define block_refuse(d, name, offset, ...) \
	diag_set(d, name, offset, "impossible block: " __VA_ARGS__)

/*
 * Decodes the zstd frame FRAME[BYTES] into B; header.row_count is the number of events kept.
 * Returns 0, or -1 with D (where NAME, offset OFFSET) when it does not decompress, fails its
 * checksum or is impossible.
 */
int block_decode(struct block *b, const void *frame, size_t bytes, const char *name,
		 uint64_t offset, struct diag *d);

/*
 * Reads only the header of the block in FRAME[BYTES]. Returns 0 or -1. ZSTD: *ZSTD is a
 * decompression context kept between calls, NULL at first; ZSTD_freeDCtx it.
 */
int block_peek(struct shim_block *header, const void *frame, size_t bytes, void **zstd);

/* As block_decode, for a chunk of the spool: its header and committed payload CHUNK[BYTES]. */
int block_decode_chunk(struct block *b, const void *chunk, size_t bytes, const char *name,
		       uint64_t offset, struct diag *d);

#endif
