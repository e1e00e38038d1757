/* SPDX-License-Identifier: MIT */
/*
 * press.h - working memory for turning a chunk into one zstd frame: a small set that
 * threads take in turn.
 */
#ifndef PRELOAD_PRESS_H
#define PRELOAD_PRESS_H

#include <stddef.h>
#include <stdint.h>

#include "compact.h"
#include "fold.h"
#include "shim_trace.h"

struct press {
	struct compact *compact;
	uint8_t *block;    /* struct shim_block and its payload: PRESS_BLOCK_BYTES */
	struct fold *fold; /* NULL before press_fold */
	/* private part */
	uint8_t *frame;
	void *context; /* ZSTD_CCtx */
	uint32_t is_taken;
};

#define PRESS_BLOCK_BYTES (sizeof(struct shim_block) + COMPACT_BOUND(COMPACT_ROWS_MAX))

/*
 * Prepares the set; one has its memory at once, the others with their first use. 0 or -ENOMEM.
 * Context: start-up only.
 */
int press_start(void);

/*
 * Takes one, waiting for another thread if all are in use. Context: any thread, inside the
 * guard.
 */
struct press *press_get(void);
void press_put(struct press *p);

/* P->fold, with its memory now, or NULL when there is none to be had. Context: the holder of P. */
struct fold *press_fold(struct press *p);

/*
 * Compresses the block P->block[LENGTH] into one frame with content size and checksum.
 * Returns its length with *FRAME set (valid until press_put), or 0 when zstd refused.
 * Context: the holder of P.
 */
size_t press_frame(struct press *p, size_t length, const uint8_t **frame);

#endif
