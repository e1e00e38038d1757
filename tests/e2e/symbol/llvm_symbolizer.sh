#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
#
# llvm_symbolizer.sh - functions (inlined ones included), files and lines are those of
# llvm-symbolizer, name by name, at every instruction of programs by g++, clang++ and rustc, in all
# forms that debug information takes. The rules for the few differences are in check_symbols.py.
source "$SRC/tests/e2e/lib.sh"
source "$SRC/tests/e2e/symbol_driver.sh"

source=$SRC/tests/programs/sym_templates.cc

agrees() {
	python3 "$E2E/symbol/check_symbols.py" "$LOOKUP" "$@" || bad "names differ: $*"
}

# compile COMPILER OUTPUT FLAG...
compile() {
	"$1" -std=c++17 -g -o "$2" "${@:3}" || bad "$1 ${*:3}"
}

cp "$PROGRAMS/sym_templates" gcc
agrees gcc
cp "$PROGRAMS/sym_generics" rust
agrees rust --step 9
compile clang++ clang -O2 "$source"
agrees clang
compile "$CXX" dwarf4 -O3 -gdwarf-4 -gz "$source"
agrees dwarf4
compile clang++ sections -O1 -gdwarf-4 -fdebug-types-section -ffunction-sections -Wl,--gc-sections \
	"$source"
agrees sections
compile "$CXX" lto -O2 -flto "$source"
agrees lto

# Only line tables: short names in the debug information, the symbol table has the long ones.
compile clang++ lines -O1 -gline-tables-only -fno-inline "$source"
echo 0x"$(nm lines | sed -n 's/ . _ZN5outer9may_throwEi$//p')" | "$LOOKUP" lines >lines.txt
[[ $(head -n 1 lines.txt) == 'outer::may_throw(int)' ]] ||
	bad "line tables only: $(head -n 1 lines.txt)"

# Split units: beside the program, in a directory that is named, in a package. The oracle reads the
# same program with whole units, since LLVM 14 misses inlined functions with range lists in all but
# the first split unit of g++.
printf 'int second(int x) { return x > 2 ? second(x - 1) + second(x - 2) : x; }\n' >second.cc

split() {
	local compiler=$1 version=$2 name=split.${1##*/}.$2
	mkdir -p "$name/dwos" "$name/away"
	(
		cd "$name" || exit 1
		for unit in "$source" ../second.cc; do
			flags=(-std=c++17 -g -O2 "-gdwarf-$version" -c)
			object=$(basename "$unit" .cc).o
			"$compiler" "${flags[@]}" -o "whole.$object" "$unit" &&
				"$compiler" "${flags[@]}" -gsplit-dwarf -o "$object" "$unit" || exit 1
		done
		"$compiler" -o whole whole.sym_templates.o whole.second.o &&
			"$compiler" -o program sym_templates.o second.o
	) || bad "$name: cannot build"
	agrees "$name/program" --oracle "$name/whole"
	# llvm-dwp 14 never ends on units of g++, and the dwp of binutils 2.40 crashes.
	[[ $compiler != clang++ ]] ||
		(cd "$name" && timeout 60 llvm-dwp -e program -o away/package.dwp) ||
		bad "$name: cannot make a package"
	cp "$name/program" "$name/away/program"
	mv "$name"/*.dwo "$name/dwos/"
	echo 0x"$(nm "$name/program" | sed -n 's/ . main$//p')" >main
	"$LOOKUP" "$name/away/program" <main 2>note >/dev/null
	grep -q 'split debug information' note ||
		bad "$name: nothing says that the .dwo files are missing"
	# In other places, and in packages: DWARF 5 only.
	((version == 5)) || return
	agrees "$name/away/program" --oracle "$name/whole" --argument=-d --argument="$name/dwos"
	[[ $compiler == clang++ ]] || return
	cp "$name/program" "$name/away/package"
	agrees "$name/away/package" --oracle "$name/whole"
}

for version in 4 5; do
	split "$CXX" $version
	split clang++ $version
done

# The comparison can fail: one instruction off, and the wrong program.
for perturbed in '--shift 4' '--oracle clang'; do
	# shellcheck disable=SC2086  # two words
	python3 "$E2E/symbol/check_symbols.py" "$LOOKUP" gcc $perturbed >/dev/null 2>&1 &&
		bad "the comparison accepts $perturbed"
done
finish
