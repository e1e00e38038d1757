/* SPDX-License-Identifier: MIT */
/* cmd_temporary.c - `shim-analyze temporary`: blocks that were freed at once. */
#include "cli/command.h"
#include "cli/site_command.h"

static int run(struct session *s)
{
	return site_command(s, "temporary", HEAP_BY_TEMPORARY);
}

const struct command command_temporary = {
	.name = "temporary",
	.summary = "blocks that were freed before the next allocation",
	.about = "Shows the places with most temporary allocations: blocks that the thread\n"
		 "which made them freed or reallocated before its next allocation, as\n"
		 "heaptrack counts them. They are often avoidable: a buffer on the stack, a\n"
		 "reserve, a reference instead of a copy.\n",
	.formats = COMMAND_TEXT_JSON,
	.run = run,
};
