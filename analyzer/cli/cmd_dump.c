/* SPDX-License-Identifier: MIT */
/*
 * cmd_dump.c - `shim-analyze dump`: a trace record by record, in the order of the file, as text or
 * JSON. For people who write readers and hunt bugs; all other commands are better for everything
 * else.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/command.h"
#include "cli/session.h"
#include "out/text.h"
#include "trace/definition.h"

struct dump {
	struct session *session;
	struct buf *out;
	struct emit *json; /* NULL: text */
	uint64_t left;     /* records that may still be written */
};

static const char *const frame_names[] = {
	[FRAME_HEADER] = "header", [FRAME_BLOCK] = "block", [FRAME_INDEX] = "index",
	[FRAME_FOOTER] = "footer", [FRAME_OTHER] = "other", [FRAME_DAMAGED] = "damaged",
	[FRAME_CHUNK] = "chunk",
};

static const char *const def_names[] = {
#define X(name, number) [number] = #name,
	SHIM_DEF_LIST(X)
#undef X
};

static const char *def_name(unsigned type)
{
	return type < sizeof(def_names) / sizeof(def_names[0]) && def_names[type] ? def_names[type]
										  : "UNKNOWN";
}

static void text_event(struct buf *out, const struct event *e)
{
	buf_printf(out, "  %" PRIu64 " %s %s", e->ticks, event_op_name(e->op),
		   event_func_name(e->func));
	if (event_is_local(e))
		buf_printf(out, " local %c%" PRIu32, event_is_alloc(e) ? '+' : '-',
			   (uint32_t)e->addr);
	else
		buf_printf(out, " 0x%" PRIx64, e->addr);
	if (e->op == SHIM_OP_BRK)
		buf_printf(out, " size %" PRId64, (int64_t)e->size);
	else
		buf_printf(out, " size %" PRIu64, e->size);
	buf_printf(out, " stack %" PRIu32, e->stack);
	if (e->extra)
		buf_printf(out, " extra 0x%x", e->extra);
	buf_putc(out, '\n');
}

static void json_event(struct emit *j, const struct event *e)
{
	emit_begin_flat_object(j, NULL);
	emit_uint(j, "ticks", e->ticks);
	emit_string(j, "op", event_op_name(e->op));
	emit_string(j, "function", event_func_name(e->func));
	if (event_is_local(e))
		emit_int(j, "partner",
			 event_is_alloc(e) ? (int64_t)(uint32_t)e->addr
					   : -(int64_t)(uint32_t)e->addr);
	else
		emit_uint(j, "address", e->addr);
	if (e->op == SHIM_OP_BRK)
		emit_int(j, "size", (int64_t)e->size);
	else
		emit_uint(j, "size", e->size);
	emit_uint(j, "stack", e->stack);
	emit_uint(j, "extra", e->extra);
	emit_end(j);
}

static void text_text(struct buf *out, const char *word, const struct definition_text *t)
{
	size_t i;

	if (!t->length)
		return;
	buf_printf(out, " %s ", word);
	for (i = 0; i < t->length; i++) {
		char c[2] = { t->bytes[i], '\0' };

		if ((unsigned char)c[0] >= 0x80 || !c[0])
			buf_printf(out, "\\x%02x", (unsigned char)c[0]);
		else
			text_name(out, c);
	}
}

static void text_definition(struct buf *out, const struct definition *def)
{
	struct definition copy = *def;
	struct definition_segment segment;
	size_t i;

	buf_printf(out, "  %s", def_name(def->type));
	if (def->type == SHIM_DEF_STACK) {
		buf_printf(out, " %" PRIu64 " parent %" PRIu64 " pc 0x%" PRIx64 "%s\n", def->id,
			   def->parent, def->pc, def->exact ? " exact" : "");
		return;
	}
	buf_printf(out, " ticks %" PRIu64 " id %" PRIu64 " value %" PRIu64 " extra %" PRIu64,
		   def->ticks, def->id, def->value, def->extra);
	if (def->type == SHIM_DEF_MODULE_LOAD) {
		buf_printf(out, " bias 0x%" PRIx64 " build-id ", def->bias);
		for (i = 0; i < def->build_id.length && i < 64; i++)
			buf_printf(out, "%02x", (unsigned char)def->build_id.bytes[i]);
		while (definition_next_segment(&copy, &segment))
			buf_printf(out, " [0x%" PRIx64 " +0x%" PRIx64 " %c%c%c]", segment.vaddr,
				   segment.size, segment.flags & 4 ? 'r' : '-',
				   segment.flags & 2 ? 'w' : '-', segment.flags & 1 ? 'x' : '-');
	}
	text_text(out, "text", &def->text);
	buf_putc(out, '\n');
}

static void json_definition(struct emit *j, const struct definition *def)
{
	emit_begin_flat_object(j, NULL);
	emit_string(j, "type", def_name(def->type));
	emit_uint(j, "id", def->id);
	if (def->type == SHIM_DEF_STACK) {
		emit_uint(j, "parent", def->parent);
		emit_uint(j, "pc", def->pc);
		emit_bool(j, "exact", def->exact);
	} else {
		emit_uint(j, "ticks", def->ticks);
		emit_uint(j, "value", def->value);
		emit_uint(j, "extra", def->extra);
		if (def->type == SHIM_DEF_MODULE_LOAD)
			emit_uint(j, "bias", def->bias);
		emit_string_n(j, "text", def->text.bytes ? def->text.bytes : "", def->text.length);
	}
	emit_end(j);
}

static void text_folded(struct buf *out, const struct folded_kind *k)
{
	buf_printf(out,
		   "  folded %" PRIu64 " %s %s size %" PRIu64 " stack %" PRIu32
		   " temporary %" PRIu64 " live %" PRIu64,
		   k->count, event_func_name(k->func), event_func_name(k->end_func), k->size,
		   k->stack, k->temporary, k->live);
	if (k->extra || k->end_extra)
		buf_printf(out, " extra 0x%x 0x%x", k->extra, k->end_extra);
	buf_putc(out, '\n');
}

static void json_folded(struct emit *j, const struct folded_kind *k)
{
	emit_begin_flat_object(j, NULL);
	emit_uint(j, "folded", k->count);
	emit_string(j, "function", event_func_name(k->func));
	emit_string(j, "end_function", event_func_name(k->end_func));
	emit_uint(j, "size", k->size);
	emit_uint(j, "stack", k->stack);
	emit_uint(j, "temporary", k->temporary);
	emit_uint(j, "live", k->live);
	emit_uint(j, "extra", k->extra);
	emit_uint(j, "end_extra", k->end_extra);
	emit_end(j);
}

static void dump_folded(struct dump *d, const struct folded *f)
{
	size_t i;

	for (i = 0; i < f->count && d->left; i++, d->left--) {
		if (d->json)
			json_folded(d->json, &f->kinds[i]);
		else
			text_folded(d->out, &f->kinds[i]);
	}
	if (i < f->count || !f->count)
		return;
	if (d->json) {
		emit_begin_flat_object(d->json, NULL);
		emit_uint(d->json, "crest", f->crest);
		emit_uint(d->json, "most_bytes", f->most_bytes);
		emit_end(d->json);
	} else {
		buf_printf(d->out, "  crest behind row %" PRIu32, f->crest);
		if (f->most_bytes)
			buf_printf(d->out, ", at most %" PRIu64 " bytes folded at one time",
				   f->most_bytes);
		buf_putc(d->out, '\n');
	}
}

static void dump_events(struct dump *d, const struct block *b)
{
	uint32_t i;

	if (b->header.sample_bytes && d->json) {
		emit_begin_flat_object(d->json, NULL);
		emit_uint(d->json, "sample_bytes", b->header.sample_bytes);
		emit_end(d->json);
	} else if (b->header.sample_bytes) {
		buf_printf(d->out, "  a sample of one in %" PRIu64 " bytes\n",
			   b->header.sample_bytes);
	}
	for (i = 0; i < b->header.row_count && d->left; i++, d->left--) {
		if (d->json)
			json_event(d->json, &b->events[i]);
		else
			text_event(d->out, &b->events[i]);
	}
	dump_folded(d, &b->folded);
}

static void dump_definitions(struct dump *d, const struct block *b)
{
	struct definition_cursor cursor;
	struct definition def;

	definition_begin(&cursor, b);
	for (; d->left && definition_next(&cursor, &def) == 1; d->left--) {
		if (d->json)
			json_definition(d->json, &def);
		else
			text_definition(d->out, &def);
	}
}

static void begin_frame(struct dump *d, const struct frame *f)
{
	int block = f->kind == FRAME_BLOCK || f->kind == FRAME_CHUNK;
	const char *what = f->block_kind == SHIM_BLOCK_DEFS ? "definitions" : "events";

	if (d->json) {
		emit_begin_object(d->json, NULL);
		emit_string(d->json, "kind", frame_names[f->kind]);
		emit_uint(d->json, "offset", f->offset);
		emit_uint(d->json, "bytes", f->bytes);
		if (block) {
			emit_string(d->json, "content", what);
			emit_uint(d->json, "thread", f->thread);
			emit_uint(d->json, "seq", f->seq);
		}
		return;
	}
	text_style(d->out, d->session->color, TEXT_STRONG);
	buf_printf(d->out, "%s at %" PRIu64 ", %" PRIu64 " bytes", frame_names[f->kind], f->offset,
		   f->bytes);
	if (block)
		buf_printf(d->out, ": %s, thread %" PRIu32 ", seq %" PRIu32, what, f->thread, f->seq);
	text_style(d->out, d->session->color, TEXT_PLAIN);
	buf_putc(d->out, '\n');
}

static void dump_frame(struct dump *d, const struct source *source, const struct frame *f,
		       struct block *b, struct quality *q)
{
	struct diag why;

	begin_frame(d, f);
	if (f->kind == FRAME_BLOCK || f->kind == FRAME_CHUNK) {
		diag_clear(&why);
		if (d->json)
			emit_begin_array(d->json, "records");
		if (source_read(source, f, b, &why) < 0) {
			q->blocks_damaged++;
			diag_set(&q->first_damage, why.where, why.offset, "%s", why.what);
			if (!d->json)
				buf_printf(d->out, "  damaged: %s\n", why.what);
		} else if (f->block_kind == SHIM_BLOCK_DEFS) {
			dump_definitions(d, b);
		} else {
			dump_events(d, b);
		}
		if (d->json)
			emit_end(d->json);
	}
	if (d->json)
		emit_end(d->json);
}

static void dump_process(struct dump *d, struct process *p)
{
	struct block b = { 0 };
	size_t i;

	if (d->json) {
		emit_begin_object(d->json, NULL);
		emit_string(d->json, "file", p->source->path);
		emit_begin_array(d->json, "frames");
	} else {
		text_name(d->out, p->source->path);
		buf_putc(d->out, '\n');
	}
	for (i = 0; i < p->source->frame_count && d->left; i++)
		dump_frame(d, p->source, &p->source->frames[i], &b, &p->quality);
	if (d->json) {
		emit_end(d->json);
		emit_end(d->json);
	}
	block_free(&b);
}

static int run(struct session *s)
{
	struct dump d = { .session = s, .out = &s->out, .left = session_limit(s, SIZE_MAX) };
	struct emit j;
	size_t i;

	if (session_output(s) < 0)
		return -1;
	if (session_is_json(s)) {
		d.json = &j;
		session_json_begin(s, &j, "dump");
		emit_begin_array(&j, "traces");
	}
	for (i = 0; i < s->run->process_count && d.left; i++)
		dump_process(&d, s->run->processes[i]);
	if (d.json) {
		emit_end(&j);
		emit_end(&j);
	}
	return run_exit_status(s->run);
}

const struct command command_dump = {
	.name = "dump",
	.summary = "every record of a trace, in the order of the file",
	.about = "Writes the frames of a trace and the records in them, as\n"
		 "docs/trace-format.md describes them; -n N stops after N records. \"local\n"
		 "+3\" is an allocation whose end is 3 events further, \"local -3\" that end.\n",
	.formats = COMMAND_TEXT_JSON,
	.run = run,
};
