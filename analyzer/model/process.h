/* SPDX-License-Identifier: MIT */
/*
 * process.h - one traced process: who it was, its modules, threads, stacks, marks and notes, and
 * its clock. Built from the facts and definitions of one source before any event is looked at;
 * constant afterwards, but for the quality counters that replay and passes add to.
 */
#ifndef MODEL_PROCESS_H
#define MODEL_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "model/timebase.h"
#include "model/frames.h"
#include "trace/source.h"

struct process_module {
	uint64_t id; /* the writer's */
	uint64_t bias;
	uint64_t load_ticks;
	uint64_t unload_ticks; /* UINT64_MAX: never */
	uint32_t module;       /* in struct frames */
};

struct process_thread {
	uint32_t index;       /* the writer's */
	uint32_t creator;     /* index, 0 unknown */
	uint32_t stack;       /* of its creation, id in struct frames */
	uint64_t tid;         /* 0 unknown */
	uint64_t start_ticks; /* 0 unknown */
	uint64_t end_ticks;   /* UINT64_MAX: it never ended, or that is unknown */
	const char *name;     /* the last one given; "" unknown */
};

struct process_mark {
	uint64_t ticks;
	uint32_t thread;
	const char *name;
};

struct process_note {
	uint64_t ticks;
	unsigned level; /* enum shim_note_level */
	const char *text;
};

struct process_child {
	uint64_t ticks;
	unsigned what; /* enum shim_process_what */
	uint64_t pid;
	const char *path;
};

struct process_switch {
	uint64_t ticks;
	int on;
};

/* What the writer gave up at a time to stay within its size budget. */
struct process_step {
	uint64_t ticks;
	unsigned step;         /* enum shim_step */
	uint64_t sample_bytes; /* of sampling: mean distance; else 0 */
	uint64_t trace_bytes;  /* size of the trace by then */
};

struct process {
	struct source *source;
	struct frames *frames; /* of the run; not owned */
	struct timebase clock;
	struct quality quality;
	uint64_t pid, ppid;
	const char *program; /* short name; "" unknown */
	char **arguments;
	size_t argument_count;
	uint64_t start_unix_ns; /* 0 unknown */
	uint64_t end_ticks;     /* of the process: footer, else the newest moment known */
	uint64_t duration_ns;
	struct process_module *modules; /* in order of loading */
	size_t module_count;
	/* by index, ascending; every thread with a definition or a block is here */
	struct process_thread *threads;
	size_t thread_count;
	uint32_t *slot_thread; /* slot of replay (struct event_batch) -> index in threads */
	size_t slot_count;
	uint32_t *stacks; /* the trace's stack id -> id in frames; undefined ids hold lost_stack */
	size_t stack_count;
	uint32_t lost_stack;        /* frames_lost_stack */
	struct process_mark *marks; /* these by ticks */
	size_t mark_count;
	struct process_note *notes; /* from here on in stream order */
	size_t note_count;
	struct process_child *children;
	size_t child_count;
	struct process_switch *switches;
	size_t switch_count;
	struct process_step *steps;
	size_t step_count;
	struct pool *pool;     /* private: texts */
	struct quality loaded; /* private: quality before any replay */
};

/*
 * Reads facts and definitions of SOURCE (ownership passes to the process) into FRAMES. Never fails:
 * what is damaged or senseless is counted in ->quality.
 */
struct process *process_load(struct source *source, struct frames *frames);
void process_delete(struct process *p);

/* A fact of the header as text, or OTHERWISE. */
const char *process_fact(const struct process *p, const char *key, const char *otherwise);
/* The frames stack of the trace's stack id; lost_stack for ids that were never defined. */
static inline uint32_t process_stack(const struct process *p, uint32_t stack)
{
	return stack < p->stack_count ? p->stacks[stack] : p->lost_stack;
}

#endif
