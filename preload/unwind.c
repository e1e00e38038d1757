/* SPDX-License-Identifier: MIT */
/*
 * unwind.c - see unwind.h. Where the machine has rules (unwind_arch.h) the engine is our own,
 * unwind_incremental.c. Elsewhere it is libunwind: the stack that it found is compared, from its
 * root, with the last one of this thread, and only what is new is interned. Runs in the thread
 * whose stack it is, inside the guard: libunwind may map memory and ask the loader.
 */
#include "unwind.h"

#include <errno.h>

#include "arena.h"
#include "config.h"
#include "dso.h"
#include "objects.h"
#include "shim_trace.h"
#include "stacks.h"
#include "thread.h"
#include "unwind_check.h"
#include "unwind_fallback.h"
#include "unwind_incremental.h"
#include "unwind_rules.h"

#if UNWIND_HAS_RULES

int unwind_start(void)
{
	return UNWIND_HAS_LIBUNWIND && fallback_start() ? -ENOENT : incremental_start();
}

int unwind_thread_start(struct thread *t)
{
	return incremental_thread_start(t);
}

uint32_t unwind_stack(struct thread *t, const uintptr_t *frame)
{
	return check_stack(incremental_stack(t, frame), frame);
}

void unwind_forget(void)
{
	rules_forget();
#if UNWIND_HAS_LIBUNWIND
	fallback_forget();
#endif
}

#else

/* Our own frames below the program's call: engine, unwinder, record, hook; some to spare. */
#define OWN_FRAMES 12

struct unwind_trace {
	uint32_t generation; /* stacks_generation() that ids are of */
	uint32_t count;
	uint32_t base; /* parent of the outermost frame: 0 or SHIM_STACK_TRUNCATED */
	uint32_t depth;
	uint32_t *ids;  /* of frames, root first */
	uintptr_t *pcs; /* the same frames' */
	uintptr_t *raw; /* what the engine gave, leaf first: depth + OWN_FRAMES + 1 */
};

int unwind_start(void)
{
	return fallback_start();
}

int unwind_thread_start(struct thread *t)
{
	size_t depth = config.depth, raw = depth + OWN_FRAMES + 1;
	struct unwind_trace *trace;

	if (t->trace) {
		t->trace->count = 0;
		return 0;
	}
	trace = arena_alloc(sizeof(*trace) + (depth + raw) * sizeof(uintptr_t) +
			    depth * sizeof(uint32_t));
	if (!trace)
		return -ENOMEM;
	trace->depth = (uint32_t)depth;
	trace->pcs = (uintptr_t *)(trace + 1);
	trace->raw = trace->pcs + depth;
	trace->ids = (uint32_t *)(trace->raw + raw);
	t->trace = trace;
	return 0;
}

/* Code that is not known yet was loaded without our seeing it; code of our own is no frame of the program's. */
static uint32_t node(uint32_t parent, uintptr_t pc)
{
	if (dso_is_own(pc))
		return parent;
	if (unlikely(!objects_knows(pc - 1)))
		objects_refresh();
	return stacks_node(parent, pc);
}

/*
 * The id of the COUNT frames at LEAF (leaf first) below BASE. An unload that comes to light
 * meanwhile voids the ids of the outer frames: then all are looked up again.
 */
static uint32_t intern(struct unwind_trace *trace, const uintptr_t *leaf, uint32_t count,
		       uint32_t base)
{
	uint32_t at = 0, id, i;

again:
	if (trace->generation != stacks_generation() || trace->base != base) {
		trace->generation = stacks_generation();
		trace->base = base;
		trace->count = 0;
	}
	for (at = 0; at < count && at < trace->count && trace->pcs[at] == leaf[count - 1 - at]; at++)
		;
	id = at ? trace->ids[at - 1] : base;
	for (i = at; i < count; i++) {
		trace->pcs[i] = leaf[count - 1 - i];
		id = node(id, trace->pcs[i]);
		trace->ids[i] = id;
	}
	trace->count = count;
	if (unlikely(trace->generation != stacks_generation()))
		goto again;
	return id;
}

uint32_t unwind_stack(struct thread *t, const uintptr_t *frame)
{
	struct unwind_trace *trace = t->trace;
	size_t count, own;
	uint32_t base = 0, id;
	int saved = errno;

	count = fallback_walk(trace->raw, (size_t)trace->depth + OWN_FRAMES + 1);
	for (own = 0; own < count && own < OWN_FRAMES && trace->raw[own] != frame[1]; own++)
		;
	if (own == count || own == OWN_FRAMES) {
		/* no engine, or it lost its way in our own frames */
		trace->raw[0] = frame[1];
		own = 0;
		count = 1;
		base = SHIM_STACK_TRUNCATED;
	}
	count -= own;
	if (count > trace->depth) {
		count = trace->depth;
		base = SHIM_STACK_TRUNCATED;
	}
	id = intern(trace, trace->raw + own, (uint32_t)count, base);
	errno = saved;
	return id;
}

void unwind_forget(void)
{
	fallback_forget();
}

#endif
