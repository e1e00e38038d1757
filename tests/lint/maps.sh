#!/bin/bash
# SPDX-License-Identifier: MIT
#
# maps.sh - a folder's README is its map: every file of preload/ and analyzer/ stands in the first column of
# a table there, as `name` (all its extensions) or `name.ext`, and nothing stands there that is gone.
set -uo pipefail
cd "${ROOT:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 1
bad=0

for side in preload analyzer; do
	# Names in backticks in the first cells under "## Files".
	listed=$(awk '/^## / { inside = /^## Files/ } inside && /^\| *`/' "$side/README.md" |
		cut -d '|' -f 2 | grep -o '`[^`]*`' | tr -d '`' | sort -u)
	files=$(cd "$side" && find . -type f ! -name README.md ! -name '.*' | sed 's,^\./,,' | sort)
	for file in $files; do
		if ! grep -qxF -e "$file" -e "${file%.*}" <<<"$listed"; then
			echo "maps: $side/$file has no line in $side/README.md"
			bad=1
		fi
	done
	for name in $listed; do
		if ! grep -qxF "$name" <<<"$files" && ! grep -q "^${name//./\\.}\.[^./]*$" <<<"$files"; then
			echo "maps: $side/README.md lists $name, which does not exist"
			bad=1
		fi
	done
done
((bad == 0)) && echo "maps: fine"
exit $bad
