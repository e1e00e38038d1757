/* SPDX-License-Identifier: MIT */
/* lifetimes.c - see lifetimes.h. */
#include "pass/lifetimes.h"

#include <stdlib.h>
#include <string.h>

#include "util/pool.h"

void lifetimes_free(struct lifetimes *l)
{
	size_t i;

	for (i = 0; i < l->site_count; i++)
		free(l->sites[i]);
	free(l->sites);
	*l = (struct lifetimes){ 0 };
}

void lifetimes_add_folded(struct lifetimes *l, uint64_t count, uint64_t longest_ns)
{
	l->folded.count += count;
	if (count && longest_ns > l->folded.longest_ns)
		l->folded.longest_ns = longest_ns;
}

void lifetimes_add_site(struct lifetimes *l, uint32_t stack, uint64_t ns, uint64_t times)
{
	unsigned octave = ns ? 64u - (unsigned)__builtin_clzll(ns) : 0;
	struct lifetimes_site *site;

	if (stack >= l->site_count) {
		size_t wanted = (size_t)stack + stack / 2 + 64;

		l->sites = xrealloc(l->sites, wanted * sizeof(struct lifetimes_site *));
		memset(&l->sites[l->site_count], 0,
		       (wanted - l->site_count) * sizeof(struct lifetimes_site *));
		l->site_count = wanted;
	}
	site = l->sites[stack];
	if (!site) {
		site = l->sites[stack] = xcalloc(1, sizeof(*site));
		site->min_ns = UINT64_MAX;
	}
	site->count += times;
	site->sum_ns += ns * times;
	site->min_ns = ns < site->min_ns ? ns : site->min_ns;
	site->max_ns = ns > site->max_ns ? ns : site->max_ns;
	site->octaves[octave < LIFETIMES_OCTAVES ? octave : LIFETIMES_OCTAVES - 1] += times;
}
