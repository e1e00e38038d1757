/* SPDX-License-Identifier: MIT */
/*
 * replay.c - see replay.h.
 *
 * Blocks are sorted by the time at which the merge will want them. Workers take them in that order
 * and stay a few ahead; the merge takes a finished one, waits for one in work, and decodes one
 * itself that nobody has begun, so that it cannot get stuck whatever the times in a file are.
 */
#include "trace/replay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/pool.h"

#define AHEAD_PER_WORKER 6
#define PROGRESS_EVERY   32

enum item_state { ITEM_WAITING, ITEM_IN_WORK, ITEM_DONE, ITEM_DAMAGED };

/* One block on its way through. */
struct item {
	const struct frame *frame;
	uint64_t key; /* largest begin_ticks up to this block of its thread */
	uint32_t slot;
	enum item_state state;
	struct block *block;
	struct diag *damage;
};

/* The position of one thread. */
struct lane {
	struct item **items; /* in order of seq */
	size_t count, next;
	struct block *block; /* current, NULL: the next item is not loaded yet */
	size_t at;
	size_t crest; /* events of the block before the crest of its folded blocks; SIZE_MAX: none */
	int has_older_ends; /* of that block */
	uint32_t thread;
	uint64_t lost;
};

/* Entry of the merge's heap: the time of the lane's next event. */
struct turn {
	uint64_t ticks;
	uint32_t slot;
};

struct replay {
	const struct source *source;
	const struct replay_options *options;
	struct quality *quality;
	struct item *items; /* by key, slot, seq */
	size_t item_count;
	struct lane *lanes;
	struct item **lane_items;
	size_t lane_count;
	struct turn *turns;
	size_t turn_count;
	uint64_t blocks_done;
	uint64_t unknown_rows;
	pthread_t *threads;
	int thread_count;
	pthread_mutex_t lock;    /* guards what follows, and state, block, damage of items */
	pthread_cond_t wanted;   /* to workers: there is room again, or stop */
	pthread_cond_t finished; /* to the merge: an item is done */
	size_t next_item;        /* first one that no worker has looked at */
	size_t ahead, ahead_limit;
	int stop;
	struct block **spare;
	size_t spare_count, spare_capacity;
};

/* ---- blocks --------------------------------------------------------------------------------- */

/* A block to decode into. Lock held. */
static struct block *take_spare(struct replay *r)
{
	return r->spare_count ? r->spare[--r->spare_count] : xcalloc(1, sizeof(struct block));
}

/* Lock held. */
static void give_spare(struct replay *r, struct block *b)
{
	r->spare = pool_grow(r->spare, &r->spare_capacity, r->spare_count + 1, sizeof(*r->spare));
	r->spare[r->spare_count++] = b;
}

/*
 * Decodes ITEM, which the caller has marked as in work. Lock held on entry and exit, not while
 * decoding.
 */
static void decode_item(struct replay *r, struct item *item)
{
	struct block *b = take_spare(r);
	struct diag damage;
	int result;

	pthread_mutex_unlock(&r->lock);
	diag_clear(&damage);
	result = source_read(r->source, item->frame, b, &damage);
	pthread_mutex_lock(&r->lock);
	if (result == 0) {
		item->block = b;
		item->state = ITEM_DONE;
		return;
	}
	give_spare(r, b);
	item->damage = xmalloc(sizeof(damage));
	*item->damage = damage;
	item->state = ITEM_DAMAGED;
}

static void *worker_main(void *argument)
{
	struct replay *r = argument;

	pthread_mutex_lock(&r->lock);
	while (!r->stop && r->next_item < r->item_count) {
		struct item *item = &r->items[r->next_item];

		if (r->ahead >= r->ahead_limit) {
			pthread_cond_wait(&r->wanted, &r->lock);
			continue;
		}
		r->next_item++;
		if (item->state != ITEM_WAITING)
			continue;
		item->state = ITEM_IN_WORK;
		r->ahead++;
		decode_item(r, item);
		pthread_cond_signal(&r->finished);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* The decoded block of ITEM, or NULL when it is damaged (counted). */
static struct block *load_item(struct replay *r, struct item *item)
{
	struct block *b;

	pthread_mutex_lock(&r->lock);
	if (item->state == ITEM_WAITING) {
		item->state = ITEM_IN_WORK;
		decode_item(r, item);
	} else {
		while (item->state == ITEM_IN_WORK)
			pthread_cond_wait(&r->finished, &r->lock);
		r->ahead--;
		pthread_cond_signal(&r->wanted);
	}
	b = item->block;
	item->block = NULL;
	pthread_mutex_unlock(&r->lock);
	if (!b) {
		r->quality->blocks_damaged++;
		if (!diag_is_set(&r->quality->first_damage))
			r->quality->first_damage = *item->damage;
		free(item->damage);
		item->damage = NULL;
	}
	return b;
}

static void count_block(struct replay *r, struct lane *lane, const struct item *item,
			const struct block *b)
{
	struct quality *q = r->quality;

	q->blocks++;
	q->events += b->header.row_count + 2 * b->folded.pairs;
	q->events_folded += 2 * b->folded.pairs;
	if (b->header.sample_bytes) {
		if (!q->sample_bytes || b->header.begin_ticks < q->sampled_from_ticks)
			q->sampled_from_ticks = b->header.begin_ticks;
		if (!q->sample_bytes || b->header.sample_bytes < q->sample_least_bytes)
			q->sample_least_bytes = b->header.sample_bytes;
		if (b->header.sample_bytes > q->sample_bytes)
			q->sample_bytes = b->header.sample_bytes;
	}
	q->unknown_records += b->unknown;
	r->unknown_rows += b->unknown;
	if (item->frame->kind == FRAME_CHUNK) {
		q->spool_blocks++;
		q->spool_events += b->header.row_count;
	}
	if (b->header.lost > lane->lost) {
		q->events_lost += b->header.lost - lane->lost;
		lane->lost = b->header.lost;
	}
}

/* ---- the merge's heap: smallest (ticks, slot) first ----------------------------------------- */

static inline int is_before(struct turn a, struct turn b)
{
	return a.ticks != b.ticks ? a.ticks < b.ticks : a.slot < b.slot;
}

static void sift_down(struct replay *r, size_t at)
{
	struct turn moving = r->turns[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= r->turn_count)
			break;
		if (child + 1 < r->turn_count && is_before(r->turns[child + 1], r->turns[child]))
			child++;
		if (!is_before(r->turns[child], moving))
			break;
		r->turns[at] = r->turns[child];
		at = child;
	}
	r->turns[at] = moving;
}

/* The lane at the top goes on at TICKS at the earliest. */
static void top_moves(struct replay *r, uint64_t ticks)
{
	if (ticks > r->turns[0].ticks)
		r->turns[0].ticks = ticks;
	sift_down(r, 0);
}

static void top_ends(struct replay *r)
{
	r->turns[0] = r->turns[--r->turn_count];
	sift_down(r, 0);
}

/* The turn that comes next after the top's. */
static struct turn second_turn(const struct replay *r)
{
	struct turn none = { UINT64_MAX, UINT32_MAX };

	if (r->turn_count < 2)
		return none;
	if (r->turn_count > 2 && is_before(r->turns[2], r->turns[1]))
		return r->turns[2];
	return r->turns[1];
}

/* ---- the merge ------------------------------------------------------------------------------ */

/* The moment at which ITEM is loaded: before all events of the time at which it begins. */
static uint64_t load_ticks(const struct item *item)
{
	return item->key ? item->key - 1 : 0;
}

static void end_of_block(struct replay *r, struct lane *lane)
{
	if (lane->block) {
		pthread_mutex_lock(&r->lock);
		give_spare(r, lane->block);
		pthread_mutex_unlock(&r->lock);
		lane->block = NULL;
	}
	r->blocks_done++;
	if (r->options->progress && r->blocks_done % PROGRESS_EVERY == 0)
		r->options->progress(r->options->progress_context, r->blocks_done, r->item_count);
	if (lane->next < lane->count)
		top_moves(r, load_ticks(lane->items[lane->next]));
	else
		top_ends(r);
}

static void tell_folded(struct replay *r, const struct lane *lane, uint32_t slot, int is_crest)
{
	const struct block *b = lane->block;
	struct event_folded folded = { .folded = &b->folded,
				       .begin_ticks = b->header.begin_ticks,
				       .end_ticks = b->header.end_ticks,
				       .sample_bytes = b->header.sample_bytes,
				       .slot = slot,
				       .is_crest = is_crest,
				       .has_older_ends = lane->has_older_ends };

	if (r->options->folded)
		r->options->folded(r->options->context, &folded);
}

/* A writer knows no size of what another block of events began: such ends are in no crest. */
static int has_older_ends(const struct block *b)
{
	uint32_t i;

	for (i = 0; i < b->header.row_count; i++)
		if ((b->events[i].op == SHIM_OP_FREE || b->events[i].op == SHIM_OP_REALLOC_FREE) &&
		    !event_is_local(&b->events[i]))
			return 1;
	return 0;
}

static void begin_folded(struct replay *r, struct lane *lane, uint32_t slot)
{
	const struct block *b = lane->block;

	if (!b->folded.count)
		return;
	lane->crest = b->folded.crest < b->header.row_count ? b->folded.crest : b->header.row_count;
	lane->has_older_ends = has_older_ends(b);
	tell_folded(r, lane, slot, 0);
	if (lane->crest == 0)
		tell_folded(r, lane, slot, 1);
}

static void load_next(struct replay *r, struct lane *lane, uint32_t slot)
{
	struct item *item = lane->items[lane->next];
	struct block *b;

	if (item->key >= r->options->to_ticks) {
		top_moves(r, item->key);
		return;
	}
	lane->next++;
	lane->block = b = load_item(r, item);
	lane->at = 0;
	lane->crest = SIZE_MAX;
	if (b) {
		count_block(r, lane, item, b);
		begin_folded(r, lane, slot);
	}
	if (b && b->header.row_count)
		top_moves(r, b->events[0].ticks);
	else
		end_of_block(r, lane);
}

/*
 * How many events from AT on come before SECOND's turn; at least one, since the lane is at the top.
 */
static size_t run_length(const struct event *events, size_t at, size_t count, uint32_t slot,
			 struct turn second)
{
	size_t end = at + 1;

	if (is_before((struct turn){ events[count - 1].ticks, slot }, second))
		return count - at;
	while (end < count && is_before((struct turn){ events[end].ticks, slot }, second))
		end++;
	return end - at;
}

static void play_lane(struct replay *r, struct lane *lane, uint32_t slot)
{
	struct turn second = second_turn(r);
	struct event_batch batch = { .thread = lane->thread,
				     .slot = slot,
				     .sample_bytes = lane->block->header.sample_bytes };
	size_t count = lane->block->header.row_count;
	size_t limit = lane->at < lane->crest && lane->crest < count ? lane->crest : count;

	if (second.ticks >= r->options->to_ticks)
		second = (struct turn){ r->options->to_ticks, 0 };
	batch.events = lane->block->events + lane->at;
	batch.count = run_length(lane->block->events, lane->at, limit, slot, second);
	batch.ahead = count - lane->at - batch.count;
	r->options->batch(r->options->context, &batch);
	lane->at += batch.count;
	if (lane->at == lane->crest)
		tell_folded(r, lane, slot, 1);
	if (lane->at < count)
		top_moves(r, lane->block->events[lane->at].ticks);
	else
		end_of_block(r, lane);
}

static void merge(struct replay *r)
{
	while (r->turn_count && r->turns[0].ticks < r->options->to_ticks) {
		uint32_t slot = r->turns[0].slot;
		struct lane *lane = &r->lanes[slot];

		if (lane->block)
			play_lane(r, lane, slot);
		else
			load_next(r, lane, slot);
	}
}

/* ---- setting up ----------------------------------------------------------------------------- */

static const struct frame *ordered_frame(const struct source *s, size_t i)
{
	return &s->frames[s->order[i]];
}

size_t replay_threads(const struct source *s, uint32_t **threads)
{
	size_t i, count = 0;

	*threads = xmalloc(s->order_count * sizeof(**threads));
	for (i = 0; i < s->order_count; i++) {
		const struct frame *f = ordered_frame(s, i);

		if (f->block_kind == SHIM_BLOCK_EVENTS &&
		    (!count || (*threads)[count - 1] != f->thread))
			(*threads)[count++] = f->thread;
	}
	return count;
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	return x->frame->seq < y->frame->seq ? -1 : x->frame->seq > y->frame->seq;
}

static void make_items(struct replay *r)
{
	const struct source *s = r->source;
	uint64_t key = 0;
	size_t i;

	r->items = xcalloc(s->order_count, sizeof(*r->items));
	for (i = 0; i < s->order_count; i++) {
		const struct frame *f = ordered_frame(s, i);
		struct item *item = &r->items[r->item_count];

		if (f->block_kind != SHIM_BLOCK_EVENTS)
			continue;
		if (!r->item_count || item[-1].frame->thread != f->thread) {
			r->lanes[r->lane_count++].thread = f->thread;
			key = 0;
		}
		key = f->begin_ticks > key ? f->begin_ticks : key;
		item->frame = f;
		item->key = key;
		item->slot = (uint32_t)(r->lane_count - 1);
		r->lanes[item->slot].count++;
		r->item_count++;
	}
	qsort(r->items, r->item_count, sizeof(*r->items), compare_items);
}

/* Hands each lane its items, in order of seq, which the order by key keeps within a lane. */
static void fill_lanes(struct replay *r)
{
	size_t i, at = 0;

	r->lane_items = xmalloc(r->item_count * sizeof(*r->lane_items));
	for (i = 0; i < r->lane_count; i++) {
		r->lanes[i].items = r->lane_items + at;
		at += r->lanes[i].count;
		r->lanes[i].count = 0;
	}
	for (i = 0; i < r->item_count; i++) {
		struct lane *lane = &r->lanes[r->items[i].slot];

		lane->items[lane->count++] = &r->items[i];
	}
	r->turns = xmalloc(r->lane_count * sizeof(*r->turns));
	r->turn_count = r->lane_count;
	for (i = 0; i < r->lane_count; i++)
		r->turns[i] = (struct turn){ load_ticks(r->lanes[i].items[0]), (uint32_t)i };
	for (i = r->turn_count / 2; i-- > 0;)
		sift_down(r, i);
}

static void start_workers(struct replay *r)
{
	int wanted = r->options->jobs - 1;

	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wanted, NULL);
	pthread_cond_init(&r->finished, NULL);
	if (wanted < 1)
		return;
	if ((size_t)wanted > r->item_count)
		wanted = (int)r->item_count;
	r->ahead_limit = (size_t)wanted * AHEAD_PER_WORKER;
	r->threads = xcalloc((size_t)wanted, sizeof(*r->threads));
	while (r->thread_count < wanted &&
	       pthread_create(&r->threads[r->thread_count], NULL, worker_main, r) == 0)
		r->thread_count++;
}

static void stop_workers(struct replay *r)
{
	int i;

	pthread_mutex_lock(&r->lock);
	r->stop = 1;
	pthread_cond_broadcast(&r->wanted);
	pthread_mutex_unlock(&r->lock);
	for (i = 0; i < r->thread_count; i++)
		pthread_join(r->threads[i], NULL);
}

static void clean_up(struct replay *r)
{
	size_t i;

	for (i = 0; i < r->item_count; i++) {
		if (r->items[i].block)
			give_spare(r, r->items[i].block);
		free(r->items[i].damage);
	}
	for (i = 0; i < r->lane_count; i++)
		if (r->lanes[i].block)
			give_spare(r, r->lanes[i].block);
	for (i = 0; i < r->spare_count; i++) {
		block_free(r->spare[i]);
		free(r->spare[i]);
	}
	free(r->spare);
	free(r->threads);
	free(r->turns);
	free(r->lane_items);
	free(r->lanes);
	free(r->items);
	pthread_cond_destroy(&r->finished);
	pthread_cond_destroy(&r->wanted);
	pthread_mutex_destroy(&r->lock);
}

/* What header, footer and spool promise beyond what came. */
static void count_shortfall(struct replay *r)
{
	const struct source *s = r->source;
	struct quality *q = r->quality;
	uint64_t lost = fields_number(&s->footer, "lost", 0);
	uint64_t written = fields_number(&s->footer, "events", 0);

	lost = s->spool.lost > lost ? s->spool.lost : lost;
	q->events_lost = lost > q->events_lost ? lost : q->events_lost;
	if (written > q->events - q->events_folded + r->unknown_rows)
		q->events_unread = written - (q->events - q->events_folded) - r->unknown_rows;
}

void replay_run(const struct source *s, const struct replay_options *options, struct quality *q)
{
	struct replay r = { .source = s, .options = options, .quality = q };

	r.lanes = xcalloc(s->order_count + 1, sizeof(*r.lanes));
	make_items(&r);
	fill_lanes(&r);
	start_workers(&r);
	merge(&r);
	stop_workers(&r);
	if (!r.turn_count)
		count_shortfall(&r);
	if (options->progress)
		options->progress(options->progress_context, r.item_count, r.item_count);
	clean_up(&r);
}
