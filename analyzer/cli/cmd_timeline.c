/* SPDX-License-Identifier: MIT */
/* cmd_timeline.c - `shim-analyze timeline`: live bytes and allocation rate over the run's time. */
#include <inttypes.h>

#include "cli/command.h"
#include "cli/session.h"
#include "out/text.h"

#define ROWS_SHOWN      40
#define ROWS_SHOWN_JSON 1000
#define ROWS_MOST       100000
#define BAR_WIDTH       40

static size_t row_count(const struct session *s)
{
	size_t n = session_limit(s, session_is_json(s) ? ROWS_SHOWN_JSON : ROWS_SHOWN);

	return n > ROWS_MOST ? ROWS_MOST : n;
}

static uint64_t most_bytes(const struct timeline *t)
{
	uint64_t most = 0;
	size_t i;

	for (i = 0; i < t->count; i++)
		most = t->buckets[i].most_bytes > most ? t->buckets[i].most_bytes : most;
	return most;
}

/* Marks of all processes within bucket I, on the row's end. */
static void write_marks(struct session *s, const struct timeline *t, size_t i)
{
	uint64_t from = t->begin_mono_ns + timeline_ns(t, i), to = from + t->bucket_ns;
	size_t p, m;

	for (p = 0; p < s->run->process_count; p++) {
		const struct process *process = s->run->processes[p];

		for (m = 0; m < process->mark_count; m++) {
			uint64_t at = timebase_mono_ns(&process->clock, process->marks[m].ticks);

			if (at >= from && at < to) {
				buf_puts(&s->out, " <- ");
				text_name(&s->out, process->marks[m].name);
			}
		}
	}
}

static void write_text(struct session *s, const struct timeline *t)
{
	uint64_t most = most_bytes(t);
	int decimals = t->bucket_ns < 1000        ? 9
		       : t->bucket_ns < 1000000   ? 6
		       : t->bucket_ns < 100000000 ? 4
						  : 2;
	size_t i;

	text_style(&s->out, s->color, TEXT_TITLE);
	buf_puts(&s->out, "LIVE MEMORY OVER TIME\n");
	text_style(&s->out, s->color, TEXT_PLAIN);
	buf_printf(&s->out, "%11s %10s %10s %12s %10s\n", "time", "most", "at end", "allocs/s",
		   "mapped");
	for (i = 0; i < t->count; i++) {
		const struct timeline_bucket *b = &t->buckets[i];
		char at[TEXT_NUMBER_BYTES], live[TEXT_NUMBER_BYTES], top[TEXT_NUMBER_BYTES],
			mapped[TEXT_NUMBER_BYTES];

		buf_printf(&s->out, "%11s %10s %10s %12.0f %10s ",
			   text_seconds(at, timeline_ns(t, i), decimals),
			   text_bytes(top, b->most_bytes), text_bytes(live, b->live_bytes),
			   (double)b->allocations * 1e9 / (double)t->bucket_ns,
			   text_bytes(mapped, b->mapped_bytes));
		text_bar(&s->out, b->most_bytes, most, BAR_WIDTH);
		while (s->out.length && s->out.bytes[s->out.length - 1] == ' ')
			s->out.length--;
		write_marks(s, t, i);
		buf_putc(&s->out, '\n');
	}
	buf_putc(&s->out, '\n');
	session_notes(s);
}

static void json_marks(struct session *s, const struct timeline *t, struct emit *j)
{
	size_t p, m;

	emit_begin_array(j, "marks");
	for (p = 0; p < s->run->process_count; p++) {
		const struct process *process = s->run->processes[p];

		for (m = 0; m < process->mark_count; m++) {
			uint64_t at = timebase_mono_ns(&process->clock, process->marks[m].ticks);

			emit_begin_flat_object(j, NULL);
			emit_int(j, "ns", (int64_t)(at - t->begin_mono_ns));
			emit_uint(j, "pid", process->pid);
			emit_string(j, "name", process->marks[m].name);
			emit_end(j);
		}
	}
	emit_end(j);
}

static void write_json(struct session *s, const struct timeline *t)
{
	struct emit j;
	size_t i;

	session_json_begin(s, &j, "timeline");
	emit_uint(&j, "bucket_ns", t->bucket_ns);
	emit_begin_array(&j, "buckets");
	for (i = 0; i < t->count; i++) {
		const struct timeline_bucket *b = &t->buckets[i];

		emit_begin_flat_object(&j, NULL);
		emit_uint(&j, "ns", timeline_ns(t, i));
		emit_uint(&j, "live_bytes", b->live_bytes);
		emit_uint(&j, "live_count", b->live_count);
		emit_uint(&j, "most_bytes", b->most_bytes);
		emit_uint(&j, "allocations", b->allocations);
		emit_uint(&j, "allocated_bytes", b->allocated_bytes);
		emit_uint(&j, "frees", b->frees);
		emit_uint(&j, "mapped_bytes", b->mapped_bytes);
		emit_end(&j);
	}
	emit_end(&j);
	json_marks(s, t, &j);
	emit_end(&j);
}

static int run(struct session *s)
{
	if (session_analyze(s, ANALYSIS_TIMELINE | ANALYSIS_MAPPED, row_count(s)) < 0 ||
	    session_output(s) < 0)
		return -1;
	if (session_is_json(s))
		write_json(s, &s->analysis.timeline);
	else
		write_text(s, &s->analysis.timeline);
	return run_exit_status(s->run);
}

const struct command command_timeline = {
	.name = "timeline",
	.summary = "live memory and allocation rate over time",
	.about = "Shows the run in equal steps of time (-n tells how many): the most that was\n"
		 "alive within the step and what was at its end, allocations per second, and\n"
		 "memory that the program mapped itself. Marks (shim_mark) stand at their\n"
		 "step. Several processes lie on one axis of time and add up.\n",
	.formats = COMMAND_TEXT_JSON,
	.run = run,
};
