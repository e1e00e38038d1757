/* SPDX-License-Identifier: MIT */
/*
 * The classical daemon: fork, setsid, fork again, chdir /, close everything, work, exit. The foreground
 * waits for the daemon by a pipe, so that a test knows when it is done.
 * The process in the middle allocates nothing and may have no file. A perfect report of the daemon says:
 * truth: leak-in 1 daemon_leak 4 4000
 */
/* build: -O0 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile sink;

static void daemon_leak(void)
{
	int i;

	for (i = 0; i < 4; i++)
		sink = malloc(1000);
}

static void daemon_main(int out)
{
	int fd, i;

	umask(0);
	if (chdir("/"))
		_exit(1);
	for (fd = 0; fd < 1024; fd++)
		if (fd != out)
			close(fd);
	for (i = 0; i < 50000; i++)
		free(malloc(i % 100));
	daemon_leak();
	for (i = 0; i < 50000; i++)
		free(malloc(i % 100));
	exit(0);
}

int main(void)
{
	int ends[2], status;
	char byte;
	pid_t pid;

	if (pipe(ends))
		return 1;
	pid = fork();
	if (pid == 0) {
		setsid();
		pid = fork();
		if (pid != 0)
			_exit(pid < 0);
		close(ends[0]);
		daemon_main(ends[1]);
	}
	close(ends[1]);
	if (waitpid(pid, &status, 0) != pid || status)
		return 1;
	/* end of file: the daemon is gone (a library must not keep a copy of the pipe) */
	if (read(ends[0], &byte, 1) != 0)
		return 1;
	puts("daemonize: done");
	return 0;
}
