/* SPDX-License-Identifier: MIT */
/*
 * test_fields.c - facts of header and footer: values with NULs, every cut, wrong magic, version,
 * checksum.
 */
#include "../gen/trace_fixture.h"

#include "trace/fields.h"

/* A header frame's payload with some facts in *BYTES, in memory of G. */
static const uint8_t *payload_of(struct gen *g, size_t *bytes)
{
	const char *const extra[] = { "empty",  "",
				      "number", "18446744073709551615",
				      "huge",   "18446744073709551616",
				      "sign",   "-5",
				      "mixed",  "12k",
				      NULL };

	gen_begin(g, 0x1122334455667788, extra);
	*bytes = g->trace.length - 8;
	return g->trace.at + 8;
}

static int parse(struct fields *f, const void *payload, size_t bytes, struct diag *d)
{
	diag_clear(d);
	return fields_parse(f, payload, bytes, 0, SHIM_HEADER_MAGIC, "app.zst", 0, d);
}

static void facts_read_as_written(void **state)
{
	struct fields f;
	struct diag d;
	struct gen g;
	size_t bytes;
	const uint8_t *payload = payload_of(&g, &bytes);

	(void)state;
	assert_int_equal(parse(&f, payload, bytes, &d), 0);
	assert_int_equal(f.run_id, 0x1122334455667788);
	assert_string_equal(fields_text(&f, "program"), "app");
	assert_string_equal(fields_text(&f, "empty"), "");
	assert_null(fields_text(&f, "governor"));
	assert_int_equal(fields_find(&f, "command")->length, 9);
	assert_memory_equal(fields_find(&f, "command")->value, "app\0-x\0y", 9);
	assert_int_equal(fields_number(&f, "pid", 1), 4242);
	assert_int_equal(fields_number(&f, "number", 1), UINT64_MAX);
	assert_int_equal(fields_number(&f, "huge", 1), 1);
	assert_int_equal(fields_number(&f, "sign", 1), 1);
	assert_int_equal(fields_number(&f, "mixed", 1), 1);
	assert_int_equal(fields_number(&f, "empty", 7), 7);
	assert_int_equal(fields_number(NULL, "pid", 9), 9);
	fields_free(&f);
	gen_free(&g);
}

static void damaged_facts_are_refused(void **state)
{
	struct fields f;
	struct diag d;
	struct gen g;
	size_t bytes, i;
	uint8_t *payload = (uint8_t *)(uintptr_t)payload_of(&g, &bytes);

	(void)state;
	for (i = 0; i < bytes; i++) { /* of the run id nothing vouches */
		payload[i] ^= 0x20;
		assert_int_equal(parse(&f, payload, bytes, &d), i >= 16 && i < 24 ? 0 : -1);
		payload[i] ^= 0x20;
		fields_free(&f);
		assert_int_equal(parse(&f, payload, i, &d), -1);
		fields_free(&f);
	}
	gen_free(&g);
}

/* The checksum is right, but a length leads beyond the end: what comes before it is kept. */
static void cut_fields_keep_what_was_whole(void **state)
{
	struct gen_bytes fields = { 0 };
	struct gen g = { 0 };
	struct fields f;
	struct diag d;

	(void)state;
	gen_fact(&fields, "pid", "5");
	gen_text(&fields, "program");
	gen_varint(&fields, 1000000);
	gen_facts(&g, SHIM_FRAME_HEADER, SHIM_HEADER_MAGIC, &fields, NULL, 0);
	assert_int_equal(parse(&f, g.trace.at + 8, g.trace.length - 8, &d), -1);
	assert_int_equal(f.count, 1);
	assert_int_equal(fields_number(&f, "pid", 0), 5);
	fields_free(&f);
	free(fields.at);
	gen_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_read_as_written),
		cmocka_unit_test(damaged_facts_are_refused),
		cmocka_unit_test(cut_fields_keep_what_was_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
