/* SPDX-License-Identifier: MIT */
/*
 * test_emit.c - JSON as written is JSON as another parser reads it, whatever bytes the names hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "out/emit.h"
#include "util/buf.h"

static void nested_values_come_back(void **state)
{
	struct buf out;
	struct emit j;
	json_error_t error;
	json_t *root, *list;

	(void)state;
	buf_init(&out);
	emit_init(&j, &out);
	emit_begin_object(&j, NULL);
	emit_uint(&j, "most", UINT64_MAX / 2);
	emit_int(&j, "least", INT64_MIN);
	emit_double(&j, "half", 0.5, 3);
	emit_double(&j, "not finite", 0.0 / 0.0, 3);
	emit_bool(&j, "yes", 1);
	emit_string(&j, "absent", NULL);
	emit_begin_array(&j, "list");
	emit_begin_flat_object(&j, NULL);
	emit_string(&j, "a", "b");
	emit_begin_array(&j, "empty");
	emit_end(&j);
	emit_end(&j);
	emit_begin_object(&j, NULL);
	emit_end(&j);
	emit_end(&j);
	emit_end(&j);

	root = json_loads(out.bytes, 0, &error);
	assert_non_null(root);
	assert_int_equal(json_integer_value(json_object_get(root, "most")), INT64_MAX);
	assert_int_equal(json_integer_value(json_object_get(root, "least")), INT64_MIN);
	assert_true(json_real_value(json_object_get(root, "half")) == 0.5);
	assert_true(json_is_null(json_object_get(root, "not finite")));
	assert_true(json_is_true(json_object_get(root, "yes")));
	assert_true(json_is_null(json_object_get(root, "absent")));
	list = json_object_get(root, "list");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "a")), "b");
	assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "empty")), 0);
	assert_int_equal(json_object_size(json_array_get(list, 1)), 0);
	json_decref(root);
	assert_int_equal(out.bytes[out.length - 1], '\n');
	buf_free(&out);
}

static void flat_containers_take_one_line(void **state)
{
	struct buf out;
	struct emit j;

	(void)state;
	buf_init(&out);
	emit_init(&j, &out);
	emit_begin_object(&j, NULL);
	emit_begin_flat_array(&j, "row");
	emit_uint(&j, NULL, 1);
	emit_begin_array(&j, NULL);
	emit_uint(&j, NULL, 2);
	emit_uint(&j, NULL, 3);
	emit_end(&j);
	emit_end(&j);
	emit_uint(&j, "next", 4);
	emit_end(&j);
	assert_string_equal(out.bytes, "{\n  \"row\": [1, [2, 3]],\n  \"next\": 4\n}\n");
	buf_free(&out);
}

/* What jansson reads back from TEXT[LENGTH] written as a string. */
static char *round_trip(const char *text, size_t length)
{
	struct buf out;
	json_error_t error;
	json_t *value;
	char *result;

	buf_init(&out);
	emit_quote(&out, text, length);
	value = json_loadb(out.bytes, out.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	assert_non_null(value);
	result = strdup(json_string_value(value));
	json_decref(value);
	buf_free(&out);
	return result;
}

static void strings_are_valid_whatever_they_hold(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "plain", "plain" },
		{ "quote \" back \\ slash", "quote \" back \\ slash" },
		{ "tab\tline\nesc\033", "tab\tline\nesc\033" },
		{ "gr\xc3\xbc\xc3\x9f\xe2\x82\xac\xf0\x9f\x98\x80",
		  "gr\xc3\xbc\xc3\x9f\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "bare\xff", "bare\xef\xbf\xbd" },
		{ "cut\xe2\x82", "cut\xef\xbf\xbd\xef\xbf\xbd" },
		{ "overlong\xc0\xaf", "overlong\xef\xbf\xbd\xef\xbf\xbd" },
		{ "surrogate\xed\xa0\x80", "surrogate\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "beyond\xf4\x90\x80\x80", "beyond\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = round_trip(cases[i].text, strlen(cases[i].text));

		assert_string_equal(got, cases[i].wanted);
		free(got);
	}
}

static void every_byte_value_is_survived(void **state)
{
	char all[256 * 3];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all); i++)
		all[i] = (char)(i * 7 + i / 256);
	free(round_trip(all, sizeof(all)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_values_come_back),
		cmocka_unit_test(flat_containers_take_one_line),
		cmocka_unit_test(strings_are_valid_whatever_they_hold),
		cmocka_unit_test(every_byte_value_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
