/* SPDX-License-Identifier: MIT */
/* build: -O1 -fno-inline -pthread */
/*
 * Three threads of which mostly one allocates, in turns that are long enough for a recorder to take
 * it for the only one. At each turn it frees what the one before it left and gets the same
 * addresses back; now and then another thread breaks in and the two trade blocks through one slot.
 * Each turn leaves one block for good. A perfect report says:
 *
 * truth: leak leave_behind 60 5760
 *
 * truth: leak take_turn 60 5760
 *
 * truth: leak trade 0 0
 *
 * truth: leak work 0 0
 *
 * truth: allocs work 1200000 57600000
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 3
#define TURNS   60
#define PAIRS   20000
#define KEPT    400
#define TRADES  300

static sem_t turn[THREADS], call, answer;
static void *kept[KEPT], *slot;
static volatile int is_over;

void *leave_behind(void)
{
	return memset(malloc(96), 1, 96);
}

void trade(size_t size)
{
	free(__atomic_exchange_n(&slot, malloc(size), __ATOMIC_ACQ_REL));
}

void work(void)
{
	void *volatile p = malloc(48);

	free(p);
}

void take_turn(int number)
{
	int i;

	for (i = 0; i < KEPT; i++) {
		free(kept[i]);
		kept[i] = malloc(32 + 16 * (size_t)(i % 8));
	}
	for (i = 0; i < PAIRS; i++) {
		work();
		if (number % 4 == 3 && i == PAIRS / 2)
			sem_post(&call);
		if (number % 4 == 3 && i >= PAIRS / 2 && i < PAIRS / 2 + TRADES)
			trade(64);
	}
	if (number % 4 == 3)
		sem_wait(&answer);
	leave_behind();
}

static void *player(void *argument)
{
	int me = (int)(size_t)argument, number;

	for (number = me; number < TURNS; number += THREADS) {
		sem_wait(&turn[me]);
		take_turn(number);
		sem_post(&turn[(me + 1) % THREADS]);
	}
	return NULL;
}

/* The one that breaks in. */
static void *intruder(void *argument)
{
	int i;

	for (;;) {
		sem_wait(&call);
		if (is_over)
			return argument;
		for (i = 0; i < TRADES; i++)
			trade(64);
		sem_post(&answer);
	}
}

int main(void)
{
	pthread_t threads[THREADS + 1];
	int i;

	sem_init(&call, 0, 0);
	sem_init(&answer, 0, 0);
	for (i = 0; i < THREADS; i++)
		sem_init(&turn[i], 0, i == 0);
	pthread_create(&threads[THREADS], NULL, intruder, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, player, (void *)(size_t)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	is_over = 1;
	sem_post(&call);
	pthread_join(threads[THREADS], NULL);
	free(slot);
	for (i = 0; i < KEPT; i++)
		free(kept[i]);
	return 0;
}
