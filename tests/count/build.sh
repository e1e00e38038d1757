#!/bin/bash
# SPDX-License-Identifier: MIT
#
# build.sh - build libcount.so and libcount_jemalloc.so: tests/count/build.sh DIRECTORY
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
flags=(-std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -fPIC -shared
	-fvisibility=hidden -fexceptions -fno-builtin -Wl,-z,defs -Wl,-z,now)
for name in libcount libcount_jemalloc; do
	sources=(count.c count_new.c)
	[[ $name == libcount_jemalloc ]] && sources+=(count_jemalloc.c)
	# another test may be building the same: the finished file appears at once
	"${CC:-gcc}" "${flags[@]}" -o "$1/$name.so.$$" "${sources[@]}"
	mv -f "$1/$name.so.$$" "$1/$name.so"
done
