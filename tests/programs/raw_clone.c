/* SPDX-License-Identifier: MIT */
/*
 * A child made by the bare clone system call, as sandboxes do: no atfork handler runs, the pid changes
 * under the library. The child allocates more than any buffer holds and leaves by _exit.
 * A perfect report of the parent says:
 * truth: leak parent_leak 2 600
 * truth: leak child_leak 0 0
 * truth: leak churn 0 0
 * truth: leak-in 1 parent_leak 2 600
 * The child's events never mix with the parent's, whether it has a file of its own or not.
 */
/* build: -O0 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile sink;

static void parent_leak(void)
{
	sink = malloc(300);
}

static void child_leak(void)
{
	sink = malloc(444);
}

static void churn(void)
{
	void *kept[32] = { 0 };
	int i;

	for (i = 0; i < 100000; i++) {
		free(kept[i % 32]);
		kept[i % 32] = malloc(i % 700);
	}
	for (i = 0; i < 32; i++)
		free(kept[i]);
}

int main(void)
{
	int status = 0;
	long pid;

	parent_leak();
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		churn();
		child_leak();
		_exit(7);
	}
	churn();
	parent_leak();
	if (pid < 0 || waitpid((pid_t)pid, &status, 0) != pid)
		return 1;
	printf("raw_clone: child %s %d\n", WIFEXITED(status) ? "exit" : "signal",
	       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return !WIFEXITED(status) || WEXITSTATUS(status) != 7;
}
