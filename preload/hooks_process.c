/* SPDX-License-Identifier: MIT */
/*
 * hooks_process.c - the doors out of this process: fork, exec, spawn, _exit.
 *
 * Bodies run also where little is allowed: in the child of a vfork, which is another process in our
 * memory, and in the child of a multi-threaded fork. So they allocate nothing, keep errno, and
 * touch the recording only in the process that records. The guard is held for our own note alone,
 * never over the real call. With SHIM_CHILDREN=off children run without the library: their
 * environment is a copy (on the stack) whose LD_PRELOAD does not name it; with "on" the environment
 * is whatever the program passes.
 */
#define _GNU_SOURCE
#include "hooks.h"

#include <alloca.h>
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "defs.h"
#include "lifecycle.h"
#include "real.h"

/* ---- the environment of a child that is not to be traced ---- */

#define PRELOAD_PREFIX "LD_PRELOAD="
#define OWN_NAME       "libshim.so"

/* 1 if the list entry of N bytes at NAME is this library, in whatever directory. */
static int is_own_name(const char *name, size_t n)
{
	size_t own = sizeof(OWN_NAME) - 1;

	return n >= own && memcmp(name + n - own, OWN_NAME, own) == 0 &&
	       (n == own || name[n - own - 1] == '/');
}

static size_t count_strings(char *const *strings)
{
	size_t n = 0;

	while (strings && strings[n])
		n++;
	return n;
}

/* The entry LD_PRELOAD=… of ENVP, or NULL. */
static char *const *find_preload(char *const *envp)
{
	for (; envp && *envp; envp++)
		if (strncmp(*envp, PRELOAD_PREFIX, sizeof(PRELOAD_PREFIX) - 1) == 0)
			return envp;
	return NULL;
}

/* Writes the entry FROM without our name to OUT, which has room for all of it. */
static void without_own_name(char *out, const char *from)
{
	size_t n = sizeof(PRELOAD_PREFIX) - 1;
	int is_first = 1;

	memcpy(out, from, n);
	out += n;
	for (from += n; *from; from += n) {
		from += strspn(from, " :");
		n = strcspn(from, " :");
		if (!n || is_own_name(from, n))
			continue;
		if (!is_first)
			*out++ = ':';
		is_first = 0;
		memcpy(out, from, n);
		out += n;
	}
	*out = 0;
}

/*
 * Fills COPY (as long as ENVP) with ENVP, its LD_PRELOAD replaced by PRELOAD, or left out when that
 * names nothing.
 */
static char **replace_preload(char **copy, char *const *envp, char *const *entry, char *preload)
{
	size_t n = 0;

	without_own_name(preload, *entry);
	for (; *envp; envp++) {
		if (envp != entry)
			copy[n++] = *envp;
		else if (preload[sizeof(PRELOAD_PREFIX) - 1])
			copy[n++] = preload;
	}
	copy[n] = NULL;
	return copy;
}

/* ENVP as a child shall have it. A macro: the copy lives on the caller's stack. */
#define CHILD_ENVIRONMENT(envp)                                                              \
	({                                                                                   \
		char *const *given = (envp);                                                 \
		char *const *entry = config.is_children_on ? NULL : find_preload(given);     \
                                                                                             \
		entry ? replace_preload(alloca((count_strings(given) + 1) * sizeof(char *)), \
					given, entry, alloca(strlen(*entry) + 1))            \
		      : (char **)given;                                                      \
	})

/* ---- fork and exec ---- */

static void note(enum shim_process_what what, pid_t pid, const char *path, const void *frame)
{
	struct thread *t = lifecycle_is_own_process() ? thread_enter(frame) : NULL;

	if (t) {
		defs_process(what, pid, path ? path : "");
		thread_leave(t);
	}
}

EXPORT pid_t fork(void)
{
	pid_t pid = real.fork();

	if (pid == 0)
		lifecycle_forked();
	else if (pid > 0)
		note(SHIM_PROCESS_FORK, pid, NULL, HERE);
	return pid;
}

/* Before and after a real exec; after it only when that failed. Do nothing in a vforked child. */
static void exec_begins(const char *path, const void *frame)
{
	if (!lifecycle_is_own_process())
		return;
	note(SHIM_PROCESS_EXEC, sys_getpid(), path, frame);
	lifecycle_close("exec");
}

static int exec_failed(const char *path, const void *frame)
{
	int saved = errno;

	if (lifecycle_is_own_process()) {
		lifecycle_reopen();
		note(SHIM_PROCESS_EXEC_FAILED, sys_getpid(), path, frame);
	}
	errno = saved;
	return -1;
}

EXPORT int execve(const char *path, char *const *argv, char *const *envp)
{
	exec_begins(path, HERE);
	real.execve(path, argv, CHILD_ENVIRONMENT(envp));
	return exec_failed(path, HERE);
}

EXPORT int execv(const char *path, char *const *argv)
{
	exec_begins(path, HERE);
	if (config.is_children_on)
		real.execv(path, argv);
	else
		real.execve(path, argv, CHILD_ENVIRONMENT(environ));
	return exec_failed(path, HERE);
}

EXPORT int execvp(const char *file, char *const *argv)
{
	exec_begins(file, HERE);
	if (config.is_children_on)
		real.execvp(file, argv);
	else
		real.execvpe(file, argv, CHILD_ENVIRONMENT(environ));
	return exec_failed(file, HERE);
}

EXPORT int execvpe(const char *file, char *const *argv, char *const *envp)
{
	exec_begins(file, HERE);
	real.execvpe(file, argv, CHILD_ENVIRONMENT(envp));
	return exec_failed(file, HERE);
}

EXPORT int fexecve(int fd, char *const *argv, char *const *envp)
{
	exec_begins("", HERE);
	real.fexecve(fd, argv, CHILD_ENVIRONMENT(envp));
	return exec_failed("", HERE);
}

EXPORT int execveat(int fd, const char *path, char *const *argv, char *const *envp, int flags)
{
	exec_begins(path, HERE);
	real.execveat(fd, path, argv, CHILD_ENVIRONMENT(envp), flags);
	return exec_failed(path, HERE);
}

/*
 * FIRST and what follows it in ARGS up to NULL, as an array on the caller's stack. ARGS then stands
 * behind that NULL.
 */
static size_t count_args(va_list args)
{
	size_t n = 1;

	while (va_arg(args, char *))
		n++;
	return n;
}

static char **gather_args(char **out, const char *first, va_list args)
{
	size_t n = 0;

	out[n++] = (char *)first;
	while (out[n - 1])
		out[n++] = va_arg(args, char *);
	return out;
}

EXPORT int execl(const char *path, const char *first, ...)
{
	va_list counted, args;
	char **argv;

	va_start(counted, first);
	argv = alloca((count_args(counted) + 1) * sizeof(*argv));
	va_end(counted);
	va_start(args, first);
	gather_args(argv, first, args);
	va_end(args);
	exec_begins(path, HERE);
	if (config.is_children_on)
		real.execv(path, argv);
	else
		real.execve(path, argv, CHILD_ENVIRONMENT(environ));
	return exec_failed(path, HERE);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
	va_list counted, args;
	char **argv;

	va_start(counted, first);
	argv = alloca((count_args(counted) + 1) * sizeof(*argv));
	va_end(counted);
	va_start(args, first);
	gather_args(argv, first, args);
	va_end(args);
	exec_begins(file, HERE);
	if (config.is_children_on)
		real.execvp(file, argv);
	else
		real.execvpe(file, argv, CHILD_ENVIRONMENT(environ));
	return exec_failed(file, HERE);
}

EXPORT int execle(const char *path, const char *first, ...)
{
	char **argv, *const *envp;
	va_list counted, args;

	va_start(counted, first);
	argv = alloca((count_args(counted) + 1) * sizeof(*argv));
	va_end(counted);
	va_start(args, first);
	gather_args(argv, first, args);
	envp = va_arg(args, char *const *);
	va_end(args);
	exec_begins(path, HERE);
	real.execve(path, argv, CHILD_ENVIRONMENT(envp));
	return exec_failed(path, HERE);
}

/* ---- spawn: libc makes the child without any of our doors ---- */

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const *argv, char *const *envp)
{
	pid_t own;
	pid_t *child = pid ? pid : &own;
	int error = real.posix_spawn(child, path, actions, attributes, argv, CHILD_ENVIRONMENT(envp));

	if (!error)
		note(SHIM_PROCESS_SPAWN, *child, path, HERE);
	return error;
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const *argv, char *const *envp)
{
	pid_t own;
	pid_t *child = pid ? pid : &own;
	int error = real.posix_spawnp(child, file, actions, attributes, argv,
				      CHILD_ENVIRONMENT(envp));

	if (!error)
		note(SHIM_PROCESS_SPAWN, *child, file, HERE);
	return error;
}

/*
 * system and popen take the process's own environment: for the time of the call its LD_PRELOAD is
 * another string.
 */
static char **lend_preload(char *preload, char *const *entry, char **own)
{
	char **slot = (char **)entry;

	without_own_name(preload, *entry);
	*own = *slot;
	*slot = preload;
	return slot;
}

static void return_preload(const char *preload, char *own)
{
	char **slot = (char **)find_preload(environ);

	if (slot && *slot == preload)
		*slot = own;
}

EXPORT int system(const char *command)
{
	char *const *entry = config.is_children_on ? NULL : find_preload(environ);
	char *preload, *own;
	int status;

	if (!entry)
		return real.system(command);
	preload = alloca(strlen(*entry) + 1);
	lend_preload(preload, entry, &own);
	status = real.system(command);
	return_preload(preload, own);
	return status;
}

EXPORT FILE *popen(const char *command, const char *mode)
{
	char *const *entry = config.is_children_on ? NULL : find_preload(environ);
	char *preload, *own;
	FILE *pipe;

	if (!entry)
		return real.popen(command, mode);
	preload = alloca(strlen(*entry) + 1);
	lend_preload(preload, entry, &own);
	pipe = real.popen(command, mode);
	return_preload(preload, own);
	return pipe;
}

/* ---- the end without destructors ---- */

EXPORT void _exit(int status)
{
	lifecycle_close("_exit");
	real._exit(status);
	__builtin_unreachable();
}

EXPORT void _Exit(int status)
{
	lifecycle_close("_exit");
	real._Exit(status);
	__builtin_unreachable();
}
