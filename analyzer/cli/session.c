/* SPDX-License-Identifier: MIT */
/* session.c - see session.h. */
#include "cli/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "out/text.h"
#include "out/trace_report.h"
#include "util/pool.h"

static int default_jobs(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1 : cpus > 64 ? 64 : (int)cpus;
}

int session_open(struct session *s, const struct options *o, struct diag *d)
{
	memset(s, 0, sizeof(*s));
	s->options = o;
	s->diag = d;
	s->out_fd = -1;
	s->jobs = o->jobs ? o->jobs : default_jobs();
	progress_init(&s->progress, o->progress, o->quiet);
	s->filter = filter_new(o, d);
	if (!s->filter)
		return -1;
	s->run = run_open(o->traces.items, o->traces.count, s->jobs, d);
	return s->run ? 0 : -1;
}

struct names *session_names(struct session *s)
{
	const struct options *o = s->options;

	if (!s->names) {
		s->symbol_options = (struct symbol_options){
			.sysroot = o->sysroot,
			.debug_paths = o->debug_paths.items,
			.debug_path_count = o->debug_paths.count,
			.debuginfod = o->debuginfod,
			.pid = (uint32_t)s->run->processes[0]->pid,
			.jobs = s->jobs,
		};
		s->names = names_new(s->run->frames, &s->symbol_options);
	}
	return s->names;
}

int session_analyze(struct session *s, unsigned wants, size_t buckets)
{
	struct analysis_request request = {
		.wants = wants,
		.jobs = s->jobs,
		.keep_thread = filter_has_thread(s->filter) ? filter_thread : NULL,
		.keep_context = s->filter,
		.from = s->options->from,
		.to = s->options->to,
		.buckets = buckets,
		.progress = progress_update,
		.progress_context = &s->progress,
	};
	int result;

	if (filter_has_stacks(s->filter))
		request.keep_stack = s->keep_stack = filter_stacks(s->filter, s->run->frames,
								   session_names(s));
	s->analyzed = 1;
	result = analysis_run(s->run, &request, &s->analysis, s->diag);
	progress_end(&s->progress);
	return result;
}

static int wants_color(const struct session *s)
{
	const char *term = getenv("TERM"), *none = getenv("NO_COLOR");

	if (s->options->color != WHEN_AUTO)
		return s->options->color == WHEN_ALWAYS;
	return !s->options->output && isatty(STDOUT_FILENO) && !(none && *none) && term &&
	       strcmp(term, "dumb") != 0;
}

/* 1 if NAME is one of the traces: opening it for writing would destroy what is being read. */
static int is_input(const struct session *s, const char *name)
{
	struct stat out, in;
	size_t i;

	if (stat(name, &out) < 0)
		return 0;
	for (i = 0; i < s->options->traces.count; i++) /* those of a run named twice too */
		if (stat(s->options->traces.items[i], &in) == 0 && in.st_dev == out.st_dev &&
		    in.st_ino == out.st_ino)
			return 1;
	for (i = 0; i < s->run->process_count; i++) {
		const struct source *source = s->run->processes[i]->source;

		if (stat(source->path, &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
			return 1;
		if (source->spool_path && stat(source->spool_path, &in) == 0 &&
		    in.st_dev == out.st_dev && in.st_ino == out.st_ino)
			return 1;
	}
	return 0;
}

int session_output(struct session *s)
{
	const char *name = s->options->output;

	s->color = wants_color(s);
	if (!name || strcmp(name, "-") == 0) {
		s->out_fd = STDOUT_FILENO;
		buf_init_fd(&s->out, s->out_fd, "standard output");
		return 0;
	}
	if (is_input(s, name))
		return diag_set(s->diag, name, DIAG_NO_OFFSET,
				"is the trace itself; give -o another name");
	s->out_fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (s->out_fd < 0)
		return diag_set(s->diag, name, DIAG_NO_OFFSET, "cannot create: %s", strerror(errno));
	buf_init_fd(&s->out, s->out_fd, name);
	return 0;
}

int session_is_json(const struct session *s)
{
	return s->options->format == FORMAT_JSON;
}

static int is_filtered(const struct options *o)
{
	return o->thread || o->from || o->to || o->include.count || o->exclude.count;
}

static void json_list(struct emit *j, const char *key, const struct option_list *list)
{
	size_t i;

	emit_begin_array(j, key);
	for (i = 0; i < list->count; i++)
		emit_string(j, NULL, list->items[i]);
	emit_end(j);
}

static void json_filter(const struct options *o, struct emit *j)
{
	emit_begin_flat_object(j, "filter");
	json_list(j, "include", &o->include);
	json_list(j, "exclude", &o->exclude);
	emit_string(j, "thread", o->thread);
	emit_string(j, "from", o->from);
	emit_string(j, "to", o->to);
	emit_end(j);
}

static void text_option(struct session *s, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(&s->out, " %s ", name);
	text_name(&s->out, value);
}

void session_notes(struct session *s)
{
	const struct options *o = s->options;
	size_t i;

	if (is_filtered(o)) {
		buf_puts(&s->out, "note: all figures are of what these options keep:");
		for (i = 0; i < o->include.count; i++)
			text_option(s, "-I", o->include.items[i]);
		for (i = 0; i < o->exclude.count; i++)
			text_option(s, "-X", o->exclude.items[i]);
		text_option(s, "--thread", o->thread);
		text_option(s, "--from", o->from);
		text_option(s, "--to", o->to);
		buf_putc(&s->out, '\n');
	}
	trace_report_notes(s->run, s->names, &s->out, s->color);
}

void session_json_begin(struct session *s, struct emit *j, const char *command)
{
	char *schema = xasprintf("shim-analyze/%s/1", command);

	emit_init(j, &s->out);
	emit_begin_object(j, NULL);
	emit_string(j, "schema", schema);
	trace_report_json(s->run, s->names, j);
	if (is_filtered(s->options))
		json_filter(s->options, j);
	free(schema);
}

static size_t limit(long given, size_t otherwise)
{
	return given < 0 ? otherwise : given == 0 ? SIZE_MAX : (size_t)given;
}

size_t session_limit(const struct session *s, size_t otherwise)
{
	return limit(s->options->sites, otherwise);
}

size_t session_stack_limit(const struct session *s, size_t otherwise)
{
	return limit(s->options->stacks, otherwise);
}

int session_close(struct session *s, struct diag *d)
{
	int result = 0;

	progress_end(&s->progress);
	if (s->out_fd >= 0) {
		result = buf_close(&s->out, d);
		if (s->out_fd != STDOUT_FILENO && close(s->out_fd) < 0 && result == 0)
			result = diag_set(d, s->options->output, DIAG_NO_OFFSET, "cannot write: %s",
					  strerror(errno));
	}
	if (s->analyzed)
		analysis_free(&s->analysis);
	names_delete(s->names);
	free(s->keep_stack);
	filter_delete(s->filter);
	if (s->run)
		run_close(s->run);
	return result;
}
