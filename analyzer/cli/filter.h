/* SPDX-License-Identifier: MIT */
/*
 * filter.h - -I, -X and --thread: extended regular expressions (POSIX) over the names in a stack
 * and of threads, turned into the answers that the passes take.
 */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include <stdint.h>

#include "cli/options.h"
#include "model/run.h"
#include "out/names.h"
#include "util/diag.h"

struct filter;

/* Compiles the expressions of O. Returns the filter, or NULL with D when one of them is wrong. */
struct filter *filter_new(const struct options *o, struct diag *d);
void filter_delete(struct filter *f);

/* 1 when F has -I or -X. */
int filter_has_stacks(const struct filter *f);
/* 1 when F has --thread. */
int filter_has_thread(const struct filter *f);

/*
 * Per stack of FRAMES 1 (kept) or 0: with -I, some frame matches one of them; no frame matches a
 * -X. Looks up the names of all frames, so it is asked for only when it is needed. The caller frees
 * it.
 */
uint8_t *filter_stacks(const struct filter *f, const struct frames *frames, struct names *names);

/*
 * As analysis_request.keep_thread, CONTEXT being a struct filter: the thread's name or its id, in
 * decimal, matches.
 */
int filter_thread(void *context, const struct process *p, const struct process_thread *t);

#endif
