#!/bin/bash
# SPDX-License-Identifier: MIT
#
# install.sh - `make install` puts everything in its place, what is installed works from there, and `make uninstall`
# leaves nothing behind.
source "$SRC/tests/e2e/lib.sh"

build() {
	make -s -C "$SRC" B="$BUILD" CC="$CC" DESTDIR="$WORK/root" PREFIX=/opt/shim "$@" >make.log 2>&1 || {
		cat make.log
		bad "make $*"
	}
}

build install
root=$WORK/root/opt/shim
for file in bin/shim-analyze bin/shim-run lib/libshim.so lib/pkgconfig/libshim.pc include/shim_trace.h \
	share/man/man1/shim-analyze.1 share/man/man1/shim-run.1 share/man/man7/libshim.7 \
	share/bash-completion/completions/shim-analyze; do
	[[ -s $root/$file ]] || bad "$file is not there"
done
[[ $(stat -c %a "$root/bin/shim-run" "$root/lib/libshim.so" "$root/lib/pkgconfig/libshim.pc" | paste -sd ' ') == '755 644 644' ]] ||
	bad 'wrong modes'

preload=$(PKG_CONFIG_PATH=$root/lib/pkgconfig pkg-config --variable=preload libshim)
[[ $preload == /opt/shim/lib/libshim.so ]] || bad "pkg-config says '$preload'"
grep -q '@' "$root/lib/pkgconfig/libshim.pc" && bad 'a word of the template is left in libshim.pc'

# The launcher finds the library beside itself, wherever the tree was put.
"$root/bin/shim-run" -q -o "$WORK/t.zst" -- "$PROGRAMS/leak_known" >out || bad "shim-run: status $?"
"$root/bin/shim-analyze" summary --format json t.zst >summary.json || bad "shim-analyze: status $?"
[[ $(jq '.heap.allocations > 1000' summary.json) == true ]] || bad 'the installed library recorded nothing'

build uninstall
left=$(find "$WORK/root" -type f -o -type l)
[[ -z $left ]] || bad "left after uninstall: $left"
finish
