#!/bin/bash
# SPDX-License-Identifier: MIT
#
# usage.sh - wrong command lines, files that are no traces, output that cannot be written: one clear line on
# stderr, nothing on stdout, status 1. And the statuses of what could be done: 0, 2, 23.
# shellcheck disable=SC2154  # variables of the runner
. "$SRC/tests/e2e/lib.sh"

v1=$SRC/tests/golden/v1

# refused WORD ARGUMENT...: status 1, no output, one line that holds WORD.
refused() {
	local word=$1 status
	shift
	"$SHIM_ANALYZE" "$@" >out 2>err
	status=$?
	((status == 1)) || bad "$*: status $status instead of 1"
	[[ ! -s out ]] || bad "$*: something on stdout"
	(($(wc -l <err) == 1)) || bad "$*: $(wc -l <err) lines on stderr"
	grep -q "^shim-analyze: " err || bad "$*: the line does not begin with the program's name"
	grep -qF -- "$word" err || bad "$*: no '$word' in: $(cat err)"
}

# fails STATUS TEXT NAME GOT: the status was GOT, which must be STATUS, and TEXT is in err.
fails() {
	(($4 == $1)) || bad "$3: status $4 instead of $1"
	[[ $(<err) == *"$2"* ]] || bad "$3: no '$2' in: $(<err)"
}

# gives STATUS ARGUMENT...: that status, and a report.
gives() {
	local wanted=$1 status
	shift
	"$SHIM_ANALYZE" "$@" >out 2>err
	status=$?
	((status == wanted)) || bad "$*: status $status instead of $wanted: $(cat err)"
	[[ -s out ]] || bad "$*: no report"
	(($(wc -l <err) == (wanted == 2))) || bad "$*: $(wc -l <err) lines on stderr with status $status"
}

refused 'no trace given'
refused 'no trace given' leaks
refused 'did you mean leaks?' leeks "$v1/threads.zst"
refused 'did you mean --suppressions?' leaks --suppresions x "$v1/threads.zst"
refused 'no-such-file.zst: cannot open' peak no-such-file.zst
refused 'not a trace' peak "$0"
refused 'not a trace' peak /dev/null
: >empty.zst
refused 'empty.zst' summary empty.zst
refused "$PWD" summary "$PWD"
refused 'is no regular expression' peak -I '(' "$v1/threads.zst"
refused 'no-such.supp: cannot open' leaks --suppressions no-such.supp "$v1/threads.zst"
printf 'leak:one\nthread:two\n' >wrong.supp
refused 'wrong.supp: line 2' leaks --suppressions wrong.supp "$v1/threads.zst"
refused '--cost wants' flamegraph --cost heat "$v1/threads.zst"
refused 'cannot create' peak -o no/such/folder/report.txt "$v1/threads.zst"
cp "$v1/killed.zst" "$v1/killed.zst.spool" .
ln -s killed.zst.spool link
refused 'is the trace itself' peak -o killed.zst killed.zst
refused 'is the trace itself' peak -o link killed.zst
for file in killed.zst killed.zst.spool; do
	cmp "$file" "$v1/$file" || bad "$file was overwritten"
done
refused 'cannot write svg' peak -o report.svg "$v1/threads.zst"
refused '.folded, .svg, .html' flamegraph -o picture.png "$v1/threads.zst"
[[ ! -e picture.png ]] || bad 'a refused picture was created'
refused 'is no moment' peak --from nowhere "$v1/threads.zst"
refused 'one trace at a time' repair "$v1/threads.zst" "$v1/columns-layout.zst"

# a trace named twice counts once, and says so; so does one whose spool is named as well
"$SHIM_ANALYZE" leaks "$v1/killed.zst" >once
for words in "$v1/killed.zst $v1/killed.zst" "$v1/killed.zst.spool $v1/killed.zst"; do
	# shellcheck disable=SC2086  # words
	"$SHIM_ANALYZE" leaks $words >out
	[[ $(grep SUMMARY: out) == "$(grep SUMMARY: once)" ]] || bad "$words: $(grep SUMMARY: out)"
	(($(grep -c '^note: 1 of the files named belongs' out) == 1)) || bad "$words: no note"
done
cp "$v1/killed.zst.spool" alone.zst.spool
refused 'its trace alone.zst is not there' leaks alone.zst.spool

# help and version are reports of their own
for words in --help --version 'leaks --help' '-h' 'flamegraph -h'; do
	# shellcheck disable=SC2086  # words
	gives 0 $words
done
for command in summary peak allocs temporary sizes lifetimes threads timeline info dump; do
	gives 0 "$command" "$v1/threads.zst"
	gives 0 "$command" --format json "$v1/threads.zst"
	jq -e ".schema == \"shim-analyze/$command/1\" and .trace.program == \"threads\"" out >/dev/null || bad "$command: schema or trace"
	gives 2 "$command" "$v1/incomplete.zst"
done
gives 23 leaks "$v1/threads.zst"
gives 2 leaks "$v1/incomplete.zst" # missing events look like leaks, so damage wins
gives 23 leaks "$v1/killed.zst"    # killed, but whole with its spool
gives 0 summary "$v1/killed.zst"
printf '# all\nleak:threads\n' >all.supp
gives 0 leaks --suppressions all.supp "$v1/threads.zst"
grep -q 'leak:threads' out || bad 'the suppression that was used is not named'
grep -q '^SUMMARY: shim-analyze: 0 byte(s) leaked in 0 allocation(s).$' out || bad 'no summary line of nothing'

# -q silences the line, not the status
"$SHIM_ANALYZE" -q summary "$v1/incomplete.zst" >out 2>err
fails 2 '' '-q with a damaged trace' $?
[[ ! -s err ]] || bad '-q is not quiet'

# a full disk, and a reader that goes away
"$SHIM_ANALYZE" dump "$v1/threads.zst" >/dev/full 2>err
fails 1 'standard output: cannot write: No space left' 'full disk' $?
"$SHIM_ANALYZE" peak -o /dev/full "$v1/threads.zst" 2>err
fails 1 '/dev/full: cannot write' 'full disk behind -o' $?
exec 5> >(:)
wait $! # from here on nobody reads
"$SHIM_ANALYZE" dump "$v1/threads.zst" 1>&5 2>err
fails 0 '' 'closed pipe' $?
[[ ! -s err ]] || bad "closed pipe: $(cat err)"
"$SHIM_ANALYZE" leaks "$v1/threads.zst" 1>&5 2>err
fails 23 '' 'closed pipe and leaks' $?
exec 5>&-

# the same bytes at any number of threads, and again
for trace in threads columns-layout compressed; do
	"$SHIM_ANALYZE" summary --jobs 1 "$v1/$trace.zst" >one
	"$SHIM_ANALYZE" summary --jobs 7 "$v1/$trace.zst" >seven
	cmp one seven || bad "$trace: another report with more threads"
	for format in folded svg html; do
		"$SHIM_ANALYZE" flamegraph --jobs 1 -o "one.$format" "$v1/$trace.zst" || bad "$trace: flamegraph as $format"
		"$SHIM_ANALYZE" flamegraph --jobs 7 -o "seven.$format" "$v1/$trace.zst"
		cmp "one.$format" "seven.$format" || bad "$trace: another $format with more threads"
	done
done

# colour only where it is asked for; control characters of a trace never reach a terminal
"$SHIM_ANALYZE" leaks --color always "$v1/threads.zst" >out
grep -q $'\033\\[' out || bad 'no colour with --color always'
"$SHIM_ANALYZE" leaks "$v1/threads.zst" >out
! grep -q $'\033' out || bad 'colour in a file'
finish
