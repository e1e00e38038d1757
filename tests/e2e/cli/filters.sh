#!/bin/bash
# SPDX-License-Identifier: MIT
#
# filters.sh - what -I, -X, --thread, --from, --to and suppressions keep and drop, on a program whose allocations are known,
# alone and with its child.
# shellcheck disable=SC2154  # variables of the runner
. "$SRC/tests/e2e/lib.sh"

cat >known.c <<'EOF'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
void *volatile keep;
__attribute__((noinline)) void red(void) { for (int i = 0; i < 10; i++) keep = malloc(100); }
__attribute__((noinline)) void blue(void) { for (int i = 0; i < 5; i++) keep = malloc(1000); }
__attribute__((noinline)) void both(void) { red(); blue(); }
__attribute__((noinline)) void child(void) { for (int i = 0; i < 3; i++) keep = malloc(7000); }
static void *body(void *p) { pthread_setname_np(pthread_self(), "painter"); red(); return p; }
int main(void)
{
	pthread_t thread;
	pid_t pid;
	puts("hello"); // libc keeps a buffer, which is no leak
	fflush(stdout); // or the child would print it again
	both();
	pthread_create(&thread, NULL, body, NULL);
	pthread_join(thread, NULL);
	pid = fork();
	if (pid == 0) {
		child();
		return 0;
	}
	return waitpid(pid, NULL, 0) != pid;
}
EOF
"$CC" -g -O1 -pthread -o known known.c || bad 'cannot compile'
traced t ./known
main=$(main_trace t)
mapfile -t traces < <(all_traces t)
((${#traces[@]} == 2)) || bad "${#traces[@]} traces instead of 2"

# sum OPTION...: "bytes count" of the main trace's leaks under those options
sum() {
	"$SHIM_ANALYZE" leaks --format json "$@" | jq -r '.totals.unfreed | "\(.bytes) \(.count)"'
}
# is WANTED OPTION...
is() {
	local wanted=$1 got
	shift
	got=$(sum "$@")
	[[ $got == "$wanted" ]] || bad "$*: $got instead of $wanted"
}

is '7000 25' "$main"
is '2000 20' -I '^red$' "$main"
is '5000 5' -X '^red$' "$main"
is '6000 15' -I '^both$' "$main"
is '5000 5' -I '^both$' -X red "$main"
is '7000 25' -I red -I blue "$main"
is '7000 25' -I known.c "$main"
is '0 0' -X /known "$main"
is '1000 10' --thread painter "$main"
is '6000 15' --thread '^known$' "$main"
is '0 0' --thread nobody "$main"
is '0 0' --from -0% "$main"
is '7000 25' --from 0 --to 100% "$main"
# the child has the parent's blocks when it is forked, and its own; each in its own trace
is '28000 28' -I '^child$' -I '^red$' -I '^blue$' "${traces[@]}"
is '21000 3' -I '^child$' "${traces[@]}"
is '0 0' -I '^child$' "$main"

"$SHIM_ANALYZE" leaks -I '^red$' "$main" >out
(($? == 23)) || bad 'the status of filtered leaks'
grep -q '^note: all figures are of what these options keep: -I ^red\$$' out || bad 'the filter is not named in the report'
"$SHIM_ANALYZE" leaks -X '/known' "$main" >out || bad 'the status when no leak is kept'

# several processes: equal command lines are one, and the end is that of a named process
cat >many.c <<'EOF'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
void *operator_new(unsigned long n) __asm__("_Znwm");
void operator_array_delete(void *p) __asm__("_ZdaPv");
int main(void)
{
	operator_array_delete(operator_new(40));
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			_exit(!malloc(i + 1));
	while (wait(NULL) > 0)
		;
	return 0;
}
EOF
"$CXX" -x c -g -o many many.c -x none -lstdc++ || bad 'cannot compile'
traced m ./many
mapfile -t processes < <(all_traces m)
((${#processes[@]} == 4)) || bad "${#processes[@]} traces instead of 4"
"$SHIM_ANALYZE" summary "${processes[@]}" >out
[[ $(grep -c '^  and  ' out) == 1 ]] && grep -q '^  and .*many (×3)$' out || bad "commands: $(grep '^  and' out)"
grep -q "^  time .*, pid $(cat m/run.pid) ended by exit$" out || bad "whose end: $(grep '^  time' out)"
"$SHIM_ANALYZE" leaks "${processes[0]}" >out
grep -q '==ERROR: shim-analyze: 1 block(s) ended by the wrong function$' out || bad "new and delete[]: $(cat out)"

# suppressions: by function, by file, by module, anchored; the table says what they took
printf '# paint\nleak:^red$\n' >red.supp
is '5000 5' --suppressions red.supp "$main"
"$SHIM_ANALYZE" leaks --suppressions red.supp "$main" >out
grep -qE '^ +20 +2000 leak:\^red\$$' out || bad "the table of suppressions: $(grep -A 3 'Suppressions used' out)"
for pattern in known.c '/known$' 'kno*.c'; do
	echo "leak:$pattern" >all.supp
	is '0 0' --suppressions all.supp "$main"
	"$SHIM_ANALYZE" leaks --suppressions all.supp "$main" >out || bad "leak:$pattern: status $?"
done

# what the runtimes keep for themselves is not shown, unless asked for
"$SHIM_ANALYZE" leaks "$main" >out
grep -q 'builtin:stdio-buffers' out || bad 'the buffer of stdout is not counted as suppressed'
read -r bytes count < <(sum --no-builtin-suppressions "$main")
((bytes > 7000 && count > 25)) || bad "without the built-in list: $bytes bytes in $count blocks"

# what is kept and what is dropped add up
total=$(json "$main" .heap.allocated_bytes)
kept=$(json "$main" .heap.allocated_bytes summary -I '^red$')
dropped=$(json "$main" .heap.allocated_bytes summary -X '^red$')
((kept == 2000 && kept + dropped == total)) || bad "$kept kept and $dropped dropped of $total"
finish
