/* SPDX-License-Identifier: MIT */
/*
 * errno is unchanged over every successful allocation and over free, set to ENOMEM by failing ones,
 * and the same over dlopen, fork and thread creation as without a library.
 * A perfect report says nothing in particular:
 * truth: leak churn 0 0
 */
/* build: -O0 -pthread -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int bad;
static volatile size_t huge = SIZE_MAX / 2;

static void expect(int wanted, const char *where)
{
	if (errno != wanted) {
		printf("errno %d instead of %d after %s\n", errno, wanted, where);
		bad++;
	}
	errno = 77;
}

static void churn(void)
{
	void *p, *q = NULL;
	int i;

	errno = 77;
	for (i = 0; i < 100000; i++) {
		p = malloc(i % 3000);
		expect(77, "malloc");
		p = realloc(p, i % 5000 + 1);
		expect(77, "realloc");
		free(p);
		expect(77, "free");
		p = calloc(1, 200);
		expect(77, "calloc");
		free(p);
		if (posix_memalign(&q, 64, 100))
			bad++;
		expect(77, "posix_memalign");
		free(q);
		p = malloc(300000); /* mmap and munmap inside */
		expect(77, "large malloc");
		free(p);
		expect(77, "large free");
	}
}

static void failures(void)
{
	void *p;

	errno = 0;
	bad += malloc(huge) != NULL;
	expect(ENOMEM, "failed malloc");
	bad += calloc(huge, 4) != NULL;
	expect(ENOMEM, "failed calloc");
	p = malloc(10);
	bad += realloc(p, huge) != NULL;
	expect(ENOMEM, "failed realloc");
	free(p);
	p = NULL;
	bad += posix_memalign(&p, 64, huge) != ENOMEM;
	bad += mmap(NULL, 0, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
	expect(EINVAL, "failed mmap");
	bad += munmap((void *)1, 4096) != -1;
	expect(EINVAL, "failed munmap");
}

static void *nothing(void *arg)
{
	return errno ? NULL : arg;
}

static void others(void)
{
	pthread_t thread;
	void *result = NULL;
	char token;
	pid_t pid;
	int status;

	errno = 77;
	if (pthread_create(&thread, NULL, nothing, &token) == 0)
		pthread_join(thread, &result);
	expect(77, "pthread_create");
	bad += result != &token; /* a new thread starts with errno 0 */
	pid = fork();
	if (pid == 0)
		_exit(errno == 77 ? 0 : 1);
	expect(77, "fork");
	bad += waitpid(pid, &status, 0) != pid || status;
}

int main(void)
{
	churn();
	failures();
	others();
	printf("errno_keep: %d bad\n", bad);
	return bad != 0;
}
