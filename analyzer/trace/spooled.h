/* SPDX-License-Identifier: MIT */
/*
 * spooled.h - the chunks of a spool: what a killed process had not yet written to its trace. Part
 * of opening a source; see source.h.
 */
#ifndef TRACE_SPOOLED_H
#define TRACE_SPOOLED_H

#include "trace/scan.h"

/*
 * Reads the header of the spool MAP[BYTES]. Returns 1 with *SPOOL when it is the spool of run
 * RUN_ID, else 0.
 */
int spooled_header(const void *map, size_t bytes, uint64_t run_id, struct shim_spool *spool);

/*
 * Adds a FRAME_CHUNK to SCAN for each chunk in use of the spool MAP[BYTES], called NAME in
 * messages. Damage is counted in scan->quality.
 */
void spooled_scan(struct scan *scan, const uint8_t *map, size_t bytes, const char *name);

#endif
