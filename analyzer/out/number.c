/* SPDX-License-Identifier: MIT */
/* number.c - see number.h. */
#include "out/number.h"

#include <inttypes.h>
#include <stdio.h>

static struct number exact_number(uint64_t value)
{
	return (struct number){ .value = value, .low = value, .high = value };
}

static struct number estimate_of(uint64_t value, struct estimate_range range, uint64_t samples)
{
	return (struct number){ .value = value,
				.low = range.low,
				.high = range.high,
				.samples = samples,
				.is_estimate = 1 };
}

struct number number_of_bytes(uint64_t value, const struct estimate *e)
{
	if (!e || !e->samples)
		return exact_number(value);
	return estimate_of(value, estimate_bytes_range(e, value), e->samples);
}

struct number number_of_count(uint64_t value, const struct estimate *e)
{
	if (!e || !e->samples)
		return exact_number(value);
	return estimate_of(value, estimate_count_range(e, value), e->samples);
}

struct number number_of_all_bytes(uint64_t value, const struct estimate *e,
				  const struct heap_totals *t)
{
	struct number n = number_of_bytes(value, e);

	if (n.is_estimate || !t->most_distance)
		return n;
	n.is_estimate = 1;
	n.high = value + (uint64_t)(estimate_poisson_high(0) * (double)t->most_distance);
	return n;
}

/* Of how many small blocks nothing is in a sample, no sample tells. */
struct number number_of_all_count(uint64_t value, const struct estimate *e,
				  const struct heap_totals *t)
{
	struct number n = number_of_count(value, e);

	if (n.is_estimate || !t->most_distance)
		return n;
	n.is_estimate = 1;
	n.high = UINT64_MAX;
	return n;
}

struct number number_of_peak(const struct heap_totals *t)
{
	struct estimate_range range = heap_peak_range(t);

	if (range.low == t->peak_bytes && range.high == t->peak_bytes && !t->estimates.peak.samples)
		return exact_number(t->peak_bytes);
	return estimate_of(t->peak_bytes, range, t->estimates.peak.samples);
}

/* Blocks far larger than the sample's distance are all in it. */
static int is_sure(const struct number *n)
{
	return n->low == n->value && n->high == n->value;
}

const char *number_bytes_text(char *out, const struct number *n)
{
	char value[TEXT_NUMBER_BYTES], low[TEXT_NUMBER_BYTES], high[TEXT_NUMBER_BYTES];

	text_bytes(value, n->value);
	if (is_sure(n))
		snprintf(out, NUMBER_TEXT_BYTES, "%s", value);
	else if (n->high == UINT64_MAX)
		snprintf(out, NUMBER_TEXT_BYTES, "~%s (%s..?)", value, text_bytes(low, n->low));
	else
		snprintf(out, NUMBER_TEXT_BYTES, "~%s (%s..%s)", value, text_bytes(low, n->low),
			 text_bytes(high, n->high));
	return out;
}

const char *number_count_text(char *out, const struct number *n)
{
	if (is_sure(n))
		snprintf(out, NUMBER_TEXT_BYTES, "%" PRIu64, n->value);
	else if (n->high == UINT64_MAX)
		snprintf(out, NUMBER_TEXT_BYTES, "~%" PRIu64 " (%" PRIu64 "..?)", n->value, n->low);
	else
		snprintf(out, NUMBER_TEXT_BYTES, "~%" PRIu64 " (%" PRIu64 "..%" PRIu64 ")",
			 n->value, n->low, n->high);
	return out;
}

void number_json(struct emit *j, const char *key, const struct number *n)
{
	char name[64];

	emit_uint(j, key, n->value);
	if (!n->is_estimate)
		return;
	snprintf(name, sizeof(name), "%s_low", key);
	emit_uint(j, name, n->low);
	snprintf(name, sizeof(name), "%s_high", key);
	if (n->high == UINT64_MAX)
		emit_null(j, name);
	else
		emit_uint(j, name, n->high);
}
