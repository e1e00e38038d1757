/* SPDX-License-Identifier: MIT */
/*
 * Prints what a process can see of itself that a library might change: environment, signal handlers and
 * mask, working directory, umask, locale, priority, timers, children, number of threads, name, last error of dlsym.
 * A perfect report says nothing in particular; the output is the same as without the library, apart
 * from LD_PRELOAD and SHIM_* themselves, which are not printed.
 */
/* build: -O0 -ldl */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void signals(void)
{
	struct sigaction action;
	sigset_t mask, pending;
	int i;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigpending(&pending);
	for (i = 1; i < 65; i++) {
		if (i == 32 || i == 33)
			continue;
		sigaction(i, NULL, &action);
		if (action.sa_handler != SIG_DFL || sigismember(&mask, i) || sigismember(&pending, i))
			printf("signal %d: %s%s%s\n", i,
			       action.sa_handler == SIG_IGN   ? "ignored"
			       : action.sa_handler == SIG_DFL ? "default"
							      : "handled",
			       sigismember(&mask, i) ? " blocked" : "",
			       sigismember(&pending, i) ? " pending" : "");
	}
}

static int threads(void)
{
	DIR *directory = opendir("/proc/self/task");
	int count = 0;

	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count - 2;
}

static int subreaper(void)
{
	int set = 0;

	return prctl(PR_GET_CHILD_SUBREAPER, &set) || set;
}

int main(void)
{
	struct itimerval timer[3];
	struct rlimit limit;
	char name[20] = "", *cwd = getcwd(NULL, 0);
	stack_t stack;
	int i;

	for (i = 0; environ[i]; i++)
		if (strncmp(environ[i], "LD_PRELOAD=", 11) && strncmp(environ[i], "SHIM_", 5) &&
		    strncmp(environ[i], "COUNT_", 6) && strncmp(environ[i], "_=", 2))
			puts(environ[i]);
	signals();
	/* what a library looked up in vain must not be found in the program's dlerror() */
	printf("dlerror: %s\n", dlerror() ? "something" : "nothing");
	prctl(PR_GET_NAME, name);
	printf("cwd %s, umask %03o, locale %s, nice %d, name %s\n", cwd, umask(022),
	       setlocale(LC_ALL, NULL), getpriority(PRIO_PROCESS, 0), name);
	for (i = 0; i < 3; i++)
		printf("timer %d: %d\n", i, getitimer(i, &timer[i]) || timer[i].it_value.tv_sec);
	errno = 0;
	i = wait(NULL);
	printf("children: %d %s\n", i, errno == ECHILD ? "ECHILD" : "other");
	sigaltstack(NULL, &stack);
	printf("threads %d, alternate stack %s, dumpable %d, subreaper %d\n", threads(),
	       stack.ss_flags & SS_DISABLE ? "none" : "set", prctl(PR_GET_DUMPABLE), subreaper());
	for (i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit(i, &limit) == 0)
			printf("limit %d: %lu %lu\n", i, (unsigned long)limit.rlim_cur,
			       (unsigned long)limit.rlim_max);
	free(cwd);
	return 0;
}
