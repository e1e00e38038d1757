#!/bin/bash
# SPDX-License-Identifier: MIT
#
# selftest.sh - the checks are checked: each passes on a small clean tree and fails, with the right line, on each
# way of breaking it. The test runner too, since a runner that cannot fail would hide everything.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cc=${CC:-gcc}
bad=0

# A tree with one file of each kind in $scratch/tree.
plant() {
	local tree=$scratch/tree
	rm -rf "$tree"
	mkdir -p "$tree"/{preload,analyzer/{util,pass,symbol},include,tests,docs,.ci,build}
	cd "$tree" || exit 1
	printf '#include "shim_trace.h"\n#include "low.h"\n' >preload/high.c
	echo 'int low;' >preload/low.h
	echo 'HOOK(hooked, 1)' >preload/hooks.def
	echo '{ global: hooked; local: *; };' >preload/libshim.map
	echo '#include "util/tool.h"' >analyzer/pass/count.c
	echo 'int tool;' >analyzer/util/tool.h
	echo 'int name;' >analyzer/symbol/name.h
	echo 'int format;' >include/shim_trace.h
	printf '%s\n' '## Arrows' '| room | files | may include |' '|---|---|---|' '| base | `low` `hooks.def` | |' \
		'| top | `high` | include base |' '## Files' '| file | for |' '|---|---|' '| `low` | x |' '| `high` | x |' \
		'| `hooks.def`, `libshim.map` | x |' >preload/README.md
	printf '%s\n' '## Arrows' '| folder | may include |' '|---|---|' '| util | |' '| symbol | util |' '| pass | util |' \
		'## Files' '| file | for |' '|---|---|' '| `util/tool` | x |' '| `pass/count` | x |' '| `symbol/name` | x |' \
		>analyzer/README.md
	echo '__attribute__((visibility("default"))) int hooked(void); int puts(const char *); int hooked(void) { return puts("x"); }' >hooked.c
	echo '__attribute__((visibility("default"))) int extra; double cos(double); double f(double x) { return cos(x); }' >extra.c
	printf '%s\t%s\n' puts 'prints' >imports.txt
	local link=("$cc" -shared -fPIC -nostartfiles -fno-builtin -Wl,-z,now -Wl,-z,nodelete)
	"${link[@]}" -o build/libshim.so hooked.c || exit 1
	"${link[@]}" -o build/extra.so hooked.c extra.c -lm || exit 1
}

# check NAME: run one check on the tree.
check() {
	ROOT=$scratch/tree B=build IMPORTS=$scratch/tree/imports.txt "$here/$1.sh" 2>&1
}

# clean NAME: it must pass now.
clean() {
	local output
	output=$(check "$1") && return
	echo "selftest: $1 fails on a clean tree: $output"
	bad=1
}

# caught NAME TEXT: it must fail now and say TEXT; then all is planted anew.
caught() {
	local output
	if output=$(check "$1"); then
		echo "selftest: $1 did not notice: $2"
		bad=1
	elif [[ $output != *"$2"* ]]; then
		echo "selftest: $1 said something else than '$2': $output"
		bad=1
	fi
	plant
}

plant
for name in arrows maps names exports imports; do
	clean $name
done
echo '#include "symbol/name.h"' >>analyzer/pass/count.c
caught arrows 'analyzer/pass/count.c (pass) may not include "symbol/name.h" (symbol)'
echo '#include "high.h"' >>preload/low.h && touch preload/high.h
caught arrows 'preload/low.h (base) may not include "high.h" (top)'
echo '#include "../analyzer/util/tool.h"' >>preload/high.c
caught arrows 'which is nothing of preload/'
echo '#include "shim_trace.h"' >>analyzer/util/tool.h
caught arrows 'analyzer/util/tool.h (util) may not include "shim_trace.h" (include)'
touch preload/stray.c
caught arrows 'preload/stray.c has no place'
touch preload/stray.c
caught maps 'preload/stray.c has no line'
touch analyzer/util/stray.c
caught maps 'analyzer/util/stray.c has no line'
rm analyzer/util/tool.h
caught maps 'lists util/tool, which does not exist'
touch preload/tool.h
caught names 'tool.h is the name of'
echo 'HOOK(other, 1)' >>preload/hooks.def
caught exports 'only in the .def files: other'
cp build/extra.so build/libshim.so
caught exports 'only in libshim.so: extra'
echo '{ global: hooked; more; local: *; };' >preload/libshim.map
caught exports 'only in libshim.map: more'
cp build/extra.so build/libshim.so
caught imports 'needs libm.so.6'
echo '# nothing' >imports.txt
caught imports 'puts is called but has no line'
printf 'gone\tit was needed once\n' >>imports.txt
caught imports 'gone stands in imports.txt but is not called'
echo 'puts' >imports.txt
caught imports 'no reason given: puts'

# docs.sh compares real files: copies of them, one list changed in each.
papers() {
	cd "$here/../.." || exit 1
	cp -r docs/man docs/completion "$scratch/tree/docs"
	mkdir -p "$scratch/tree/analyzer/cli"
	cp analyzer/cli/commands.def analyzer/cli/options.def "$scratch/tree/analyzer/cli"
	cp preload/config.c preload/annotate.def "$scratch/tree/preload"
	cp analyzer/shim_run.c "$scratch/tree/analyzer"
	cd "$scratch/tree" || exit 1
}
papers
clean docs
sed -i '/^COMMAND(peak)/d' analyzer/cli/commands.def
caught docs 'commands: only in docs/man/shim-analyze.1: peak'
papers
sed -i 's/"jobs"/"hands"/' analyzer/cli/options.def
caught docs 'options: missing in docs/completion/shim-analyze.bash: --hands'
papers
sed -i '/^\.BR SHIM_DEPTH/d' docs/man/libshim.7
caught docs 'settings: missing in docs/man/libshim.7: SHIM_DEPTH'
papers
sed -i '/^API(shim_mark)/d' preload/annotate.def
caught docs 'annotations: only in docs/man/libshim.7: shim_mark'
papers
sed -i 's/--quiet /--silent /' analyzer/shim_run.c
caught docs 'options: missing in docs/man/shim-run.1: --silent'

# ---- the runner ----
cd "$scratch" || exit 1
mkdir runner
echo 'exit 0' >runner/good.sh
echo 'exit 1' >runner/bad.sh
printf 'echo "skip: no reason"\nexit 77\n' >runner/skips.sh
printf 'echo "skip: allowed"\nexit 77\n' >runner/allowed.sh
printf '# timeout: 1\nsleep 20\n' >runner/slow.sh
printf '## Permitted skips\n- `allowed`: here\n' >runner/README.md

# expect STATUS LAST-LINE TEST...: what the runner must return and end with.
expect() {
	local status=$1 line=$2 output got
	shift 2
	output=$(TESTS_README=$scratch/runner/README.md B=$scratch/build "$here/../run.sh" "${@/#/$scratch/runner/}" 2>&1)
	got=$?
	[[ $got == "$status" && ${output##*$'\n'} == "$line" ]] && return
	echo "selftest: run.sh $*: status $got, expected $status and '$line': $output"
	bad=1
}
expect 0 '1 passed, 0 failed' good.sh
expect 1 '1 passed, 1 failed' good.sh bad.sh
expect 1 '0 passed, 1 failed' skips.sh
expect 0 '1 passed, 0 failed' allowed.sh good.sh
expect 1 '0 passed, 1 failed' slow.sh
expect 1 '0 passed, 1 failed' missing.sh
expect 1 '0 passed, 0 failed'

((bad == 0)) && echo "selftest: fine"
exit $bad
