/* SPDX-License-Identifier: MIT */
/* session.c - see session.h. */
#include "cli/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
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
		request.keep_stack = s->keep_stack = filter_stacks(s->filter, s->run->frames, session_names(s));
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
	return !s->options->output && isatty(STDOUT_FILENO) && !(none && *none) && term && strcmp(term, "dumb") != 0;
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

void session_json_begin(struct session *s, struct emit *j, const char *command)
{
	char *schema = xasprintf("shim-analyze/%s/1", command);

	emit_init(j, &s->out);
	emit_begin_object(j, NULL);
	emit_string(j, "schema", schema);
	trace_report_json(s->run, s->names, j);
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
			result = diag_set(d, s->options->output, DIAG_NO_OFFSET, "cannot write: %s", strerror(errno));
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
