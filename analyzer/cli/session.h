/* SPDX-License-Identifier: MIT */
/*
 * session.h - what a command works with: the opened traces, their analysis, names, and the output.
 * Made by main.c, which also ends it; commands call session_analyze, then session_output, then
 * write.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/filter.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "out/emit.h"
#include "out/names.h"
#include "pass/analysis.h"
#include "util/buf.h"

struct session {
	const struct options *options;
	struct diag *diag;
	struct run *run;
	struct analysis analysis;
	struct filter *filter;
	struct names *names; /* NULL until session_names */
	struct symbol_options symbol_options;
	uint8_t *keep_stack;
	struct progress progress;
	struct buf out; /* after session_output */
	int out_fd;     /* -1: not open */
	int color;
	int analyzed;
	int jobs;
};

/* Opens the traces that O names. Returns 0, or -1 with D. session_close either way. */
int session_open(struct session *s, const struct options *o, struct diag *d);

/*
 * Replays the traces through the passes WANTS (ANALYSIS_*), BUCKETS for the timeline, with the
 * user's filters. 0, or -1.
 */
int session_analyze(struct session *s, unsigned wants, size_t buckets);

/* The names of the run's stacks. */
struct names *session_names(struct session *s);

/* Opens the output. Returns 0, or -1. */
int session_output(struct session *s);

/* 1 when the user asked for JSON. */
int session_is_json(const struct session *s);

/*
 * Begins the JSON object of command COMMAND on S->out: schema, trace, and filter if there is one.
 * Look up all names that the report needs before, since the trace's quality tells their share. End
 * it with emit_end.
 */
void session_json_begin(struct session *s, struct emit *j, const char *command);

/* Appends what every text report ends with: the filters in effect, and the notes on the data. */
void session_notes(struct session *s);

/* How many entries to show: what the user gave, else OTHERWISE; 0 for all becomes SIZE_MAX. */
size_t session_limit(const struct session *s, size_t otherwise);
size_t session_stack_limit(const struct session *s, size_t otherwise);

/* Writes what is left of the output. Returns 0, or -1 with D. Closes everything. */
int session_close(struct session *s, struct diag *d);

#endif
