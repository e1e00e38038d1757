#!/bin/bash
# SPDX-License-Identifier: MIT
#
# remake.sh - writes tests/golden/v1 anew: traces, truths and what the second decoder reads. Only for
# a change of the format or of the set of traces; look at the difference before committing it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/make_golden.py" "$here/v1"
for trace in "$here"/v1/*.zst; do
	"$here/../decode/shimdump.py" totals "$trace" >"${trace%.zst}.totals.json"
	"$here/compare.py" "${trace%.zst}.truth.json" "${trace%.zst}.totals.json"
done
