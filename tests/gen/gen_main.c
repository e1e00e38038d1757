/* SPDX-License-Identifier: MIT */
/*
 * gen_main.c - gen_trace as a program:
 *     gen_trace --out FILE [--seed N] [--events N] [--threads N] [--stacks N] [--live N]
 *               [--layout rows|columns] [--spool]
 * writes a random valid trace and prints as JSON what a perfect report on it says. Built by hand:
 *     cc -O2 -D_GNU_SOURCE -Iinclude -o gen_trace tests/gen/gen_*.c -lzstd
 */
#include "gen_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int gen_usage(void)
{
	fprintf(stderr,
		"usage: gen_trace --out FILE [--seed N] [--events N] [--threads N] [--stacks N] [--live N]\n"
		"                 [--layout rows|columns] [--spool]\n");
	return 1;
}

static int gen_parse(int argc, char **argv, struct gen_options *o, const char **out)
{
	int i;

	for (i = 1; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(name, "--spool") == 0) {
			o->spool = 1;
			continue;
		}
		i++;
		if (strcmp(name, "--out") == 0)
			*out = value;
		else if (strcmp(name, "--seed") == 0)
			o->seed = strtoull(value, NULL, 10);
		else if (strcmp(name, "--events") == 0)
			o->events = strtoull(value, NULL, 10);
		else if (strcmp(name, "--threads") == 0)
			o->threads = (unsigned)strtoul(value, NULL, 10);
		else if (strcmp(name, "--stacks") == 0)
			o->stacks = (unsigned)strtoul(value, NULL, 10);
		else if (strcmp(name, "--live") == 0)
			o->live = strtoull(value, NULL, 10);
		else if (strcmp(name, "--layout") == 0)
			o->layout = strcmp(value, "rows") == 0 ? SHIM_LAYOUT_ROWS
							       : SHIM_LAYOUT_COLUMNS;
		else
			return -1;
	}
	return *out && o->threads >= 1 && o->threads <= 1000 && o->stacks >= 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct gen_options o = { .seed = 1,
				 .events = 100000,
				 .threads = 1,
				 .layout = SHIM_LAYOUT_COLUMNS,
				 .stacks = 50,
				 .live = 1000,
				 .block_rows = 8190 };
	const char *out = NULL;
	struct gen_truth t;
	struct gen g;

	if (gen_parse(argc, argv, &o, &out) < 0)
		return gen_usage();
	gen_random(&g, &o, &t);
	if (gen_write(&g, out) < 0) {
		perror(out);
		return 1;
	}
	printf("{\"events\": %llu, \"allocations\": %llu, \"reallocations\": %llu, \"frees\": %llu, \"failed\": %llu, "
	       "\"allocated_bytes\": %llu, \"live_count\": %llu, \"live_bytes\": %llu, \"peak_bytes\": %llu, "
	       "\"peak_count\": %llu, \"temporary\": %llu, \"maps\": %llu, \"mapped_bytes\": %llu, \"trace_bytes\": %zu}\n",
	       (unsigned long long)t.events, (unsigned long long)t.allocations,
	       (unsigned long long)t.reallocations, (unsigned long long)t.frees,
	       (unsigned long long)t.failed, (unsigned long long)t.allocated_bytes,
	       (unsigned long long)t.live_count, (unsigned long long)t.live_bytes,
	       (unsigned long long)t.peak_bytes, (unsigned long long)t.peak_count,
	       (unsigned long long)t.temporary, (unsigned long long)t.maps,
	       (unsigned long long)t.mapped_bytes, g.trace.length);
	free(t.sites);
	gen_free(&g);
	return 0;
}
