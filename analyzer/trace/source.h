/* SPDX-License-Identifier: MIT */
/*
 * source.h - one trace on disk: the file, and the spool beside it when the process was killed.
 *
 * Opening finds every frame (by the index of a clean end, else by walking, going on behind damage),
 * takes the facts of header and footer, and says which blocks there are. Nothing is decoded but
 * block headers. After source_open a source is constant: any thread may read blocks from it.
 */
#ifndef TRACE_SOURCE_H
#define TRACE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "trace/block.h"
#include "trace/fields.h"
#include "trace/quality.h"

enum frame_kind {
	FRAME_HEADER,
	FRAME_BLOCK, /* a block in a zstd frame */
	FRAME_INDEX,
	FRAME_FOOTER,
	FRAME_OTHER,   /* a skippable frame that this version does not know */
	FRAME_DAMAGED, /* bytes that belong to nothing readable */
	FRAME_CHUNK,   /* a chunk of the spool that counts as a block */
	FRAME_NOTHING, /* private to opening */
};

struct frame {
	uint64_t offset; /* in the trace, or for FRAME_CHUNK in the spool */
	uint64_t bytes;  /* whole frame; of a chunk: header and committed payload */
	uint64_t begin_ticks, end_ticks;
	uint64_t begin_mono_ns; /* 0 when only the index was read */
	uint64_t lost;          /* as begin_mono_ns */
	enum frame_kind kind;
	uint32_t thread, seq; /* from here on: of FRAME_BLOCK and FRAME_CHUNK */
	uint32_t row_count;
	uint8_t block_kind; /* enum shim_block_kind */
	uint8_t layout;     /* 0 as begin_mono_ns */
};

struct source {
	char *path;
	char *spool_path; /* NULL when no spool is used */
	struct fields header;
	struct fields footer; /* empty without a clean end */
	struct frame *frames; /* in file order, chunks of the spool last */
	size_t frame_count;
	struct quality quality; /* what opening found out */
	uint64_t file_bytes;
	uint64_t last_ticks;     /* newest moment known from header, blocks, footer and spool */
	int indexed;             /* 1: frames come from the index */
	struct shim_spool spool; /* when spool_path is set */
	/* blocks and chunks, as places in frames: by thread, then seq, each pair once */
	uint32_t *order;
	size_t order_count;
	const uint8_t *map; /* private: the file's bytes, and the spool's */
	const uint8_t *spool_map;
	uint64_t spool_bytes;
};

/*
 * Opens the trace PATH and PATH.spool if it is there and belongs to it. JOBS threads peek at blocks
 * when there is no index. Returns the source, or NULL with D: it cannot be opened, or is not a
 * trace (foreign, empty, a directory, of a newer version), one clear line. Damage is not a failure:
 * it is counted in ->quality.
 */
struct source *source_open(const char *path, int jobs, struct diag *d);
void source_close(struct source *s);

/*
 * Decodes block F of S into B. Returns 0, or -1 with D when it is damaged. Context: any thread, B
 * its own.
 */
int source_read(const struct source *s, const struct frame *f, struct block *b, struct diag *d);

/* The raw bytes of F (f->bytes of them), valid until source_close. */
const void *source_bytes(const struct source *s, const struct frame *f);

/* Name for messages: the file that F is in. */
const char *source_file(const struct source *s, const struct frame *f);

#endif
