/* SPDX-License-Identifier: MIT */
/*
 * run.h - the traces a command was given: processes of one run (children), with one common table of
 * frames and stacks.
 */
#ifndef MODEL_RUN_H
#define MODEL_RUN_H

#include "model/process.h"

struct run {
	/* by start time, then pid, then path: not by order of arguments */
	struct process **processes;
	size_t process_count;
	size_t repeated; /* traces left out because another one of the same run is there */
	struct frames *frames;
};

/*
 * Opens and loads the COUNT traces PATHS with JOBS threads. A spool path given as a trace stands
 * for its trace. Of several traces with the same run id (named twice, copied, repaired) only the
 * first counts. Returns the run, or NULL with D when one of them is not a trace.
 */
struct run *run_open(const char *const *paths, size_t count, int jobs, struct diag *d);
void run_close(struct run *run);

/* Largest quality_exit_status of its processes, 0 or 2. */
int run_exit_status(const struct run *run);
/* 1 when every process is complete. */
int run_is_complete(const struct run *run);

/*
 * A moment of PROCESS in ticks from what a user types for --from or --to: "12.5" (seconds from the
 * start, also with a unit ns us ms s m), "30%" of the duration, "-5" or "-10%" (from the end), or
 * the name of a mark (its first occurrence). Returns 0, or -1 with D.
 */
int run_parse_moment(const struct process *p, const char *text, uint64_t *ticks, struct diag *d);

#endif
