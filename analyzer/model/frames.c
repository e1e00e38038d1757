/* SPDX-License-Identifier: MIT */
/*
 * frames.c - see frames.h. What is here once is found again through tables of ids: open addressing,
 * linear probing, the things themselves compared in full.
 */
#include "model/frames.h"

#include <stdlib.h>
#include <string.h>

#include "util/pool.h"

#define FIRST_SLOTS 1024

/* Ids + 1 by the hash of what they stand for; 0: empty. */
struct id_table {
	uint32_t *slots;
	size_t mask;
	size_t count; /* ids below this are in it */
};

struct frames_index {
	struct pool *texts;
	struct id_table modules, frames, stacks;
	size_t modules_capacity, frames_capacity, stacks_capacity;
};

struct frames *frames_new(void)
{
	struct frames *f = xcalloc(1, sizeof(*f));

	f->index = xcalloc(1, sizeof(*f->index));
	f->index->texts = pool_new();
	f->stacks = pool_grow(NULL, &f->index->stacks_capacity, 2, sizeof(*f->stacks));
	f->stacks[0] = (struct frames_stack){ 0 };
	f->stacks[1] = (struct frames_stack){ .is_truncated = 1, .content = 1 };
	f->stack_count = 2;
	return f;
}

void frames_delete(struct frames *f)
{
	if (!f)
		return;
	free(f->index->modules.slots);
	free(f->index->frames.slots);
	free(f->index->stacks.slots);
	pool_delete(f->index->texts);
	free(f->index);
	free(f->modules);
	free(f->frames);
	free(f->stacks);
	free(f);
}

/* Finalizer of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t hash)
{
	hash = (hash ^ hash >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	hash = (hash ^ hash >> 27) * UINT64_C(0x94D049BB133111EB);
	return hash ^ hash >> 31;
}

/* FNV-1a, as described by its authors (Fowler, Noll, Vo). */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	for (; length; length--)
		hash = (hash ^ *at++) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t content_of_module(const struct frames_module *m)
{
	uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), m->path, strlen(m->path));

	return mix(hash_bytes(hash, m->build_id, m->build_id_bytes));
}

static uint64_t hash_module(const struct frames_module *m)
{
	return mix(m->content + m->pid);
}

/* Of a stack: what its caller's is, and where the innermost frame lies; no ids. */
static uint32_t content_of_stack(const struct frames *f, const struct frames_stack *s)
{
	const struct frames_frame *frame = &f->frames[s->frame];
	uint64_t place = f->modules[frame->module].content + frame->vaddr * 2 + frame->exact;

	return (uint32_t)mix(mix(place) + f->stacks[s->parent].content * UINT64_C(0x9E3779B97F4A7C15));
}

static uint64_t hash_frame(const struct frames_frame *frame)
{
	return mix(frame->vaddr * 2 + frame->exact + frame->module * UINT64_C(0x9E3779B97F4A7C15));
}

static uint64_t hash_stack(const struct frames_stack *s)
{
	return mix((uint64_t)s->parent << 32 | s->frame);
}

/* Hash of thing I of the kind that TABLE is for. */
static uint64_t hash_of(const struct frames *f, const struct id_table *table, size_t i)
{
	if (table == &f->index->stacks)
		return hash_stack(&f->stacks[i]);
	return table == &f->index->frames ? hash_frame(&f->frames[i]) : hash_module(&f->modules[i]);
}

static void insert_id(const struct frames *f, struct id_table *table, size_t i)
{
	size_t at = hash_of(f, table, i) & table->mask;

	while (table->slots[at])
		at = (at + 1) & table->mask;
	table->slots[at] = (uint32_t)i + 1;
}

/* Puts all COUNT ids that there are into TABLE, and makes room for one more. */
static void make_room(const struct frames *f, struct id_table *table, size_t count)
{
	size_t slots = table->slots ? table->mask + 1 : FIRST_SLOTS;

	if (!table->slots || count * 2 >= slots) {
		while (count * 2 >= slots)
			slots *= 4;
		free(table->slots);
		table->slots = xcalloc(slots, sizeof(*table->slots));
		table->mask = slots - 1;
		table->count = 0;
	}
	for (; table->count < count; table->count++)
		insert_id(f, table, table->count);
}

static int is_same_module(const struct frames_module *a, const struct frames_module *b)
{
	return strcmp(a->path, b->path) == 0 && a->pid == b->pid &&
	       a->build_id_bytes == b->build_id_bytes &&
	       (!a->build_id_bytes || memcmp(a->build_id, b->build_id, a->build_id_bytes) == 0);
}

uint32_t frames_add_module(struct frames *f, const char *path, size_t length, const void *build_id,
			   size_t build_id_bytes, uint64_t pid)
{
	struct frames_index *x = f->index;
	struct frames_module m = { .build_id = build_id_bytes ? build_id : NULL,
				   .build_id_bytes = build_id_bytes };
	size_t at;

	/* it ends at its first NUL, whatever the trace says */
	m.path = pool_strndup(x->texts, path, strnlen(path, length));
	m.pid = m.path[0] ? 0 : pid;
	m.content = content_of_module(&m);
	make_room(f, &x->modules, f->module_count);
	for (at = hash_module(&m) & x->modules.mask; x->modules.slots[at];
	     at = (at + 1) & x->modules.mask)
		if (is_same_module(&f->modules[x->modules.slots[at] - 1], &m))
			return x->modules.slots[at] - 1;
	if (build_id_bytes)
		m.build_id = (const uint8_t *)pool_strndup(x->texts, build_id, build_id_bytes);
	f->modules = pool_grow(f->modules, &x->modules_capacity, f->module_count + 1,
			       sizeof(*f->modules));
	f->modules[f->module_count++] = m;
	x->modules.slots[at] = (uint32_t)f->module_count;
	x->modules.count = f->module_count;
	return (uint32_t)f->module_count - 1;
}

uint32_t frames_add_frame(struct frames *f, uint32_t module, uint64_t vaddr, int exact)
{
	struct frames_frame frame = { .vaddr = vaddr, .module = module, .exact = exact != 0 };
	struct frames_index *x = f->index;
	size_t at;

	make_room(f, &x->frames, f->frame_count);
	for (at = hash_frame(&frame) & x->frames.mask; x->frames.slots[at];
	     at = (at + 1) & x->frames.mask) {
		const struct frames_frame *have = &f->frames[x->frames.slots[at] - 1];

		if (have->vaddr == vaddr && have->module == module && have->exact == frame.exact)
			return x->frames.slots[at] - 1;
	}
	f->frames = pool_grow(f->frames, &x->frames_capacity, f->frame_count + 1, sizeof(*f->frames));
	f->frames[f->frame_count++] = frame;
	x->frames.slots[at] = (uint32_t)f->frame_count;
	x->frames.count = f->frame_count;
	return (uint32_t)f->frame_count - 1;
}

uint32_t frames_append_stack(struct frames *f, uint32_t parent, uint32_t frame)
{
	struct frames_stack stack = { .parent = parent, .frame = frame };

	stack.depth = f->stacks[parent].depth + 1;
	stack.is_truncated = f->stacks[parent].is_truncated;
	stack.content = content_of_stack(f, &stack);
	f->stacks = pool_grow(f->stacks, &f->index->stacks_capacity, f->stack_count + 1,
			      sizeof(*f->stacks));
	f->stacks[f->stack_count] = stack;
	return (uint32_t)f->stack_count++;
}

uint32_t frames_add_stack(struct frames *f, uint32_t parent, uint32_t frame)
{
	struct frames_stack stack = { .parent = parent, .frame = frame };
	struct id_table *table = &f->index->stacks;
	size_t at;

	make_room(f, table, f->stack_count);
	for (at = hash_stack(&stack) & table->mask; table->slots[at]; at = (at + 1) & table->mask) {
		const struct frames_stack *have = &f->stacks[table->slots[at] - 1];

		if (have->parent == parent && have->frame == frame && table->slots[at] > 2)
			return table->slots[at] - 1;
	}
	table->slots[at] = (uint32_t)f->stack_count + 1;
	table->count = f->stack_count + 1;
	return frames_append_stack(f, parent, frame);
}

uint32_t frames_lost_stack(struct frames *f)
{
	uint32_t module;

	if (!f->lost_stack) {
		module = frames_add_module(f, FRAMES_LOST_PATH, strlen(FRAMES_LOST_PATH), NULL, 0, 0);
		f->lost_stack = frames_append_stack(f, 0, frames_add_frame(f, module, 0, 1));
	}
	return f->lost_stack;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_modules(const struct frames_module *a, const struct frames_module *b)
{
	size_t shorter = a->build_id_bytes < b->build_id_bytes ? a->build_id_bytes
							       : b->build_id_bytes;
	int order = strcmp(a->path, b->path);

	if (!order && shorter)
		order = memcmp(a->build_id, b->build_id, shorter);
	if (!order)
		order = compare_numbers(a->build_id_bytes, b->build_id_bytes);
	return order ? order : compare_numbers(a->pid, b->pid);
}

static int compare_frames(const struct frames *f, uint32_t a, uint32_t b)
{
	const struct frames_frame *x = &f->frames[a], *y = &f->frames[b];
	int order = x->module == y->module
			    ? 0
			    : compare_modules(&f->modules[x->module], &f->modules[y->module]);

	if (!order)
		order = compare_numbers(x->vaddr, y->vaddr);
	return order ? order : compare_numbers(x->exact, y->exact);
}

int frames_compare(const struct frames *f, uint32_t a, uint32_t b)
{
	if (f->stacks[a].content != f->stacks[b].content)
		return f->stacks[a].content < f->stacks[b].content ? -1 : 1;
	while (a != b) {
		const struct frames_stack *x = &f->stacks[a], *y = &f->stacks[b];

		if (a < 2 || b < 2)
			return a < b ? -1 : 1;
		if (x->frame != y->frame)
			return compare_frames(f, x->frame, y->frame);
		a = x->parent;
		b = y->parent;
	}
	return 0;
}
