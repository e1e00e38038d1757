/* SPDX-License-Identifier: MIT */
/* trace_path.c - see trace_path.h. Runs once per process at its start; raw system calls only. */
#include "trace_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "facts.h"
#include "log.h"
#include "shim_trace.h"
#include "sys.h"

#define NAMES_MAX   10000 /* app.1, app.2 … tried before giving up */
#define TRACE_MODE  0644
#define FOLDER_MODE 0755
#define SUFFIX_ROOM 32 /* ".9999" and ".spool" */
#define LIMIT_USUAL \
	65536 /* a descriptor above makes the kernel's table large, which every fork copies */
#define FDS_OF_OURS 8

struct text {
	char *at;
	char *end;
};

static void add(struct text *t, const char *value)
{
	while (*value && t->at < t->end)
		*t->at++ = *value++;
	*t->at = '\0';
}

static void add_number(struct text *t, uint64_t value)
{
	char digits[24];

	log_format(digits, sizeof(digits), "%lu", (unsigned long)value);
	add(t, digits);
}

/* A variable's value must not lead out of the folder that the pattern names. */
static void add_environment(struct text *t, const char *name, size_t length)
{
	char copy[128];
	const char *value;

	if (length >= sizeof(copy))
		return;
	memcpy(copy, name, length);
	copy[length] = '\0';
	value = getenv(copy);
	for (; value && *value; value++) {
		char one[2] = { *value == '/' ? '_' : *value, '\0' };

		add(t, one);
	}
}

/* Writes the value of the escape at P ("%e…") and returns what follows it. */
static const char *add_escape(struct text *t, const char *p)
{
	char name[80];
	const char *close;

	switch (p[1]) {
	case 'e':
		facts_program(name, sizeof(name));
		add(t, name);
		return p + 2;
	case 'h':
		facts_host(name, sizeof(name));
		add(t, name);
		return p + 2;
	case 'p':
		add_number(t, (uint64_t)sys_getpid());
		return p + 2;
	case 't':
		add_number(t, clock_unix_ns() / 1000000000u);
		return p + 2;
	case '%':
		add(t, "%");
		return p + 2;
	case '{':
		close = strchr(p, '}');
		if (close) {
			add_environment(t, p + 2, (size_t)(close - p - 2));
			return close + 1;
		}
	}
	add(t, "%");
	return p + 1;
}

static void expand(const char *pattern, char *out, size_t size)
{
	struct text t = { out, out + size - 1 };

	while (*pattern) {
		char one[2] = { *pattern, '\0' };

		if (*pattern == '%') {
			pattern = add_escape(&t, pattern);
		} else {
			add(&t, one);
			pattern++;
		}
	}
}

static void make_folders(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		sys_mkdir(path, FOLDER_MODE);
		*slash = '/';
	}
}

/* PATH[LENGTH] has room for the suffix behind it, which is taken off again. */
static int spool_exists(char *path, size_t length)
{
	int exists;

	memcpy(path + length, SHIM_SPOOL_SUFFIX, sizeof(SHIM_SPOOL_SUFFIX));
	exists = sys_call(SYS_faccessat, AT_FDCWD, path, 0) == 0;
	path[length] = '\0';
	return exists;
}

int trace_path_open(const char *pattern, char *out, size_t size)
{
	size_t length;
	unsigned i;
	int fd = -EEXIST, has_folders = 0;

	expand(pattern, out, size - SUFFIX_ROOM);
	length = strlen(out);
	for (i = 0; i < NAMES_MAX; i++) {
		if (i)
			log_format(out + length, SUFFIX_ROOM, ".%u", i);
		if (spool_exists(out, strlen(out)))
			continue;
		fd = sys_open(out, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, TRACE_MODE);
		if (fd == -ENOENT && !has_folders) {
			has_folders = 1;
			make_folders(out);
			i--;
		} else if (fd != -EEXIST) {
			break;
		}
	}
	return fd;
}

int trace_path_raise(int fd)
{
	struct rlimit64 old, wider;
	long lowest;
	int high;

	if (sys_call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &old))
		return fd;
	/*
	 * Above the soft limit if we may: then the program can never be handed that number,
	 * and loops up to the limit miss it.
	 */
	wider = old;
	if (old.rlim_cur < LIMIT_USUAL && old.rlim_max >= old.rlim_cur + FDS_OF_OURS) {
		wider.rlim_cur = old.rlim_cur + FDS_OF_OURS;
		lowest = (long)old.rlim_cur;
	} else {
		lowest = (long)(old.rlim_cur < LIMIT_USUAL ? old.rlim_cur : LIMIT_USUAL) -
			 FDS_OF_OURS;
	}
	if (lowest <= fd)
		return fd;
	if (wider.rlim_cur != old.rlim_cur)
		sys_call(SYS_prlimit64, 0, RLIMIT_NOFILE, &wider, 0);
	high = sys_fcntl(fd, F_DUPFD_CLOEXEC, lowest);
	if (wider.rlim_cur != old.rlim_cur)
		sys_call(SYS_prlimit64, 0, RLIMIT_NOFILE, &old, 0);
	if (high < 0)
		return fd;
	sys_close(fd);
	return high;
}
