/* SPDX-License-Identifier: MIT */
/*
 * main.c - shim-analyze: takes the command line apart, runs one command, turns problems into one
 * line on stderr and an exit status. The only file of the tool that exits or writes messages (out
 * of memory apart).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/session.h"
#include "out/text.h"
#include "out/trace_report.h"

#define STATUS_NOTHING 1 /* wrong usage, or nothing could be read or written */

/*
 * Read by jemalloc: memory that was freed is kept for the next block or table instead of being given
 * back to the kernel and faulted in anew; the tool does not live long enough for it to matter.
 */
extern const char *malloc_conf;
const char *malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1";

static int fail(const struct diag *d)
{
	char line[1400];
	struct buf out;

	diag_format(d, line, sizeof(line));
	buf_init(&out);
	text_name(&out, line);
	fprintf(stderr, "shim-analyze: %s\n", out.bytes ? out.bytes : "");
	buf_free(&out);
	return STATUS_NOTHING;
}

static int say(const struct options *o)
{
	struct diag d;
	struct buf out;

	diag_clear(&d);
	buf_init_fd(&out, STDOUT_FILENO, "standard output");
	if (o->version)
		buf_puts(&out, "shim-analyze " SHIM_VERSION "\n");
	else
		command_help(o->command_named ? o->command : NULL, &out);
	return buf_close(&out, &d) < 0 ? fail(&d) : 0;
}

/* The line about damage that goes with status 2. */
static void warn_of_damage(const struct session *s)
{
	struct buf out;

	if (s->options->quiet)
		return;
	buf_init(&out);
	trace_report_damage(s->run, &out);
	if (out.length)
		fprintf(stderr, "shim-analyze: %s\n", out.bytes);
	buf_free(&out);
}

static int run_command(const struct options *o)
{
	struct session s;
	struct diag d;
	int status = -1;

	diag_clear(&d);
	if (session_open(&s, o, &d) == 0)
		status = o->command->run(&s);
	if (status == 2)
		warn_of_damage(&s);
	if (session_close(&s, &d) < 0)
		status = -1;
	return status < 0 ? fail(&d) : status;
}

int main(int argc, char **argv)
{
	struct options o;
	struct diag d;
	int status;

	/* A reader that goes away (`| head`) is an error of write, which buf_close forgives. */
	signal(SIGPIPE, SIG_IGN);
	diag_clear(&d);
	if (argc <= 1)
		status = fail(
			(diag_set(&d, "", DIAG_NO_OFFSET, "no trace given; try shim-analyze --help"),
			 &d));
	else if (options_parse(&o, argc - 1, argv + 1, &d) < 0)
		status = fail(&d);
	else if (o.help || o.version)
		status = say(&o);
	else
		status = run_command(&o);
	if (argc > 1)
		options_free(&o);
	return status;
}
