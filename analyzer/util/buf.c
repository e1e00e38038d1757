/* SPDX-License-Identifier: MIT */
/* buf.c - see buf.h. */
#include "util/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/pool.h"

#define BUF_DRAIN_BYTES (64u << 10)

void buf_init(struct buf *b)
{
	buf_init_fd(b, -1, "");
}

void buf_init_fd(struct buf *b, int fd, const char *name)
{
	*b = (struct buf){ .fd = fd, .name = name };
}

void buf_free(struct buf *b)
{
	free(b->bytes);
	b->bytes = NULL;
	b->length = b->capacity = 0;
}

static void drain(struct buf *b)
{
	size_t done = 0;

	while (!b->error && done < b->length) {
		ssize_t n = write(b->fd, b->bytes + done, b->length - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			b->error = n == 0 ? EIO : errno;
	}
	b->length = 0;
}

int buf_close(struct buf *b, struct diag *d)
{
	if (b->fd >= 0)
		drain(b);
	buf_free(b);
	if (!b->error || (b->error == EPIPE && b->fd == STDOUT_FILENO))
		return 0; /* a reader that went away (`| head`) has what it wanted */
	return diag_set(d, b->name, DIAG_NO_OFFSET, "cannot write: %s", strerror(b->error));
}

void buf_add(struct buf *b, const void *bytes, size_t length)
{
	if (length == 0)
		return;
	b->bytes = pool_grow(b->bytes, &b->capacity, b->length + length + 1, 1);
	memcpy(b->bytes + b->length, bytes, length);
	b->length += length;
	b->bytes[b->length] = '\0';
	if (b->fd >= 0 && b->length >= BUF_DRAIN_BYTES)
		drain(b);
}

void buf_puts(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	char small[256], *large = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (length >= 0 && (size_t)length < sizeof(small)) {
		buf_add(b, small, (size_t)length);
		return;
	}
	va_start(args, format);
	length = vasprintf(&large, format, args);
	va_end(args);
	if (length > 0)
		buf_add(b, large, (size_t)length);
	if (length >= 0)
		free(large);
}

void buf_fill(struct buf *b, char c, size_t count)
{
	char run[64];

	memset(run, c, sizeof(run));
	for (; count > sizeof(run); count -= sizeof(run))
		buf_add(b, run, sizeof(run));
	buf_add(b, run, count);
}
