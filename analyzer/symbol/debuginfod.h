/* SPDX-License-Identifier: MIT */
/*
 * debuginfod.h - debug files from debuginfod's cache on this machine, and from its servers when the
 * user asks for that.
 */
#ifndef SYMBOL_DEBUGINFOD_H
#define SYMBOL_DEBUGINFOD_H

#include <stddef.h>
#include <stdint.h>

enum debuginfod_kind { DEBUGINFOD_DEBUGINFO, DEBUGINFOD_EXECUTABLE };

/*
 * Where the cache would hold the file of KIND for build-id ID; free() it. NULL if there is no home
 * directory.
 */
char *debuginfod_cache_path(enum debuginfod_kind kind, const uint8_t *id, size_t id_bytes);

/*
 * Asks the servers named by $DEBUGINFOD_URLS through libdebuginfod.so.1, which is loaded here and
 * nowhere else (it brings libcurl along). Returns the path of the downloaded file, free() it, or
 * NULL: no library, no servers, not found.
 */
char *debuginfod_fetch(enum debuginfod_kind kind, const uint8_t *id, size_t id_bytes);

#endif
