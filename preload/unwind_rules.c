/* SPDX-License-Identifier: MIT */
/*
 * unwind_rules.c - see unwind_rules.h. Runs in any thread, inside the guard. A slot's key is claimed by
 * compare-and-swap and never changes; its rule is one word that anyone may store, because all who know it
 * know the same. The table lies in memory that a forked child inherits: code has the same addresses
 * there, so the child starts with every rule its parent knew.
 */
#include "unwind_rules.h"

#if UNWIND_HAS_RULES

#include <errno.h>

#include "arena.h"
#include "loader.h"
#include "lock.h"
#include "objects.h"
#include "unwind_cfi.h"
#include "unwind_debug.h"

#define SLOTS_FIRST 4096u
#define PROBES_MAX  64u /* a run of taken slots this long means that the table could not grow */

struct rules_table *rules_table;
uint32_t rules_generation = 1;

static struct lock *grow_lock; /* in forgotten memory */

/* ---- the object of a place ---- */

int rules_object(uintptr_t location, struct dso *out)
{
	int rc = loader_find(location, out);

	if (rc == -ENOENT)
		return rc;
	if (rc == 0) {
		if (unlikely(!objects_knows(location)))
			objects_meet(out);
		return 0;
	}
	/* An older loader tells only with its lock (design note 22). */
	if (objects_find(location, out) == 0)
		return 0;
	objects_refresh();
	return objects_find(location, out);
}

int rules_row(const struct dso *dso, uintptr_t location, struct cfi_row *row)
{
	int rc = cfi_find(dso, location, row);

	return rc ? debug_find(dso, __atomic_load_n(&rules_generation, __ATOMIC_ACQUIRE), location,
			       row)
		  : 0;
}

/* ---- from a row to a rule ---- */

enum {
	OP_DEREF = 0x06,
	OP_BREG0 = 0x70, /* the contents of register N plus a signed number */
};

/*
 * *OFFSET of an expression that is "frame pointer + offset", with IS_DEREF the word there. 0, or -EINVAL when
 * it is another one.
 */
static int frame_expression(const struct cfi_row *row, int32_t value, int is_deref, int64_t *offset)
{
	size_t length, i;
	const uint8_t *at = cfi_expression(row, value, &length);
	uint64_t number = 0;
	unsigned shift = 0;

	if (!at || length < 2 || at[0] != OP_BREG0 + UNWIND_FP)
		return -EINVAL;
	for (i = 1; i < length && shift < 35; shift += 7) {
		number |= (uint64_t)(at[i] & 0x7f) << shift;
		if (!(at[i++] & 0x80)) {
			*offset = (int64_t)(number << (57 - shift)) >> (57 - shift);
			if (is_deref)
				return i + 1 == length && at[i] == OP_DEREF ? 0 : -EINVAL;
			return i == length ? 0 : -EINVAL;
		}
	}
	return -EINVAL;
}

/* OFFSET in words. 0, or -EINVAL when it is no whole number of words or too large. */
static int to_words(int64_t offset, int16_t *words)
{
	*words = (int16_t)(offset / 8);
	return (int64_t)*words * 8 == offset ? 0 : -EINVAL;
}

static int rule_of_cfa(const struct cfi_row *row, struct unwind_rule *rule)
{
	int64_t offset = row->cfa_value;

	if (row->cfa_is_expression) {
		rule->kind = RULE_CELL;
		if (frame_expression(row, row->cfa_value, 1, &offset))
			return -EINVAL;
	} else if (row->cfa_register == UNWIND_SP) {
		rule->kind = RULE_SP;
	} else if (row->cfa_register == UNWIND_FP) {
		rule->kind = RULE_FP;
	} else {
		return -EINVAL;
	}
	return to_words(offset, &rule->cfa_words);
}

static int rule_of_fp(const struct cfi_row *row, struct unwind_rule *rule)
{
	const struct cfi_place *fp = &row->registers[UNWIND_FP];
	int64_t offset = fp->value;

	switch (fp->where) {
	case CFI_SAME:
	case CFI_UNDEFINED: /* the caller does not need it */
		rule->fp = RULE_FP_SAME;
		return 0;
	case CFI_SAVED:
		rule->fp = RULE_FP_AT_CFA;
		return to_words(offset, &rule->fp_words);
	case CFI_SAVED_EXPRESSION:
		rule->fp = RULE_FP_AT_FP;
		if (frame_expression(row, fp->value, 0, &offset))
			return -EINVAL;
		return to_words(offset, &rule->fp_words);
	default:
		return -EINVAL;
	}
}

#if UNWIND_RA_VARIES

#define NEAR_MAX 15 /* what fits in struct unwind_rule */

/* Functions save it beside the frame pointer, if they save that. */
static int rule_of_ra(const struct cfi_place *ra, struct unwind_rule *rule)
{
	int16_t words;
	int near;

	if (to_words(ra->value, &words) || rule->fp == RULE_FP_AT_FP)
		return -EINVAL;
	if (rule->fp == RULE_FP_SAME)
		rule->fp_words = words;
	near = words - rule->fp_words;
	if (near < -NEAR_MAX || near > NEAR_MAX)
		return -EINVAL;
	rule->near = (int8_t)near;
	return 0;
}

#else

static int rule_of_ra(const struct cfi_place *ra, struct unwind_rule *rule)
{
	(void)rule;
	return ra->value == UNWIND_RA_SLOT ? 0 : -EINVAL;
}

#endif

struct unwind_rule rules_of_row(const struct cfi_row *row)
{
	static const struct unwind_rule complex = { .kind = RULE_COMPLEX };
	const struct cfi_place *ra = &row->registers[UNWIND_RA];
	struct unwind_rule rule = { .kind = RULE_END };

	if (row->is_signal)
		return (struct unwind_rule){ .kind = RULE_SIGNAL };
	if (ra->where == CFI_UNDEFINED)
		return rule;
	if (ra->where != CFI_SAVED || row->registers[UNWIND_SP].where != CFI_SAME)
		return complex;
	if (rule_of_cfa(row, &rule) || rule_of_fp(row, &rule) || rule_of_ra(ra, &rule))
		return complex;
	return rule;
}

/* ---- the table ---- */

static struct rules_table *new_table(uint32_t slots)
{
	size_t size = sizeof(struct rules_table) + slots * sizeof(struct rules_slot);
	long p = sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rules_table *table = (struct rules_table *)p;

	if (sys_is_error(p))
		return NULL;
	table->slots = slots;
	table->shift = 64 - (uint32_t)__builtin_ctz(slots);
	return table;
}

/* The slot of LOCATION, claimed if it was free; NULL when the neighbourhood is full. */
static struct rules_slot *claim(struct rules_table *table, uintptr_t location)
{
	uint64_t at = rules_hash(location) >> table->shift;
	unsigned probes;

	for (probes = 0; probes < PROBES_MAX; probes++, at++) {
		struct rules_slot *slot = &table->slot[at & (table->slots - 1)];
		uintptr_t key = __atomic_load_n(&slot->key, __ATOMIC_RELAXED);

		if (key == location + 1)
			return slot;
		if (key)
			continue;
		if (__atomic_compare_exchange_n(&slot->key, &key, location + 1, 0, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED)) {
			__atomic_fetch_add(&table->count, 1, __ATOMIC_RELAXED);
			return slot;
		}
		if (key == location + 1)
			return slot;
	}
	return NULL;
}

/* Publishes TABLE. The old one stays: others may be reading it. */
static void replace_table(struct rules_table *table)
{
	__atomic_store_n(&rules_table, table, __ATOMIC_RELEASE); /* pairs with rules_find */
}

/* Doubles the table, unless another thread is at it. Rules stored meanwhile are found again on demand. */
static void grow(struct rules_table *old)
{
	struct rules_table *fresh;
	uint64_t i;

	if (!grow_lock || !lock_try(grow_lock))
		return;
	fresh = rules_table == old ? new_table((uint32_t)old->slots * 2) : NULL;
	for (i = 0; fresh && i < old->slots; i++) {
		uintptr_t key = __atomic_load_n(&old->slot[i].key, __ATOMIC_RELAXED);
		uint64_t rule = __atomic_load_n(&old->slot[i].rule, __ATOMIC_RELAXED);
		struct rules_slot *slot = key && rule ? claim(fresh, key - 1) : NULL;

		if (slot)
			slot->rule = rule;
	}
	if (fresh)
		replace_table(fresh);
	lock_put(grow_lock);
}

static void keep(uintptr_t location, struct unwind_rule rule)
{
	struct rules_table *table = rules_table;
	struct rules_slot *slot;
	uint64_t word;

	if (table->count > table->slots / 2) {
		grow(table);
		table = rules_table;
	}
	slot = claim(table, location);
	memcpy(&word, &rule, sizeof(word));
	if (slot)
		__atomic_store_n(&slot->rule, word, __ATOMIC_RELAXED);
}

/* The rule, from the object that holds LOCATION. *IS_LASTING: it may be kept while that stays loaded. */
static struct unwind_rule compute(uintptr_t location, int *is_lasting)
{
	struct unwind_rule rule = { .kind = RULE_GUESS };
	struct cfi_row row;
	struct dso dso;

	*is_lasting = rules_object(location, &dso) == 0;
	if (!*is_lasting)
		return rule;
	if (rules_row(&dso, location, &row) == 0)
		rule = rules_of_row(&row);
	return rule;
}

static int lookup(const struct rules_table *table, uintptr_t location, struct unwind_rule *out)
{
	uint64_t at = rules_hash(location) >> table->shift, word;
	unsigned probes;

	for (probes = 0; probes < PROBES_MAX; probes++, at++) {
		const struct rules_slot *slot = &table->slot[at & (table->slots - 1)];
		uintptr_t key = __atomic_load_n(&slot->key, __ATOMIC_RELAXED);

		if (!key)
			return 0;
		if (key != location + 1)
			continue;
		word = __atomic_load_n(&slot->rule, __ATOMIC_RELAXED);
		memcpy(out, &word, sizeof(*out));
		return out->kind != RULE_NONE && out->generation == (uint16_t)rules_generation;
	}
	return 0;
}

__attribute__((noinline)) struct unwind_rule rules_find_slow(uintptr_t location)
{
	uint32_t generation = __atomic_load_n(&rules_generation, __ATOMIC_ACQUIRE);
	struct unwind_rule rule;
	int is_lasting;

	if (lookup(__atomic_load_n(&rules_table, __ATOMIC_ACQUIRE), location, &rule))
		return rule;
	rule = compute(location, &is_lasting);
	rule.is_own = dso_is_own(location);
	rule.generation = (uint16_t)generation;
	if (is_lasting)
		keep(location, rule);
	return rule;
}

int rules_start(void)
{
	grow_lock = arena_forgotten(sizeof(*grow_lock));
	if (!rules_table) { /* once per program image */
		loader_start();
		replace_table(new_table(SLOTS_FIRST));
	}
	return rules_table && grow_lock && debug_start() == 0 ? 0 : -ENOMEM;
}

void rules_forget(void)
{
	uint32_t now = __atomic_add_fetch(&rules_generation, 1, __ATOMIC_ACQ_REL);
	struct rules_table *fresh;

	if ((uint16_t)now)
		return;
	/* The number of generations that a rule can tell apart has run out: none of before may stay. */
	fresh = new_table(SLOTS_FIRST);
	if (fresh)
		replace_table(fresh);
}

#endif
