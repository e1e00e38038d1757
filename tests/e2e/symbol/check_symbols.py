#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compare symbol_lookup with llvm-symbolizer, frame by frame: function, file and line.

    check_symbols.py LOOKUP ELF [--oracle ELF] [--argument ARG]... [--step N] [--shift N]

Every instruction of .text (every Nth with --step) is looked up by both, once with linkage names
and once with readable names. --oracle names the file that llvm-symbolizer reads where it is not
the one that LOOKUP is given (one without split units, say). --shift looks up wrong addresses on
our side: the comparison must then fail.

A difference is accepted only by a rule below that says why it is one, and each rule has a ceiling.
Exit status 0 if all differences are explained, 1 otherwise.
"""
import argparse
import re
import subprocess
import sys
from collections import Counter, defaultdict

# Copies and parts of functions that compilers make. llvm-symbolizer names the outermost function by
# the symbol table, with the suffix; we name it by the debug information, so that the parts of one
# function count as one.
CLONE = re.compile(r"(\.(cold|part|constprop|isra|lto_priv|llvm|localalias)(\.[0-9a-f]+)*)+$")

# Differences of spelling between libiberty and LLVM 14 that cannot be translated, with reasons.
UNTRANSLATABLE = [
    # LLVM 14 does not demangle these (bare `sr` and pack expressions of g++).
    re.compile(r"^_Z"),
    # LLVM 14 prints the parameter of an instantiated generic lambda as `auto`, libiberty its type.
    re.compile(r"'lambda\d*'\(auto\)"),
    # An inheriting constructor: LLVM gives it the name of the heir's class, libiberty the base's.
    re.compile(r"__uniq_ptr_data<.*>::__uniq_ptr_data<"),
]


def run(command, addresses):
    text = "".join(f"0x{a:x}\n" for a in addresses)
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    blocks = result.stdout.rstrip("\n").split("\n\n")
    if len(blocks) != len(addresses):
        sys.exit(f"{command[0]}: {len(blocks)} answers to {len(addresses)} addresses")
    return [block.split("\n") for block in blocks]


def instructions(elf):
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "-j", ".text", elf],
                             capture_output=True, text=True, check=True).stdout
    return [int(a, 16) for a in re.findall(r"^ +([0-9a-f]+):\t", listing, re.M)]


def aliases(elf):
    """Symbol name without clone suffix -> addresses, to recognise functions that were merged."""
    listing = subprocess.run(["nm", elf], capture_output=True, text=True, check=False).stdout
    found = defaultdict(set)
    for address, name in re.findall(r"^([0-9a-f]+) \w (\S+)$", listing, re.M):
        found[CLONE.sub("", name)].add(address)
    return found


def legacy_rust(name):
    """LLVM 14 shows legacy Rust names as the C++ names they pretend to be; libiberty decodes."""
    name = re.sub(r"::h[0-9a-f]{16}( \(\.llvm\.\d+\))?$", "", name)
    name = re.sub(r"(^|::)_(?=\$)", r"\1", name)  # a component may not begin with a dollar
    plain = {"LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ",", "RF": "&", "BP": "*", "SP": "@"}
    name = re.sub(r"\$(LT|GT|LP|RP|C|RF|BP|SP|u[0-9a-f]+)\$",
                  lambda m: plain.get(m[1]) or chr(int(m[1][1:], 16)), name)
    return name.replace("..", "::")


def spelling(name):
    """One form for what the two demanglers write differently."""
    if re.search(r"::h[0-9a-f]{16}", name):
        name = legacy_rust(name)
    name = re.sub(r" ?\[clone [^]]*\]| \(\.[^()]*\)", "", name)
    name = re.sub(r"auto:\d+", "auto", name)
    name = re.sub(r"\{parm#1\}", "fp", name)
    before = None
    while before != name:  # innermost first; "{lambda(int)#2}" is "'lambda0'(int)"
        before = name
        name = re.sub(r"\{lambda(\([^{}]*\))#(\d+)\}",
                      lambda m: f"'lambda{int(m[2]) - 2 if m[2] != '1' else ''}'{m[1]}", name)
    return name.replace(" ", "")


def frames(block):
    """[(function, file, line)]; a column, which only llvm-symbolizer prints, is left out."""
    pairs = []
    for function, place in zip(block[::2], block[1::2]):
        parts = re.match(r"(.*?):(\d+)(?::\d+)?$", place)
        pairs.append((function, parts[1], parts[2]))
    return pairs


def rule_of(ours, theirs, is_linkage, at):
    """The name of the rule that explains the difference between two answers, or None."""
    if ours == theirs:
        return "same"
    # Between functions, llvm-symbolizer knows nothing; we give module and offset.
    if len(theirs) == 1 and theirs[0][0] == "??":
        is_padding = len(ours) == 1 and "+0x" in ours[0][0] and ours[0][1:] == theirs[0][1:]
        return "padding" if is_padding else None
    # Without a line table, llvm-symbolizer shows the source's name from the symbol table.
    no_line = ours[0][1:] == ("??", "0")
    if no_line and len(theirs) == 1 and theirs[0][2] == "0" and "/" not in theirs[0][1]:
        theirs = [(theirs[0][0], "??", "0")]
        if ours == theirs:
            return "file symbol"
    if len(ours) != len(theirs) or any(a[1:] != b[1:] for a, b in zip(ours, theirs)):
        return None
    rules = {name_rule(a[0], b[0], i + 1 == len(ours), is_linkage, at)
             for i, (a, b) in enumerate(zip(ours, theirs)) if a[0] != b[0]}
    return None if None in rules else sorted(rules)[0]


def name_rule(ours, theirs, is_outermost, is_linkage, at):
    if is_linkage:
        if is_outermost and ours == CLONE.sub("", theirs):
            return "clone"
        # The debug information names the abstract constructor or destructor, the symbol table the
        # one for complete or base objects; both read "A::A()".
        concrete = re.sub(r"C[123]|D[012]", "", CLONE.sub("", theirs))
        if is_outermost and re.sub(r"C4|D4", "", ours) == concrete:
            return "abstract"
        # Equal functions share one copy of the code: the debug information and the symbol table may
        # each have kept another of the names. Both must be symbols of one address.
        if is_outermost and at[ours] & at[CLONE.sub("", theirs)]:
            return "merged"
        # Not mangled, so without a linkage name: nothing else may differ.
        return None
    if spelling(ours) == spelling(CLONE.sub("", theirs)):
        return "spelling"
    return "untranslatable" if any(p.search(theirs) for p in UNTRANSLATABLE) else None


# The largest part of all addresses that a rule may explain.
CEILING = {"same": 1, "padding": .08, "file symbol": .15, "clone": .3, "abstract": .05, "merged": .02,
           "spelling": 1, "untranslatable": .08}


def compare(arguments, addresses, is_linkage, merged):
    ours = run([arguments.lookup, *(["-l"] if is_linkage else []), *arguments.argument,
                arguments.elf], [a + arguments.shift for a in addresses])
    theirs = run(["llvm-symbolizer", "--inlining", "--functions=linkage",
                  "--no-demangle" if is_linkage else "--demangle", "-e",
                  arguments.oracle or arguments.elf], addresses)
    used, failures, inlined = Counter(), [], 0
    for i, address in enumerate(addresses):
        a, b = frames(ours[i]), frames(theirs[i])
        rule = rule_of(a, b, is_linkage, merged)
        # Merged functions differ in both forms; that they are merged shows in the linkage names.
        if rule == "merged":
            merged[address] = True
        same_places = [f[1:] for f in a] == [f[1:] for f in b]
        if rule is None and not is_linkage and merged.get(address) and same_places:
            rule = "merged"
        inlined += len(a) - 1
        used[rule] += 1
        if rule is None:
            failures.append((address, a, b))
    report = ", ".join(f"{count} {rule}" for rule, count in used.most_common())
    print(f"{arguments.elf}: {'linkage' if is_linkage else 'readable'} names: "
          f"{len(addresses)} addresses, {inlined} inlined frames: {report}")
    for address, a, b in failures[:3]:
        print(f"  0x{address:x}: {len(a)} and {len(b)} frames")
        for x, y in [(x, y) for x, y in zip(a, b) if x != y][:3]:
            print(f"    ours   {x}\n    theirs {y}")
    too_many = [rule for rule, count in used.items()
                if rule and count > CEILING[rule] * len(addresses)]
    for rule in too_many:
        print(f"  too many differences are explained by '{rule}'")
    return not failures and not too_many and inlined > len(addresses) // 2


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lookup")
    parser.add_argument("elf")
    parser.add_argument("--oracle")
    parser.add_argument("--argument", action="append", default=[])
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--shift", type=int, default=0)
    arguments = parser.parse_args()
    oracle = arguments.oracle or arguments.elf
    addresses = instructions(oracle)[::arguments.step]
    if len(addresses) < 500:
        sys.exit(f"{oracle}: only {len(addresses)} addresses")
    merged = aliases(oracle)
    results = [compare(arguments, addresses, is_linkage, merged) for is_linkage in (True, False)]
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
