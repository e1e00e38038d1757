/* SPDX-License-Identifier: MIT */
/*
 * dwunit.h - the functions and inlined functions of one DWARF compilation unit, indexed by address.
 *
 * A unit's DIEs are walked once, in file order, by an own walker that knows only how long each DIE
 * is; libdw is asked for values (addresses, range lists, names) of the few DIEs that matter. That
 * is some ten times faster than libdw's tree functions, and the walk cannot go backwards, so no
 * damaged file can make it loop.
 */
#ifndef SYMBOL_DWUNIT_H
#define SYMBOL_DWUNIT_H

#include <elfutils/libdw.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/interval.h"
#include "symbol/object.h"

#define DWUNIT_NO_PARENT UINT32_MAX

/* A DW_TAG_subprogram or DW_TAG_inlined_subroutine. */
struct dwunit_function {
	void *die;       /* its bytes in the unit, for a Dwarf_Die */
	uint32_t parent; /* index of the function around it, or DWUNIT_NO_PARENT */
	int is_inlined;
	const char *linkage; /* filled by dwinfo.c when is_named */
	const char *name;
	const char *call_file;
	uint32_t call_line;
	int is_named;
};

enum dwunit_state {
	DWUNIT_UNREAD,
	DWUNIT_QUICK, /* walked, without the inside of types that can be skipped */
	DWUNIT_COMPLETE,
};

struct dwunit {
	Dwarf_Die cu;   /* the unit in the main file: ranges and line table */
	Dwarf_Die body; /* whose children are the functions: CU, or that of its split unit (.dwo) */
	const uint8_t *start; /* header of the unit of BODY, what references count from */
	const uint8_t *end;   /* behind its last byte */
	enum dwunit_state state;
	struct dwunit_function *functions;
	size_t function_count;
	size_t capacity;
	struct interval_index index; /* address -> index into functions: the innermost one */
};

/*
 * Walks UNIT (body, start and end set) as far as LEVEL asks, if that has not been done. Only ranges
 * inside the code of LAYOUT count. *BUDGET, the number of ranges that the whole file may still
 * have, is lowered; when it is used up the rest of the unit is left out.
 */
void dwunit_read(struct dwunit *unit, enum dwunit_state level, const struct object *layout,
		 uint64_t *budget);

/*
 * The innermost function at VADDR, or NULL. Reads the unit, completely where the quick walk did not
 * find one.
 */
struct dwunit_function *dwunit_find(struct dwunit *unit, uint64_t vaddr,
				    const struct object *layout, uint64_t *budget);

void dwunit_free(struct dwunit *unit);

#endif
