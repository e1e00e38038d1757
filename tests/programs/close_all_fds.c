/* SPDX-License-Identifier: MIT */
/*
 * Closes every descriptor it does not know, as daemons and shells do: by a loop to the limit, by
 * close_range, by /proc/self/fd; then dup2 over every low number, and allocates much after each.
 * A perfect report says:
 * truth: leak after_closing 4 4000
 * truth: allocs churn 800000 101975424
 */
/* build: -O0 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static void *volatile sink;

static void after_closing(void)
{
	sink = malloc(1000);
}

static void churn(void)
{
	int i;

	for (i = 0; i < 200000; i++)
		free(malloc(i % 256));
}

static void close_by_loop(void)
{
	struct rlimit limit;
	int fd, end = 65536;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1048576)
		end = (int)limit.rlim_cur;
	for (fd = 3; fd < end; fd++)
		close(fd);
}

static void close_by_directory(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;

	while (directory && (entry = readdir(directory))) {
		int fd = atoi(entry->d_name);

		if (fd > 2 && fd != dirfd(directory))
			close(fd);
	}
	if (directory)
		closedir(directory);
}

int main(void)
{
	int fd, i, bad = 0;

	close_by_loop();
	after_closing();
	churn();
	syscall(SYS_close_range, 3u, ~0u, 0u);
	after_closing();
	churn();
	close_by_directory();
	after_closing();
	churn();
	fd = open("/dev/null", O_RDWR);
	bad |= fd != 3;
	for (i = 4; i < 1000; i++)
		bad |= dup2(fd, i) != i;
	after_closing();
	churn();
	for (i = 3; i < 1000; i++)
		bad |= close(i) != 0;
	puts(bad ? "close_all_fds: bad" : "close_all_fds: good");
	return bad;
}
