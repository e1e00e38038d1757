/* SPDX-License-Identifier: MIT */
/*
 * posix_spawn, posix_spawnp, system and popen.
 * A perfect report of the parent says:
 * truth: leak parent_leak 10 1000
 * truth: leak-in 12 stage_leak 1 70
 * (every spawned copy of this program has a report of its own).
 */
/* build: -O0 */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static void *volatile sink;

static void parent_leak(void)
{
	sink = malloc(100);
}

static void stage_leak(void)
{
	sink = malloc(70);
}

static int status_of(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
	char *args[] = { argv[0], "stage", NULL };
	char self[4096], command[4200], line[100] = "";
	posix_spawn_file_actions_t actions;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	FILE *pipe;
	pid_t pid;
	int i, bad = 0;

	if (argc > 1) {
		stage_leak();
		puts("stage");
		return 9;
	}
	if (length <= 0)
		return 1;
	self[length] = 0;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
	for (i = 0; i < 10; i++) {
		bad |= posix_spawn(&pid, self, &actions, NULL, args, environ) != 0;
		bad |= status_of(pid) != 9;
		bad |= posix_spawnp(&pid, "true", NULL, NULL, (char *[]){ "true", NULL }, environ) !=
		       0;
		bad |= status_of(pid) != 0;
		bad |= posix_spawnp(&pid, "no-such-program-here", NULL, NULL, args, environ) !=
		       ENOENT;
		parent_leak();
	}
	posix_spawn_file_actions_destroy(&actions);
	snprintf(command, sizeof(command), "'%s' stage", self);
	fflush(stdout);
	bad |= system(command) != 9 << 8;
	bad |= system("exit 4") != 4 << 8;
	pipe = popen(command, "r");
	bad |= !pipe || !fgets(line, sizeof(line), pipe) || strcmp(line, "stage\n");
	bad |= pipe && pclose(pipe) != 9 << 8;
	puts(bad ? "posix_spawn_exec: bad" : "posix_spawn_exec: good");
	return bad;
}
