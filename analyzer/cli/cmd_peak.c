/* SPDX-License-Identifier: MIT */
/*
 * cmd_peak.c - `shim-analyze peak`: who held the memory at the moment when most of it was in use.
 */
#include "cli/command.h"
#include "cli/site_command.h"

static int run(struct session *s)
{
	return site_command(s, "peak", HEAP_BY_PEAK);
}

const struct command command_peak = {
	.name = "peak",
	.summary = "who held the memory when most of it was in use",
	.about = "Shows the blocks that were alive at the peak, the first moment at which the\n"
		 "sum of their sizes was largest, by the function that called the allocator\n"
		 "and by the stacks that led there. The peak is exact to the event. Of several\n"
		 "traces the peak is that of the process whose own is largest.\n\n"
		 "Sizes are those that the program asked for; the allocator's own overhead is\n"
		 "not in them.\n",
	.formats = COMMAND_TEXT_JSON,
	.run = run,
};
