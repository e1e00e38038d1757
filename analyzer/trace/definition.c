/* SPDX-License-Identifier: MIT */
/* definition.c - see definition.h. Field lists are those of docs/trace-format.md, section 3. */
#include "trace/definition.h"

#include "trace/cursor.h"

void definition_begin(struct definition_cursor *c, const struct block *b)
{
	*c = (struct definition_cursor){ .start = b->payload,
					 .at = b->payload,
					 .end = b->payload + b->header.payload_bytes };
}

static void read_text(struct cursor *c, struct definition_text *text)
{
	text->bytes = cursor_text(c, &text->length);
}

static void read_stack(struct definition_cursor *dc, struct cursor *c, struct definition *def)
{
	uint64_t pc;

	def->id = dc->last_id + cursor_varint(c);
	def->parent = def->id - cursor_varint(c);
	pc = cursor_varint(c);
	def->exact = (int)(pc & 1);
	/*
	 * The delta was shifted by one for the flag, so its top bit is lost; addresses never need
	 * it.
	 */
	def->pc = dc->last_pc + (uint64_t)cursor_unzigzag(pc >> 1);
	if (c->bad)
		return;
	dc->last_id = def->id;
	dc->last_pc = def->pc;
	if (def->id < SHIM_STACK_FIRST || def->id > UINT32_MAX || def->parent >= def->id)
		cursor_fail(c);
}

static void read_module(struct cursor *c, struct definition *def)
{
	def->id = cursor_varint(c);
	def->ticks = cursor_varint(c);
	def->bias = cursor_varint(c);
	read_text(c, &def->text);
	read_text(c, &def->build_id);
	def->segment_count = cursor_varint(c);
	def->segments = c->at;
	def->segments_end = c->end;
	if (def->segment_count > cursor_left(c) / 3)
		cursor_fail(c);
}

static void read_body(struct definition_cursor *dc, struct cursor *c, struct definition *def)
{
	switch (def->type) {
	case SHIM_DEF_STACK:
		read_stack(dc, c, def);
		return;
	case SHIM_DEF_MODULE_LOAD:
		read_module(c, def);
		return;
	case SHIM_DEF_THREAD_START:
		def->id = cursor_varint(c);
		def->ticks = cursor_varint(c);
		def->value = cursor_varint(c);
		def->parent = cursor_varint(c);
		def->extra = cursor_varint(c);
		read_text(c, &def->text);
		return;
	case SHIM_DEF_MODULE_UNLOAD:
	case SHIM_DEF_THREAD_END:
	case SHIM_DEF_THREAD_NAME:
		def->id = cursor_varint(c);
		def->ticks = cursor_varint(c);
		if (def->type == SHIM_DEF_THREAD_NAME)
			read_text(c, &def->text);
		return;
	case SHIM_DEF_CLOCK:
	case SHIM_DEF_RECORDING:
		def->ticks = cursor_varint(c);
		def->value = cursor_varint(c);
		return;
	case SHIM_DEF_NOTE:
		def->ticks = cursor_varint(c);
		def->value = cursor_varint(c);
		read_text(c, &def->text);
		return;
	case SHIM_DEF_MARK:
		def->ticks = cursor_varint(c);
		def->id = cursor_varint(c);
		read_text(c, &def->text);
		return;
	case SHIM_DEF_STEP:
		def->ticks = cursor_varint(c);
		def->value = cursor_varint(c);
		def->id = cursor_varint(c);
		def->extra = cursor_varint(c);
		return;
	case SHIM_DEF_PROCESS:
		def->ticks = cursor_varint(c);
		def->value = cursor_varint(c);
		def->extra = cursor_varint(c);
		read_text(c, &def->text);
		return;
	default:
		return;
	}
}

int definition_next(struct definition_cursor *dc, struct definition *def)
{
	while (dc->at < dc->end) {
		const uint8_t *start = dc->at;
		struct cursor outer, body;
		uint64_t type, length;
		const uint8_t *bytes;

		cursor_begin(&outer, dc->at, (size_t)(dc->end - dc->at));
		type = cursor_varint(&outer);
		length = cursor_varint(&outer);
		bytes = cursor_bytes(&outer, length);
		if (outer.bad) {
			dc->at = dc->end;
			return -1;
		}
		dc->at = outer.at;
		*def = (struct definition){ .type = type > UINT32_MAX ? UINT32_MAX : (unsigned)type,
					    .offset = (size_t)(start - dc->start),
					    .length = (size_t)length,
					    .text = { "", 0 },
					    .build_id = { "", 0 } };
		cursor_begin(&body, bytes, (size_t)length);
		read_body(dc, &body, def);
		if (!body.bad)
			return 1;
		dc->bad++;
	}
	return 0;
}

int definition_next_segment(struct definition *def, struct definition_segment *segment)
{
	struct cursor c;

	if (!def->segment_count)
		return 0;
	def->segment_count--;
	cursor_begin(&c, def->segments, (size_t)(def->segments_end - def->segments));
	segment->vaddr = cursor_varint(&c);
	segment->size = cursor_varint(&c);
	segment->flags = cursor_varint(&c);
	def->segments = c.at;
	return !c.bad;
}
