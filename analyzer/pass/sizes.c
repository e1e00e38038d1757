/* SPDX-License-Identifier: MIT */
/* sizes.c - see sizes.h. */
#include "pass/sizes.h"

#include <stdlib.h>
#include <string.h>

#include "util/pool.h"

void sizes_free(struct sizes *s)
{
	size_t i;

	for (i = 0; i < s->site_count; i++)
		free(s->sites[i]);
	free(s->sites);
	*s = (struct sizes){ 0 };
}

void sizes_add_many(struct sizes *s, uint32_t stack, uint64_t size, uint64_t times)
{
	if (!times)
		return;
	histogram_add_many(&s->all, size, times);
	s->bytes[histogram_bucket(size)] += size * times;
	if (s->per_stack)
		sizes_add_site(s, stack, size, times);
}

void sizes_add_site(struct sizes *s, uint32_t stack, uint64_t size, uint64_t times)
{
	unsigned octave = size ? 64u - (unsigned)__builtin_clzll(size) : 0;
	struct sizes_site *site;

	if (stack >= s->site_count) {
		size_t wanted = (size_t)stack + stack / 2 + 64;

		s->sites = xrealloc(s->sites, wanted * sizeof(struct sizes_site *));
		memset(&s->sites[s->site_count], 0,
		       (wanted - s->site_count) * sizeof(struct sizes_site *));
		s->site_count = wanted;
	}
	site = s->sites[stack];
	if (!site) {
		site = s->sites[stack] = xcalloc(1, sizeof(*site));
		site->min = UINT64_MAX;
	}
	site->count += times;
	site->sum += size * times;
	site->min = size < site->min ? size : site->min;
	site->max = size > site->max ? size : site->max;
	site->octaves[octave < SIZES_OCTAVES ? octave : SIZES_OCTAVES - 1] += times;
}
