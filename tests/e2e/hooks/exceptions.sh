#!/bin/bash
# SPDX-License-Identifier: MIT
#
# exceptions.sh - an operator new that throws gives the guard back, whoever compiled the program and with whichever runtime.
# shellcheck disable=SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

source=$SRC/tests/programs/new_guard.cc
flags=(-O0 -g -std=c++17 -pthread)
g++ "${flags[@]}" -o by-g++ "$source" || bad "g++ cannot build it"
g++ "${flags[@]}" -static-libgcc -o by-g++-static-libgcc "$source" || bad "g++ -static-libgcc cannot build it"
g++ "${flags[@]}" -O2 -o by-g++-O2 "$source" || bad "g++ -O2 cannot build it"
! command -v clang++ >/dev/null || clang++ "${flags[@]}" -o by-clang++ "$source" || bad "clang++ cannot build it"
for program in by-*; do
	run native "./$program"
	traced "trace-$program" "./$program"
	same "$program" native "trace-$program/run"
	"$E2E/check_truth.py" "$source" "$(main_trace "trace-$program")" || bad "$program"
	got=$("$SRC/tests/decode/shimdump.py" totals "$(main_trace "trace-$program")" | jq .unknown_frees)
	[[ $got == 0 ]] || bad "$program: $got frees of blocks that were never allocated"
done
finish
