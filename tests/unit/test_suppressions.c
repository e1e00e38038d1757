/* SPDX-License-Identifier: MIT */
/*
 * test_suppressions.c - LeakSanitizer's syntax, its wildcards and anchors, and the built-in list's
 * narrow aim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/suppressions.h"

static void patterns_match_as_in_leaksanitizer(void **state)
{
	static const struct {
		const char *pattern, *text;
		int wanted;
	} cases[] = {
		{ "foo", "xfoox", 1 },
		{ "foo", "fo", 0 },
		{ "^foo", "foobar", 1 },
		{ "^foo", "xfoo", 0 },
		{ "foo$", "xfoo", 1 },
		{ "foo$", "foox", 0 },
		{ "^foo$", "foo", 1 },
		{ "^foo$", "foofoo", 0 },
		{ "a*b", "xaxxbx", 1 },
		{ "a*b", "ba", 0 },
		{ "a*b*c", "acb", 0 },
		{ "a*b*c", "a1b2c", 1 },
		{ "^a*b$", "a1b2b", 1 },
		{ "^a*b$", "a1b2c", 0 },
		{ "*", "", 1 },
		{ "*", "x", 1 },
		{ "", "x", 0 },
		{ "^", "x", 1 },
		{ "$", "x", 1 },
		{ "a**b", "ab", 1 },
		{ "^ab*ab$", "abab", 1 },
		{ "^ab*ab$", "ab", 0 },
		{ "/lib*.so", "/usr/lib/libx.so.1", 1 },
		{ "^a", NULL, 0 },
		{ "a$b", "a$b", 1 },
		{ "b^a", "b^a", 1 },
		{ "foo*", "foo", 1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (suppressions_match(cases[i].pattern, cases[i].text) != cases[i].wanted)
			fail_msg("%s on %s is not %d", cases[i].pattern,
				 cases[i].text ? cases[i].text : "nothing", cases[i].wanted);
}

static struct suppressions *parsed(const char *text, struct diag *d, int wanted)
{
	struct suppressions *s = suppressions_new();

	diag_clear(d);
	assert_int_equal(suppressions_parse(s, "file.supp", text, strlen(text), d), wanted);
	return s;
}

static void files_hold_comments_and_blank_lines(void **state)
{
	struct diag d;
	struct suppressions *s =
		parsed("# all of it\n\n  leak:one  \r\n\tleak:two words\nleak:last", &d, 0);

	(void)state;
	assert_int_equal(s->count, 3);
	assert_string_equal(s->items[0].pattern, "one");
	assert_string_equal(s->items[1].name, "leak:two words");
	assert_string_equal(s->items[2].pattern, "last");
	suppressions_delete(s);
}

static void a_wrong_line_is_named(void **state)
{
	static const char *const wrong[] = { "leak:a\nrace:b\n", "leak:a\nleak:\n", "#\nnonsense",
					     "x\nleak:a leak:b\nleak" };
	struct diag d;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct suppressions *s = parsed(wrong[i], &d, -1);

		assert_string_equal(d.where, "file.supp");
		assert_non_null(strstr(d.what, i == 3 ? "line 1" : "line 2"));
		suppressions_delete(s);
	}
}

static void any_frame_and_any_text_of_it_counts(void **state)
{
	const struct suppressions_frame stack[] = {
		{ .function = "inner", .file = "src/inner.c", .module = "/usr/bin/app" },
		{ .function = "middle", .module = "/usr/lib/libmiddle.so" },
		{ .function = "main", .file = "src/main.c", .module = "/usr/bin/app" },
	};
	static const char *const texts[] = { "leak:^middle$\n", "leak:main.c\n", "leak:libmiddle\n",
					     "leak:^inner$\n" };
	struct diag d;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct suppressions *s = parsed(texts[i], &d, 0);

		assert_ptr_equal(suppressions_find(s, stack, 3), &s->items[0]);
		assert_null(suppressions_find(s, NULL, 0));
		suppressions_delete(s);
	}
}

static void the_first_matching_entry_is_the_one(void **state)
{
	const struct suppressions_frame stack[] = { { .id = "1", .function = "b" },
						    { .id = "2", .function = "a" } };
	struct diag d;
	struct suppressions *s = parsed("leak:^a$\nleak:^b$\n", &d, 0);

	(void)state;
	assert_ptr_equal(suppressions_find(s, stack, 2), &s->items[0]);
	assert_ptr_equal(suppressions_find(s, stack, 1), &s->items[1]);
	assert_ptr_equal(suppressions_find(s, stack, 2), &s->items[0]);
	suppressions_delete(s);
}

static const char *builtin_of(const struct suppressions_frame *stack, size_t count)
{
	struct suppressions *s = suppressions_new();
	struct suppression *found;
	const char *name;

	suppressions_add_builtin(s);
	found = suppressions_find(s, stack, count);
	name = found ? found->name : NULL;
	suppressions_delete(s);
	return name;
}

static void ld_so_is_judged_by_the_innermost_frame(void **state)
{
	const struct suppressions_frame own[] = {
		{ .function = "_dl_new_object", .module = "/lib64/ld-linux-x86-64.so.2" },
		{ .function = "main", .module = "/usr/bin/app" },
	};
	const struct suppressions_frame constructor[] = {
		{ .function = "static_leak()", .module = "/usr/bin/app" },
		{ .function = "call_init", .module = "/lib64/ld-linux-x86-64.so.2" },
		{ .function = "_dl_start_user", .module = "/lib64/ld-linux-x86-64.so.2" },
	};

	(void)state;
	assert_string_equal(builtin_of(own, 2), "builtin:ld.so");
	assert_null(builtin_of(constructor, 3));
	assert_null(builtin_of(own, 0));
}

static void the_emergency_pool_is_told_by_its_caller(void **state)
{
	struct suppressions_frame stack[] = {
		{ .function = "libstdc++.so.6+0xa2b3c",
		  .module = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6" },
		{ .function = "call_init", .module = "/lib64/ld-linux-x86-64.so.2" },
	};

	(void)state;
	assert_string_equal(builtin_of(stack, 2), "builtin:libstdc++-emergency-pool");
	stack[1].module = "/usr/bin/app";
	assert_null(builtin_of(stack, 2));
}

static void libc_keeps_its_own_and_nobody_elses(void **state)
{
	struct suppressions_frame stack[] = {
		{ .function = "libc.so.6+0x2f1a0", .module = "/lib/x86_64-linux-gnu/libc.so.6" },
		{ .function = "setlocale", .module = "/lib/x86_64-linux-gnu/libc.so.6" },
		{ .function = "main", .module = "/usr/bin/app" },
	};

	(void)state;
	assert_string_equal(builtin_of(stack, 3), "builtin:setlocale");
	stack[1].function = "pthread_setspecific";
	assert_string_equal(builtin_of(stack, 3), "builtin:pthread-keys");
	stack[1].function = "my_setlocale";
	assert_null(builtin_of(stack, 3));
	stack[1].function = "setlocale";
	stack[1].module = "/usr/bin/app";
	assert_null(builtin_of(stack, 3));
	stack[1].module = "/lib/x86_64-linux-gnu/libc.so.6";
	stack[1].function = "fopen";
	assert_null(builtin_of(stack, 3));
}

static void every_builtin_entry_has_a_reason(void **state)
{
	struct suppressions *s = suppressions_new();
	size_t i;

	(void)state;
	suppressions_add_builtin(s);
	assert_true(s->count > 5);
	for (i = 0; i < s->count; i++) {
		assert_non_null(s->items[i].reason);
		assert_int_equal(strncmp(s->items[i].name, "builtin:", 8), 0);
	}
	suppressions_delete(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_in_leaksanitizer),
		cmocka_unit_test(files_hold_comments_and_blank_lines),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(any_frame_and_any_text_of_it_counts),
		cmocka_unit_test(the_first_matching_entry_is_the_one),
		cmocka_unit_test(ld_so_is_judged_by_the_innermost_frame),
		cmocka_unit_test(the_emergency_pool_is_told_by_its_caller),
		cmocka_unit_test(libc_keeps_its_own_and_nobody_elses),
		cmocka_unit_test(every_builtin_entry_has_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
