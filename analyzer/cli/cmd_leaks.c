/* SPDX-License-Identifier: MIT */
/*
 * cmd_leaks.c - `shim-analyze leaks`: blocks that were never freed, in LeakSanitizer's layout, and
 * the verdict on them.
 *
 * Damage wins over leaks in the exit status: an event that is missing may be the free of a block
 * that is reported.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/leak_list.h"
#include "cli/session.h"
#include "out/number.h"
#include "out/text.h"

#define LEAKS_SHOWN  10
#define FRAMES_SHOWN 30
#define STATUS_LEAKS 23

static const struct process_thread *find_thread(const struct run *run, const struct heap_leak *leak)
{
	const struct process *p = leak->process < run->process_count ? run->processes[leak->process]
								     : NULL;
	size_t i;

	for (i = 0; p && i < p->thread_count; i++)
		if (p->threads[i].index == leak->thread)
			return &p->threads[i];
	return NULL;
}

/* "N byte(s) in M", whole numbers as LeakSanitizer has them. */
static void write_amount(struct buf *out, uint64_t bytes, uint64_t count, const struct estimate *e)
{
	struct number amount = number_of_bytes(bytes, e), many = number_of_count(count, e);
	char text[NUMBER_TEXT_BYTES];

	buf_printf(out, "%s byte(s) in ", number_count_text(text, &amount));
	buf_puts(out, number_count_text(text, &many));
}

static void write_leak(struct session *s, const struct heap_leak *leak)
{
	const struct process_thread *thread = find_thread(s->run, leak);
	char first[TEXT_NUMBER_BYTES], last[TEXT_NUMBER_BYTES];
	struct buf *out = &s->out;

	text_style(out, s->color, TEXT_STRONG);
	buf_puts(out, "Unfreed leak of ");
	write_amount(out, leak->bytes, leak->count, &leak->estimate);
	buf_puts(out, " object(s) allocated from:\n");
	text_style(out, s->color, TEXT_PLAIN);
	names_text(s->names, leak->stack, out, 4, FRAMES_SHOWN);
	text_style(out, s->color, TEXT_DIM);
	buf_printf(out, "    by %s", event_func_name(leak->func));
	if (thread && thread->name[0]) {
		buf_puts(out, " in thread ");
		text_name(out, thread->name);
	}
	if (s->run->process_count > 1)
		buf_printf(out, " of pid %" PRIu64, s->run->processes[leak->process]->pid);
	if (leak->count == 1)
		buf_printf(out, ", at %s\n", text_seconds(first, leak->first_ns, 3));
	else
		buf_printf(out, ", from %s to %s, the largest of %" PRIu64 " bytes\n",
			   text_seconds(first, leak->first_ns, 3),
			   text_seconds(last, leak->last_ns, 3), leak->largest);
	text_style(out, s->color, TEXT_PLAIN);
	buf_putc(out, '\n');
}

/* The line that log readers of LeakSanitizer look for. */
static void write_error(struct session *s, const char *what)
{
	buf_fill(&s->out, '=', 65);
	text_style(&s->out, s->color, TEXT_BAD);
	buf_printf(&s->out, "\n==%" PRIu64 "==ERROR: shim-analyze: %s\n", s->run->processes[0]->pid,
		   what);
	text_style(&s->out, s->color, TEXT_PLAIN);
	buf_putc(&s->out, '\n');
}

static void write_mismatches(struct session *s)
{
	const struct heap_result *heap = &s->analysis.heap;
	size_t limit = session_limit(s, LEAKS_SHOWN), i;
	char what[80];

	if (!heap->mismatch_count)
		return;
	snprintf(what, sizeof(what), "%" PRIu64 " block(s) ended by the wrong function",
		 heap->totals.mismatches);
	write_error(s, what);
	for (i = 0; i < heap->mismatch_count && i < limit; i++) {
		const struct heap_mismatch *m = &heap->mismatches[i];

		text_style(&s->out, s->color, TEXT_STRONG);
		buf_printf(&s->out,
			   "Mismatch: %" PRIu64 " object(s) of %s ended by %s, allocated from:\n",
			   m->count, event_func_name(m->alloc_func), event_func_name(m->free_func));
		text_style(&s->out, s->color, TEXT_PLAIN);
		names_text(s->names, m->alloc_stack, &s->out, 4, FRAMES_SHOWN);
		if (m->free_stack) {
			buf_puts(&s->out, "  ended at:\n");
			names_text(s->names, m->free_stack, &s->out, 4, FRAMES_SHOWN);
		}
		buf_putc(&s->out, '\n');
	}
	if (i < heap->mismatch_count)
		buf_printf(&s->out, "and %zu more kinds of mismatch: use -n 0 to see all\n\n",
			   heap->mismatch_count - i);
}

static void write_suppressions(const struct leak_list *list, struct buf *out)
{
	static const char line[] = "-----------------------------------------------------\n";
	size_t i;

	if (!list->suppressed.count)
		return;
	buf_puts(out, line);
	buf_puts(out, "Suppressions used:\n  count      bytes template\n");
	for (i = 0; i < list->suppressions->count; i++) {
		const struct suppression *item = &list->suppressions->items[i];

		if (!item->count)
			continue;
		buf_printf(out, "%7" PRIu64 " %10" PRIu64 " ", item->count, item->bytes);
		text_name(out, item->name);
		if (item->reason)
			buf_printf(out, " (%s)", item->reason);
		buf_putc(out, '\n');
	}
	if (list->ignored.count)
		buf_printf(out,
			   "%7" PRIu64 " %10" PRIu64 " shim_ignore_begin (the program says so)\n",
			   list->ignored.count, list->ignored.bytes);
	buf_puts(out, line);
	buf_putc(out, '\n');
}

static void write_text(struct session *s, const struct leak_list *list)
{
	size_t limit = session_limit(s, LEAKS_SHOWN), i;
	char bytes[NUMBER_TEXT_BYTES], count[NUMBER_TEXT_BYTES];
	struct number amount, many;
	struct buf *out = &s->out;

	if (list->count)
		write_error(s, "detected memory leaks");
	for (i = 0; i < list->count && i < limit; i++)
		write_leak(s, &list->items[i]);
	if (i < list->count) {
		struct leak_sum rest = { 0 };
		size_t more = list->count - i;

		for (; i < list->count; i++) {
			rest.bytes += list->items[i].bytes;
			rest.count += list->items[i].count;
			estimate_merge(&rest.estimate, &list->items[i].estimate);
		}
		buf_printf(out, "and %zu more site%s, ", more, text_plural(more));
		write_amount(out, rest.bytes, rest.count, &rest.estimate);
		buf_puts(out, " object(s): use -n 0 to see all\n\n");
	}
	write_mismatches(s);
	write_suppressions(list, out);
	session_notes(s);
	amount = number_of_all_bytes(list->unfreed.bytes, &list->unfreed.estimate,
				     &s->analysis.heap.totals);
	many = number_of_all_count(list->unfreed.count, &list->unfreed.estimate,
				   &s->analysis.heap.totals);
	buf_printf(out, "SUMMARY: shim-analyze: %s byte(s) leaked in %s allocation(s).\n",
		   number_count_text(bytes, &amount), number_count_text(count, &many));
}

static void json_amount(struct emit *j, uint64_t bytes, uint64_t count, const struct estimate *e)
{
	struct number amount = number_of_bytes(bytes, e), many = number_of_count(count, e);

	number_json(j, "bytes", &amount);
	number_json(j, "count", &many);
	if (e->samples)
		emit_uint(j, "samples", e->samples);
}

static void json_sum(struct emit *j, const char *key, const struct leak_sum *sum)
{
	emit_begin_flat_object(j, key);
	json_amount(j, sum->bytes, sum->count, &sum->estimate);
	emit_end(j);
}

static void json_leak(struct session *s, struct emit *j, const struct heap_leak *leak)
{
	const struct process_thread *thread = find_thread(s->run, leak);

	emit_begin_object(j, NULL);
	emit_string(j, "kind", "unfreed");
	json_amount(j, leak->bytes, leak->count, &leak->estimate);
	emit_string(j, "allocator", event_func_name(leak->func));
	emit_string(j, "thread", thread && thread->name[0] ? thread->name : NULL);
	emit_uint(j, "pid", s->run->processes[leak->process]->pid);
	emit_uint(j, "largest", leak->largest);
	emit_uint(j, "first_ns", leak->first_ns);
	emit_uint(j, "last_ns", leak->last_ns);
	names_json(s->names, leak->stack, j, "stack");
	emit_end(j);
}

static void json_mismatch(struct session *s, struct emit *j, const struct heap_mismatch *m)
{
	emit_begin_object(j, NULL);
	emit_string(j, "kind", "mismatch");
	emit_string(j, "function", event_func_name(m->free_func));
	emit_string(j, "allocator", event_func_name(m->alloc_func));
	emit_uint(j, "count", m->count);
	names_json(s->names, m->alloc_stack, j, "allocated");
	names_json(s->names, m->free_stack, j, "freed");
	emit_end(j);
}

static void json_suppressions(struct emit *j, const struct leak_list *list)
{
	size_t i;

	emit_begin_array(j, "suppressions");
	for (i = 0; i < list->suppressions->count; i++) {
		const struct suppression *item = &list->suppressions->items[i];

		if (!item->count)
			continue;
		emit_begin_flat_object(j, NULL);
		emit_string(j, "template", item->name);
		emit_uint(j, "bytes", item->bytes);
		emit_uint(j, "count", item->count);
		if (item->reason)
			emit_string(j, "reason", item->reason);
		emit_end(j);
	}
	emit_end(j);
}

static void write_json(struct session *s, const struct leak_list *list)
{
	size_t limit = session_limit(s, SIZE_MAX), i;
	struct emit j;

	session_json_begin(s, &j, "leaks");
	emit_begin_object(&j, "totals");
	json_sum(&j, "unfreed", &list->unfreed);
	json_sum(&j, "suppressed", &list->suppressed);
	emit_end(&j);
	emit_begin_array(&j, "leaks");
	for (i = 0; i < list->count && i < limit; i++)
		json_leak(s, &j, &list->items[i]);
	emit_end(&j);
	emit_begin_array(&j, "errors");
	for (i = 0; i < s->analysis.heap.mismatch_count && i < limit; i++)
		json_mismatch(s, &j, &s->analysis.heap.mismatches[i]);
	emit_end(&j);
	json_suppressions(&j, list);
	emit_end(&j);
}

static int run(struct session *s)
{
	struct leak_list list = { 0 };
	int status = -1;

	if (session_analyze(s, 0, 0) == 0 && leak_list_make(&list, s) == 0 && session_output(s) == 0) {
		if (session_is_json(s))
			write_json(s, &list);
		else
			write_text(s, &list);
		status = run_exit_status(s->run);
		if (status == 0 && list.unfreed.count)
			status = STATUS_LEAKS;
	}
	leak_list_free(&list);
	return status;
}

const struct command command_leaks = {
	.name = "leaks",
	.summary = "blocks that were never freed; exit status 23 if there are any",
	.about = "Shows the blocks that were still alive at the end of the trace, by the stack\n"
		 "that allocated them, largest first. They are \"unfreed\": whether something\n"
		 "still points to them was not looked at.\n\n"
		 "Suppressions take out leaks that are known: a file of them has one\n"
		 "leak:PATTERN a line, where PATTERN matches a part of the function, file or\n"
		 "module of any frame; * stands for anything, ^ and $ bind to the ends, #\n"
		 "begins a comment. Blocks that the C and C++ runtimes keep for themselves are\n"
		 "left out by a built-in list. A report names every suppression that it used.\n\n"
		 "Exit status 23 tells that there are leaks which no suppression covers. A\n"
		 "damaged or incomplete trace gives 2 even then, since the missing events may\n"
		 "be those that freed the blocks.\n",
	.formats = COMMAND_TEXT_JSON,
	.run = run,
};
