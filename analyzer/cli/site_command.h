/* SPDX-License-Identifier: MIT */
/*
 * site_command.h - what `peak`, `allocs` and `temporary` have in common: the run's sites, ordered
 * by one cost.
 */
#ifndef CLI_SITE_COMMAND_H
#define CLI_SITE_COMMAND_H

#include "cli/session.h"

#define SITES_SHOWN      10 /* in text, unless -n says otherwise */
#define SITES_SHOWN_JSON 100
#define STACKS_SHOWN     5  /* of each site, unless -s says otherwise */
#define FRAMES_SHOWN     16 /* of each stack */

/* Runs the command called NAME, whose cost is ORDER. Returns as command->run. */
int site_command(struct session *s, const char *name, enum heap_order order);

/* How much of a section is shown. */
struct site_extent {
	size_t sites, stacks, frames; /* as in struct site_report */
};

/* The section for ORDER of an analysed session. */
void site_command_section(struct session *s, enum heap_order order, const struct site_extent *extent);

#endif
