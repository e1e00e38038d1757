/* SPDX-License-Identifier: MIT */
/*
 * buf.h - growing output buffer over an optional file, with a sticky error.
 *
 * Writers append without checking; the first failure (disk full, closed pipe) is kept and reported once by
 * buf_close, and everything after it is dropped. Memory is bounded: with a file, the buffer drains itself at 64 KiB.
 */
#ifndef UTIL_BUF_H
#define UTIL_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "util/diag.h"

struct buf {
	char *bytes; /* what has not been written to the file yet; the whole text when fd is -1 */
	size_t length;
	size_t capacity;
	int fd;           /* -1: memory only */
	int error;        /* errno of the first failed write, 0 */
	const char *name; /* for messages; not owned */
};

/* A buffer in memory. */
void buf_init(struct buf *b);
/* A buffer that writes to FD, called NAME in messages. FD stays the caller's. */
void buf_init_fd(struct buf *b, int fd, const char *name);
/* Frees the memory without writing what is pending. */
void buf_free(struct buf *b);
/*
 * Writes what is pending, frees the memory. Returns 0, or -1 with D filled from the first error. Standard output that
 * nobody reads any more is no error.
 */
int buf_close(struct buf *b, struct diag *d);

void buf_add(struct buf *b, const void *bytes, size_t length);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* COUNT times C. */
void buf_fill(struct buf *b, char c, size_t count);

#endif
