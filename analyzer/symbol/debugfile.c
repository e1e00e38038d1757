/* SPDX-License-Identifier: MIT */
/*
 * debugfile.c - see debugfile.h. The order of places is gdb's (build-id, then link name beside the
 * program, in .debug/, in the debug directories), with the user's --debug-path before the system's
 * /usr/lib/debug.
 */
#include "symbol/debugfile.h"

#include <elfutils/libdwelf.h>
#include <limits.h>
#include <link.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <zlib.h>

#include "symbol/debuginfod.h"
#include "symbol/image.h"
#include "util/pool.h"

#define SYSTEM_DEBUG_PATH   "/usr/lib/debug"
#define MOST_EMBEDDED_BYTES (256u << 20)
#define MOST_UNPACK_MEMORY  (256u << 20)
#define MOST_VDSO_BYTES     (1u << 20)

/*
 * Opens PATH and frees it; NULL also if its build-id is not the wanted one (known if ID_BYTES is
 * not 0).
 */
static struct object *open_matching(char *path, const uint8_t *id, size_t id_bytes, int *differs)
{
	struct object *o = path ? object_open(path) : NULL;

	free(path);
	if (!o || id_bytes == 0 || object_has_build_id(o, id, id_bytes))
		return o;
	if (differs)
		*differs = 1;
	object_close(o);
	return NULL;
}

static struct object *open_vdso(const struct symbol_module *module, enum debugfile_status *status)
{
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)getauxval(AT_SYSINFO_EHDR);
	struct object *o;
	size_t bytes;
	void *copy;

	*status = DEBUGFILE_ABSENT;
	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return NULL;
	bytes = header->e_shoff + (size_t)header->e_shnum * header->e_shentsize;
	if (bytes > MOST_VDSO_BYTES)
		return NULL;
	copy = xmalloc(bytes);
	memcpy(copy, header, bytes);
	o = object_from_memory("[vdso]", copy, bytes, 0);
	if (o && module->build_id_bytes &&
	    !object_has_build_id(o, module->build_id, module->build_id_bytes)) {
		object_close(o);
		o = NULL;
		*status = DEBUGFILE_DIFFERS;
	}
	if (o)
		*status = DEBUGFILE_FOUND;
	return o;
}

struct object *debugfile_open_module(const struct symbol_options *options,
				     const struct symbol_module *module,
				     enum debugfile_status *status)
{
	struct object *o = NULL;
	int differs = 0;

	if (strcmp(module->path, "[vdso]") == 0 || strncmp(module->path, "linux-vdso.so", 13) == 0)
		return open_vdso(module, status);
	if (options->sysroot)
		o = open_matching(xasprintf("%s/%s", options->sysroot, module->path),
				  module->build_id, module->build_id_bytes, &differs);
	/*
	 * This machine's own file of that name is another machine's only if the build-id says so.
	 */
	if (!o && (!options->sysroot || module->build_id_bytes))
		o = open_matching(xstrdup(module->path), module->build_id, module->build_id_bytes,
				  &differs);
	if (!o && module->build_id_bytes)
		o = open_matching(debuginfod_cache_path(DEBUGINFOD_EXECUTABLE, module->build_id,
							module->build_id_bytes),
				  module->build_id, module->build_id_bytes, NULL);
	if (!o && module->build_id_bytes && options->debuginfod)
		o = open_matching(debuginfod_fetch(DEBUGINFOD_EXECUTABLE, module->build_id,
						   module->build_id_bytes),
				  module->build_id, module->build_id_bytes, NULL);
	*status = o ? DEBUGFILE_FOUND : differs ? DEBUGFILE_DIFFERS : DEBUGFILE_ABSENT;
	return o;
}

/* Calls OPEN_IN for each directory that may hold debug files until it returns an object. */
static struct object *in_debug_paths(const struct symbol_options *options,
				     struct object *(*open_in)(const char *directory, void *data),
				     void *data)
{
	struct object *o = NULL;
	char *path;
	size_t i;

	for (i = 0; !o && i < options->debug_path_count; i++)
		o = open_in(options->debug_paths[i], data);
	if (!o && options->sysroot) {
		path = xasprintf("%s" SYSTEM_DEBUG_PATH, options->sysroot);
		o = open_in(path, data);
		free(path);
	}
	return o ? o : open_in(SYSTEM_DEBUG_PATH, data);
}

struct by_id {
	const uint8_t *id;
	size_t id_bytes;
};

static struct object *open_by_id(const char *directory, void *data)
{
	const struct by_id *by = data;
	char hex[2 * 64 + 1];
	size_t i;

	if (by->id_bytes < 2 || by->id_bytes > 64)
		return NULL;
	for (i = 0; i < by->id_bytes; i++)
		sprintf(hex + 2 * i, "%02x", by->id[i]);
	return open_matching(xasprintf("%s/.build-id/%.2s/%s.debug", directory, hex, hex + 2),
			     by->id, by->id_bytes, NULL);
}

struct by_link {
	const struct object *main;
	const char *name;
	uint32_t crc;
	int differs;
};

/* The CRC-32 of a .gnu_debuglink is zlib's, over the whole debug file. */
static int has_crc(const struct object *o, uint32_t wanted)
{
	size_t bytes = 0;
	const Bytef *raw = (const Bytef *)elf_rawfile(o->elf, &bytes);

	return raw && (uint32_t)crc32_z(crc32_z(0, NULL, 0), raw, bytes) == wanted;
}

static struct object *open_linked(char *path, struct by_link *by)
{
	struct object *o = object_open(path);
	int is_itself = strcmp(path, by->main->path) == 0;
	int fits;

	free(path);
	if (!o)
		return NULL;
	if (o->build_id_bytes && by->main->build_id_bytes)
		fits = object_has_build_id(o, by->main->build_id, by->main->build_id_bytes);
	else
		fits = has_crc(o, by->crc);
	if (fits && !is_itself)
		return o;
	by->differs |= !fits;
	object_close(o);
	return NULL;
}

static struct object *open_link_in(const char *directory, void *data)
{
	struct by_link *by = data;
	const char *slash = strrchr(by->main->path, '/');
	int length = slash ? (int)(slash - by->main->path) : 0;
	struct object *o = open_linked(
		xasprintf("%s%.*s/%s", directory, length, by->main->path, by->name), by);

	return o ? o : open_linked(xasprintf("%s/%s", directory, by->name), by);
}

static struct object *open_by_link(const struct symbol_options *options, const struct object *main,
				   int *differs)
{
	GElf_Word crc = 0;
	const char *name = dwelf_elf_gnu_debuglink(main->elf, &crc);
	struct by_link by = { .main = main, .name = name, .crc = crc };
	const char *slash = strrchr(main->path, '/');
	int length = slash ? (int)(slash - main->path) : 1;
	const char *directory = slash ? main->path : ".";
	struct object *o;

	/* A link names a file, not a path; anything else could lead anywhere. */
	if (!name || !name[0] || strchr(name, '/') || strlen(name) > NAME_MAX)
		return NULL;
	o = open_linked(xasprintf("%.*s/%s", length, directory, name), &by);
	if (!o)
		o = open_linked(xasprintf("%.*s/.debug/%s", length, directory, name), &by);
	if (!o)
		o = in_debug_paths(options, open_link_in, &by);
	*differs = !o && by.differs;
	return o;
}

struct object *debugfile_open_debug(const struct symbol_options *options, const struct object *main,
				    const uint8_t *id, size_t id_bytes, int *crc_differs)
{
	struct by_id by = { id, id_bytes };
	struct object *o = NULL;

	*crc_differs = 0;
	if (id_bytes)
		o = in_debug_paths(options, open_by_id, &by);
	if (!o && main)
		o = open_by_link(options, main, crc_differs);
	if (!o && id_bytes)
		o = open_matching(debuginfod_cache_path(DEBUGINFOD_DEBUGINFO, id, id_bytes), id,
				  id_bytes, NULL);
	if (!o && id_bytes && options->debuginfod)
		o = open_matching(debuginfod_fetch(DEBUGINFOD_DEBUGINFO, id, id_bytes), id,
				  id_bytes, NULL);
	return o;
}

struct object *debugfile_open_supplement(const struct symbol_options *options, struct object *object)
{
	static const uint8_t zeros[16];
	const struct image_section nothing = { ".debug_info", zeros, sizeof(zeros) };
	struct by_id by;
	const char *name, *slash = strrchr(object->path, '/');
	const void *id;
	struct object *o;
	ssize_t bytes;

	if (!object->dwarf)
		return NULL;
	bytes = dwelf_dwarf_gnu_debugaltlink(object->dwarf, &name, &id);
	if (bytes <= 0)
		return NULL;
	by = (struct by_id){ id, (size_t)bytes };
	o = in_debug_paths(options, open_by_id, &by);
	if (!o && name[0] == '/' && options->sysroot)
		o = open_matching(xasprintf("%s/%s", options->sysroot, name), by.id, by.id_bytes,
				  NULL);
	if (!o && name[0] == '/')
		o = open_matching(xstrdup(name), by.id, by.id_bytes, NULL);
	else if (!o && slash)
		o = open_matching(
			xasprintf("%.*s/%s", (int)(slash - object->path), object->path, name),
			by.id, by.id_bytes, NULL);
	/*
	 * Without this libdw would look by itself, at the name alone; an empty file makes it find
	 * no names instead.
	 */
	if (!o || !o->dwarf) {
		object_close(o);
		o = image_build(&nothing, 1, NULL);
	}
	if (o && o->dwarf)
		dwarf_setalt(object->dwarf, o->dwarf);
	return o;
}

struct object *debugfile_open_embedded(const struct object *main)
{
	Elf_Data *data = object_section_data(main, ".gnu_debugdata");
	lzma_stream stream = LZMA_STREAM_INIT;
	uint8_t *image = NULL;
	size_t capacity = 0;
	lzma_ret state = LZMA_OK;

	if (!data || lzma_stream_decoder(&stream, MOST_UNPACK_MEMORY, 0) != LZMA_OK)
		return NULL;
	stream.next_in = data->d_buf;
	stream.avail_in = data->d_size;
	while (state == LZMA_OK && stream.total_out < MOST_EMBEDDED_BYTES) {
		image = pool_grow(image, &capacity, stream.total_out + (64u << 10), 1);
		stream.next_out = image + stream.total_out;
		stream.avail_out = capacity - stream.total_out;
		state = lzma_code(&stream, LZMA_FINISH);
	}
	capacity = stream.total_out;
	lzma_end(&stream);
	if (state != LZMA_STREAM_END) {
		free(image);
		return NULL;
	}
	return object_from_memory(".gnu_debugdata", image, capacity, 0);
}
