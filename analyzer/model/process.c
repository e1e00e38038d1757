/* SPDX-License-Identifier: MIT */
/*
 * process.c - see process.h: facts, clock and threads of a process. Its definitions are read by
 * definitions.c.
 */
#include "model/process.h"

#include <stdlib.h>
#include <string.h>

#include "model/definitions.h"
#include "trace/replay.h"
#include "util/pool.h"

const char *process_fact(const struct process *p, const char *key, const char *otherwise)
{
	const char *text = fields_text(&p->source->header, key);

	return text ? text : otherwise;
}

/* The command: arguments, each ended by a NUL byte. */
static void read_command(struct process *p)
{
	const struct field *command = fields_find(&p->source->header, "command");
	size_t at, capacity = 0;

	for (at = 0; command && at < command->length; at += strlen(command->value + at) + 1) {
		p->arguments = pool_grow(p->arguments, &capacity, p->argument_count + 1,
					 sizeof(*p->arguments));
		p->arguments[p->argument_count++] = pool_strndup(p->pool, command->value + at,
								 strlen(command->value + at));
	}
}

static void read_facts(struct process *p)
{
	const struct fields *header = &p->source->header;

	p->pid = fields_number(header, "pid", 0);
	p->ppid = fields_number(header, "ppid", 0);
	p->start_unix_ns = fields_number(header, "start_unix_ns", 0);
	p->program = process_fact(p, "program", "");
	read_command(p);
}

static void add_pair(struct process *p, const struct fields *fields, const char *ticks,
		     const char *mono_ns)
{
	if (fields_text(fields, ticks) && fields_text(fields, mono_ns))
		timebase_add(&p->clock, fields_number(fields, ticks, 0),
			     fields_number(fields, mono_ns, 0));
}

/* Pairs of clock readings that are known without the definitions. */
static void read_clock(struct process *p)
{
	const struct source *s = p->source;
	uint64_t first = UINT64_MAX;
	size_t i;

	p->clock.is_ns = strcmp(process_fact(p, "clock", ""), "monotonic") == 0;
	add_pair(p, &s->header, "start_ticks", "start_mono_ns");
	add_pair(p, &s->footer, "end_ticks", "end_mono_ns");
	if (s->spool_path) {
		timebase_add(&p->clock, s->spool.start_ticks, s->spool.start_mono_ns);
		if (s->spool.last_ticks)
			timebase_add(&p->clock, s->spool.last_ticks, s->spool.last_mono_ns);
	}
	for (i = 0; i < s->order_count; i++) {
		const struct frame *f = &s->frames[s->order[i]];

		if (f->begin_mono_ns)
			timebase_add(&p->clock, f->begin_ticks, f->begin_mono_ns);
		first = f->begin_ticks < first ? f->begin_ticks : first;
	}
	p->clock.start_ticks = fields_number(&s->header, "start_ticks",
					     first == UINT64_MAX ? 0 : first);
}

static int compare_threads(const void *a, const void *b)
{
	const struct process_thread *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static int compare_marks(const void *a, const void *b)
{
	const struct process_mark *x = a, *y = b;

	if (x->ticks != y->ticks)
		return x->ticks < y->ticks ? -1 : 1;
	return x->name == y->name ? 0 : strcmp(x->name, y->name);
}

/*
 * Adds the threads that have blocks but no definition, sorts them, and ties the slots of replay to
 * them.
 */
static void finish_threads(struct process *p, struct definitions *defs)
{
	uint32_t *indices;
	size_t i, at = 0;

	p->slot_count = replay_threads(p->source, &indices);
	for (i = 0; i < p->slot_count; i++)
		definitions_thread(defs, indices[i]);
	if (p->thread_count)
		qsort(p->threads, p->thread_count, sizeof(*p->threads), compare_threads);
	p->slot_thread = xmalloc(p->slot_count * sizeof(*p->slot_thread));
	for (i = 0; i < p->slot_count; i++) {
		while (p->threads[at].index != indices[i])
			at++;
		p->slot_thread[i] = (uint32_t)at;
	}
	free(indices);
}

struct process *process_load(struct source *source, struct frames *frames)
{
	struct process *p = xcalloc(1, sizeof(*p));
	struct definitions defs;
	size_t i;

	p->source = source;
	p->frames = frames;
	p->quality = source->quality;
	p->pool = pool_new();
	read_facts(p);
	read_clock(p);
	definitions_begin(&defs, p);
	definitions_read(&defs);
	p->lost_stack = frames_lost_stack(frames);
	for (i = SHIM_STACK_FIRST; i < p->stack_count; i++)
		if (!p->stacks[i])
			p->stacks[i] = p->lost_stack;
	finish_threads(p, &defs);
	definitions_end(&defs);
	if (p->mark_count)
		qsort(p->marks, p->mark_count, sizeof(*p->marks), compare_marks);
	p->end_ticks = fields_number(&source->footer, "end_ticks", source->last_ticks);
	p->duration_ns = timebase_ns(&p->clock, p->end_ticks);
	p->loaded = p->quality;
	return p;
}

void process_delete(struct process *p)
{
	if (!p)
		return;
	source_close(p->source);
	pool_delete(p->pool);
	free(p->arguments);
	free(p->modules);
	free(p->threads);
	free(p->slot_thread);
	free(p->stacks);
	free(p->marks);
	free(p->notes);
	free(p->children);
	free(p->switches);
	free(p->steps);
	free(p);
}
