/* SPDX-License-Identifier: MIT */
/*
 * names.h - the stacks of a run with their names: frame ids and addresses in, functions, files and
 * lines out.
 *
 * Stands between the run's frame table (model) and the symbolizer: modules are registered when
 * first needed, every frame is looked up once, inlined functions are spread out. Reports ask here
 * for what they print and for nothing else.
 */
#ifndef OUT_NAMES_H
#define OUT_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "model/frames.h"
#include "out/emit.h"
#include "symbol/symbolize.h"
#include "util/buf.h"

struct names;

/* FRAMES and OPTIONS must outlive it. */
struct names *names_new(const struct frames *frames, const struct symbol_options *options);
void names_delete(struct names *n);

/* The functions at frame id FRAME, innermost first, at least one; *FOUND is valid as long as N. */
size_t names_frame(struct names *n, uint32_t frame, const struct symbol_frame **found);

struct names_stack {
	const struct symbol_frame **frames;   /* innermost first */
	const struct frames_module **modules; /* of each frame, never NULL */
	size_t count;
	int truncated; /* deeper frames were cut off when recording */
};

/* The stack STACK of the run with its names; valid until the next call. Stack 0 has no frames. */
const struct names_stack *names_stack(struct names *n, uint32_t stack);

/*
 * The innermost function of STACK, NULL when it has no frames. *HASH is equal for equal functions
 * of one module.
 */
const struct symbol_frame *names_innermost(struct names *n, uint32_t stack, uint64_t *hash);

/* A hash of what names_text prints of STACK: equal for stacks that look the same. */
uint64_t names_fingerprint(struct names *n, uint32_t stack);

/* Last component of a module's path; "" for NULL. */
const char *names_short_module(const char *path);

/*
 * Appends FUNCTION as text reports show it: what the demangler calls
 * std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > is std::string,
 * all else is as it is.
 */
void names_function_text(const char *function, struct buf *out);

/*
 * Appends STACK as lines "    #0 function file:line", or "function (module+0xoff)" without a line, or
 * "(module+0xoff), somewhere after symbol" where the function is unknown, each indented by INDENT spaces, at most MOST of them (0: all) and then one line that says how
 * many are left out.
 */
void names_text(struct names *n, uint32_t stack, struct buf *out, int indent, size_t most);

/* Writes STACK as member KEY: an array of frames as in the interface, innermost first. */
void names_json(struct names *n, uint32_t stack, struct emit *j, const char *key);

/* Frames that were looked up so far, and those of them for which no function was known. */
void names_counts(const struct names *n, uint64_t *asked, uint64_t *unresolved);

/* The symbolizer's notes, for reports on data quality. */
size_t names_note_count(const struct names *n);
const char *names_note(const struct names *n, size_t i);

#endif
