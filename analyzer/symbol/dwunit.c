/* SPDX-License-Identifier: MIT */
/*
 * dwunit.c - see dwunit.h. Sections 7.5.2 to 7.5.6 of DWARF 5 (and the same of 2 to 4): a unit is a
 * sequence of DIEs, each an abbreviation code and attribute values; a code of 0 ends a list of
 * children.
 *
 * Abbreviations are compiled to a few skip operations each. Everything is bounds-checked against
 * the unit's end; at the first thing that makes no sense the walk stops and what was found so far
 * is used.
 */
#include "symbol/dwunit.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "util/pool.h"

#define MOST_ABBREV_CODE 65535
#define MOST_ATTRIBUTES  128
#define MOST_DEPTH       2048
#define MOST_DIE_RANGES  65536

enum skip_kind {
	SKIP_FIXED, /* bytes */
	SKIP_LEB,
	SKIP_STRING,
	SKIP_BLOCK,   /* a length of `bytes` bytes (0: LEB128), then as many bytes */
	SKIP_SIBLING, /* a reference of `bytes` bytes (0: LEB128) to the next DIE on this level */
	SKIP_INDIRECT,
	SKIP_UNKNOWN,
};

struct skip {
	uint8_t kind;
	uint16_t bytes;
};

struct abbrev {
	uint32_t first; /* of its operations */
	uint16_t count;
	uint16_t tag;
	uint8_t has_children;
	uint8_t has_code; /* has an address or a range list */
	uint8_t is_known;
};

struct walk {
	struct dwunit *unit;
	const struct object *layout;
	uint64_t *budget;
	Dwarf_Half version;
	uint8_t address_bytes;
	uint8_t offset_bytes;
	enum dwunit_state level;
	struct abbrev *abbrevs; /* by code */
	size_t abbrev_count;
	size_t abbrev_capacity;
	struct skip *skips;
	size_t skip_count;
	size_t skip_capacity;
	struct interval_list ranges;
	const uint8_t *at;      /* next unread byte */
	const uint8_t *sibling; /* of the DIE just skipped, or NULL */
};

static struct skip skip_of(const struct walk *w, unsigned int form)
{
	switch (form) {
	case DW_FORM_flag_present:
	case DW_FORM_implicit_const:
		return (struct skip){ SKIP_FIXED, 0 };
	case DW_FORM_addr:
		return (struct skip){ SKIP_FIXED, w->address_bytes };
	case DW_FORM_data1:
	case DW_FORM_ref1:
	case DW_FORM_flag:
	case DW_FORM_strx1:
	case DW_FORM_addrx1:
		return (struct skip){ SKIP_FIXED, 1 };
	case DW_FORM_data2:
	case DW_FORM_ref2:
	case DW_FORM_strx2:
	case DW_FORM_addrx2:
		return (struct skip){ SKIP_FIXED, 2 };
	case DW_FORM_strx3:
	case DW_FORM_addrx3:
		return (struct skip){ SKIP_FIXED, 3 };
	case DW_FORM_data4:
	case DW_FORM_ref4:
	case DW_FORM_strx4:
	case DW_FORM_addrx4:
	case DW_FORM_ref_sup4:
		return (struct skip){ SKIP_FIXED, 4 };
	case DW_FORM_data8:
	case DW_FORM_ref8:
	case DW_FORM_ref_sig8:
	case DW_FORM_ref_sup8:
		return (struct skip){ SKIP_FIXED, 8 };
	case DW_FORM_data16:
		return (struct skip){ SKIP_FIXED, 16 };
	case DW_FORM_ref_addr:
		return (struct skip){ SKIP_FIXED,
				      w->version < 3 ? w->address_bytes : w->offset_bytes };
	case DW_FORM_strp:
	case DW_FORM_line_strp:
	case DW_FORM_strp_sup:
	case DW_FORM_sec_offset:
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_GNU_strp_alt:
		return (struct skip){ SKIP_FIXED, w->offset_bytes };
	case DW_FORM_sdata:
	case DW_FORM_udata:
	case DW_FORM_ref_udata:
	case DW_FORM_strx:
	case DW_FORM_addrx:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index:
	case DW_FORM_GNU_str_index:
		return (struct skip){ SKIP_LEB, 0 };
	case DW_FORM_string:
		return (struct skip){ SKIP_STRING, 0 };
	case DW_FORM_block1:
		return (struct skip){ SKIP_BLOCK, 1 };
	case DW_FORM_block2:
		return (struct skip){ SKIP_BLOCK, 2 };
	case DW_FORM_block4:
		return (struct skip){ SKIP_BLOCK, 4 };
	case DW_FORM_block:
	case DW_FORM_exprloc:
		return (struct skip){ SKIP_BLOCK, 0 };
	case DW_FORM_indirect:
		return (struct skip){ SKIP_INDIRECT, 0 };
	default:
		return (struct skip){ SKIP_UNKNOWN, 0 };
	}
}

static void add_skip(struct walk *w, struct abbrev *a, struct skip skip)
{
	struct skip *last = a->count ? &w->skips[w->skip_count - 1] : NULL;

	if (last && last->kind == SKIP_FIXED && skip.kind == SKIP_FIXED) {
		/* At most MOST_ATTRIBUTES * 16. */
		last->bytes = (uint16_t)(last->bytes + skip.bytes);
		return;
	}
	w->skips = pool_grow(w->skips, &w->skip_capacity, w->skip_count + 1, sizeof(*w->skips));
	w->skips[w->skip_count++] = skip;
	a->count++;
}

static struct abbrev compile_abbrev(struct walk *w, Dwarf_Abbrev *from)
{
	struct abbrev a = { .first = (uint32_t)w->skip_count };
	size_t i;

	a.tag = (uint16_t)dwarf_getabbrevtag(from);
	a.has_children = dwarf_abbrevhaschildren(from) > 0;
	for (i = 0; i < MOST_ATTRIBUTES; i++) {
		unsigned int name, form;
		struct skip skip;

		/*
		 * Fails behind the last one (dwarf_getattrcnt counts constants of
		 * DW_FORM_implicit_const twice).
		 */
		if (dwarf_getabbrevattr_data(from, i, &name, &form, NULL, NULL)) {
			a.is_known = 1;
			break;
		}
		skip = skip_of(w, form);
		if (name == DW_AT_low_pc || name == DW_AT_ranges)
			a.has_code = 1;
		if (name == DW_AT_sibling &&
		    (form == DW_FORM_ref1 || form == DW_FORM_ref2 || form == DW_FORM_ref4 ||
		     form == DW_FORM_ref8 || form == DW_FORM_ref_udata))
			skip.kind = SKIP_SIBLING;
		add_skip(w, &a, skip);
	}
	return a;
}

/* Compiles the unit's abbreviations. Returns 0, or -1 if they cannot be read. */
static int compile_abbrevs(struct walk *w)
{
	Dwarf_Off offset = 0;
	size_t length, old;
	unsigned int code;

	for (;;) {
		Dwarf_Abbrev *from = dwarf_getabbrev(&w->unit->body, offset, &length);

		if (from == DWARF_END_ABBREV)
			return 0;
		if (!from || length == 0)
			return -1;
		code = dwarf_getabbrevcode(from);
		if (code > MOST_ABBREV_CODE)
			return -1;
		if (code >= w->abbrev_count) {
			old = w->abbrev_capacity;
			w->abbrevs = pool_grow(w->abbrevs, &w->abbrev_capacity, code + 1,
					       sizeof(*w->abbrevs));
			memset(w->abbrevs + old, 0, (w->abbrev_capacity - old) * sizeof(*w->abbrevs));
			w->abbrev_count = code + 1;
		}
		/*
		 * A code that is defined twice: libdw keeps the first definition, and so must the
		 * walker.
		 */
		if (!w->abbrevs[code].is_known)
			w->abbrevs[code] = compile_abbrev(w, from);
		offset += length;
	}
}

static uint64_t left(const struct walk *w)
{
	return (uint64_t)(w->unit->end - w->at);
}

static int read_leb(struct walk *w, uint64_t *value)
{
	unsigned int shift = 0;

	*value = 0;
	while (w->at < w->unit->end) {
		uint8_t byte = *w->at++;

		if (shift < 64)
			*value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (!(byte & 0x80))
			return 0;
	}
	return -1;
}

/* Reads BYTES bytes (0: LEB128) in the host's order, which is the file's. */
static int read_number(struct walk *w, unsigned int bytes, uint64_t *value)
{
	uint8_t one;
	uint16_t two;
	uint32_t four;

	if (bytes == 0)
		return read_leb(w, value);
	if (left(w) < bytes)
		return -1;
	if (bytes == 1) {
		memcpy(&one, w->at, 1);
		*value = one;
	} else if (bytes == 2) {
		memcpy(&two, w->at, 2);
		*value = two;
	} else if (bytes == 4) {
		memcpy(&four, w->at, 4);
		*value = four;
	} else {
		memcpy(value, w->at, 8);
	}
	w->at += bytes;
	return 0;
}

static int skip_value(struct walk *w, struct skip skip)
{
	const uint8_t *zero;
	uint64_t number;

	switch (skip.kind) {
	case SKIP_FIXED:
		if (left(w) < skip.bytes)
			return -1;
		w->at += skip.bytes;
		return 0;
	case SKIP_LEB:
		return read_leb(w, &number);
	case SKIP_STRING:
		zero = memchr(w->at, 0, left(w));
		if (!zero)
			return -1;
		w->at = zero + 1;
		return 0;
	case SKIP_BLOCK:
		if (read_number(w, skip.bytes, &number) || number > left(w))
			return -1;
		w->at += number;
		return 0;
	case SKIP_SIBLING:
		if (read_number(w, skip.bytes, &number))
			return -1;
		if (number < (uint64_t)(w->unit->end - w->unit->start))
			w->sibling = w->unit->start + number;
		return 0;
	case SKIP_INDIRECT:
		if (read_leb(w, &number) || number == DW_FORM_indirect ||
		    number == DW_FORM_implicit_const || number > UINT16_MAX)
			return -1;
		return skip_value(w, skip_of(w, (unsigned int)number));
	default:
		return -1;
	}
}

static int skip_attributes(struct walk *w, const struct abbrev *a)
{
	size_t i;

	w->sibling = NULL;
	for (i = 0; i < a->count; i++)
		if (skip_value(w, w->skips[a->first + i]))
			return -1;
	return 0;
}

/* Adds the address ranges of function FUNCTION at nesting depth DEPTH. */
static void add_ranges(struct walk *w, uint32_t function, unsigned int depth)
{
	Dwarf_Die die = { .addr = w->unit->functions[function].die, .cu = w->unit->body.cu };
	Dwarf_Addr base, lo, hi;
	ptrdiff_t offset = 0;
	unsigned int count;

	for (count = 0; count < MOST_DIE_RANGES && *w->budget; count++) {
		offset = dwarf_ranges(&die, offset, &base, &lo, &hi);
		if (offset <= 0)
			return;
		--*w->budget;
		/*
		 * Code that the linker dropped is left at address 0 (or at -1, where no code is
		 * either).
		 */
		if (lo != 0 && object_code_at(w->layout, lo))
			interval_add(&w->ranges, lo, hi, depth, function);
	}
}

static uint32_t add_function(struct walk *w, const uint8_t *die, const struct abbrev *a,
			     uint32_t parent, unsigned int depth)
{
	struct dwunit *u = w->unit;
	uint32_t function = (uint32_t)u->function_count;

	u->functions = pool_grow(u->functions, &u->capacity, u->function_count + 1,
				 sizeof(*u->functions));
	u->functions[u->function_count++] = (struct dwunit_function){
		.die = (void *)die,
		.parent = parent,
		.is_inlined = a->tag == DW_TAG_inlined_subroutine,
	};
	if (a->has_code)
		add_ranges(w, function, depth);
	return function;
}

/*
 * Whether a DIE's children can be left out of the quick walk. Functions defined inside a type (a
 * Rust method, a class local to a function) are then missed; their addresses are found to belong to
 * no function, and the unit is walked again.
 */
static int is_skippable(const struct walk *w, const struct abbrev *a)
{
	switch (a->tag) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_subroutine_type:
	case DW_TAG_array_type:
		return w->level == DWUNIT_QUICK;
	case DW_TAG_subprogram: /* a declaration or the abstract form of an inlined function */
		return w->level == DWUNIT_QUICK && !a->has_code;
	default:
		return 0;
	}
}

static void walk_dies(struct walk *w)
{
	uint32_t around[MOST_DEPTH]; /* the function around the DIEs of each depth */
	unsigned int depth = 0;
	const struct abbrev *a;
	const uint8_t *die;
	uint64_t code;

	around[0] = DWUNIT_NO_PARENT;
	w->at = w->unit->body.addr;
	for (;;) {
		uint32_t function = around[depth];

		die = w->at;
		if (w->at >= w->unit->end || read_leb(w, &code))
			return;
		if (code == 0) {
			if (depth <= 1)
				return;
			depth--;
			continue;
		}
		if (code >= w->abbrev_count || !w->abbrevs[code].is_known)
			return;
		a = &w->abbrevs[code];
		if (skip_attributes(w, a))
			return;
		if (a->tag == DW_TAG_inlined_subroutine ||
		    (a->tag == DW_TAG_subprogram && a->has_code))
			function = add_function(w, die, a, function, depth);
		else if (a->tag == DW_TAG_subprogram)
			function = DWUNIT_NO_PARENT;
		if (a->has_children && w->sibling && w->sibling > w->at && is_skippable(w, a)) {
			w->at = w->sibling;
		} else if (a->has_children) {
			if (depth + 1 == MOST_DEPTH)
				return;
			around[++depth] = function;
		} else if (depth == 0) {
			return;
		}
	}
}

void dwunit_read(struct dwunit *u, enum dwunit_state level, const struct object *layout,
		 uint64_t *budget)
{
	struct walk w = { .unit = u, .layout = layout, .budget = budget, .level = level };

	if (u->state >= level)
		return;
	u->state = level;
	free(u->functions);
	u->functions = NULL;
	u->function_count = u->capacity = 0;
	if (!u->start || dwarf_cu_info(u->body.cu, &w.version, NULL, NULL, NULL, NULL,
				       &w.address_bytes, &w.offset_bytes))
		return;
	if (compile_abbrevs(&w) == 0)
		walk_dies(&w);
	interval_build(&u->index, &w.ranges);
	interval_list_free(&w.ranges);
	free(w.abbrevs);
	free(w.skips);
}

struct dwunit_function *dwunit_find(struct dwunit *u, uint64_t vaddr, const struct object *layout,
				    uint64_t *budget)
{
	uint32_t found;

	dwunit_read(u, DWUNIT_QUICK, layout, budget);
	found = interval_find(&u->index, vaddr);
	if (found == INTERVAL_NONE && u->state < DWUNIT_COMPLETE) {
		dwunit_read(u, DWUNIT_COMPLETE, layout, budget);
		found = interval_find(&u->index, vaddr);
	}
	return found == INTERVAL_NONE ? NULL : &u->functions[found];
}

void dwunit_free(struct dwunit *u)
{
	free(u->functions);
	interval_free(&u->index);
}
