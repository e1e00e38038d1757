/* SPDX-License-Identifier: MIT */
/*
 * shim_run.c - shim-run: starts a program with libshim.so preloaded and steps aside.
 *
 * A program of its own, built from this file alone. The traced program gets the same standard
 * streams, terminal, process group and, when it ends, its status is ours: the same exit status, or
 * death by the same signal. What is added is two environment variables before, and one line on
 * stderr behind.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shim_trace.h"

#define STATUS_USAGE     125 /* as env(1) and timeout(1): the wrapper itself failed */
#define STATUS_NOT_EXEC  126
#define STATUS_NOT_FOUND 127
#define DEFAULT_PATTERN  "shim.%e.%p.zst"

struct settings {
	const char *output; /* NULL: the library's default */
	const char *events;
	const char *sample;
	int quiet;
};

static const char help_text[] =
	"Usage: shim-run [OPTIONS] [--] PROGRAM [ARGUMENTS...]\n\n"
	"Runs PROGRAM with libshim.so preloaded, which records its heap into a trace file for shim-analyze.\n\n"
	"Options:\n"
	"  -o, --output PATTERN  trace file (default: " DEFAULT_PATTERN
	"): %e program, %p pid, %h host, %t start time,\n"
	"                        %{VAR} environment; an existing file is never overwritten\n"
	"  -e, --events LIST     what to record, as SHIM_EVENTS: heap,mmap or none\n"
	"      --sample BYTES    record a sample, one allocation in BYTES on average, as SHIM_SAMPLE: 512k\n"
	"  -q, --quiet           no line on stderr at the end\n"
	"  -h, --help            this text\n"
	"      --version         name and version\n\n"
	"All other settings are environment variables (SHIM_DEPTH=64 shim-run -- PROGRAM).\n\n"
	"Exit status: that of PROGRAM; when a signal killed it, shim-run dies by the same one (128 + its number in a shell).\n"
	"125 shim-run itself failed, 126 PROGRAM cannot be run, 127 PROGRAM was not found.\n";

static int complain(int status, const char *what, const char *which, const char *why)
{
	fprintf(stderr, "shim-run: %s%s%s%s%s\n", what, which ? " " : "", which ? which : "",
		why ? ": " : "", why ? why : "");
	return status;
}

/*
 * The value of an option: behind '=', in the same word, or the next one. *AT is moved past what was
 * taken.
 */
static const char *option_value(char **argv, int *at, const char *rest)
{
	if (*rest)
		return rest + (*rest == '=');
	return argv[*at + 1] ? argv[++*at] : NULL;
}

static int is_option(const char *word, char letter, const char *name, const char **rest)
{
	size_t length = strlen(name);

	if (letter && word[1] == letter) {
		*rest = word + 2;
		return 1;
	}
	*rest = word + 2 + length;
	return strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, length) == 0 &&
	       (**rest == '\0' || **rest == '=');
}

/* The first word of the comma-separated LIST that names no events, *LENGTH long; NULL when all do. */
static const char *unknown_event(const char *list, int *length)
{
	static const char *const known[] = { "heap", "mmap", "none" };
	size_t i;

	for (;; list += *length + 1) {
		*length = (int)strcspn(list, ",");
		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strncmp(list, known[i], (size_t)*length) == 0 && !known[i][*length])
				break;
		if (i == sizeof(known) / sizeof(known[0]))
			return list;
		if (!list[*length])
			return NULL;
	}
}

static int check_events(const char *list)
{
	int length;
	const char *word = list ? unknown_event(list, &length) : NULL;

	if (!word)
		return 0;
	fprintf(stderr, "shim-run: unknown events \"%.*s\": known are heap, mmap and none\n",
		length, word);
	return STATUS_USAGE;
}

/* A number and at most one of the units that the library knows; it says itself what is too large. */
static int check_sample(const char *value)
{
	size_t digits;

	if (!value)
		return 0;
	digits = strspn(value, "0123456789");
	if (digits && (!value[digits] || (strchr("kmgKMG", value[digits]) && !value[digits + 1])))
		return 0;
	return complain(STATUS_USAGE, "not a size", value, "such as 512k");
}

/* Returns the index of PROGRAM in ARGV, or -1 - status when there is nothing to run. */
static int parse(struct settings *s, int argc, char **argv)
{
	const char *rest;
	int at;

	for (at = 1; at < argc && argv[at][0] == '-'; at++) {
		const char **value = NULL;

		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		if (strcmp(argv[at], "-q") == 0 || strcmp(argv[at], "--quiet") == 0) {
			s->quiet = 1;
			continue;
		}
		if (strcmp(argv[at], "-h") == 0 || strcmp(argv[at], "--help") == 0 ||
		    strcmp(argv[at], "--version") == 0) {
			fputs(argv[at][2] == 'v' ? "shim-run " SHIM_VERSION "\n" : help_text, stdout);
			return -1 - (fflush(stdout) ? STATUS_USAGE : 0);
		}
		if (is_option(argv[at], 'o', "output", &rest))
			value = &s->output;
		else if (is_option(argv[at], 'e', "events", &rest))
			value = &s->events;
		else if (is_option(argv[at], '\0', "sample", &rest))
			value = &s->sample;
		else
			return -1 - complain(STATUS_USAGE, "unknown option", argv[at],
					     "try shim-run --help");
		*value = option_value(argv, &at, rest);
		if (!*value || !**value)
			return -1 - complain(STATUS_USAGE, "no value behind", argv[at],
					     "try shim-run --help");
	}
	if (check_events(s->events) || check_sample(s->sample))
		return -1 - STATUS_USAGE;
	if (at >= argc)
		return -1 - complain(STATUS_USAGE, "no program given", NULL,
				     "try shim-run -- PROGRAM ARGUMENTS");
	return at;
}

/* The directory of this program. Returns 0, or -1. */
static int own_directory(char self[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", self, PATH_MAX - 1);

	if (length <= 0)
		return -1;
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	return 0;
}

/*
 * libshim.so beside this program, or in one of the folders that LIBDIR of `make install` commonly
 * is when this is in BINDIR, into PATH. Returns 0, or -1.
 */
static int find_library(char path[PATH_MAX])
{
	static const char *const places[] = { "libshim.so", "../lib/libshim.so",
					      "../lib64/libshim.so",
					      "../lib/x86_64-linux-gnu/libshim.so" };
	char self[PATH_MAX], wanted[PATH_MAX + 64];
	size_t i;

	if (own_directory(self) < 0)
		return -1;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(wanted, sizeof(wanted), "%s/%s", self, places[i]);
		if (realpath(wanted, path) && access(path, R_OK) == 0)
			return 0;
	}
	return -1;
}

/*
 * Puts LIBRARY in front of what is preloaded already. ld.so splits the variable at spaces and
 * colons.
 */
static int set_preload(const char *library)
{
	const char *before = getenv("LD_PRELOAD");
	char *value;
	int result;

	if (strpbrk(library, " :")) {
		errno = EINVAL;
		return -1;
	}
	if (!before || !*before)
		return setenv("LD_PRELOAD", library, 1);
	if (asprintf(&value, "%s:%s", library, before) < 0)
		return -1;
	result = setenv("LD_PRELOAD", value, 1);
	free(value);
	return result;
}

static int set_environment(const struct settings *s)
{
	char library[PATH_MAX];

	if (find_library(library) < 0)
		return complain(
			STATUS_USAGE,
			"libshim.so is neither beside this program nor in ../lib, ../lib64 or ../lib/x86_64-linux-gnu of it",
			NULL, NULL);
	if (set_preload(library) < 0)
		return complain(STATUS_USAGE, "cannot preload", library,
				errno == EINVAL ? "its path holds a space or colon"
						: strerror(errno));
	if ((s->output && setenv("SHIM_OUTPUT", s->output, 1) < 0) ||
	    (s->events && setenv("SHIM_EVENTS", s->events, 1) < 0) ||
	    (s->sample && setenv("SHIM_SAMPLE", s->sample, 1) < 0))
		return complain(STATUS_USAGE, "cannot set the environment", NULL, strerror(errno));
	return 0;
}

/* A trace in the output's folder. */
struct found {
	char name[NAME_MAX + 1];
	struct timespec modified;
	long pid, ppid;
	int ours; /* of the program's process, or of a descendant */
};

/* The number under KEY in the facts TEXT[LENGTH] of a header, or -1. */
static long fact(const char *text, size_t length, const char *key)
{
	char wanted[16], digits[16] = "";
	int wanted_length = snprintf(wanted, sizeof(wanted), "%c%s", (char)strlen(key), key);
	const char *at = memmem(text, length, wanted, (size_t)wanted_length);
	size_t left, count;

	/* Fields are text (key) and text (value), each led by its length: "\3pid" "\4" "1234". */
	if (!at)
		return -1;
	at += wanted_length;
	left = length - (size_t)(at - text);
	count = left ? (unsigned char)*at : 0;
	if (!count || count >= left || count >= sizeof(digits))
		return -1;
	memcpy(digits, at + 1, count);
	return strtol(digits, NULL, 10);
}

/* Whether the file NAME in the folder DIRECTORY is a trace written since SINCE; F is filled then. */
static int is_trace(int directory, const char *name, const struct timespec *since, struct found *f)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char text[4096];
	struct stat st;
	ssize_t length;

	if (fd < 0)
		return 0;
	length = fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_mtim.tv_sec < since->tv_sec - 1
			 ? -1
			 : read(fd, text, sizeof(text));
	close(fd);
	if (length < 8 + (ssize_t)sizeof(struct shim_trace_facts) ||
	    memcmp(text + 8, SHIM_HEADER_MAGIC, 8) != 0)
		return 0;
	*f = (struct found){ .modified = st.st_mtim };
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->pid = fact(text, (size_t)length, "pid");
	f->ppid = fact(text, (size_t)length, "ppid");
	return 1;
}

/*
 * Directory part of PATTERN, "." without one. A pattern with a % in it leaves the directory
 * unknown: NULL.
 */
static char *pattern_directory(const char *pattern)
{
	const char *slash = strrchr(pattern, '/');

	if (!slash)
		return strdup(".");
	if (memchr(pattern, '%', (size_t)(slash - pattern)))
		return NULL;
	return slash == pattern ? strdup("/") : strndup(pattern, (size_t)(slash - pattern));
}

/* The traces of the folder PATH written since SINCE into *LIST, to be freed. Returns their number. */
static size_t list_traces(const char *path, const struct timespec *since, struct found **list)
{
	DIR *dir = opendir(path);
	size_t count = 0, room = 0;
	struct dirent *entry;
	struct found f;

	*list = NULL;
	while (dir && (entry = readdir(dir))) {
		if (!is_trace(dirfd(dir), entry->d_name, since, &f))
			continue;
		if (count == room) {
			struct found *more = realloc(*list, (2 * room + 16) * sizeof(f));

			if (!more)
				break;
			*list = more;
			room = 2 * room + 16;
		}
		(*list)[count++] = f;
	}
	if (dir)
		closedir(dir);
	return count;
}

/* Marks the traces of process PID and of its descendants in LIST. Returns how many there are. */
static size_t mark_ours(struct found *list, size_t count, long pid)
{
	size_t ours = 0, before, i, k;

	for (i = 0; i < count; i++)
		ours += (size_t)(list[i].ours = list[i].pid == pid);
	do {
		before = ours;
		for (i = 0; i < count; i++)
			for (k = 0; k < count && !list[i].ours; k++)
				if (list[k].ours && list[k].pid == list[i].ppid)
					ours += (size_t)(list[i].ours = 1);
	} while (ours != before);
	return ours;
}

/*
 * The trace that process PID wrote, the newest one if there are several (exec), into NAME. Returns
 * the number of traces that it and its descendants left, 0 when it left none itself.
 */
static size_t find_traces(const char *directory, pid_t pid, const struct timespec *since,
			  char name[NAME_MAX + 1])
{
	const struct found *newest = NULL;
	struct found *list;
	size_t count = list_traces(directory, since, &list), ours = mark_ours(list, count, pid), i;

	for (i = 0; i < count; i++) {
		const struct found *f = &list[i];

		if (f->pid == pid && (!newest || f->modified.tv_sec > newest->modified.tv_sec ||
				      (f->modified.tv_sec == newest->modified.tv_sec &&
				       f->modified.tv_nsec > newest->modified.tv_nsec)))
			newest = f;
	}
	if (newest)
		memcpy(name, newest->name, sizeof(newest->name));
	else
		ours = 0;
	free(list);
	return ours;
}

/* Writes TEXT to stderr as one word of a shell. */
static void put_word(const char *text)
{
	if (*text &&
	    !text[strspn(text,
			 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%^")]) {
		fputs(text, stderr);
		return;
	}
	fputc('\'', stderr);
	for (; *text; text++)
		fputs(*text == '\'' ? "'\\''" : (char[]){ *text, '\0' }, stderr);
	fputc('\'', stderr);
}

static int is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* How the user may call shim-analyze, into TOOL: by its name, or as the one beside this program. */
static void find_tool(const char *own_name, char tool[PATH_MAX + 32])
{
	const char *path = getenv("PATH"), *slash = strrchr(own_name, '/');
	char self[PATH_MAX];

	for (; path && *path; path += strcspn(path, ":"), path += *path == ':') {
		snprintf(tool, PATH_MAX + 32, "%.*s/shim-analyze", (int)strcspn(path, ":"), path);
		if (is_program(tool)) {
			strcpy(tool, "shim-analyze");
			return;
		}
	}
	if (slash)
		snprintf(tool, PATH_MAX + 32, "%.*sshim-analyze", (int)(slash + 1 - own_name),
			 own_name);
	else if (own_directory(self) == 0)
		snprintf(tool, PATH_MAX + 32, "%s/shim-analyze", self);
	if (!is_program(tool))
		strcpy(tool, "shim-analyze");
}

static void say_next(const struct settings *s, const char *own_name, pid_t pid,
		     const struct timespec *since)
{
	const char *pattern = s->output ? s->output : getenv("SHIM_OUTPUT");
	char tool[PATH_MAX + 32] = "", name[NAME_MAX + 1], trace[PATH_MAX + NAME_MAX];
	char *directory;
	size_t count;

	if (s->quiet)
		return;
	if (!pattern || !*pattern)
		pattern = DEFAULT_PATTERN;
	directory = pattern_directory(pattern);
	find_tool(own_name, tool);
	count = directory ? find_traces(directory, pid, since, name) : 0;
	if (directory && !count) {
		fprintf(stderr,
			"shim-run: no trace of pid %d found for %s: the program is static, set-user-id or "
			"not for x86-64, or the folder is not writable or full; SHIM_LOG=stderr tells more\n",
			(int)pid, pattern);
		free(directory);
		return;
	}
	fputs("shim-run: next: ", stderr);
	put_word(tool);
	fputc(' ', stderr);
	if (directory) {
		snprintf(trace, sizeof(trace), "%s%s%s", strcmp(directory, ".") == 0 ? "" : directory,
			 strcmp(directory, ".") == 0 ? "" : "/", name);
		put_word(trace);
		if (count > 1)
			fprintf(stderr, "  # and %zu more: its children, or before an exec",
				count - 1);
		fputc('\n', stderr);
	} else {
		fprintf(stderr, "TRACE, which is where %s says\n", pattern);
	}
	free(directory);
}

static volatile sig_atomic_t child_pid;

/*
 * Sent to us alone (kill PID): the program is whom it is meant for. Sent to the group (Ctrl+C): it
 * got it as well.
 */
static void pass_on(int signal_number, siginfo_t *info, void *context)
{
	(void)context;
	if (child_pid > 0 && info->si_code <= 0 && info->si_pid != child_pid)
		kill((pid_t)child_pid, signal_number);
}

static const int passed_signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

#define PASSED_COUNT (sizeof(passed_signals) / sizeof(passed_signals[0]))

/*
 * Ours go on to the program; what was ignored stays ignored, for it too. OLD keeps what the program
 * shall start with.
 */
static void take_signals(struct sigaction old[PASSED_COUNT])
{
	struct sigaction action = { .sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART };
	size_t i;

	for (i = 0; i < PASSED_COUNT; i++) {
		sigaction(passed_signals[i], NULL, &old[i]);
		if (old[i].sa_handler != SIG_IGN)
			sigaction(passed_signals[i], &action, NULL);
	}
}

/*
 * In the child: only returns, with the status to end with, when PROGRAM cannot be run; a byte in
 * REPORT tells so.
 */
static int become(char **argv, const struct sigaction old[PASSED_COUNT], const sigset_t *mask,
		  int report)
{
	size_t i;
	int why;

	for (i = 0; i < PASSED_COUNT; i++)
		sigaction(passed_signals[i], &old[i], NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	why = errno;
	if (write(report, "!", 1) != 1)
		why = errno;
	return complain(why == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXEC, "cannot run", argv[0],
			strerror(why));
}

/* Starts ARGV. *STARTED tells whether it could be run. Returns its pid, or -1. */
static pid_t start(char **argv, int *started)
{
	struct sigaction old[PASSED_COUNT];
	sigset_t all, mask;
	int report[2];
	char byte;
	pid_t pid;

	/*
	 * Both ends close at the exec, so the program never sees them, and the end of file tells us
	 * that it runs.
	 */
	if (pipe2(report, O_CLOEXEC) < 0)
		return -1;
	take_signals(old);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	pid = fork();
	if (pid == 0)
		_exit(become(argv, old, &mask, report[1]));
	child_pid = pid;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	close(report[1]);
	*started = pid > 0 && TEMP_FAILURE_RETRY(read(report[0], &byte, 1)) == 0;
	close(report[0]);
	return pid;
}

/*
 * Ends as the program did: by the same signal (without a second core dump), or with the same
 * status.
 */
static int end_like(int status)
{
	struct rlimit no_core = { 0, 0 };
	int number;

	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	number = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(number, SIG_DFL);
	raise(number);
	return 128 + number;
}

int main(int argc, char **argv)
{
	struct settings s = { 0 };
	struct timespec since;
	int program = parse(&s, argc, argv), status, started = 0;
	pid_t pid;

	if (program < 0)
		return -1 - program;
	clock_gettime(CLOCK_REALTIME, &since);
	status = set_environment(&s);
	if (status)
		return status;
	pid = start(argv + program, &started);
	if (pid < 0)
		return complain(STATUS_USAGE, "cannot start a process", NULL, strerror(errno));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return complain(STATUS_USAGE, "cannot wait for", argv[program],
					strerror(errno));
	child_pid = 0;
	if (started)
		say_next(&s, argv[0], pid, &since);
	return end_like(status);
}
