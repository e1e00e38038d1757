/* SPDX-License-Identifier: MIT */
/*
 * compact.h - a chunk of rows becomes columns (docs/trace-format.md, 2.2): pairs of malloc
 * and free lose their addresses, what events have in common moves into a dictionary, times
 * and addresses become deltas. Pure: bytes in, bytes out.
 */
#ifndef PRELOAD_COMPACT_H
#define PRELOAD_COMPACT_H

#include <stddef.h>
#include <stdint.h>

#include "shim_trace.h"

#define COMPACT_ROWS_MAX 8190u /* rows of one chunk at most; row numbers fit 13 bits */

/* Most bytes that N rows can become. */
#define COMPACT_BOUND(n) ((size_t)(n)*54 + 4096)

/*
 * Other threads may have recorded meanwhile: local pairs keep their address, times are as fine as
 * the order of threads needs them (docs/design-notes.md, 15; ticks are of the TSC).
 */
#define COMPACT_ADDRESSES 0x1u
/* Times are compared with those of marks: they are kept to the tick. */
#define COMPACT_TIMES     0x2u

struct compact;

/* Bytes of working memory for compact_rows; zeroed before the first use, reused as it is. */
size_t compact_bytes(void);

/*
 * Writes ROWS[COUNT] (COUNT <= COMPACT_ROWS_MAX, times not decreasing and not below
 * BEGIN_TICKS) as columns to OUT, which holds COMPACT_BOUND(COUNT) bytes. ORDER: what must
 * be kept, COMPACT_ADDRESSES | COMPACT_TIMES. Returns the length. Context: any thread; one
 * at a time per WORK.
 */
size_t compact_rows(struct compact *work, const struct shim_row *rows, uint32_t count,
		    uint64_t begin_ticks, unsigned order, uint8_t *out);

#endif
