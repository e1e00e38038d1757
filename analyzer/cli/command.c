/* SPDX-License-Identifier: MIT */
/*
 * command.c - see command.h. Help texts are put together from the same lists that the parser uses.
 */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "out/text.h"

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "cli/commands.def"
#undef COMMAND
};

static const char *const names[] = {
#define COMMAND(name) #name,
#include "cli/commands.def"
#undef COMMAND
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const struct command *command_find(const char *name)
{
	size_t i;

	for (i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

const char *const *command_names(size_t *count)
{
	*count = COMMAND_COUNT;
	return names;
}

static void help_options(unsigned only, int others, struct buf *out)
{
	size_t count, i;
	const struct option_spec *list = options_list(&count);

	for (i = 0; i < count; i++) {
		char left[64];

		if (list[i].commands ? !(list[i].commands & only) : !others)
			continue;
		snprintf(left, sizeof(left), "  %c%c%s --%s%s%s", list[i].letter ? '-' : ' ',
			 list[i].letter ? list[i].letter : ' ', list[i].letter ? "," : " ",
			 list[i].name, list[i].argument ? " " : "",
			 list[i].argument ? list[i].argument : "");
		text_pad(out, left, 33);
		buf_printf(out, " %s\n", list[i].help);
	}
}

static const char exit_text[] =
	"\nExit status:\n"
	"  0   a report was made, and nothing is missing in it that was recorded\n"
	"  1   wrong usage, or nothing could be read or written\n"
	"  2   a report was made, but the trace is damaged, incomplete or lost events; wins over 23, because events that\n"
	"      are missing look like leaks\n"
	"  23  leaks: there are leaks that no suppression covers\n"
	"A process that was killed, with its .spool file at hand, is not damaged: 0, and a note.\n";

static void help_general(struct buf *out)
{
	size_t i;

	buf_puts(out,
		 "Usage: shim-analyze [COMMAND] [OPTIONS] TRACE...\n\n"
		 "Reports on traces that libshim.so recorded (LD_PRELOAD=libshim.so PROGRAM, or shim-run -- PROGRAM).\n"
		 "Several traces of one run, as of a process and its children, are taken together.\n\nCommands:\n");
	for (i = 0; i < COMMAND_COUNT; i++) {
		buf_puts(out, "  ");
		text_pad(out, commands[i]->name, 12);
		buf_printf(out, "%s%s\n", commands[i]->summary, i == 0 ? " (the default)" : "");
	}
	buf_puts(out, "\nOptions:\n");
	help_options(~0u, 1, out);
	buf_puts(out, exit_text);
	buf_puts(out, "\nExamples:\n"
		      "  shim-analyze shim.app.4242.zst\n"
		      "  shim-analyze leaks --suppressions lsan.supp shim.app.*.zst\n"
		      "  shim-analyze flamegraph --cost peak -o peak.html shim.app.4242.zst\n"
		      "  shim-analyze peak --format json -n 0 shim.app.4242.zst | jq '.sites[0]'\n");
}

void command_help(const struct command *command, struct buf *out)
{
	if (!command) {
		help_general(out);
		return;
	}
	buf_printf(out, "Usage: shim-analyze %s [OPTIONS] TRACE...\n\n%s", command->name,
		   command->about);
	if (command->options) {
		buf_puts(out, "\nOptions of this command:\n");
		help_options(command->options, 0, out);
	}
	buf_puts(out, "\nOptions of all commands:\n");
	help_options(0, 1, out);
	buf_puts(out, exit_text);
}
