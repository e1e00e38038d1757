/* SPDX-License-Identifier: MIT */
/*
 * columns.h - events by column (docs/trace-format.md, 2.2) become rows. The tool's hottest decoder:
 * one pass over the rows, all columns side by side.
 */
#ifndef TRACE_COLUMNS_H
#define TRACE_COLUMNS_H

#include "trace/block.h"

/*
 * Decodes the payload of B (header.payload_bytes at b->payload, BLOCK_SLACK readable bytes behind
 * it) into b->events, which has room for header.row_count. Returns the number of events kept, or -1
 * and *WHY, a text.
 */
int64_t columns_decode(struct block *b, const char **why);

#endif
