/* SPDX-License-Identifier: MIT */
/*
 * dwinfo.c - see dwinfo.h. Units are found through an index over all units' own ranges;
 * .debug_aranges is not used, since clang and rustc do not write it. Units that state no ranges
 * (some assemblers, some old compilers) are walked only when an address is in none of the others.
 */
#include "symbol/dwinfo.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/dwunit.h"
#include "util/map.h"
#include "util/pool.h"

#define MOST_UNITS       (2u << 20)
#define MOST_UNIT_RANGES (1u << 20)
#define MOST_ORIGINS     16 /* links from a DIE to the one with its name; real chains have three */
#define MOST_TEXT_BYTES  (64u << 10)

struct dwinfo {
	struct object *object;
	struct split *split;
	struct dwunit *units;
	size_t unit_count;
	size_t unit_capacity;
	struct interval_list ranges; /* of the units; kept to add those of units without ranges */
	struct interval_index index; /* address -> unit */
	int has_unranged_read;
	uint64_t budget; /* ranges still allowed, see dwunit_read */
	size_t missing_splits;
	struct map paths; /* address of a relative path -> the full path, in POOL */
	struct pool *pool;
};

/*
 * Several units can claim one address (copies of inline functions that the linker merged): the
 * first one has it.
 */
static uint32_t unit_priority(size_t unit)
{
	return UINT32_MAX - (uint32_t)unit;
}

static void add_unit_ranges(struct dwinfo *info, size_t unit)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t offset = 0;
	unsigned int count;

	for (count = 0; count < MOST_UNIT_RANGES && info->budget; count++) {
		offset = dwarf_ranges(&info->units[unit].cu, offset, &base, &lo, &hi);
		if (offset <= 0)
			return;
		info->budget--;
		if (lo != 0 && object_code_at(info->object, lo))
			interval_add(&info->ranges, lo, hi, unit_priority(unit), (uint32_t)unit);
	}
}

static void read_units(struct dwinfo *info)
{
	Dwarf_Off offset = 0, next, abbrevs;
	size_t header_bytes;
	uint8_t address_bytes, offset_bytes;
	Dwarf_Half version;

	while (info->unit_count < MOST_UNITS &&
	       dwarf_next_unit(info->object->dwarf, offset, &next, &header_bytes, &version,
			       &abbrevs, &address_bytes, &offset_bytes, NULL, NULL) == 0) {
		struct dwunit unit = { .state = DWUNIT_UNREAD };

		if (next <= offset || header_bytes >= next - offset)
			break;
		if (dwarf_offdie(info->object->dwarf, offset + header_bytes, &unit.cu) &&
		    (dwarf_tag(&unit.cu) == DW_TAG_compile_unit ||
		     dwarf_tag(&unit.cu) == DW_TAG_skeleton_unit)) {
			unit.body = unit.cu;
			unit.start = (const uint8_t *)unit.cu.addr - header_bytes;
			unit.end = unit.start + (next - offset);
			info->units = pool_grow(info->units, &info->unit_capacity,
						info->unit_count + 1, sizeof(*info->units));
			info->units[info->unit_count++] = unit;
			add_unit_ranges(info, info->unit_count - 1);
		}
		offset = next;
	}
	interval_build(&info->index, &info->ranges);
}

struct dwinfo *dwinfo_new(struct object *object, const struct split_search *search)
{
	struct dwinfo *info = xcalloc(1, sizeof(*info));

	info->object = object;
	info->pool = pool_new();
	/*
	 * Every range takes bytes of the file, even when the file is compressed; without a bound,
	 * few could be many.
	 */
	info->budget = (1u << 20) + object->file_bytes;
	info->split = split_new(object, search);
	read_units(info);
	return info;
}

void dwinfo_delete(struct dwinfo *info)
{
	size_t i;

	if (!info)
		return;
	for (i = 0; i < info->unit_count; i++)
		dwunit_free(&info->units[i]);
	free(info->units);
	interval_list_free(&info->ranges);
	interval_free(&info->index);
	split_delete(info->split);
	map_free(&info->paths);
	pool_delete(info->pool);
	free(info);
}

/* The extent in memory of the unit that BODY, of a split file, is the DIE of. */
static void set_split_extent(struct dwunit *unit)
{
	Dwarf *dwarf = dwarf_cu_getdwarf(unit->body.cu);
	Dwarf_Off offset = 0, next, abbrevs, wanted = dwarf_dieoffset(&unit->body);
	size_t header_bytes;
	uint8_t address_bytes, offset_bytes;
	Dwarf_Half version;

	unit->start = unit->end = NULL;
	while (dwarf_next_unit(dwarf, offset, &next, &header_bytes, &version, &abbrevs,
			       &address_bytes, &offset_bytes, NULL, NULL) == 0) {
		if (next <= offset || header_bytes >= next - offset)
			return;
		if (offset + header_bytes == wanted) {
			unit->start = (const uint8_t *)unit->body.addr - header_bytes;
			unit->end = unit->start + (next - offset);
			return;
		}
		offset = next;
	}
}

/* Makes unit UNIT ready for dwunit_find: finds its split unit before it is first walked. */
static struct dwunit *prepare(struct dwinfo *info, size_t unit)
{
	struct dwunit *u = &info->units[unit];
	int found;

	if (u->state != DWUNIT_UNREAD)
		return u;
	found = split_find(info->split, &u->cu, &u->body);
	if (found > 0)
		set_split_extent(u);
	else if (found < 0)
		info->missing_splits++;
	return u;
}

/* Adds the functions of all units that state no ranges to the index of units. */
static void read_unranged(struct dwinfo *info)
{
	uint8_t *has_ranges = xcalloc(info->unit_count, 1);
	size_t i, j, ranged = info->ranges.count;

	for (i = 0; i < ranged; i++)
		has_ranges[info->ranges.items[i].value] = 1;
	for (i = 0; i < info->unit_count; i++) {
		struct dwunit *u = &info->units[i];

		if (has_ranges[i] || dwarf_haschildren(&u->cu) <= 0)
			continue;
		prepare(info, i);
		dwunit_read(u, DWUNIT_QUICK, info->object, &info->budget);
		for (j = 0; j < u->function_count; j++) {
			Dwarf_Die die = { .addr = u->functions[j].die, .cu = u->body.cu };
			Dwarf_Addr lo, hi;

			if (u->functions[j].parent == DWUNIT_NO_PARENT &&
			    dwarf_lowpc(&die, &lo) == 0 && dwarf_highpc(&die, &hi) == 0 && lo != 0)
				interval_add(&info->ranges, lo, hi, unit_priority(i), (uint32_t)i);
		}
	}
	free(has_ranges);
	if (info->ranges.count != ranged)
		interval_build(&info->index, &info->ranges);
}

static struct dwunit *unit_at(struct dwinfo *info, uint64_t vaddr)
{
	uint32_t unit = interval_find(&info->index, vaddr);

	if (unit == INTERVAL_NONE && !info->has_unranged_read) {
		info->has_unranged_read = 1;
		read_unranged(info);
		unit = interval_find(&info->index, vaddr);
	}
	return unit == INTERVAL_NONE ? NULL : prepare(info, unit);
}

/*
 * Whether TEXT, an inline string of a DIE, ends inside the section that it lies in. libdw does not
 * look.
 */
static int ends_in_section(Dwarf_Attribute *attribute, const char *text)
{
	static const char *const names[] = { ".debug_info", ".debug_info.dwo", ".zdebug_info",
					     ".debug_types" };
	struct object object = { .elf = dwarf_getelf(dwarf_cu_getdwarf(attribute->cu)) };
	size_t i;

	for (i = 0; object.elf && i < sizeof(names) / sizeof(names[0]); i++) {
		Elf_Data *data = object_section_data(&object, names[i]);
		const char *start = data ? data->d_buf : NULL;

		if (start && text >= start && text < start + data->d_size)
			return memchr(text, 0, data->d_size - (size_t)(text - start)) != NULL;
	}
	return 0;
}

static const char *string_of(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attribute;
	const char *text;

	if (!dwarf_attr(die, name, &attribute))
		return NULL;
	text = dwarf_formstring(&attribute);
	if (!text || (attribute.form == DW_FORM_string && !ends_in_section(&attribute, text)))
		return NULL;
	return text[0] && strnlen(text, MOST_TEXT_BYTES) < MOST_TEXT_BYTES ? text : NULL;
}

static uint32_t number_of(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word number;

	if (!dwarf_attr(die, name, &attribute) || dwarf_formudata(&attribute, &number) ||
	    number > UINT32_MAX)
		return 0;
	return (uint32_t)number;
}

/*
 * A concrete function refers to its abstract form, that to a declaration, and any of them may have
 * the name. A linkage name anywhere on the way counts more than a plain one, the nearest of a kind
 * most.
 */
static void name_function(struct dwunit_function *f, Dwarf_Die die)
{
	Dwarf_Attribute attribute;
	Dwarf_Die next;
	unsigned int i;

	for (i = 0; i < MOST_ORIGINS; i++) {
		if (!f->linkage)
			f->linkage = string_of(&die, DW_AT_linkage_name);
		if (!f->linkage)
			f->linkage = string_of(&die, DW_AT_MIPS_linkage_name);
		if (!f->name)
			f->name = string_of(&die, DW_AT_name);
		if (f->linkage)
			return;
		if (!dwarf_attr(&die, DW_AT_abstract_origin, &attribute) &&
		    !dwarf_attr(&die, DW_AT_specification, &attribute))
			return;
		if (!dwarf_formref_die(&attribute, &next))
			return;
		die = next;
	}
}

/*
 * FILE with the unit's compilation directory before it if it is relative; libdw leaves that out for
 * some tables.
 */
static const char *full_path(struct dwinfo *info, struct dwunit *u, const char *file)
{
	const char *directory;
	uint64_t *slot;
	char *joined;

	if (!file || file[0] == '/' || strnlen(file, MOST_TEXT_BYTES) == MOST_TEXT_BYTES)
		return file;
	slot = map_put(&info->paths, (uintptr_t)file, NULL);
	if (!*slot) {
		directory = string_of(&u->cu, DW_AT_comp_dir);
		joined = directory && directory[0] == '/' ? xasprintf("%s/%s", directory, file)
							  : xstrdup(file);
		*slot = (uintptr_t)pool_strndup(info->pool, joined, strlen(joined));
		free(joined);
	}
	return (const char *)(uintptr_t)*slot;
}

static const char *file_of(struct dwinfo *info, struct dwunit *u, uint32_t index)
{
	Dwarf_Files *files;
	size_t count;

	/* A split unit without a file table of its own (clang's) counts in the skeleton's. */
	if (dwarf_getsrcfiles(&u->body, &files, &count) && dwarf_getsrcfiles(&u->cu, &files, &count))
		return NULL;
	if (index >= count)
		return NULL;
	return full_path(info, u, dwarf_filesrc(files, index, NULL, NULL));
}

static void complete(struct dwinfo *info, struct dwunit *u, struct dwunit_function *f)
{
	Dwarf_Die die = { .addr = f->die, .cu = u->body.cu };

	if (f->is_named)
		return;
	f->is_named = 1;
	name_function(f, die);
	if (f->is_inlined) {
		f->call_file = file_of(info, u, number_of(&die, DW_AT_call_file));
		f->call_line = number_of(&die, DW_AT_call_line);
	}
}

static void find_line(struct dwinfo *info, struct dwunit *u, uint64_t vaddr,
		      struct dwinfo_frame *frame)
{
	Dwarf_Line *line = dwarf_getsrc_die(&u->cu, vaddr);
	int number;

	if (!line)
		return;
	frame->file = full_path(info, u, dwarf_linesrc(line, NULL, NULL));
	if (dwarf_lineno(line, &number) == 0 && number > 0)
		frame->line = (uint32_t)number;
}

size_t dwinfo_lookup(struct dwinfo *info, uint64_t vaddr,
		     struct dwinfo_frame frames[DWINFO_MOST_FRAMES])
{
	struct dwunit *u = unit_at(info, vaddr);
	struct dwunit_function *f;
	size_t count = 0;

	if (!u)
		return 0;
	frames[0] = (struct dwinfo_frame){ 0 };
	find_line(info, u, vaddr, &frames[0]);
	f = dwunit_find(u, vaddr, info->object, &info->budget);
	if (!f)
		return 1;
	for (;;) {
		struct dwinfo_frame *frame = &frames[count++];

		complete(info, u, f);
		frame->linkage = f->linkage;
		frame->name = f->name;
		if (!f->is_inlined || count == DWINFO_MOST_FRAMES)
			return count;
		frame->is_inlined = 1;
		frames[count] = (struct dwinfo_frame){ .file = f->call_file, .line = f->call_line };
		if (f->parent == DWUNIT_NO_PARENT)
			return count + 1;
		f = &u->functions[f->parent];
	}
}

size_t dwinfo_missing_splits(const struct dwinfo *info)
{
	return info->missing_splits;
}
