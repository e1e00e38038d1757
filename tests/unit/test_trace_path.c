/* SPDX-License-Identifier: MIT */
/* test_trace_path.c - patterns, folders, names that are taken, and a descriptor out of the program's way. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace_path.h"

static char folder[] = "/tmp/shim-path-XXXXXX";

static int open_pattern(const char *pattern, char *path)
{
	char whole[512];
	int fd;

	snprintf(whole, sizeof(whole), "%s/%s", folder, pattern);
	fd = trace_path_open(whole, path, 4096);
	if (fd >= 0)
		close(fd);
	return fd;
}

static void fills_in_program_pid_and_environment(void **state)
{
	char path[4096], expected[512];

	(void)state;
	setenv("SHIM_TEST_VALUE", "../up/x", 1);
	assert_true(open_pattern("%e.%p.%{SHIM_TEST_VALUE}.100%%.%q", path) >= 0);
	snprintf(expected, sizeof(expected), "%s/test_trace_path.%d..._up_x.100%%.%%q", folder,
		 (int)getpid());
	assert_string_equal(path, expected);
}

static void makes_folders_and_never_overwrites(void **state)
{
	char first[4096], second[4096], third[4096], spool[4200];

	(void)state;
	assert_true(open_pattern("a/b/c.zst", first) >= 0);
	assert_true(open_pattern("a/b/c.zst", second) >= 0);
	assert_string_equal(second + strlen(second) - 8, "/c.zst.1");
	/* A spool without its trace is somebody's events too. */
	snprintf(spool, sizeof(spool), "%s/a/b/c.zst.2.spool", folder);
	close(open(spool, O_CREAT | O_WRONLY, 0600));
	assert_true(open_pattern("a/b/c.zst", third) >= 0);
	assert_string_equal(third + strlen(third) - 8, "/c.zst.3");
}

static void says_why_it_cannot(void **state)
{
	char path[4096];

	(void)state;
	assert_true(trace_path_open("/proc/no/such/place.zst", path, sizeof(path)) < 0);
	assert_true(trace_path_open("/dev/null/x.zst", path, sizeof(path)) < 0);
}

static void descriptors_go_above_what_open_gives(void **state)
{
	struct rlimit before, after;
	int fd = open("/dev/null", O_WRONLY), high, next;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	high = trace_path_raise(fd);
	assert_true(high > 100);
	assert_true(fcntl(high, F_GETFD) & FD_CLOEXEC);
	next = open("/dev/null", O_WRONLY);
	assert_int_equal(next, fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &after), 0);
	assert_true(before.rlim_cur == after.rlim_cur && before.rlim_max == after.rlim_max);
	close(next);
	close(high);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_in_program_pid_and_environment),
		cmocka_unit_test(makes_folders_and_never_overwrites),
		cmocka_unit_test(says_why_it_cannot),
		cmocka_unit_test(descriptors_go_above_what_open_gives),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
