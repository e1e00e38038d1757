/* SPDX-License-Identifier: MIT */
/* cmd_repair.c - `shim-analyze repair`: a readable file out of a cut one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/session.h"
#include "out/text.h"
#include "trace/rewrite.h"
#include "util/pool.h"

/* "shim.app.1.zst" becomes "shim.app.1.repaired.zst". */
static char *default_name(const char *path)
{
	size_t length = strlen(path);

	if (length > 4 && strcmp(path + length - 4, ".zst") == 0)
		length -= 4;
	return xasprintf("%.*s.repaired.zst", (int)length, path);
}

static void write_text(const char *path, const struct rewrite_result *r, struct buf *out)
{
	char bytes[TEXT_NUMBER_BYTES];

	text_name(out, path);
	buf_printf(out, ": %" PRIu64 " event%s in %s", r->events, text_plural(r->events),
		   text_bytes(bytes, r->bytes));
	if (r->blocks_from_spool)
		buf_printf(out, "; %" PRIu64 " block%s taken from the spool", r->blocks_from_spool,
			   text_plural(r->blocks_from_spool));
	if (r->blocks_dropped)
		buf_printf(out, "; %" PRIu64 " damaged block%s left out", r->blocks_dropped,
			   text_plural(r->blocks_dropped));
	buf_putc(out, '\n');
}

static int write_report(const struct options *o, const char *path, const struct rewrite_result *r,
			struct diag *d)
{
	struct buf out;
	struct emit j;

	buf_init_fd(&out, 1, "standard output");
	if (o->format == FORMAT_JSON) {
		emit_init(&j, &out);
		emit_begin_object(&j, NULL);
		emit_string(&j, "schema", "shim-analyze/repair/1");
		emit_string(&j, "file", path);
		emit_uint(&j, "blocks_copied", r->blocks_copied);
		emit_uint(&j, "blocks_from_spool", r->blocks_from_spool);
		emit_uint(&j, "blocks_dropped", r->blocks_dropped);
		emit_uint(&j, "events", r->events);
		emit_uint(&j, "bytes", r->bytes);
		emit_end(&j);
	} else if (!o->quiet) {
		write_text(path, r, &out);
	}
	return buf_close(&out, d);
}

static int run(struct session *s)
{
	const struct options *o = s->options;
	struct rewrite_result result = { 0 };
	char *path;
	int status = -1;

	if (s->run->process_count != 1)
		return diag_set(s->diag, "", DIAG_NO_OFFSET, "repair takes one trace at a time");
	path = o->output ? xstrdup(o->output) : default_name(s->run->processes[0]->source->path);
	if (rewrite_trace(s->run->processes[0]->source, path, &result, s->diag) == 0 &&
	    write_report(o, path, &result, s->diag) == 0)
		status = result.blocks_dropped ? 2 : run_exit_status(s->run);
	free(path);
	return status;
}

const struct command command_repair = {
	.name = "repair",
	.summary = "a readable file out of a cut or damaged one",
	.about = "Writes a new trace, FILE of -o or TRACE.repaired.zst, with everything of\n"
		 "TRACE (and of its .spool file, if the process was killed) that can be read,\n"
		 "and a new index and end. The old file stays as it is, and an existing file\n"
		 "is never overwritten. What was lost stays lost: exit status 2 says that\n"
		 "something was.\n",
	.formats = COMMAND_TEXT_JSON,
	.run = run,
};
