/* SPDX-License-Identifier: MIT */
/*
 * defs.c - see defs.h. Runs in any thread inside the guard. A record is complete in its
 * chunk before `used` covers it, so a kill never leaves half of one. Chunks that are full
 * wait in a queue for sink.c; when it is full too (the disk is), records are dropped and
 * counted.
 */
#include "defs.h"

#include <errno.h>
#include <string.h>

#include "arena.h"
#include "clock.h"
#include "encode.h"
#include "lock.h"
#include "spool.h"
#include "sys.h"

#define DEFS_CHUNK_BYTES  (32u << 10)
#define DEFS_QUEUE        64 /* chunks that wait; 2 MiB */
#define DEFS_CROWDED      2
#define DEFS_SCRATCH      (16u << 10)
#define DEFS_TEXT_MAX     4096
#define DEFS_SEGMENTS_MAX 64
#define STACK_RECORD_MAX  (2 + 3 * ENCODE_VARINT_MAX)

struct pending {
	struct shim_chunk *chunk;
	uint32_t records;
};

struct defs {
	struct lock lock;
	uint32_t seq;
	struct pending current; /* chunk NULL: none open */
	uint32_t last_id;       /* of the stack records in the current chunk */
	uintptr_t last_pc;
	struct pending queue[DEFS_QUEUE]; /* full ones, oldest first */
	uint32_t queue_count;
	uint64_t dropped;
	uint32_t is_bare;              /* what happens to threads and processes is left out */
	uint8_t scratch[DEFS_SCRATCH]; /* the body in the making */
};

static struct defs *defs; /* in forgotten memory */

void defs_lock(void)
{
	lock_get(&defs->lock);
}

void defs_unlock(void)
{
	lock_put(&defs->lock);
}

static int open_chunk_locked(void)
{
	struct shim_chunk *chunk = spool_get(SHIM_BLOCK_DEFS, SHIM_LAYOUT_RECORDS, 0,
					     DEFS_CHUNK_BYTES);

	if (!chunk)
		return -ENOMEM;
	chunk->seq = defs->seq++;
	defs->current = (struct pending){ chunk, 0 };
	defs->last_id = 0;
	defs->last_pc = 0;
	return 0;
}

int defs_start(void)
{
	int rc;

	if (!defs)
		defs = arena_forgotten(sizeof(*defs));
	if (!defs)
		return -ENOMEM;
	defs_lock();
	rc = open_chunk_locked();
	defs_unlock();
	return rc;
}

/* Room for LENGTH bytes in the current chunk, or NULL: dropped. */
static uint8_t *room_locked(size_t length)
{
	struct shim_chunk *chunk = defs->current.chunk;

	if (unlikely(chunk && DEFS_CHUNK_BYTES - sizeof(*chunk) - chunk->used < length)) {
		if (defs->queue_count == DEFS_QUEUE) {
			defs->dropped++;
			return NULL;
		}
		defs->queue[defs->queue_count++] = defs->current;
		defs->current.chunk = NULL;
	}
	if (!defs->current.chunk && open_chunk_locked()) {
		defs->dropped++;
		return NULL;
	}
	chunk = defs->current.chunk;
	return (uint8_t *)(chunk + 1) + chunk->used;
}

static void commit_locked(const uint8_t *end)
{
	struct shim_chunk *chunk = defs->current.chunk;

	defs->current.records++;
	/* release: what `used` covers is there; pairs with the reader of the spool after a kill */
	__atomic_store_n(&chunk->used, (uint32_t)(end - (const uint8_t *)(chunk + 1)),
			 __ATOMIC_RELEASE);
}

int defs_stack_locked(uint32_t id, uint32_t parent, uintptr_t pc, int is_exact)
{
	uint8_t *record = room_locked(STACK_RECORD_MAX), *at;

	if (!record)
		return -ENOSPC;
	at = encode_varint(record + 2, id - defs->last_id);
	at = encode_varint(at, id - parent);
	at = encode_varint(at,
			   encode_zigzag((int64_t)(pc - defs->last_pc)) << 1 | (is_exact ? 1 : 0));
	record[0] = SHIM_DEF_STACK;
	record[1] = (uint8_t)(at - record - 2);
	defs->last_id = id;
	defs->last_pc = pc;
	commit_locked(at);
	return 0;
}

/* The body is in scratch up to END: makes it a record of TYPE. */
static void write_locked(enum shim_def type, const uint8_t *end)
{
	size_t length = (size_t)(end - defs->scratch);
	uint8_t *at = room_locked(length + 2 * ENCODE_VARINT_MAX);

	if (!at)
		return;
	at = encode_varint(at, type);
	at = encode_varint(at, length);
	memcpy(at, defs->scratch, length);
	commit_locked(at + length);
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
	size_t length = strlen(text);

	return encode_text(at, text, length < DEFS_TEXT_MAX ? length : DEFS_TEXT_MAX);
}

void defs_module_load(uint32_t id, uintptr_t bias, const char *path, const uint8_t *build_id,
		      size_t build_id_bytes, const struct defs_segment *segments, size_t count)
{
	uint8_t *at;
	size_t i;

	if (count > DEFS_SEGMENTS_MAX)
		count = DEFS_SEGMENTS_MAX;
	defs_lock();
	at = encode_varint(defs->scratch, id);
	at = encode_varint(at, clock_ticks());
	at = encode_varint(at, bias);
	at = put_text(at, path);
	at = encode_text(at, (const char *)build_id, build_id_bytes < 64 ? build_id_bytes : 64);
	at = encode_varint(at, count);
	for (i = 0; i < count; i++) {
		at = encode_varint(at, segments[i].vaddr);
		at = encode_varint(at, segments[i].size);
		at = encode_varint(at, segments[i].flags);
	}
	write_locked(SHIM_DEF_MODULE_LOAD, at);
	defs_unlock();
}

/* Records of which a program may make any number. Others are few, or blocks need them. */
static int is_left_out(enum shim_def type)
{
	return type == SHIM_DEF_THREAD_START || type == SHIM_DEF_THREAD_NAME ||
	       type == SHIM_DEF_THREAD_END || type == SHIM_DEF_MARK || type == SHIM_DEF_PROCESS;
}

void defs_bare(void)
{
	defs_lock();
	defs->is_bare = 1;
	defs_unlock();
}

size_t defs_other_bytes(const struct shim_chunk *chunk)
{
	const uint8_t *begin = (const uint8_t *)(chunk + 1), *at = begin, *body;
	size_t length, bytes = 0;
	unsigned shift;
	uint8_t type;

	while (at < begin + chunk->used) {
		type = *at;
		for (length = shift = 0, body = at + 1; body == at + 1 || body[-1] & 0x80; shift += 7)
			length |= (size_t)(*body++ & 0x7f) << shift;
		length += (size_t)(body - at);
		bytes += is_left_out((enum shim_def)type) ? length : 0;
		at += length;
	}
	return bytes;
}

/* A record of TYPE that is NUMBERS[COUNT] and then, unless it is NULL, TEXT. */
static void write_record(enum shim_def type, const uint64_t *numbers, size_t count, const char *text)
{
	uint8_t *at;
	size_t i;

	defs_lock();
	at = defs->scratch;
	for (i = 0; i < count; i++)
		at = encode_varint(at, numbers[i]);
	if (text)
		at = put_text(at, text);
	if (likely(!defs->is_bare || !is_left_out(type)))
		write_locked(type, at);
	defs_unlock();
}

#define WRITE_RECORD(type, text, ...)                                    \
	write_record(SHIM_DEF_##type, (const uint64_t[]){ __VA_ARGS__ }, \
		     sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), text)

void defs_module_unload(uint32_t id)
{
	WRITE_RECORD(MODULE_UNLOAD, NULL, id, clock_ticks());
}

void defs_thread_start(uint32_t index, int32_t tid, uint32_t creator, uint32_t stack, const char *name)
{
	WRITE_RECORD(THREAD_START, name, index, clock_ticks(), (uint32_t)tid, creator, stack);
}

void defs_thread_name(uint32_t index, const char *name)
{
	WRITE_RECORD(THREAD_NAME, name, index, clock_ticks());
}

void defs_thread_end(uint32_t index)
{
	WRITE_RECORD(THREAD_END, NULL, index, clock_ticks());
}

void defs_clock(void)
{
	WRITE_RECORD(CLOCK, NULL, clock_ticks(), clock_mono_ns());
}

void defs_note(enum shim_note_level level, const char *text)
{
	WRITE_RECORD(NOTE, text, clock_ticks(), level);
}

void defs_mark(uint32_t thread, const char *name)
{
	WRITE_RECORD(MARK, name, clock_ticks(), thread);
}

void defs_process(enum shim_process_what what, int32_t pid, const char *path)
{
	WRITE_RECORD(PROCESS, path ? path : "", clock_ticks(), what, (uint32_t)pid);
}

void defs_recording(int is_on)
{
	WRITE_RECORD(RECORDING, NULL, clock_ticks(), is_on ? 1 : 0);
}

void defs_step(enum shim_step step, uint64_t sample_bytes, uint64_t trace_bytes)
{
	WRITE_RECORD(STEP, NULL, clock_ticks(), step, sample_bytes, trace_bytes);
}

void defs_drop_chunk(void)
{
	defs_lock();
	if (defs->current.chunk && !defs->current.records) {
		defs->seq--; /* nothing was written under that number */
		defs->current.chunk = NULL;
	}
	defs_unlock();
}

int defs_is_crowded(void)
{
	return __atomic_load_n(&defs->queue_count, __ATOMIC_RELAXED) >= DEFS_CROWDED;
}

int defs_is_empty(void)
{
	return !defs || (!__atomic_load_n(&defs->queue_count, __ATOMIC_RELAXED) &&
			 !__atomic_load_n(&defs->current.records, __ATOMIC_RELAXED));
}

uint64_t defs_dropped(void)
{
	return __atomic_load_n(&defs->dropped, __ATOMIC_RELAXED);
}

struct shim_chunk *defs_take(uint32_t *records)
{
	struct pending taken = { NULL, 0 };

	defs_lock();
	if (defs->queue_count) {
		taken = defs->queue[0];
		defs->queue_count--;
		memmove(defs->queue, defs->queue + 1, defs->queue_count * sizeof(defs->queue[0]));
	} else if (defs->current.chunk && defs->current.records) {
		taken = defs->current;
		defs->current.chunk = NULL;
	}
	defs_unlock();
	*records = taken.records;
	return taken.chunk;
}

void defs_done(struct shim_chunk *chunk)
{
	spool_put(chunk);
}

void defs_return(struct shim_chunk *chunk, uint32_t records)
{
	defs_lock();
	if (defs->queue_count == DEFS_QUEUE) {
		defs->dropped += records;
		spool_put(chunk);
	} else {
		memmove(defs->queue + 1, defs->queue, defs->queue_count * sizeof(defs->queue[0]));
		defs->queue[0] = (struct pending){ chunk, records };
		defs->queue_count++;
	}
	defs_unlock();
}
