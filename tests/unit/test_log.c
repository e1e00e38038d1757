/* SPDX-License-Identifier: MIT */
/* test_log.c - the small formatter, its bounds, and silence without a target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

static void formats_what_it_promises(void **state)
{
	char out[128];
	size_t length;

	(void)state;
	length = log_format(out, sizeof(out), "%s %d %u %ld %lu %x %%", "a", -7, 7u,
			    -1234567890123L, 18446744073709551615UL, 0xbeefu);
	assert_string_equal(out, "a -7 7 -1234567890123 18446744073709551615 beef %");
	assert_int_equal(length, strlen(out));
}

static void the_least_numbers_come_out_whole(void **state)
{
	char out[64];

	(void)state;
	log_format(out, sizeof(out), "%d %ld", INT32_MIN, INT64_MIN);
	assert_string_equal(out, "-2147483648 -9223372036854775808");
}

static void cuts_at_the_size_and_terminates(void **state)
{
	char out[8] = "xxxxxxx";

	(void)state;
	assert_int_equal(log_format(out, sizeof(out), "%s", "0123456789"), 7);
	assert_string_equal(out, "0123456");
}

static void writes_one_line_to_the_file(void **state)
{
	char path[] = "/tmp/shim-log-XXXXXX", line[256] = "", expected[64];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	log_start(path);
	log_line("trace %s", "gone");
	log_start(NULL);
	log_line("unheard");
	assert_true(read(fd, line, sizeof(line) - 1) > 0);
	snprintf(expected, sizeof(expected), "libshim[%d]: trace gone\n", (int)getpid());
	assert_string_equal(line, expected);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_what_it_promises),
		cmocka_unit_test(the_least_numbers_come_out_whole),
		cmocka_unit_test(cuts_at_the_size_and_terminates),
		cmocka_unit_test(writes_one_line_to_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
