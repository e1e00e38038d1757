/* SPDX-License-Identifier: MIT */
/* build: -O2 -fno-builtin -fno-optimize-sibling-calls */
/*
 * Binary trees built and torn down by recursion: each block has a stack of its own depth,
 * many live at once. Nothing is left. A perfect report says: truth: leak build 0 0
 */
#include <stdio.h>
#include <stdlib.h>

#define DEPTH  18
#define ROUNDS 6

struct tree {
	struct tree *left, *right;
	long payload[3];
};

static struct tree *build(int depth)
{
	struct tree *t = malloc(sizeof(*t) + (size_t)(depth % 4) * 16);

	if (!t)
		exit(1);
	t->left = depth ? build(depth - 1) : NULL;
	t->right = depth ? build(depth - 1) : NULL;
	t->payload[0] = depth;
	return t;
}

static long tear(struct tree *t)
{
	long sum;

	if (!t)
		return 0;
	sum = tear(t->left) + tear(t->right) + t->payload[0];
	free(t);
	return sum;
}

int main(void)
{
	long sum = 0;
	int i;

	for (i = 0; i < ROUNDS; i++)
		sum += tear(build(DEPTH));
	printf("%ld\n", sum);
	return 0;
}
