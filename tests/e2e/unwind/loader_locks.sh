#!/bin/bash
# SPDX-License-Identifier: MIT
#
# loader_locks.sh - programs that allocate while the loader's locks are held do not hang; on a glibc that can be asked
# without its lock, and on an older one, where the scenes with code that is not known yet, 1 and 5, are beyond us (design
# note 22).
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

run native "$PROGRAMS/loader_locks"
[[ $(cat native.status) == 0 ]] || bad "the program does not work: status $(cat native.status)"
for scene in 1 2 3 4 5; do
	traced "scene$scene" "$PROGRAMS/loader_locks" $scene
	same "scene $scene" native "scene$scene/run"
done
test_library old -DSHIM_OLD_LOADER=1
SHIM_LIB=$library
for scene in 2 3 4; do
	traced "old$scene" "$PROGRAMS/loader_locks" $scene
	same "scene $scene on an older glibc" native "old$scene/run"
done
# What else depends on how objects are found.
for name in debug_frame dlopen_plugin deep_recursion stack_switch fork_tree; do
	traced "$name" "$PROGRAMS/$name"
	mapfile -t traces < <(all_traces "$name")
	"$E2E/check_truth.py" "$(source_of "$name")" "${traces[@]}" || bad "$name on an older glibc"
done
# What dlmopen opens has no names there: half of the calls.
sed 's/_run 20 2000/_run 10 1000/; s/_run 20 4000/_run 10 2000/' "$(source_of same_place)" >same_place.c
traced same_place "$PROGRAMS/same_place"
"$E2E/check_truth.py" same_place.c "$(main_trace same_place)" || bad "same_place on an older glibc"
[[ $(cat same_place/run.status) == 0 ]] || bad "same_place: $(cat same_place/run.out)"
finish
