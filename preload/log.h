/* SPDX-License-Identifier: MIT */
/*
 * log.h - the library's own voice: silent unless SHIM_LOG names a place.
 */
#ifndef PRELOAD_LOG_H
#define PRELOAD_LOG_H

#include <stdarg.h>
#include <stddef.h>

/*
 * "stderr" or a path; NULL or "" keeps it silent. TARGET must outlive the process. Context:
 * start-up only.
 */
void log_start(const char *target);

/*
 * One line "libshim[PID]: TEXT". FORMAT knows %s, %d, %u, %ld, %lu, %x and %%. Keeps errno.
 * Context: any thread, signal handler.
 */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Why a system call failed, in words; ERROR is positive. libc's strerror may allocate.
 * Context: any thread, signal handler.
 */
const char *log_reason(int error);

/*
 * The formatter alone: OUT[SIZE] always terminated; returns the length without what did not
 * fit. Context: any.
 */
size_t log_format(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t log_vformat(char *out, size_t size, const char *format, va_list args);

#endif
