#!/bin/bash
# SPDX-License-Identifier: MIT
# bench.sh - what `make bench` runs: the table of programs, start-up, and the tool's own speed. Arguments go to bench.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 tests/bench/bench.py --build "${B:-build}" "$@"
