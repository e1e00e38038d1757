/* SPDX-License-Identifier: MIT */
/*
 * symbolize.h - from (module, address) to function names, files and lines, inlined functions
 * included.
 *
 * The one door of this folder. Modules are opened when an address of theirs is first asked for, a
 * compilation unit is walked when an address of its is first asked for, and every answer is kept.
 * Files named by a trace may be hostile: every read is bounded, and a file whose build-id is not
 * the recorded one is never used. Not thread-safe: one thread at a time per symbolizer.
 */
#ifndef SYMBOL_SYMBOLIZE_H
#define SYMBOL_SYMBOLIZE_H

#include <stddef.h>
#include <stdint.h>

struct symbol_options {
	const char *sysroot;            /* prefix of all module paths, or NULL */
	const char *const *debug_paths; /* directories of .build-id/ trees or debug files, searched first */
	size_t debug_path_count;
	int debuginfod; /* nonzero: ask the servers of $DEBUGINFOD_URLS */
	uint32_t pid;   /* of the traced process, for /tmp/perf-PID.map; 0: no JIT map */
	int jobs;       /* reserved: look-ups run on the calling thread */
};

/* One loaded object, as the trace tells it. */
struct symbol_module {
	const char *path; /* as loaded; "[vdso]" for the vdso */
	const uint8_t *build_id;
	size_t build_id_bytes; /* 0 if unknown: then no file is refused */
};

/* One function. Strings live as long as the symbolizer. */
struct symbol_frame {
	/* Demangled; never NULL: "module+0xoff" where no symbol's own extent holds the address. */
	const char *function;
	/*
	 * Then the last symbol before it in the section, demangled, or NULL. Most likely the code is
	 * of another function, whose name was stripped: say "after NAME", never "NAME+0xoff".
	 */
	const char *nearest;
	const char *linkage_name; /* mangled, or NULL */
	const char *file;         /* as in the debug information, or NULL */
	uint32_t line;            /* 0 if unknown */
	const char *module; /* path as registered, or NULL for JIT code and unknown addresses */
	uint64_t offset; /* address in the module's own (link-time) space; the PC outside modules */
	int is_inlined;  /* inlined into the next frame */
	int is_resolved; /* 0 if only module+offset is known */
};

struct symbolizer;

/* OPTIONS (NULL: defaults) and what it points to must outlive the symbolizer. */
struct symbolizer *symbolizer_new(const struct symbol_options *options);
void symbolizer_delete(struct symbolizer *symbolizer);

/*
 * Registers a module (copied). Returns its handle (>= 0); the same path and build-id give the same
 * handle.
 */
int symbolizer_module(struct symbolizer *symbolizer, const struct symbol_module *module);

/*
 * The frames at link-time address VADDR of module HANDLE, innermost first; the caller has already
 * subtracted 1 from return addresses. *FRAMES is valid as long as the symbolizer. Returns their
 * number, at least 1. An unknown HANDLE is answered as symbolizer_lookup_pc does.
 */
size_t symbolizer_lookup(struct symbolizer *symbolizer, int handle, uint64_t vaddr,
			 const struct symbol_frame **frames);

/*
 * The same for a PC outside all modules: JIT code from /tmp/perf-PID.map, else one frame named
 * "0x...".
 */
size_t symbolizer_lookup_pc(struct symbolizer *symbolizer, uint64_t pc,
			    const struct symbol_frame **frames);

/*
 * What the reader of a report should know about its names ("libfoo.so: no debug information ..."),
 * in the order in which modules were first asked for. Texts live as long as the symbolizer; the
 * number is bounded.
 */
size_t symbolizer_note_count(const struct symbolizer *symbolizer);
const char *symbolizer_note(const struct symbolizer *symbolizer, size_t i);

#endif
