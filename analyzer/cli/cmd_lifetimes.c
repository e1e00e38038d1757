/* SPDX-License-Identifier: MIT */
/* cmd_lifetimes.c - `shim-analyze lifetimes`: how long blocks live. */
#include <stdlib.h>

#include "cli/command.h"
#include "cli/distribution.h"
#include "util/pool.h"

static int run(struct session *s)
{
	const struct lifetimes *lifetimes = &s->analysis.lifetimes;
	struct distribution d = { .command = "lifetimes",
				  .title = "LIFETIMES OF FREED BLOCKS",
				  .sites_title = "LONGEST LIVES IN TOTAL" };
	size_t i;

	if (session_analyze(s, ANALYSIS_LIFETIMES | ANALYSIS_LIFETIME_SITES, 0) < 0 ||
	    session_output(s) < 0)
		return -1;
	d.view = (struct histogram_view){ &lifetimes->all, NULL, "ns", "blocks",
					  s->analysis.heap.totals.most_distance != 0 };
	d.folded_count = lifetimes->folded.count;
	d.folded_longest = lifetimes->folded.longest_ns;
	d.sites = xcalloc(lifetimes->site_count, sizeof(*d.sites));
	for (i = 0; i < lifetimes->site_count; i++) {
		const struct lifetimes_site *site = lifetimes->sites[i];

		if (site && site->count)
			d.sites[d.site_count++] = (struct distribution_site){
				(uint32_t)i,  site->count,   site->min_ns,     site->max_ns,
				site->sum_ns, site->octaves, LIFETIMES_OCTAVES
			};
	}
	distribution_write(s, &d);
	free(d.sites);
	return run_exit_status(s->run);
}

const struct command command_lifetimes = {
	.name = "lifetimes",
	.summary = "how long blocks live, overall and by place",
	.about = "Shows the distribution of the time from allocation to free (or realloc),\n"
		 "then the stacks whose blocks lived longest taken together. Blocks that were\n"
		 "never freed are not in it: see leaks.\n\n"
		 "In a process with one thread only some events carry a stamp of their own, so\n"
		 "that very short times can read as 0.\n",
	.formats = COMMAND_TEXT_JSON,
	.run = run,
};
