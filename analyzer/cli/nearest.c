/* SPDX-License-Identifier: MIT */
/* nearest.c - see nearest.h. Optimal string alignment distance over three rows of the table. */
#include "cli/nearest.h"

#include <string.h>

#define WORD_MOST 64

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned nearest_distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MOST + 1];
	size_t length_a = strlen(a), length_b = strlen(b), i, k;

	if (length_a >= WORD_MOST || length_b >= WORD_MOST)
		return WORD_MOST;
	for (k = 0; k <= length_b; k++)
		rows[0][k] = (unsigned)k;
	for (i = 1; i <= length_a; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (k = 1; k <= length_b; k++) {
			row[k] = least(above[k] + 1, row[k - 1] + 1,
				       above[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
			    above2[k - 2] + 1 < row[k])
				row[k] = above2[k - 2] + 1;
		}
	}
	return rows[length_a % 3][length_b];
}

const char *nearest_word(const char *text, const char *const *words, size_t count)
{
	unsigned best = WORD_MOST, allowed = strlen(text) < 4 ? 1 : strlen(text) < 7 ? 2 : 3;
	const char *found = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		unsigned distance = nearest_distance(text, words[i]);

		/* The beginning of a word is what people type who do not know the rest. */
		if (strlen(text) >= 3 && strncmp(text, words[i], strlen(text)) == 0)
			distance = 1;
		if (distance < best) {
			best = distance;
			found = words[i];
		}
	}
	return best <= allowed ? found : NULL;
}
