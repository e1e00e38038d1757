/* SPDX-License-Identifier: MIT */
/*
 * test_process.c - what a trace says about its process: modules of each time, threads, clock,
 * marks, and bad records.
 */
#include "../gen/trace_fixture.h"

#define T0 1000000

static const struct frames_frame *frame_of(const struct process *p, uint32_t stack)
{
	return &p->frames->frames[p->frames->stacks[process_stack(p, stack)].frame];
}

static const char *path_of(const struct process *p, uint32_t stack)
{
	return p->frames->modules[frame_of(p, stack)->module].path;
}

static struct run *load(struct gen *g)
{
	gen_end(g, "exit");
	assert_int_equal(gen_write(g, fixture_path), 0);
	return fixture_run();
}

static void code_keeps_the_module_of_its_time(void **state)
{
	struct process *p;
	struct run *run;
	struct gen g;

	(void)state;
	gen_begin(&g, 1, NULL);
	gen_module(&g, 1, T0, 0x10000, "/lib/first.so", "\x11", 0x1000, 0x1000);
	gen_stack(&g, 2, 0, 0x11500, 0);
	gen_unload(&g, 1, T0 + 10);
	gen_stack(&g, 3, 0, 0x11500, 0);
	gen_module(&g, 2, T0 + 20, 0x10800, "/lib/second.so", "\x22", 0x800, 0x1000);
	gen_stack(&g, 4, 0, 0x11500, 0);
	/* a return address at the first byte: the call is before it */
	gen_stack(&g, 5, 0, 0x11000, 0);
	gen_stack(&g, 6, 0, 0x11000, 1);
	gen_stack(&g, 7, 0, 0x12000, 0); /* behind the last byte: the call is the last */
	gen_stack(&g, 8, 4, 0x11500, 0);
	gen_defs(&g, 0);
	run = load(&g);
	p = run->processes[0];
	assert_string_equal(path_of(p, 2), "/lib/first.so");
	assert_int_equal(frame_of(p, 2)->vaddr, 0x1500);
	assert_string_equal(path_of(p, 3), "");
	assert_int_equal(frame_of(p, 3)->vaddr, 0x11500);
	assert_string_equal(path_of(p, 4), "/lib/second.so");
	assert_int_equal(frame_of(p, 4)->vaddr, 0xd00);
	assert_string_equal(path_of(p, 5), "");
	assert_string_equal(path_of(p, 6), "/lib/second.so");
	assert_int_equal(frame_of(p, 6)->exact, 1);
	assert_string_equal(path_of(p, 7), "/lib/second.so");
	assert_int_equal(frames_depth(p->frames, process_stack(p, 8)), 2);
	assert_int_equal(p->frames->stacks[process_stack(p, 8)].parent, process_stack(p, 4));
	assert_int_equal(p->module_count, 2);
	assert_int_equal(p->modules[0].unload_ticks, T0 + 10);
	assert_int_equal(p->quality.bad_records, 0);
	run_close(run);
	gen_free(&g);
}

static void equal_stacks_of_two_epochs_are_one(void **state)
{
	struct process *p;
	struct run *run;
	struct gen g;

	(void)state;
	gen_begin(&g, 1, NULL);
	gen_module(&g, 1, T0, 0x10000, "/lib/plugin.so", "\x11", 0, 0x1000);
	gen_stack(&g, 2, 0, 0x10500, 0);
	gen_unload(&g, 1, T0 + 10);
	gen_module(&g, 2, T0 + 20, 0x70000, "/lib/plugin.so", "\x11", 0, 0x1000);
	gen_stack(&g, 3, 0, 0x70500, 0);
	gen_module(&g, 3, T0 + 30, 0x90000, "/lib/plugin.so", "\x12", 0, 0x1000); /* rebuilt */
	gen_stack(&g, 4, 0, 0x90500, 0);
	gen_defs(&g, 0);
	run = load(&g);
	p = run->processes[0];
	assert_int_equal(process_stack(p, 2), process_stack(p, 3));
	assert_int_not_equal(process_stack(p, 2), process_stack(p, 4));
	run_close(run);
	gen_free(&g);
}

static void facts_threads_marks_and_notes(void **state)
{
	const struct shim_row row = ROW(T0 + 500, ALLOC, MALLOC, 0x10, 1, 0);
	const char *const extra[] = { "cpu", "Test CPU", "cores", "64", NULL };
	struct process *p;
	struct run *run;
	struct gen g;

	(void)state;
	gen_begin(&g, 1, extra);
	gen_thread(&g, 5, T0 + 1, 900, "five");
	gen_thread(&g, 1, T0, 899, "main");
	gen_thread_end(&g, 5, T0 + 50);
	gen_mark(&g, T0 + 300, 1, "late");
	gen_mark(&g, T0 + 100, 1, "early");
	gen_note(&g, T0, SHIM_NOTE_WARNING, "depth 3 is small");
	gen_process(&g, T0 + 9, SHIM_PROCESS_EXEC, 901, "/bin/true");
	gen_defs(&g, 0);
	gen_block(&g, 3, &row, 1, SHIM_LAYOUT_ROWS); /* a thread that nobody introduced */
	run = load(&g);
	p = run->processes[0];
	assert_int_equal(p->pid, 4242);
	assert_string_equal(p->program, "app");
	assert_int_equal(p->argument_count, 3);
	assert_string_equal(p->arguments[1], "-x");
	assert_string_equal(process_fact(p, "cpu", "?"), "Test CPU");
	assert_string_equal(process_fact(p, "governor", "?"), "?");
	assert_int_equal(p->thread_count, 3);
	assert_int_equal(p->threads[0].tid, 899);
	assert_int_equal(p->threads[1].index, 3);
	assert_string_equal(p->threads[1].name, "");
	assert_string_equal(p->threads[2].name, "five");
	assert_int_equal(p->threads[2].end_ticks, T0 + 50);
	assert_int_equal(p->slot_count, 1);
	assert_int_equal(p->slot_thread[0], 1);
	assert_int_equal(p->mark_count, 2);
	assert_string_equal(p->marks[0].name, "early");
	assert_int_equal(p->note_count, 1);
	assert_int_equal(p->notes[0].level, SHIM_NOTE_WARNING);
	assert_int_equal(p->child_count, 1);
	assert_string_equal(p->children[0].path, "/bin/true");
	assert_int_equal(p->duration_ns, 500);
	run_close(run);
	gen_free(&g);
}

static void senseless_definitions_are_counted_and_survived(void **state)
{
	struct process *p;
	struct run *run;
	struct gen g;

	(void)state;
	gen_begin(&g, 1, NULL);
	gen_stack(&g, 2, 0, 0x1000, 0);
	gen_stack(&g, 2, 0, 0x2000, 0);           /* twice */
	gen_stack(&g, 9, 8, 0x3000, 0);           /* of an unknown parent: as if cut off there */
	gen_stack(&g, 4000000000u, 2, 0x4000, 0); /* an id that no such trace has */
	gen_unload(&g, 44, T0);                   /* never loaded */
	gen_record(&g, SHIM_DEF_THREAD_END, "\x00\x01", 2);
	gen_defs(&g, 0);
	run = load(&g);
	p = run->processes[0];
	assert_int_equal(p->quality.bad_records, 5);
	assert_int_equal(frame_of(p, 2)->vaddr, 0x1000);
	assert_int_equal(frames_is_truncated(p->frames, process_stack(p, 9)), 1);
	assert_int_equal(process_stack(p, 4000000000u), p->lost_stack);
	assert_int_equal(frames_depth(p->frames, p->lost_stack), 1);
	assert_true(p->stack_count < 100);
	assert_int_equal(run_exit_status(run), 2);
	run_close(run);
	gen_free(&g);
}

/* Adds four stacks in the order that ORDER says; STACKS gets their ids by number. */
static void add_stacks(struct frames *f, const unsigned order[4], uint32_t stacks[4])
{
	static const char *const paths[4] = { "/b", "/b", "/a", "/a" };
	static const uint64_t vaddrs[4] = { 0x10, 0x20, 0x90, 0x91 };
	unsigned i;

	for (i = 0; i < 4; i++) {
		unsigned n = order[i];
		uint32_t module = frames_add_module(f, paths[n], 2, NULL, 0, 0);
		uint32_t outer = frames_add_stack(f, n == 3 ? 1 : 0,
						  frames_add_frame(f, module, 0x5, 0));

		stacks[n] = frames_add_stack(f, outer, frames_add_frame(f, module, vaddrs[n], 0));
	}
}

static void order_of_stacks_is_by_content(void **state)
{
	static const unsigned forth[4] = { 0, 1, 2, 3 }, back[4] = { 3, 1, 2, 0 };
	struct frames *f = frames_new(), *g = frames_new();
	uint32_t x[4], y[4];
	unsigned i, j;

	(void)state;
	add_stacks(f, forth, x);
	add_stacks(g, back, y);
	assert_int_not_equal(x[0], y[0]);
	for (i = 0; i < 4; i++)
		for (j = 0; j < 4; j++) {
			assert_int_equal(frames_compare(f, x[i], x[j]),
					 frames_compare(g, y[i], y[j]));
			assert_int_equal(frames_compare(f, x[i], x[j]),
					 -frames_compare(f, x[j], x[i]));
			assert_int_equal(frames_compare(f, x[i], x[j]) == 0, i == j);
		}
	frames_delete(f);
	frames_delete(g);
}

static void equal_things_are_one(void **state)
{
	struct frames *f = frames_new();
	uint32_t a, frame, outer, inner;

	(void)state;
	a = frames_add_module(f, "/a\0junk", 7, NULL, 0, 0);
	assert_int_equal(frames_add_module(f, "/a", 2, NULL, 0, 99),
			 a); /* the pid counts for JIT code alone */
	assert_int_not_equal(frames_add_module(f, "/a", 2, "\1", 1, 0), a);
	assert_int_not_equal(frames_add_module(f, "", 0, NULL, 0, 98),
			     frames_add_module(f, "", 0, NULL, 0, 99));
	frame = frames_add_frame(f, a, 0x90, 0);
	assert_int_equal(frames_add_frame(f, a, 0x90, 0), frame);
	assert_int_not_equal(frames_add_frame(f, a, 0x90, 1), frame);
	outer = frames_append_stack(f, 0, frame);
	assert_int_equal(frames_add_stack(f, 0, frame), outer);
	inner = frames_add_stack(f, outer, frame);
	assert_int_equal(frames_add_stack(f, outer, frame), inner);
	assert_int_equal(frames_depth(f, inner), 2);
	frames_delete(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(code_keeps_the_module_of_its_time),
		TEST(equal_stacks_of_two_epochs_are_one),
		TEST(facts_threads_marks_and_notes),
		TEST(senseless_definitions_are_counted_and_survived),
		TEST(order_of_stacks_is_by_content),
		TEST(equal_things_are_one),
	};
#undef TEST
	return cmocka_run_group_tests(tests, NULL, NULL);
}
