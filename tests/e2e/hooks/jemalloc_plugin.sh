#!/bin/bash
# SPDX-License-Identifier: MIT
#
# jemalloc_plugin.sh - jemalloc's own calls are recorded wherever they are made from: a library, an object opened later (its slots
# bound at once or at the first call, writable or not), and a pointer asked for by name stays jemalloc's own.
# shellcheck disable=SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

cat >plugin.c <<'END'
#include <jemalloc/jemalloc.h>
#include <stdint.h>
static void *volatile sink;
static void *keep(void *p) { sink = p; return p; }
int NAME(void)
{
	void *p = keep(mallocx(1000, MALLOCX_ALIGN(64)));
	int bad = !p || (uintptr_t)p % 64;
	dallocx(mallocx(10, 0), 0);
	sdallocx(mallocx(20, 0), 20, 0);
	p = keep(rallocx(mallocx(30, 0), 7000, 0));
	return bad || xallocx(p, 7000, 0, 0) < 7000 || !(keep(mallocx(5, MALLOCX_ZERO)));
}
END
for how in lazy now; do
	"$CC" -O0 -g -shared -fPIC -DNAME="run_$how" -o "plugin_$how.so" plugin.c -Wl,-z,$how -Wl,-z,relro -ljemalloc || exit 1
done
cat >main.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
static int run(const char *path, const char *name, int mode)
{
	void *handle = dlopen(path, mode);
	int (*function)(void);
	if (!handle) {
		printf("%s\n", dlerror());
		return 1;
	}
	*(void **)&function = dlsym(handle, name);
	return function();
}
int main(void)
{
	int bad = run("./plugin_lazy.so", "run_lazy", RTLD_LAZY) + run("./plugin_now.so", "run_now", RTLD_NOW);
	void *direct = dlsym(RTLD_DEFAULT, "mallocx");
	Dl_info info = { 0 };
	if (direct)
		dladdr(direct, &info);
	printf("%d %s\n", bad, direct ? info.dli_fname : "absent");
	return bad;
}
END
"$CC" -D_GNU_SOURCE -O0 -g -o unlinked main.c && "$CC" -D_GNU_SOURCE -O0 -g -o linked main.c -Wl,--no-as-needed -ljemalloc || exit 1

# check PROGRAM OTHER_PRELOAD
check() {
	rm -rf shim && mkdir shim
	PRELOAD=$2 run native "./$1"
	grep -q '^0 .*jemalloc' native.out || bad "the test's own program does not work: $(cat native.out)"
	SHIM_OUTPUT=$PWD/shim/%p.zst PRELOAD="$SHIM_LIB $2" run shim/run "./$1"
	same "$1" native shim/run
	for how in lazy now; do
		got=$(json "$(main_trace shim)" "[.leaks[] | select(.stack[0].function == \"run_$how\") | .bytes] |
			sort | map(tostring) | join(\" \")" leaks -n 0)
		[[ $got == '5 1000 7000' ]] || bad "$1, plugin_$how: the report has $got"
	done
}

check linked ''
check unlinked "$(/sbin/ldconfig -p | sed -n 's,.*libjemalloc.so.* => ,,p' | head -n 1)"
finish
