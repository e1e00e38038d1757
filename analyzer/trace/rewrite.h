/* SPDX-License-Identifier: MIT */
/*
 * rewrite.h - a readable, closed trace out of what is left of one: `shim-analyze repair`.
 *
 * Good blocks are copied byte for byte, chunks of the spool become blocks, then a new index and a
 * footer with end=repaired follow. A block is good when it decodes, so the result has no damage
 * that a reader could find.
 */
#ifndef TRACE_REWRITE_H
#define TRACE_REWRITE_H

#include "trace/source.h"

struct rewrite_result {
	uint64_t blocks_copied;
	uint64_t blocks_from_spool;
	uint64_t blocks_dropped; /* damaged */
	uint64_t events;
	uint64_t bytes; /* of the new file */
};

/*
 * Writes the repaired S to PATH, which must not exist. On failure (exists, disk full, …) returns -1
 * with D and leaves no file behind.
 */
int rewrite_trace(const struct source *s, const char *path, struct rewrite_result *result,
		  struct diag *d);

#endif
