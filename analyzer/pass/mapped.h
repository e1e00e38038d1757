/* SPDX-License-Identifier: MIT */
/*
 * mapped.h - memory that the program itself mapped: bytes by kind, the peak, the stacks that did
 * it, and the break. munmap and overlapping mmap cut and replace what was there, as in the kernel.
 * Mappings that libc makes for malloc are not events, and neither are thread stacks.
 */
#ifndef PASS_MAPPED_H
#define PASS_MAPPED_H

#include <stddef.h>
#include <stdint.h>

#include "model/run.h"
#include "trace/event.h"

enum mapped_kind {
	MAPPED_ANONYMOUS, /* private, anonymous */
	MAPPED_SHARED,    /* shared, anonymous */
	MAPPED_FILE,      /* private mapping of a file */
	MAPPED_FILE_SHARED,
	MAPPED_KINDS
};

struct mapped_site {
	uint32_t stack; /* of the run */
	uint64_t calls, bytes;
	uint64_t live_bytes; /* mapped at the end */
};

struct mapped_result {
	uint64_t maps, unmaps;
	uint64_t total_bytes;              /* ever mapped */
	uint64_t live_bytes[MAPPED_KINDS]; /* at the end */
	uint64_t executable_bytes;         /* of them all, mapped executable */
	uint64_t peak_bytes;               /* of the process with the largest one, as in heap.h */
	uint64_t peak_ns;
	size_t peak_process;
	uint64_t brk_calls;
	int64_t brk_bytes; /* growth of the break by the program's own calls */
	/* most live bytes first, ties by bytes, calls, content */
	struct mapped_site *sites;
	size_t site_count;
};

struct mapped;
struct timeline;

/* TIMELINE may be NULL. */
struct mapped *mapped_new(const struct process *p, size_t number, struct timeline *timeline);
/* Looks at events of op mmap, munmap and brk and passes over all others. */
void mapped_batch(struct mapped *m, const struct event_batch *batch);
/* As heap_finish and heap_result_finish. */
void mapped_finish(struct mapped *m, struct mapped_result *result);
void mapped_result_finish(struct mapped_result *r, const struct frames *frames);
void mapped_delete(struct mapped *m);
void mapped_result_free(struct mapped_result *r);

/* "anonymous", "shared", "file", "shared file". */
const char *mapped_kind_name(enum mapped_kind kind);

#endif
