# SPDX-License-Identifier: MIT
#
# One makefile for the whole tree, never one per folder. Sources are found by wildcard, headers by
# the compiler (-MMD); a new file needs no line here. `make help` lists the targets.
#
# A variant (sanitizers, another compiler) is this same makefile with another build directory B:
#     make B=build/clang CC=clang        make B=build/asan SANITIZE=address,undefined

VERSION := 0.1.0

B ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif
ifeq ($(origin AR),default)
AR := ar
endif
RUSTC ?= rustc
JOBS ?= $(shell nproc)
CFLAGS ?= -O2 -g
LDFLAGS ?=
SANITIZE ?=

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# ---- sources and objects ----------------------------------------------------------------------

PRELOAD_SRC := $(sort $(wildcard preload/*.c))
PRELOAD_OBJ := $(PRELOAD_SRC:%.c=$(B)/%.o)
ANALYZER_SRC := $(sort $(wildcard analyzer/*/*.c))
ASSETS := $(sort $(wildcard analyzer/out/html/*.*))
ANALYZER_OBJ := $(ANALYZER_SRC:%.c=$(B)/%.o) $(ASSETS:%=$(B)/%.o)
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT := $(UNIT_SRC:%.c=$(B)/%)
PROGRAM_SRC := $(sort $(wildcard tests/programs/*.c tests/programs/*.cc tests/programs/*.rs))
PROGRAMS := $(addprefix $(B)/,$(basename $(PROGRAM_SRC)))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ := $(FUZZ_SRC:%.c=$(B)/%)
E2E := $(sort $(wildcard tests/e2e/*/*.sh))
PRODUCTS := $(B)/libshim.so $(B)/shim-analyze $(B)/shim-run

comma := ,

# ---- flags ------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
WARNINGS += -Werror=implicit-function-declaration -Werror=int-conversion $(if $(CI),-Werror)
SANITIZER := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
COMMON := -std=gnu11 -D_GNU_SOURCE= $(WARNINGS) -Iinclude -DSHIM_VERSION='"$(VERSION)"'
DEPENDENCIES = -MMD -MP -MF $@.d -MT $@

# The guest. Hidden by default; initial-exec: a TLS access must be one load, never a call that may
# allocate. No malloc built-ins: the compiler must not turn a body of ours back into a call to calloc.
# The frame limit: hooks run on the small stacks of other people's threads. Optimized across files
# where the compiler can (gcc), and without frame pointers but in the hooks, which ask for their own
# frame's address: 1.5 % fewer instructions for a pair of malloc and free, counted by callgrind. Fat
# objects, so that the unit tests link without it.
LTO ?= $(if $(findstring Free Software Foundation,$(shell $(CC) --version)),-flto=auto -ffat-lto-objects)
PRELOAD_FLAGS := -fPIC -fvisibility=hidden -ftls-model=initial-exec -fomit-frame-pointer \
	-fno-plt -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free \
	-Wframe-larger-than=2048 $(LTO)
# No symbol leaves but those of the map, none of zstd's either; nothing may stay unresolved, and what is
# weak and undefined in the start files ends as null where the linker can do that. nodelete: a hook may be
# on some thread's stack at any time.
MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
PRELOAD_LDFLAGS := -shared -Wl,-soname,libshim.so -Wl,--version-script=preload/libshim.map \
	-Wl,--exclude-libs,ALL -Wl,-z,defs -Wl,-z,now -Wl,-z,relro -Wl,-z,text -Wl,-z,nodelete \
	$(if $(filter x86_64,$(MACHINE)),-Wl$(comma)-z$(comma)nodynamic-undefined-weak) -Wl,--as-needed
PRELOAD_LIBS := -l:libzstd.a

ANALYZER_FLAGS := -Ianalyzer -pthread $(SANITIZER)
ANALYZER_LIBS := -lzstd -ldw -lelf -liberty -llzma -lz -lm
# The sanitizers bring an allocator of their own.
ALLOCATOR := $(if $(SANITIZE),,-ljemalloc)

# Short lines; V=1 shows the commands.
Q := $(if $(V),,@)
SAY = $(if $(V),@:,@printf '  %-6s %s\n')

# ---- products ---------------------------------------------------------------------------------

.PHONY: all
all: $(PRODUCTS) ## build libshim.so, shim-analyze and shim-run in build/

$(B)/preload/%.o: preload/%.c Makefile
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(COMMON) $(PRELOAD_FLAGS) $(CFLAGS) $(CPPFLAGS) $(DEPENDENCIES) -c -o $@ $<

$(B)/libshim.so: $(PRELOAD_OBJ) preload/libshim.map
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) $(PRELOAD_LDFLAGS) -o $@ $(PRELOAD_OBJ) $(PRELOAD_LIBS)

$(B)/analyzer/%.o: analyzer/%.c Makefile
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(COMMON) $(ANALYZER_FLAGS) $(CFLAGS) $(CPPFLAGS) $(DEPENDENCIES) -c -o $@ $<

# Pages, styles and scripts go into the tool as they are, between the symbols _binary_NAME_start and
# _binary_NAME_end (those of `ld -r -b binary`), but read-only.
$(B)/analyzer/out/html/%.o: analyzer/out/html/% Makefile
	@mkdir -p $(@D)
	$(SAY) EMBED $<
	@printf '.section .rodata\n.global %s_start, %s_end\n%s_start:\n.incbin "$<"\n%s_end:\n.byte 0\n%s\n' \
		$(foreach i,1 2 3 4,_binary_$(subst .,_,$(subst -,_,$*))) '.section .note.GNU-stack,"",@progbits' | \
		$(CC) -c -x assembler -o $@ -

# Everything of the tool but main: what its unit tests and fuzz targets link.
$(B)/libanalyzer.a: $(ANALYZER_OBJ)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/shim-analyze: $(B)/analyzer/main.o $(B)/libanalyzer.a
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(SANITIZER) -pthread -o $@ $^ -Wl,--as-needed $(ANALYZER_LIBS) $(ALLOCATOR)

$(B)/shim-run: $(B)/analyzer/shim_run.o
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(SANITIZER) -o $@ $^

# ---- tests ------------------------------------------------------------------------------------

# A unit test links the archive of the side that its FILE lives on; `unit: both` or `unit: preload`
# in its first lines says otherwise. Files names are unique, so test_FILE.c finds FILE.
side_of = $(if $(shell grep -l -m1 'unit: both' $(1)),both,$(if \
	$(wildcard preload/$(patsubst tests/unit/test_%.c,%.[ch],$(1)))$(shell grep -l -m1 'unit: preload' $(1)),guest,tool))
UNIT_SIDES := $(foreach source,$(UNIT_SRC),$(call side_of,$(source)):$(source:%.c=$(B)/%))
UNIT_TOOL := $(patsubst tool:%,%,$(filter tool:%,$(UNIT_SIDES)))
UNIT_GUEST := $(patsubst guest:%,%,$(filter guest:%,$(UNIT_SIDES)))
UNIT_BOTH := $(patsubst both:%,%,$(filter both:%,$(UNIT_SIDES)))

# Without the doors: a test's own malloc must stay libc's.
$(B)/libpreload.a: $(filter-out $(B)/preload/hooks_%,$(PRELOAD_OBJ))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

UNIT_COMPILE = $(CC) $(COMMON) $(CFLAGS) $(CPPFLAGS) $(SANITIZER) -pthread $(DEPENDENCIES) -o $@ $<

$(UNIT_TOOL): $(B)/tests/unit/%: tests/unit/%.c $(B)/libanalyzer.a
	@mkdir -p $(@D)
	$(SAY) TEST $@
	$(Q)$(UNIT_COMPILE) -Ianalyzer $(B)/libanalyzer.a -lcmocka -ljansson $(ANALYZER_LIBS)

$(UNIT_GUEST): $(B)/tests/unit/%: tests/unit/%.c $(B)/libpreload.a
	@mkdir -p $(@D)
	$(SAY) TEST $@
	$(Q)$(UNIT_COMPILE) -Ipreload $(B)/libpreload.a -lcmocka $(PRELOAD_LIBS) -lm

$(UNIT_BOTH): $(B)/tests/unit/%: tests/unit/%.c $(B)/libpreload.a $(B)/libanalyzer.a
	@mkdir -p $(@D)
	$(SAY) TEST $@
	$(Q)$(UNIT_COMPILE) -Ipreload -Ianalyzer $(B)/libpreload.a $(B)/libanalyzer.a -lcmocka $(ANALYZER_LIBS)

# Traced programs: never with a sanitizer, and with the flags that a `build:` comment near the top
# asks for. The shell reads those flags, so they may quote and call (`build: $(python3-config …)`).
define build_program
	@mkdir -p $(@D)
	@extra=$$(sed -n 's,^.*[/ ][*/] build: *\(.*\)$$,\1,p' $< | sed 's, *\*/.*,,' | head -n 1); \
	$(if $(V),set -x,printf '  %-6s %s\n' BUILD $@); eval "$(1) -o $@ $< $$extra"
endef

$(B)/tests/programs/%: tests/programs/%.c Makefile
	$(call build_program,$(CC) -std=gnu11 -Wall -Wextra -O2 -g -Iinclude $(DEPENDENCIES))

$(B)/tests/programs/%: tests/programs/%.cc Makefile
	$(call build_program,$(CXX) -Wall -Wextra -O2 -g -Iinclude $(DEPENDENCIES))

$(B)/tests/programs/%: tests/programs/%.rs Makefile
	$(call build_program,env -u MAKEFLAGS -u MFLAGS $(RUSTC) --edition 2021 -O -g)

# A step that must come after another is a make of its own, since -j runs prerequisites side by side.
STEP = @$(MAKE) --no-print-directory $(if $(V),,-s) $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))
RUN_TESTS = @B=$(B) CC="$(CC)" CXX="$(CXX)" tests/run.sh -j $(JOBS) $(if $(T),-m '$(T)')

.PHONY: deps deps-build deps-test deps-check deps-bench
deps: ## install what building and testing need (Debian packages), nothing when all is there
	@.ci/deps build test
deps-build: ## the same for building and the demo alone
	@.ci/deps build
deps-test:
	@.ci/deps build test
deps-check: ## the same for make check-all, lint and format
	@.ci/deps build test check
deps-bench: ## the same for make bench
	@.ci/deps build bench

.PHONY: test test-build unit programs
test: ## install what is missing, build, run every test (T=WORD: only those with WORD in their path)
	@.ci/deps build test
	$(STEP) test-build
	$(RUN_TESTS) $(UNIT) $(E2E)
test-build: all unit programs
unit: $(UNIT)
programs: $(PROGRAMS)

.PHONY: demo
demo: ## install what is missing, build, profile a leaky sample and python3, show the leaks
	@.ci/deps build
	$(STEP) all $(B)/tests/programs/demo_leaky
	@B=$(B) tests/demo.sh

.PHONY: bench bench-build bench-doc
bench: ## measure against heaptrack: tables with machine and commit (BENCH_ROUNDS, BENCH_ONLY, BENCH_QUICK)
	@.ci/deps build bench
	$(STEP) bench-build
	@B=$(B) tests/bench/bench.sh

bench-doc: ## put the last run of make bench into docs/performance.md
	@/usr/bin/python3 tests/bench/bench_doc.py $(B)/bench.json docs/performance.md

# Beside the library, those that stop partway (preload/upto.h).
UPTO := 0 1 2 3
bench-build: all $(filter $(B)/tests/programs/bench_%,$(PROGRAMS))
	@for part in $(UPTO); do $(MAKE) --no-print-directory $(if $(V),,-s) B=$(B)/upto/$$part \
		CPPFLAGS="$(CPPFLAGS) -DSHIM_UPTO=$$part" $(B)/upto/$$part/libshim.so || exit 1; done

SAMPLE_RUNS ?= 200
SCALE_MILLIONS ?= 1000

# ---- checks beyond the tests ------------------------------------------------------------------

.PHONY: check-all check-sanitizers check-clang check-aarch64 check-fuzz check-unwind check-sample check-budget fuzz fuzz-build
check-all: ## tests, lint, sanitizers, fuzz regression, builds by clang and for aarch64, scale; warnings are errors
	@.ci/deps build test check cross
	$(STEP) CI=true test
	$(STEP) CI=true lint
	$(STEP) CI=true check-clang
	$(STEP) CI=true check-aarch64
	$(STEP) CI=true check-sanitizers
	$(STEP) CI=true check-fuzz
	$(STEP) check-unwind
	$(STEP) CI=true check-sample
	$(STEP) CI=true check-budget

# What these measure is printed; one at a time, so that CPU times are of use.
check-sample: ## 200 runs each of a program of ours and of real ones as samples: how often intervals hold the truth
	@.ci/deps build test
	$(STEP) all programs
	@B=$(B) SAMPLE_RUNS=$(SAMPLE_RUNS) tests/run.sh -v -j 1 tests/e2e/truth/sample.sh tests/scale/scale_estimates.sh

check-budget: ## 1,000 million events each under two budgets, with one thread and four: sizes, steps, CPU, reading
	@.ci/deps build test
	$(STEP) all programs
	@B=$(B) SCALE_MILLIONS=$(SCALE_MILLIONS) tests/run.sh -v -j 1 tests/scale/scale_budget.sh

check-clang: ## everything by clang, no warning allowed, then the unit tests
	$(STEP) B=$(B)/clang CC=clang CXX=clang++ CI=true test-build
	@B=$(B)/clang tests/run.sh -j $(JOBS) $(UNIT:$(B)/%=$(B)/clang/%)

# The guest of another machine, run by an emulator. What it leaves is read by the tool of this machine, so of
# the tool no more is built for the other one than the unit tests of both sides need, which is no library but zstd.
CROSS := B=$(B)/aarch64 CC=aarch64-linux-gnu-gcc CXX=aarch64-linux-gnu-g++ AR=aarch64-linux-gnu-gcc-ar \
	ANALYZER_LIBS='-lzstd -lm' CI=true
CROSS_E2E := $(sort $(wildcard tests/aarch64/*.sh))
.PHONY: guest
guest: $(B)/libshim.so $(UNIT_GUEST) $(UNIT_BOTH) $(filter-out \
	$(addprefix $(B)/tests/programs/,jemalloc_api python_module $(notdir $(basename $(filter %.rs,$(PROGRAM_SRC))))),$(PROGRAMS))
check-aarch64: ## libshim.so for aarch64: its unit tests, and stacks, truths and kills by its traces, under qemu-user
	@.ci/deps build test cross
	$(STEP) $(B)/shim-analyze $(B)/shim-run
	$(STEP) $(CROSS) guest
	@B=$(B)/aarch64 tests/lint/exports.sh
	@B=$(B)/aarch64 tests/lint/imports.sh
	@B=$(B)/aarch64 CC=aarch64-linux-gnu-gcc CXX=aarch64-linux-gnu-g++ TOOL=$(B) tests/run.sh -j $(JOBS) -e qemu-aarch64 \
		$(if $(T),-m '$(T)') $(patsubst $(B)/%,$(B)/aarch64/%,$(UNIT_GUEST) $(UNIT_BOTH)) $(CROSS_E2E)

check-sanitizers: ## the tool and the unit tests under ASan and UBSan
	$(STEP) B=$(B)/asan SANITIZE=address,undefined CI=true $(B)/asan/shim-analyze unit
	@B=$(B)/asan tests/run.sh -j $(JOBS) $(UNIT:$(B)/%=$(B)/asan/%)

UNWIND_CAPTURES ?= 10000000
check-unwind: ## UNWIND_CAPTURES stacks of real programs and of hazards against libunwind's, as a table
	@.ci/deps build test
	$(STEP) test-build
	$(RUN_TESTS) tests/e2e/unwind/against_libunwind.sh
	@cat $(B)/unwind/table.md
check-unwind: export UNWIND_CAPTURES := $(UNWIND_CAPTURES)

# The tool's objects again, by clang, with coverage for libFuzzer.
FUZZ_STEP = $(STEP) B=$(B)/fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined
FUZZ_SECONDS ?= 60
$(FUZZ): $(B)/%: %.c $(B)/libanalyzer.a
	@mkdir -p $(@D)
	$(SAY) FUZZ $@
	$(Q)$(UNIT_COMPILE) -Ianalyzer -fsanitize=fuzzer $(B)/libanalyzer.a $(ANALYZER_LIBS)
fuzz-build: $(FUZZ)
check-fuzz: ## every fuzz target over its seeds, once
	$(FUZZ_STEP) fuzz-build
	@tests/fuzz/regress.sh $(FUZZ:$(B)/%=$(B)/fuzz/%)
fuzz: ## look for new inputs, FUZZ_SECONDS for each target
	$(FUZZ_STEP) fuzz-build
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/regress.sh $(FUZZ:$(B)/%=$(B)/fuzz/%)

LINTS := selftest arrows maps names docs exports imports scripts format
.PHONY: lint format
lint: ## arrows between folders, maps, exported and imported symbols, formatting
	@.ci/deps build test check
	$(STEP) $(B)/libshim.so
	@status=0; for check in $(LINTS); do B=$(B) tests/lint/$$check.sh || status=1; done; exit $$status

FORMATTED = $(shell tests/lint/format.sh --list)
format: ## lay the C files out by .clang-format
	@.ci/deps build check
	clang-format -i $(FORMATTED)

# ---- install ----------------------------------------------------------------------------------

INSTALL ?= install
MAN1 := $(wildcard docs/man/*.1)
MAN7 := $(wildcard docs/man/*.7)
INSTALLED = $(BINDIR)/shim-analyze $(BINDIR)/shim-run $(LIBDIR)/libshim.so $(LIBDIR)/pkgconfig/libshim.pc \
	$(addprefix $(INCLUDEDIR)/,$(notdir $(wildcard include/*.h))) \
	$(addprefix $(MANDIR)/man1/,$(notdir $(MAN1))) $(addprefix $(MANDIR)/man7/,$(notdir $(MAN7))) \
	$(COMPLETIONDIR)/shim-analyze

.PHONY: install uninstall
install: all ## copy the products, headers, pkg-config file, man pages, completion below PREFIX
	$(INSTALL) -d $(addprefix $(DESTDIR),$(sort $(dir $(INSTALLED))))
	$(INSTALL) -m 755 $(B)/shim-analyze $(B)/shim-run $(DESTDIR)$(BINDIR)
	$(INSTALL) -m 644 $(B)/libshim.so $(DESTDIR)$(LIBDIR)
	$(INSTALL) -m 644 $(wildcard include/*.h) $(DESTDIR)$(INCLUDEDIR)
	sed 's,@PREFIX@,$(PREFIX),;s,@LIBDIR@,$(LIBDIR),;s,@INCLUDEDIR@,$(INCLUDEDIR),;s,@VERSION@,$(VERSION),' \
		docs/libshim.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/libshim.pc
	chmod 644 $(DESTDIR)$(LIBDIR)/pkgconfig/libshim.pc
	$(INSTALL) -m 644 $(MAN1) $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 644 $(MAN7) $(DESTDIR)$(MANDIR)/man7
	$(INSTALL) -m 644 docs/completion/shim-analyze.bash $(DESTDIR)$(COMPLETIONDIR)/shim-analyze

uninstall: ## remove what install put there
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))

# ---- house ------------------------------------------------------------------------------------

.PHONY: clean help
clean: ## remove the build directory
	rm -rf $(B)

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "Variables: B=build CC CXX CFLAGS LDFLAGS JOBS V PREFIX DESTDIR SANITIZE T FUZZ_SECONDS UNWIND_CAPTURES SAMPLE_RUNS SCALE_MILLIONS"

-include $(addsuffix .d,$(PRELOAD_OBJ) $(ANALYZER_OBJ) $(B)/analyzer/main.o $(B)/analyzer/shim_run.o)
-include $(addsuffix .d,$(UNIT) $(PROGRAMS) $(FUZZ))
