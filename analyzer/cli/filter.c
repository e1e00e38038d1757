/* SPDX-License-Identifier: MIT */
/* filter.c - see filter.h. */
#include "cli/filter.h"

#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/pool.h"

struct expressions {
	regex_t *items;
	size_t count;
};

struct filter {
	struct expressions include, exclude, thread;
};

static int compile(struct expressions *e, const char *const *texts, size_t count,
		   const char *option, struct diag *d)
{
	char why[256];
	size_t i;

	e->items = xcalloc(count, sizeof(*e->items));
	for (i = 0; i < count; i++) {
		int error = regcomp(&e->items[i], texts[i], REG_EXTENDED | REG_NOSUB);

		if (error) {
			regerror(error, &e->items[i], why, sizeof(why));
			return diag_set(d, "", DIAG_NO_OFFSET,
					"%s \"%.100s\" is no regular expression: %s", option,
					texts[i], why);
		}
		e->count++;
	}
	return 0;
}

static void expressions_free(struct expressions *e)
{
	size_t i;

	for (i = 0; i < e->count; i++)
		regfree(&e->items[i]);
	free(e->items);
}

struct filter *filter_new(const struct options *o, struct diag *d)
{
	struct filter *f = xcalloc(1, sizeof(*f));

	if (compile(&f->include, o->include.items, o->include.count, "-I", d) == 0 &&
	    compile(&f->exclude, o->exclude.items, o->exclude.count, "-X", d) == 0 &&
	    compile(&f->thread, &o->thread, o->thread != NULL, "--thread", d) == 0)
		return f;
	filter_delete(f);
	return NULL;
}

void filter_delete(struct filter *f)
{
	if (!f)
		return;
	expressions_free(&f->include);
	expressions_free(&f->exclude);
	expressions_free(&f->thread);
	free(f);
}

int filter_has_stacks(const struct filter *f)
{
	return f->include.count || f->exclude.count;
}

int filter_has_thread(const struct filter *f)
{
	return f->thread.count != 0;
}

static int matches(const struct expressions *e, const char *text)
{
	size_t i;

	for (i = 0; text && i < e->count; i++)
		if (regexec(&e->items[i], text, 0, NULL, 0) == 0)
			return 1;
	return 0;
}

static int frame_matches(const struct expressions *e, struct names *names, uint32_t frame)
{
	const struct symbol_frame *found;
	size_t count, i;

	if (!e->count)
		return 0;
	count = names_frame(names, frame, &found);
	for (i = 0; i < count; i++)
		if (matches(e, found[i].function) || matches(e, found[i].file) ||
		    matches(e, found[i].module))
			return 1;
	return 0;
}

#define HAS_INCLUDED 1u
#define HAS_EXCLUDED 2u

uint8_t *filter_stacks(const struct filter *f, const struct frames *frames, struct names *names)
{
	uint8_t *of_frame = xcalloc(frames->frame_count, 1),
		*of_stack = xcalloc(frames->stack_count, 1);
	size_t i;

	for (i = 0; i < frames->frame_count; i++) {
		of_frame[i] = (uint8_t)(frame_matches(&f->include, names, (uint32_t)i) ? HAS_INCLUDED
										       : 0);
		of_frame[i] |= frame_matches(&f->exclude, names, (uint32_t)i) ? HAS_EXCLUDED : 0;
	}
	/* Callers have smaller ids, so what they hold is known before it is needed. */
	for (i = 2; i < frames->stack_count; i++)
		of_stack[i] = of_stack[frames->stacks[i].parent] | of_frame[frames->stacks[i].frame];
	for (i = 0; i < frames->stack_count; i++)
		of_stack[i] = (!f->include.count || (of_stack[i] & HAS_INCLUDED)) &&
			      !(of_stack[i] & HAS_EXCLUDED);
	free(of_frame);
	return of_stack;
}

int filter_thread(void *context, const struct process *p, const struct process_thread *t)
{
	const struct filter *f = context;
	char tid[24];

	(void)p;
	snprintf(tid, sizeof(tid), "%" PRIu64, t->tid);
	return matches(&f->thread, t->name) || (t->tid && matches(&f->thread, tid));
}
