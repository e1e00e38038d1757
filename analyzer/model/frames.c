/* SPDX-License-Identifier: MIT */
/*
 * frames.c - see frames.h. Modules and frames are found by a hash and compared in full (chains hang together by `next`);
 * a stack's key is its two ids, which fit the map's key.
 */
#include "model/frames.h"

#include <stdlib.h>
#include <string.h>

#include "util/map.h"
#include "util/pool.h"

#define NO_NEXT UINT32_MAX

struct frames_index {
	struct pool *texts;
	struct map module_heads, frame_heads, stacks;
	uint32_t *module_next, *frame_next;
	size_t modules_capacity, module_next_capacity;
	size_t frames_capacity, frame_next_capacity;
	size_t stacks_capacity;
};

struct frames *frames_new(void)
{
	struct frames *f = xcalloc(1, sizeof(*f));

	f->index = xcalloc(1, sizeof(*f->index));
	f->index->texts = pool_new();
	f->stacks = pool_grow(NULL, &f->index->stacks_capacity, 2, sizeof(*f->stacks));
	f->stacks[0] = f->stacks[1] = (struct frames_stack){ 0, 0 };
	f->stack_count = 2;
	return f;
}

void frames_delete(struct frames *f)
{
	if (!f)
		return;
	map_free(&f->index->module_heads);
	map_free(&f->index->frame_heads);
	map_free(&f->index->stacks);
	pool_delete(f->index->texts);
	free(f->index->module_next);
	free(f->index->frame_next);
	free(f->index);
	free(f->modules);
	free(f->frames);
	free(f->stacks);
	free(f);
}

/* FNV-1a, as described by its authors (Fowler, Noll, Vo). */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	for (; length; length--)
		hash = (hash ^ *at++) * UINT64_C(0x100000001b3);
	return hash;
}

static int is_module(const struct frames_module *m, const char *path, size_t length, const void *build_id,
		     size_t build_id_bytes, uint64_t pid)
{
	return strncmp(m->path, path, length) == 0 && m->path[length] == '\0' && m->pid == pid &&
	       m->build_id_bytes == build_id_bytes &&
	       (!build_id_bytes || memcmp(m->build_id, build_id, build_id_bytes) == 0);
}

uint32_t frames_add_module(struct frames *f, const char *path, size_t length, const void *build_id,
			   size_t build_id_bytes, uint64_t pid)
{
	struct frames_index *x = f->index;
	struct frames_module *m;
	uint64_t hash, *head;
	uint32_t i;
	int is_new;

	length = strnlen(path, length); /* a path ends at its first NUL, whatever the trace says */
	pid = length ? 0 : pid;
	hash = hash_bytes(UINT64_C(0xcbf29ce484222325), path, length);
	hash = hash_bytes(hash_bytes(hash, build_id, build_id_bytes), &pid, sizeof(pid));
	head = map_put(&x->module_heads, hash, &is_new);
	for (i = is_new ? NO_NEXT : (uint32_t)*head; i != NO_NEXT; i = x->module_next[i])
		if (is_module(&f->modules[i], path, length, build_id, build_id_bytes, pid))
			return i;
	f->modules = pool_grow(f->modules, &x->modules_capacity, f->module_count + 1, sizeof(*f->modules));
	x->module_next = pool_grow(x->module_next, &x->module_next_capacity, f->module_count + 1,
				   sizeof(*x->module_next));
	i = (uint32_t)f->module_count++;
	m = &f->modules[i];
	*m = (struct frames_module){ .path = pool_strndup(x->texts, path, length), .pid = pid };
	if (build_id_bytes) {
		m->build_id = (const uint8_t *)pool_strndup(x->texts, build_id, build_id_bytes);
		m->build_id_bytes = build_id_bytes;
	}
	x->module_next[i] = is_new ? NO_NEXT : (uint32_t)*head;
	*head = i;
	return i;
}

uint32_t frames_add_frame(struct frames *f, uint32_t module, uint64_t vaddr, int exact)
{
	struct frames_index *x = f->index;
	uint64_t hash = vaddr * 2 + (exact != 0), *head;
	uint32_t i;
	int is_new;

	hash ^= module * UINT64_C(0x9E3779B97F4A7C15);
	hash = (hash ^ hash >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
	head = map_put(&x->frame_heads, hash ^ hash >> 32, &is_new);
	for (i = is_new ? NO_NEXT : (uint32_t)*head; i != NO_NEXT; i = x->frame_next[i])
		if (f->frames[i].vaddr == vaddr && f->frames[i].module == module && f->frames[i].exact == (exact != 0))
			return i;
	f->frames = pool_grow(f->frames, &x->frames_capacity, f->frame_count + 1, sizeof(*f->frames));
	x->frame_next = pool_grow(x->frame_next, &x->frame_next_capacity, f->frame_count + 1, sizeof(*x->frame_next));
	i = (uint32_t)f->frame_count++;
	f->frames[i] = (struct frames_frame){ .vaddr = vaddr, .module = module, .exact = exact != 0 };
	x->frame_next[i] = is_new ? NO_NEXT : (uint32_t)*head;
	*head = i;
	return i;
}

uint32_t frames_add_stack(struct frames *f, uint32_t parent, uint32_t frame)
{
	struct frames_index *x = f->index;
	int is_new;
	uint64_t *id = map_put(&x->stacks, (uint64_t)parent << 32 | frame, &is_new);

	if (!is_new)
		return (uint32_t)*id;
	*id = f->stack_count;
	f->stacks = pool_grow(f->stacks, &x->stacks_capacity, f->stack_count + 1, sizeof(*f->stacks));
	f->stacks[f->stack_count] = (struct frames_stack){ parent, frame };
	return (uint32_t)f->stack_count++;
}

unsigned frames_depth(const struct frames *f, uint32_t stack)
{
	unsigned depth = 0;

	for (; stack >= 2; stack = f->stacks[stack].parent)
		depth++;
	return depth;
}

int frames_is_truncated(const struct frames *f, uint32_t stack)
{
	while (stack >= 2)
		stack = f->stacks[stack].parent;
	return stack == 1;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_modules(const struct frames_module *a, const struct frames_module *b)
{
	size_t shorter = a->build_id_bytes < b->build_id_bytes ? a->build_id_bytes : b->build_id_bytes;
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
	int order = x->module == y->module ? 0 : compare_modules(&f->modules[x->module], &f->modules[y->module]);

	if (!order)
		order = compare_numbers(x->vaddr, y->vaddr);
	return order ? order : compare_numbers(x->exact, y->exact);
}

int frames_compare(const struct frames *f, uint32_t a, uint32_t b)
{
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
