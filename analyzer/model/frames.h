/* SPDX-License-Identifier: MIT */
/*
 * frames.h - modules, code addresses and call stacks of a whole run, the same in all its processes:
 * what is equal in two processes (same module, same place in it) is one frame here, and equal
 * chains are one stack. Ids are dense and start as in the format: stack 0 = none taken, 1 = "deeper
 * frames were cut off".
 */
#ifndef MODEL_FRAMES_H
#define MODEL_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#define FRAMES_NO_MODULE UINT32_MAX
/* Path of the module that the one frame of a lost stack is in; no file has this name. */
#define FRAMES_LOST_PATH "[stack lost]"

struct frames_module {
	/* as the process had it; "[vdso]"; "" for code outside any module (JIT) */
	const char *path;
	const uint8_t *build_id; /* raw, NULL when it has none */
	size_t build_id_bytes;
	uint64_t pid;     /* of path "": whose code it is (for /tmp/perf-PID.map); else 0 */
	uint64_t content; /* hash of path and build id */
};

struct frames_frame {
	uint64_t vaddr;  /* pc - load bias; of modules with path "": pc */
	uint32_t module; /* index in modules */
	uint8_t exact;   /* 0: a return address, look up vaddr - 1 */
};

struct frames_stack {
	/* caller's stack: 0 none, 1 cut off, else the smaller id of the chain of callers */
	uint32_t parent;
	uint32_t frame;            /* innermost frame; undefined for stacks 0 and 1 */
	uint32_t depth : 31;       /* number of frames */
	uint32_t is_truncated : 1; /* deeper frames were cut off */
	uint32_t content; /* hash of what the stack is, the same in every run: for quick order */
};

struct frames {
	struct frames_module *modules;
	size_t module_count;
	struct frames_frame *frames;
	size_t frame_count;
	struct frames_stack *stacks;
	size_t stack_count;         /* ids below this exist; at least 2 */
	uint32_t lost_stack;        /* private: 0 until it is asked for */
	struct frames_index *index; /* private */
};

struct frames *frames_new(void);
void frames_delete(struct frames *f);

/* Id of a module, made when new. PID counts only for path "". */
uint32_t frames_add_module(struct frames *f, const char *path, size_t length, const void *build_id,
			   size_t build_id_bytes, uint64_t pid);
uint32_t frames_add_frame(struct frames *f, uint32_t module, uint64_t vaddr, int exact);
/* Id of the stack FRAME called from PARENT (an id of this table). */
uint32_t frames_add_stack(struct frames *f, uint32_t parent, uint32_t frame);
/*
 * The same for a stack that the caller knows to be new: not looked up, which most traces never
 * need.
 */
uint32_t frames_append_stack(struct frames *f, uint32_t parent, uint32_t frame);

/* The stack that stands for all whose definition is missing: one frame in FRAMES_LOST_PATH. */
uint32_t frames_lost_stack(struct frames *f);

/* Number of frames of STACK. */
static inline unsigned frames_depth(const struct frames *f, uint32_t stack)
{
	return f->stacks[stack].depth;
}

/* 1 when deeper frames of STACK were cut off. */
static inline int frames_is_truncated(const struct frames *f, uint32_t stack)
{
	return f->stacks[stack].is_truncated;
}

/*
 * Order of two stacks by content (modules by path and build id, addresses in them), never by id:
 * below 0, 0, above 0. The same in every run and in no other way meaningful: what ties are broken by.
 */
int frames_compare(const struct frames *f, uint32_t a, uint32_t b);

#endif
