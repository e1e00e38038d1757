/* SPDX-License-Identifier: MIT */
/*
 * Allocates until it is killed. usage: kill_me FILE THREADS [fork]
 * With `fork` a child does the work; the parent waits for its end, which must come by SIGKILL.
 * After each allocation a thread stores in FILE (mapped shared, 16 bytes a thread: number of blocks,
 * number of bytes) what it has allocated so far: these events are committed. The last entry holds the pid.
 * A perfect report of the killed process has, for thread n, at least that many blocks and bytes at
 * worker_n (n from 0 to 15, more threads share sites modulo 16) and at most one block more than was
 * committed. Blocks are of 1 + (index % 1000) bytes. Every 16th is freed again (each one from the 20,001st on), which is committed by
 * the next allocation.
 */
/* build: -O0 -pthread */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_THREADS 63
#define ENTRIES     (MAX_THREADS + 1)

struct committed {
	_Atomic uint64_t count, bytes;
};

static struct committed *shared;

static inline __attribute__((always_inline)) void *work(struct committed *mine)
{
	uint64_t index, bytes = 0;

	for (index = 0;; index++) {
		size_t size = 1 + index % 1000;
		void *p = malloc(size);

		if (!p)
			_exit(3);
		bytes += size;
		atomic_store_explicit(&mine->bytes, bytes, memory_order_release);
		atomic_store_explicit(&mine->count, index + 1, memory_order_release);
		if (index % 16 == 15 || index > 20000) /* keeps memory in bounds */
			free(p);
	}
	return NULL;
}

#define WORKER(n)                          \
	static void *worker_##n(void *arg) \
	{                                  \
		return work(arg);          \
	}
WORKER(0)
WORKER(1)
WORKER(2)
WORKER(3)
WORKER(4)
WORKER(5)
WORKER(6)
WORKER(7)
WORKER(8)
WORKER(9)
WORKER(10)
WORKER(11)
WORKER(12)
WORKER(13)
WORKER(14)
WORKER(15)

static void *(*const workers[16])(void *) = {
	worker_0, worker_1, worker_2,  worker_3,  worker_4,  worker_5,  worker_6,  worker_7,
	worker_8, worker_9, worker_10, worker_11, worker_12, worker_13, worker_14, worker_15,
};

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 0, fd, i, status;
	pthread_t thread;

	if (count < 1 || count > MAX_THREADS) {
		fprintf(stderr, "usage: kill_me FILE THREADS (1 to %d) [fork]\n", MAX_THREADS);
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, ENTRIES * sizeof(*shared)))
		return 1;
	shared = mmap(NULL, ENTRIES * sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		return 1;
	close(fd);
	if (argc > 3 && !strcmp(argv[3], "fork") && fork() != 0)
		return wait(&status) <= 0 || !WIFSIGNALED(status);
	atomic_store(&shared[MAX_THREADS].count, (uint64_t)getpid());
	for (i = 1; i < count; i++)
		if (pthread_create(&thread, NULL, workers[i % 16], &shared[i]))
			return 1;
	worker_0(&shared[0]);
	return 0;
}
