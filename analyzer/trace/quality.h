/* SPDX-License-Identifier: MIT */
/*
 * quality.h - what is known about the completeness of one trace: filled by source, replay, the
 * model and the heap pass as they read, shown by every report. Plain counters; a zeroed struct is
 * "nothing known to be wrong".
 */
#ifndef TRACE_QUALITY_H
#define TRACE_QUALITY_H

#include <stdint.h>

#include "util/diag.h"

struct quality {
	uint64_t events;        /* events that could be read, folded ones included */
	uint64_t events_folded; /* of them: counted by the writer, without rows of their own */
	/* largest mean distance of a sample, 0: no block is of one; the first such block's begin */
	uint64_t sample_bytes, sampled_from_ticks;
	uint64_t sample_least_bytes; /* smallest mean distance */
	/* blocks that could be read, definitions and spool chunks included */
	uint64_t blocks;
	uint64_t blocks_damaged; /* frames or chunks that could not be read */
	/* 1: a clean end whose index cannot be used; the blocks were found by walking the file */
	uint64_t index_damaged;
	/* gaps in the block numbers of a thread (those that are unreadable among them) */
	uint64_t blocks_missing;
	uint64_t bytes_skipped; /* bytes of the file that belong to no readable frame */
	uint64_t events_lost;   /* dropped by the writer, by its own count */
	/* events that the index or footer promises and that could not be read */
	uint64_t events_unread;
	uint64_t spool_blocks; /* blocks taken from the spool */
	uint64_t spool_events; /* events among them */
	/* definitions or events of a kind that this version does not know */
	uint64_t unknown_records;
	/* definitions that make no sense (an undefined parent, a body cut short) */
	uint64_t bad_records;
	/* frees of addresses that no recorded allocation had given; from the heap pass */
	uint64_t unmatched_frees;
	/* addresses given out again though nothing had freed them; from the heap pass */
	uint64_t unended_blocks;
	uint64_t truncated_stacks; /* allocations whose stack was cut at SHIM_DEPTH; heap pass */
	uint64_t unknown_stacks;   /* allocations whose stack is lost: not defined; heap pass */
	int clean_end;             /* the footer is there: the process ended in order */
	/* no footer, and a spool that matches: killed, whole up to that moment */
	int killed;
	/* a file with the spool's name belongs to another run and was ignored */
	int spool_foreign;
	/* footer's `end`: exit, quick_exit, _exit, exec, repaired; "" without a footer */
	char end[16];
	struct diag first_damage; /* the first damage found; diag_is_set tells */
};

/*
 * 1 when something recorded is not in the report or not as it was written: damage, missing or lost
 * events, stacks without definition, or an end without a trace of it.
 */
int quality_is_impaired(const struct quality *q);

/*
 * 1 when the trace covers the process up to its ordered end and nothing is missing (JSON:
 * `complete`).
 */
int quality_is_complete(const struct quality *q);

/*
 * Exit status that a report on this trace deserves: 0, or 2 when quality_is_impaired. A killed
 * process whose spool is intact is 0: everything up to the kill is in the report (and `complete` is
 * false).
 */
int quality_exit_status(const struct quality *q);

#endif
