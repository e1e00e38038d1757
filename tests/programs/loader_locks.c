/* SPDX-License-Identifier: MIT */
/*
 * Allocates where the dynamic loader's locks are held: by this thread, by one that waits for it, and by one that does
 * not exist in a forked child. Each time the allocation comes from an object that was not there a moment ago.
 * Native, nothing here can hang; a profiler that waits for the loader inside an allocation does, and the
 * alarm ends it. An argument is the number of the one scene to play; 5 is 3 with code of another namespace, which is
 * what is played without one.
 * A perfect report says:
 * truth: leak loader_plugin_leak 4 400
 * truth: leak in_callback 1 100
 * truth: leak-in 2 in_both 1 70
 * truth: leak-in 2 same_place_one_run 1 70
 * truth: files 2
 */
/* build: -O0 -pthread -rdynamic -ldl -Wl,-rpath,'$ORIGIN' */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLUGIN "loader_plugin"

void host_constructed(void (*allocate)(void));

static sem_t go, inside, done;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void (*when_constructed)(void (*allocate)(void));
static void (*volatile plugin_leak)(void);
static char path[PATH_MAX];
static void *volatile sink;

/* Called by the plugin's constructor. */
void host_constructed(void (*allocate)(void))
{
	if (when_constructed)
		when_constructed(allocate);
}

static void *open_plugin(const char *name)
{
	void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		puts(dlerror());
		exit(1);
	}
	*(void **)&plugin_leak = dlsym(handle, "loader_plugin_leak");
	return handle;
}

static void run_beside(pthread_t *thread, void *(*f)(void *))
{
	if (pthread_create(thread, NULL, f, NULL))
		exit(1);
}

/* ---- 1: a callback that is called with the list lock waits for a thread that allocates ---- */

static int wait_for_mutex(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)info;
	(void)size;
	(void)context;
	sem_post(&inside);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	return 1;
}

static void *list_objects(void *unused)
{
	sem_wait(&go);
	dl_iterate_phdr(wait_for_mutex, NULL);
	return unused;
}

static void allocate_with_mutex(void (*allocate)(void))
{
	pthread_mutex_lock(&mutex);
	sem_post(&go);
	sem_wait(&inside);
	allocate();
	pthread_mutex_unlock(&mutex);
}

static void mutex_scene(void)
{
	pthread_t thread;

	run_beside(&thread, list_objects);
	when_constructed = allocate_with_mutex;
	dlclose(open_plugin(path));
	pthread_join(thread, NULL);
}

/* ---- 2: a callback allocates while another thread's dlopen has just returned ---- */

static int in_callback(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)info;
	(void)size;
	(void)context;
	sem_post(&go);
	usleep(200000); /* the other one is where it waits for the list */
	plugin_leak();
	return 1;
}

static void *open_again(void *unused)
{
	sem_wait(&go);
	dlclose(open_plugin(path)); /* is open already, so the loader has nothing to change */
	return unused;
}

static void order_scene(void)
{
	pthread_t thread;
	void *handle;

	when_constructed = NULL;
	handle = open_plugin(PLUGIN); /* by its name: nobody looks at the list afterwards */
	run_beside(&thread, open_again);
	dl_iterate_phdr(in_callback, NULL);
	pthread_join(thread, NULL);
	dlclose(handle);
}

/* ---- 3: a child is forked while another thread has the list lock ---- */

static int wait_for_fork(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)info;
	(void)size;
	(void)context;
	sem_post(&inside);
	sem_wait(&go);
	return 1;
}

static void *hold_list(void *unused)
{
	dl_iterate_phdr(wait_for_fork, NULL);
	return unused;
}

static void in_both(void)
{
	sink = malloc(70);
}

/* A function of another namespace that calls its argument. */
static void (*open_elsewhere(void))(void (*)(void))
{
	void (*f)(void (*)(void));
	void *handle;

	strcpy(strrchr(path, '/') + 1, "same_place_one");
	handle = dlmopen(LM_ID_NEWLM, path, RTLD_NOW | RTLD_LOCAL);
	strcpy(strrchr(path, '/') + 1, PLUGIN);
	if (!handle) {
		puts(dlerror());
		exit(1);
	}
	*(void **)&f = dlsym(handle, "same_place_one_run");
	return f;
}

static void directly(void (*f)(void))
{
	f();
}

/* IS_ELSEWHERE: the code that allocates is of another namespace, of which the list says nothing. */
static int fork_scene(int is_elsewhere)
{
	pthread_t thread;
	pid_t pid = 1;
	int status = -1, turn;
	void (*through)(void (*)(void)) = is_elsewhere ? open_elsewhere() : directly;

	run_beside(&thread, hold_list);
	sem_wait(&inside);
	/* The child's stack is one that its parent has had, address by address. */
	for (turn = 0; turn < 2; turn++) {
		if (turn) {
			pid = fork();
			alarm(30);
		}
		if (!turn || pid == 0)
			through(in_both);
	}
	if (pid == 0)
		_exit(7);
	if (pid > 0)
		waitpid(pid, &status, 0);
	sem_post(&go);
	pthread_join(thread, NULL);
	return status;
}

/* ---- 4: a constructor, inside dlopen, waits for a thread that allocates from the same object ---- */

static void (*of_plugin)(void);

static void *allocate_beside(void *unused)
{
	sem_wait(&go);
	of_plugin();
	sem_post(&done);
	return unused;
}

static void wait_for_other(void (*allocate)(void))
{
	of_plugin = allocate;
	sem_post(&go);
	sem_wait(&done);
	allocate();
}

static void constructor_scene(void)
{
	pthread_t thread;

	run_beside(&thread, allocate_beside);
	when_constructed = wait_for_other;
	dlclose(open_plugin(path));
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	int only = argc > 1 ? atoi(argv[1]) : 0, status = 7 << 8;
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 32);

	if (length <= 0)
		return 1;
	path[length] = 0;
	strcpy(strrchr(path, '/') + 1, PLUGIN);
	alarm(30);
	sem_init(&go, 0, 0);
	sem_init(&inside, 0, 0);
	sem_init(&done, 0, 0);
	if (!only || only == 1)
		mutex_scene();
	if (!only || only == 2)
		order_scene();
	if (!only || only == 3 || only == 5)
		status = fork_scene(only != 3);
	if (!only || only == 4)
		constructor_scene();
	printf("loader_locks: child %d\n", status >> 8);
	return status != 7 << 8;
}
