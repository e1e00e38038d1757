/* SPDX-License-Identifier: MIT */
/*
 * definitions.c - see definitions.h. All numbers are hostile: ids are held to what the trace can
 * have room for, and ranges of code to a sensible number.
 */
#include "model/definitions.h"

#include <stdlib.h>
#include <string.h>

#include "trace/definition.h"
#include "util/pool.h"

/* Ranges of code at one time; the kernel allows 65,530 mappings by default. */
#define RANGES_MAX        65536
/*
 * Stack ids are dense, but blocks of definitions may be missing: a table of ids is never larger
 * than these.
 */
#define STACK_IDS_SPARE   (1u << 20)
#define STACK_IDS_DAMAGED (1u << 26)

void definitions_begin(struct definitions *defs, struct process *p)
{
	*defs = (struct definitions){ .process = p, .epoch = 1 };
	defs->are_stacks_new = p->frames->stack_count == SHIM_STACK_FIRST;
	defs->memo = xcalloc(DEFINITIONS_MEMO, sizeof(*defs->memo));
	defs->no_module = frames_add_module(p->frames, "", 0, NULL, 0, p->pid);
	p->stacks = pool_grow(NULL, &defs->stacks_capacity, 2, sizeof(*p->stacks));
	p->stacks[0] = 0;
	p->stacks[1] = 1;
	p->stack_count = 2;
}

void definitions_end(struct definitions *defs)
{
	free(defs->ranges);
	free(defs->memo);
	map_free(&defs->threads);
}

/* ---- where code lies ------------------------------------------------------------------------ */

/* Place of the first range that ends behind PC. */
static size_t find_range(const struct definitions *defs, uint64_t pc)
{
	size_t low = 0, high = defs->range_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (defs->ranges[middle].end <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Code at BEGIN … END from now on; what was there is gone. Returns -1 when there are too many
 * ranges.
 */
static int add_range(struct definitions *defs, uint64_t begin, uint64_t end, uint32_t module)
{
	size_t at = find_range(defs, begin), covered = at, tail;

	defs->epoch++;
	while (covered < defs->range_count && defs->ranges[covered].begin < end)
		covered++;
	if (covered == at && defs->range_count == RANGES_MAX)
		return -1;
	defs->ranges = pool_grow(defs->ranges, &defs->ranges_capacity, defs->range_count + 1,
				 sizeof(*defs->ranges));
	tail = defs->range_count - covered;
	memmove(&defs->ranges[at + 1], &defs->ranges[covered], tail * sizeof(*defs->ranges));
	defs->ranges[at] = (struct definitions_range){ begin, end, module };
	defs->range_count = at + 1 + tail;
	return 0;
}

static void drop_ranges(struct definitions *defs, uint32_t module)
{
	size_t i, kept = 0;

	defs->epoch++;
	for (i = 0; i < defs->range_count; i++)
		if (defs->ranges[i].module != module)
			defs->ranges[kept++] = defs->ranges[i];
	defs->range_count = kept;
}

static void load_module(struct definitions *defs, struct definition *def)
{
	struct process *p = defs->process;
	struct definition_segment segment;
	struct process_module *m;

	p->modules = pool_grow(p->modules, &defs->modules_capacity, p->module_count + 1,
			       sizeof(*p->modules));
	m = &p->modules[p->module_count];
	*m = (struct process_module){
		.id = def->id, .bias = def->bias, .load_ticks = def->ticks, .unload_ticks = UINT64_MAX
	};
	m->module = frames_add_module(p->frames, def->text.bytes, def->text.length,
				      def->build_id.bytes, def->build_id.length, p->pid);
	while (definition_next_segment(def, &segment)) {
		uint64_t begin = def->bias + segment.vaddr, end = begin + segment.size;

		if (end > begin && add_range(defs, begin, end, (uint32_t)p->module_count) < 0)
			p->quality.bad_records++;
	}
	p->module_count++;
}

static void unload_module(struct definitions *defs, const struct definition *def)
{
	struct process *p = defs->process;
	size_t i;

	for (i = p->module_count; i-- > 0;) {
		if (p->modules[i].id != def->id || p->modules[i].unload_ticks != UINT64_MAX)
			continue;
		p->modules[i].unload_ticks = def->ticks;
		defs->are_stacks_new = 0;
		drop_ranges(defs, (uint32_t)i);
		return;
	}
	p->quality.bad_records++;
}

/* ---- stacks --------------------------------------------------------------------------------- */

static uint32_t find_frame(struct definitions *defs, uint64_t pc, int exact)
{
	struct process *p = defs->process;
	/*
	 * The call lies before its return address, which may be the first byte of the next module.
	 */
	uint64_t look = pc - (exact || !pc ? 0 : 1);
	size_t at = find_range(defs, look);
	const struct process_module *m;

	if (at == defs->range_count || look < defs->ranges[at].begin)
		return frames_add_frame(p->frames, defs->no_module, pc, exact);
	m = &p->modules[defs->ranges[at].module];
	return frames_add_frame(p->frames, m->module, pc - m->bias, exact);
}

static uint32_t frame_of(struct definitions *defs, uint64_t pc, int exact)
{
	uint64_t key = pc * 2 + (exact != 0);
	struct definitions_memo *memo = &defs->memo[(key ^ key >> 12) % DEFINITIONS_MEMO];

	if (memo->key != key || memo->epoch != defs->epoch)
		*memo = (struct definitions_memo){ key, find_frame(defs, pc, exact), defs->epoch };
	return memo->frame;
}

/* Makes room for stack ID in the table. Returns -1 when no sound trace could have it. */
static int make_stack_room(struct definitions *defs, uint64_t id)
{
	struct process *p = defs->process;
	uint64_t most = STACK_IDS_SPARE + 4 * defs->stack_records;

	if ((p->quality.blocks_missing || p->quality.blocks_damaged) && most < STACK_IDS_DAMAGED)
		most = STACK_IDS_DAMAGED;
	if (id >= most)
		return -1;
	if (id < p->stack_count)
		return 0;
	p->stacks = pool_grow(p->stacks, &defs->stacks_capacity, id + 1, sizeof(*p->stacks));
	memset(&p->stacks[p->stack_count], 0, (id + 1 - p->stack_count) * sizeof(*p->stacks));
	p->stack_count = id + 1;
	return 0;
}

static void add_stack(struct definitions *defs, const struct definition *def)
{
	struct process *p = defs->process;
	uint32_t parent = 0, frame;

	defs->stack_records++;
	if (make_stack_room(defs, def->id) < 0 || p->stacks[def->id]) {
		p->quality.bad_records++;
		return;
	}
	if (def->parent) {
		parent = p->stacks[def->parent];
		/*
		 * A parent that is lost: the rest of the chain is unknown, as if it had been cut
		 * off.
		 */
		if (!parent) {
			parent = SHIM_STACK_TRUNCATED;
			p->quality.bad_records++;
		}
	}
	frame = frame_of(defs, def->pc, def->exact);
	p->stacks[def->id] = defs->are_stacks_new ? frames_append_stack(p->frames, parent, frame)
						  : frames_add_stack(p->frames, parent, frame);
}

/* ---- everything else ------------------------------------------------------------------------ */

struct process_thread *definitions_thread(struct definitions *defs, uint32_t index)
{
	struct process *p = defs->process;
	int is_new;
	uint64_t *place = map_put(&defs->threads, index, &is_new);

	if (!is_new)
		return &p->threads[*place];
	*place = p->thread_count;
	p->threads = pool_grow(p->threads, &defs->threads_capacity, p->thread_count + 1,
			       sizeof(*p->threads));
	p->threads[p->thread_count] =
		(struct process_thread){ .index = index, .end_ticks = UINT64_MAX, .name = "" };
	return &p->threads[p->thread_count++];
}

static const char *keep_text(struct definitions *defs, const struct definition_text *text)
{
	return pool_strndup(defs->process->pool, text->bytes, text->length);
}

static void add_thread(struct definitions *defs, const struct definition *def)
{
	struct process *p = defs->process;
	struct process_thread *t;

	if (def->id == 0 || def->id > UINT32_MAX) {
		p->quality.bad_records++;
		return;
	}
	t = definitions_thread(defs, (uint32_t)def->id);
	if (def->type == SHIM_DEF_THREAD_END) {
		t->end_ticks = def->ticks;
		return;
	}
	if (def->text.length)
		t->name = keep_text(defs, &def->text);
	if (def->type == SHIM_DEF_THREAD_NAME)
		return;
	t->start_ticks = def->ticks;
	t->tid = def->value;
	t->creator = def->parent > UINT32_MAX ? 0 : (uint32_t)def->parent;
	t->stack = def->extra < p->stack_count ? p->stacks[def->extra] : 0;
}

static void add_mark(struct definitions *defs, const struct definition *def)
{
	struct process *p = defs->process;

	p->marks = pool_grow(p->marks, &defs->marks_capacity, p->mark_count + 1, sizeof(*p->marks));
	p->marks[p->mark_count++] = (struct process_mark){ .ticks = def->ticks,
							   .thread = (uint32_t)def->id,
							   .name = keep_text(defs, &def->text) };
}

static void add_note(struct definitions *defs, const struct definition *def)
{
	struct process *p = defs->process;

	p->notes = pool_grow(p->notes, &defs->notes_capacity, p->note_count + 1, sizeof(*p->notes));
	p->notes[p->note_count++] = (struct process_note){ .ticks = def->ticks,
							   .level = def->value > SHIM_NOTE_LOSS
									    ? SHIM_NOTE_LOSS
									    : (unsigned)def->value,
							   .text = keep_text(defs, &def->text) };
}

static void add_child(struct definitions *defs, const struct definition *def)
{
	struct process *p = defs->process;

	p->children = pool_grow(p->children, &defs->children_capacity, p->child_count + 1,
				sizeof(*p->children));
	p->children[p->child_count++] =
		(struct process_child){ .ticks = def->ticks,
					.what = def->value > 255 ? 0 : (unsigned)def->value,
					.pid = def->extra,
					.path = keep_text(defs, &def->text) };
}

static void add_switch(struct definitions *defs, const struct definition *def)
{
	struct process *p = defs->process;

	p->switches = pool_grow(p->switches, &defs->switches_capacity, p->switch_count + 1,
				sizeof(*p->switches));
	p->switches[p->switch_count++] = (struct process_switch){ def->ticks, def->value != 0 };
}

static void add_step(struct definitions *defs, const struct definition *def)
{
	struct process *p = defs->process;

	if (def->value == SHIM_STEP_EXACT || def->value > SHIM_STEP_SAMPLED) {
		p->quality.unknown_records++;
		return;
	}
	p->steps = pool_grow(p->steps, &defs->steps_capacity, p->step_count + 1, sizeof(*p->steps));
	p->steps[p->step_count++] = (struct process_step){ .ticks = def->ticks,
							   .step = (unsigned)def->value,
							   .sample_bytes = def->id,
							   .trace_bytes = def->extra };
}

static void apply(struct definitions *defs, struct definition *def)
{
	switch (def->type) {
	case SHIM_DEF_STACK:
		add_stack(defs, def);
		break;
	case SHIM_DEF_MODULE_LOAD:
		load_module(defs, def);
		break;
	case SHIM_DEF_MODULE_UNLOAD:
		unload_module(defs, def);
		break;
	case SHIM_DEF_THREAD_START:
	case SHIM_DEF_THREAD_NAME:
	case SHIM_DEF_THREAD_END:
		add_thread(defs, def);
		break;
	case SHIM_DEF_CLOCK:
		timebase_add(&defs->process->clock, def->ticks, def->value);
		break;
	case SHIM_DEF_NOTE:
		add_note(defs, def);
		break;
	case SHIM_DEF_MARK:
		add_mark(defs, def);
		break;
	case SHIM_DEF_PROCESS:
		add_child(defs, def);
		break;
	case SHIM_DEF_RECORDING:
		add_switch(defs, def);
		break;
	case SHIM_DEF_STEP:
		add_step(defs, def);
		break;
	default:
		defs->process->quality.unknown_records++;
	}
}

static void read_block(struct definitions *defs, const struct frame *f, const struct block *b)
{
	struct process *p = defs->process;
	struct definition_cursor cursor;
	struct definition def;
	int more;

	p->quality.blocks++;
	p->quality.spool_blocks += f->kind == FRAME_CHUNK;
	if (b->header.begin_mono_ns)
		timebase_add(&p->clock, b->header.begin_ticks, b->header.begin_mono_ns);
	definition_begin(&cursor, b);
	while ((more = definition_next(&cursor, &def)) > 0)
		apply(defs, &def);
	p->quality.bad_records += cursor.bad + (more < 0);
}

void definitions_read(struct definitions *defs)
{
	struct process *p = defs->process;
	const struct source *s = p->source;
	struct block block = { 0 };
	size_t i;

	for (i = 0; i < s->order_count; i++) {
		const struct frame *f = &s->frames[s->order[i]];

		if (f->block_kind != SHIM_BLOCK_DEFS)
			continue;
		if (source_read(s, f, &block, &p->quality.first_damage) == 0)
			read_block(defs, f, &block);
		else
			p->quality.blocks_damaged++;
	}
	block_free(&block);
}
