/* SPDX-License-Identifier: MIT */
/*
 * test_flame.c - the tree of weighted stacks and its three pictures: sums, order, limits, and names
 * that could be markup.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "out/flame.h"
#include "out/flame_folded.h"
#include "out/flame_html.h"
#include "out/flame_svg.h"

static const struct flame_view view = { .title = "bytes of <app> & \"co\"",
					.subtitle = "app --x '<y>'",
					.unit = "bytes",
					.cost = "peak" };

/* Adds "a;b;c" with WEIGHT; frames named m:… are of module m. */
static void add(struct flame *f, const char *stack, uint64_t weight)
{
	char text[256], *frame, *rest = text;
	uint32_t labels[32];
	size_t depth = 0;

	snprintf(text, sizeof(text), "%s", stack);
	while ((frame = strsep(&rest, ";")) && *frame) {
		char *colon = strchr(frame, ':');

		if (colon)
			*colon = '\0';
		labels[depth++] = flame_label(f, colon ? colon + 1 : frame, colon ? frame : "");
	}
	flame_add(f, labels, depth, weight);
}

static char *folded(const struct flame *f)
{
	struct buf out;

	buf_init(&out);
	flame_folded_write(f, &out);
	buf_putc(&out, '\0');
	return out.bytes;
}

static void equal_prefixes_share_nodes(void **state)
{
	struct flame *f = flame_new();
	char *text;

	(void)state;
	add(f, "main;b;x", 1);
	add(f, "main;a", 10);
	add(f, "main;b", 100);
	add(f, "main;b;x", 1000);
	add(f, "main;b;y", 0);
	flame_finish(f);
	assert_int_equal(f->node_count, 5);
	assert_int_equal(f->nodes[FLAME_ROOT].total, 1111);
	text = folded(f);
	assert_string_equal(text, "main;a 10\nmain;b 100\nmain;b;x 1001\n");
	free(text);
	flame_delete(f);
}

static void the_order_of_adding_does_not_show(void **state)
{
	static const char *const stacks[] = { "m;c;d", "m;a", "z", "m;c", "m;libx:a", "m;a;b" };
	char *first = NULL;
	size_t start, i;

	(void)state;
	for (start = 0; start < 6; start++) {
		struct flame *f = flame_new();
		char *text;

		for (i = 0; i < 6; i++)
			add(f, stacks[(start + i * 5) % 6], 1 + (start + i * 5) % 6);
		flame_finish(f);
		text = folded(f);
		if (first) {
			assert_string_equal(text, first);
			free(text);
		} else {
			first = text;
		}
		flame_delete(f);
	}
	free(first);
}

static void folded_names_hold_no_separator(void **state)
{
	struct flame *f = flame_new();
	uint32_t label = flame_label(f, "a;b\nc", "");
	char *text;

	(void)state;
	flame_add(f, &label, 1, 5);
	flame_add(f, NULL, 0, 7);
	flame_finish(f);
	text = folded(f);
	assert_string_equal(text, "[no stack] 7\na:b_c 5\n");
	free(text);
	flame_delete(f);
}

static void an_empty_tree_makes_valid_pictures(void **state)
{
	struct flame *f = flame_new();
	struct buf out;

	(void)state;
	flame_finish(f);
	buf_init(&out);
	flame_folded_write(f, &out);
	assert_int_equal(out.length, 0);
	flame_svg_write(f, &view, &out);
	assert_non_null(strstr(out.bytes, "</svg>"));
	out.length = 0;
	flame_html_write(f, &view, &out);
	assert_non_null(strstr(out.bytes, "</html>"));
	buf_free(&out);
	flame_delete(f);
}

static void a_very_deep_stack_is_no_problem(void **state)
{
	struct flame *f = flame_new();
	size_t depth = 200000, i;
	uint32_t *labels = malloc(depth * sizeof(*labels));
	struct buf out;

	(void)state;
	for (i = 0; i < depth; i++)
		labels[i] = flame_label(f, "recurse", "app");
	flame_add(f, labels, depth, 1);
	flame_finish(f);
	assert_int_equal(f->deepest, depth);
	buf_init(&out);
	flame_folded_write(f, &out);
	assert_int_equal(out.length, depth * 8 + 2);
	out.length = 0;
	flame_html_write(f, &view, &out);
	buf_free(&out);
	free(labels);
	flame_delete(f);
}

static void names_never_become_markup(void **state)
{
	struct flame *f = flame_new();
	uint32_t label = flame_label(f, "</script><script>alert(1)</script>]]>&<b a=\"x\">\033\xff",
				     "</title>\"&");
	struct buf out;

	(void)state;
	flame_add(f, &label, 1, 1);
	flame_finish(f);
	buf_init(&out);
	flame_html_write(f, &view, &out);
	assert_null(strstr(out.bytes, "alert(1)"));
	assert_null(strstr(out.bytes, "<app>"));
	assert_non_null(strstr(out.bytes, "&#60;app&#62; &#38; &#34;co&#34;"));
	out.length = 0;
	flame_svg_write(f, &view, &out);
	assert_null(strstr(out.bytes, "<script>alert"));
	assert_null(strstr(out.bytes, "<app>"));
	assert_null(strchr(out.bytes, '\033'));
	assert_null(strchr(out.bytes, '\xff'));
	assert_non_null(strstr(out.bytes, "&lt;/script&gt;&lt;script&gt;alert(1)"));
	buf_free(&out);
	flame_delete(f);
}

static void svg_tells_what_it_leaves_out(void **state)
{
	struct flame *f = flame_new();
	struct buf out;

	(void)state;
	add(f, "main;big", 1000000000);
	add(f, "main;tiny;lowest", 3);
	add(f, "main;small", 2);
	flame_finish(f);
	buf_init(&out);
	flame_svg_write(f, &view, &out);
	assert_non_null(strstr(out.bytes, "2 frames too narrow to draw left out, the widest 3B"));
	assert_null(strstr(out.bytes, "tiny"));
	assert_null(strstr(out.bytes, "lowest"));
	assert_non_null(strstr(out.bytes, "<title>big: 1.00GB, 100.0%</title>"));
	buf_free(&out);
	flame_delete(f);
}

static void colours_are_those_of_the_names(void **state)
{
	struct flame_label a = { .text = "f", .module = "liba.so" },
			   b = { .text = "g", .module = "libb.so" };
	char one[8], two[8], again[8];

	(void)state;
	flame_svg_color(one, &a);
	flame_svg_color(two, &b);
	flame_svg_color(again, &a);
	assert_int_equal(strlen(one), 7);
	assert_string_equal(one, again);
	assert_string_not_equal(one, two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_prefixes_share_nodes),
		cmocka_unit_test(the_order_of_adding_does_not_show),
		cmocka_unit_test(folded_names_hold_no_separator),
		cmocka_unit_test(an_empty_tree_makes_valid_pictures),
		cmocka_unit_test(a_very_deep_stack_is_no_problem),
		cmocka_unit_test(names_never_become_markup),
		cmocka_unit_test(svg_tells_what_it_leaves_out),
		cmocka_unit_test(colours_are_those_of_the_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
