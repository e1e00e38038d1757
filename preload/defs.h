/* SPDX-License-Identifier: MIT */
/*
 * defs.h - the definitions stream (thread 0 of the trace): stacks, modules, threads, clock
 * pairs, notes, marks.
 *
 * Records are committed to a chunk of the spool at once and reach the trace before any
 * block that uses them (sink.c). One lock orders the stream; it is innermost: nothing is
 * called while it is held.
 * Context of all: any thread, inside the guard.
 */
#ifndef PRELOAD_DEFS_H
#define PRELOAD_DEFS_H

#include <stddef.h>
#include <stdint.h>

#include "shim_trace.h"

struct defs_segment {
	uint64_t vaddr;
	uint64_t size;
	uint32_t flags; /* 1 execute, 2 write, 4 read (PF_X, PF_W, PF_R) */
};

/* Prepares the first chunk. 0 or -errno. Context: start-up only. */
int defs_start(void);

/* The lock that orders the stream; stacks.c holds it while it makes a node. */
void defs_lock(void);
void defs_unlock(void);

/* A stack node. The caller holds the lock. 0, or -ENOSPC when the record was dropped. */
int defs_stack_locked(uint32_t id, uint32_t parent, uintptr_t pc, int is_exact);

void defs_module_load(uint32_t id, uintptr_t bias, const char *path, const uint8_t *build_id,
		      size_t build_id_bytes, const struct defs_segment *segments, size_t count);
void defs_module_unload(uint32_t id);
void defs_thread_start(uint32_t index, int32_t tid, uint32_t creator, uint32_t stack,
		       const char *name);
void defs_thread_name(uint32_t index, const char *name);
void defs_thread_end(uint32_t index);
/* The clock pair of now. */
void defs_clock(void);
/* A line for the reader of the report: what was set wrong, what is missing and from when. */
void defs_note(enum shim_note_level level, const char *text);
void defs_mark(uint32_t thread, const char *name);
void defs_process(enum shim_process_what what, int32_t pid, const char *path);
void defs_recording(int is_on);
/* From here on, with TRACE_BYTES written, STEP is given up; SAMPLE_BYTES: of SHIM_STEP_SAMPLED. */
void defs_step(enum shim_step step, uint64_t sample_bytes, uint64_t trace_bytes);

/*
 * For sink.c, under its lock: the oldest chunk with records that are not written yet,
 * *RECORDS of them, or NULL. The stream goes on in another chunk meanwhile. Then either
 * defs_done (it is in the trace) or defs_return (it is not: try again later).
 */
struct shim_chunk *defs_take(uint32_t *records);
void defs_done(struct shim_chunk *chunk);
void defs_return(struct shim_chunk *chunk, uint32_t records);

/* 1 when full chunks wait: whoever adds definitions should call sink_definitions() soon. */
int defs_is_crowded(void);

/* 1 when no record waits to be written. Context: any thread. */
int defs_is_empty(void);

/*
 * From here on records of threads, marks and processes, of which there may be any number, are left
 * out. Context: any thread.
 */
void defs_bare(void);

/* How many bytes of the records in CHUNK are such ones. Context: whoever has taken CHUNK. */
size_t defs_other_bytes(const struct shim_chunk *chunk);

/*
 * Forgets the open chunk, which is written, for a new spool. Context: lifecycle.c, all
 * threads stopped.
 */
void defs_drop_chunk(void);

/* Records dropped because nothing could be written. */
uint64_t defs_dropped(void);

#endif
