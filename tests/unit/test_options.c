/* SPDX-License-Identifier: MIT */
/*
 * test_options.c - the command line: every form of every option, and a useful answer to a wrong
 * one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/command.h"
#include "cli/nearest.h"
#include "cli/options.h"

#define WORDS 16

/* Parses the words of LINE (single blanks between them); returns options_parse's result. */
static int parse(struct options *o, const char *line, struct diag *d)
{
	static char text[512];
	char *argv[WORDS], *word;
	int argc = 0;

	strcpy(text, line);
	for (word = strtok(text, " "); word && argc < WORDS; word = strtok(NULL, " "))
		argv[argc++] = word;
	diag_clear(d);
	return options_parse(o, argc, argv, d);
}

static void options_and_traces_stand_in_any_order(void **state)
{
	struct options o;
	struct diag d;

	(void)state;
	assert_int_equal(
		parse(&o,
		      "a.zst -n 5 leaks.zst -s3 --format=json -I ^std -I boost -q b.zst --from -10% --jobs 2",
		      &d),
		0);
	assert_string_equal(o.command->name, "summary");
	assert_int_equal(o.traces.count, 3);
	assert_string_equal(o.traces.items[1], "leaks.zst");
	assert_int_equal(o.sites, 5);
	assert_int_equal(o.stacks, 3);
	assert_int_equal(o.format, FORMAT_JSON);
	assert_int_equal(o.include.count, 2);
	assert_string_equal(o.include.items[1], "boost");
	assert_string_equal(o.from, "-10%");
	assert_int_equal(o.jobs, 2);
	assert_true(o.quiet);
	options_free(&o);
}

static void the_first_word_may_name_the_command(void **state)
{
	struct options o;
	struct diag d;

	(void)state;
	assert_int_equal(parse(&o, "-q leaks a.zst", &d), 0);
	assert_string_equal(o.command->name, "leaks");
	assert_int_equal(o.traces.count, 1);
	options_free(&o);
	assert_int_equal(parse(&o, "leaks leaks", &d), 0);
	assert_int_equal(o.traces.count, 1);
	options_free(&o);
	assert_int_equal(parse(&o, "leaks -- -n", &d), 0);
	assert_string_equal(o.traces.items[0], "-n");
	options_free(&o);
}

static void the_ending_of_the_output_chooses_the_format(void **state)
{
	static const struct {
		const char *line;
		enum output_format wanted;
	} cases[] = {
		{ "flamegraph -o x.svg t", FORMAT_SVG },
		{ "flamegraph -o x.html t", FORMAT_HTML },
		{ "flamegraph -o x.y/z t", FORMAT_UNSET },
		{ "flamegraph -o x.svg --format folded t", FORMAT_FOLDED },
		{ "flamegraph -o x.png --format svg t", FORMAT_SVG },
		{ "flamegraph -o x t", FORMAT_UNSET },
		{ "leaks -o x.json t", FORMAT_JSON },
		{ "leaks -o x.log t", FORMAT_UNSET },
		{ "leaks -o x.txt t", FORMAT_UNSET },
		{ "leaks -o json t", FORMAT_UNSET },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options o;
		struct diag d;

		assert_int_equal(parse(&o, cases[i].line, &d), 0);
		assert_int_equal(o.format, cases[i].wanted);
		options_free(&o);
	}
}

static void a_wrong_line_gets_a_useful_answer(void **state)
{
	static const struct {
		const char *line, *answer;
	} cases[] = {
		{ "leeks a.zst", "did you mean leaks?" },
		{ "flame a.zst", "did you mean flamegraph?" },
		{ "xyzzy a.zst", "no command and no file" },
		{ "leaks --supressions f a.zst", "did you mean --suppressions?" },
		{ "leaks --sufficiently-different a.zst", "unknown option --sufficiently-different" },
		{ "leaks -Z a.zst", "unknown option -Z" },
		{ "leaks -n x a.zst", "--sites wants a number" },
		{ "leaks -n -3 a.zst", "--sites wants a number" },
		{ "leaks -n 99999999999999999999 a.zst", "--sites wants a number" },
		{ "leaks a.zst -n", "--sites wants N behind it" },
		{ "leaks --quiet=1 a.zst", "--quiet takes no value" },
		{ "leaks --format yaml a.zst", "text, json, folded, svg or html" },
		{ "leaks --format svg a.zst", "leaks cannot write svg" },
		{ "flamegraph -o x.json a.zst", "flamegraph cannot write json" },
		{ "leaks --cost peak a.zst", "--cost is no option of leaks" },
		{ "leaks --color blue a.zst", "auto, always or never" },
		{ "flamegraph -o x.png a.zst", ".folded, .svg, .html" },
		{ "flamegraph -n 5 a.zst", "--sites is no option of flamegraph" },
		{ "flamegraph -s 5 a.zst", "--stacks is no option of flamegraph" },
		{ "leaks --jobs 0 a.zst", "--jobs wants a number from 1" },
		{ "a.zst leaks", "the command comes before the traces: shim-analyze leaks a.zst" },
		{ "leaks", "no trace given" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options o;
		struct diag d;

		assert_int_equal(parse(&o, cases[i].line, &d), -1);
		if (!strstr(d.what, cases[i].answer))
			fail_msg("%s: %s", cases[i].line, d.what);
		assert_null(strchr(d.what, '\n'));
		options_free(&o);
	}
}

static void help_and_version_need_no_trace(void **state)
{
	struct options o;
	struct diag d;

	(void)state;
	assert_int_equal(parse(&o, "leaks --help", &d), 0);
	assert_true(o.help);
	assert_string_equal(o.command->name, "leaks");
	options_free(&o);
	assert_int_equal(parse(&o, "--version", &d), 0);
	assert_true(o.version);
	options_free(&o);
}

static void help_names_every_option_and_command(void **state)
{
	size_t count, i, commands;
	const struct option_spec *list = options_list(&count);
	const char *const *names = command_names(&commands);
	struct buf out;
	char word[64];

	(void)state;
	buf_init(&out);
	command_help(NULL, &out);
	for (i = 0; i < count; i++) {
		snprintf(word, sizeof(word), "--%s", list[i].name);
		assert_non_null(strstr(out.bytes, word));
	}
	for (i = 0; i < commands; i++) {
		snprintf(word, sizeof(word), "\n  %s ", names[i]);
		assert_non_null(strstr(out.bytes, word));
	}
	out.length = 0;
	command_help(command_find("leaks"), &out);
	assert_null(strstr(out.bytes, "--cost"));
	assert_non_null(strstr(out.bytes, "--suppressions"));
	buf_free(&out);
}

static void distances_count_edits(void **state)
{
	static const char *const words[] = { "leaks", "peak", "lifetimes" };

	(void)state;
	assert_int_equal(nearest_distance("", "abc"), 3);
	assert_int_equal(nearest_distance("leaks", "leaks"), 0);
	assert_int_equal(nearest_distance("laeks", "leaks"), 1);
	assert_int_equal(nearest_distance("leak", "peak"), 1);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
	assert_string_equal(nearest_word("peek", words, 3), "peak");
	assert_string_equal(nearest_word("life", words, 3), "lifetimes");
	assert_null(nearest_word("zzz", words, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_traces_stand_in_any_order),
		cmocka_unit_test(the_first_word_may_name_the_command),
		cmocka_unit_test(the_ending_of_the_output_chooses_the_format),
		cmocka_unit_test(a_wrong_line_gets_a_useful_answer),
		cmocka_unit_test(help_and_version_need_no_trace),
		cmocka_unit_test(help_names_every_option_and_command),
		cmocka_unit_test(distances_count_edits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
