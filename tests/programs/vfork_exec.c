/* SPDX-License-Identifier: MIT */
/*
 * vfork followed by exec, by a failing exec, and by _exit alone. The child borrows the parent's memory:
 * whatever a library changes in it stays changed in the parent.
 * A perfect report of the parent says:
 * truth: leak parent_leak 300 30000
 * truth: leak-in 100 stage_leak 1 64
 * truth: files 101
 * (each of the executed children has a report of its own; the borrowed lives have none).
 */
/* build: -O0 -Wno-deprecated-declarations */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile sink;

static void parent_leak(void)
{
	sink = malloc(100);
}

static void stage_leak(void)
{
	sink = malloc(64);
}

static int run(char *const argv[], const char *path, int expect)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		if (path)
			execv(path, argv);
		_exit(path ? 127 : 3);
	}
	parent_leak();
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status) == expect ? 0 : -1;
}

int main(int argc, char **argv)
{
	char *args[] = { argv[0], "stage", NULL };
	int i, bad = 0;

	if (argc > 1) {
		stage_leak();
		return 9;
	}
	for (i = 0; i < 100; i++) {
		bad |= run(args, "/proc/self/exe", 9);
		bad |= run(args, "/nonexistent/program", 127);
		bad |= run(args, NULL, 3);
	}
	puts(bad ? "vfork_exec: bad" : "vfork_exec: good");
	return bad != 0;
}
