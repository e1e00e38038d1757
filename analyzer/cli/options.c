/* SPDX-License-Identifier: MIT */
/* options.c - see options.h. */
#include "cli/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/nearest.h"
#include "util/pool.h"

enum option_id {
#define OPTION(id, letter, name, argument, commands, help) OPTION_##id,
#include "cli/options.def"
#undef OPTION
	OPTION_COUNT
};

static const struct option_spec specs[] = {
#define OPTION(id, letter, name, argument, commands, help) \
	{ letter, name, argument, commands, help },
#include "cli/options.def"
#undef OPTION
};

const struct option_spec *options_list(size_t *count)
{
	*count = OPTION_COUNT;
	return specs;
}

static const char *const format_names[] = { NULL, "text", "json", "folded", "svg", "html" };

const char *options_format_name(enum output_format format)
{
	return format_names[format];
}

static int usage(struct diag *d, const char *format, const char *text)
{
	return diag_set(d, "", DIAG_NO_OFFSET, format, text);
}

static void list_add(struct option_list *list, const char *text)
{
	list->items = pool_grow(list->items, &list->capacity, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = text;
}

static int parse_number(const char *name, const char *text, long least, long most, long *value,
			struct diag *d)
{
	char *end;

	errno = 0;
	*value = strtol(text, &end, 10);
	if (errno || end == text || *end || *value < least || *value > most)
		return diag_set(d, "", DIAG_NO_OFFSET,
				"--%s wants a number from %ld to %ld, not \"%.100s\"", name, least,
				most, text);
	return 0;
}

static int parse_word(const char *name, const char *text, const char *const *words, int count,
		      struct diag *d)
{
	char known[256] = "";
	int i;

	for (i = 0; i < count; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	for (i = 0; i < count; i++) {
		strcat(known, i == 0 ? "" : i + 1 < count ? ", " : " or ");
		strcat(known, words[i]);
	}
	return diag_set(d, "", DIAG_NO_OFFSET, "--%s wants %s, not \"%.100s\"", name, known, text);
}

static int parse_when(const char *name, const char *text, enum option_when *when, struct diag *d)
{
	static const char *const words[] = { "auto", "always", "never" };
	int at = parse_word(name, text, words, 3, d);

	if (at < 0)
		return -1;
	*when = (enum option_when)at;
	return 0;
}

static int set_format(struct options *o, const char *text, struct diag *d)
{
	int at = parse_word("format", text, format_names + 1, 5, d);

	if (at < 0)
		return -1;
	o->format = (enum output_format)(at + 1);
	return 0;
}

/* Options whose value is not just kept. */
static int apply_parsed(struct options *o, enum option_id id, const char *value, struct diag *d)
{
	long number;

	switch (id) {
	case OPTION_FORMAT:
		return set_format(o, value, d);
	case OPTION_SITES:
		return parse_number("sites", value, 0, INT_MAX, &o->sites, d);
	case OPTION_STACKS:
		return parse_number("stacks", value, 0, INT_MAX, &o->stacks, d);
	case OPTION_JOBS:
		if (parse_number("jobs", value, 1, 1024, &number, d) < 0)
			return -1;
		o->jobs = (int)number;
		return 0;
	case OPTION_COLOR:
		return parse_when("color", value, &o->color, d);
	case OPTION_PROGRESS:
		return parse_when("progress", value, &o->progress, d);
	default:
		return 0;
	}
}

static int apply(struct options *o, enum option_id id, const char *value, struct diag *d)
{
	struct option_list *const list = id == OPTION_INCLUDE        ? &o->include
					 : id == OPTION_EXCLUDE      ? &o->exclude
					 : id == OPTION_SUPPRESSIONS ? &o->suppressions
					 : id == OPTION_DEBUG_PATH   ? &o->debug_paths
								     : NULL;
	const char **const text = id == OPTION_OUTPUT    ? &o->output
				  : id == OPTION_THREAD  ? &o->thread
				  : id == OPTION_FROM    ? &o->from
				  : id == OPTION_TO      ? &o->to
				  : id == OPTION_COST    ? &o->cost
				  : id == OPTION_TITLE   ? &o->title
				  : id == OPTION_SYSROOT ? &o->sysroot
							 : NULL;
	int *const flag = id == OPTION_NO_BUILTIN   ? &o->no_builtin_suppressions
			  : id == OPTION_DEBUGINFOD ? &o->debuginfod
			  : id == OPTION_QUIET      ? &o->quiet
			  : id == OPTION_HELP       ? &o->help
			  : id == OPTION_VERSION    ? &o->version
						    : NULL;

	if (list)
		list_add(list, value);
	else if (text)
		*text = value;
	else if (flag)
		*flag = 1;
	else
		return apply_parsed(o, id, value, d);
	return 0;
}

static int unknown_option(const char *word, size_t length, struct diag *d)
{
	const char *names[OPTION_COUNT], *found;
	char typed[64] = "";
	size_t i;

	if (length < sizeof(typed))
		memcpy(typed, word, length);
	for (i = 0; i < OPTION_COUNT; i++)
		names[i] = specs[i].name;
	found = nearest_word(typed, names, OPTION_COUNT);
	if (found)
		return diag_set(d, "", DIAG_NO_OFFSET, "unknown option --%s; did you mean --%s?",
				typed, found);
	return diag_set(d, "", DIAG_NO_OFFSET, "unknown option --%.*s; try shim-analyze --help",
			(int)(length < 100 ? length : 100), word);
}

/* Bits of ONLY_* of all options seen, to be held against the command when it is known. */
struct parser {
	struct options *options;
	char **next, **end;
	unsigned seen;
	const char *seen_name;
};

static int take(struct parser *p, size_t id, const char *value, struct diag *d)
{
	const struct option_spec *spec = &specs[id];

	if (spec->argument && !value) {
		if (p->next == p->end)
			return diag_set(d, "", DIAG_NO_OFFSET, "--%s wants %s behind it",
					spec->name, spec->argument);
		value = *p->next++;
	}
	if (spec->commands) {
		p->seen = spec->commands;
		p->seen_name = spec->name;
	}
	return apply(p->options, (enum option_id)id, value, d);
}

static int parse_long(struct parser *p, const char *word, struct diag *d)
{
	size_t length = strcspn(word, "="), i;

	for (i = 0; i < OPTION_COUNT; i++)
		if (strlen(specs[i].name) == length && memcmp(specs[i].name, word, length) == 0)
			break;
	if (i == OPTION_COUNT)
		return unknown_option(word, length, d);
	if (word[length] && !specs[i].argument)
		return usage(d, "--%s takes no value", specs[i].name);
	return take(p, i, word[length] ? word + length + 1 : NULL, d);
}

static int parse_letters(struct parser *p, const char *letters, struct diag *d)
{
	while (*letters) {
		char letter[2] = { *letters++, '\0' };
		const char *value = NULL;
		size_t i;

		for (i = 0; i < OPTION_COUNT; i++)
			if (specs[i].letter && specs[i].letter == letter[0])
				break;
		if (i == OPTION_COUNT)
			return usage(d, "unknown option -%s; try shim-analyze --help", letter);
		if (specs[i].argument && *letters) {
			value = letters;
			letters += strlen(letters);
		}
		if (take(p, i, value, d) < 0)
			return -1;
	}
	return 0;
}

/* The first word that is no option names the command, unless it looks like a file. */
static int take_word(struct options *o, const char *word, struct diag *d)
{
	const struct command *command = o->command_named || o->traces.count ? NULL
									    : command_find(word);
	const char *const *names;
	const char *near;
	size_t count;

	if (command) {
		o->command = command;
		o->command_named = 1;
		return 0;
	}
	if (!o->command_named && o->traces.count && command_find(word) && access(word, F_OK) < 0)
		return diag_set(d, "", DIAG_NO_OFFSET,
				"the command comes before the traces: shim-analyze %s %.300s", word,
				o->traces.items[0]);
	if (o->command_named || o->traces.count || strpbrk(word, "./") || access(word, F_OK) == 0) {
		list_add(&o->traces, word);
		return 0;
	}
	names = command_names(&count);
	near = nearest_word(word, names, count);
	if (near)
		return diag_set(d, "", DIAG_NO_OFFSET,
				"no command and no file is called \"%.100s\"; did you mean %s?",
				word, near);
	return usage(d, "no command and no file is called \"%.100s\"; try shim-analyze --help", word);
}

static enum output_format format_of_file(const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t i;

	if (dot && !strchr(dot, '/'))
		for (i = FORMAT_JSON; i <= FORMAT_HTML; i++)
			if (strcmp(dot + 1, format_names[i]) == 0)
				return (enum output_format)i;
	return FORMAT_UNSET;
}

/*
 * What a command whose reports are pictures cannot do: cut lists that it does not have, and write a
 * file whose ending names no picture.
 */
static int check_picture(const struct options *o, struct diag *d)
{
	const char *file = o->output ? o->output : "", *slash = strrchr(file, '/');
	char known[128] = "";
	int i;

	if (o->command->formats & (1u << FORMAT_TEXT))
		return 0;
	if (o->sites >= 0 || o->stacks >= 0)
		return diag_set(
			d, "", DIAG_NO_OFFSET,
			"--%s is no option of %s, which shows every stack; -I and -X choose among them",
			o->sites >= 0 ? "sites" : "stacks", o->command->name);
	file = strrchr(slash ? slash : file, '.');
	if (o->format != FORMAT_UNSET || !file)
		return 0;
	for (i = FORMAT_TEXT; i <= FORMAT_HTML; i++)
		if (o->command->formats & (1u << i)) {
			strcat(known, *known ? ", ." : ".");
			strcat(known, format_names[i]);
		}
	return diag_set(d, "", DIAG_NO_OFFSET,
			"%s cannot write %.20s; the endings it knows are %s, or give --format",
			o->command->name, file, known);
}

static int check(const struct parser *p, struct diag *d)
{
	const struct options *o = p->options;

	if (p->seen && !(p->seen & o->command->options))
		return diag_set(d, "", DIAG_NO_OFFSET,
				"--%s is no option of %s; see shim-analyze %s --help", p->seen_name,
				o->command->name, o->command->name);
	if (!(o->command->formats & (1u << o->format)) && o->format != FORMAT_UNSET)
		return diag_set(d, "", DIAG_NO_OFFSET,
				"%s cannot write %s; see shim-analyze %s --help", o->command->name,
				format_names[o->format], o->command->name);
	if (check_picture(o, d) < 0)
		return -1;
	if (o->traces.count == 0)
		return usage(d, "no trace given; try: shim-analyze %s shim.PROGRAM.PID.zst",
			     o->command->name);
	return 0;
}

int options_parse(struct options *o, int argc, char **argv, struct diag *d)
{
	struct parser p = { .options = o, .next = argv, .end = argv + argc };
	int only_words = 0;

	memset(o, 0, sizeof(*o));
	o->command = command_find("summary");
	o->sites = o->stacks = -1;
	while (p.next < p.end) {
		const char *word = *p.next++;
		int result;

		if (only_words || word[0] != '-' || !word[1])
			result = take_word(o, word, d);
		else if (strcmp(word, "--") == 0)
			result = !(only_words = 1);
		else if (word[1] == '-')
			result = parse_long(&p, word + 2, d);
		else
			result = parse_letters(&p, word + 1, d);
		if (result < 0)
			return -1;
	}
	if (o->help || o->version)
		return 0;
	if (o->format == FORMAT_UNSET && o->output)
		o->format = format_of_file(o->output);
	return check(&p, d);
}

void options_free(struct options *o)
{
	free(o->traces.items);
	free(o->include.items);
	free(o->exclude.items);
	free(o->suppressions.items);
	free(o->debug_paths.items);
}
