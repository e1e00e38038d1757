/* SPDX-License-Identifier: MIT */
/*
 * definitions.h - the definitions stream of one trace becomes the tables of struct process: which
 * code is loaded is followed along the stream, so that each stack's addresses get the module of
 * their time. Part of loading a process.
 */
#ifndef MODEL_DEFINITIONS_H
#define MODEL_DEFINITIONS_H

#include "model/process.h"
#include "util/map.h"

/* Where code lies at this place in the stream. */
struct definitions_range {
	uint64_t begin, end;
	uint32_t module; /* index in process->modules */
};

#define DEFINITIONS_MEMO 4096

/* A frame that an address was a moment ago. */
struct definitions_memo {
	uint64_t key; /* pc * 2 + exact */
	uint32_t frame;
	uint32_t epoch; /* of the modules then */
};

struct definitions {
	struct process *process;
	struct definitions_range *ranges; /* ascending, apart */
	size_t range_count, ranges_capacity;
	uint32_t epoch; /* counts changes of ranges, from 1 */
	struct definitions_memo *memo;
	struct map threads; /* writer's index -> place in process->threads */
	uint64_t stack_records;
	/* the run's first process, and nothing unloaded yet: every stack is another one */
	int are_stacks_new;
	uint32_t no_module; /* in frames: code outside any module */
	size_t modules_capacity, threads_capacity, stacks_capacity, marks_capacity;
	size_t notes_capacity, children_capacity, switches_capacity, steps_capacity;
};

void definitions_begin(struct definitions *defs, struct process *p);
/* Reads every block of definitions of the process, in the order of the stream. */
void definitions_read(struct definitions *defs);
/* The thread of the writer's INDEX, made when it is new. Valid until the next call. */
struct process_thread *definitions_thread(struct definitions *defs, uint32_t index);
void definitions_end(struct definitions *defs);

#endif
