/* SPDX-License-Identifier: MIT */
/*
 * scan.h - finds the frames of a trace in memory: by the index of a clean end, or by walking from
 * frame to frame and, behind damage, on to the next one that proves good. Part of opening a source;
 * see source.h.
 */
#ifndef TRACE_SCAN_H
#define TRACE_SCAN_H

#include "trace/source.h"

/* Growing list of frames. */
struct scan {
	const uint8_t *map;
	size_t bytes;
	const char *name;
	struct frame *frames;
	size_t count;
	size_t capacity;
	struct quality *quality;
};

/*
 * Fills SCAN from the index, if the file ends with a footer and both are intact and of run RUN_ID.
 * Returns 1, or 0 with no frame added: then walk.
 */
int scan_by_index(struct scan *scan, uint64_t run_id);

/* 1 when the tail of frame FOOTER ends as it must. */
int scan_has_end_magic(const struct scan *scan, const struct frame *footer);

/* Fills SCAN by walking the whole file. FRAME_BLOCKs have only their place and length yet. */
void scan_by_walking(struct scan *scan);

/* Adds a frame. */
struct frame *scan_add(struct scan *scan, enum frame_kind kind, uint64_t offset, uint64_t bytes);

/* Counts damage at OFFSET in Q and describes it if it is the first. */
void scan_damage(struct quality *q, const char *name, uint64_t offset, const char *what);

#endif
