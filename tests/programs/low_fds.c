/* SPDX-License-Identifier: MIT */
/*
 * Prints which descriptors open() gives, which are open at start, under a low limit, and that nobody
 * took the number 1023 that select() can still hold.
 * A perfect report says nothing in particular; the output is the same as without the library:
 * descriptors 3 4 5, and only 0 1 2 below 1024 at start.
 */
/* build: -O0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

int main(void)
{
	struct rlimit limit;
	int fd, used = 0;

	for (fd = 3; fd < 1024; fd++)
		used += fcntl(fd, F_GETFD) != -1;
	printf("in use below 1024: %d\n", used);
	fd = open("/dev/null", O_RDONLY);
	printf("open gives %d", fd);
	printf(" %d", dup(fd));
	printf(" %d\n", open("/dev/null", O_RDONLY));
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 1;
	limit.rlim_cur = 6;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		return 1;
	errno = 0;
	fd = open("/dev/null", O_RDONLY);
	printf("at the limit: %d %s\n", fd, errno == EMFILE ? "EMFILE" : "other");
	for (fd = 0; fd < 100000; fd++)
		free(malloc(100));
	return 0;
}
