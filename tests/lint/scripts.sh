#!/bin/bash
# SPDX-License-Identifier: MIT
#
# scripts.sh - every shell script passes shellcheck (but for files and variables that another script sources or uses).
set -uo pipefail
cd "${ROOT:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 1

mapfile -t scripts < <(find tests -name '*.sh' | sort)
shellcheck --severity=warning --shell=bash --exclude=SC1090,SC1091,SC2034,SC2054 .ci/run .ci/deps "${scripts[@]}" ||
	{ echo "scripts: shellcheck complains"; exit 1; }
echo "scripts: fine"
