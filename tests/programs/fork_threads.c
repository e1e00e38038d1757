/* SPDX-License-Identifier: MIT */
/*
 * Forks 50 times while eight threads allocate and free without pause; each child allocates, starts a
 * thread of its own and exits. A library that holds a lock across fork hangs here.
 * A perfect report of the parent says:
 * truth: leak parent_leak 1 500
 * truth: leak-in 1 parent_leak 1 500
 * truth: leak worker 0 0
 * truth: files 51
 */
/* build: -O0 -pthread */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int stop;
static void *volatile sink;

static void *worker(void *arg)
{
	void *kept[16] = { 0 };
	unsigned i = (unsigned)(size_t)arg;

	while (!atomic_load(&stop)) {
		free(kept[i % 16]);
		kept[i % 16] = malloc(i % 300);
		i++;
	}
	for (i = 0; i < 16; i++)
		free(kept[i]);
	return NULL;
}

static void *child_thread(void *arg)
{
	int i;

	for (i = 0; i < 100; i++)
		free(malloc(100));
	return arg;
}

static void parent_leak(void)
{
	sink = malloc(500);
}

int main(void)
{
	pthread_t threads[8], thread;
	int i, status, good = 0;

	for (i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, worker, (void *)(size_t)i);
	for (i = 0; i < 50; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			child_thread(NULL);
			if (pthread_create(&thread, NULL, child_thread, NULL) == 0)
				pthread_join(thread, NULL);
			_exit(i);
		}
		if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
			good += WEXITSTATUS(status) == i;
	}
	atomic_store(&stop, 1);
	for (i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	parent_leak();
	printf("fork_threads: %d\n", good);
	return good != 50;
}
