/* SPDX-License-Identifier: MIT */
/*
 * cmd_info.c - `shim-analyze info`: what a trace says about itself; reads its head, its end and its
 * definitions, not its events.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/command.h"
#include "cli/session.h"
#include "out/text.h"

static uint64_t count_frames(const struct source *source, enum frame_kind kind, uint64_t *rows)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < source->frame_count; i++) {
		const struct frame *f = &source->frames[i];

		if (f->kind != kind)
			continue;
		count++;
		if (rows && f->block_kind == SHIM_BLOCK_EVENTS)
			*rows += f->row_count;
	}
	return count;
}

/* The command line holds a NUL behind each argument. */
static void write_value(const struct field *f, struct buf *out)
{
	size_t at = 0;

	while (at < f->length) {
		size_t length = strnlen(f->value + at, f->length - at);

		if (at)
			buf_putc(out, ' ');
		text_name(out, f->value + at);
		at += length + 1;
	}
}

static void write_fields(const char *title, const struct fields *fields, struct session *s)
{
	size_t i;

	if (!fields->count)
		return;
	text_style(&s->out, s->color, TEXT_STRONG);
	buf_printf(&s->out, "%s\n", title);
	text_style(&s->out, s->color, TEXT_PLAIN);
	for (i = 0; i < fields->count; i++) {
		buf_puts(&s->out, "  ");
		text_pad(&s->out, fields->items[i].key, 16);
		buf_putc(&s->out, ' ');
		write_value(&fields->items[i], &s->out);
		buf_putc(&s->out, '\n');
	}
}

static void write_hex(const uint8_t *bytes, size_t length, struct buf *out)
{
	size_t i;

	for (i = 0; i < length; i++)
		buf_printf(out, "%02x", bytes[i]);
}

static void write_seconds(const struct process *p, uint64_t ticks, struct buf *out)
{
	char number[TEXT_NUMBER_BYTES];

	buf_puts(out, text_seconds(number, timebase_ns(&p->clock, ticks), 6));
}

static void write_modules(const struct process *p, const struct frames *frames, struct buf *out)
{
	size_t i;

	for (i = 0; i < p->module_count; i++) {
		const struct process_module *m = &p->modules[i];
		const struct frames_module *f = &frames->modules[m->module];

		buf_printf(out, "  0x%012" PRIx64 " ", m->bias);
		text_name(out, f->path);
		if (f->build_id_bytes) {
			buf_puts(out, " build-id ");
			write_hex(f->build_id, f->build_id_bytes, out);
		}
		if (m->unload_ticks != UINT64_MAX) {
			buf_puts(out, ", loaded at ");
			write_seconds(p, m->load_ticks, out);
			buf_puts(out, ", unloaded at ");
			write_seconds(p, m->unload_ticks, out);
		}
		buf_putc(out, '\n');
	}
}

static void write_threads(const struct process *p, struct buf *out)
{
	size_t i;

	for (i = 0; i < p->thread_count; i++) {
		const struct process_thread *t = &p->threads[i];

		buf_printf(out, "  %" PRIu32 ": tid %" PRIu64 " ", t->index, t->tid);
		text_name(out, t->name[0] ? t->name : "-");
		if (t->start_ticks) {
			buf_puts(out, ", from ");
			write_seconds(p, t->start_ticks, out);
		}
		if (t->end_ticks != UINT64_MAX) {
			buf_puts(out, " to ");
			write_seconds(p, t->end_ticks, out);
		}
		buf_putc(out, '\n');
	}
}

static const char *what_name(unsigned what)
{
	static const char *const name[] = { "?", "fork", "exec", "spawn", "exec failed" };

	return what < sizeof(name) / sizeof(name[0]) ? name[what] : name[0];
}

static void write_history(const struct process *p, struct buf *out)
{
	size_t i;

	for (i = 0; i < p->mark_count; i++) {
		buf_puts(out, "  ");
		write_seconds(p, p->marks[i].ticks, out);
		buf_puts(out, " mark ");
		text_name(out, p->marks[i].name);
		buf_putc(out, '\n');
	}
	for (i = 0; i < p->child_count; i++) {
		buf_puts(out, "  ");
		write_seconds(p, p->children[i].ticks, out);
		buf_printf(out, " %s, pid %" PRIu64 " ", what_name(p->children[i].what),
			   p->children[i].pid);
		text_name(out, p->children[i].path);
		buf_putc(out, '\n');
	}
	for (i = 0; i < p->switch_count; i++) {
		buf_puts(out, "  ");
		write_seconds(p, p->switches[i].ticks, out);
		buf_printf(out, " recording %s\n", p->switches[i].on ? "on" : "off");
	}
	for (i = 0; i < p->note_count; i++) {
		buf_puts(out, "  ");
		write_seconds(p, p->notes[i].ticks, out);
		buf_puts(out, " note ");
		text_name(out, p->notes[i].text);
		buf_putc(out, '\n');
	}
}

static const char *step_name(unsigned step)
{
	static const char *const name[] = { "?", "times", "folded", "sampled" };

	return step < sizeof(name) / sizeof(name[0]) ? name[step] : name[0];
}

static void write_steps(const struct process *p, struct buf *out)
{
	size_t i;

	for (i = 0; i < p->step_count; i++) {
		char size[TEXT_NUMBER_BYTES];

		buf_puts(out, "  ");
		write_seconds(p, p->steps[i].ticks, out);
		buf_printf(out, " step %u (%s) at %s of trace", p->steps[i].step,
			   step_name(p->steps[i].step), text_bytes(size, p->steps[i].trace_bytes));
		if (p->steps[i].sample_bytes)
			buf_printf(out, ", one in %s", text_bytes(size, p->steps[i].sample_bytes));
		buf_putc(out, '\n');
	}
}

static void json_steps(struct emit *j, const struct process *p)
{
	size_t i;

	emit_begin_array(j, "steps");
	for (i = 0; i < p->step_count; i++) {
		emit_begin_flat_object(j, NULL);
		emit_uint(j, "ns", timebase_ns(&p->clock, p->steps[i].ticks));
		emit_uint(j, "step", p->steps[i].step);
		emit_string(j, "name", step_name(p->steps[i].step));
		emit_uint(j, "sample_bytes", p->steps[i].sample_bytes);
		emit_uint(j, "trace_bytes", p->steps[i].trace_bytes);
		emit_end(j);
	}
	emit_end(j);
}

static void write_process(struct session *s, const struct process *p)
{
	const struct source *source = p->source;
	char bytes[TEXT_NUMBER_BYTES];
	uint64_t rows = 0, blocks = count_frames(source, FRAME_BLOCK, &rows),
		 chunks = count_frames(source, FRAME_CHUNK, &rows);

	text_style(&s->out, s->color, TEXT_TITLE);
	text_name(&s->out, source->path);
	text_style(&s->out, s->color, TEXT_PLAIN);
	buf_printf(&s->out,
		   "\n  %s, %" PRIu64 " blocks, %" PRIu64 " from the spool, %" PRIu64 " events, %s\n",
		   text_bytes(bytes, source->file_bytes), blocks, chunks, rows,
		   source->indexed ? "indexed" : "no index");
	if (rows)
		buf_printf(&s->out, "  %.2f bytes an event, %zu stacks\n",
			   (double)source->file_bytes / (double)rows, p->stack_count);
	write_fields("start", &source->header, s);
	write_fields("end", &source->footer, s);
	buf_printf(&s->out, "modules (%zu)\n", p->module_count);
	write_modules(p, s->run->frames, &s->out);
	buf_printf(&s->out, "threads (%zu)\n", p->thread_count);
	write_threads(p, &s->out);
	if (p->mark_count || p->child_count || p->switch_count || p->step_count || p->note_count)
		buf_puts(&s->out, "history\n");
	write_history(p, &s->out);
	write_steps(p, &s->out);
	buf_putc(&s->out, '\n');
}

static void json_fields(struct emit *j, const char *key, const struct fields *fields)
{
	size_t i;

	emit_begin_object(j, key);
	for (i = 0; i < fields->count; i++)
		emit_string_n(j, fields->items[i].key, fields->items[i].value,
			      fields->items[i].length);
	emit_end(j);
}

static void json_modules(struct emit *j, const struct process *p, const struct frames *frames)
{
	size_t i;

	emit_begin_array(j, "modules");
	for (i = 0; i < p->module_count; i++) {
		const struct process_module *m = &p->modules[i];
		const struct frames_module *f = &frames->modules[m->module];
		struct buf hex;

		buf_init(&hex);
		write_hex(f->build_id, f->build_id_bytes, &hex);
		emit_begin_flat_object(j, NULL);
		emit_string(j, "path", f->path);
		emit_string(j, "build_id", hex.length ? hex.bytes : NULL);
		emit_uint(j, "bias", m->bias);
		emit_uint(j, "load_ns", timebase_ns(&p->clock, m->load_ticks));
		if (m->unload_ticks != UINT64_MAX)
			emit_uint(j, "unload_ns", timebase_ns(&p->clock, m->unload_ticks));
		emit_end(j);
		buf_free(&hex);
	}
	emit_end(j);
}

static void json_threads(struct emit *j, const struct process *p)
{
	size_t i;

	emit_begin_array(j, "threads");
	for (i = 0; i < p->thread_count; i++) {
		const struct process_thread *t = &p->threads[i];

		emit_begin_flat_object(j, NULL);
		emit_uint(j, "index", t->index);
		emit_uint(j, "tid", t->tid);
		emit_string(j, "name", t->name);
		emit_uint(j, "start_ns", timebase_ns(&p->clock, t->start_ticks));
		if (t->end_ticks != UINT64_MAX)
			emit_uint(j, "end_ns", timebase_ns(&p->clock, t->end_ticks));
		emit_end(j);
	}
	emit_end(j);
}

static void json_process(struct session *s, struct emit *j, const struct process *p)
{
	uint64_t rows = 0, blocks = count_frames(p->source, FRAME_BLOCK, &rows),
		 chunks = count_frames(p->source, FRAME_CHUNK, &rows);

	emit_begin_object(j, NULL);
	emit_string(j, "file", p->source->path);
	emit_uint(j, "bytes", p->source->file_bytes);
	emit_uint(j, "blocks", blocks);
	emit_uint(j, "spool_blocks", chunks);
	emit_uint(j, "events", rows);
	emit_uint(j, "stacks", p->stack_count);
	json_fields(j, "start", &p->source->header);
	json_fields(j, "end", &p->source->footer);
	json_modules(j, p, s->run->frames);
	json_threads(j, p);
	json_steps(j, p);
	emit_end(j);
}

static int run(struct session *s)
{
	struct emit j;
	size_t i;

	if (session_output(s) < 0)
		return -1;
	if (session_is_json(s)) {
		session_json_begin(s, &j, "info");
		emit_begin_array(&j, "traces");
		for (i = 0; i < s->run->process_count; i++)
			json_process(s, &j, s->run->processes[i]);
		emit_end(&j);
		emit_end(&j);
	} else {
		for (i = 0; i < s->run->process_count; i++)
			write_process(s, s->run->processes[i]);
		session_notes(s);
	}
	return run_exit_status(s->run);
}

const struct command command_info = {
	.name = "info",
	.summary = "what a trace says about itself: program, machine, settings, modules, threads",
	.about = "Shows the facts in the trace's head and end, its modules with their\n"
		 "build-ids, its threads, marks and notes. The events themselves are not read,\n"
		 "so this is quick for any trace; damage among them shows in the other\n"
		 "commands.\n",
	.formats = COMMAND_TEXT_JSON,
	.run = run,
};
