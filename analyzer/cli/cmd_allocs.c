/* SPDX-License-Identifier: MIT */
/* cmd_allocs.c - `shim-analyze allocs`: who calls the allocator most. */
#include "cli/command.h"
#include "cli/site_command.h"

static int run(struct session *s)
{
	return site_command(s, "allocs", HEAP_BY_ALLOCATIONS);
}

const struct command command_allocs = {
	.name = "allocs",
	.summary = "who calls the allocator most",
	.about = "Shows the places with most calls to allocation functions, and what they held\n"
		 "at the peak. A realloc counts as an allocation of its new block; a call that\n"
		 "failed does not count.\n",
	.formats = COMMAND_TEXT_JSON,
	.run = run,
};
