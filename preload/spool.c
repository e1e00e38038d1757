/* SPDX-License-Identifier: MIT */
/*
 * spool.c - see spool.h. Runs in any thread inside the guard. Keeps no descriptor: the file
 * is opened by path for each segment, and when that fails (chroot, no descriptor left, full
 * disk) the next chunks are plain memory, which a note tells.
 */
#include "spool.h"

#include <errno.h>
#include <string.h>

#include "arena.h"
#include "clock.h"
#include "lock.h"
#include "log.h"
#include "sys.h"

#define SPOOL_PATH_BYTES    4096
#define SPOOL_FILE_MODE     0600
#define SPOOL_FIRST_BYTES   (128u << 10)
#define SPOOL_SEGMENT_BYTES (1u << 20)
#define SPOOL_SIZES         2 /* free lists: small and large chunks */

struct spool {
	struct lock lock;
	struct shim_spool *header; /* NULL: no file */
	char *next;                /* unused part of the newest segment */
	char *end;
	long file_bytes;
	uint64_t device, inode;
	/* Chunks that were given back, by size; linked through their reserved words. */
	struct shim_chunk *idle[SPOOL_SIZES];
	uint32_t idle_bytes[SPOOL_SIZES];
	char path[SPOOL_PATH_BYTES];
};

static struct spool *spool; /* in forgotten memory: a forked child begins without */

static int same_file(int fd)
{
	struct stat st;

	return sys_fstat(fd, &st) == 0 && st.st_dev == spool->device && st.st_ino == spool->inode;
}

/* Reserves blocks for the range; file systems without fallocate get zeros written. */
static int reserve(int fd, long offset, long length)
{
	static const char zeros[4096];
	int rc = sys_fallocate(fd, offset, length);
	long at;

	if (rc != -EOPNOTSUPP && rc != -ENOSYS)
		return rc;
	if (sys_lseek(fd, offset, SEEK_SET) < 0)
		return -EIO;
	for (at = 0; at < length; at += (long)sizeof(zeros)) {
		long n = sys_write(fd, zeros, sizeof(zeros));

		if (n != (long)sizeof(zeros))
			return n < 0 ? (int)n : -ENOSPC;
	}
	return 0;
}

/* Adds BYTES to the file and maps them. The address, or NULL. */
static char *map_segment(int fd, uint32_t bytes)
{
	long p;

	if (sys_file_too_large((uint64_t)spool->file_bytes + bytes) ||
	    reserve(fd, spool->file_bytes, bytes))
		return NULL;
	p = sys_mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, spool->file_bytes);
	if (sys_is_error(p))
		return NULL;
	sys_madvise((void *)p, bytes, MADV_DONTFORK);
	spool->file_bytes += bytes;
	return (char *)p;
}

int spool_start(const char *trace_path, uint64_t run_id)
{
	struct stat st;
	int fd, rc = 0;

	if (!spool)
		spool = arena_forgotten(sizeof(*spool));
	if (!spool)
		return -ENOMEM;
	/* After a failed exec: the old file is gone, its memory stays with those who hold it. */
	memset(spool, 0, sizeof(*spool));
	log_format(spool->path, sizeof(spool->path), "%s%s", trace_path, SHIM_SPOOL_SUFFIX);
	fd = sys_open(spool->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, SPOOL_FILE_MODE);
	if (fd < 0)
		return fd;
	if (sys_fstat(fd, &st) == 0) {
		spool->device = st.st_dev;
		spool->inode = st.st_ino;
	}
	spool->next = map_segment(fd, SPOOL_FIRST_BYTES);
	if (spool->next) {
		struct shim_spool *header = (struct shim_spool *)(void *)spool->next;

		spool->end = spool->next + SPOOL_FIRST_BYTES;
		spool->next += SHIM_SPOOL_HEADER_BYTES;
		memcpy(header->magic, SHIM_SPOOL_MAGIC, sizeof(header->magic));
		header->version = SHIM_TRACE_VERSION;
		header->header_bytes = SHIM_SPOOL_HEADER_BYTES;
		header->run_id = run_id;
		header->pid = (uint64_t)sys_getpid();
		header->start_ticks = header->last_ticks = clock_ticks();
		header->start_mono_ns = header->last_mono_ns = clock_mono_ns();
		spool->header = header;
	} else {
		rc = -ENOSPC;
		sys_unlink(spool->path);
	}
	sys_close(fd);
	return rc;
}

/*
 * Makes room for BYTES in the newest segment. What is left of the old one becomes an unused
 * chunk, so that the list has no hole.
 */
static void grow_locked(uint32_t bytes)
{
	uint32_t segment = bytes > SPOOL_SEGMENT_BYTES ? bytes : SPOOL_SEGMENT_BYTES;
	int fd;

	if (!spool->header)
		return;
	fd = sys_open(spool->path, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (same_file(fd)) {
		uint32_t rest = (uint32_t)(spool->end - spool->next);
		char *fresh = map_segment(fd, segment);

		if (fresh && rest) {
			struct shim_chunk *gap = (struct shim_chunk *)(void *)spool->next;

			gap->kind = SHIM_BLOCK_FREE;
			gap->bytes = rest;
			gap->magic = SHIM_CHUNK_MAGIC;
		}
		if (fresh) {
			spool->next = fresh;
			spool->end = fresh + segment;
		}
	}
	sys_close(fd);
}

static struct shim_chunk *take_idle_locked(uint32_t bytes)
{
	struct shim_chunk *chunk;
	int i;

	for (i = 0; i < SPOOL_SIZES; i++) {
		if (spool->idle_bytes[i] != bytes || !spool->idle[i])
			continue;
		chunk = spool->idle[i];
		spool->idle[i] = (struct shim_chunk *)(uintptr_t)chunk->reserved2;
		chunk->reserved2 = 0;
		return chunk;
	}
	return NULL;
}

struct shim_chunk *spool_get(uint8_t kind, uint8_t layout, uint32_t thread, uint32_t bytes)
{
	struct shim_chunk *chunk;

	lock_get(&spool->lock);
	chunk = take_idle_locked(bytes);
	if (!chunk) {
		if ((size_t)(spool->end - spool->next) < bytes)
			grow_locked(bytes);
		if ((size_t)(spool->end - spool->next) >= bytes) {
			chunk = (struct shim_chunk *)(void *)spool->next;
			spool->next += bytes;
			/* Before anyone can take the next one: a reader finds that only through our length. */
			chunk->bytes = bytes;
			chunk->magic = SHIM_CHUNK_MAGIC;
		}
	}
	lock_put(&spool->lock);
	if (!chunk)
		chunk = arena_map(bytes);
	if (!chunk)
		return NULL;
	chunk->used = 0;
	chunk->layout = layout;
	chunk->thread = thread;
	chunk->seq = 0;
	chunk->begin_ticks = clock_ticks();
	chunk->begin_mono_ns = clock_mono_ns();
	chunk->lost = 0;
	chunk->bytes = bytes;
	compiler_barrier(); /* the kind makes the chunk count: last */
	chunk->kind = kind;
	chunk->magic = SHIM_CHUNK_MAGIC;
	return chunk;
}

void spool_put(struct shim_chunk *chunk)
{
	int i;

	lock_get(&spool->lock);
	chunk->used = 0;
	compiler_barrier();
	chunk->kind = SHIM_BLOCK_FREE;
	for (i = 0; i < SPOOL_SIZES; i++) {
		if (spool->idle_bytes[i] == 0)
			spool->idle_bytes[i] = chunk->bytes;
		if (spool->idle_bytes[i] == chunk->bytes) {
			chunk->reserved2 = (uint64_t)(uintptr_t)spool->idle[i];
			spool->idle[i] = chunk;
			break;
		}
	}
	lock_put(&spool->lock);
}

void spool_stamp(uint64_t ticks, uint64_t mono_ns, uint64_t lost)
{
	struct shim_spool *header = spool ? spool->header : NULL;

	if (!header)
		return;
	header->last_mono_ns = mono_ns;
	header->last_ticks = ticks;
	header->lost = lost;
}

void spool_remove(void)
{
	if (spool && spool->header)
		sys_unlink(spool->path);
}
