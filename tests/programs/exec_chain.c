/* SPDX-License-Identifier: MIT */
/*
 * Replaces itself by every member of the exec family in turn, each time after failing calls that
 * return: along PATH, with a directory, with a file that may not be executed, with a bad format.
 * A perfect report says: eight files, one for each image, each complete, each with
 * truth: leak-in 8 stage_leak 2 202
 * truth: files 8
 * (the second block is allocated after the failed calls). None is lost by the successful exec.
 */
/* build: -O0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;
static void *volatile sink;

static void stage_leak(void)
{
	sink = malloc(101);
}

/* Every call here must fail and leave the process as it was. */
static int failing_calls(void)
{
	char *args[] = { "x", NULL };
	int bad = 0;

	setenv("PATH", "/nonexistent:/proc/self:/etc:/tmp", 1);
	errno = 0;
	bad |= execvp("no-such-program-here", args) != -1 || errno != ENOENT;
	bad |= execvp("passwd", args) != -1 || errno != EACCES;
	bad |= execv("/", args) != -1 || errno != EACCES;
	bad |= execve("/nonexistent", args, environ) != -1 || errno != ENOENT;
	bad |= execl("/nonexistent", "x", (char *)NULL) != -1 || errno != ENOENT;
	bad |= execle("/dev/null", "x", (char *)NULL, environ) != -1 || errno != EACCES;
	bad |= fexecve(-1, args, environ) != -1;
	return bad;
}

int main(int argc, char **argv)
{
	char self[4096], directory[4096], next[16], *name;
	int stage = argc > 1 ? atoi(argv[1]) : 0;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *args[] = { argv[0], next, NULL };

	if (length <= 0)
		return 1;
	self[length] = 0;
	strcpy(directory, self);
	name = strrchr(directory, '/');
	*name++ = 0;
	stage_leak();
	if (failing_calls()) {
		printf("stage %d: a call did not fail as it should\n", stage);
		return 1;
	}
	stage_leak();
	printf("stage %d\n", stage);
	fflush(stdout);
	snprintf(next, sizeof(next), "%d", stage + 1);
	setenv("PATH", directory, 1);
	switch (stage) {
	case 0:
		execv(self, args);
		break;
	case 1:
		execve(self, args, environ);
		break;
	case 2:
		execvp(name, args);
		break;
	case 3:
		execvpe(name, args, environ);
		break;
	case 4:
		execl(self, argv[0], next, (char *)NULL);
		break;
	case 5:
		execlp(name, argv[0], next, (char *)NULL);
		break;
	case 6:
		execle(self, argv[0], next, (char *)NULL, environ);
		break;
	case 7:
		return 33;
	}
	return 1;
}
