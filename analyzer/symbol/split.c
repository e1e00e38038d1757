/* SPDX-License-Identifier: MIT */
/*
 * split.c - see split.h. libdw 0.188 finds .dwo files beside the program or where they were
 * compiled. It knows no .dwp packages and no other places, so those are read here: the unit's
 * contributions (DWARF 5, section 7.3.5) are put together to an ELF image of one .dwo that also
 * holds the program's .debug_addr from the skeleton's base on, which is where libdw looks for an
 * indexed address of a unit without DW_AT_addr_base (in a .dwo, in a section of that suffix).
 */
#include "symbol/split.h"

#include <dwarf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbol/image.h"
#include "symbol/rangelist.h"
#include "util/pool.h"

#define MOST_GRAFTS   8192 /* each takes two memory maps, of which a process has some 65000 */
#define PACKAGE_INDEX ".debug_cu_index"

/* Columns of a package's index: DWARF 5, table 7.1. */
enum column {
	COLUMN_INFO = 1,
	COLUMN_ABBREV = 3,
	COLUMN_LINE = 4,
	COLUMN_STR_OFFSETS = 6,
	COLUMN_RNGLISTS = 8
};

struct package_index {
	uint32_t columns, units, slots;
	const uint8_t *signatures; /* slots x 8 bytes */
	const uint8_t *rows;       /* slots x 4 bytes: row + 1, 0 for an empty slot */
	const uint8_t *ids;        /* columns x 4 bytes */
	const uint8_t *offsets;    /* units x columns x 4 bytes */
	const uint8_t *sizes;
};

struct split {
	struct object *object;
	const struct split_search *search;
	struct object *package; /* MODULE.dwp, or NULL */
	int package_is_searched;
	struct object **grafts;
	struct object **sources; /* .dwo files that grafts were made from */
	size_t graft_count, graft_capacity, source_count, source_capacity;
};

struct split *split_new(struct object *object, const struct split_search *search)
{
	struct split *s = xcalloc(1, sizeof(*s));

	s->object = object;
	s->search = search;
	return s;
}

void split_delete(struct split *s)
{
	size_t i;

	for (i = 0; i < s->graft_count; i++)
		object_close(s->grafts[i]);
	for (i = 0; i < s->source_count; i++)
		object_close(s->sources[i]);
	object_close(s->package);
	free(s->grafts);
	free(s->sources);
	free(s);
}

static const char *text_of(Dwarf_Die *die, unsigned int name, unsigned int gnu_name)
{
	Dwarf_Attribute attribute;
	const char *text = NULL;

	if (dwarf_attr(die, name, &attribute) || (gnu_name && dwarf_attr(die, gnu_name, &attribute)))
		text = dwarf_formstring(&attribute);
	return text && strnlen(text, PATH_MAX) < PATH_MAX ? text : NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "DIRECTORY/NAME", or NAME alone if it is absolute or DIRECTORY is NULL; free() it. */
static char *join(const char *directory, const char *name)
{
	return name[0] == '/' || !directory ? xstrdup(name) : xasprintf("%s/%s", directory, name);
}

static int is_special(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

/* libdw opens a .dwo with a plain open(), which a FIFO of that name would block for ever. */
static int is_safe_to_open(const struct split *s, const char *directory, const char *name)
{
	char *beside = xasprintf("%.*s/%s", (int)(base_name(s->object->path) - s->object->path),
				 s->object->path, name);
	char *compiled = join(directory, name);
	int safe = !is_special(beside) && !is_special(compiled);

	free(beside);
	free(compiled);
	return safe;
}

static struct object *open_package(const struct split *s)
{
	const char *module = s->search->module_path;
	const char *root = s->search->sysroot ? s->search->sysroot : "";
	struct object *found;
	char *path;
	size_t i;

	path = xasprintf("%s.dwp", s->object->path);
	found = object_open(path);
	free(path);
	for (i = 0; !found && i < s->search->debug_path_count; i++) {
		path = xasprintf("%s/%s.dwp", s->search->debug_paths[i], base_name(module));
		found = object_open(path);
		free(path);
	}
	if (!found) {
		path = xasprintf("%s%s.dwp", root, module);
		found = object_open(path);
		free(path);
	}
	return found;
}

/* A .dwo in one of the places that libdw does not know. */
static struct object *open_dwo(const struct split *s, const char *directory, const char *name)
{
	struct object *found = NULL;
	char *compiled = join(directory, name), *path;
	size_t i;

	if (s->search->sysroot) {
		path = xasprintf("%s/%s", s->search->sysroot, compiled);
		found = object_open(path);
		free(path);
	}
	for (i = 0; !found && i < s->search->debug_path_count; i++) {
		path = join(s->search->debug_paths[i], name);
		found = object_open(path);
		free(path);
		if (found)
			break;
		path = join(s->search->debug_paths[i], base_name(name));
		found = object_open(path);
		free(path);
	}
	free(compiled);
	return found;
}

static uint32_t read32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* Returns 0, or -1 if the package has no index of version 5 that lies in its section. */
static int read_index(const struct object *package, struct package_index *index)
{
	Elf_Data *data = object_section_data(package, PACKAGE_INDEX);
	const uint8_t *at = data ? data->d_buf : NULL;
	uint64_t cells, needed;

	if (!at || data->d_size < 16 || (read32(at) & 0xffff) != 5)
		return -1;
	index->columns = read32(at + 4);
	index->units = read32(at + 8);
	index->slots = read32(at + 12);
	if (index->columns == 0 || index->columns > 16 || index->slots == 0 ||
	    (index->slots & (index->slots - 1)))
		return -1;
	cells = (uint64_t)index->columns * index->units;
	needed = 16 + (uint64_t)index->slots * 12 + index->columns * 4 + cells * 8;
	if (needed > data->d_size)
		return -1;
	index->signatures = at + 16;
	index->rows = index->signatures + (uint64_t)index->slots * 8;
	index->ids = index->rows + (uint64_t)index->slots * 4;
	index->offsets = index->ids + index->columns * 4;
	index->sizes = index->offsets + cells * 4;
	return 0;
}

/* The row of the unit with SIGNATURE, or -1. */
static int64_t find_row(const struct package_index *index, uint64_t signature)
{
	uint32_t mask = index->slots - 1, slot = (uint32_t)signature & mask;
	uint32_t step = ((uint32_t)(signature >> 32) & mask) | 1, i, row;
	uint64_t found;

	for (i = 0; i <= mask; i++, slot = (slot + step) & mask) {
		memcpy(&found, index->signatures + (uint64_t)slot * 8, sizeof(found));
		row = read32(index->rows + (uint64_t)slot * 4);
		if (row == 0 || row > index->units)
			return -1;
		if (found == signature)
			return row - 1;
	}
	return -1;
}

/*
 * Narrows PART, a whole section of the package that COLUMN is about, to the contribution of the
 * unit in ROW.
 */
static void narrow(const struct package_index *index, int64_t row, unsigned int column,
		   struct image_section *part)
{
	uint32_t i;

	for (i = 0; i < index->columns; i++) {
		uint64_t cell = (uint64_t)row * index->columns + i;
		uint32_t offset = read32(index->offsets + cell * 4),
			 size = read32(index->sizes + cell * 4);

		if (read32(index->ids + i * 4) != column)
			continue;
		if (offset > part->size || size > part->size - offset)
			break;
		part->bytes += offset;
		part->size = size;
		return;
	}
	part->size = 0;
}

/* The part of the program's .debug_addr that SKELETON's unit counts from. */
static void find_addresses(const struct split *s, Dwarf_Die *skeleton, struct image_section *part)
{
	Elf_Data *data = object_section_data(s->object, ".debug_addr");
	Dwarf_Attribute attribute;
	Dwarf_Word base = 0;

	if (dwarf_attr(skeleton, DW_AT_addr_base, &attribute))
		dwarf_formudata(&attribute, &base);
	if (!data || base > data->d_size)
		return;
	part->bytes = (uint8_t *)data->d_buf + base;
	part->size = data->d_size - base;
}

/*
 * Describes the section NAME of SOURCE for mapping. Returns 0, or -1 if it is not in the file as it
 * is: libdw has unpacked it.
 */
static int find_mapping(const struct object *source, const char *name, struct image_mapping *mapping)
{
	Elf_Data *data = object_section_data(source, name);
	size_t file_bytes = 0;
	const char *file = elf_rawfile(source->elf, &file_bytes), *at = data ? data->d_buf : NULL;

	if (!at || !file || at < file || at > file + file_bytes ||
	    data->d_size > (size_t)(file + file_bytes - at))
		return -1;
	mapping->name = name;
	mapping->offset = (uint64_t)(at - file);
	mapping->size = data->d_size;
	return 0;
}

/* The sections of an image, in this order. */
enum { INFO, ABBREV, LINE, STR_OFFSETS, RANGES, ADDR, PART_COUNT };

static const struct {
	const char *name;
	unsigned int column; /* of a package's index */
} part_sources[PART_COUNT] = {
	[INFO] = { ".debug_info.dwo", COLUMN_INFO },
	[ABBREV] = { ".debug_abbrev.dwo", COLUMN_ABBREV },
	[LINE] = { ".debug_line.dwo", COLUMN_LINE },
	[STR_OFFSETS] = { ".debug_str_offsets.dwo", COLUMN_STR_OFFSETS },
	[RANGES] = { ".debug_rnglists.dwo", COLUMN_RNGLISTS },
	[ADDR] = { ".debug_addr.dwo", 0 },
};

/* Finds what belongs to unit SIGNATURE in SOURCE, a package or a .dwo. Returns 0, or -1. */
static int find_parts(const struct object *source, uint64_t signature,
		      struct image_section parts[PART_COUNT])
{
	struct package_index index;
	int is_package = read_index(source, &index) == 0;
	int64_t row = is_package ? find_row(&index, signature) : 0;
	size_t i;

	if (row < 0)
		return -1;
	for (i = 0; i < PART_COUNT; i++) {
		Elf_Data *data = object_section_data(source, part_sources[i].name);

		parts[i] = (struct image_section){ .name = part_sources[i].name };
		if (!data || i == ADDR)
			continue;
		parts[i].bytes = data->d_buf;
		parts[i].size = data->d_size;
		if (is_package)
			narrow(&index, row, part_sources[i].column, &parts[i]);
	}
	return parts[INFO].size && parts[ABBREV].size ? 0 : -1;
}

/* An image of the unit SIGNATURE out of SOURCE, or NULL. */
static struct object *graft(const struct split *s, Dwarf_Die *skeleton, const struct object *source,
			    uint64_t signature)
{
	struct image_section parts[PART_COUNT];
	struct image_mapping strings = { 0 };
	struct object *image = NULL;
	uint8_t *ranges = NULL;
	size_t ranges_bytes;
	Dwarf_Addr base;

	if (find_parts(source, signature, parts) || find_mapping(source, ".debug_str.dwo", &strings))
		return NULL;
	find_addresses(s, skeleton, &parts[ADDR]);
	/* What a list counts from is stated in the skeleton alone by g++; clang's need no base. */
	if (parts[RANGES].size && dwarf_lowpc(skeleton, &base) == 0 && base != 0)
		ranges = rangelist_rebase(parts[RANGES].bytes, parts[RANGES].size, base,
					  &ranges_bytes);
	if (ranges) {
		parts[RANGES].bytes = ranges;
		parts[RANGES].size = ranges_bytes;
	}
	strings.fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (strings.fd >= 0) {
		image = image_build(parts, PART_COUNT, &strings);
		close(strings.fd);
	}
	free(ranges);
	return image;
}

/* The compilation unit SIGNATURE in OBJECT's DWARF. Returns 1, or 0 with *BODY unchanged. */
static int find_unit(const struct object *object, uint64_t signature, Dwarf_Die *body)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	uint64_t id;
	uint8_t type;

	while (object->dwarf &&
	       dwarf_get_units(object->dwarf, unit, &unit, NULL, &type, &die, NULL) == 0) {
		if (type != DW_UT_split_compile ||
		    dwarf_cu_info(unit, NULL, NULL, NULL, NULL, &id, NULL, NULL) || id != signature)
			continue;
		*body = die;
		return 1;
	}
	return 0;
}

static int find_elsewhere(struct split *s, Dwarf_Die *skeleton, uint64_t signature, Dwarf_Die *body)
{
	const char *name = text_of(skeleton, DW_AT_dwo_name, DW_AT_GNU_dwo_name);
	const char *directory = text_of(skeleton, DW_AT_comp_dir, 0);
	struct object *image = NULL, *source;

	if (!s->package_is_searched) {
		s->package_is_searched = 1;
		s->package = open_package(s);
	}
	if (s->graft_count == MOST_GRAFTS)
		return 0;
	if (s->package)
		image = graft(s, skeleton, s->package, signature);
	if (!image && name && (source = open_dwo(s, directory, name))) {
		image = graft(s, skeleton, source, signature);
		s->sources = pool_grow(s->sources, &s->source_capacity, s->source_count + 1,
				       sizeof(*s->sources));
		s->sources[s->source_count++] = source;
	}
	if (!image)
		return 0;
	s->grafts = pool_grow(s->grafts, &s->graft_capacity, s->graft_count + 1, sizeof(*s->grafts));
	s->grafts[s->graft_count++] = image;
	return find_unit(image, signature, body);
}

int split_find(struct split *s, Dwarf_Die *skeleton, Dwarf_Die *body)
{
	const char *name, *directory;
	Dwarf_Half version;
	Dwarf_Die found;
	uint64_t id = 0;
	uint8_t type;

	*body = *skeleton;
	if (dwarf_cu_info(skeleton->cu, &version, &type, NULL, NULL, &id, NULL, NULL) ||
	    type != DW_UT_skeleton)
		return 0;
	name = text_of(skeleton, DW_AT_dwo_name, DW_AT_GNU_dwo_name);
	directory = text_of(skeleton, DW_AT_comp_dir, 0);
	if (!name || !is_safe_to_open(s, directory, name))
		return -1;
	memset(&found, 0, sizeof(found));
	if (dwarf_cu_info(skeleton->cu, NULL, NULL, NULL, &found, NULL, NULL, NULL) == 0 && found.cu) {
		*body = found;
		return 1;
	}
	return version >= 5 && find_elsewhere(s, skeleton, id, body) ? 1 : -1;
}
