/* SPDX-License-Identifier: MIT */
/* cmd_sizes.c - `shim-analyze sizes`: how large the allocations are. */
#include <stdlib.h>

#include "cli/command.h"
#include "cli/distribution.h"
#include "util/pool.h"

static int run(struct session *s)
{
	const struct sizes *sizes = &s->analysis.sizes;
	struct distribution d = { .command = "sizes",
				  .title = "ALLOCATION SIZES",
				  .sites_title = "MOST BYTES ALLOCATED" };
	size_t i;

	if (session_analyze(s, ANALYSIS_SIZES | ANALYSIS_SIZES_SITES, 0) < 0 || session_output(s) < 0)
		return -1;
	d.view = (struct histogram_view){ &sizes->all, sizes->bytes, "bytes", "allocations",
					  s->analysis.heap.totals.most_distance != 0 };
	d.sites = xcalloc(sizes->site_count, sizeof(*d.sites));
	for (i = 0; i < sizes->site_count; i++) {
		const struct sizes_site *site = sizes->sites[i];

		if (site && site->count)
			d.sites[d.site_count++] = (struct distribution_site){
				(uint32_t)i, site->count,   site->min,    site->max,
				site->sum,   site->octaves, SIZES_OCTAVES
			};
	}
	distribution_write(s, &d);
	free(d.sites);
	return run_exit_status(s->run);
}

const struct command command_sizes = {
	.name = "sizes",
	.summary = "how large the allocations are, overall and by place",
	.about = "Shows the distribution of allocation sizes, as asked for by the program, in\n"
		 "powers of two: calls and bytes; then the stacks that allocated most bytes\n"
		 "with their own sizes. JSON has finer buckets (6 % wide).\n",
	.formats = COMMAND_TEXT_JSON,
	.run = run,
};
