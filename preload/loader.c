/* SPDX-License-Identifier: MIT */
/*
 * loader.c - see loader.h. glibc answers "which object holds this address" from a table of its own without a
 * lock, since 2.35 (_dl_find_object). Reads memory of the loader and of objects only; allocates nothing.
 */
#define _GNU_SOURCE
#include "loader.h"

#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "unwind_memory.h"

#define PAGE        ((size_t)4096)
#define OBJECTS_MAX 65536u /* a list that was left half changed could lead in circles */

/* A test build takes this for a glibc that cannot be asked. */
#ifndef SHIM_OLD_LOADER
#define SHIM_OLD_LOADER 0
#endif

/* What <dlfcn.h> of a newer glibc calls struct dl_find_object. */
struct loader_object {
	unsigned long long flags;
	const char *map_start;
	const char *map_end;
	const struct link_map *map;
	const void *eh_frame;
	unsigned long long reserved[8];
};

static int (*find_object)(void *address, struct loader_object *out);

/* ---- start ---- */

/* By the symbol table: a look-up by dlsym that fails would allocate. */
static int look_into_object(struct dl_phdr_info *info, size_t size, void *context)
{
	struct dso dso;

	(void)size;
	(void)context;
	if (dso_open(&dso, info) == 0)
		*(void **)&find_object = dso_find(&dso, "_dl_find_object");
	return find_object != NULL;
}

void loader_start(void)
{
	if (!SHIM_OLD_LOADER)
		dl_iterate_phdr(look_into_object, NULL);
}

/* ---- one object ---- */

/* The program headers as the file's first page has them, which the loader maps with the first segment. */
static int read_headers(const char *start, size_t room, const struct link_map *map, struct dso *out)
{
	const ElfW(Ehdr) *head = (const void *)start;

	if (room > PAGE)
		room = PAGE;
	if (room < sizeof(*head) || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
	    head->e_phentsize != sizeof(ElfW(Phdr)) || head->e_phoff >= room ||
	    head->e_phoff + head->e_phnum * sizeof(ElfW(Phdr)) > room)
		return -ENOSYS;
	memset(out, 0, sizeof(*out));
	out->name = map->l_name;
	out->bias = map->l_addr;
	out->phdr = (const void *)(start + head->e_phoff);
	out->phdr_count = head->e_phnum;
	return 0;
}

int loader_find(uintptr_t pc, struct dso *out)
{
	struct loader_object object;

	if (!find_object)
		return -ENOSYS;
	if (find_object((void *)pc, &object) || !object.map)
		return -ENOENT;
	return read_headers(object.map_start, (size_t)(object.map_end - object.map_start),
			    object.map, out);
}

/* ---- all objects ---- */

/* The program may lie where its linker wanted; all others have their headers at their bias. */
static int read_listed(const struct link_map *map, int is_program, struct dso *out)
{
	if (is_program) {
		memset(out, 0, sizeof(*out));
		out->name = map->l_name;
		out->bias = map->l_addr;
		out->phdr = (const void *)getauxval(AT_PHDR);
		out->phdr_count = getauxval(AT_PHNUM);
		return 0;
	}
	/* An object that another thread was closing may be unmapped and still in the list. */
	if (map->l_addr % PAGE || !unwind_can_read(map->l_addr))
		return -ENOENT;
	return read_headers((const char *)map->l_addr, PAGE, map, out);
}

/* The list of the namespace after that of LIST: what <link.h> of a newer glibc calls struct r_debug_extended. */
static const struct r_debug *next_list(const struct r_debug *list)
{
	uintptr_t next;

	if (_r_debug.r_version < 2)
		return NULL;
	next = (uintptr_t)list + sizeof(*list);
	return *(const struct r_debug *const *)next;
}

void loader_walk(void (*visit)(const struct dso *dso, void *context), void *context)
{
	const struct r_debug *list;
	const struct link_map *map;
	struct dso dso;
	unsigned count = 0;

	for (list = &_r_debug; list; list = next_list(list))
		for (map = list->r_map; map && count < OBJECTS_MAX; map = map->l_next, count++)
			if (read_listed(map, map == _r_debug.r_map, &dso) == 0)
				visit(&dso, context);
}
