#!/bin/bash
# SPDX-License-Identifier: MIT
#
# docs.sh - manual pages and completion say what the program's own lists say: commands.def, options.def and the settings
# of config.c. Nothing may be missing, nothing may be promised that is not there.
set -uo pipefail
cd "${ROOT:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 1
bad=0

# compare WHAT WHERE LIST LIST: two sorted lists, one word a line.
compare() {
	local line
	[[ -n $3 ]] || { echo "docs: no $1 were found in the sources"; bad=1; }
	while read -r line; do
		echo "docs: $1: ${line//> /only in $2: }"
		bad=1
	done < <(diff <(echo "$3") <(echo "$4") | grep '^[<>]' | sed "s/^< /missing in ${2//\//\\/}: /")
}

man=docs/man/shim-analyze.1
completion=docs/completion/shim-analyze.bash
commands=$(sed -n 's/^COMMAND(\([a-z]*\)).*/\1/p' analyzer/cli/commands.def | sort)
options=$(sed -n "s/^OPTION([A-Z_]*, *\([^,]*\), *\"\([^\"]*\)\".*/\1 \2/p" analyzer/cli/options.def |
	awk '{ if ($1 != "0") print "-" substr($1, 2, 1); print "--" $2 }' | sort)
settings=$(sed -n 's/^[[:space:]]*\({ "SHIM_.*\)/\1/p' preload/config.c | grep -o '{ "SHIM_[A-Z_]*", parse' | grep -o 'SHIM_[A-Z_]*' | sort)

compare commands "$man" "$commands" \
	"$(awk '/^\.SH/ { on = /COMMANDS/ } on && tagged && /^\.B / { print $2 } { tagged = /^\.TP/ }' $man | sort)"
compare commands "$completion" "$commands" "$(sed -n "s/.*local commands='\(.*\)'.*/\1/p" $completion | tr ' ' '\n' | sort)"
compare options "$man" "$options" \
	"$(awk '/^\.SH/ { on = /OPTIONS/ } on' $man | sed 's/\\-/-/g' | grep '^\.BR\? ' | grep -oE '(^| |")-{1,2}[a-zA-Z][a-z-]*' |
		tr -d ' "' | sort -u)"
compare options "$completion" "$options" \
	"$(tr '\n\t' '  ' <$completion | sed "s/.*local options='\([^']*\)'.*/\1/" | tr -s ' ' '\n' | sort)"
compare settings docs/man/libshim.7 "$settings" "$(sed -n 's/^\.BR \(SHIM_[A-Z_]*\) .*/\1/p' docs/man/libshim.7 | sort)"

run_options=$(sed -n '/help_text/,/;$/p' analyzer/shim_run.c | grep -oE '"  (-[a-z],|   ) --[a-z]+' | grep -oE -- '-{1,2}[a-z]+' | sort -u)
compare options docs/man/shim-run.1 "$run_options" \
	"$(awk '/^\.SH/ { on = /OPTIONS/ } on' docs/man/shim-run.1 | sed 's/\\-/-/g' | grep '^\.BR\? ' |
		grep -oE '(^| |")-{1,2}[a-zA-Z][a-z-]*' | tr -d ' "' | sort -u)"
api=$(sed -n 's/^API(\(.*\)).*/\1/p' preload/annotate.def | sort)
compare annotations docs/man/libshim.7 "$api" \
	"$(awk '/^\.SH/ { on = /ANNOTATIONS/ } on' docs/man/libshim.7 | grep -oE 'shim_[a-z_]+' | sort -u)"

((bad == 0)) && echo "docs: fine"
exit $bad
