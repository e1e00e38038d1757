/* SPDX-License-Identifier: MIT */
/*
 * suppressions.h - which leaks the user (or the runtime's own habits) has declared uninteresting.
 *
 * Files are in LeakSanitizer's syntax: one `leak:PATTERN` a line, `#` begins a comment, `*` matches
 * anything, `^` and `$` bind to the ends, and a pattern without them matches anywhere in the
 * function, file or module of any frame
 * (https://github.com/google/sanitizers/wiki/AddressSanitizerLeakSanitizer#suppressions). The
 * built-in entries cover blocks that ld.so, libc and libstdc++ keep for themselves until the
 * process ends; each says why. Every use is counted, so that a report can show what it left out.
 */
#ifndef CLI_SUPPRESSIONS_H
#define CLI_SUPPRESSIONS_H

#include <stddef.h>
#include <stdint.h>

#include "util/diag.h"
#include "util/map.h"

struct suppression {
	const char *name;      /* as shown: the line of the file, or "builtin:…" */
	const char *pattern;   /* of a file's entry; NULL for built-in ones */
	const char *reason;    /* of built-in entries; NULL else */
	uint64_t count, bytes; /* leaks that it took out */
	int builtin;           /* index into the list of built-in entries */
};

struct suppressions {
	struct suppression *items; /* files' entries in order, then built-in ones */
	size_t count, capacity;
	struct pool *texts;
	struct map answers; /* private: id of a frame -> first entry that matches it anywhere in a stack */
};

/* One frame of a leak's stack; any text may be NULL. */
struct suppressions_frame {
	const void *id; /* equal for equal frames: answers are kept by it; NULL: not kept */
	const char *function;
	const char *file;
	const char *module; /* path */
};

struct suppressions *suppressions_new(void);
void suppressions_delete(struct suppressions *s);

/*
 * Adds the entries of TEXT[LENGTH], called NAME in messages. Returns 0, or -1 with D for the first
 * line that is neither empty, a comment, nor leak:PATTERN; the lines before it stay.
 */
int suppressions_parse(struct suppressions *s, const char *name, const char *text, size_t length,
		       struct diag *d);

/* The same for the file PATH; also -1 when it cannot be read or has over 16 MiB. */
int suppressions_load(struct suppressions *s, const char *path, struct diag *d);

/* Adds the built-in entries. */
void suppressions_add_builtin(struct suppressions *s);

/*
 * First entry that matches the stack FRAMES[COUNT], innermost frame first, or NULL. Counts nothing.
 * Entries must not be added behind the first call.
 */
struct suppression *suppressions_find(struct suppressions *s,
				      const struct suppressions_frame *frames, size_t count);

/*
 * 1 if TEXT matches PATTERN as described at the top. An empty pattern matches nothing. TEXT may be
 * NULL: no match.
 */
int suppressions_match(const char *pattern, const char *text);

#endif
