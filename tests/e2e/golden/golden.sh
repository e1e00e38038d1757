#!/bin/bash
# SPDX-License-Identifier: MIT
#
# golden.sh - the golden traces of every version of the format: they can be made again byte for byte,
# both decoders read from them what was counted by hand, damaged ones give one line and the right
# exit status, and a wrong number is noticed.
# timeout: 300
set -uo pipefail

export PYTHONDONTWRITEBYTECODE=1
golden=$SRC/tests/golden
v1=$golden/v1
v2=$golden/v2
bad=0

wrong() {
	echo "golden: $*"
	bad=1
}

dump() {
	"$SRC/tests/decode/shimdump.py" "$@"
}

# (a) The same bytes again. `compressed` holds frames of libzstd, whose bytes are its own affair:
# there the events count.
for version in v1 v2; do
	"$golden/make_golden.py" "$WORK/again/$version" ${version#v} || wrong 'make_golden.py failed'
done
while read -r file; do
	case $file in
	*.totals.json) continue ;;
	v1/compressed.zst)
		cmp -s <(dump rows "$golden/$file") <(dump rows "$WORK/again/$file") ||
			wrong "$file: other events when made again"
		;;
	*) cmp "$golden/$file" "$WORK/again/$file" || wrong "$file: other bytes when made again" ;;
	esac
done < <(cd "$golden" && find v1 v2 -type f | sort)
again=$(find "$WORK/again" -type f | wc -l)
((again == $(find "$v1" "$v2" -type f ! -name '*.totals.json' | wc -l))) ||
	wrong 'another number of files when made again'

# (b) Good traces: zstd takes them, the second decoder reads the truth, and the tool what the second
# decoder reads.
good=0
leaky=0
while read -r status trace; do
	name=${trace##*/}
	name=${name%.zst}
	[[ $name == killed-in-append ]] || zstd -qt "$trace" || wrong "$name: zstd -t refuses it"
	dump totals "$trace" >"$WORK/totals.json" || wrong "$name: the second decoder refuses it"
	cmp "$WORK/totals.json" "${trace%.zst}.totals.json" ||
		wrong "$name: the second decoder reads other totals than before"
	"$golden/compare.py" "${trace%.zst}.truth.json" "$WORK/totals.json" ||
		wrong "$name: the second decoder misses the truth"
	"$SHIM_ANALYZE" summary --format json "$trace" >"$WORK/summary.json" 2>"$WORK/err"
	got=$?
	((got == status)) || wrong "$name: exit status $got, wanted $status: $(<"$WORK/err")"
	"$golden/compare.py" --summary "${trace%.zst}.totals.json" "$WORK/summary.json" ||
		wrong "$name: the tool reads other numbers"
	dump leaks "$trace" >"$WORK/leaks.txt"
	if [[ -s $WORK/leaks.txt ]]; then
		"$SHIM_ANALYZE" leaks -n 0 --no-builtin-suppressions --format json "$trace" >"$WORK/leaks.json" \
			2>/dev/null
		"$golden/compare.py" --leaks "$WORK/leaks.txt" "$WORK/leaks.json" ||
			wrong "$name: the tool finds other leaks, or other places of them"
		((++leaky))
	fi
	((++good))
done < <(for version in "$v1" "$v2"; do
	sed "s,\\([0-9]*\\) \\(.*\\),\\1 $version/\\2.zst," "$version/list"
done)
((leaky >= 24)) || wrong "only $leaky traces with leaks"
((good >= 28)) || wrong "only $good good traces"

# (c) Damaged and foreign ones. One line on stderr when there is something to say; with 2 a report of
# what was readable.
lines_and_status() {
	local name=$1 file=$2 status=$3 got
	timeout 20 "$SHIM_ANALYZE" summary --format json "$file" >"$WORK/summary.json" 2>"$WORK/err"
	got=$?
	((got == status)) || wrong "$name: exit status $got, wanted $status: $(head -c 300 "$WORK/err")"
	(($(wc -l <"$WORK/err") == (status != 0))) ||
		wrong "$name: $(wc -l <"$WORK/err") lines on stderr, exit status $status"
	if ((got == 1)); then
		[[ ! -s $WORK/summary.json ]] || wrong "$name: a report of a file that cannot be read"
	elif dump totals "$file" >"$WORK/totals.json"; then
		"$golden/compare.py" --summary "$WORK/totals.json" "$WORK/summary.json" ||
			wrong "$name: not the same is readable for both decoders"
	else
		wrong "$name: the second decoder cannot read it"
	fi
}

damaged=0
for version in "$v1" "$v2"; do
	while read -r status name; do
		lines_and_status "$name" "$version/damaged/$name" "$status"
		((++damaged))
	done <"$version/damaged/list"
done
((damaged >= 31)) || wrong "only $damaged damaged files"

# Cut at 40 places and flipped in 40: whatever is hit, both decoders agree on what is left and on
# whether it is damage (a few bits say nothing: one of a zstd frame header is to be ignored).
"$golden/damage.py" "$v1/threads.zst" "$WORK/damage" 40 || wrong 'damage.py failed'
"$golden/damage.py" "$v2/folded.zst" "$WORK/damage" 20 || wrong 'damage.py failed'
for file in "$WORK"/damage/*; do
	status=1
	if dump totals "$file" >"$WORK/totals.json" 2>/dev/null; then
		status=$(jq 'if .damaged + .lost + .blocks_missing + .unknown_stacks > 0 or .end == "incomplete"
			then 2 else 0 end' "$WORK/totals.json")
	fi
	lines_and_status "${file##*/}" "$file" "$status"
done

# (d) The comparison notices: each number wrong by one, and a trace with one row changed.
"$SHIM_ANALYZE" summary --format json "$v1/threads.zst" >"$WORK/summary.json" 2>/dev/null
mutants=0
dump leaks "$v1/dlclose.zst" | sed 's,/opt/first.so,/opt/second.so,' >"$WORK/leaks.txt"
"$SHIM_ANALYZE" leaks -n 0 --format json "$v1/dlclose.zst" >"$WORK/leaks.json" 2>/dev/null
! "$golden/compare.py" --leaks "$WORK/leaks.txt" "$WORK/leaks.json" >/dev/null ||
	wrong 'a leak under another module passes unnoticed'
for key in allocations frees reallocations allocated_bytes live_bytes live_count peak_bytes peak_count \
	temporary threads events lost; do
	jq ".$key += 1" "$v1/threads.totals.json" >"$WORK/mutant.json"
	! "$golden/compare.py" --summary "$WORK/mutant.json" "$WORK/summary.json" >/dev/null ||
		wrong "a wrong $key passes unnoticed"
	((++mutants))
done
jq '.by_function.malloc += 1' "$v1/threads.totals.json" >"$WORK/mutant.json"
! "$golden/compare.py" --summary "$WORK/mutant.json" "$WORK/summary.json" >/dev/null ||
	wrong 'wrong calls pass unnoticed'
((mutants == 12)) || wrong "only $mutants mutants"
"$golden/damage.py" --mutate "$v1/rows-layout.zst" "$WORK/mutant.zst" ||
	wrong 'damage.py --mutate failed'
"$SHIM_ANALYZE" summary --format json "$WORK/mutant.zst" >"$WORK/summary.json" 2>/dev/null
! "$golden/compare.py" --summary "$v1/rows-layout.totals.json" "$WORK/summary.json" >/dev/null ||
	wrong 'a trace with a changed row passes unnoticed'

((bad == 0)) && echo "golden: $good good traces, $damaged damaged ones, $mutants mutants"
exit $bad
