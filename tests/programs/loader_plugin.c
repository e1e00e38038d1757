/* SPDX-License-Identifier: MIT */
/*
 * Not a program: a shared object for loader_locks, whose constructor calls the program back.
 */
/* build: -O0 -shared -fPIC */
#include <stdlib.h>

extern void host_constructed(void (*allocate)(void)) __attribute__((weak));
void loader_plugin_leak(void);

static void *volatile sink;

void loader_plugin_leak(void)
{
	sink = malloc(100);
}

__attribute__((constructor)) static void begins(void)
{
	if (host_constructed)
		host_constructed(loader_plugin_leak);
}
