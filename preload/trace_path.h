/* SPDX-License-Identifier: MIT */
/*
 * trace_path.h - the name of the trace: SHIM_OUTPUT's pattern filled in, folders made, a
 * name that is free.
 */
#ifndef PRELOAD_TRACE_PATH_H
#define PRELOAD_TRACE_PATH_H

#include <stddef.h>

/*
 * Opens a new file for writing after PATTERN (%e program, %p pid, %h host, %t start time in
 * Unix seconds, %{VAR} environment, %% a percent sign); its path goes to OUT[SIZE]. Missing
 * folders are made. A name that exists, or whose spool exists, gets .1, .2… The descriptor,
 * or -errno.
 * Context: start-up only.
 */
int trace_path_open(const char *pattern, char *out, size_t size);

/*
 * Moves descriptor FD above what open() hands out in this program. The new descriptor, or
 * FD itself where that is not possible.
 * Context: start-up only.
 */
int trace_path_raise(int fd);

#endif
