/* SPDX-License-Identifier: MIT */
/*
 * log.c - see log.h. One write(2) a line, no stdio, no allocation. The file is opened for
 * each line: it holds no descriptor of the program's range in between, and lines are rare.
 */
#include "log.h"

#include <errno.h>
#include <stdint.h>

#include "sys.h"

#define LOG_LINE_BYTES 1024
#define LOG_FILE_MODE  0644

static const char *log_target;

void log_start(const char *target)
{
	log_target = target && target[0] ? target : NULL;
}

static size_t put_text(char *out, size_t size, size_t at, const char *text)
{
	for (; text && *text && at + 1 < size; text++)
		out[at++] = *text;
	return at;
}

static size_t put_number(char *out, size_t size, size_t at, uint64_t value, unsigned base,
			 int is_negative)
{
	char digits[24];
	size_t i = sizeof(digits);

	digits[--i] = '\0';
	do {
		digits[--i] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (is_negative)
		digits[--i] = '-';
	return put_text(out, size, at, digits + i);
}

static size_t put_signed(char *out, size_t size, size_t at, long value)
{
	uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;

	return put_number(out, size, at, magnitude, 10, value < 0);
}

size_t log_vformat(char *out, size_t size, const char *format, va_list args)
{
	size_t at = 0;
	const char *f;
	int is_long;

	for (f = format; *f; f++) {
		char one[2] = { *f, '\0' };

		if (*f != '%') {
			at = put_text(out, size, at, one);
			continue;
		}
		is_long = f[1] == 'l';
		f += is_long ? 2 : 1;
		if (*f == 's')
			at = put_text(out, size, at, va_arg(args, const char *));
		else if (*f == 'd')
			at = put_signed(out, size, at,
					is_long ? va_arg(args, long) : va_arg(args, int));
		else if (*f == 'u' || *f == 'x')
			at = put_number(out, size, at,
					is_long ? va_arg(args, unsigned long)
						: va_arg(args, unsigned),
					*f == 'u' ? 10 : 16, 0);
		else
			at = put_text(out, size, at, "%");
	}
	out[at] = '\0';
	return at;
}

size_t log_format(char *out, size_t size, const char *format, ...)
{
	va_list args;
	size_t length;

	va_start(args, format);
	length = log_vformat(out, size, format, args);
	va_end(args);
	return length;
}

const char *log_reason(int error)
{
	static const struct {
		int error;
		const char *text;
	} reasons[] = {
		{ ENOSPC, "no space left on the device" },
		{ EDQUOT, "the disk quota is used up" },
		{ EFBIG, "the limit of file size is reached" },
		{ EACCES, "permission denied" },
		{ EPERM, "operation not permitted" },
		{ EROFS, "the file system is read-only" },
		{ ENOENT, "no such file or directory" },
		{ ENOTDIR, "a part of the path is no directory" },
		{ EMFILE, "no descriptor is left" },
		{ ENAMETOOLONG, "the name is too long" },
		{ ENOMEM, "no memory" },
		{ EIO, "input/output error" },
	};
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].error == error)
			return reasons[i].text;
	return "the system call failed";
}

static int is_stderr(const char *target)
{
	const char *word = "stderr";

	while (*word && *word == *target) {
		word++;
		target++;
	}
	return *word == '\0' && *target == '\0';
}

void log_line(const char *format, ...)
{
	char line[LOG_LINE_BYTES];
	va_list args;
	size_t length;
	int fd = 2;

	if (!log_target)
		return;
	length = log_format(line, sizeof(line), "libshim[%d]: ", sys_getpid());
	va_start(args, format);
	length += log_vformat(line + length, sizeof(line) - length - 1, format, args);
	va_end(args);
	line[length++] = '\n';
	if (is_stderr(log_target)) {
		sys_write(fd, line, length);
		return;
	}
	fd = sys_open(log_target, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, LOG_FILE_MODE);
	if (fd < 0)
		return;
	sys_write(fd, line, length);
	sys_close(fd);
}
