/* SPDX-License-Identifier: MIT */
/*
 * debugfile.h - finding the files of a module: the one that was loaded, its separate debug file,
 * its dwz supplement, its embedded minidebuginfo.
 *
 * A file whose build-id is known to differ is never returned. Nothing is fetched from a network
 * unless the options ask.
 */
#ifndef SYMBOL_DEBUGFILE_H
#define SYMBOL_DEBUGFILE_H

#include "symbol/object.h"
#include "symbol/symbolize.h"

/* The result of looking for the file that was loaded. */
enum debugfile_status { DEBUGFILE_FOUND, DEBUGFILE_ABSENT, DEBUGFILE_DIFFERS };

/*
 * Opens the file that MODULE was loaded from: under the sysroot, at its path, or, for "[vdso]", the
 * running kernel's image. *STATUS tells why NULL was returned.
 */
struct object *debugfile_open_module(const struct symbol_options *options,
				     const struct symbol_module *module,
				     enum debugfile_status *status);

/*
 * Opens the separate debug file of MAIN (may be NULL) with build-id ID: by build-id in the debug
 * directories, by .gnu_debuglink beside MAIN (its CRC or build-id checked), in debuginfod's cache,
 * then from debuginfod's servers if asked for. Returns NULL if there is none; *CRC_DIFFERS tells
 * whether one was found that does not belong to MAIN.
 */
struct object *debugfile_open_debug(const struct symbol_options *options, const struct object *main,
				    const uint8_t *id, size_t id_bytes, int *crc_differs);

/*
 * Opens the supplementary file that OBJECT's DWARF (made smaller by dwz) refers to and connects the
 * two. The result must outlive OBJECT's use; NULL if there is none or OBJECT needs none.
 */
struct object *debugfile_open_supplement(const struct symbol_options *options, struct object *object);

/*
 * Unpacks MAIN's .gnu_debugdata section, an xz-compressed ELF file with a symbol table. NULL if
 * there is none.
 */
struct object *debugfile_open_embedded(const struct object *main);

#endif
