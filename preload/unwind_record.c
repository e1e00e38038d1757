/* SPDX-License-Identifier: MIT */
/*
 * unwind_record.c - see unwind_record.h. Runs in the thread whose stack it is, inside the guard. A
 * record of the thread's own stack is read directly: what lies above the current stack pointer is
 * there. Any other may have been unmapped since, so its words are read through the walk's window,
 * from the innermost frame outwards, which is what a walk would read.
 */
#include "unwind_record.h"

#if UNWIND_HAS_RULES

#include <errno.h>

#include "arena.h"

int record_start(struct record *r, uint32_t capacity)
{
	size_t marks = capacity * sizeof(*r->marks), frames = capacity * sizeof(*r->frames);
	size_t extras = (2 * (size_t)capacity + 2) * sizeof(*r->extras); /* a frame has two at most */
	char *memory = arena_map(marks + frames + extras);

	if (!memory)
		return -ENOMEM;
	r->marks = (struct record_mark *)(void *)memory;
	r->frames = (struct record_frame *)(void *)(memory + marks);
	r->extras = (struct record_extra *)(void *)(memory + marks + frames);
	r->capacity = capacity;
	return 0;
}

/* The word that EXTRA stands for has changed: the frame beyond its owner is another one. */
static void drop_from(struct record *r, const struct record_extra *extra)
{
	r->count = extra->owner ? (uint32_t)extra->owner - 1 : 0;
}

static int verify_plain(struct record *r)
{
	uint32_t different = record_compare(r->marks, r->count), i;

	if (unlikely(different)) {
		r->count = different - 1;
		return 0;
	}
	for (i = r->extra_count; i-- > 0;) {
		if (unlikely(record_word(r->extras[i].addr) != r->extras[i].value)) {
			drop_from(r, &r->extras[i]);
			return 0;
		}
	}
	return 1;
}

static int verify_foreign(struct record *r, struct unwind_walk *walk)
{
	uint32_t i = r->count, extra = r->extra_count;
	uintptr_t word;

	while (i-- > 0) {
		for (; extra && r->extras[extra - 1].owner >= i; extra--) {
			const struct record_extra *e = &r->extras[extra - 1];

			if (unwind_read(&walk->stack, e->addr, &word) || word != e->value) {
				drop_from(r, e);
				return 0;
			}
		}
		if (i == 0)
			break;
		if (unwind_read(&walk->stack, record_slot(&r->marks[i - 1]), &word) ||
		    word != r->marks[i - 1].pc) {
			r->count = i - 1;
			return 0;
		}
	}
	return 1;
}

int record_verify(struct record *r, struct unwind_walk *walk)
{
	while (r->extra_count && r->extras[r->extra_count - 1].owner >= r->count)
		r->extra_count--;
	if (SHIM_UNWIND_MUTANT == 1)
		return 1;
	if (SHIM_UNWIND_MUTANT == 2)
		r->extra_count = 0;
	return r->is_plain ? verify_plain(r) : verify_foreign(r, walk);
}

#endif
