#!/bin/bash
# SPDX-License-Identifier: MIT
#
# format.sh - the C files are laid out as .clang-format says; --list names them, for `make format`.
set -uo pipefail
cd "${ROOT:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 1

mapfile -t files < <(find preload analyzer include tests \( -name '*.[ch]' -o -name '*.cc' \) | sort)
if [[ ${1-} == --list ]]; then
	printf '%s\n' "${files[@]}"
	exit 0
fi
bad=$(clang-format --dry-run "${files[@]}" 2>&1 | sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: warning.*/\1/p' | sort | uniq -c)
if [[ -n $bad ]]; then
	echo "format: not as make format would lay them out (places, file):"
	echo "$bad"
	exit 1
fi
echo "format: fine"
