#!/bin/bash
# SPDX-License-Identifier: MIT
#
# caller_of_dlopen.sh - dlopen looks along the RPATH of the object that calls it: of the program, and of a library in another directory. The
# library leaves that alone, and what was opened has its names in the report.
# shellcheck disable=SC2016,SC2154  # $ORIGIN is the loader's; variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

mkdir -p program/beside library/below
cat >plugin.c <<'END'
#include <stdlib.h>
static void *volatile sink;
__attribute__((noinline)) void LEAK(void) { sink = malloc(SIZE); }
int SIZE_OF(void) { LEAK(); return SIZE; }
END
build_plugin() { # FILE FUNCTION SIZE
	"$CC" -O0 -g -shared -fPIC -DLEAK="$2" -DSIZE="$3" -DSIZE_OF=run -o "$1" plugin.c || exit 1
}
build_plugin program/beside/libbeside.so leak_beside 1111
build_plugin library/below/libbelow.so leak_below 2222
build_plugin library/libtoken.so leak_token 3333
cat >opener.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
int open_and_run(const char *name)
{
	void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	int (*run)(void);
	if (!handle) {
		printf("%s\n", dlerror());
		return 0;
	}
	*(void **)&run = dlsym(handle, "run");
	return run();
}
END
cat >main.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
int open_and_run(const char *name);
int main(void)
{
	void *handle = dlopen("libbeside.so", RTLD_NOW);
	int (*run)(void);
	printf("pending: %s\n", dlerror());
	*(void **)&run = dlsym(handle, "run");
	printf("%d\n", run());
	printf("%d\n", open_and_run("libbelow.so"));
	printf("%d\n", open_and_run("$ORIGIN/libtoken.so"));
	/* not on this object's path, and the error's text is kept for whoever asks */
	printf("%d %d\n", dlopen("libbelow-not.so", RTLD_NOW) == NULL, dlopen("$ORIGIN/libtoken.so", RTLD_NOW) == NULL);
	printf("%s\n", dlerror());
	return 0;
}
END
"$CC" -O0 -g -shared -fPIC -o library/libopener.so opener.c -Wl,-rpath,'$ORIGIN/below' &&
	"$CC" -O0 -g -o program/main main.c -Llibrary -lopener -Wl,-rpath,"\$ORIGIN/beside:$PWD/library" || exit 1
run native program/main
[[ $(head -n 2 native.out) == "pending: (null)"$'\n'1111 ]] || bad "the test's own program does not work: $(cat native.out)"
traced shim program/main
same program native shim/run
for leak in leak_beside:1111 leak_below:2222 leak_token:3333; do
	got=$(json "$(main_trace shim)" "[.leaks[] | select(.stack[0].function == \"${leak%:*}\") | .bytes] | add" leaks -n 0)
	[[ $got == "${leak#*:}" ]] || bad "${leak%:*}: the report has $got bytes"
done
finish
