#!/bin/bash
# SPDX-License-Identifier: MIT
#
# against_libgcc.sh - every stack is the one that libgcc's unwinder finds, behind backtrace(): as against_libunwind.sh,
# on aarch64. The hazards in many builds, among them such that sign return addresses, keep no frame pointer or have frames
# whose size the processor decides.
# timeout: 600
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and oracle.sh
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/e2e/oracle.sh"

oracle_libraries

hazards=$SRC/tests/programs/unwind_hazards.cc
for compiler in "$CXX" "clang++ --target=aarch64-linux-gnu"; do
	for flags in -O0 -O2 -O3 "-O2 -fomit-frame-pointer" "-Os -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer" \
		"-O2 -mbranch-protection=standard" "-O2 -fomit-frame-pointer -march=armv8.3-a -mbranch-protection=pac-ret+leaf" \
		"-O2 -mbranch-protection=pac-ret+b-key" "-O2 -fno-asynchronous-unwind-tables"; do
		# shellcheck disable=SC2086  # words
		$compiler -g $flags -pthread -o hazards "$hazards" || bad "$compiler $flags does not compile the hazards"
		agrees_on_hazards "hazards, $compiler $flags" ./hazards
		rm -f hazards
	done
done

"$CXX" -g -O2 -pthread -o hazards "$hazards"
catches ./hazards
"$CXX" -g -O2 -mbranch-protection=standard -pthread -o signed "$hazards"
catches ./signed

# Vectors of SVE that live across a call, and are kept for the caller: the frame is as large as the processor has it.
cat >vectors.c <<'END'
#include <arm_sve.h>
#include <stdio.h>
#include <stdlib.h>

static void *volatile sink;

__attribute__((noinline)) static void take(size_t size)
{
	void *p = malloc(size);

	sink = p;
	free(p);
}

__attribute__((noinline)) static svfloat64_t vectors(svfloat64_t a, svfloat64_t b, int depth)
{
	svfloat64_t c = svmul_x(svptrue_b64(), a, b);

	take(10);
	if (depth)
		c = svadd_x(svptrue_b64(), c, vectors(b, c, depth - 1));
	take(100);
	return svadd_x(svptrue_b64(), svadd_x(svptrue_b64(), a, b), c);
}

int main(void)
{
	double out[256];
	int i;

	for (i = 0; i < 50; i++)
		svst1(svptrue_b64(), out, vectors(svdup_f64(i), svdup_f64(2), i % 5));
	puts(out[0] != 0 ? "done" : "not done");
	return 0;
}
END
for flags in -O0 -O2 "-O2 -fomit-frame-pointer"; do
	# shellcheck disable=SC2086  # words
	"$CC" -g $flags -march=armv8.2-a+sve -o vectors vectors.c || bad "$CC $flags does not compile vectors"
	for words in 1 4 16; do
		name="vectors of $words times 16 bytes, $flags"
		QEMU_CPU=max,sve-max-vq=$words agrees "$name" ./vectors
		[[ $(cat checked.out) == "done" ]] || bad "$name: not done"
		((${cut[$name]} + ${ended[$name]} == 0)) || bad "$name: stacks end at a frame with vectors in it"
	done
done

for name in stack_switch signal_alloc cxx_exceptions dlopen_plugin thread_exit_tls alloca_rbp fork_tree; do
	agrees "$name" "$PROGRAMS/$name"
done
# Enough of it, of a hundred threads.
UNWIND_CHECK_EVERY=7 agrees threads_stress "$PROGRAMS/threads_stress"
table
finish
