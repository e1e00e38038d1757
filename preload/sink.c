/* SPDX-License-Identifier: MIT */
/*
 * sink.c - see sink.h. Runs in any thread inside the guard. One lock orders the file: under
 * it a thread writes the definitions that its block needs and then the block. It never
 * blocks on anything but the file, and a failed write costs events, not the program.
 *
 * Order of locks: sink, then defs. Nothing is called back while the sink's lock is held.
 */
#include "sink.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "arena.h"
#include "budget.h"
#include "clock.h"
#include "config.h"
#include "defs.h"
#include "encode.h"
#include "facts.h"
#include "lock.h"
#include "log.h"
#include "press.h"
#include "spool.h"
#include "stacks.h"
#include "sys.h"
#include "trace_path.h"
#include "upto.h"

#define SINK_PATH_BYTES   4096
#define SINK_HEADER_BYTES (64u << 10)
#define SINK_FOOTER_BYTES 4096
#define INDEX_FIRST       256

struct sink {
	struct lock lock;
	int fd;
	int has_failed;        /* the last write did not get through */
	int has_told;          /* and the log has said so */
	uint64_t failed_ticks; /* when that happened first, 0: never */
	uint64_t device, inode;
	uint64_t offset; /* file size, as far as written whole */
	uint64_t run_id;
	uint64_t events, lost;
	uint64_t cpu_ns; /* spent in compressing and writing */
	struct budget budget;
	uint64_t expected_bytes; /* of what threads have recorded and not written */
	struct shim_index_entry *index;
	size_t index_count, index_capacity;
	char path[SINK_PATH_BYTES];
};

static struct sink *sink; /* in forgotten memory: a forked child opens a trace of its own */

/*
 * The parent's descriptor that a forked child inherits; not forgotten, so that the child
 * can close it.
 */
static struct {
	int fd;
	uint64_t inode;
} inherited;

const char *sink_path(void)
{
	return sink->path;
}

uint64_t sink_run_id(void)
{
	return sink->run_id;
}

uint64_t sink_sample_bytes(void)
{
	return __atomic_load_n(&sink->budget.sample_bytes, __ATOMIC_RELAXED);
}

int sink_is_folding(void)
{
	return __atomic_load_n(&sink->budget.step, __ATOMIC_RELAXED) >= SHIM_STEP_FOLDED;
}

uint64_t sink_lost(void)
{
	return __atomic_load_n(&sink->lost, __ATOMIC_RELAXED);
}

static int is_our_file(int fd)
{
	struct stat st;

	return fd > 0 && sys_fstat(fd, &st) == 0 && st.st_dev == sink->device &&
	       st.st_ino == sink->inode;
}

/*
 * The program may have closed or replaced our descriptor: look at it before each use, open
 * the file again if need be.
 */
static int usable_fd(void)
{
	int fd;

	if (likely(is_our_file(sink->fd)))
		return sink->fd;
	fd = sys_open(sink->path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	sink->fd = trace_path_raise(fd);
	if (is_our_file(sink->fd))
		return sink->fd;
	sys_close(sink->fd);
	sink->fd = -1;
	return -ENOENT;
}

/* Appends BYTES whole or not at all. 0 or -errno. */
static int append(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	size_t left = length;
	int fd = sys_file_too_large(sink->offset + length) ? -EFBIG : usable_fd();
	long n = fd;

	while (fd >= 0 && left) {
		n = sys_write(fd, at, left);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			break;
		at += n;
		left -= (size_t)n;
	}
	if (fd >= 0 && left == 0) {
		sink->offset += length;
		sink->has_failed = 0;
		return 0;
	}
	if (fd >= 0 && left != length)
		sys_ftruncate(fd, (long)sink->offset); /* a cut frame would hide those behind it */
	if (!sink->failed_ticks)
		sink->failed_ticks = clock_ticks();
	if (!sink->has_told)
		log_line("cannot write %s: %s (error %d); events are being lost", sink->path,
			 log_reason(n < 0 ? (int)-n : ENOSPC), n < 0 ? (int)-n : ENOSPC);
	sink->has_told = 1;
	sink->has_failed = 1;
	return n < 0 ? (int)n : -ENOSPC;
}

static void index_add(const struct shim_block *block, uint64_t offset, size_t frame_bytes)
{
	struct shim_index_entry *entry;

	if (sink->index_count == sink->index_capacity) {
		size_t capacity = sink->index_capacity ? sink->index_capacity * 2 : INDEX_FIRST;
		struct shim_index_entry *grown = arena_map(capacity * sizeof(*grown));

		if (!grown)
			return; /* the index check fails its count and readers walk the frames instead */
		if (sink->index) {
			memcpy(grown, sink->index, sink->index_count * sizeof(*grown));
			arena_unmap(sink->index, sink->index_capacity * sizeof(*grown));
		}
		sink->index = grown;
		sink->index_capacity = capacity;
	}
	entry = &sink->index[sink->index_count++];
	*entry = (struct shim_index_entry){ .offset = offset,
					    .begin_ticks = block->begin_ticks,
					    .end_ticks = block->end_ticks,
					    .frame_bytes = (uint32_t)frame_bytes,
					    .thread = block->thread,
					    .seq = block->seq,
					    .row_count = block->row_count,
					    .kind = block->kind };
}

/* Bytes of an index of COUNT blocks, frame and all. */
static uint64_t index_bytes(size_t count)
{
	return 8 + sizeof(struct shim_trace_facts) + count * sizeof(struct shim_index_entry);
}

/* What the whole trace would measure with LENGTH bytes and BLOCKS blocks more, if it ended then. */
static uint64_t whole_bytes(size_t length, size_t blocks)
{
	return sink->offset + length + index_bytes(sink->index_count + blocks) + SINK_FOOTER_BYTES;
}

uint64_t sink_expect(uint64_t bytes, uint32_t threads)
{
	uint64_t rows;

	if (likely(!sink->budget.limit_bytes))
		return UINT64_MAX;
	lock_get(&sink->lock);
	sink->expected_bytes = bytes;
	rows = budget_rows(&sink->budget, whole_bytes(0, 0) + bytes, threads);
	lock_put(&sink->lock);
	return rows;
}

/* Another step begins with what was just written: the trace says so, and the log. */
static COLD void tell_step(void)
{
	static const char *const what[] = {
		[SHIM_STEP_TIMES] = "times of events get coarse where one thread records alone",
		[SHIM_STEP_FOLDED] = "short-lived blocks are counted, not listed",
		[SHIM_STEP_SAMPLED] = "only a sample of the blocks is recorded",
	};
	const struct budget *b = &sink->budget;

	defs_step(b->step, b->step == SHIM_STEP_SAMPLED ? b->sample_bytes : 0, sink->offset);
	log_line("%s has %lu bytes of at most %lu (SHIM_MAX_TRACE): from here on %s", sink->path,
		 (unsigned long)sink->offset, (unsigned long)b->limit_bytes, what[b->step]);
}

/*
 * Appends FRAME of BLOCK and notes its place. 0 or -errno; -EDQUOT: it would be too much for the
 * budget.
 */
static int append_block_locked(const struct shim_block *block, const uint8_t *frame, size_t length)
{
	uint64_t offset = sink->offset;
	int rc = length ? 0 : -EIO;

	if (!upto(UPTO_FILE))
		return 0;
	if (rc == 0 && !budget_holds(&sink->budget, whole_bytes(length, 1)))
		rc = -EDQUOT;
	if (rc == 0)
		rc = append(frame, length);
	if (rc)
		return rc;
	index_add(block, offset, length);
	if (unlikely(budget_advance(&sink->budget, whole_bytes(0, 0) + sink->expected_bytes,
				    clock_ticks())))
		tell_step();
	return 0;
}

static struct shim_block *block_of_chunk(struct press *p, const struct shim_chunk *chunk)
{
	struct shim_block *block = (struct shim_block *)(void *)p->block;

	*block = (struct shim_block){ .magic = SHIM_BLOCK_MAGIC,
				      .kind = chunk->kind,
				      .layout = chunk->layout,
				      .thread = chunk->thread,
				      .seq = chunk->seq,
				      .begin_ticks = chunk->begin_ticks,
				      .begin_mono_ns = chunk->begin_mono_ns,
				      .lost = chunk->lost,
				      .sample_bytes = chunk->sample_bytes };
	return block;
}

/*
 * Empties CHUNK for the block after this one, which has the number of this one if nothing of it was
 * to be written. In this order: a kill between any two steps leaves nothing twice.
 */
static void reset_chunk(struct shim_chunk *chunk, int is_written)
{
	chunk->used = 0;
	compiler_barrier();
	chunk->seq += is_written ? 1 : 0;
	chunk->begin_ticks = clock_ticks();
	chunk->begin_mono_ns = clock_mono_ns();
	compiler_barrier();
}

/* BYTES of what was just written are not of blocks. */
static void count_others_locked(uint64_t bytes)
{
	if (likely(!budget_others(&sink->budget, bytes)))
		return;
	defs_note(SHIM_NOTE_WARNING,
		  "mappings, failed allocations, marks, new threads and processes are no longer recorded, to stay within SHIM_MAX_TRACE");
	defs_bare();
}

static void write_definitions_locked(struct press *p)
{
	struct shim_chunk *chunk;
	struct shim_block *block;
	const uint8_t *frame;
	uint32_t records;
	size_t n;

	while ((chunk = defs_take(&records))) {
		block = block_of_chunk(p, chunk);
		block->end_ticks = clock_ticks();
		block->row_count = records;
		block->payload_bytes = chunk->used;
		memcpy(block + 1, chunk + 1, chunk->used);
		n = press_frame(p, sizeof(*block) + block->payload_bytes, &frame);
		if (append_block_locked(block, frame, n)) {
			defs_return(chunk, records);
			return;
		}
		count_others_locked(n * defs_other_bytes(chunk) / (block->payload_bytes + 1));
		defs_done(chunk);
	}
}

void sink_definitions(void)
{
	struct press *p;

	if (defs_is_empty())
		return;
	p = press_get();
	lock_get(&sink->lock);
	write_definitions_locked(p);
	lock_put(&sink->lock);
	press_put(p);
}

/* What the rows of a block that began at TICKS have to lose within B; ORDER as of compact.h. */
static unsigned losses(const struct budget *b, uint64_t ticks, unsigned order)
{
	return (budget_is_under(b, SHIM_STEP_TIMES, ticks) && !order ? FOLD_TIMES : 0) |
	       (budget_is_under(b, SHIM_STEP_FOLDED, ticks) ? FOLD_PAIRS : 0) |
	       (b->is_bare ? FOLD_BARE : 0);
}

/*
 * The rows of CHUNK as a frame in P, compressed without the lock. Their definitions are
 * older than they are, so those that are written first cover them. 0 or -errno; -ENODATA: nothing
 * of them is to be written.
 */
static int write_rows(struct press *p, const struct shim_chunk *chunk, uint32_t count, unsigned order)
{
	const struct shim_row *rows = (const struct shim_row *)(const void *)(chunk + 1);
	struct shim_block *block;
	const uint8_t *frame;
	size_t n = 0;
	uint32_t rows_written;
	struct budget_rows found = { 0, 0 };
	unsigned what;
	int rc;

	if (sink->budget.limit_bytes)
		found = budget_look_at(rows, count);
	lock_get(&sink->lock);
	sink->budget.live_count += found.live_count;
	write_definitions_locked(p);
	what = losses(&sink->budget, chunk->begin_ticks, order);
	lock_put(&sink->lock);

	if (!clock_is_tsc)
		order |= order ? COMPACT_TIMES : 0; /* ticks are nanoseconds: too few to drop any */
	block = block_of_chunk(p, chunk);
	block->layout = SHIM_LAYOUT_COLUMNS;
	block->end_ticks = rows[count - 1].ticks;
	block->row_count = count;
	if (unlikely(what) && press_fold(p))
		rows = fold_rows(p->fold, rows, count, block->begin_ticks, what, &block->row_count);
	if (!block->row_count)
		return -ENODATA;
	if (upto(UPTO_COLUMNS))
		n = compact_rows(p->compact, rows, block->row_count, block->begin_ticks, order,
				 (uint8_t *)(block + 1));
	if (unlikely(what) && p->fold)
		n = fold_append(p->fold, (uint8_t *)(block + 1), n);
	block->payload_bytes = (uint32_t)n;
	rows_written = block->row_count;
	n = press_frame(p, sizeof(*block) + block->payload_bytes, &frame);

	lock_get(&sink->lock);
	rc = append_block_locked(block, frame, n);
	sink->events += rc ? 0 : rows_written;
	if (unlikely(found.other_count))
		count_others_locked(n * found.other_count / count);
	lock_put(&sink->lock);
	return rc;
}

uint64_t sink_rows(struct shim_chunk *chunk, unsigned order, uint64_t *lost)
{
	uint32_t count = chunk->used / sizeof(struct shim_row);
	uint64_t cpu = clock_thread_cpu_ns();
	struct press *p;
	int rc;

	if (!count)
		return 0;
	p = press_get();
	rc = write_rows(p, chunk, count, order);
	press_put(p);
	cpu = clock_thread_cpu_ns() - cpu;
	__atomic_fetch_add(&sink->cpu_ns, cpu, __ATOMIC_RELAXED);
	if (rc && rc != -EDQUOT && rc != -ENODATA && !lost)
		return cpu; /* the spool keeps them */
	if (rc && rc != -ENODATA) {
		if (lost)
			*lost += count;
		__atomic_fetch_add(&sink->lost, count, __ATOMIC_RELAXED);
	}
	spool_stamp(clock_ticks(), clock_mono_ns(), sink_lost());
	if (lost)
		chunk->lost = *lost;
	reset_chunk(chunk, rc != -ENODATA);
	return cpu;
}

/*
 * Wraps FACTS (fields behind its struct shim_trace_facts) as a skippable frame with
 * MAGIC_NUMBER, in place. The frame's length.
 */
static size_t close_facts(uint8_t *frame, uint32_t magic_number, const char *magic,
			  uint8_t *fields_end, uint8_t *payload_end)
{
	struct shim_trace_facts *head = (struct shim_trace_facts *)(void *)(frame + 8);
	uint8_t *fields = (uint8_t *)(head + 1);
	uint32_t length = (uint32_t)(payload_end - (frame + 8));

	memcpy(frame, &magic_number, 4);
	memcpy(frame + 4, &length, 4);
	memcpy(head->magic, magic, sizeof(head->magic));
	head->version = SHIM_TRACE_VERSION;
	head->run_id = sink->run_id;
	head->crc = encode_crc32(0, fields, (size_t)(fields_end - fields));
	return (size_t)length + 8;
}

static int write_header(void)
{
	uint8_t *frame = arena_map(SINK_HEADER_BYTES);
	struct facts f;
	int rc;

	if (!frame)
		return -ENOMEM;
	f = (struct facts){ frame + 8 + sizeof(struct shim_trace_facts), frame + SINK_HEADER_BYTES };
	facts_of_start(&f);
	rc = append(frame, close_facts(frame, SHIM_FRAME_HEADER, SHIM_HEADER_MAGIC, f.at, f.at));
	arena_unmap(frame, SINK_HEADER_BYTES);
	return rc;
}

static void forget_inherited(void)
{
	struct stat st;

	if (inherited.fd > 0 && sys_fstat(inherited.fd, &st) == 0 && st.st_ino == inherited.inode)
		sys_close(inherited.fd);
	inherited.fd = 0;
}

int sink_start(void)
{
	struct stat st;
	int rc;

	if (!sink)
		sink = arena_forgotten(sizeof(*sink));
	if (!sink)
		return -ENOMEM;
	forget_inherited();
	budget_begin(&sink->budget, config.max_trace_bytes, config.sample_bytes);
	sink->fd = trace_path_open(config.output, sink->path, sizeof(sink->path));
	if (sink->fd < 0)
		return sink->fd;
	sink->fd = trace_path_raise(sink->fd);
	if (sys_fstat(sink->fd, &st))
		return -EIO;
	sink->device = st.st_dev;
	sink->inode = st.st_ino;
	inherited.fd = sink->fd;
	inherited.inode = st.st_ino;
	if (sys_call(SYS_getrandom, &sink->run_id, sizeof(sink->run_id), 1) != sizeof(sink->run_id))
		sink->run_id = clock_ticks() ^ (uint64_t)sys_getpid() << 32;
	rc = write_header();
	if (rc)
		sys_unlink(sink->path); /* an empty file would only puzzle */
	return rc;
}

static int write_index(uint64_t *offset)
{
	size_t bytes = sink->index_count * sizeof(*sink->index);
	size_t total = (size_t)index_bytes(sink->index_count);
	uint8_t *frame = arena_map(total), *fields;
	int rc;

	if (!frame)
		return -ENOMEM;
	fields = frame + 8 + sizeof(struct shim_trace_facts);
	if (bytes)
		memcpy(fields, sink->index, bytes);
	*offset = sink->offset;
	rc = append(frame, close_facts(frame, SHIM_FRAME_INDEX, SHIM_INDEX_MAGIC, fields + bytes,
				       fields + bytes));
	arena_unmap(frame, total);
	return rc;
}

static void facts_of_end(struct facts *f, const char *end)
{
	struct rusage usage;

	facts_put(f, "end", end);
	facts_put_number(f, "end_ticks", clock_ticks());
	facts_put_number(f, "end_mono_ns", clock_mono_ns());
	facts_put_number(f, "events", sink->events);
	facts_put_number(f, "lost", sink->lost);
	if (sink->failed_ticks)
		facts_put_number(f, "failed_ticks", sink->failed_ticks);
	facts_put_number(f, "stacks", stacks_count());
	if (sys_call(SYS_getrusage, RUSAGE_SELF, &usage) == 0)
		facts_put_number(f, "max_rss_bytes", (uint64_t)usage.ru_maxrss * 1024);
	facts_put_number(f, "shim_cpu_ns", sink->cpu_ns);
	facts_put_number(f, "shim_bytes", arena_bytes());
}

/* Also when there is room again by now: what was dropped meanwhile stays dropped. */
static void tell_dropped_definitions(void)
{
	char text[128];

	if (!defs_dropped())
		return;
	log_format(text, sizeof(text),
		   "%lu definitions of stacks, modules or threads could not be kept: some stacks end early",
		   (unsigned long)defs_dropped());
	defs_note(SHIM_NOTE_LOSS, text);
}

int sink_finish(const char *end)
{
	uint8_t *frame;
	struct facts f;
	struct shim_trace_tail tail;
	uint64_t index_offset = 0;
	int rc = -ENOMEM;

	tell_dropped_definitions();
	sink_definitions();
	lock_get(&sink->lock);
	tail.footer_offset = 0;
	frame = arena_map(SINK_FOOTER_BYTES);
	if (frame)
		rc = write_index(&index_offset);
	if (rc == 0) {
		f = (struct facts){ frame + 8 + sizeof(struct shim_trace_facts),
				    frame + SINK_FOOTER_BYTES - sizeof(tail) };
		facts_of_end(&f, end);
		tail.index_offset = index_offset;
		tail.footer_offset = sink->offset;
		memcpy(tail.magic, SHIM_END_MAGIC, sizeof(tail.magic));
		memcpy(f.at, &tail, sizeof(tail));
		rc = append(frame, close_facts(frame, SHIM_FRAME_FOOTER, SHIM_FOOTER_MAGIC, f.at,
					       f.at + sizeof(tail)));
	}
	if (frame)
		arena_unmap(frame, SINK_FOOTER_BYTES);
	lock_put(&sink->lock);
	return rc;
}
