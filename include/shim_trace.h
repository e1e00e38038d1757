/* SPDX-License-Identifier: MIT */
/*
 * shim_trace.h - the trace format: names, numbers and layouts that writer (preload/) and
 * reader (analyzer/) share.
 *
 * docs/trace-format.md is normative; this file is its C form. It holds no code and includes
 * nothing but fixed-width types. All numbers in a file are little-endian. A change here is
 * five things in one commit: this header, the specification, a golden trace, both decoders,
 * a fuzz seed.
 */
#ifndef SHIM_TRACE_H
#define SHIM_TRACE_H

#include <stdint.h>

#define SHIM_TRACE_VERSION     2
#define SHIM_TRACE_VERSION_MIN 1 /* the oldest that a reader knows: 2 added sampling and folding */

/* zstd skippable frames (RFC 8878, section 3.1.2) that carry what is not compressed. */
#define SHIM_FRAME_HEADER 0x184D2A50u
#define SHIM_FRAME_INDEX  0x184D2A51u
#define SHIM_FRAME_FOOTER 0x184D2A52u

#define SHIM_HEADER_MAGIC "SHIMTRC1" /* 8 bytes, no terminator in the file */
#define SHIM_INDEX_MAGIC  "SHIMIDX1"
#define SHIM_FOOTER_MAGIC "SHIMFTR1"
#define SHIM_END_MAGIC    "SHIMEND1"
#define SHIM_SPOOL_MAGIC  "SHIMSPL1"
#define SHIM_SPOOL_SUFFIX ".spool"

/* Start of the payload of the header and footer frame; key=value fields follow. */
struct shim_trace_facts {
	char magic[8];
	uint32_t version;
	uint32_t crc; /* CRC-32 (IEEE 802.3, zlib's) of the payload behind this struct, without the tail */
	uint64_t run_id;
};

/* Last 24 bytes of the footer's payload, and so of a trace that ended cleanly. */
struct shim_trace_tail {
	uint64_t index_offset;  /* file offset of the index frame (its zstd magic) */
	uint64_t footer_offset; /* file offset of the footer frame */
	char magic[8];          /* SHIM_END_MAGIC */
};

/*
 * Payload of the index frame: struct shim_trace_facts, then one of these per block in file
 * order.
 */
struct shim_index_entry {
	uint64_t offset; /* file offset of the block's zstd frame */
	uint64_t begin_ticks;
	uint64_t end_ticks;
	uint32_t frame_bytes; /* compressed */
	uint32_t thread;
	uint32_t seq;
	uint32_t row_count;
	uint8_t kind; /* enum shim_block_kind */
	uint8_t reserved[7];
};

#define SHIM_BLOCK_MAGIC 0x4B4C4253u /* "SBLK" */
#define SHIM_CHUNK_MAGIC 0x4B4E4353u /* "SCNK" */

enum shim_block_kind {
	SHIM_BLOCK_FREE = 0,   /* a spool chunk that nobody uses */
	SHIM_BLOCK_DEFS = 1,   /* definitions: records of enum shim_def, of thread 0 */
	SHIM_BLOCK_EVENTS = 2, /* events of one thread */
};

enum shim_block_layout {
	SHIM_LAYOUT_RECORDS = 0, /* definitions: type, length, body */
	SHIM_LAYOUT_ROWS = 1,    /* struct shim_row, one after the other */
	SHIM_LAYOUT_COLUMNS = 2, /* the same events by column, see the specification */
};

/* First bytes of every decompressed data frame; payload_bytes of payload follow. */
struct shim_block {
	uint32_t magic; /* SHIM_BLOCK_MAGIC */
	uint8_t kind;
	uint8_t layout;
	uint16_t reserved;
	uint32_t thread; /* index given by the writer, 1 and up; 0 = the definitions stream */
	uint32_t seq;    /* 0, 1, 2… within the thread: a gap is a lost block */
	uint64_t begin_ticks;
	uint64_t end_ticks;
	uint64_t begin_mono_ns; /* CLOCK_MONOTONIC at begin_ticks */
	uint32_t row_count;     /* events, or definition records */
	uint32_t payload_bytes;
	uint64_t lost;         /* events of this thread dropped so far, cumulative */
	uint64_t sample_bytes; /* 0: every allocation is here; else the mean distance of a sample */
};

/* First page of the spool file. */
#define SHIM_SPOOL_HEADER_BYTES 4096
struct shim_spool {
	char magic[8];
	uint32_t version;
	uint32_t header_bytes;
	uint64_t run_id; /* equals the trace's */
	uint64_t pid;
	uint64_t start_ticks, start_mono_ns; /* first clock pair */
	uint64_t last_ticks, last_mono_ns;   /* newest clock pair */
	uint64_t lost;                       /* events dropped in the whole process */
};

/* First bytes of every chunk of the spool; `used` bytes of payload are committed behind it. */
struct shim_chunk {
	uint32_t magic; /* SHIM_CHUNK_MAGIC */
	uint8_t kind;
	uint8_t layout;
	uint16_t reserved;
	uint32_t thread;
	uint32_t seq; /* of the block it will become; if the trace has that, the chunk is void */
	uint64_t begin_ticks;
	uint64_t begin_mono_ns;
	uint32_t used;  /* committed payload bytes */
	uint32_t bytes; /* whole chunk with this header, a multiple of 4096; 0 ends the list */
	uint64_t lost;
	uint64_t sample_bytes; /* as in struct shim_block */
	uint64_t reserved2;
};

/* One event as a row. */
struct shim_row {
	uint64_t ticks;
	uint64_t addr;
	uint64_t size;
	uint32_t stack;
	uint8_t op;     /* enum shim_op */
	uint8_t func;   /* enum shim_func */
	uint16_t extra; /* SHIM_EXTRA_*, or for mmap SHIM_MAP_* */
};

#define SHIM_OP_LIST(X)                                                                           \
	X(ALLOC, 1, "alloc")               /* a block came alive: addr, size, stack */            \
	X(FREE, 2, "free")                 /* the block at addr ended */                          \
	X(REALLOC_FREE, 3, "realloc-free") /* a realloc begins: the block at addr ends for now */ \
	X(REALLOC_ALLOC, 4, "realloc-alloc") /* the same call succeeded: new addr, size, stack */ \
	X(REALLOC_FAIL, 5, "realloc-fail") /* the same call failed: the block at addr lives on */ \
	X(ALLOC_FAIL, 6, "alloc-fail")     /* an allocation of size bytes failed */               \
	X(MMAP, 7, "mmap")                 /* size bytes mapped at addr */                        \
	X(MUNMAP, 8, "munmap")             /* size bytes unmapped at addr */                      \
	X(BRK, 9, "brk")                   /* program break is now addr; size = signed change */

enum shim_op {
#define X(name, number, text) SHIM_OP_##name = number,
	SHIM_OP_LIST(X)
#undef X
		SHIM_OP_COUNT
};

/* The function the program called. Texts are the names in reports and JSON. */
#define SHIM_FUNC_LIST(X)                                                                     \
	X(NONE, 0, "none")                                                                    \
	X(MALLOC, 1, "malloc")                                                                \
	X(CALLOC, 2, "calloc")                                                                \
	X(REALLOC, 3, "realloc")                                                              \
	X(REALLOCARRAY, 4, "reallocarray")                                                    \
	X(POSIX_MEMALIGN, 5, "posix_memalign")                                                \
	X(ALIGNED_ALLOC, 6, "aligned_alloc")                                                  \
	X(MEMALIGN, 7, "memalign")                                                            \
	X(VALLOC, 8, "valloc")                                                                \
	X(PVALLOC, 9, "pvalloc")                                                              \
	X(NEW, 10, "operator new")                                                            \
	X(NEW_ARRAY, 11, "operator new[]")                                                    \
	X(MALLOCX, 12, "mallocx")                                                             \
	X(RALLOCX, 13, "rallocx")                                                             \
	X(XALLOCX, 14, "xallocx")                                                             \
	X(SHIM_ALLOC, 15, "shim_alloc")                                                       \
	X(SHIM_REALLOC, 16, "shim_realloc")                                                   \
	X(FREE, 32, "free")                                                                   \
	X(CFREE, 33, "cfree")                                                                 \
	X(FREE_SIZED, 34, "free_sized")                                                       \
	X(FREE_ALIGNED_SIZED, 35, "free_aligned_sized")                                       \
	X(DELETE, 36, "operator delete")                                                      \
	X(DELETE_ARRAY, 37, "operator delete[]")                                              \
	X(DALLOCX, 38, "dallocx")                                                             \
	X(SDALLOCX, 39, "sdallocx")                                                           \
	X(SHIM_FREE, 40, "shim_free")                                                         \
	X(MMAP, 64, "mmap")                                                                   \
	X(MUNMAP, 65, "munmap")                                                               \
	X(MREMAP, 66, "mremap") /* recorded as MUNMAP of the old and MMAP of the new range */ \
	X(BRK, 67, "brk")                                                                     \
	X(SBRK, 68, "sbrk")

enum shim_func {
#define X(name, number, text) SHIM_FUNC_##name = number,
	SHIM_FUNC_LIST(X)
#undef X
};

/* struct shim_row.extra of heap events. */
#define SHIM_EXTRA_ALIGN_MASK 0x003f /* log2 of the alignment asked for, 0 = the default */
#define SHIM_EXTRA_NOTHROW    0x0040 /* a nothrow form of operator new or delete */
#define SHIM_EXTRA_SIZED      0x0080 /* a sized form of operator delete */
#define SHIM_EXTRA_ALIGNED    0x0100 /* an aligned form of operator new or delete */
#define SHIM_EXTRA_IGNORED    0x0200 /* between shim_ignore_begin and shim_ignore_end: no leak */
#define SHIM_EXTRA_UNFOLLOWED 0x0400 /* realloc-alloc whose block is not in the sample: addr is 0 */
#define SHIM_EXTRA_TEMPORARY  0x0800 /* an end, in a sample: no allocation of this thread since */

/* struct shim_row.extra of MMAP. */
#define SHIM_MAP_READ      0x0001
#define SHIM_MAP_WRITE     0x0002
#define SHIM_MAP_EXEC      0x0004
#define SHIM_MAP_SHARED    0x0008
#define SHIM_MAP_ANONYMOUS 0x0010
#define SHIM_MAP_FIXED     0x0020

/* Columns of SHIM_LAYOUT_COLUMNS. */
enum shim_column {
	SHIM_COLUMN_SHAPES = 1, /* dictionary of what events have in common */
	SHIM_COLUMN_CODES = 2,  /* per row: its shape */
	SHIM_COLUMN_BACK = 3,   /* per local free: which open allocation of this block */
	SHIM_COLUMN_ALLOC_ADDR = 4,
	SHIM_COLUMN_OTHER_ADDR = 5,
	SHIM_COLUMN_TIME = 6,
	SHIM_COLUMN_FOLDED = 7, /* short-lived blocks that have no rows, counted */
	/* The second form, in place of 1 to 5; 15 may stand for 6. */
	SHIM_COLUMN_SHAPE_PARTS = 8, /* as 1, part by part */
	SHIM_COLUMN_STEPS = 9,       /* per row: its shape, or a local end by rank */
	SHIM_COLUMN_RANKS = 10, /* per local end that tells its shape: which of the live ones */
	SHIM_COLUMN_ALLOC_NEAR = 11, /* a byte per address */
	SHIM_COLUMN_ALLOC_FAR = 12,  /* and what does not fit in it */
	SHIM_COLUMN_OTHER_NEAR = 13,
	SHIM_COLUMN_OTHER_FAR = 14,
	SHIM_COLUMN_STAMPS = 15, /* times that change once in several rows */
	SHIM_COLUMN_END
};

/* A byte of SHIM_COLUMN_*_NEAR: a distance below, a rank from here, the size of a distance. */
#define SHIM_ADDR_RANKS 128
#define SHIM_ADDR_FAR   240

/* Flags of a shape. */
/* Local: the allocation and its end lie in this trace block, the end names it by number. */
#define SHIM_SHAPE_LOCAL     0x80
/* A local allocation whose address is kept all the same (several threads). */
#define SHIM_SHAPE_ADDRESSED 0x40
#define SHIM_SHAPE_OP_MASK   0x3f

/* Stack ids. 0: no stack was taken. */
#define SHIM_STACK_NONE 0u
#define SHIM_STACK_TRUNCATED \
	1u /* parent of the outermost kept frame when deeper ones were cut off */
#define SHIM_STACK_FIRST 2u

/* Definition records: varint type, varint body length, body. */
#define SHIM_DEF_LIST(X)    \
	X(STACK, 1)         \
	X(MODULE_LOAD, 2)   \
	X(MODULE_UNLOAD, 3) \
	X(THREAD_START, 4)  \
	X(THREAD_NAME, 5)   \
	X(THREAD_END, 6)    \
	X(CLOCK, 7)         \
	X(NOTE, 8)          \
	X(MARK, 9)          \
	X(PROCESS, 10)      \
	X(RECORDING, 11)    \
	X(STEP, 12)

enum shim_def {
#define X(name, number) SHIM_DEF_##name = number,
	SHIM_DEF_LIST(X)
#undef X
};

enum shim_note_level { SHIM_NOTE_INFO = 0, SHIM_NOTE_WARNING = 1, SHIM_NOTE_LOSS = 2 };
enum shim_process_what {
	SHIM_PROCESS_FORK = 1,
	SHIM_PROCESS_EXEC = 2,
	SHIM_PROCESS_SPAWN = 3,
	SHIM_PROCESS_EXEC_FAILED = 4
};

/* What was given up to stay within SHIM_MAX_TRACE: the steps of SHIM_DEF_STEP. */
enum shim_step {
	SHIM_STEP_EXACT = 0,
	SHIM_STEP_TIMES = 1,   /* time per event, in processes with one thread */
	SHIM_STEP_FOLDED = 2,  /* rows of short-lived blocks */
	SHIM_STEP_SAMPLED = 3, /* blocks not in the sample */
};

/* Bounds that a reader enforces and a writer keeps. */
#define SHIM_BLOCK_MAX_BYTES  (16u << 20)         /* decompressed frame */
#define SHIM_FACTS_MAX_BYTES  (4u << 20)          /* header or footer payload */
#define SHIM_SAMPLE_MAX_BYTES (UINT64_C(1) << 46) /* mean distance of a sample */
#define SHIM_FOLDED_MAX_COUNT (UINT64_C(1) << 40) /* pairs folded in one block … */
#define SHIM_FOLDED_MAX_BYTES (UINT64_C(1) << 56) /* … and what they allocated */
#define SHIM_TEXT_MAX_BYTES   (1u << 20)          /* one name, path or value */
#define SHIM_DEPTH_MAX        65535u              /* frames of one stack */
#define SHIM_CHUNK_MAX_BYTES  (4u << 20)

_Static_assert(sizeof(struct shim_trace_facts) == 24, "facts");
_Static_assert(sizeof(struct shim_trace_tail) == 24, "tail");
_Static_assert(sizeof(struct shim_index_entry) == 48, "index entry");
_Static_assert(sizeof(struct shim_block) == 64, "block");
_Static_assert(sizeof(struct shim_spool) == 72, "spool");
_Static_assert(sizeof(struct shim_chunk) == 64, "chunk");
_Static_assert(sizeof(struct shim_row) == 32, "row");

#endif
