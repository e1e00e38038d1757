/* SPDX-License-Identifier: MIT */
/*
 * trace_fixture.h - what unit tests of the reading side share: a scratch folder, generated traces
 * in it, and one call from a trace to the events or the results that come out of it. Included once
 * per test program, after its own includes.
 */
#ifndef TRACE_FIXTURE_H
#define TRACE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gen_random.c"
#include "gen_trace.c"

#include "pass/analysis.h"
#include "trace/replay.h"
#include "util/pool.h"

#define UNUSED __attribute__((unused))

static char fixture_folder[64];
static char fixture_path[96];

UNUSED static int fixture_setup(void **state)
{
	(void)state;
	snprintf(fixture_folder, sizeof(fixture_folder), "/tmp/shim-unit-XXXXXX");
	if (!mkdtemp(fixture_folder))
		return -1;
	snprintf(fixture_path, sizeof(fixture_path), "%s/app.zst", fixture_folder);
	return 0;
}

UNUSED static int fixture_teardown(void **state)
{
	char spool[128];

	(void)state;
	snprintf(spool, sizeof(spool), "%s.spool", fixture_path);
	unlink(spool);
	unlink(fixture_path);
	return rmdir(fixture_folder);
}

/* Writes BYTES as the trace. */
UNUSED static void fixture_put(const void *bytes, size_t length)
{
	FILE *file = fopen(fixture_path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* Events of the trace as replay hands them out, each with its thread. */
struct fixture_events {
	struct event *events;
	uint32_t *threads;
	size_t count, capacity, threads_capacity;
	struct quality quality;
};

UNUSED static void fixture_take(void *context, const struct event_batch *batch)
{
	struct fixture_events *all = context;
	size_t i;

	assert_true(batch->count > 0);
	for (i = 0; i < batch->count; i++) {
		all->events = pool_grow(all->events, &all->capacity, all->count + 1,
					sizeof(*all->events));
		all->threads = pool_grow(all->threads, &all->threads_capacity, all->count + 1,
					 sizeof(*all->threads));
		all->threads[all->count] = batch->thread;
		all->events[all->count++] = batch->events[i];
	}
}

UNUSED static void fixture_replay(const struct source *s, int jobs, uint64_t to,
				  struct fixture_events *all)
{
	struct replay_options options = {
		.jobs = jobs, .to_ticks = to, .batch = fixture_take, .context = all
	};

	memset(all, 0, sizeof(*all));
	all->quality = s->quality;
	replay_run(s, &options, &all->quality);
}

UNUSED static void fixture_events_free(struct fixture_events *all)
{
	free(all->events);
	free(all->threads);
}

/* Opens the trace; fails the test with the diagnosis when that does not work. */
UNUSED static struct source *fixture_open(int jobs)
{
	struct source *s;
	struct diag d;

	diag_clear(&d);
	s = source_open(fixture_path, jobs, &d);
	if (!s)
		fail_msg("%s", d.what);
	return s;
}

UNUSED static struct run *fixture_run(void)
{
	const char *paths[] = { fixture_path };
	struct run *run;
	struct diag d;

	diag_clear(&d);
	run = run_open(paths, 1, 1, &d);
	if (!run)
		fail_msg("%s", d.what);
	return run;
}

/* Analyses the trace with everything on, or as REQUEST says. */
UNUSED static struct run *fixture_analyse(const struct analysis_request *request, struct analysis *a)
{
	static const struct analysis_request everything = { .wants = 0x7f, .jobs = 2 };
	struct run *run = fixture_run();
	struct diag d;

	diag_clear(&d);
	if (analysis_run(run, request ? request : &everything, a, &d) < 0)
		fail_msg("%s", d.what);
	return run;
}

/* Shorthand for one row. */
#define ROW(t, o, f, a, s, k)                                                                     \
	{                                                                                         \
		.ticks = (t), .op = SHIM_OP_##o, .func = SHIM_FUNC_##f, .addr = (a), .size = (s), \
		.stack = (k)                                                                      \
	}

#endif
