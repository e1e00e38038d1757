/* SPDX-License-Identifier: MIT */
/*
 * trace_report.h - what every report says about its data: whose trace it is, on which machine, how
 * much of it there is, and what is missing. The JSON side is the `trace` object; the text side is a
 * head, and a block of notes.
 */
#ifndef OUT_TRACE_REPORT_H
#define OUT_TRACE_REPORT_H

#include "model/run.h"
#include "out/emit.h"
#include "out/names.h"
#include "util/buf.h"

/*
 * Appends the command line of P, quoted as a shell would need it. "" when it is unknown.
 */
void trace_report_command(const struct process *p, struct buf *out);

/* "python3 (pid 42)"; with more processes "… and 3 more processes". */
void trace_report_title(const struct run *run, struct buf *out);

/*
 * ", from 1.234 s on only a sample (SHIM_MAX_TRACE)": the last step of the first process that took
 * one, for titles. Nothing if none did.
 */
void trace_report_step(const struct run *run, struct buf *out);

/* Nanoseconds from the first start to the last end of RUN's processes. */
uint64_t trace_report_duration_ns(const struct run *run);

/* Writes the member `trace`. NAMES may be NULL (nothing was symbolized). */
void trace_report_json(const struct run *run, const struct names *names, struct emit *j);

/* The lines at the top of `summary` and `info`: program, command, time, machine, data. */
void trace_report_head(const struct run *run, const struct names *names, struct buf *out, int color);

/*
 * The notes of RUN, one "note: …" or "warning: …" line each; nothing when all is well. With NAMES
 * also those on missing debug information.
 */
void trace_report_notes(const struct run *run, const struct names *names, struct buf *out, int color);

/*
 * Appends the one clear line about damage ("FILE: what; what this means"), without a newline;
 * nothing if there is none.
 */
void trace_report_damage(const struct run *run, struct buf *out);

#endif
