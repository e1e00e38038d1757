/* SPDX-License-Identifier: MIT */
/*
 * test_config.c - each setting, good and bad; a bad one leaves its default and one line.
 * The settings are read once per process, so each case is a child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"

static char seen[4096];

static void note(const char *line)
{
	strncat(seen, line, sizeof(seen) - strlen(seen) - 2);
	strcat(seen, "\n");
}

static int check_output_absolute(void)
{
	return config.output[0] == '/' && strstr(config.output, "/shim.%e.%p.zst") && !seen[0];
}

static int check_events_mmap(void)
{
	return config.events == CONFIG_EVENT_MMAP && !seen[0];
}

static int check_events_none(void)
{
	return config.events == 0 && !seen[0];
}

static int check_events_default(void)
{
	return config.events == (CONFIG_EVENT_HEAP | CONFIG_EVENT_MMAP) &&
	       strstr(seen, "SHIM_EVENTS=heap,cows: ");
}

static int check_depth(void)
{
	return config.depth == 17 && !seen[0];
}

static int check_depth_default(void)
{
	return config.depth == 256 && strstr(seen, "SHIM_DEPTH=");
}

static int check_off(void)
{
	return !config.is_start_on && !config.is_children_on && !seen[0];
}

static int check_switch_default(void)
{
	return config.is_start_on && strstr(seen, "SHIM_START=maybe: not on or off");
}

static int check_signal(void)
{
	return config.signal == SIGUSR2 && !seen[0];
}

static int check_no_signal(void)
{
	return config.signal == 0 && strstr(seen, "SHIM_SIGNAL=");
}

static int check_unknown(void)
{
	return strstr(seen, "SHIM_DEPHT=3: this version knows no such setting") != NULL;
}

static int check_log(void)
{
	return config.log && strcmp(config.log, "stderr") == 0;
}

static const struct {
	const char *entries[4];
	int (*check)(void);
} cases[] = {
	{ { "PATH=/bin" }, check_output_absolute },
	{ { "SHIM_EVENTS=mmap" }, check_events_mmap },
	{ { "SHIM_EVENTS=none" }, check_events_none },
	{ { "SHIM_EVENTS=heap,cows" }, check_events_default },
	{ { "SHIM_DEPTH=17" }, check_depth },
	{ { "SHIM_DEPTH=0" }, check_depth_default },
	{ { "SHIM_DEPTH=4097" }, check_depth_default },
	{ { "SHIM_DEPTH=99999999999999999999" }, check_depth_default },
	{ { "SHIM_DEPTH=12x" }, check_depth_default },
	{ { "SHIM_DEPTH=" }, check_depth_default },
	{ { "SHIM_START=off", "SHIM_CHILDREN=off" }, check_off },
	{ { "SHIM_START=maybe" }, check_switch_default },
	{ { "SHIM_SIGNAL=USR2" }, check_signal },
	{ { "SHIM_SIGNAL=SIGUSR2" }, check_signal },
	{ { "SHIM_SIGNAL=12" }, check_signal },
	{ { "SHIM_SIGNAL=9" }, check_no_signal },
	{ { "SHIM_SIGNAL=none" }, NULL },
	{ { "SHIM_DEPHT=3" }, check_unknown },
	{ { "SHIM_LOG=stderr", "SHIM_LIB=/x" }, check_log },
};

static void each_setting_in_a_process_of_its_own(void **state)
{
	size_t i;
	int status;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid_t child = fork();

		if (child == 0) {
			config_read((char **)(uintptr_t)cases[i].entries);
			config_problems(note);
			_exit(cases[i].check ? (cases[i].check() ? 0 : 1) : (seen[0] ? 1 : 0));
		}
		waitpid(child, &status, 0);
		if (status != 0)
			print_message("case %zu: %s\n", i, cases[i].entries[0]);
		assert_int_equal(status, 0);
	}
}

/* A program that writes over its environment (to set its title) must not change what was read. */
static void values_are_copies(void **state)
{
	char entry[] = "SHIM_OUTPUT=/tmp/a.%p.zst", *environment[] = { entry, NULL };

	(void)state;
	config_read(environment);
	memset(entry, 'x', sizeof(entry) - 1);
	assert_string_equal(config.output, "/tmp/a.%p.zst");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_setting_in_a_process_of_its_own),
		cmocka_unit_test(values_are_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
