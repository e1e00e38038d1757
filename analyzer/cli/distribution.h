/* SPDX-License-Identifier: MIT */
/*
 * distribution.h - what `sizes` and `lifetimes` have in common: a distribution over all stacks, and
 * the stacks with the largest share in it.
 */
#ifndef CLI_DISTRIBUTION_H
#define CLI_DISTRIBUTION_H

#include "cli/session.h"
#include "out/histogram_report.h"

struct distribution_site {
	uint32_t stack;
	uint64_t count, min, max, sum;
	const uint64_t *octaves; /* by number of binary digits; the last takes the rest */
	size_t octave_count;
};

struct distribution {
	const char *command; /* for the schema */
	const char *title;   /* of the text */
	const char *sites_title;
	struct histogram_view view;
	struct distribution_site *sites; /* any order; sorted by distribution_write */
	size_t site_count;
	/* values that are in neither: so many, none larger than … */
	uint64_t folded_count, folded_longest;
};

/*
 * Upper bound of the value that half of SITE's values do not exceed: the upper end of its octave,
 * never above max. 0 without values.
 */
uint64_t distribution_median(const struct distribution_site *site);

/*
 * Writes D as text or JSON, as the user asked; sites by sum, then count, then content of the stack.
 */
void distribution_write(struct session *s, struct distribution *d);

#endif
