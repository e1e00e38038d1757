/* SPDX-License-Identifier: MIT */
/*
 * dwinfo.h - the DWARF information of one module: which unit covers an address, the chain of
 * inlined functions there, their names, files and lines.
 */
#ifndef SYMBOL_DWINFO_H
#define SYMBOL_DWINFO_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/object.h"
#include "symbol/split.h"

#define DWINFO_MOST_FRAMES 256

struct dwinfo_frame {
	const char *linkage; /* mangled name, or NULL */
	const char *name;    /* DW_AT_name, or NULL */
	const char *file;    /* or NULL */
	uint32_t line;       /* 0 if unknown */
	int is_inlined;      /* into the next frame */
};

struct dwinfo;

/*
 * Over OBJECT (with a DWARF handle), which must outlive the result. SEARCH tells where split units
 * may lie.
 */
struct dwinfo *dwinfo_new(struct object *object, const struct split_search *search);
void dwinfo_delete(struct dwinfo *info);

/*
 * Fills FRAMES, innermost first, for VADDR. Returns their number, 0 if no unit covers VADDR. Where
 * a unit but no function covers it (assembly), the one frame has a file and line but no names.
 * Strings live as long as INFO.
 */
size_t dwinfo_lookup(struct dwinfo *info, uint64_t vaddr,
		     struct dwinfo_frame frames[DWINFO_MOST_FRAMES]);

/* How many split units could not be found, among those that were asked for. */
size_t dwinfo_missing_splits(const struct dwinfo *info);

#endif
