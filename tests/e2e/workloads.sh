# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# workloads.sh - real programs at work, the same way every time; sourced after lib.sh. `workload NAME` prepares what
# NAME needs in the current directory and sets `command`, `environment` and INPUT. No output holds a time, a pid or an address.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh

WORKLOADS=(python3 python3-malloc python3-cxx sqlite3 git-log git-commit perl jq cc1plus bash)
# Large, with other unwind tables, or with code that they make themselves: for what looks at stacks.
STACK_WORKLOADS=(python3-malloc sqlite3 perl git-log cc1plus clang rustc rust node)

workload() {
	INPUT=/dev/null
	environment=()
	case $1 in
	python3 | python3-malloc) python_workload ;;
	python3-cxx) extension_workload ;;
	sqlite3) sqlite_workload ;;
	git-log) git_workload log ;;
	git-commit) git_workload commit ;;
	perl) perl_workload ;;
	jq) jq_workload ;;
	cc1plus) compiler_workload ;;
	clang) clang_workload ;;
	rustc | rust) rust_workload "$1" ;;
	node) node_workload ;;
	bash) command=(bash -c 'for i in 1 2 3; do x=$(echo "$i" | tr 1-3 a-c); echo "$x"; done; exit 5') ;;
	esac
	[[ $1 != python3-malloc ]] || environment+=(PYTHONMALLOC=malloc)
}

python_workload() {
	cat >work.py <<'END'
import collections, json, re, subprocess, sys, threading, zlib
words = re.findall(r"\w+", "the quick brown fox jumps over the lazy dog " * 2000)
print(collections.Counter(words).most_common(3))
tree = {str(i): [i, {"name": w}] for i, w in enumerate(words[:3000])}
print(len(json.dumps(json.loads(json.dumps(tree)))), zlib.crc32(zlib.compress(repr(tree).encode())))
threads = [threading.Thread(target=lambda: sorted(words * 3)) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(subprocess.run(["echo", "child"], stdout=subprocess.PIPE).stdout)
try:
    (lambda f: f(f))(lambda f: f(f))
except RecursionError as error:
    print(error)
sys.exit(3)
END
	environment=(PYTHONHASHSEED=0)
	command=(/usr/bin/python3 work.py)
}

# A C++ module in a process that has no libstdc++ in its global scope.
extension_workload() {
	cp "$PROGRAMS/python_module" ./python_module.so
	cat >extension.py <<'END'
import importlib.machinery, importlib.util
loader = importlib.machinery.ExtensionFileLoader("python_module", "./python_module.so")
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("python_module", loader))
loader.exec_module(module)
print(module.work(1000))
for bad in (-1, -2):
    try:
        module.work(bad)
    except ValueError as error:
        print("caught", error)
END
	environment=(PYTHONHASHSEED=0)
	command=(/usr/bin/python3 extension.py)
}

sqlite_workload() {
	cat >work.sql <<'END'
create table t(id integer primary key, name text, value real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
insert into t select i, 'name ' || (i * 7919 % 10007), i * 0.5 from n;
create index by_name on t(name);
select count(*), sum(value), max(name) from t where name like 'name 1%';
select a.name, count(*) from t a join t b on a.name = b.name group by a.name order by 2 desc, 1 limit 3;
select no_such_column from t;
END
	INPUT=work.sql
	command=(sqlite3 :memory:)
}

git_workload() {
	local i
	export GIT_CONFIG_GLOBAL=$PWD/gitconfig GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat GIT_OPTIONAL_LOCKS=0
	export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
	printf '[user]\n\tname = A\n\temail = a@example.org\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n' >gitconfig
	if [[ ! -d repository ]]; then
		git init -q -b main repository
		for i in 1 2 3 4 5; do
			seq "$i" $((i * 500)) >repository/file$i
			seq 1 $((i * 100)) >repository/common
			git -C repository add -A
			git -C repository commit -q -m "commit $i"
		done
	fi
	if [[ $1 == log ]]; then
		command=(git -C repository log -p --stat --all)
	else
		rm -rf clone
		cp -r repository clone
		echo more >>clone/common
		command=(git -C clone commit -a -q -m more)
	fi
}

perl_workload() {
	cat >work.pl <<'END'
use strict; use warnings;
my %count; $count{$_ * 7919 % 1009}++ for 1 .. 50000;
my @top = sort { $count{$b} <=> $count{$a} || $a <=> $b } keys %count;
print join(" ", @top[0 .. 5]), "\n";
my $text = join ",", map { sprintf "%05d", $_ } 1 .. 5000;
$text =~ s/(\d)(\d)/$2$1/g; print length($text), " ", substr($text, 0, 20), "\n";
eval { die { code => 7 } }; print "caught $@->{code}\n";
print `echo child`;
warn "to standard error\n";
exit 6;
END
	environment=(PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0)
	command=(perl work.pl)
}

jq_workload() {
	seq 1 5000 | sed 's/.*/{"id": &, "name": "name &", "list": [1, &, {"x": "&"}]}/' >work.json
	command=(jq -s -c 'group_by(.id % 10) | map({key: (.[0].id % 10), sum: (map(.id) | add), n: length, last: .[-1].list[2].x})' work.json)
}

# C++ with templates, preprocessed.
cxx_source() {
	if [[ ! -e work.ii ]]; then
		cat >work.cc <<'END'
#include <algorithm>
#include <map>
#include <string>
#include <vector>
struct item { std::string name; std::vector<int> numbers; };
int total(const std::map<std::string, item> &items)
{
	int sum = 0;
	for (const auto &pair : items)
		sum += *std::max_element(pair.second.numbers.begin(), pair.second.numbers.end());
	return sum;
}
void order(std::vector<item> &items)
{
	std::sort(items.begin(), items.end(), [](const item &a, const item &b) { return a.name < b.name; });
}
END
		g++ -E work.cc -o work.ii
	fi
}

# The compiler proper, to assembler.
compiler_workload() {
	cxx_source
	command=("$(g++ -print-prog-name=cc1plus)" -quiet -O1 work.ii -o -)
}

# The same, in one process.
clang_workload() {
	cxx_source
	command=(clang++ -w -O1 -S work.ii -o -)
}

# Collections, formatting and generic code: the compiler at work on it, or it at work.
rust_workload() {
	if [[ ! -e work.rust ]]; then
		cat >work.rs <<'END'
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt::{Debug, Display};
fn words<T: Display + Debug + Clone + Ord>(all: &[T]) -> BTreeMap<String, Vec<T>> {
    let mut map = BTreeMap::new();
    for x in all {
        map.entry(format!("{}{:?}", x, x)).or_insert_with(Vec::new).push(x.clone());
    }
    map
}
fn part(input: &str) -> Result<usize, Box<dyn std::error::Error>> {
    let mut seen: BTreeMap<String, (u32, Vec<Option<char>>)> = BTreeMap::new();
    for (i, line) in input.lines().enumerate() {
        let key = line.split(' ').filter(|w| w.len() > 3).map(str::to_owned).collect::<Vec<_>>().join("-");
        let entry = seen.entry(key).or_insert((i as u32, vec![]));
        entry.1.extend(line.chars().rev().map(Some));
    }
    let set: HashSet<usize> = seen.values().map(|v| v.1.len()).collect();
    let mut queue: VecDeque<_> = set.into_iter().collect();
    queue.make_contiguous().sort_by(|a, b| b.cmp(a));
    Ok(words(queue.as_slices().0).len())
}
fn main() {
    let line = |i: usize| format!("line {} of words-{} {}\n", i % 97, i % 31, "x".repeat(i % 40));
    let text: String = (0..20000).map(line).collect();
    println!("{:?}", part(&text).ok());
    println!("{:?}", std::thread::spawn(move || part(&text[..999]).ok()).join().ok());
}
END
		/usr/bin/rustc --edition 2021 -O -o work.rust work.rs
	fi
	command=(./work.rust)
	[[ $1 == rust ]] || command=(/usr/bin/rustc --edition 2021 --emit=metadata -O -o work.rmeta work.rs)
}

# Functions that become hot, so that they are compiled again and again; callbacks; a worker thread.
node_workload() {
	cat >work.js <<'END'
const zlib = require('zlib');
let n = 0;
for (let round = 0; round < 2; round++) {
	const map = new Map();
	for (let i = 0; i < 100000; i++) {
		const key = 'k' + (i % 7000);
		(map.get(key) || map.set(key, []).get(key)).push({ i, s: key + i });
	}
	for (let i = 0; i < 60; i++)
		n += zlib.gzipSync(Buffer.from(JSON.stringify([...map.get('k' + i)]))).length;
}
class Tree {
	constructor(depth) {
		this.children = depth ? [new Tree(depth - 1), new Tree(depth - 1)] : [];
		this.buffer = Buffer.alloc(5000, depth);
	}
	sum() { return this.children.reduce((all, child) => all + child.sum(), this.buffer[0]); }
}
for (let i = 0; i < 20; i++)
	n += new Tree(8).sum();
const { Worker, isMainThread, parentPort } = require('worker_threads');
if (isMainThread)
	new Worker(__filename).on('message', (length) => console.log(n, length));
else
	parentPort.postMessage(n);
END
	command=(node work.js)
}
