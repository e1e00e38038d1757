/* SPDX-License-Identifier: MIT */
/*
 * names.c - see names.h. The symbolizer keeps its answers, so a frame's entry here is a pointer to
 * them.
 */
#include "out/names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "out/flame.h"
#include "out/text.h"
#include "util/pool.h"

struct entry {
	const struct symbol_frame *found;
	size_t count;      /* 0: not looked up yet */
	uint64_t looks;    /* hash of what names_text shows of all of them */
	uint64_t function; /* hash of the innermost function and its module */
};

struct names {
	const struct frames *frames;
	struct symbolizer *symbolizer;
	struct entry *entries; /* per frame id */
	int *handles;          /* per module: symbolizer's handle + 1, 0 not registered yet */
	struct names_stack stack;
	size_t stack_capacity, module_capacity;
	uint64_t asked, unresolved;
};

struct names *names_new(const struct frames *frames, const struct symbol_options *options)
{
	struct names *n = xcalloc(1, sizeof(*n));

	n->frames = frames;
	n->symbolizer = symbolizer_new(options);
	n->entries = xcalloc(frames->frame_count, sizeof(*n->entries));
	n->handles = xcalloc(frames->module_count, sizeof(*n->handles));
	return n;
}

void names_delete(struct names *n)
{
	if (!n)
		return;
	symbolizer_delete(n->symbolizer);
	free(n->entries);
	free(n->handles);
	free(n->stack.frames);
	free(n->stack.modules);
	free(n);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return hash * 0x9e3779b97f4a7c15u + (value ^ value >> 29);
}

static int module_handle(struct names *n, uint32_t module)
{
	const struct frames_module *m = &n->frames->modules[module];

	if (!n->handles[module]) {
		struct symbol_module sm = { .path = m->path,
					    .build_id = m->build_id,
					    .build_id_bytes = m->build_id_bytes };

		n->handles[module] = symbolizer_module(n->symbolizer, &sm) + 1;
	}
	return n->handles[module] - 1;
}

static void hash_entry(struct entry *e)
{
	size_t i;

	for (i = 0; i < e->count; i++) {
		const struct symbol_frame *f = &e->found[i];
		uint64_t function = flame_hash(f->function) * 31 +
				    flame_hash(f->module ? f->module : "");

		if (i == 0)
			e->function = function;
		e->looks = mix(e->looks, function);
		e->looks = mix(e->looks, f->file ? flame_hash(f->file) + f->line : f->offset);
	}
}

static const struct entry *look_up(struct names *n, uint32_t frame)
{
	const struct frames_frame *f = &n->frames->frames[frame];
	struct entry *e = &n->entries[frame];
	static const struct symbol_frame lost = { .function = FRAMES_LOST_PATH, .is_resolved = 1 };

	if (!e->count && f->module != FRAMES_NO_MODULE &&
	    strcmp(n->frames->modules[f->module].path, FRAMES_LOST_PATH) == 0) {
		e->found = &lost;
		e->count = 1;
		hash_entry(e);
	} else if (!e->count) {
		uint64_t at = f->exact || f->vaddr == 0 ? f->vaddr : f->vaddr - 1;
		int outside = f->module == FRAMES_NO_MODULE ||
			      n->frames->modules[f->module].path[0] == '\0';

		e->count = outside ? symbolizer_lookup_pc(n->symbolizer, at, &e->found)
				   : symbolizer_lookup(n->symbolizer, module_handle(n, f->module),
						       at, &e->found);
		n->asked++;
		n->unresolved += !e->found[e->count - 1].is_resolved;
		hash_entry(e);
	}
	return e;
}

size_t names_frame(struct names *n, uint32_t frame, const struct symbol_frame **found)
{
	const struct entry *e = look_up(n, frame);

	*found = e->found;
	return e->count;
}

const struct names_stack *names_stack(struct names *n, uint32_t stack)
{
	static const struct frames_module no_module = { .path = "" };
	struct names_stack *s = &n->stack;

	s->count = 0;
	for (; stack > 1; stack = n->frames->stacks[stack].parent) {
		uint32_t frame = n->frames->stacks[stack].frame,
			 module = n->frames->frames[frame].module;
		const struct symbol_frame *found;
		size_t count = names_frame(n, frame, &found), i;

		s->frames = pool_grow(s->frames, &n->stack_capacity, s->count + count,
				      sizeof(struct symbol_frame *));
		s->modules = pool_grow(s->modules, &n->module_capacity, s->count + count,
				       sizeof(struct frames_module *));
		for (i = 0; i < count; i++) {
			s->frames[s->count + i] = &found[i];
			s->modules[s->count + i] = module == FRAMES_NO_MODULE
							   ? &no_module
							   : &n->frames->modules[module];
		}
		s->count += count;
	}
	s->truncated = stack == 1;
	return s;
}

const struct symbol_frame *names_innermost(struct names *n, uint32_t stack, uint64_t *hash)
{
	const struct entry *e;

	*hash = 0;
	if (stack <= 1)
		return NULL;
	e = look_up(n, n->frames->stacks[stack].frame);
	*hash = e->function;
	return e->found;
}

uint64_t names_fingerprint(struct names *n, uint32_t stack)
{
	uint64_t hash = 0;

	for (; stack > 1; stack = n->frames->stacks[stack].parent)
		hash = mix(hash, look_up(n, n->frames->stacks[stack].frame)->looks);
	return mix(hash, stack);
}

const char *names_short_module(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash && slash[1] ? slash + 1 : path ? path : "";
}

void names_function_text(const char *function, struct buf *out)
{
	static const char longer[] =
		"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
	static const char shorter[] = "std::string";
	const char *found;
	char *copy, *to;

	if (!strstr(function, longer)) {
		text_name(out, function);
		return;
	}
	copy = to = xmalloc(strlen(function) + 1);
	while ((found = strstr(function, longer))) {
		memcpy(to, function, (size_t)(found - function));
		to += found - function;
		memcpy(to, shorter, sizeof(shorter) - 1);
		to += sizeof(shorter) - 1;
		function = found + sizeof(longer) - 1;
	}
	strcpy(to, function);
	text_name(out, copy);
	free(copy);
}

/* 1 when nothing is known of F's function, so that its name only repeats module and offset. */
static int is_nameless(const struct symbol_frame *f)
{
	const char *module = names_short_module(f->module);
	size_t length = strlen(module);

	return !f->is_resolved && length && strncmp(f->function, module, length) == 0 &&
	       strncmp(f->function + length, "+0x", 3) == 0;
}

static void add_frame(struct buf *out, const struct symbol_frame *f)
{
	if (!is_nameless(f)) {
		names_function_text(f->function, out);
		buf_putc(out, ' ');
	}
	if (f->file) {
		text_name(out, f->file);
		if (f->line)
			buf_printf(out, ":%" PRIu32, f->line);
	} else if (f->module) {
		buf_putc(out, '(');
		text_name(out, f->module);
		buf_printf(out, "+0x%" PRIx64 ")", f->offset);
		if (f->nearest) {
			buf_puts(out, ", somewhere after ");
			names_function_text(f->nearest, out);
		}
	}
	while (out->length && out->bytes[out->length - 1] == ' ')
		out->length--;
	buf_putc(out, '\n');
}

void names_text(struct names *n, uint32_t stack, struct buf *out, int indent, size_t most)
{
	const struct names_stack *s = names_stack(n, stack);
	size_t shown = most && s->count > most ? most : s->count, i;

	for (i = 0; i < shown; i++) {
		buf_fill(out, ' ', (size_t)indent);
		buf_printf(out, "#%zu ", i);
		add_frame(out, s->frames[i]);
	}
	if (s->count == 0 || shown < s->count || s->truncated)
		buf_fill(out, ' ', (size_t)indent);
	if (s->count == 0 && !s->truncated)
		buf_puts(out, "(no stack was recorded)\n");
	else if (shown < s->count)
		buf_printf(out, "(%zu more frame%s%s)\n", s->count - shown,
			   text_plural(s->count - shown),
			   s->truncated ? ", and deeper ones that were not recorded" : "");
	else if (s->truncated)
		buf_puts(out, "(deeper frames were not recorded: SHIM_DEPTH)\n");
}

static void json_build_id(struct emit *j, const struct frames_module *m)
{
	char hex[2 * 64 + 1];
	size_t bytes = m->build_id_bytes < 64 ? m->build_id_bytes : 64, i;

	for (i = 0; i < bytes; i++) {
		hex[2 * i] = "0123456789abcdef"[m->build_id[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[m->build_id[i] & 15];
	}
	emit_string_n(j, "build_id", hex, 2 * bytes);
}

void names_json(struct names *n, uint32_t stack, struct emit *j, const char *key)
{
	const struct names_stack *s = names_stack(n, stack);
	size_t i;

	emit_begin_array(j, key);
	for (i = 0; i < s->count; i++) {
		const struct symbol_frame *f = s->frames[i];

		emit_begin_flat_object(j, NULL);
		emit_string(j, "function", f->function);
		if (f->nearest)
			emit_string(j, "nearest", f->nearest);
		emit_string(j, "file", f->file);
		if (f->line)
			emit_uint(j, "line", f->line);
		else
			emit_null(j, "line");
		emit_string(j, "module", f->module);
		emit_uint(j, "offset", f->offset);
		if (s->modules[i]->build_id_bytes)
			json_build_id(j, s->modules[i]);
		else
			emit_null(j, "build_id");
		emit_bool(j, "inlined", f->is_inlined);
		emit_end(j);
	}
	emit_end(j);
}

void names_counts(const struct names *n, uint64_t *asked, uint64_t *unresolved)
{
	*asked = n->asked;
	*unresolved = n->unresolved;
}

size_t names_note_count(const struct names *n)
{
	return symbolizer_note_count(n->symbolizer);
}

const char *names_note(const struct names *n, size_t i)
{
	return symbolizer_note(n->symbolizer, i);
}
