/* SPDX-License-Identifier: MIT */
/*
 * sink.h - the trace file: header, blocks, index, footer. One append a block, by the thread
 * that filled it.
 */
#ifndef PRELOAD_SINK_H
#define PRELOAD_SINK_H

#include <stdint.h>

#include "shim_trace.h"

/*
 * Opens the trace of this process under a name that nobody uses, writes the header. 0 or
 * -errno: then this process is not recorded.
 * Context: start-up only.
 */
int sink_start(void);

/* Path of the trace and its run id. Context: any thread, after sink_start. */
const char *sink_path(void);
uint64_t sink_run_id(void);

/*
 * Writes CHUNK of rows (and before it all definitions so far) as one block. *LOST grows by its
 * events when that fails; the chunk is empty and ready for block seq + 1 afterwards either way.
 * With LOST NULL a chunk that could not be written keeps its events, in the spool.
 * ORDER: see compact.h. Returns the CPU time in ns that it took. Context: the chunk's owner inside the guard, or lifecycle.c for a
 * stopped thread.
 */
uint64_t sink_rows(struct shim_chunk *chunk, unsigned order, uint64_t *lost);

/* Writes the definitions so far. Context: any thread inside the guard, no lock of ours held. */
void sink_definitions(void);

/*
 * Index and footer with END; the file stays open for what may follow a failed exec. 0, or
 * -errno: then the spool is all that tells what is missing. Context: lifecycle.c, all rings
 * flushed.
 */
int sink_finish(const char *end);

/*
 * Mean distance of the sample that the budget of the trace, or the user, wants to be taken from now
 * on; 0: everything. Context: any thread, after sink_start.
 */
uint64_t sink_sample_bytes(void);

/* 1 once short-lived blocks are folded: then size counts for more than pauses. Context: any thread. */
int sink_is_folding(void);

/*
 * Threads have THREADS chunks with rows that are likely to take BYTES in the trace. How many rows
 * the next chunk may have. Context: any thread inside the guard.
 */
uint64_t sink_expect(uint64_t bytes, uint32_t threads);

/* Blocks, bytes and totals so far, for the footer and log. Context: any thread. */
uint64_t sink_lost(void);

#endif
