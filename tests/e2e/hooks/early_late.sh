#!/bin/bash
# SPDX-License-Identifier: MIT
#
# early_late.sh - the doors work before the library's constructor and after its destructor. What happens there is recorded, once the C library
# has read its environment (the program's .preinit_array runs before that). The first dlerror() of a program has nothing to tell, and a
# pending one survives the first operator new.
# shellcheck disable=SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

cat >library.cc <<'END'
#include <cstdlib>
#include <new>
static void *volatile sink;
static void *kept;
extern "C" __attribute__((noinline)) void in_constructor() { sink = malloc(222); kept = ::operator new(2222); }
extern "C" __attribute__((noinline)) void in_destructor() { ::operator delete(kept); sink = malloc(333); }
__attribute__((constructor(101))) static void begin() { in_constructor(); }
__attribute__((destructor(101))) static void end() { in_destructor(); }
END
cat >main.cc <<'END'
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <new>
static void *volatile sink;
extern "C" __attribute__((noinline)) void in_preinit(int, char **, char **) { sink = malloc(111); sink = calloc(1, 1111); }
__attribute__((section(".preinit_array"), used)) static void (*preinit)(int, char **, char **) = in_preinit;
extern "C" __attribute__((noinline)) void in_main()
{
	sink = ::operator new(444);
}
int main()
{
	std::printf("first: %s\n", dlerror() ? "something" : "nothing");
	bool opened = dlopen("/nonexistent/object", RTLD_NOW) != nullptr;
	in_main();
	const char *text = dlerror();
	std::printf("%d, pending: %s\n", opened, text ? text : "nothing");
	return 0;
}
END
"$CXX" -O0 -g -shared -fPIC -o liblibrary.so library.cc && "$CXX" -O0 -g -o main main.cc -Wl,--no-as-needed -L. -llibrary -Wl,-rpath,"$PWD" || exit 1
"$CC" -shared -fPIC -o libnothing.so -xc - <<<'int nothing_much;' || exit 1
run native ./main
for preload in "$SHIM_LIB" "$SHIM_LIB $PWD/libnothing.so" "$PWD/libnothing.so $SHIM_LIB" "$SHIM_LIB $PWD/liblibrary.so"; do
	rm -rf shim && mkdir shim
	SHIM_OUTPUT=$PWD/shim/%p.zst PRELOAD=$preload run shim/run ./main
	same "$preload" native shim/run
	for leak in in_constructor:222 in_main:444; do
		got=$(json "$(main_trace shim)" "[.leaks[] | select(.stack[0].function == \"${leak%:*}\") | .bytes] | add" leaks -n 0)
		[[ $got == "${leak#*:}" ]] || bad "$preload: ${leak%:*}: the report has $got bytes"
	done
done
finish
