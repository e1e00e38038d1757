/* SPDX-License-Identifier: MIT */
/*
 * command.h - the commands of shim-analyze: one file each, one list of them all (commands.def).
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stddef.h>

#include "cli/options.h"
#include "util/buf.h"

struct session;

/* Options that only some commands have. */
#define ONLY_FLAMEGRAPH 0x01u

#define COMMAND_TEXT_JSON ((1u << FORMAT_TEXT) | (1u << FORMAT_JSON))

struct command {
	const char *name;
	const char *summary; /* one line, no full stop */
	const char *about;   /* paragraphs for --help, lines of at most 100 columns */
	unsigned options;    /* ONLY_* that it takes */
	unsigned formats;    /* 1 << enum output_format */
	/*
	 * Does the work and writes the report. Returns the exit status (0, 2 or 23), or -1 with
	 * S->diag: nothing could be reported, status 1.
	 */
	int (*run)(struct session *s);
};

/* The command called NAME, or NULL. */
const struct command *command_find(const char *name);

/* All names in the order of commands.def. */
const char *const *command_names(size_t *count);

/* Appends the general help, or that of COMMAND. */
void command_help(const struct command *command, struct buf *out);

#define COMMAND(name) extern const struct command command_##name;
#include "cli/commands.def"
#undef COMMAND

#endif
