#!/bin/bash
# SPDX-License-Identifier: MIT
#
# demo_output.sh - what `make demo` prints is true: the two leaks of its sample to the byte, no more, and two pages.
source "$SRC/tests/e2e/lib.sh"

B=$BUILD "$SRC/tests/demo.sh" >out 2>err || bad "status $?: $(tail -n 5 err)"
grep -q 'SUMMARY: .* 179840 byte(s) leaked in 290 allocation(s)' out || bad "another sum: $(grep SUMMARY out)"
(($(grep -c '^Unfreed leak of' out) == 2)) || bad "$(grep -c '^Unfreed leak of' out) leaks"
grep -q 'cache_thumbnail.*demo_leaky.cc:[0-9]' out || bad 'the first leak has no name or no line'
grep -q 'forget_session.*demo_leaky.cc:[0-9]' out || bad 'the second leak has no name or no line'
grep -q '^20000 rows through json$' out || bad 'python3 did not do its work'
for page in report.html leaky.html; do
	grep -qi '^<!doctype html>' "$BUILD/demo/$page" || bad "$page is no page"
done
finish
