#!/bin/bash
# SPDX-License-Identifier: MIT
#
# children_off.sh - SHIM_CHILDREN=off: whichever way a child is started it runs without the library and keeps the rest of its
# environment, other preloads included; the parent's own environment stays as it was. With "on" LD_PRELOAD is handed down.
# shellcheck disable=SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

cat >starts.c <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static char *argv_show[] = { "sh", "-c", "echo \"$0 $LD_PRELOAD $KEPT\"", NULL, NULL };
static void start(const char *how)
{
	char **argv = argv_show;
	pid_t pid;

	argv[3] = (char *)how;
	fflush(stdout);
	if (!strcmp(how, "posix_spawn"))
		pid = posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) ? -1 : pid;
	else if (!strcmp(how, "posix_spawnp"))
		pid = posix_spawnp(&pid, "sh", NULL, NULL, argv, environ) ? -1 : pid;
	else if ((pid = !strcmp(how, "vfork") ? vfork() : fork()) == 0) {
		if (!strcmp(how, "execve") || !strcmp(how, "vfork")) execve("/bin/sh", argv, environ);
		else if (!strcmp(how, "execv")) execv("/bin/sh", argv);
		else if (!strcmp(how, "execvp")) execvp("sh", argv);
		else if (!strcmp(how, "execvpe")) execvpe("sh", argv, environ);
		else if (!strcmp(how, "execl")) execl("/bin/sh", argv[0], argv[1], argv[2], argv[3], (char *)NULL);
		else if (!strcmp(how, "execlp")) execlp("sh", argv[0], argv[1], argv[2], argv[3], (char *)NULL);
		else if (!strcmp(how, "execle")) execle("/bin/sh", argv[0], argv[1], argv[2], argv[3], (char *)NULL, environ);
		else if (!strcmp(how, "fexecve")) fexecve(open("/bin/sh", O_RDONLY | O_CLOEXEC), argv, environ);
		else if (!strcmp(how, "execveat")) execveat(AT_FDCWD, "/bin/sh", argv, environ, 0);
		_exit(99);
	}
	waitpid(pid, NULL, 0);
}
int main(void)
{
	static const char *const ways[] = { "execve", "vfork", "execv", "execvp", "execvpe", "execl", "execlp",
		"execle", "fexecve", "execveat", "posix_spawn", "posix_spawnp" };
	char line[4096];
	FILE *pipe;
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		start(ways[i]);
	fflush(stdout);
	system("echo \"system $LD_PRELOAD $KEPT\"");
	pipe = popen("echo \"popen $LD_PRELOAD $KEPT\"", "r");
	if (pipe && fgets(line, sizeof(line), pipe))
		fputs(line, stdout);
	pclose(pipe);
	printf("self %s\n", getenv("LD_PRELOAD"));
	return 0;
}
END
"$CC" -O0 -o starts starts.c || exit 1
echo 'int nothing_much;' >other.c
"$CC" -shared -fPIC -o libother.so other.c || exit 1
ways='execve vfork execv execvp execvpe execl execlp execle fexecve execveat posix_spawn posix_spawnp system popen'

# check NAME SETTING PRELOAD WHAT_CHILDREN_SEE TRACES
check() {
	rm -rf traces && mkdir traces
	environment=(KEPT=kept SHIM_CHILDREN="$2")
	SHIM_OUTPUT=$PWD/traces/%p.zst PRELOAD=$3 run pass ./starts
	environment=()
	[[ $(cat pass.status) == 0 && ! -s pass.err ]] || bad "$1: status $(cat pass.status), $(cat pass.err)"
	for way in $ways; do
		grep -qxF "$way $4 kept" pass.out || bad "$1: $way: $(grep "^$way " pass.out)"
	done
	grep -qxF "self $3" pass.out || bad "$1: the parent's own environment: $(grep ^self pass.out)"
	local traces=(traces/*.zst*)
	if [[ $5 == one ]]; then
		[[ ${#traces[@]} == 1 ]] || bad "$1: ${#traces[@]} traces"
	else
		((${#traces[@]} > 14)) || bad "$1: ${#traces[@]} traces"
	fi
}

check 'off, alone' off "$SHIM_LIB" '' one
check 'off, before another' off "$SHIM_LIB $PWD/libother.so" "$PWD/libother.so" one
check 'off, behind others' off "$PWD/libother.so:$SHIM_LIB" "$PWD/libother.so" one
check 'on' on "$SHIM_LIB" "$SHIM_LIB" many
finish
