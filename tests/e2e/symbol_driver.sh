# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# symbol_driver.sh - builds symbol_lookup in the current directory, leaves its path in $LOOKUP;
# sourced.
# shellcheck disable=SC2034,SC2154  # a variable for, and variables of, the script that sources this

"$CC" -std=gnu11 -D_GNU_SOURCE= -O2 -g -Wall -Wextra -I"$SRC/analyzer" -o symbol_lookup \
	"$SRC/tests/e2e/symbol/symbol_lookup.c" "$BUILD/libanalyzer.a" -pthread -Wl,--as-needed \
	-lzstd -ldw -lelf -liberty -llzma -lz -lm || exit 1
LOOKUP=$PWD/symbol_lookup
