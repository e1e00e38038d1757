/* SPDX-License-Identifier: MIT */
/*
 * objects.c - see objects.h. Our own copy of the loader's list: what is new is defined in the
 * trace, what is gone is defined as gone, and a sorted table of code ranges answers "is this pc
 * known?" without a lock.
 *
 * Runs at start-up, after dlopen and dlclose, and when a stack leads through code not seen before.
 * A program may allocate while it holds the loader's list lock, or wait, holding it, for a thread
 * that allocates (design note 22). So that lock is taken after dlopen and dlclose only, which take
 * it themselves, and always before our own; what a stack leads through is asked of the loader
 * without it. All state lies in forgotten memory: a forked child, in which the loader's lock may be
 * held by a thread that is not there, tells its own list from the start and without it.
 */
#define _GNU_SOURCE
#include "objects.h"

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "arena.h"
#include "defs.h"
#include "dso.h"
#include "loader.h"
#include "lock.h"
#include "sink.h"
#include "stacks.h"
#include "unwind.h"

#define OBJECTS_MAX  4096 /* at a time; later ones have no names */
#define RANGES_MAX   8192
#define SEGMENTS_MAX 16
#define PATH_BYTES   (2 * PATH_MAX)

struct module {
	uint32_t id;
	uint32_t is_seen;
	uint32_t is_listed; /* by dl_iterate_phdr, which leaves out what dlmopen has opened */
	uintptr_t bias;
	const ElfW(Phdr) * phdr;
	size_t phdr_count;
	const char *name;  /* the loader's: valid while the object is loaded */
	uintptr_t code;    /* an address in its code, 0 none */
	uint64_t identity; /* hash of path and build-id */
};

struct range {
	uintptr_t low, high;
	uintptr_t bias;
	const ElfW(Phdr) * phdr;
	size_t phdr_count;
	const char *name;
};

struct objects {
	struct lock lock;
	uint32_t count;
	uint32_t last_id;
	uint32_t is_full;
	uint32_t has_list;             /* adds and subs are valid */
	unsigned long long adds, subs; /* the loader's counters at our last look */
	/* Readers use ranges[version & 1] and look again if version has changed meanwhile. */
	uint32_t version;
	uint32_t range_count[2];
	struct range ranges[2][RANGES_MAX];
	struct module modules[OBJECTS_MAX];
	char path[PATH_BYTES];
};

static struct objects *objects;
static int has_begun; /* in this program image: a process that begins after that is a forked child */

/* ---- look-up ---- */

static const struct range *range_of(const struct range *ranges, uint32_t count, uintptr_t pc)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (pc < ranges[middle].low)
			high = middle;
		else if (pc >= ranges[middle].high)
			low = middle + 1;
		else
			return &ranges[middle];
	}
	return NULL;
}

/* Copies the range that holds PC. 1 if there is one. */
static int find_range(uintptr_t pc, struct range *out)
{
	const struct objects *all = objects;
	const struct range *range;
	uint32_t version;

	if (!all)
		return 0;
	do {
		/* acquire: pairs with publish_locked */
		version = __atomic_load_n(&all->version, __ATOMIC_ACQUIRE);
		range = range_of(all->ranges[version & 1], all->range_count[version & 1], pc);
		if (range)
			*out = *range;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (version != __atomic_load_n(&all->version, __ATOMIC_RELAXED));
	return range != NULL;
}

int objects_knows(uintptr_t pc)
{
	struct range range;

	return find_range(pc, &range);
}

int objects_find(uintptr_t pc, struct dso *out)
{
	struct range range = { 0 }; /* for compilers that lose sight of find_range's promise */

	if (!find_range(pc, &range))
		return -ENOENT;
	*out = (struct dso){ .name = range.name,
			     .bias = range.bias,
			     .phdr = range.phdr,
			     .phdr_count = range.phdr_count };
	return 0;
}

/* Shell's sort: qsort may allocate. */
static void sort_ranges(struct range *ranges, uint32_t count)
{
	uint32_t gap, i, j;

	for (gap = count / 2; gap; gap /= 2)
		for (i = gap; i < count; i++) {
			struct range range = ranges[i];

			for (j = i; j >= gap && ranges[j - gap].low > range.low; j -= gap)
				ranges[j] = ranges[j - gap];
			ranges[j] = range;
		}
}

/* The table that is not in use, while it is made. */
struct making {
	struct range *ranges;
	uint32_t count;
};

static struct making make_locked(void)
{
	return (struct making){ .ranges = objects->ranges[(objects->version + 1) & 1] };
}

static void publish_locked(const struct making *making)
{
	sort_ranges(making->ranges, making->count);
	objects->range_count[(objects->version + 1) & 1] = making->count;
	__atomic_store_n(&objects->version, objects->version + 1,
			 __ATOMIC_RELEASE); /* pairs with find_range */
}

static void add_ranges(struct making *making, const struct module *module)
{
	size_t i;

	for (i = 0; i < module->phdr_count && making->count < RANGES_MAX; i++) {
		const ElfW(Phdr) *p = &module->phdr[i];

		if (p->p_type == PT_LOAD && (p->p_flags & PF_X))
			making->ranges[making->count++] =
				(struct range){ module->bias + p->p_vaddr,
						module->bias + p->p_vaddr + p->p_memsz,
						module->bias,
						module->phdr,
						module->phdr_count,
						module->name };
	}
}

/* ---- one object ---- */

/* FNV-1a over N bytes, continued. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	while (n--)
		hash = (hash ^ *at++) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t identity_of(const struct dso *dso)
{
	const uint8_t *id = NULL;
	size_t bytes = dso_build_id(dso, &id);

	return hash_bytes(hash_bytes(UINT64_C(0xcbf29ce484222325), dso->name, strlen(dso->name)),
			  id, bytes);
}

static struct module *find_module(const struct dso *dso)
{
	uint64_t identity = 0;
	uint32_t i;

	for (i = 0; i < objects->count; i++) {
		struct module *m = &objects->modules[i];

		if (m->bias != dso->bias)
			continue;
		if (!identity)
			identity = identity_of(dso);
		if (m->identity == identity)
			return m;
	}
	return NULL;
}

/*
 * The loader knows the program by an empty name, the kernel's vdso by one that is no file, and
 * others perhaps relative to the directory of that moment.
 */
static const char *path_of(const struct dso *dso)
{
	char *path = objects->path;
	const char *program = (const char *)getauxval(AT_EXECFN);
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
	long n;

	if (vdso && dso_holds(dso, vdso))
		return "[vdso]";
	if (dso_holds(dso, getauxval(AT_PHDR))) {
		n = sys_readlink("/proc/self/exe", path, PATH_MAX - 1);
		if (n <= 0)
			return program ? program : "";
		path[n] = 0;
		return path;
	}
	if (!strchr(dso->name, '/') || dso->name[0] == '/')
		return dso->name;
	n = sys_call(SYS_getcwd, path, PATH_MAX); /* length with the terminator */
	if (n <= 1 || strlen(dso->name) >= PATH_MAX)
		return dso->name;
	path[n - 1] = '/';
	strcpy(path + n, dso->name);
	return path;
}

static struct module *define(const struct dso *dso)
{
	struct defs_segment segments[SEGMENTS_MAX];
	const uint8_t *id = NULL;
	size_t bytes = dso_build_id(dso, &id), i, count = 0;
	struct module *m = &objects->modules[objects->count++];

	m->code = 0;
	for (i = 0; i < dso->phdr_count && count < SEGMENTS_MAX; i++) {
		const ElfW(Phdr) *p = &dso->phdr[i];

		if (p->p_type != PT_LOAD)
			continue;
		segments[count++] = (struct defs_segment){ p->p_vaddr, p->p_memsz, p->p_flags };
		if (p->p_flags & PF_X)
			m->code = dso->bias + p->p_vaddr;
	}
	m->id = ++objects->last_id;
	m->bias = dso->bias;
	m->phdr_count = dso->phdr_count;
	m->identity = identity_of(dso);
	defs_module_load(m->id, m->bias, path_of(dso), id, bytes, segments, count);
	return m;
}

/* DSO's module, which is defined if it is new; its code goes into the table that is being made. */
static void add_object(const struct dso *dso, void *context)
{
	struct module *m = find_module(dso);

	if (!m && objects->count < OBJECTS_MAX)
		m = define(dso);
	if (m) {
		m->is_seen = m->is_listed = 1;
		m->phdr = dso->phdr;
		m->name = dso->name;
		add_ranges(context, m);
	} else if (!objects->is_full) {
		objects->is_full = 1;
		defs_note(SHIM_NOTE_LOSS,
			  "more than 4096 objects are loaded: code in the later ones has no names");
	}
}

/* ---- the list ---- */

/* First pass: which modules are still there? */
static int mark_object(struct dl_phdr_info *info, size_t size, void *context)
{
	struct dso dso;
	struct module *m;

	(void)size;
	(void)context;
	dso_open(&dso, info);
	m = find_module(&dso);
	if (m)
		m->is_seen = m->is_listed = 1;
	return 0;
}

/* The same for what dlmopen has opened. */
static void mark_elsewhere(void)
{
	struct dso dso;
	uint32_t i;

	for (i = 0; i < objects->count; i++) {
		struct module *m = &objects->modules[i];

		if (m->is_seen || loader_find(m->code, &dso) || dso.bias != m->bias ||
		    identity_of(&dso) != m->identity)
			continue;
		m->is_seen = 1;
		m->phdr = dso.phdr;
		m->name = dso.name;
	}
}

/* Modules without a mark are gone. Their number. */
static uint32_t define_unloads(void)
{
	uint32_t i, kept = 0, gone;

	for (i = 0; i < objects->count; i++) {
		if (!objects->modules[i].is_seen)
			defs_module_unload(objects->modules[i].id);
		else
			objects->modules[kept++] = objects->modules[i];
	}
	gone = objects->count - kept;
	objects->count = kept;
	return gone;
}

/* Second pass: defines what is new and collects everyone's code. */
static int define_object(struct dl_phdr_info *info, size_t size, void *context)
{
	struct dso dso;

	(void)size;
	dso_open(&dso, info);
	add_object(&dso, context);
	return 0;
}

static void refresh_locked(void)
{
	struct making making;
	uint32_t i;

	for (i = 0; i < objects->count; i++)
		objects->modules[i].is_seen = objects->modules[i].is_listed = 0;
	dl_iterate_phdr(mark_object, NULL);
	mark_elsewhere();
	/* What never was a module may be gone as well. */
	if (define_unloads() || objects->is_full) {
		stacks_forget();
		unwind_forget();
	}
	making = make_locked();
	dl_iterate_phdr(define_object, &making);
	for (i = 0; i < objects->count; i++)
		if (!objects->modules[i].is_listed)
			add_ranges(&making, &objects->modules[i]);
	publish_locked(&making);
}

/*
 * Called with the loader's list lock, which is recursive: only now ours is taken, so whoever holds
 * ours waits for no other. The walks that follow are those of this thread.
 */
static int refresh(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	(void)context;
	lock_get(&objects->lock);
	if (!objects->has_list || info->dlpi_adds != objects->adds ||
	    info->dlpi_subs != objects->subs) {
		refresh_locked();
		objects->adds = info->dlpi_adds;
		objects->subs = info->dlpi_subs;
		objects->has_list = 1;
	}
	lock_put(&objects->lock);
	return 1;
}

void objects_refresh(void)
{
	if (!objects)
		return;
	dl_iterate_phdr(refresh, NULL);
	if (defs_is_crowded())
		sink_definitions();
}

void objects_meet(const struct dso *dso)
{
	struct making making;

	if (!objects)
		return;
	lock_get(&objects->lock);
	if (!find_module(dso)) {
		making = make_locked();
		making.count = objects->range_count[objects->version & 1];
		memcpy(making.ranges, objects->ranges[objects->version & 1],
		       making.count * sizeof(*making.ranges));
		add_object(dso, &making);
		publish_locked(&making);
	}
	lock_put(&objects->lock);
	if (defs_is_crowded())
		sink_definitions();
}

/* A forked child's first look. */
static void walk(void)
{
	struct making making = make_locked();

	loader_walk(add_object, &making);
	publish_locked(&making);
}

int objects_start(void)
{
	if (!objects)
		objects = arena_forgotten(sizeof(*objects));
	if (!objects)
		return -ENOMEM;
	if (!has_begun) {
		has_begun = 1;
		objects_refresh();
	} else {
		walk();
		if (defs_is_crowded())
			sink_definitions();
	}
	return 0;
}
