/* SPDX-License-Identifier: MIT */
/*
 * progress.h - the bar on stderr while a large trace is read. It appears after one second, on a
 * terminal only (or always, when the user says so), is redrawn ten times a second at most, and is
 * wiped when the work is done.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>

#include "cli/options.h"

struct progress {
	int wanted;  /* 0: never draw */
	int at_once; /* do not wait a second */
	int drawn;   /* a bar stands on the terminal */
	uint64_t begin_ns, last_ns;
};

/* Decides by WHEN, and by whether stderr is a terminal, what progress_update does. */
void progress_init(struct progress *p, enum option_when when, int quiet);
/* DONE of TOTAL; P is a struct progress. Fits the callbacks of pass/ and trace/. */
void progress_update(void *p, uint64_t done, uint64_t total);
/* Wipes the bar. */
void progress_end(struct progress *p);

#endif
