/* SPDX-License-Identifier: MIT */
/* site_command.h - what `peak`, `allocs` and `temporary` have in common: the run's sites, ordered by one cost. */
#ifndef CLI_SITE_COMMAND_H
#define CLI_SITE_COMMAND_H

#include "cli/session.h"

#define SITES_SHOWN      10  /* in text, unless -n says otherwise */
#define SITES_SHOWN_JSON 100

/* Runs the command called NAME, whose cost is ORDER. Returns as command->run. */
int site_command(struct session *s, const char *name, enum heap_order order);

/* The section for ORDER of an analysed session, N sites at most. */
void site_command_section(struct session *s, enum heap_order order, size_t n);

#endif
