/* SPDX-License-Identifier: MIT */
/*
 * Changes the world under the library: working directory (removed afterwards), umask, file size limit,
 * root directory and user id where that is allowed; then allocates more than any buffer holds.
 * A perfect report, found where the process was started, is complete and says:
 * truth: leak after_change 2 9000
 * truth: allocs churn 300000 38088300
 */
/* build: -O0 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void *volatile sink;

static void after_change(void)
{
	sink = malloc(4500);
}

static void churn(void)
{
	int i;

	for (i = 0; i < 150000; i++)
		free(malloc(i % 255));
}

static void sandbox(void)
{
	/* what a privileged server does; without privilege each call fails and nothing changes */
	if (chroot(".") == 0 && chdir("/") == 0 && setgroups(0, NULL) == 0 &&
	    setresgid(65534, 65534, 65534) == 0)
		sink = setresuid(65534, 65534, 65534) == 0 ? sink : NULL;
}

int main(void)
{
	char directory[] = "/tmp/chroot_drop.XXXXXX";
	mode_t before = umask(0777);

	if (!mkdtemp(directory) || chdir(directory) || rmdir(directory))
		return 1;
	printf("umask was %03o, stays %03o\n", before, umask(0777));
	after_change();
	churn();
	sandbox();
	after_change();
	churn();
	printf("cwd %s\n", getcwd((char[100]){ 0 }, 100) ? "still there" : "gone");
	return 0;
}
