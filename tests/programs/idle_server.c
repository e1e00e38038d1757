/* SPDX-License-Identifier: MIT */
/* build: -O1 */
/*
 * A server with little to do: it sleeps, handles a request with 17 blocks that live for the request
 * only, and sleeps again. It measures itself and, given an argument, prints that and the longest
 * time, in ns, that any block can have lived. A recorder that does not read the clock at every
 * event must not count the sleep as part of a life.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS 60
#define BLOCKS   17

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(int argc, char **argv)
{
	static char buffer[256];
	int64_t longest = 0, begin, took;
	void *blocks[BLOCKS];
	int request, i;

	setvbuf(stdout, buffer, _IOFBF,
		sizeof(buffer)); /* a buffer of stdio's own would live for long */
	for (request = 0; request < REQUESTS; request++) {
		begin = now_ns();
		for (i = 0; i < BLOCKS; i++)
			blocks[i] = malloc(100 + (size_t)i);
		for (i = 0; i < BLOCKS; i++)
			free(blocks[i]);
		took = now_ns() - begin;
		longest = took > longest ? took : longest;
		usleep(10000);
	}
	if (argc > 1)
		printf("%s%lld\n", argv[1], (long long)longest);
	return 0;
}
