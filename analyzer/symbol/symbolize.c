/* SPDX-License-Identifier: MIT */
/*
 * symbolize.c - see symbolize.h. Puts together what the other files of this folder find, in order
 * of trust: debug information, a symbol that covers the address, the bare offset in the module.
 *
 * Nothing that a frame points to is freed before the symbolizer is.
 */
#include "symbol/symbolize.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/debugfile.h"
#include "symbol/demangle.h"
#include "symbol/dwinfo.h"
#include "symbol/perfmap.h"
#include "symbol/symtab.h"
#include "util/map.h"
#include "util/pool.h"

#define MOST_NOTES      1024
#define MOST_NAME_BYTES (16u << 10)

struct answer {
	size_t count;
	struct symbol_frame frames[];
};

struct module {
	const char *path;
	const uint8_t *build_id;
	size_t build_id_bytes;
	int is_open;
	struct object *main;       /* the file that was loaded, or NULL */
	struct object *debug;      /* separate debug file, or NULL */
	struct object *embedded;   /* minidebuginfo, or NULL */
	struct object *supplement; /* dwz file, or NULL */
	struct split_search search;
	struct dwinfo *info; /* NULL without debug information */
	struct symtab symtab;
	struct map answers; /* vaddr -> struct answer */
	int is_split_noted;
};

struct symbolizer {
	struct symbol_options options;
	struct pool *pool;
	struct demangler *demangler;
	struct module **modules;
	size_t module_count;
	size_t module_capacity;
	struct map handles; /* hash of path and build-id -> index of the last such module + 1 */
	struct map pcs;     /* pc outside modules -> struct answer */
	struct perfmap *jit;
	int is_jit_read;
	const char *notes[MOST_NOTES];
	size_t note_count;
};

struct symbolizer *symbolizer_new(const struct symbol_options *options)
{
	struct symbolizer *s = xcalloc(1, sizeof(*s));

	elf_version(EV_CURRENT);
	if (options)
		s->options = *options;
	s->pool = pool_new();
	s->demangler = demangler_new();
	return s;
}

static void module_close(struct module *m)
{
	dwinfo_delete(m->info);
	symtab_free(&m->symtab);
	map_free(&m->answers);
	object_close(m->embedded);
	object_close(m->debug);
	object_close(m->main);
	object_close(m->supplement);
}

void symbolizer_delete(struct symbolizer *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->module_count; i++)
		module_close(s->modules[i]);
	free(s->modules);
	map_free(&s->handles);
	map_free(&s->pcs);
	perfmap_delete(s->jit);
	demangler_delete(s->demangler);
	pool_delete(s->pool);
	free(s);
}

static void note(struct symbolizer *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(struct symbolizer *s, const char *format, ...)
{
	char text[1024];
	va_list args;
	size_t i;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (i = 0; i < s->note_count; i++)
		if (strcmp(s->notes[i], text) == 0)
			return;
	if (s->note_count < MOST_NOTES)
		s->notes[s->note_count++] = pool_strndup(s->pool, text, strlen(text));
}

size_t symbolizer_note_count(const struct symbolizer *s)
{
	return s->note_count;
}

const char *symbolizer_note(const struct symbolizer *s, size_t i)
{
	return i < s->note_count ? s->notes[i] : NULL;
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;

	while (count--)
		hash = (hash ^ *at++) * UINT64_C(0x100000001b3);
	return hash;
}

int symbolizer_module(struct symbolizer *s, const struct symbol_module *module)
{
	const char *path = module->path ? module->path : "";
	uint64_t hash = hash_bytes(UINT64_C(0xcbf29ce484222325), path, strlen(path) + 1);
	struct module *m;
	uint64_t *slot;
	uint8_t *id;
	size_t i;

	slot = map_put(&s->handles, hash_bytes(hash, module->build_id, module->build_id_bytes), NULL);
	if (*slot) {
		m = s->modules[*slot - 1];
		if (strcmp(m->path, path) == 0 && m->build_id_bytes == module->build_id_bytes &&
		    (m->build_id_bytes == 0 ||
		     memcmp(m->build_id, module->build_id, m->build_id_bytes) == 0))
			return (int)(*slot - 1);
	}
	m = pool_alloc(s->pool, sizeof(*m));
	m->path = pool_strndup(s->pool, path, strlen(path));
	id = pool_alloc(s->pool, module->build_id_bytes + 1);
	for (i = 0; i < module->build_id_bytes; i++)
		id[i] = module->build_id[i];
	m->build_id = id;
	m->build_id_bytes = module->build_id_bytes;
	s->modules = pool_grow(s->modules, &s->module_capacity, s->module_count + 1,
			       sizeof(*s->modules));
	s->modules[s->module_count++] = m;
	*slot = s->module_count;
	return (int)(s->module_count - 1);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Opens the module's own file and what belongs to it, and notes what is amiss. */
static void open_files(struct symbolizer *s, struct module *m)
{
	struct symbol_module as_recorded = { m->path, m->build_id, m->build_id_bytes };
	enum debugfile_status status;
	const uint8_t *id = m->build_id;
	size_t id_bytes = m->build_id_bytes;
	int crc_differs = 0;

	m->main = debugfile_open_module(&s->options, &as_recorded, &status);
	if (id_bytes == 0 && m->main) {
		id = m->main->build_id;
		id_bytes = m->main->build_id_bytes;
	}
	if (!m->main || !m->main->dwarf)
		m->debug = debugfile_open_debug(&s->options, m->main, id, id_bytes, &crc_differs);
	if (m->main && !m->main->dwarf)
		m->embedded = debugfile_open_embedded(m->main);
	if (status == DEBUGFILE_DIFFERS)
		note(s,
		     "%s: the file there now has another build-id than the one that ran: not used%s",
		     m->path, m->debug ? ", names come from its debug file" : "");
	else if (status == DEBUGFILE_ABSENT && !m->debug)
		note(s,
		     "%s: no such file, or not an ELF file: its functions have no names (--sysroot, --debug-path)",
		     m->path);
	if (crc_differs)
		note(s, "%s: a debug file was found that belongs to another build: not used",
		     m->path);
}

static void module_open(struct symbolizer *s, struct module *m)
{
	struct object *with_dwarf, *layout;

	m->is_open = 1;
	open_files(s, m);
	with_dwarf = m->main && m->main->dwarf     ? m->main
		     : m->debug && m->debug->dwarf ? m->debug
						   : NULL;
	layout = m->main ? m->main : m->debug;
	if (with_dwarf) {
		m->supplement = debugfile_open_supplement(&s->options, with_dwarf);
		m->search = (struct split_search){ s->options.sysroot, s->options.debug_paths,
						   s->options.debug_path_count, m->path };
		m->info = dwinfo_new(with_dwarf, &m->search);
	} else if (m->main && strcmp(m->path, "[vdso]") != 0) {
		note(s,
		     "%s: no debug information: names come from its symbol table (install its debug symbols, or give "
		     "--debug-path or --debuginfod)",
		     m->path);
	}
	if (!layout)
		return;
	if (m->debug)
		symtab_add(&m->symtab, m->debug, SHT_SYMTAB);
	if (m->embedded)
		symtab_add(&m->symtab, m->embedded, SHT_SYMTAB);
	if (m->main && symtab_add(&m->symtab, m->main, SHT_SYMTAB) == 0)
		symtab_add(&m->symtab, m->main, SHT_DYNSYM);
	symtab_finish(&m->symtab, layout);
}

/*
 * A symbol's name without the "@VERSION" that .symtab may give it, demangled; *LINKAGE as in the
 * file if mangled.
 */
static const char *symbol_name(struct symbolizer *s, const struct symtab_symbol *symbol,
			       const char **linkage)
{
	size_t length = strnlen(symbol->name, MOST_NAME_BYTES);
	const char *at = memchr(symbol->name, '@', length);
	const char *name = symbol->name;

	if (length == MOST_NAME_BYTES)
		name = pool_strndup(s->pool, name, length);
	else if (at && at != name)
		name = pool_strndup(s->pool, name, (size_t)(at - name));
	*linkage = demangle_is_mangled(name) ? name : NULL;
	return demangle_name(s->demangler, name);
}

static const char *pool_text(struct symbolizer *s, const char *format, const char *name,
			     uint64_t offset) __attribute__((format(printf, 2, 0)));

static const char *pool_text(struct symbolizer *s, const char *format, const char *name,
			     uint64_t offset)
{
	char *text = xasprintf(format, name, offset),
	     *copy = pool_strndup(s->pool, text, strlen(text));

	free(text);
	return copy;
}

/* Names FRAME, a function that the debug information does not name, by the symbol table. */
static void name_by_symbol(struct symbolizer *s, struct module *m, uint64_t vaddr,
			   struct symbol_frame *frame)
{
	const struct symtab_symbol *symbol = symtab_covering(&m->symtab, vaddr);
	const char *linkage;

	if (symbol) {
		frame->function = symbol_name(s, symbol, &frame->linkage_name);
		frame->is_resolved = 1;
		return;
	}
	symbol = symtab_nearest(&m->symtab, vaddr);
	if (symbol)
		frame->nearest = symbol_name(s, symbol, &linkage);
	frame->function = pool_text(s, "%s+0x%" PRIx64, m->path[0] ? base_name(m->path) : "?", vaddr);
}

/*
 * Names FRAME by the debug information. For a function that is really there (IS_OUTERMOST) and has
 * no mangled name the symbol table may know better: a mangled symbol where the debug information is
 * reduced to short names (-g1, -gline-tables-only), the exported name where a C library calls
 * malloc __libc_malloc inside.
 */
static void name_by_dwarf(struct symbolizer *s, struct module *m, uint64_t vaddr,
			  const struct dwinfo_frame *from, int is_outermost,
			  struct symbol_frame *frame)
{
	const struct symtab_symbol *symbol = NULL;

	if (is_outermost && (from->linkage || from->name) &&
	    !(from->linkage && demangle_is_mangled(from->linkage)))
		symbol = symtab_covering(&m->symtab, vaddr);
	if (symbol && (symbol->is_exported || demangle_is_mangled(symbol->name))) {
		frame->function = symbol_name(s, symbol, &frame->linkage_name);
	} else if (from->linkage) {
		frame->linkage_name = from->linkage;
		frame->function = demangle_name(s->demangler, from->linkage);
	} else if (from->name) {
		frame->function = from->name;
	}
	frame->is_resolved = frame->function != NULL;
}

static struct answer *new_answer(struct symbolizer *s, size_t count)
{
	struct answer *a = pool_alloc(s->pool, sizeof(*a) + count * sizeof(a->frames[0]));

	a->count = count;
	return a;
}

static struct answer *look_up(struct symbolizer *s, struct module *m, uint64_t vaddr)
{
	struct dwinfo_frame frames[DWINFO_MOST_FRAMES];
	struct answer *a;
	size_t count = 0, i;

	if (!m->is_open)
		module_open(s, m);
	if (m->info)
		count = dwinfo_lookup(m->info, vaddr, frames);
	if (m->info && !m->is_split_noted && dwinfo_missing_splits(m->info)) {
		m->is_split_noted = 1;
		note(s,
		     "%s: split debug information (.dwo or .dwp files) is missing: inlined functions are not shown "
		     "(--debug-path)",
		     m->path);
	}
	a = new_answer(s, count ? count : 1);
	if (count == 0)
		frames[0] = (struct dwinfo_frame){ 0 };
	for (i = 0; i < a->count; i++) {
		struct symbol_frame *frame = &a->frames[i];

		frame->file = frames[i].file;
		frame->line = frames[i].line;
		frame->is_inlined = frames[i].is_inlined;
		frame->module = m->path;
		frame->offset = vaddr;
		name_by_dwarf(s, m, vaddr, &frames[i], i + 1 == a->count, frame);
		if (!frame->function && i + 1 == a->count)
			name_by_symbol(s, m, vaddr, frame);
		else if (!frame->function)
			frame->function = "(inlined function without a name)";
	}
	return a;
}

size_t symbolizer_lookup(struct symbolizer *s, int handle, uint64_t vaddr,
			 const struct symbol_frame **frames)
{
	struct answer *a;
	struct module *m;
	uint64_t *slot;

	if (handle < 0 || (size_t)handle >= s->module_count)
		return symbolizer_lookup_pc(s, vaddr, frames);
	m = s->modules[handle];
	slot = map_put(&m->answers, vaddr, NULL);
	if (!*slot)
		*slot = (uintptr_t)look_up(s, m, vaddr);
	a = (struct answer *)(uintptr_t)*slot;
	*frames = a->frames;
	return a->count;
}

static struct answer *look_up_pc(struct symbolizer *s, uint64_t pc)
{
	struct answer *a = new_answer(s, 1);
	struct symbol_frame *frame = a->frames;
	const char *name = NULL;
	uint64_t start;
	char path[64];

	if (!s->is_jit_read && s->options.pid) {
		s->is_jit_read = 1;
		snprintf(path, sizeof(path), "/tmp/perf-%" PRIu32 ".map", s->options.pid);
		s->jit = perfmap_open(path);
	}
	if (s->jit)
		name = perfmap_find(s->jit, pc, &start);
	frame->offset = pc;
	if (name) {
		frame->function = demangle_name(s->demangler, name);
		frame->linkage_name = demangle_is_mangled(name) ? name : NULL;
		frame->is_resolved = 1;
	} else {
		frame->function = pool_text(s, "%s0x%" PRIx64, "", pc);
	}
	return a;
}

size_t symbolizer_lookup_pc(struct symbolizer *s, uint64_t pc, const struct symbol_frame **frames)
{
	uint64_t *slot = map_put(&s->pcs, pc, NULL);
	struct answer *a;

	if (!*slot)
		*slot = (uintptr_t)look_up_pc(s, pc);
	a = (struct answer *)(uintptr_t)*slot;
	*frames = a->frames;
	return a->count;
}
