# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# workloads.sh - real programs at work, the same way every time; sourced after lib.sh. `workload NAME` prepares what
# NAME needs in the current directory and sets `command`, `environment` and INPUT. No output holds a time, a pid or an address.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh

WORKLOADS=(python3 python3-malloc python3-cxx sqlite3 git-log git-commit perl jq cc1plus bash)

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

# The compiler proper, on preprocessed C++ with templates, to assembler.
compiler_workload() {
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
	command=("$(g++ -print-prog-name=cc1plus)" -quiet -O1 work.ii -o -)
}
