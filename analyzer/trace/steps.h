/* SPDX-License-Identifier: MIT */
/* steps.h - the second form of events by column: a step from shape to shape per row. */
#ifndef TRACE_STEPS_H
#define TRACE_STEPS_H

#include "trace/block.h"
#include "trace/cursor.h"

/*
 * Decodes the columns BY_ID[SHIM_COLUMN_END] of B into B->events. Returns the number of events, or
 * -1 with *WHY when they are impossible.
 */
int64_t steps_decode(struct block *b, struct cursor *by_id, const char **why);

#endif
