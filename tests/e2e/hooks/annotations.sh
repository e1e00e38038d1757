#!/bin/bash
# SPDX-License-Identifier: MIT
#
# annotations.sh - include/shim.h: inert without the library, true with it, clean under strict warnings in C and C++.
# shellcheck disable=SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

strict=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wunused -Werror -fsyntax-only -I"$SRC/include")
for standard in c99 c11 gnu17; do
	"$CC" -std=$standard "${strict[@]}" -xc "$SRC/include/shim.h" || bad "shim.h as $standard"
done
for standard in c++11 c++20; do
	"$CXX" -std=$standard "${strict[@]}" -Wold-style-cast -xc++ - <<<'#include <shim.h>
int main() { shim_mark("x"); shim_free(nullptr); }' || bad "shim.h as $standard"
done

program=$PROGRAMS/annotated
run native "$program"
[[ $(cat native.out) == 'errno 0, dlerror nothing' ]] || bad "without the library: $(cat native.out)"
traced shim "$program"
same annotated native shim/run
trace=$(main_trace shim)
"$E2E/check_truth.py" "$SRC/tests/programs/annotated.c" "$trace" || bad annotated
"$SRC/tests/decode/shimdump.py" dump "$trace" >dump.txt
for mark in begin end; do
	grep -q "mark: .*$mark" dump.txt || bad "no mark $mark"
done
[[ $(grep -c 'recording:' dump.txt) == 2 ]] || bad "recording went off and on once, the trace says: $(grep recording: dump.txt)"
finish
