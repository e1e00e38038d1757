#!/bin/bash
# SPDX-License-Identifier: MIT
#
# reports.sh - the text of every report on golden traces, letter by letter. A change that is meant: run
# REMAKE=1 tests/e2e/cli/reports.sh with SRC and SHIM_ANALYZE set, and read the difference before it is committed.
# shellcheck disable=SC2154  # variables of the runner
. "$SRC/tests/e2e/lib.sh"

wanted=$SRC/tests/golden/reports
cp "$SRC"/tests/golden/v1/{threads,mappings,killed,dlclose,deep-and-cut,columns-layout}.zst* .
cp "$SRC"/tests/golden/v2/{steps,folded-debts,sampled-by-rows}.zst .

# same_report NAME ARGUMENT...: the report is what tests/golden/reports/NAME holds, status and stderr behind it.
same_report() {
	local name=$1 status
	shift
	# without the modules, wherever this runs: names are the symbolizer's tests' affair
	"$SHIM_ANALYZE" --sysroot /nowhere "$@" >got 2>got.err
	status=$?
	{
		cat got got.err
		echo "(exit status $status)"
	} >"$name"
	if [[ -n ${REMAKE-} ]]; then
		cp "$name" "$wanted/$name"
	elif ! cmp -s "$name" "$wanted/$name"; then
		bad "$name: another text"
		diff "$wanted/$name" "$name" | head -n 20
	fi
}

same_report summary.txt summary threads.zst
same_report leaks.txt leaks threads.zst
same_report leaks_killed.txt leaks -n 1 killed.zst
same_report peak.txt peak -n 1 columns-layout.zst
same_report allocs.txt allocs columns-layout.zst
same_report temporary.txt temporary deep-and-cut.zst
same_report sizes.txt sizes -n 1 threads.zst
same_report lifetimes.txt lifetimes -n 1 threads.zst
same_report threads.txt threads threads.zst
same_report timeline.txt timeline -n 8 mappings.zst
same_report info.txt info dlclose.zst
same_report dump.txt dump dlclose.zst
same_report flamegraph.txt flamegraph --cost allocated columns-layout.zst
same_report summary_json.txt summary --format json threads.zst
same_report leaks_json.txt leaks --format json threads.zst
same_report timeline_json.txt timeline --format json -n 4 mappings.zst
# of samples, folded blocks, steps
same_report steps_summary.txt summary steps.zst
same_report steps_summary_json.txt summary --format json steps.zst
same_report steps_lifetimes.txt lifetimes -n 1 steps.zst
same_report steps_info.txt info steps.zst
same_report steps_dump.txt dump steps.zst
same_report sampled_leaks.txt leaks sampled-by-rows.zst
same_report sampled_peak_json.txt peak --format json sampled-by-rows.zst
same_report sampled_window.txt allocs --from 0.00000006 sampled-by-rows.zst
same_report sampled_flamegraph.txt flamegraph --cost leaked sampled-by-rows.zst
same_report folded_bounds.txt summary -n 1 folded-debts.zst

# and nothing lies there that nobody compares
for file in "$wanted"/*; do
	[[ -e ${file##*/} ]] || bad "${file##*/} is not compared"
done
finish
