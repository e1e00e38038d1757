/* SPDX-License-Identifier: MIT */
/*
 * press.c - see press.h. zstd works in static memory from the arena: it never calls an
 * allocator. Runs in any thread inside the guard.
 */
#include "press.h"

#include <errno.h>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "arena.h"
#include "sys.h"
#include "upto.h"

#define PRESS_COUNT 4 /* threads that may compress at the same time */
#define PRESS_LEVEL 1

/*
 * zstd's tracing hooks are weak and undefined in its archive. They shall end as null here, not as those of a traced
 * program that links zstd: hidden is what every reference to them is if one is.
 */
#define NO_HOOK(name)                                                       \
	extern void name(void) __attribute__((weak, visibility("hidden"))); \
	static void (*const no_##name)(void) __attribute__((used)) = name

NO_HOOK(ZSTD_trace_compress_begin);
NO_HOOK(ZSTD_trace_compress_end);

struct presses {
	struct press set[PRESS_COUNT];
};

static struct presses *presses; /* in forgotten memory */

/* Memory for P. 0 or -ENOMEM. */
static COLD int press_fill_slow(struct press *p)
{
	size_t context_bytes = ZSTD_estimateCCtxSize(PRESS_LEVEL);
	void *memory = arena_map(context_bytes);
	ZSTD_CCtx *context = memory ? ZSTD_initStaticCCtx(memory, context_bytes) : NULL;

	p->compact = arena_map(compact_bytes());
	p->block = arena_map(PRESS_BLOCK_BYTES);
	p->frame = arena_map(ZSTD_compressBound(PRESS_BLOCK_BYTES));
	if (!context || !p->compact || !p->block || !p->frame)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, PRESS_LEVEL);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1);
	/*
	 * Whole blocks in, whole frames out: no stream buffers, which static memory does
	 * not hold.
	 */
	ZSTD_CCtx_setParameter(context, ZSTD_c_stableInBuffer, 1);
	ZSTD_CCtx_setParameter(context, ZSTD_c_stableOutBuffer, 1);
	p->context = context;
	return 0;
}

int press_start(void)
{
	if (!presses)
		presses = arena_forgotten(sizeof(*presses));
	/* One is there from the start: a program that uses up its memory is recorded to the end. */
	return presses ? press_fill_slow(&presses->set[0]) : -ENOMEM;
}

struct press *press_get(void)
{
	unsigned i;

	for (;;) {
		for (i = 0; i < PRESS_COUNT; i++) {
			struct press *p = &presses->set[i];

			/* acquire: pairs with press_put */
			if (__atomic_exchange_n(&p->is_taken, 1, __ATOMIC_ACQUIRE))
				continue;
			if (p->context || press_fill_slow(p) == 0)
				return p;
			press_put(p);
		}
		sys_nanosleep_ns(20000); /* a quarter of what one flush takes */
	}
}

void press_put(struct press *p)
{
	__atomic_store_n(&p->is_taken, 0, __ATOMIC_RELEASE);
}

struct fold *press_fold(struct press *p)
{
	if (!p->fold)
		p->fold = arena_map(fold_bytes());
	return p->fold;
}

size_t press_frame(struct press *p, size_t length, const uint8_t **frame)
{
	size_t n;

	*frame = p->frame;
	if (!upto(UPTO_FILE))
		return 0;
	n = ZSTD_compress2(p->context, p->frame, ZSTD_compressBound(PRESS_BLOCK_BYTES), p->block,
			   length);
	return ZSTD_isError(n) ? 0 : n;
}
