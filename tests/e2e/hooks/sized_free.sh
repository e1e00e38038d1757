#!/bin/bash
# SPDX-License-Identifier: MIT
#
# sized_free.sh - C23's free_sized and free_aligned_sized: recorded as themselves where a library has
# them, absent where none has.
# shellcheck disable=SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

cat >sized.c <<'END'
#include <stdio.h>
#include <stdlib.h>
void free_sized(void *p, size_t size) { printf("sized %zu\n", size); free(p); }
void free_aligned_sized(void *p, size_t align, size_t size) { printf("aligned %zu %zu\n", align, size); free(p); }
END
cat >main.c <<'END'
#include <stdio.h>
#include <stdlib.h>
extern void free_sized(void *, size_t) __attribute__((weak));
extern void free_aligned_sized(void *, size_t, size_t) __attribute__((weak));
int main(void)
{
	void *volatile p = malloc(10), *volatile q = aligned_alloc(64, 128);
	printf("%s\n", free_sized ? "there" : "absent");
	fflush(stdout);
	free_sized ? free_sized(p, 10) : free(p);
	free_aligned_sized ? free_aligned_sized(q, 64, 128) : free(q);
	return 0;
}
END
"$CC" -O0 -shared -fPIC -o libsized.so sized.c && "$CC" -O0 -fPIE -pie -o main main.c || exit 1
"$CC" -O0 -fPIE -pie -o linked main.c -Wl,--no-as-needed -L. -lsized -Wl,-rpath,"$PWD" || exit 1
for program in main linked; do
	run native ./$program
	traced trace-$program ./$program
	same $program native trace-$program/run
	"$SRC/tests/decode/shimdump.py" rows "$(main_trace trace-$program)" >rows.txt
	sized=$(grep -c 'free_sized' rows.txt)
	aligned=$(grep -c 'free_aligned_sized' rows.txt)
	[[ $program == linked ]] && want='1 1' || want='0 0'
	[[ "$sized $aligned" == "$want" ]] || bad "$program: rows of free_sized and free_aligned_sized: $sized $aligned"
done
grep -q absent native.out && bad 'the linked program does not find its own library'
finish
