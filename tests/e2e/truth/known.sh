#!/bin/bash
# SPDX-License-Identifier: MIT
#
# known.sh - every program that states a truth, traced; the report agrees line by line.
# timeout: 300
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

for name in $(programs_with_truth); do
	traced "$name" "$PROGRAMS/$name"
	mapfile -t traces < <(all_traces "$name")
	if [[ ! -e ${traces[0]} ]]; then
		bad "$name: no trace"
		continue
	fi
	"$E2E/check_truth.py" "$(source_of "$name")" "${traces[@]}" || bad "$name"
	rm -rf "$name"
done
finish
