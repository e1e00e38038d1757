/* SPDX-License-Identifier: MIT */
/* cmd_threads.c - `shim-analyze threads`: what each thread allocated, freed and holds. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/session.h"
#include "out/text.h"
#include "util/pool.h"

#define THREADS_SHOWN 30

static int compare_rows(const void *a, const void *b)
{
	const struct threads_row *x = *(struct threads_row *const *)a,
				 *y = *(struct threads_row *const *)b;

	if (x->allocated_bytes != y->allocated_bytes)
		return x->allocated_bytes > y->allocated_bytes ? -1 : 1;
	if (x->allocations != y->allocations)
		return x->allocations > y->allocations ? -1 : 1;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

/* Rows by bytes allocated; the caller frees the array. */
static const struct threads_row **sorted_rows(const struct threads *t)
{
	const struct threads_row **rows = xcalloc(t->count, sizeof(struct threads_row *));
	size_t i;

	for (i = 0; i < t->count; i++)
		rows[i] = &t->rows[i];
	if (t->count)
		qsort(rows, t->count, sizeof(struct threads_row *), compare_rows);
	return rows;
}

static void write_row(struct session *s, const struct threads_row *r)
{
	const struct process *p = s->run->processes[r->process];
	const struct process_thread *t = &p->threads[r->thread];
	char allocated[TEXT_NUMBER_BYTES], peak[TEXT_NUMBER_BYTES], live[TEXT_NUMBER_BYTES];

	buf_printf(&s->out, "%8" PRIu64 " ", t->tid);
	text_pad(&s->out, t->name[0] ? t->name : "-", 16);
	buf_printf(&s->out,
		   " %11" PRIu64 " %10s %10s %10s %9" PRIu64 " %11" PRIu64 " %9" PRIu64
		   " %10.3f %10.3f\n",
		   r->allocations, text_bytes(allocated, r->allocated_bytes),
		   text_bytes(peak, r->peak_bytes), text_bytes(live, r->live_bytes), r->temporary,
		   r->frees, r->foreign_frees, (double)r->first_ns / 1e9, (double)r->last_ns / 1e9);
}

static void write_text(struct session *s, const struct threads_row **rows, size_t count)
{
	size_t limit = session_limit(s, THREADS_SHOWN), i;

	text_style(&s->out, s->color, TEXT_TITLE);
	buf_puts(&s->out, "THREADS\n");
	text_style(&s->out, s->color, TEXT_PLAIN);
	buf_printf(&s->out, "%8s %-16s %11s %10s %10s %10s %9s %11s %9s %10s %10s\n", "tid", "name",
		   "allocations", "bytes", "peak", "unfreed", "temporary", "frees", "foreign",
		   "first [s]", "last [s]");
	for (i = 0; i < count && i < limit; i++)
		write_row(s, rows[i]);
	if (i < count)
		buf_printf(&s->out, "and %zu more threads: use -n 0 to see all\n", count - i);
	buf_puts(&s->out,
		 "(a block belongs to the thread that allocated it; foreign: frees of other threads' blocks)\n\n");
	session_notes(s);
}

static void json_row(struct session *s, struct emit *j, const struct threads_row *r)
{
	const struct process *p = s->run->processes[r->process];
	const struct process_thread *t = &p->threads[r->thread];

	emit_begin_flat_object(j, NULL);
	emit_uint(j, "pid", p->pid);
	emit_uint(j, "tid", t->tid);
	emit_string(j, "name", t->name);
	emit_uint(j, "allocations", r->allocations);
	emit_uint(j, "reallocations", r->reallocations);
	emit_uint(j, "allocated_bytes", r->allocated_bytes);
	emit_uint(j, "temporary", r->temporary);
	emit_uint(j, "frees", r->frees);
	emit_uint(j, "foreign_frees", r->foreign_frees);
	emit_uint(j, "live_count", r->live_count);
	emit_uint(j, "live_bytes", r->live_bytes);
	emit_uint(j, "peak_bytes", r->peak_bytes);
	emit_uint(j, "events", r->events);
	emit_uint(j, "first_ns", r->first_ns);
	emit_uint(j, "last_ns", r->last_ns);
	emit_end(j);
}

static void write_json(struct session *s, const struct threads_row **rows, size_t count)
{
	size_t limit = session_limit(s, SIZE_MAX), i;
	struct emit j;

	session_json_begin(s, &j, "threads");
	emit_begin_array(&j, "threads");
	for (i = 0; i < count && i < limit; i++)
		json_row(s, &j, rows[i]);
	emit_end(&j);
	emit_end(&j);
}

static int run(struct session *s)
{
	const struct threads_row **rows;

	if (session_analyze(s, ANALYSIS_THREADS, 0) < 0 || session_output(s) < 0)
		return -1;
	rows = sorted_rows(&s->analysis.threads);
	if (session_is_json(s))
		write_json(s, rows, s->analysis.threads.count);
	else
		write_text(s, rows, s->analysis.threads.count);
	free(rows);
	return run_exit_status(s->run);
}

const struct command command_threads = {
	.name = "threads",
	.summary = "what each thread allocated, freed and holds",
	.about = "Shows for each thread what it allocated, the most that was alive of its\n"
		 "blocks at one time, what is left of them at the end, and the blocks that it\n"
		 "freed, its own and those of other threads.\n",
	.formats = COMMAND_TEXT_JSON,
	.run = run,
};
