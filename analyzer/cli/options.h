/* SPDX-License-Identifier: MIT */
/*
 * options.h - the command line of shim-analyze, parsed: [COMMAND] [OPTIONS] TRACE…, options and
 * traces in any order.
 *
 * Long options take their argument behind '=' or as the next word, short ones directly or as the
 * next word; "--" ends options. A word that is neither known nor a file is refused with the nearest
 * one that exists.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stddef.h>

#include "util/diag.h"

enum output_format {
	FORMAT_UNSET,
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_FOLDED,
	FORMAT_SVG,
	FORMAT_HTML
};
enum option_when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };

struct command;

struct option_list {
	const char **items;
	size_t count, capacity;
};

struct options {
	const struct command *command; /* `summary` unless named */
	int command_named;
	struct option_list traces;
	const char *output;        /* NULL: stdout */
	enum output_format format; /* FORMAT_UNSET: not given and not told by the ending of `output` */
	long sites, stacks;        /* -1: not given; 0: all */
	const char *thread, *from, *to;
	struct option_list include, exclude, suppressions, debug_paths;
	int no_builtin_suppressions;
	const char *cost, *title;
	const char *sysroot;
	int debuginfod;
	int jobs; /* 0: not given */
	enum option_when color, progress;
	int quiet, help, version;
};

/* One row of options.def. */
struct option_spec {
	char letter; /* 0: none */
	const char *name;
	const char *argument; /* NULL: takes none */
	unsigned commands;
	const char *help;
};

/* All options in the order of options.def; *COUNT of them. */
const struct option_spec *options_list(size_t *count);

/*
 * Parses ARGV[ARGC] (the program's name left out) into O, which is set up first. Returns 0, or -1
 * with D, one clear line. The texts stay those of ARGV. options_free either way.
 */
int options_parse(struct options *o, int argc, char **argv, struct diag *d);
void options_free(struct options *o);

/* "text", "json" …; NULL for FORMAT_UNSET. */
const char *options_format_name(enum output_format format);

#endif
