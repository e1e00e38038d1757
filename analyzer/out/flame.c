/* SPDX-License-Identifier: MIT */
/* flame.c - see flame.h. */
#include "out/flame.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out/text.h"
#include "util/map.h"
#include "util/pool.h"

struct flame_private {
	struct pool *texts;
	struct map by_hash;  /* label hash -> index of the first label with it, plus 1 */
	struct map children; /* parent << 32 | label -> node */
};

uint64_t flame_hash(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash;
}

static uint32_t add_node(struct flame *f, uint32_t parent, uint32_t label)
{
	uint32_t id = (uint32_t)f->node_count;
	struct flame_node *node;

	f->nodes = pool_grow(f->nodes, &f->node_capacity, f->node_count + 1, sizeof(*f->nodes));
	f->node_count++;
	node = &f->nodes[id];
	*node = (struct flame_node){
		.label = label, .parent = parent, .first = FLAME_NONE, .next = FLAME_NONE
	};
	if (parent != FLAME_NONE) {
		node->depth = f->nodes[parent].depth + 1;
		node->next = f->nodes[parent].first;
		f->nodes[parent].first = id;
	}
	if (node->depth > f->deepest)
		f->deepest = node->depth;
	return id;
}

struct flame *flame_new(void)
{
	struct flame *f = xcalloc(1, sizeof(*f));

	f->own = xcalloc(1, sizeof(*f->own));
	f->own->texts = pool_new();
	add_node(f, FLAME_NONE, FLAME_NONE);
	return f;
}

void flame_delete(struct flame *f)
{
	if (!f)
		return;
	pool_delete(f->own->texts);
	map_free(&f->own->by_hash);
	map_free(&f->own->children);
	free(f->own);
	free(f->labels);
	free(f->nodes);
	free(f);
}

uint32_t flame_label(struct flame *f, const char *text, const char *module)
{
	uint64_t hash = flame_hash(text) * 31 + flame_hash(module);
	uint64_t *slot = map_put(&f->own->by_hash, hash, NULL);
	uint32_t at, id = (uint32_t)f->label_count;
	struct flame_label *label;

	for (at = (uint32_t)*slot; at; at = f->labels[at - 1].next)
		if (strcmp(f->labels[at - 1].text, text) == 0 &&
		    strcmp(f->labels[at - 1].module, module) == 0)
			return at - 1;
	f->labels = pool_grow(f->labels, &f->label_capacity, f->label_count + 1, sizeof(*f->labels));
	f->label_count++;
	label = &f->labels[id];
	label->text = pool_strndup(f->own->texts, text, strlen(text));
	label->module = pool_strndup(f->own->texts, module, strlen(module));
	label->hash = hash;
	label->next = (uint32_t)*slot;
	*slot = id + 1;
	return id;
}

void flame_add(struct flame *f, const uint32_t *labels, size_t depth, uint64_t weight)
{
	uint32_t node = FLAME_ROOT;
	size_t i;

	if (weight == 0)
		return;
	for (i = 0; i < depth; i++) {
		int is_new;
		uint64_t *slot = map_put(&f->own->children, (uint64_t)node << 32 | labels[i],
					 &is_new);

		if (is_new)
			*slot = add_node(f, node, labels[i]);
		node = (uint32_t)*slot;
	}
	f->nodes[node].self += weight;
}

static int compare_labels(const void *a, const void *b, void *flame)
{
	const struct flame *f = flame;
	const struct flame_label *x = &f->labels[f->nodes[*(const uint32_t *)a].label];
	const struct flame_label *y = &f->labels[f->nodes[*(const uint32_t *)b].label];
	int order = strcmp(x->text, y->text);

	return order ? order : strcmp(x->module, y->module);
}

static void sort_children(struct flame *f, uint32_t parent, uint32_t **list, size_t *capacity)
{
	size_t count = 0, i;
	uint32_t child;

	for (child = f->nodes[parent].first; child != FLAME_NONE; child = f->nodes[child].next) {
		*list = pool_grow(*list, capacity, count + 1, sizeof(**list));
		(*list)[count++] = child;
	}
	if (count < 2)
		return;
	qsort_r(*list, count, sizeof(**list), compare_labels, f);
	f->nodes[parent].first = (*list)[0];
	for (i = 0; i < count; i++)
		f->nodes[(*list)[i]].next = i + 1 < count ? (*list)[i + 1] : FLAME_NONE;
}

void flame_finish(struct flame *f)
{
	uint32_t *list = NULL;
	size_t capacity = 0, i;

	/*
	 * A child's index is always above its parent's, so one pass from the end totals the tree.
	 */
	for (i = f->node_count; i-- > 0;) {
		f->nodes[i].total += f->nodes[i].self;
		if (i != FLAME_ROOT)
			f->nodes[f->nodes[i].parent].total += f->nodes[i].total;
	}
	for (i = 0; i < f->node_count; i++)
		sort_children(f, (uint32_t)i, &list, &capacity);
	free(list);
	map_free(&f->own->children);
}

uint32_t flame_next(const struct flame *f, uint32_t node, int skip)
{
	if (!skip && f->nodes[node].first != FLAME_NONE)
		return f->nodes[node].first;
	while (node != FLAME_ROOT) {
		if (f->nodes[node].next != FLAME_NONE)
			return f->nodes[node].next;
		node = f->nodes[node].parent;
	}
	return FLAME_NONE;
}

const char *flame_amount(char *out, const struct flame_view *view, uint64_t weight)
{
	const char *about = view->is_estimate ? "~" : "";
	char bytes[TEXT_NUMBER_BYTES];

	if (strcmp(view->unit, "bytes") == 0)
		snprintf(out, 48, "%s%s", about, text_bytes(bytes, weight));
	else
		snprintf(out, 48, "%s%" PRIu64 " %.20s", about, weight, view->unit);
	return out;
}
