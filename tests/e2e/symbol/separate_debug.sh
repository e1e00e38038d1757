#!/bin/bash
# SPDX-License-Identifier: MIT
#
# separate_debug.sh - debug information that lies outside the program is found wherever it may lie
# and never used when it belongs to another build; programs without any have the names of their
# symbol tables. Every answer is compared with that for the same program before it was stripped.
source "$SRC/tests/e2e/lib.sh"
source "$SRC/tests/e2e/symbol_driver.sh"

cp "$PROGRAMS/sym_templates" whole
objdump -d --no-show-raw-insn -j .text whole | sed -nE 's/^ +([0-9a-f]+):\t.*/0x\1/p' >addresses
(($(wc -l <addresses) > 1000)) || bad 'too few addresses'
id=$(readelf -n whole | sed -n 's/.*Build ID: //p')
"$LOOKUP" whole <addresses >whole.txt 2>note || bad "symbol_lookup: $?"
[[ ! -s note ]] || bad "a note about a whole program: $(cat note)"
grep -q '^outer::deep<1>::go' whole.txt || bad 'no inlined function in the whole program'
objcopy --only-keep-debug whole whole.debug

# full NAME ARGUMENT...: all names are there.
full() {
	"$LOOKUP" "${@:2}" <addresses >"$1.txt" 2>note || bad "$1: status $?"
	# what has no name is told by the file's
	sed 's/^[^ +]*+0x/FILE+0x/' "$1.txt" >names.txt
	sed 's/^[^ +]*+0x/FILE+0x/' whole.txt | cmp -s - names.txt ||
		bad "$1: names differ: $(diff whole.txt "$1.txt" | head -n 4) $(cat note)"
}

# bare NAME NOTE ARGUMENT...: the debug information is not used, and a note with NOTE says why.
bare() {
	"$LOOKUP" "${@:3}" <addresses >"$1.txt" 2>note || bad "$1: status $?"
	grep -q 'sym_templates\.cc' "$1.txt" && bad "$1: debug information was used"
	grep -q "$2" note || bad "$1: the note is '$(cat note)'"
}

# stripped DIRECTORY [LINK]: the program without symbols, with a .gnu_debuglink to LINK.
stripped() {
	mkdir -p "$1"
	strip -o "$1/program" whole
	[[ -z ${2-} ]] || objcopy --add-gnu-debuglink="$2" "$1/program"
}

# ---- .gnu_debuglink ----
stripped link whole.debug
bare nothing 'no debug information' link/program
cp whole.debug link/
full beside link/program
mkdir link/.debug
mv link/whole.debug link/.debug/
full in_dot_debug link/program
mkdir -p "path$PWD/link"
mv link/.debug/whole.debug "path$PWD/link/"
full under_debug_path -d path "$PWD/link/program"

# Without a build-id the checksum decides.
objcopy --remove-section .note.gnu.build-id whole noid
objcopy --only-keep-debug noid noid.debug
mkdir crc
strip -o crc/program noid
objcopy --add-gnu-debuglink=noid.debug crc/program
cp noid.debug crc/
full checksum crc/program
printf '\1' | dd of=crc/noid.debug bs=1 seek=$(($(stat -c %s noid.debug) - 1)) conv=notrunc \
	status=none
bare wrong_checksum 'belongs to another build' crc/program

# ---- build-id directories ----
stripped byid
mkdir -p "store/.build-id/${id:0:2}" sysroot/usr/lib/debug/.build-id "sysroot$PWD/byid"
cp whole.debug "store/.build-id/${id:0:2}/${id:2}.debug"
full by_id -d store byid/program
cp -r "store/.build-id/${id:0:2}" sysroot/usr/lib/debug/.build-id/
cp byid/program "sysroot$PWD/byid/"
full by_sysroot -r sysroot "$PWD/byid/program"
full without_the_program -d store -b "$id" /nonexistent/program
mkdir -p "cache/$id"
cp whole.debug "cache/$id/debuginfo"
DEBUGINFOD_CACHE_PATH=$PWD/cache full by_cache byid/program

# A server is asked only by request.
export DEBUGINFOD_URLS=file://$PWD/server DEBUGINFOD_CACHE_PATH=$PWD/fetched
mkdir -p "server/buildid/$id"
cp whole.debug "server/buildid/$id/debuginfo"
cp byid/program "server/buildid/$id/executable"
bare unasked 'no debug information' byid/program
[[ ! -e fetched ]] || bad 'a server was asked without being allowed to'
full by_server -n byid/program
DEBUGINFOD_CACHE_PATH=$PWD/fetched2 full all_by_server -n -b "$id" /nonexistent/program
unset DEBUGINFOD_URLS DEBUGINFOD_CACHE_PATH

# ---- another build ----
bare other_build 'another build-id' -b "${id:0:38}00" whole
grep -q '^whole+0x' other_build.txt || bad "another build: '$(head -n 1 other_build.txt)'"
mkdir -p "wrong/.build-id/${id:0:2}"
objcopy --only-keep-debug "$PROGRAMS/demo_leaky" "wrong/.build-id/${id:0:2}/${id:2}.debug"
bare wrong_file 'no debug information' -d wrong byid/program

# ---- other containers ----
objcopy --compress-debug-sections=zlib whole zlib
full compressed zlib
objcopy --compress-debug-sections=zlib-gnu whole zdebug
full compressed_gnu zdebug
# dwz moves what two files share to a third; both keep their names.
mkdir dwz
cp whole dwz/one
cp whole dwz/two
if (cd dwz && dwz -q -m shared.dwz -M shared.dwz one two) && [[ -e dwz/shared.dwz ]]; then
	full dwz_supplement dwz/one
	shared=$(readelf -n dwz/shared.dwz | sed -n 's/.*Build ID: //p')
	mkdir -p "dwzstore/.build-id/${shared:0:2}"
	mv dwz/shared.dwz "dwzstore/.build-id/${shared:0:2}/${shared:2}.debug"
	full dwz_by_id -d dwzstore dwz/one
	# Another file of that name is not used; what it would have named has no name.
	cp whole.debug dwz/shared.dwz
	"$LOOKUP" dwz/one <addresses >dwz.txt || bad "with the wrong dwz file: status $?"
	cmp -s whole.txt dwz.txt && bad 'the wrong dwz file names what the right one names'
	cut -d: -f1 dwz.txt | sort -u | grep -av '^[[:print:]]*$' && bad 'names from the wrong dwz file'
else
	bad 'dwz made no shared file'
fi
# minidebuginfo: a symbol table of functions, packed by xz into a section.
objcopy --strip-debug whole mini
xz -k mini
stripped minidebug
objcopy --add-section .gnu_debugdata=mini.xz minidebug/program
echo 0x"$(nm whole | sed -n 's/ . _ZL15static_functioni$//p')" >one
name=$("$LOOKUP" minidebug/program <one 2>/dev/null | head -n 1)
[[ $name == 'static_function(int)' ]] || bad "minidebuginfo is not read: $name"

# ---- symbols only ----
objcopy --strip-debug whole symbols
name=$("$LOOKUP" symbols <one 2>/dev/null | head -n 1)
[[ $name == 'static_function(int)' ]] || bad "no name from .symtab: $name"
cat >lib.c <<'END'
int exported(int x) { return x + 1; }
static __attribute__((noinline)) int hidden(int x) { return x * x; }
int (*use)(int) = hidden;
END
"$CC" -O2 -g -fPIC -shared -o lib.so lib.c
hidden=$(nm lib.so | sed -n 's/ . hidden$//p')
strip lib.so
nearest=$(printf '0x%s\n' "$hidden" | "$LOOKUP" lib.so 2>/dev/null | head -n 1)
[[ $nearest == lib.so+0x* ]] ||
	bad "a hidden function of a stripped library is '$nearest'"
libc=/lib/x86_64-linux-gnu/libc.so.6
for function in malloc realpath qsort; do
	address=$(nm -D "$libc" | sed -n "s/ . $function@@.*//p")
	name=$(printf '0x%s\n' "$address" | "$LOOKUP" "$libc" 2>/dev/null | tail -n 3 | head -n 1)
	[[ $name == "$function" ]] || bad "libc's $function is '$name'"
done

# ---- things that are no programs ----
mkfifo fifo
for path in fifo /dev/zero /proc/self/mem "$PWD" /etc/passwd; do
	name=$(echo 0x1234 | timeout 20 "$LOOKUP" "$path" 2>/dev/null | head -n 1)
	[[ $name == "$(basename "$path")+0x1234" ]] || bad "$path is answered by '$name'"
done
finish
