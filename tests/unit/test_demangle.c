/* SPDX-License-Identifier: MIT */
/* test_demangle.c - names of each language, names that are none, and names made to exhaust stack or memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "symbol/demangle.h"

static const struct {
	const char *mangled;
	const char *readable;
} names[] = {
	{ "_ZN3foo3barEi", "foo::bar(int)" },
	{ "_ZL3fooi", "foo(int)" },
	{ "_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo()" },
	{ "_ZN1AC4Ev", "A::A()" },
	{ "_ZN3fooEv.cold", "foo() [clone .cold]" },
	{ "_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()() const" },
	{ "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad" },
	{ "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE.llvm.12345", "core::fmt::Formatter::pad" },
	{ "_ZN55_$LT$foo..Bar$u20$as$u20$core..clone..Clone$GT$5clone17h0123456789abcdefE", NULL },
	{ "_ZN45_$LT$foo..Bar$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
	  "<foo::Bar as core::fmt::Debug>::fmt" },
	{ "_RNvCs1234_7mycrate3foo", "mycrate::foo" },
	{ "_RNCNvCs1234_7mycrate3foo0B3_", "mycrate::foo::{closure#0}" },
	{ "_D3foo3barFiZv", "foo.bar(int)" },
	{ "_Dmain", "D main" },
	/* Not mangled, or only nearly: as they are. */
	{ "main", NULL },
	{ "", NULL },
	{ "_", NULL },
	{ "_Z", NULL },
	{ "_ZN", NULL },
	{ "_R", NULL },
	{ "_D3", NULL },
	{ "_ZN3fooEv\xff\xfe", NULL },
};

static void test_names(void **state)
{
	struct demangler *d = demangler_new();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *wanted = names[i].readable ? names[i].readable : names[i].mangled;
		const char *first = demangle_name(d, names[i].mangled);

		assert_string_equal(first, wanted);
		assert_string_equal(demangle_name(d, names[i].mangled), wanted);
	}
	demangler_delete(d);
}

/* A name of BYTES bytes: PREFIX, as often as it takes FILL, SUFFIX. */
static char *long_name(const char *prefix, const char *fill, const char *suffix, size_t bytes)
{
	size_t fill_bytes = strlen(fill);
	char *name = malloc(bytes + fill_bytes + strlen(prefix) + strlen(suffix) + 1);
	char *at;

	assert_non_null(name);
	at = stpcpy(name, prefix);
	while ((size_t)(at - name) < bytes)
		at = stpcpy(at, fill);
	strcpy(at, suffix);
	return name;
}

/* libiberty's own limit is 1024 characters; template code has longer names. */
static void test_long_name(void **state)
{
	struct demangler *d = demangler_new();
	char *name = long_name("_ZN", "5abcde", "3fooEv", 3000);
	const char *readable = demangle_name(d, name);

	(void)state;
	assert_memory_equal(readable, "abcde::abcde::", 14);
	assert_string_equal(readable + strlen(readable) - 5, "foo()");
	free(name);
	demangler_delete(d);
}

static void test_deep_and_endless_names(void **state)
{
	static const char *const fills[] = { "P",    "K", "1AI", "N", "S_", "F", "I",  "i",  "T_",
					     "dcT_", "J", "sr",  "L", "X",  "M", "A_", "Dp", "\x80" };
	static const char *const prefixes[] = { "_Z1f", "_ZN1f",   "_RN",  "_RI",
						"_RY",  "_D1fFPF", "_D1f", "_ZN1a17h" };
	struct demangler *d = demangler_new();
	size_t i, j, bytes;

	(void)state;
	for (i = 0; i < sizeof(fills) / sizeof(fills[0]); i++)
		for (j = 0; j < sizeof(prefixes) / sizeof(prefixes[0]); j++)
			for (bytes = 900; bytes < 40000; bytes *= 6) {
				char *name = long_name(prefixes[j], fills[i], "i", bytes);

				assert_non_null(demangle_name(d, name));
				free(name);
			}
	demangler_delete(d);
}

/* Each substitution doubles the text: 2^30 times the name in 200 characters. */
static void test_substitution_bomb(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct demangler *d = demangler_new();
	char name[1024] = "_Z1f1AIiiiE";
	size_t i;

	(void)state;
	for (i = 0; i < 30; i++) {
		char part[32];

		snprintf(part, sizeof(part), "S_IS%c_S%c_E", digits[i], digits[i]);
		strcat(name, part);
	}
	assert_true(strlen(demangle_name(d, name)) < 1 << 16);
	demangler_delete(d);
}

/* Random text after each prefix: any answer, but an answer. */
static void test_random_names(void **state)
{
	static const char alphabet[] = "0123456789_$.NEISTCDPKRLXJFZabcdefhijlmnorstuvwxyz";
	struct demangler *d = demangler_new();
	unsigned int seed = 7, round, i;
	char name[64];

	(void)state;
	for (round = 0; round < 20000; round++) {
		unsigned int length = 3 + (unsigned int)rand_r(&seed) % 60;

		name[0] = '_';
		name[1] = "ZRD"[rand_r(&seed) % 3];
		for (i = 2; i < length; i++)
			name[i] = alphabet[(unsigned int)rand_r(&seed) % (sizeof(alphabet) - 1)];
		name[length] = '\0';
		assert_non_null(demangle_name(d, name));
	}
	demangler_delete(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_deep_and_endless_names),
		cmocka_unit_test(test_substitution_bomb),
		cmocka_unit_test(test_random_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
