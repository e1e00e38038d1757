#!/bin/bash
# SPDX-License-Identifier: MIT
#
# demo.sh - the main job, shown: profile a leaky C++ sample and a run of python3, print what leaks, write
# a flame graph. `make demo` calls it; it needs only the three products and leaves all in build/demo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=${B:-build}
out=$build/demo
lib=$(realpath "$build/libshim.so")
analyze=$build/shim-analyze
rm -rf "$out"
mkdir -p "$out"

say() {
	printf '\n\033[1m%s\033[0m\n' "$*"
}
[[ -t 1 ]] || say() { printf '\n%s\n' "$*"; }

# Run a command, shown as the reader would type it. Status 23 is the verdict "there are leaks", and 0 or
# 23 is what a report on a whole trace ends with.
report() {
	local status=0
	echo "\$ $*"
	"$@" || status=$?
	((status == 0 || status == 23)) || { echo "demo: exit status $status" >&2; exit 1; }
}

say "1. A C++ program with two mistakes in it, run as it is but for one variable"
echo "\$ LD_PRELOAD=$build/libshim.so SHIM_OUTPUT=$out/leaky.zst $build/tests/programs/demo_leaky"
LD_PRELOAD=$lib SHIM_OUTPUT=$out/leaky.zst "$build/tests/programs/demo_leaky"

say "2. What it leaks"
report "$analyze" leaks "$out/leaky.zst"

say "3. A real program that nobody prepared: Debian's python3"
program='import json
rows = [json.loads(json.dumps({"id": i, "name": "row %d" % i, "tags": list(range(i % 20))})) for i in range(20000)]
print(len(rows), "rows through json")'
echo "\$ LD_PRELOAD=$build/libshim.so SHIM_OUTPUT=$out/python3.zst PYTHONMALLOC=malloc python3 -c …"
LD_PRELOAD=$lib SHIM_OUTPUT=$out/python3.zst PYTHONMALLOC=malloc /usr/bin/python3 -c "$program"

say "4. Where its memory stood at the highest point"
report "$analyze" peak -n 3 -s 1 "$out/python3.zst"

say "5. The same as a flame graph"
report "$analyze" flamegraph --cost peak -o "$out/report.html" "$out/python3.zst"
report "$analyze" flamegraph --cost leaked -o "$out/leaky.html" "$out/leaky.zst"

[[ -s $out/report.html && -s $out/leaky.html ]] || { echo "demo: no report was written" >&2; exit 1; }
say "Open $out/report.html and $out/leaky.html in a browser. Next: $analyze summary $out/python3.zst"
