/* SPDX-License-Identifier: MIT */
/*
 * spool.h - the small shared file beside the trace in which events live until they are
 * written: what a kill leaves.
 *
 * Chunks are reused, never freed; the file grows by preallocated segments (so that a full
 * disk is an error code here and not a SIGBUS later). Where no file can be had, chunks are
 * plain memory: recording goes on, a kill loses what is in them.
 */
#ifndef PRELOAD_SPOOL_H
#define PRELOAD_SPOOL_H

#include <stdint.h>

#include "shim_trace.h"

/* Creates TRACE_PATH.spool. 0, or -errno: chunks will be plain memory. Context: start-up only. */
int spool_start(const char *trace_path, uint64_t run_id);

/*
 * A chunk of BYTES (a multiple of 4096) for block (THREAD, 0) of KIND and LAYOUT, empty.
 * NULL when memory has run out.
 * Context: any thread, inside the guard.
 */
struct shim_chunk *spool_get(uint8_t kind, uint8_t layout, uint32_t thread, uint32_t bytes);

/* Gives CHUNK back; what it held must be written or counted as lost. Context: as above. */
void spool_put(struct shim_chunk *chunk);

/*
 * Stores the newest clock pair and the process' lost events where a kill leaves them.
 * Context: as above.
 */
void spool_stamp(uint64_t ticks, uint64_t mono_ns, uint64_t lost);

/*
 * Removes the file; the memory stays usable. Context: any thread, once, when everything is
 * written.
 */
void spool_remove(void);

#endif
