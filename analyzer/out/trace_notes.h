/* SPDX-License-Identifier: MIT */
/*
 * trace_notes.h - the list of things that the reader of a report should know about its data, in
 * plain words: from the recording library, from reading the file, from matching events, from
 * looking for names.
 */
#ifndef OUT_TRACE_NOTES_H
#define OUT_TRACE_NOTES_H

#include <stddef.h>

#include "model/run.h"
#include "out/names.h"

struct trace_note {
	const char *text;
	int warning; /* something is missing or doubtful; else for information only */
};

struct trace_notes {
	struct trace_note *items;
	size_t count, capacity;
	struct pool *texts;
};

/*
 * Collects the notes of RUN; NAMES may be NULL. The number of notes taken from each trace is
 * bounded.
 */
void trace_notes_collect(struct trace_notes *notes, const struct run *run, const struct names *names);
void trace_notes_free(struct trace_notes *notes);

#endif
