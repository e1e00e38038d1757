/* SPDX-License-Identifier: MIT */
/* quality.c - see quality.h. */
#include "trace/quality.h"

#include <string.h>

int quality_is_impaired(const struct quality *q)
{
	return q->blocks_damaged || q->blocks_missing || q->bytes_skipped || q->index_damaged ||
	       q->events_lost || q->events_unread || q->unknown_stacks || q->bad_records ||
	       !(q->clean_end || q->killed);
}

int quality_is_complete(const struct quality *q)
{
	return q->clean_end && strcmp(q->end, "repaired") != 0 && !quality_is_impaired(q);
}

int quality_exit_status(const struct quality *q)
{
	return quality_is_impaired(q) ? 2 : 0;
}
