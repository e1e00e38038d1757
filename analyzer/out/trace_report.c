/* SPDX-License-Identifier: MIT */
/*
 * trace_report.c - see trace_report.h. Times of day are UTC, so that a report does not depend on
 * where it is made.
 */
#include "out/trace_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "out/text.h"
#include "out/trace_notes.h"
#include "util/pool.h"

#define PLAIN_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%^"

static void quote_argument(const char *text, struct buf *out)
{
	if (*text && strspn(text, PLAIN_CHARACTERS) == strlen(text)) {
		buf_puts(out, text);
		return;
	}
	buf_putc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *text);
	}
	buf_putc(out, '\'');
}

void trace_report_command(const struct process *p, struct buf *out)
{
	size_t i;

	for (i = 0; i < p->argument_count; i++) {
		if (i)
			buf_putc(out, ' ');
		quote_argument(p->arguments[i], out);
	}
}

void trace_report_title(const struct run *run, struct buf *out)
{
	const struct process *p = run->processes[0];

	buf_printf(out, "%s (pid %" PRIu64 ")", p->program[0] ? p->program : "a program", p->pid);
	if (run->process_count > 1)
		buf_printf(out, " and %zu more process%s", run->process_count - 1,
			   run->process_count == 2 ? "" : "es");
}

void trace_report_step(const struct run *run, struct buf *out)
{
	static const char *const what[] = {
		[SHIM_STEP_TIMES] = "without times of single events",
		[SHIM_STEP_FOLDED] = "without short-lived blocks' order",
		[SHIM_STEP_SAMPLED] = "only a sample",
	};
	const struct process *p = NULL;
	size_t i;

	for (i = 0; i < run->process_count && !p; i++)
		if (run->processes[i]->step_count)
			p = run->processes[i];
	if (!p)
		return;
	/* A sample that gets sparser began with the first of its steps. */
	for (i = p->step_count - 1; i > 0 && p->steps[i - 1].step == p->steps[i].step; i--)
		;
	buf_printf(out, ", from %.3f s on %s (SHIM_MAX_TRACE)",
		   (double)timebase_ns(&p->clock, p->steps[i].ticks) / 1e9, what[p->steps[i].step]);
}

uint64_t trace_report_duration_ns(const struct run *run)
{
	uint64_t begin = UINT64_MAX, end = 0;
	size_t i;

	for (i = 0; i < run->process_count; i++) {
		const struct process *p = run->processes[i];
		uint64_t start = timebase_mono_ns(&p->clock, p->clock.start_ticks);

		if (start < begin)
			begin = start;
		if (start + p->duration_ns > end)
			end = start + p->duration_ns;
	}
	return end > begin ? end - begin : 0;
}

/* Sums over the processes. */
static struct quality sum_quality(const struct run *run)
{
	struct quality sum = { 0 };
	size_t i;

	for (i = 0; i < run->process_count; i++) {
		const struct quality *q = &run->processes[i]->quality;

		sum.events += q->events;
		sum.events_folded += q->events_folded;
		if (q->sample_bytes > sum.sample_bytes)
			sum.sample_bytes = q->sample_bytes;
		sum.events_lost += q->events_lost;
		sum.events_unread += q->events_unread;
		sum.truncated_stacks += q->truncated_stacks;
		sum.unmatched_frees += q->unmatched_frees;
		sum.unended_blocks += q->unended_blocks;
		sum.unknown_stacks += q->unknown_stacks;
	}
	return sum;
}

static uint64_t sum_footer(const struct run *run, const char *key, int *known)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < run->process_count; i++) {
		const struct fields *footer = &run->processes[i]->source->footer;

		if (fields_find(footer, key)) {
			sum += fields_number(footer, key, 0);
			*known = 1;
		}
	}
	return sum;
}

static void json_system(const struct process *p, struct emit *j)
{
	const struct fields *h = &p->source->header;

	emit_begin_object(j, "system");
	emit_string(j, "cpu", fields_text(h, "cpu"));
	if (fields_find(h, "cores"))
		emit_uint(j, "cores", fields_number(h, "cores", 0));
	if (fields_find(h, "memory_bytes"))
		emit_uint(j, "memory_bytes", fields_number(h, "memory_bytes", 0));
	emit_string(j, "kernel", fields_text(h, "kernel"));
	emit_string(j, "governor", fields_text(h, "governor"));
	emit_string(j, "load", fields_text(h, "load"));
	emit_string(j, "libc", fields_text(h, "libc"));
	emit_end(j);
}

/*
 * Stores when the first process of RUN began to record less than all, to stay within its budget, in
 * ns since the run began. Returns 0 when none did.
 */
static int first_step(const struct run *run, uint64_t *ns)
{
	uint64_t begin = UINT64_MAX, first = UINT64_MAX;
	size_t i;

	for (i = 0; i < run->process_count; i++) {
		const struct process *p = run->processes[i];
		uint64_t start = timebase_mono_ns(&p->clock, p->clock.start_ticks);

		begin = start < begin ? start : begin;
		if (p->step_count) {
			uint64_t step = timebase_mono_ns(&p->clock, p->steps[0].ticks);

			first = step < first ? step : first;
		}
	}
	*ns = first > begin ? first - begin : 0;
	return first != UINT64_MAX;
}

static void json_quality(const struct run *run, const struct names *names, struct emit *j)
{
	struct quality q = sum_quality(run);
	struct trace_notes notes;
	uint64_t asked = 0, unresolved = 0, value;
	int known = 0;
	size_t i;

	emit_begin_object(j, "quality");
	emit_uint(j, "events", q.events);
	if (q.events_folded)
		emit_uint(j, "folded_events", q.events_folded);
	if (q.sample_bytes)
		emit_uint(j, "sample_bytes", q.sample_bytes);
	if (first_step(run, &value))
		emit_uint(j, "degraded_from_ns", value);
	emit_uint(j, "lost", q.events_lost);
	emit_begin_flat_object(j, "lost_by_kind");
	emit_uint(j, "dropped", q.events_lost);
	emit_end(j);
	emit_uint(j, "unread", q.events_unread);
	emit_uint(j, "truncated_stacks", q.truncated_stacks);
	emit_uint(j, "unknown_stacks", q.unknown_stacks);
	emit_uint(j, "unknown_frees", q.unmatched_frees);
	emit_uint(j, "unended_blocks", q.unended_blocks);
	if (names) {
		names_counts(names, &asked, &unresolved);
		emit_double(j, "unresolved_frames_percent", text_share(unresolved, asked), 2);
	}
	value = sum_footer(run, "shim_cpu_ns", &known);
	if (known)
		emit_uint(j, "shim_cpu_ns", value);
	known = 0;
	value = sum_footer(run, "shim_bytes", &known);
	if (known)
		emit_uint(j, "shim_bytes", value);
	trace_notes_collect(&notes, run, names);
	emit_begin_array(j, "notes");
	for (i = 0; i < notes.count; i++)
		emit_string(j, NULL, notes.items[i].text);
	emit_end(j);
	trace_notes_free(&notes);
	emit_end(j);
}

static void json_command(const struct process *p, struct emit *j)
{
	struct buf command;

	buf_init(&command);
	trace_report_command(p, &command);
	emit_string_n(j, "command", command.bytes ? command.bytes : "", command.length);
	buf_free(&command);
}

static void json_processes(const struct run *run, struct emit *j)
{
	size_t i;

	emit_begin_array(j, "processes");
	for (i = 0; i < run->process_count; i++) {
		const struct process *p = run->processes[i];

		emit_begin_object(j, NULL);
		emit_string(j, "file", p->source->path);
		emit_string(j, "program", p->program);
		emit_uint(j, "pid", p->pid);
		emit_uint(j, "ppid", p->ppid);
		json_command(p, j);
		emit_uint(j, "start_unix_ns", p->start_unix_ns);
		emit_uint(j, "duration_ns", p->duration_ns);
		emit_bool(j, "complete", quality_is_complete(&p->quality));
		emit_string(j, "end",
			    p->quality.killed   ? "killed"
			    : p->quality.end[0] ? p->quality.end
						: "unknown");
		emit_end(j);
	}
	emit_end(j);
}

void trace_report_json(const struct run *run, const struct names *names, struct emit *j)
{
	const struct process *p = run->processes[0];
	size_t i;

	emit_begin_object(j, "trace");
	emit_begin_array(j, "files");
	for (i = 0; i < run->process_count; i++)
		emit_string(j, NULL, run->processes[i]->source->path);
	emit_end(j);
	emit_string(j, "program", p->program);
	emit_uint(j, "pid", p->pid);
	json_command(p, j);
	emit_uint(j, "start_unix_ns", p->start_unix_ns);
	emit_uint(j, "duration_ns", trace_report_duration_ns(run));
	emit_bool(j, "complete", run_is_complete(run));
	json_processes(run, j);
	json_system(p, j);
	json_quality(run, names, j);
	emit_end(j);
}

static void head_time(const struct run *run, struct buf *out)
{
	const struct process *p = run->processes[0];
	time_t start = (time_t)(p->start_unix_ns / 1000000000);
	char number[TEXT_NUMBER_BYTES], date[64] = "";
	struct tm utc;

	if (p->start_unix_ns && gmtime_r(&start, &utc))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &utc);
	buf_printf(out, "  time     %s%sran %s, ", date, date[0] ? ", " : "",
		   text_seconds(number, trace_report_duration_ns(run), 3));
	if (run->process_count > 1)
		buf_printf(out, "pid %" PRIu64 " ", p->pid);
	if (p->quality.killed)
		buf_puts(out, "not ended: killed, crashed or still running\n");
	else
		buf_printf(out, "ended by %s\n",
			   p->quality.end[0] ? p->quality.end : "an unknown cause");
}

static void head_machine(const struct process *p, struct buf *out)
{
	static const char *const key[] = { "cpu",  "cores",    "memory_bytes", "kernel",
					   "libc", "governor", "load" };
	char number[TEXT_NUMBER_BYTES];
	int some = 0;
	size_t i;

	for (i = 0; i < sizeof(key) / sizeof(key[0]); i++) {
		const char *value = fields_text(&p->source->header, key[i]);

		if (!value || !*value)
			continue;
		buf_puts(out, some++ ? ", " : "  machine  ");
		if (i == 2)
			value = text_bytes(number, fields_number(&p->source->header, key[i], 0));
		if (i >= 5)
			buf_printf(out, "%s ", key[i]);
		text_name(out, value);
		if (i == 1)
			buf_puts(out, strcmp(value, "1") == 0 ? " core" : " cores");
	}
	if (some)
		buf_putc(out, '\n');
}

static void head_data(const struct run *run, const struct names *names, struct buf *out)
{
	struct quality q = sum_quality(run);
	uint64_t asked = 0, unresolved = 0, lost = q.events_lost + q.events_unread, value;
	char number[TEXT_NUMBER_BYTES];
	int known = 0;

	buf_printf(out, "  data     %" PRIu64 " events, ", q.events);
	if (lost)
		buf_printf(out, "%" PRIu64 " lost", lost);
	else
		buf_puts(out, run_exit_status(run) ? "incomplete" : "none lost");
	if (names) {
		names_counts(names, &asked, &unresolved);
		buf_printf(out, "; %s of frames without an exact name",
			   text_percent(number, unresolved, asked));
	}
	if (q.sample_bytes)
		buf_printf(out, "; sampled, one in %s", text_bytes(number, q.sample_bytes));
	if (first_step(run, &value))
		buf_printf(out, "; not all is recorded from %s on", text_seconds(number, value, 1));
	value = sum_footer(run, "shim_cpu_ns", &known);
	if (known)
		buf_printf(out, "; the recording took %s of CPU to write", text_ns(number, value));
	value = sum_footer(run, "shim_bytes", &known);
	if (value)
		buf_printf(out, " and %s of memory", text_bytes(number, value));
	buf_putc(out, '\n');
}

static char *command_of(const struct process *p)
{
	struct buf command;

	buf_init(&command);
	trace_report_command(p, &command);
	return command.bytes; /* NULL without arguments */
}

static void head_command(const char *word, const char *command, size_t times, struct buf *out)
{
	buf_printf(out, "  %-8s ", word);
	text_name(out, command);
	if (times > 1)
		buf_printf(out, " (\xc3\x97%zu)", times);
	buf_putc(out, '\n');
}

/* The command of the first process, then those of the others, equal ones once. */
static void head_commands(const struct run *run, struct buf *out)
{
	char **commands = xcalloc(run->process_count, sizeof(*commands));
	size_t i, k, times;

	for (i = 0; i < run->process_count; i++)
		commands[i] = command_of(run->processes[i]);
	if (commands[0])
		head_command("command", commands[0], 1, out);
	for (i = 1; i < run->process_count; i++) {
		if (!commands[i])
			continue;
		for (times = 1, k = i + 1; k < run->process_count; k++) {
			if (!commands[k] || strcmp(commands[k], commands[i]) != 0)
				continue;
			times++;
			free(commands[k]);
			commands[k] = NULL;
		}
		head_command("and", commands[i], times, out);
	}
	for (i = 0; i < run->process_count; i++)
		free(commands[i]);
	free(commands);
}

void trace_report_head(const struct run *run, const struct names *names, struct buf *out, int color)
{
	struct buf title;

	buf_init(&title);
	trace_report_title(run, &title);
	text_style(out, color, TEXT_STRONG);
	text_name(out, title.bytes);
	text_style(out, color, TEXT_PLAIN);
	buf_putc(out, '\n');
	buf_free(&title);
	head_commands(run, out);
	head_time(run, out);
	head_machine(run->processes[0], out);
	head_data(run, names, out);
}

void trace_report_notes(const struct run *run, const struct names *names, struct buf *out, int color)
{
	struct trace_notes notes;
	size_t i;

	trace_notes_collect(&notes, run, names);
	for (i = 0; i < notes.count; i++) {
		text_style(out, color, notes.items[i].warning ? TEXT_BAD : TEXT_DIM);
		buf_puts(out, notes.items[i].warning ? "warning: " : "note: ");
		text_name(out, notes.items[i].text);
		text_style(out, color, TEXT_PLAIN);
		buf_putc(out, '\n');
	}
	trace_notes_free(&notes);
}

void trace_report_damage(const struct run *run, struct buf *out)
{
	size_t i, impaired = 0;

	for (i = 0; i < run->process_count; i++) {
		const struct quality *q = &run->processes[i]->quality;
		char where[1400];

		if (!quality_is_impaired(q) || impaired++)
			continue;
		if (diag_is_set(&q->first_damage)) {
			diag_format(&q->first_damage, where, sizeof(where));
			text_name(out, where);
		} else {
			text_name(out, run->processes[i]->source->path);
			buf_puts(out, q->events_lost      ? ": events were dropped while recording"
				      : q->unknown_stacks ? ": definitions of stacks are missing"
				      : q->clean_end || q->killed || q->end[0]
					      ? ": parts are missing"
					      : ": the trace has no end");
		}
	}
	if (impaired > 1)
		buf_printf(out, "; so are %zu more traces", impaired - 1);
	if (impaired)
		buf_puts(out, "; the report covers what could be read");
}
