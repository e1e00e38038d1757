/* SPDX-License-Identifier: MIT */
/*
 * A parent, two children and one grandchild of each: five processes, each with blocks of its own.
 * A perfect report of the parent says:
 * truth: leak parent_leak 1 1000
 * truth: leak child_leak 0 0
 * truth: files 5
 * truth: leak-in 2 child_leak 1 2000
 * truth: leak-in 2 grandchild_leak 3 300
 * truth: leak-in 1 parent_leak 1 1000
 * (two of the five files have these). A child also frees a block that its parent allocated before the fork: that is
 * neither an error nor a leak of the parent's, whose copy is freed by the parent itself.
 */
/* build: -O0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile sink;
static void *inherited;

static void parent_leak(void)
{
	sink = malloc(1000);
}

static void child_leak(void)
{
	sink = malloc(2000);
}

static void grandchild_leak(void)
{
	int i;

	for (i = 0; i < 3; i++)
		sink = malloc(100);
}

static void churn(void)
{
	int i;

	for (i = 0; i < 20000; i++)
		free(malloc(i % 500));
}

static int wait_for(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int child(int number)
{
	pid_t pid;

	child_leak();
	free(inherited);
	pid = fork();
	if (pid == 0) {
		grandchild_leak();
		churn();
		exit(20 + number);
	}
	churn();
	return wait_for(pid) == 20 + number ? 10 + number : 1;
}

int main(void)
{
	pid_t pids[2];
	int i, bad = 0;

	inherited = malloc(5000);
	parent_leak();
	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			exit(child(i));
	}
	churn();
	for (i = 0; i < 2; i++)
		bad |= wait_for(pids[i]) != 10 + i;
	free(inherited);
	puts(bad ? "fork_tree: bad" : "fork_tree: good");
	return bad;
}
