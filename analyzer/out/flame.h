/* SPDX-License-Identifier: MIT */
/*
 * flame.h - a tree of weighted stacks: what every flame graph is drawn from.
 *
 * Stacks are added with their outermost frame first; equal prefixes share nodes. flame_finish
 * orders and totals the tree, after which it is read-only and the writers (flame_folded.h,
 * flame_svg.h, flame_html.h) can walk it. The order depends on the names alone, never on the order
 * in which stacks came. Nothing here recurses: depth is input.
 */
#ifndef OUT_FLAME_H
#define OUT_FLAME_H

#include <stddef.h>
#include <stdint.h>

#define FLAME_ROOT 0u
#define FLAME_NONE UINT32_MAX

struct flame_label {
	const char *text;   /* the frame's name */
	const char *module; /* short name of its module, "" when it has none */
	uint64_t hash;
	uint32_t next; /* private: chain of equal hashes */
};

struct flame_node {
	uint64_t self;  /* weight of the stacks that end here */
	uint64_t total; /* self and everything above */
	uint32_t label; /* index into labels; FLAME_NONE for the root */
	uint32_t parent;
	uint32_t first; /* first child, FLAME_NONE */
	uint32_t next;  /* next sibling, FLAME_NONE */
	uint32_t depth; /* root 0 */
};

/* Read-only for users. */
struct flame {
	struct flame_label *labels;
	size_t label_count, label_capacity;
	struct flame_node *nodes; /* [FLAME_ROOT] is the root */
	size_t node_count, node_capacity;
	uint32_t deepest;
	struct flame_private *own;
};

struct flame *flame_new(void);
void flame_delete(struct flame *f);

/* The label for (TEXT, MODULE), which are copied. */
uint32_t flame_label(struct flame *f, const char *text, const char *module);

/* Adds WEIGHT at the stack LABELS[DEPTH], outermost first. Weight 0 adds nothing. */
void flame_add(struct flame *f, const uint32_t *labels, size_t depth, uint64_t weight);

/* Totals the tree and sorts siblings by name, then module. Call once, after the last flame_add. */
void flame_finish(struct flame *f);

/*
 * Walks the finished tree, parents before children, siblings in order. Start with FLAME_ROOT;
 * returns the node after NODE, or FLAME_NONE. With SKIP nonzero the subtree of NODE is left out.
 */
uint32_t flame_next(const struct flame *f, uint32_t node, int skip);

/* What a picture needs to know besides the tree. Texts are not owned. */
struct flame_view {
	const char *title;    /* "peak memory of python3" */
	const char *subtitle; /* the command line, or "" */
	const char *unit;     /* "bytes" or "allocations" */
	const char *cost;     /* name of the cost, as given to --cost */
	int is_estimate;      /* weights are of a sample: "~" before each */
};

/*
 * "1.20MB" for bytes, "1234" plus the unit for all others; "~" before an estimate. OUT holds at least 48 bytes; returns
 * OUT.
 */
const char *flame_amount(char *out, const struct flame_view *view, uint64_t weight);

/*
 * FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/). The pictures' colours come from it.
 */
uint64_t flame_hash(const char *text);

#endif
