/* SPDX-License-Identifier: MIT */
/* trace_notes.c - see trace_notes.h. */
#include "out/trace_notes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out/text.h"
#include "util/pool.h"

#define NOTES_OF_ONE_TRACE 50

static __attribute__((format(printf, 3, 4))) void add(struct trace_notes *notes, int warning,
						      const char *format, ...)
{
	char text[2048];
	struct trace_note *note;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	notes->items = pool_grow(notes->items, &notes->capacity, notes->count + 1,
				 sizeof(*notes->items));
	note = &notes->items[notes->count++];
	note->text = pool_strndup(notes->texts, text, strlen(text));
	note->warning = warning;
}

/* 1 when the one thing wrong with the file is that it stops: then add_end says all there is. */
static int is_cut(const struct process *p)
{
	const struct quality *q = &p->quality;

	return !q->killed && !q->clean_end && !q->end[0] && !q->blocks_missing &&
	       q->blocks_damaged <= 1 && q->bytes_skipped &&
	       q->first_damage.offset + q->bytes_skipped == p->source->file_bytes;
}

static void add_end(struct trace_notes *notes, const char *file, const struct process *p)
{
	const struct quality *q = &p->quality;

	if (q->killed)
		add(notes, 0,
		    "%s: the process has not ended: killed, crashed, or still running; everything up to that moment is in the report",
		    file);
	else if (strcmp(q->end, "repaired") == 0)
		add(notes, !q->clean_end,
		    q->clean_end
			    ? "%s: a repaired trace; it holds what could be saved"
			    : "%s: a repaired trace; what the damaged one had lost is missing: false leaks are possible",
		    file);
	else if (is_cut(p))
		add(notes, 1,
		    "%s: the end is missing, and there is no .spool file beside it: cut off at offset %" PRIu64
		    ", what was recorded last is lost: false leaks are possible",
		    file, q->first_damage.offset);
	else if (!q->clean_end)
		add(notes, 1,
		    "%s: the end is missing, and there is no .spool file beside it: what was recorded last is lost",
		    file);
	if (q->spool_foreign)
		add(notes, 1, "%s.spool belongs to another run and was ignored", file);
}

/* The first damage and how much there is of it, in one line. */
static void add_damage(struct trace_notes *notes, const char *file, const struct process *p)
{
	const struct quality *q = &p->quality;
	char where[1400] = "", *count;

	if (is_cut(p))
		return;
	if (diag_is_set(&q->first_damage))
		diag_format(&q->first_damage, where, sizeof(where));
	if (q->blocks_damaged || q->blocks_missing || q->bytes_skipped) {
		count = xasprintf("%" PRIu64 " block%s could not be read, %" PRIu64
				  " missing, %" PRIu64 " bytes skipped: false leaks are possible",
				  q->blocks_damaged, text_plural(q->blocks_damaged),
				  q->blocks_missing, q->bytes_skipped);
		add(notes, 1, where[0] ? "first damage: %s; %s" : "%s: %s", where[0] ? where : file,
		    count);
		free(count);
	} else if (where[0]) {
		add(notes, 1, "first damage: %s", where);
	}
}

static void add_losses(struct trace_notes *notes, const char *file, const struct quality *q)
{
	if (q->events_lost)
		add(notes, 1,
		    "%s: %" PRIu64
		    " event%s dropped while recording (disk full, or no memory): false leaks are possible",
		    file, q->events_lost, q->events_lost == 1 ? " was" : "s were");
	if (q->events_unread)
		add(notes, 1, "%s: %" PRIu64 " recorded event%s could not be read", file,
		    q->events_unread, text_plural(q->events_unread));
}

static void add_doubts(struct trace_notes *notes, const char *file, const struct process *p)
{
	const struct quality *q = &p->quality;
	int is_forked = fields_number(&p->source->header, "forked", 0) != 0;

	if (q->unknown_records)
		add(notes, 1, "%s: %" PRIu64 " record%s of a kind that this version does not know",
		    file, q->unknown_records, text_plural(q->unknown_records));
	if (q->bad_records)
		add(notes, 1, "%s: %" PRIu64 " record%s made no sense and were left out", file,
		    q->bad_records, text_plural(q->bad_records));
	if (q->unmatched_frees)
		add(notes, 0,
		    is_forked
			    ? "%s: %" PRIu64
			      " free%s of blocks that the parent allocated before the fork, as is usual"
			    : "%s: %" PRIu64
			      " free%s of blocks that were allocated before recording began, or of blocks freed twice",
		    file, q->unmatched_frees, text_plural(q->unmatched_frees));
	if (q->unended_blocks)
		add(notes, 0,
		    "%s: %" PRIu64
		    " block%s ended without a recorded free: the address was given out again",
		    file, q->unended_blocks, text_plural(q->unended_blocks));
	if (q->truncated_stacks) /* the reader puts a lost definition in the place of a cut too */
		add(notes, 0,
		    q->bad_records
			    ? "%s: %" PRIu64
			      " allocation%s whose stack is known in part: its callers are lost or deeper than SHIM_DEPTH"
			    : "%s: %" PRIu64 " allocation%s with stacks deeper than SHIM_DEPTH",
		    file, q->truncated_stacks, text_plural(q->truncated_stacks));
	if (q->unknown_stacks)
		add(notes, 1,
		    "%s: %" PRIu64
		    " allocation%s whose stack the trace does not define: shown as " FRAMES_LOST_PATH,
		    file, q->unknown_stacks, text_plural(q->unknown_stacks));
}

/* 1 in 20 sites that leaked so many times the mean distance are in no sample: exp(-3) = 0.05. */
#define MISSED_DISTANCES 3

static void add_sample(struct trace_notes *notes, const char *file, const struct process *p)
{
	const struct quality *q = &p->quality;
	char distance[TEXT_NUMBER_BYTES], missed[TEXT_NUMBER_BYTES], when[64] = "";
	char least[TEXT_NUMBER_BYTES] = "";
	int is_one = q->sample_least_bytes == q->sample_bytes;
	uint64_t from = timebase_ns(&p->clock, q->sampled_from_ticks);

	if (!q->sample_bytes)
		return;
	if (!fields_find(&p->source->header, "sample_bytes"))
		snprintf(when, sizeof(when), "from %.3f s on, ", (double)from / 1e9);
	text_bytes(missed, MISSED_DISTANCES * q->sample_bytes);
	add(notes, 0,
	    "%s: %sallocations are a sample, one in %s%s%s on average: numbers with ~ are estimates, and the true one lies in the range behind it with 95 %%; a place that leaked %s is not seen at all with 5 %%, and with less more often",
	    file, when, is_one ? "" : text_bytes(least, q->sample_least_bytes),
	    is_one ? "" : " to ", text_bytes(distance, q->sample_bytes), missed);
	add(notes, 0,
	    "%s: the peak of a sample is the largest value of an estimated curve and errs high; its range allows for that",
	    file);
}

static void add_steps(struct trace_notes *notes, const char *file, const struct process *p)
{
	static const char *const what[] = {
		[SHIM_STEP_TIMES] = "single events have no time of their own",
		[SHIM_STEP_FOLDED] =
			"blocks that live shortly are counted, without times and order of their own",
		[SHIM_STEP_SAMPLED] = "only a sample is recorded",
	};
	const char *budget = fields_text(&p->source->header, "max_trace_bytes");
	char size[TEXT_NUMBER_BYTES];
	size_t i;

	for (i = 0; i < p->step_count && i < NOTES_OF_ONE_TRACE; i++) {
		/* A sample that gets sparser is told by its distances. */
		if (i && p->steps[i].step == p->steps[i - 1].step)
			continue;
		add(notes, 0,
		    "%s: from %.3f s on, %s, to stay within SHIM_MAX_TRACE%s%s (%s written by then)",
		    file, (double)timebase_ns(&p->clock, p->steps[i].ticks) / 1e9,
		    what[p->steps[i].step], budget ? "=" : "", budget ? budget : "",
		    text_bytes(size, p->steps[i].trace_bytes));
	}
	if (p->quality.events_folded)
		add(notes, 0,
		    "%s: %" PRIu64
		    " of the events are those of short-lived blocks that were counted by kind: totals hold them exactly, lifetimes and timeline by and large",
		    file, p->quality.events_folded);
}

static void add_recorded(struct trace_notes *notes, const char *file, const struct process *p)
{
	size_t i;

	for (i = 0; i < p->note_count && i < NOTES_OF_ONE_TRACE; i++)
		add(notes, p->notes[i].level >= SHIM_NOTE_WARNING, "%s: at %.3fs: %s", file,
		    (double)timebase_ns(&p->clock, p->notes[i].ticks) / 1e9, p->notes[i].text);
	if (p->note_count > NOTES_OF_ONE_TRACE)
		add(notes, 0, "%s: %zu more notes: shim-analyze info", file,
		    p->note_count - NOTES_OF_ONE_TRACE);
}

static void add_names(struct trace_notes *notes, const struct names *names)
{
	size_t i;

	for (i = 0; i < names_note_count(names); i++)
		add(notes, 0, "%s", names_note(names, i));
}

void trace_notes_collect(struct trace_notes *notes, const struct run *run, const struct names *names)
{
	size_t i;

	memset(notes, 0, sizeof(*notes));
	notes->texts = pool_new();
	if (run->repeated)
		add(notes, 0,
		    "%zu of the files named belong%s to a run that another one shows: it counts once",
		    run->repeated, run->repeated == 1 ? "s" : "");
	for (i = 0; i < run->process_count; i++) {
		const struct process *p = run->processes[i];
		const char *file = names_short_module(p->source->path);

		add_end(notes, file, p);
		add_damage(notes, file, p);
		add_losses(notes, file, &p->quality);
		add_steps(notes, file, p);
		add_sample(notes, file, p);
		add_doubts(notes, file, p);
		add_recorded(notes, file, p);
	}
	if (names)
		add_names(notes, names);
}

void trace_notes_free(struct trace_notes *notes)
{
	free(notes->items);
	pool_delete(notes->texts);
}
