/* SPDX-License-Identifier: MIT */
/* run.c - see run.h. */
#include "model/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/pool.h"

static int compare_processes(const void *a, const void *b)
{
	const struct process *x = *(struct process *const *)a, *y = *(struct process *const *)b;

	if (x->start_unix_ns != y->start_unix_ns)
		return x->start_unix_ns < y->start_unix_ns ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return strcmp(x->source->path, y->source->path);
}

/* Opens PATH, or, when it names a spool, the trace that the spool belongs to. */
static struct source *open_trace(const char *path, int jobs, struct diag *d)
{
	size_t length = strlen(path), suffix = strlen(SHIM_SPOOL_SUFFIX);
	struct source *s;
	char *trace;

	if (length <= suffix || strcmp(path + length - suffix, SHIM_SPOOL_SUFFIX) != 0)
		return source_open(path, jobs, d);
	trace = xasprintf("%.*s", (int)(length - suffix), path);
	if (access(trace, F_OK) == 0) {
		s = source_open(trace, jobs, d);
	} else {
		s = source_open(path, jobs, NULL); /* a trace may be called so */
		if (!s)
			diag_set(d, path, DIAG_NO_OFFSET,
				 "is only the end of a trace: its trace %s is not there", trace);
	}
	free(trace);
	return s;
}

/* 1 when one of the COUNT sources SOURCES is of the same run as S: a trace that is named twice. */
static int is_open(struct source *const *sources, size_t count, const struct source *s)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (sources[i]->header.run_id == s->header.run_id)
			return 1;
	return 0;
}

/* Keeps S, or closes it when its run is there already. */
static void take_source(struct run *run, struct source **sources, struct source *s)
{
	if (!is_open(sources, run->process_count, s)) {
		sources[run->process_count++] = s;
		return;
	}
	run->repeated++;
	source_close(s);
}

struct run *run_open(const char *const *paths, size_t count, int jobs, struct diag *d)
{
	struct source **sources = xcalloc(count, sizeof(*sources));
	struct run *run = xcalloc(1, sizeof(*run));
	struct source *s;
	size_t i;

	run->frames = frames_new();
	run->processes = xcalloc(count, sizeof(*run->processes));
	for (i = 0; i < count; i++) {
		s = open_trace(paths[i], jobs, d);
		if (!s)
			break;
		take_source(run, sources, s);
	}
	if (i < count) {
		while (run->process_count > 0)
			source_close(sources[--run->process_count]);
		free(sources);
		run_close(run);
		return NULL;
	}
	for (i = 0; i < run->process_count; i++)
		run->processes[i] = process_load(sources[i], run->frames);
	free(sources);
	qsort(run->processes, run->process_count, sizeof(*run->processes), compare_processes);
	return run;
}

void run_close(struct run *run)
{
	size_t i;

	if (!run)
		return;
	for (i = 0; i < run->process_count; i++)
		process_delete(run->processes[i]);
	free(run->processes);
	frames_delete(run->frames);
	free(run);
}

int run_exit_status(const struct run *run)
{
	int status = 0;
	size_t i;

	for (i = 0; i < run->process_count; i++)
		if (quality_exit_status(&run->processes[i]->quality) > status)
			status = quality_exit_status(&run->processes[i]->quality);
	return status;
}

int run_is_complete(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->process_count; i++)
		if (!quality_is_complete(&run->processes[i]->quality))
			return 0;
	return 1;
}

/* ---- moments -------------------------------------------------------------------------------- */

/* Nanoseconds of one UNIT, 0 when there is no such unit. "" is a second. */
static double unit_ns(const char *unit)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "", 1e9 },   { "s", 1e9 }, { "ms", 1e6 },
		      { "us", 1e3 }, { "ns", 1 },  { "m", 60e9 } };
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].name) == 0)
			return units[i].ns;
	return 0;
}

static const struct process_mark *find_mark(const struct process *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->mark_count; i++)
		if (strcmp(p->marks[i].name, name) == 0)
			return &p->marks[i];
	return NULL;
}

int run_parse_moment(const struct process *p, const char *text, uint64_t *ticks, struct diag *d)
{
	const struct process_mark *mark = find_mark(p, text);
	double value, ns;
	char *rest;

	if (mark) {
		*ticks = mark->ticks;
		return 0;
	}
	value = strtod(text, &rest);
	/* strtod also reads "inf", "nan" and hexadecimal, which nobody means here. */
	if (rest == text || !isfinite(value) ||
	    strspn(text, "+-.0123456789eE") < (size_t)(rest - text))
		return diag_set(
			d, p->source->path, DIAG_NO_OFFSET,
			"'%s' is no moment: give seconds (12.5), a share (30%%), either negative from the "
			"end, or the name of a mark",
			text);
	if (strcmp(rest, "%") == 0)
		ns = value / 100 * (double)p->duration_ns;
	else if (unit_ns(rest) > 0)
		ns = value * unit_ns(rest);
	else
		return diag_set(d, p->source->path, DIAG_NO_OFFSET,
				"'%s' has the unknown unit '%s'; known are ns us ms s m %%", text,
				rest);
	if (text[0] == '-')
		ns += (double)p->duration_ns;
	*ticks = timebase_ticks(&p->clock, ns <= 0 ? 0 : ns >= 1.8e19 ? UINT64_MAX : (uint64_t)ns);
	return 0;
}
