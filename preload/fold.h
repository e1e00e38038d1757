/* SPDX-License-Identifier: MIT */
/*
 * fold.h - what a chunk of rows loses when the trace nears its budget (docs/trace-format.md, 2.4):
 * times between two milliseconds, and the rows of pairs of malloc and free, which are counted by
 * kind instead. Pure: rows in, rows and a column out.
 */
#ifndef PRELOAD_FOLD_H
#define PRELOAD_FOLD_H

#include <stddef.h>
#include <stdint.h>

#include "shim_trace.h"

#define FOLD_TIMES 0x1u /* times get coarse */
#define FOLD_PAIRS 0x2u /* pairs lose their rows */
#define FOLD_BARE  0x4u /* what is not of blocks is left out */

struct fold;

/* Bytes of working memory, zeroed before the first use, reused as it is. */
size_t fold_bytes(void);

/*
 * The rows of ROWS[COUNT] that are kept, in order; *KEPT of them, at least one if COUNT is not 0; but
 * with FOLD_BARE none where nothing is to be told.
 * WHAT: FOLD_*. They are valid until F is used again. Context: any thread; one at a time per F.
 */
const struct shim_row *fold_rows(struct fold *f, const struct shim_row *rows, uint32_t count,
				 uint64_t begin_ticks, unsigned what, uint32_t *kept);

/*
 * Adds to PAYLOAD[LENGTH] (columns) the column of what fold_rows has left out last, if anything.
 * PAYLOAD has room for as many bytes as COMPACT_BOUND allows all rows. The new length. Context: as
 * fold_rows.
 */
size_t fold_append(const struct fold *f, uint8_t *payload, size_t length);

#endif
