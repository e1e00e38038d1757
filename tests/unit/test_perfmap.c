/* SPDX-License-Identifier: MIT */
/* test_perfmap.c - JIT maps: later lines win, lines that make no sense are skipped, other files are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbol/perfmap.h"

static char path[64];

static struct perfmap *map_of(const char *text, size_t length)
{
	int fd;

	strcpy(path, "/tmp/test_perfmap.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), length);
	close(fd);
	return perfmap_open(path);
}

static const char *name_at(struct perfmap *map, uint64_t pc)
{
	uint64_t start;
	const char *name = perfmap_find(map, pc, &start);

	return name ? name : "";
}

static void test_later_lines_win(void **state)
{
	static const char text[] = "1000 100 old one\n"
				   "0x2000 10 prefixed\n"
				   "1040 20 new\n"
				   "not a line\n"
				   "3000 zz bad size\n"
				   "-5 10 negative\n"
				   "4000 10 \n"
				   "ffffffffffffffff 10 wraps\n"
				   "5000 0 empty\n"
				   "6000 8 last without end of line";
	struct perfmap *map = map_of(text, strlen(text));
	uint64_t start = 0;

	(void)state;
	assert_non_null(map);
	assert_string_equal(name_at(map, 0x1000), "old one");
	assert_string_equal(name_at(map, 0x103f), "old one");
	assert_string_equal(name_at(map, 0x1040), "new");
	assert_string_equal(name_at(map, 0x1060), "old one");
	assert_string_equal(name_at(map, 0x1100), "");
	assert_string_equal(name_at(map, 0x200f), "prefixed");
	assert_string_equal(name_at(map, 0x3000), "");
	assert_string_equal(name_at(map, 0x4000), "");
	assert_string_equal(name_at(map, 0x5000), "");
	assert_string_equal(name_at(map, 0x6007), "last without end of line");
	assert_non_null(perfmap_find(map, 0x1050, &start));
	assert_int_equal(start, 0x1040);
	perfmap_delete(map);
	unlink(path);
}

static void test_nothing_usable(void **state)
{
	static const char zeros[4096];

	(void)state;
	assert_null(perfmap_open("/nonexistent/perf.map"));
	assert_null(perfmap_open("/tmp"));
	assert_null(perfmap_open("/dev/zero"));
	assert_null(map_of("", 0));
	unlink(path);
	assert_null(map_of(zeros, sizeof(zeros)));
	unlink(path);
	/* Opening a FIFO for reading would wait for a writer. */
	strcpy(path, "/tmp/test_perfmap.XXXXXX");
	close(mkstemp(path));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(perfmap_open(path));
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_later_lines_win),
		cmocka_unit_test(test_nothing_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
