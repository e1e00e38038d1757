/* SPDX-License-Identifier: MIT */
/*
 * unwind_debug.c - see unwind_debug.h. Runs in any thread, inside the guard, when a pc that nothing
 * loaded describes is seen for the first time: raw system calls, memory of the arena, one
 * descriptor for the time of the call. The section is copied, so that a file cut short later cannot
 * hurt; a file that is not the one that was loaded is told by its program headers.
 */
#include "unwind_debug.h"

#if UNWIND_HAS_RULES

#include <errno.h>
#include <string.h>

#include "arena.h"
#include "lock.h"
#include "unwind_memory.h"

#define MODULES_MAX   32u         /* objects looked into between two unloads; after that none */
#define HEADERS_BYTES (64u << 10) /* of sections, and of their names */
#define SECTION_MAX   (64u << 20)

struct module {
	uintptr_t bias;
	const ElfW(Phdr) * phdr;
	uint32_t generation;
	const uint8_t *section; /* NULL: there is none */
	size_t size, count, capacity;
	struct cfi_range *ranges; /* in the order of addresses */
};

struct debug {
	struct lock lock;
	uint32_t count;
	struct module modules[MODULES_MAX];
};

static struct debug *debug; /* in forgotten memory: what it leads to is not there in a child */

int debug_start(void)
{
	if (!debug)
		debug = arena_forgotten(sizeof(*debug));
	return debug ? 0 : -ENOMEM;
}

/* ---- the file ---- */

static int read_at(int fd, void *out, size_t size, uint64_t offset)
{
	return sys_call(SYS_pread64, fd, out, size, offset) == (long)size ? 0 : -EIO;
}

/* 1 if FD is the file that DSO was loaded from. */
static int is_same_file(int fd, const ElfW(Ehdr) * head, const struct dso *dso)
{
	ElfW(Phdr) phdr;
	size_t i;

	if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_phentsize != sizeof(phdr) ||
	    head->e_phnum != dso->phdr_count)
		return 0;
	for (i = 0; i < dso->phdr_count; i++)
		if (read_at(fd, &phdr, sizeof(phdr), head->e_phoff + i * sizeof(phdr)) ||
		    memcmp(&phdr, &dso->phdr[i], sizeof(phdr)) != 0)
			return 0;
	return 1;
}

/* The header of .debug_frame, by the SIZE bytes of SECTIONS and the LENGTH of NAMES. */
static const ElfW(Shdr) *
	find_section(const ElfW(Shdr) * sections, size_t count, const char *names, size_t length)
{
	static const char name[] = ".debug_frame";
	size_t i;

	for (i = 0; i < count; i++)
		if (sections[i].sh_name < length && length - sections[i].sh_name >= sizeof(name) &&
		    memcmp(names + sections[i].sh_name, name, sizeof(name)) == 0)
			return &sections[i];
	return NULL;
}

static void read_section(int fd, const ElfW(Shdr) * header, struct module *m)
{
	uint8_t *bytes;

	if (!header || header->sh_type != SHT_PROGBITS || (header->sh_flags & SHF_COMPRESSED) ||
	    header->sh_size == 0 || header->sh_size > SECTION_MAX)
		return;
	bytes = arena_map(header->sh_size);
	if (!bytes)
		return;
	if (read_at(fd, bytes, header->sh_size, header->sh_offset)) {
		arena_unmap(bytes, header->sh_size);
		return;
	}
	m->section = bytes;
	m->size = header->sh_size;
}

static void read_file(int fd, const struct dso *dso, struct module *m)
{
	ElfW(Ehdr) head;
	ElfW(Shdr) names;
	char *memory;
	size_t bytes;

	if (read_at(fd, &head, sizeof(head), 0) || !is_same_file(fd, &head, dso) ||
	    head.e_shentsize != sizeof(names) || head.e_shstrndx >= head.e_shnum)
		return;
	bytes = head.e_shnum * sizeof(names);
	if (bytes > HEADERS_BYTES ||
	    read_at(fd, &names, sizeof(names), head.e_shoff + head.e_shstrndx * sizeof(names)) ||
	    names.sh_size > HEADERS_BYTES)
		return;
	memory = arena_map(2 * HEADERS_BYTES);
	if (!memory)
		return;
	if (read_at(fd, memory, bytes, head.e_shoff) == 0 &&
	    read_at(fd, memory + HEADERS_BYTES, names.sh_size, names.sh_offset) == 0)
		read_section(fd,
			     find_section((const ElfW(Shdr) *)(void *)memory, head.e_shnum,
					  memory + HEADERS_BYTES, names.sh_size),
			     m);
	arena_unmap(memory, 2 * HEADERS_BYTES);
}

/* ---- the index ---- */

static void sort_ranges(struct cfi_range *ranges, size_t count)
{
	size_t gap, i, j;

	for (gap = count / 2; gap; gap /= 2)
		for (i = gap; i < count; i++) {
			struct cfi_range range = ranges[i];

			for (j = i; j >= gap && ranges[j - gap].begin > range.begin; j -= gap)
				ranges[j] = ranges[j - gap];
			ranges[j] = range;
		}
}

static void index_section(struct module *m)
{
	size_t count = cfi_list_debug(m->section, m->size, NULL, 0);

	m->ranges = count ? arena_map(count * sizeof(*m->ranges)) : NULL;
	if (!m->ranges)
		return;
	m->capacity = count;
	m->count = cfi_list_debug(m->section, m->size, m->ranges, count);
	sort_ranges(m->ranges, m->count);
}

/* Gives back what was read of objects that may be gone: those of GENERATION stay. */
static void drop_old_locked(uint32_t generation)
{
	uint32_t i, kept = 0;

	for (i = 0; i < debug->count; i++) {
		struct module *m = &debug->modules[i];

		if (m->generation == generation) {
			debug->modules[kept++] = *m;
			continue;
		}
		if (m->section)
			arena_unmap((void *)m->section, m->size);
		if (m->ranges)
			arena_unmap(m->ranges, m->capacity * sizeof(*m->ranges));
	}
	debug->count = kept;
}

static struct module *add_module_locked(const struct dso *dso, uint32_t generation)
{
	struct module *m = &debug->modules[debug->count++];
	int fd = sys_open(dso->name[0] ? dso->name : "/proc/self/exe", O_RDONLY | O_CLOEXEC, 0);

	*m = (struct module){ .bias = dso->bias, .phdr = dso->phdr, .generation = generation };
	if (fd >= 0) {
		read_file(fd, dso, m);
		sys_close(fd);
	}
	if (m->section)
		index_section(m);
	return m;
}

static struct module *find_module_locked(const struct dso *dso, uint32_t generation)
{
	uint32_t i;

	for (i = 0; i < debug->count; i++) {
		struct module *m = &debug->modules[i];

		if (m->bias == dso->bias && m->phdr == dso->phdr && m->generation == generation)
			return m;
	}
	if (debug->count == MODULES_MAX)
		drop_old_locked(generation);
	return debug->count < MODULES_MAX ? add_module_locked(dso, generation) : NULL;
}

static int find_locked(const struct dso *dso, uint32_t generation, uintptr_t pc, struct cfi_row *row)
{
	const struct module *m = find_module_locked(dso, generation);
	size_t low = 0, high = m ? m->count : 0;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (m->ranges[middle].begin + m->bias <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return -ENOENT;
	return cfi_find_debug(m->section, m->size, m->bias, m->ranges[low - 1].offset, pc, row);
}

int debug_find(const struct dso *dso, uint32_t generation, uintptr_t pc, struct cfi_row *row)
{
	int rc;

	/* On an older glibc a name may be that of an object that libc closed for itself. */
	if (!debug || !dso->name || !unwind_can_read((uintptr_t)dso->name & ~(uintptr_t)7))
		return -ENOENT;
	lock_get(&debug->lock);
	rc = find_locked(dso, generation, pc, row);
	lock_put(&debug->lock);
	return rc;
}

#endif
