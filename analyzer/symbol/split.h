/* SPDX-License-Identifier: MIT */
/*
 * split.h - split DWARF (-gsplit-dwarf): the unit with the functions lies in a .dwo file or in a
 * .dwp package, the program itself has only a skeleton with addresses and lines.
 */
#ifndef SYMBOL_SPLIT_H
#define SYMBOL_SPLIT_H

#include <elfutils/libdw.h>
#include <stddef.h>

#include "symbol/object.h"

struct split_search {
	const char *sysroot; /* or NULL */
	const char *const *debug_paths;
	size_t debug_path_count;
	const char *module_path; /* where MODULE.dwp may lie beside it */
};

struct split;

/* For the skeleton units of OBJECT; both arguments must outlive the result. */
struct split *split_new(struct object *object, const struct split_search *search);
void split_delete(struct split *split);

/*
 * The unit DIE that SKELETON stands for, in *BODY. Returns 1, 0 if SKELETON is no skeleton (*BODY
 * is a copy of it), or -1 if its .dwo was not found. The unit belongs to a Dwarf handle that lives
 * as long as SPLIT.
 */
int split_find(struct split *split, Dwarf_Die *skeleton, Dwarf_Die *body);

#endif
