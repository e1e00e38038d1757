/* SPDX-License-Identifier: MIT */
/*
 * leak_list.h - the leaks of a run as a user sees them: blocks alive at the end with suppressions
 * applied, stacks that look the same merged, largest first.
 */
#ifndef CLI_LEAK_LIST_H
#define CLI_LEAK_LIST_H

#include "cli/session.h"
#include "cli/suppressions.h"

struct leak_sum {
	uint64_t bytes, count;
	struct estimate estimate; /* in them */
};

struct leak_list {
	struct heap_leak *items; /* not suppressed; largest first */
	size_t count;
	struct leak_sum unfreed;    /* of the items */
	struct leak_sum suppressed; /* by an entry, or by shim_ignore_begin */
	struct leak_sum ignored;    /* of those, by shim_ignore_begin */
	struct suppressions *suppressions;
};

/*
 * Makes the list from S's analysis with the suppressions that the user named. Returns 0, or -1 with
 * S->diag.
 */
int leak_list_make(struct leak_list *list, struct session *s);
void leak_list_free(struct leak_list *list);

/*
 * The list as sites by live bytes (heap_site with stack, func, live_count, live_bytes, allocations
 * = live_count). The caller frees the array of list->count, and nothing in it.
 */
struct heap_site *leak_list_sites(const struct leak_list *list);

#endif
