/* SPDX-License-Identifier: MIT */
/*
 * Starts with standard streams closed (the test closes them; alone, it closes them itself): files that
 * the program opens become 0, 1 and 2, and nobody else may take these numbers.
 * A perfect report says:
 * truth: leak leaks 1 321
 * The exit status is 0 if open() gave 0, 1, 2 in this order.
 */
/* build: -O0 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void *volatile sink;

static void leaks(void)
{
	sink = malloc(321);
}

int main(void)
{
	int i, bad = 0;

	leaks();
	for (i = 0; i < 3; i++)
		close(i);
	for (i = 0; i < 3; i++)
		bad |= open("/dev/null", O_RDWR) != i;
	for (i = 0; i < 100000; i++)
		free(malloc(64));
	return bad;
}
