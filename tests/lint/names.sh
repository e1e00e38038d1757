#!/bin/bash
# SPDX-License-Identifier: MIT
#
# names.sh - a file's name is enough to find it: source file names are unique across the tree.
set -uo pipefail
cd "${ROOT:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 1
bad=0

double=$(find preload analyzer include tests docs .ci -type f \
	\( -name '*.[chS]' -o -name '*.cc' -o -name '*.rs' -o -name '*.py' -o -name '*.sh' -o -name '*.def' \
	-o -name '*.md' -o -name '*.txt' \) ! -name README.md ! -name __init__.py -printf '%f\n' | sort | uniq -d)
for name in $double; do
	echo "names: $name is the name of $(find preload analyzer include tests docs -name "$name" | sort | paste -sd ' ')"
	bad=1
done
((bad == 0)) && echo "names: fine"
exit $bad
