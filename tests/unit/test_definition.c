/* SPDX-License-Identifier: MIT */
/* test_definition.c - records of definitions: every kind, unknown ones, senseless and cut ones. */
#include "../gen/trace_fixture.h"

#include "trace/definition.h"

/* The definitions in the making of G as a block. */
static struct block block_of(const struct gen *g)
{
	return (struct block){ .payload = g->defs.at,
			       .header = { .payload_bytes = (uint32_t)g->defs.length } };
}

static void every_kind_reads_as_written(void **state)
{
	struct gen g = { 0 };
	struct definition_segment segment;
	struct definition_cursor c;
	struct definition def;
	struct block b;

	(void)state;
	gen_stack(&g, 100, 90, 0x7fff00001234, 1);
	gen_stack(&g, 105, 100, 0x400010, 0);
	gen_module(&g, 3, 55, 0x7f0000000000, "/lib/libc.so", "\xab\xcd", 0x1000, 0x2000);
	gen_unload(&g, 3, 66);
	gen_thread(&g, 7, 77, 4711, "worker");
	gen_thread_end(&g, 7, 88);
	gen_clock(&g, 99, 111);
	gen_note(&g, 12, SHIM_NOTE_LOSS, "disk full");
	gen_mark(&g, 13, 7, "here");
	gen_process(&g, 14, SHIM_PROCESS_SPAWN, 4712, "/bin/ls");
	b = block_of(&g);
	definition_begin(&c, &b);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.type, SHIM_DEF_STACK);
	assert_int_equal(def.id, 100);
	assert_int_equal(def.parent, 90);
	assert_int_equal(def.pc, 0x7fff00001234);
	assert_int_equal(def.exact, 1);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.id, 105);
	assert_int_equal(def.parent, 100);
	assert_int_equal(def.pc, 0x400010);
	assert_int_equal(def.exact, 0);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.type, SHIM_DEF_MODULE_LOAD);
	assert_int_equal(def.bias, 0x7f0000000000);
	assert_memory_equal(def.text.bytes, "/lib/libc.so", 12);
	assert_int_equal(def.build_id.length, 2);
	assert_int_equal(definition_next_segment(&def, &segment), 1);
	assert_int_equal(segment.vaddr, 0x1000);
	assert_int_equal(segment.size, 0x2000);
	assert_int_equal(segment.flags, 5);
	assert_int_equal(definition_next_segment(&def, &segment), 0);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.type, SHIM_DEF_MODULE_UNLOAD);
	assert_int_equal(def.ticks, 66);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.value, 4711);
	assert_memory_equal(def.text.bytes, "worker", 6);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.type, SHIM_DEF_THREAD_END);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.value, 111);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.value, SHIM_NOTE_LOSS);
	assert_int_equal(def.text.length, 9);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.id, 7);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.extra, 4712);
	assert_int_equal(definition_next(&c, &def), 0);
	assert_int_equal(c.bad, 0);
	gen_free(&g);
}

static void unknown_and_senseless_records_are_passed_over(void **state)
{
	struct gen g = { 0 };
	struct definition_cursor c;
	struct definition def;
	struct block b;

	(void)state;
	gen_record(&g, 77, "from the future", 15);
	gen_record(&g, SHIM_DEF_CLOCK, "\x05", 1);         /* cut short */
	gen_record(&g, SHIM_DEF_STACK, "\x05\x09\x00", 3); /* its parent is larger than it */
	/* id 5 again: sound in itself, model refuses it */
	gen_record(&g, SHIM_DEF_STACK, "\x00\x05\x00", 3);
	gen_record(&g, SHIM_DEF_NOTE, "\x01\x01\x7fshort", 8);
	/* segments beyond its end */
	gen_record(&g, SHIM_DEF_MODULE_LOAD, "\x01\x01\x01\x00\x00\xff\xff\xff\x7f", 9);
	gen_record(&g, SHIM_DEF_CLOCK, "\x05\x06 and what a later version adds", 33);
	b = block_of(&g);
	definition_begin(&c, &b);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.type, 77);
	assert_int_equal(def.length, 15);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.type, SHIM_DEF_STACK);
	assert_int_equal(def.id, 5);
	assert_int_equal(definition_next(&c, &def), 1);
	assert_int_equal(def.type, SHIM_DEF_CLOCK);
	assert_int_equal(def.ticks, 5);
	assert_int_equal(def.value, 6);
	assert_int_equal(definition_next(&c, &def), 0);
	assert_int_equal(c.bad, 4);
	gen_free(&g);
}

static void cut_block_ends_with_what_was_whole(void **state)
{
	struct gen g = { 0 };
	struct definition def;
	size_t length;

	(void)state;
	gen_clock(&g, 1, 2);
	gen_note(&g, 3, 0, "some text");
	for (length = 0; length < g.defs.length; length++) {
		struct block b = { .payload = g.defs.at,
				   .header = { .payload_bytes = (uint32_t)length } };
		struct definition_cursor c;
		int result, whole = 0;

		definition_begin(&c, &b);
		while ((result = definition_next(&c, &def)) > 0)
			whole++;
		assert_int_equal(whole, length >= 4);
		assert_int_equal(result, length == 0 || length == 4 ? 0 : -1);
	}
	gen_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_reads_as_written),
		cmocka_unit_test(unknown_and_senseless_records_are_passed_over),
		cmocka_unit_test(cut_block_ends_with_what_was_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
