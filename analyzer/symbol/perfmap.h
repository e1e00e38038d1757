/* SPDX-License-Identifier: MIT */
/*
 * perfmap.h - names of code made at run time, from the file /tmp/perf-PID.map that JIT compilers
 * (node, Java agents, .NET, PyPy) write for perf: one line "START SIZE NAME" for each function,
 * numbers in hexadecimal. Format: tools/perf/Documentation/jit-interface.txt of the Linux source.
 */
#ifndef SYMBOL_PERFMAP_H
#define SYMBOL_PERFMAP_H

#include <stdint.h>

struct perfmap;

/*
 * Reads PATH. Lines that make no sense are skipped. Returns NULL if it is absent, not a plain file,
 * or has no line.
 */
struct perfmap *perfmap_open(const char *path);
void perfmap_delete(struct perfmap *map);

/*
 * The function at PC, the one written last where several are, with its start in *START; NULL if
 * there is none.
 */
const char *perfmap_find(const struct perfmap *map, uint64_t pc, uint64_t *start);

#endif
