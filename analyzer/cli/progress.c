/* SPDX-License-Identifier: MIT */
/* progress.c - see progress.h. Writes to stderr itself: a bar is no report. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 40
#define FIRST_NS  1000000000u
#define EVERY_NS  100000000u

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void progress_init(struct progress *p, enum option_when when, int quiet)
{
	memset(p, 0, sizeof(*p));
	p->wanted = when == WHEN_ALWAYS || (when == WHEN_AUTO && !quiet && isatty(STDERR_FILENO));
	p->at_once = when == WHEN_ALWAYS;
	p->begin_ns = now_ns();
}

void progress_update(void *progress, uint64_t done, uint64_t total)
{
	struct progress *p = progress;
	uint64_t now;
	int filled, i;

	if (!p->wanted || total == 0)
		return;
	now = now_ns();
	if ((!p->at_once && now - p->begin_ns < FIRST_NS) ||
	    (p->drawn && now - p->last_ns < EVERY_NS))
		return;
	filled = (int)((double)done / (double)total * BAR_WIDTH);
	fputs("\r[", stderr);
	for (i = 0; i < BAR_WIDTH; i++)
		fputc(i < filled ? '#' : ' ', stderr);
	fprintf(stderr, "] %3d%%", (int)((double)done / (double)total * 100));
	fflush(stderr);
	p->drawn = 1;
	p->last_ns = now;
}

void progress_end(struct progress *p)
{
	if (p->drawn)
		fprintf(stderr, "\r%*s\r", BAR_WIDTH + 8, "");
	p->drawn = 0;
}
