#!/bin/bash
# SPDX-License-Identifier: MIT
#
# shim_run.sh - shim-run stays out of the way: the program's own streams, arguments and status, whatever they are, and one
# line with the next command, whose trace exists and is the program's.
# shellcheck disable=SC2016,SC2154  # programs for sh; variables of the runner
. "$SRC/tests/e2e/lib.sh"

# ends STATUS NAME GOT
ends() {
	(($3 == $1)) || bad "$2: status $3 instead of $1"
}

# next_trace: the trace that the last line of err names
next_trace() {
	sed -n 's/^shim-run: next: [^ ]*shim-analyze \([^ ]*\).*/\1/p' err
}

echo input | "$SHIM_RUN" -- sh -c 'cat; echo to-stderr >&2; exit 7' >out 2>err
ends 7 'exit 7' $?
[[ $(cat out) == input ]] || bad 'standard input or output is not the caller'"'"'s'
[[ $(head -n 1 err) == to-stderr && $(wc -l <err) == 2 ]] || bad "stderr: $(cat err)"
trace=$(next_trace)
[[ -f $trace ]] || bad "the next command names no file: $(tail -n 1 err)"
[[ $(json "$trace" .trace.program) == *sh ]] || bad 'the trace is not of the program'
"$SHIM_ANALYZE" summary "$trace" >/dev/null || bad 'the next command does not work'

# options, a pattern with a folder, events, -q
"$SHIM_RUN" -q -o 'made/%e-%p.zst' -e heap /bin/echo -n -o x >out 2>err
ends 0 'options' $?
[[ $(cat out) == '-o x' ]] || bad "the program's own options: $(cat out)"
[[ ! -s err ]] || bad "-q is not quiet: $(cat err)"
[[ -n $(compgen -G 'made/echo-*.zst') ]] || bad 'no trace in made/'
"$SHIM_RUN" --output=plain.zst --events heap -- true 2>err
ends 0 'long options' $?
[[ $(next_trace) == plain.zst ]] || bad "pattern without %: $(cat err)"
"$SHIM_RUN" -oplain.zst true 2>err
[[ $(next_trace) == plain.zst.1 ]] || bad "an existing file: $(cat err)"
[[ $(json plain.zst '.trace.pid') != "$(json plain.zst.1 '.trace.pid')" ]] || bad 'an existing trace was overwritten'

# a sample
"$SHIM_RUN" -q -o sampled.zst --sample 64k true 2>err
ends 0 '--sample' $?
"$SHIM_ANALYZE" info sampled.zst | grep -q "sample_bytes *65536" || bad 'the trace of --sample has no sample'
"$SHIM_RUN" -q -o sampled2.zst --sample=1M -- true
"$SHIM_ANALYZE" info sampled2.zst | grep -q "sample_bytes *1048576" || bad 'the trace of --sample=1M has no sample'
for value in often 1kk '' k -1; do
	"$SHIM_RUN" --sample "$value" true >out 2>err
	ends 125 "--sample $value" $?
done

"$SHIM_RUN" -o 'by-%e/%p.zst' true 2>err
grep -qF 'where by-%e/%p.zst says' err || bad "a pattern in the folder: $(cat err)"
[[ -n $(compgen -G 'by-true/*.zst') ]] || bad 'no trace in by-true/'

# a program that execs: the newest of its traces
"$SHIM_RUN" sh -c 'exec perl -e "exit 3"' 2>err
ends 3 'exec' $?
[[ $(json "$(next_trace)" .trace.program) == perl ]] || bad "exec: $(cat err)"

# the command is one to paste: the tool's path where PATH does not lead to it, names quoted, children counted
mkdir 'a folder'
"$SHIM_RUN" -o "a folder/it's %p.zst" -- sh -c 'true | true; true' 2>err
command=$(sed -n 's/^shim-run: next: //p' err)
[[ $command == "${SHIM_RUN%run}analyze "* ]] || bad "the tool beside shim-run: $(cat err)"
bash -c "$command" >out || bad "not a command to paste: $command"
grep -q "pid" out || bad "no report from $command"
files=("a folder"/*.zst)
[[ $command == *"# and $((${#files[@]} - 1)) more"* ]] || bad "${#files[@]} traces, but: $(cat err)"
PATH=${SHIM_RUN%/*}:$PATH "$SHIM_RUN" -o found.zst true 2>err
[[ $(cat err) == 'shim-run: next: shim-analyze found.zst' ]] || bad "with the tool in PATH: $(cat err)"

# no trace: every cause is named
printf 'int main(void) { return 0; }\n' >static.c
"$CC" -static -o static static.c || bad 'cannot compile'
"$SHIM_RUN" ./static 2>err
ends 0 'a static program' $?
for word in static set-user-id writable; do
	grep -q "no trace of pid .*$word" err || bad "no $word in: $(cat err)"
done

# what was preloaded before stays
LD_PRELOAD=libm.so.6 "$SHIM_RUN" -q sh -c 'echo "$LD_PRELOAD"' >out 2>/dev/null
grep -q 'libshim.so:libm.so.6$' out || bad "LD_PRELOAD: $(cat out)"

# killed by a signal: so is shim-run, and its trace is there
for signal in TERM SEGV KILL; do
	"$SHIM_RUN" sh -c "kill -$signal \$\$" >out 2>err
	status=$?
	ends $((128 + $(kill -l "$signal"))) "killed by $signal" "$status"
	[[ -f $(next_trace) ]] || bad "killed by $signal: no trace named"
done 2>/dev/null

# a signal for shim-run is one for the program
"$SHIM_RUN" -q sh -c 'trap "exit 42" TERM; : >ready; while :; do sleep 0.1; done' 2>err &
pid=$!
while [[ ! -e ready ]]; do sleep 0.05; done
kill -TERM "$pid"
wait "$pid"
ends 42 'SIGTERM passed on' $?

# what cannot be run
"$SHIM_RUN" ./no-such-program 2>err
ends 127 'not found' $?
grep -q 'cannot run ./no-such-program: No such file' err || bad "not found: $(cat err)"
: >plain-file
"$SHIM_RUN" ./plain-file 2>err
ends 126 'not executable' $?
(($(wc -l <err) == 1)) || bad "not executable: $(cat err)"
"$SHIM_RUN" sh -c 'exit 127' 2>err
ends 127 "the program's own 127" $?
[[ -f $(next_trace) ]] || bad "the program's own 127: $(cat err)"

# wrong usage
for words in '' '-x true' '-o' '--outputs=x true' '-e' '--' '-e cpu true' '-e heap,maps true' '--events=hea true' '-e heap, true'; do
	# shellcheck disable=SC2086  # words
	"$SHIM_RUN" $words >out 2>err
	ends 125 "usage '$words'" $?
	(($(wc -l <err) == 1)) || bad "usage '$words': $(cat err)"
done
"$SHIM_RUN" --help >out || bad '--help'
grep -q '^Usage: shim-run' out || bad '--help shows no usage'
"$SHIM_RUN" --version | grep -q '^shim-run [0-9]' || bad '--version'

# found beside itself or in ../lib, and said when it is not
mkdir -p inst/bin alone
cp "$SHIM_RUN" inst/bin/ && cp "$SHIM_RUN" alone/
for folder in lib lib64 lib/x86_64-linux-gnu; do
	mkdir -p "inst/$folder"
	cp "$SHIM_LIB" "inst/$folder/"
	inst/bin/shim-run -q sh -c 'echo "$LD_PRELOAD"' >out
	grep -q "$PWD/inst/$folder/libshim.so" out || bad "../$folder: $(cat out)"
	rm "inst/$folder/libshim.so"
done
alone/shim-run true 2>err
ends 125 'no library' $?
grep -q 'libshim.so is neither' err || bad "no library: $(cat err)"
finish
