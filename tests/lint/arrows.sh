#!/bin/bash
# SPDX-License-Identifier: MIT
#
# arrows.sh - includes point one way. The law is the table under "## Arrows" in preload/README.md (rooms
# of files) and in analyzer/README.md (folders); this script only compares. ROOT: another tree to check.
set -uo pipefail
cd "${ROOT:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 1
bad=0

fail() {
	echo "arrows: $*"
	bad=1
}

# Rows of the table under "## Arrows" in file $1, without its head and its markup: cell|cell|cell.
rows() {
	awk '/^## / { inside = /^## Arrows/ }
	     inside && /^\|/ {
		if (++count <= 2)
			next
		gsub(/`/, ""); sub(/^\| */, ""); sub(/ *\|$/, ""); gsub(/ *\| */, "|")
		print
	     }' "$1"
}

# Lines "FILE:INCLUDED" for every quoted include of the files named.
includes() {
	grep -Ho '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]*"' "$@" /dev/null |
		sed 's/:[^"]*"/:/;s/"$//'
}

declare -A may

check_arrow() {
	local file=$1 from=$2 included=$3 to=$4
	if [[ -z $from ]]; then
		fail "$file has no place in the table of ${file%%/*}/README.md"
	elif [[ -z $to ]]; then
		fail "$file includes \"$included\", which is nothing of ${file%%/*}/ or include/"
	elif [[ $from != "$to" && " ${may[$from]-} " != *" $to "* ]]; then
		fail "$file ($from) may not include \"$included\" ($to)"
	fi
}

# ---- analyzer: the folder is the place ----
may=()
while IFS='|' read -r place allowed; do
	may[$place]=$allowed
done < <(rows analyzer/README.md)
((${#may[@]} > 0)) || fail "analyzer/README.md has no table under '## Arrows'"

analyzer_place() {
	local path=${1#analyzer/} place
	place=${path%%/*}
	[[ -v may[$place] ]] && echo "$place"
}

mapfile -t files < <(find analyzer -name '*.[ch]' | sort)
for file in "${files[@]}"; do
	[[ -n $(analyzer_place "$file") ]] || fail "$file has no place in the table of analyzer/README.md"
done
while IFS=: read -r file included; do
	to=
	if [[ -f analyzer/$included && $included != *..* ]]; then
		to=$(analyzer_place "$included")
	elif [[ $included != */* && -f include/$included ]]; then
		to=include
	fi
	check_arrow "$file" "$(analyzer_place "$file")" "$included" "$to"
done < <(includes "${files[@]}")

# ---- preload: flat, so the table says which room a file is in ----
may=()
declare -A room_files
while IFS='|' read -r place members allowed; do
	may[$place]=$allowed
	room_files[$place]=$members
done < <(rows preload/README.md)
((${#may[@]} > 0)) || fail "preload/README.md has no table under '## Arrows'"

preload_place() {
	local name=${1##*/} place pattern
	for place in "${!room_files[@]}"; do
		for pattern in ${room_files[$place]}; do
			# shellcheck disable=SC2053
			if [[ $name == "$pattern" || ${name%.*} == $pattern ]]; then
				echo "$place"
				return
			fi
		done
	done
}

mapfile -t files < <(find preload \( -name '*.[ch]' -o -name '*.def' \) | sort)
for file in "${files[@]}"; do
	[[ -n $(preload_place "$file") ]] || fail "$file has no place in the table of preload/README.md"
done
while IFS=: read -r file included; do
	to=
	if [[ $included != */* && -f preload/$included ]]; then
		to=$(preload_place "$included")
		[[ $(basename "${included%.*}") == $(basename "${file%.*}") ]] && continue
	elif [[ $included != */* && -f include/$included ]]; then
		to=include
	fi
	check_arrow "$file" "$(preload_place "$file")" "$included" "$to"
done < <(includes "${files[@]}")

((bad == 0)) && echo "arrows: fine"
exit $bad
