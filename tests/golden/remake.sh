#!/bin/bash
# SPDX-License-Identifier: MIT
#
# remake.sh - writes tests/golden/v1 and v2 anew: traces, truths and what the second decoder reads. Only for
# a change of the format or of the set of traces; look at the difference before committing it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for version in 1 2; do
	"$here/make_golden.py" "$here/v$version" $version
done
for trace in "$here"/v[12]/*.zst; do
	"$here/../decode/shimdump.py" totals "$trace" >"${trace%.zst}.totals.json"
	"$here/compare.py" "${trace%.zst}.truth.json" "${trace%.zst}.totals.json"
done
