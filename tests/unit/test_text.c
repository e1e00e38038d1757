/* SPDX-License-Identifier: MIT */
/* test_text.c - numbers as people read them, and names that cannot steer a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "out/text.h"

static void bytes_have_decimal_units(void **state)
{
	static const struct {
		uint64_t value;
		const char *wanted;
	} cases[] = {
		{ 0, "0B" },
		{ 999, "999B" },
		{ 1000, "1.00KB" },
		{ 72704, "72.70KB" },
		{ 999994, "999.99KB" },
		{ 999995, "1.00MB" },
		{ 999999, "1.00MB" },
		{ 1000000, "1.00MB" },
		{ 1234567890, "1.23GB" },
		{ UINT64_MAX, "18.45EB" },
	};
	char out[TEXT_NUMBER_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(text_bytes(out, cases[i].value), cases[i].wanted);
}

static void times_choose_their_unit(void **state)
{
	static const struct {
		uint64_t value;
		const char *wanted;
	} cases[] = {
		{ 0, "0ns" },
		{ 999, "999ns" },
		{ 1000, "1.00us" },
		{ 999994, "999.99us" },
		{ 999996, "1.00ms" },
		{ 3100000, "3.10ms" },
		{ 999996000, "1.00s" },
		{ 119000000000, "119.00s" },
		{ 120000000000, "2m00s" },
		{ 7199000000000, "119m59s" },
		{ 7260000000000, "2h01m" },
	};
	char out[TEXT_NUMBER_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(text_ns(out, cases[i].value), cases[i].wanted);
}

static void a_small_share_is_not_shown_as_none(void **state)
{
	char out[TEXT_NUMBER_BYTES];

	(void)state;
	assert_string_equal(text_percent(out, 0, 10), "0%");
	assert_string_equal(text_percent(out, 3, 0), "0%");
	assert_string_equal(text_percent(out, 1, 100000), "<0.1%");
	assert_string_equal(text_percent(out, 1, 3), "33.3%");
	assert_string_equal(text_percent(out, 7, 7), "100.0%");
}

static void control_characters_never_reach_the_terminal(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out);
	text_name(&out, "a\033[2Jb\x7f\r\n\xc2\x9b"
			"c\xff gr\xc3\xbc\xc3\x9f");
	assert_string_equal(out.bytes,
			    "a\\x1b[2Jb\\x7f\\x0d\\x0a\\xc2\\x9bc\\xff gr\xc3\xbc\xc3\x9f");
	assert_int_equal(text_width("a\033\xc3\xbc"), 6);
	buf_free(&out);
}

static void padding_counts_columns(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out);
	text_pad(&out, "gr\xc3\xbc\xc3\x9f", 6);
	text_pad(&out, "x", -3);
	text_pad(&out, "too long", 3);
	assert_string_equal(out.bytes, "gr\xc3\xbc\xc3\x9f    xtoo long");
	buf_free(&out);
}

static void bars_show_the_smallest_part(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out);
	text_bar(&out, 0, 100, 4);
	assert_string_equal(out.bytes, "    ");
	out.length = 0;
	text_bar(&out, 1, 1000000, 4);
	assert_string_equal(out.bytes, "\u258f   ");
	out.length = 0;
	text_bar(&out, 100, 100, 4);
	assert_string_equal(out.bytes, "\u2588\u2588\u2588\u2588");
	out.length = 0;
	text_bar(&out, 200, 100, 2);
	assert_string_equal(out.bytes, "\u2588\u2588");
	out.length = 0;
	text_bar(&out, 3, 8, 2);
	assert_string_equal(out.bytes, "\u258a ");
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_have_decimal_units),
		cmocka_unit_test(times_choose_their_unit),
		cmocka_unit_test(a_small_share_is_not_shown_as_none),
		cmocka_unit_test(control_characters_never_reach_the_terminal),
		cmocka_unit_test(padding_counts_columns),
		cmocka_unit_test(bars_show_the_smallest_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
