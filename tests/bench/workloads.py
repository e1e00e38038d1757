# SPDX-License-Identifier: MIT
"""workloads.py - the programs of the table: real ones from Debian, and three allocation stress programs of ours.

Each is a command that runs for about a second, prints little, and does the same work every time. Inputs
are generated here from fixed seeds; nothing is downloaded.
"""
import os
import random
import shutil
import subprocess

CXX_HEADERS = ("algorithm", "deque", "fstream", "functional", "iostream", "map", "memory", "random",
               "regex", "set", "sstream", "string", "thread", "unordered_map", "vector")

CXX_BODY = """
int main(int argc, char **argv)
{
	std::map<std::string, std::vector<std::shared_ptr<std::string>>> words;
	std::regex word("([a-z]+)[0-9]*");
	std::smatch match;
	for (int i = 0; i < argc; i++) {
		std::string text(argv[i]);
		if (std::regex_match(text, match, word))
			words[match[1]].push_back(std::make_shared<std::string>(text));
	}
	std::unordered_map<std::string, std::function<int(int)>> table;
	table["a"] = [&](int x) { return x + (int)words.size(); };
	std::ostringstream out;
	for (auto &w : words)
		out << w.first << table["a"](1);
	std::cout << out.str();
}
"""

RUST_BODY = """
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt::{Debug, Display};
fn words<T: Display + Debug + Clone + Ord>(all: &[T]) -> BTreeMap<String, Vec<T>> {
	let mut map = BTreeMap::new();
	for x in all { map.entry(format!("{}{:?}", x, x)).or_insert_with(Vec::new).push(x.clone()); }
	map
}
"""
RUST_FUNCTION = """
fn part%(n)d(input: &str) -> Result<usize, Box<dyn std::error::Error>> {
	let mut seen: HashMap<String, (u%(bits)d, Vec<Option<char>>)> = HashMap::new();
	for (i, line) in input.lines().enumerate() {
		let key = line.split(' ').filter(|w| w.len() > %(n)d %% 7).map(str::to_owned).collect::<Vec<_>>().join("-");
		let entry = seen.entry(key).or_insert((i as u%(bits)d, vec![]));
		entry.1.extend(line.chars().rev().map(Some));
	}
	let set: HashSet<usize> = seen.values().map(|v| v.1.len() + %(n)d).collect();
	let mut queue: VecDeque<_> = set.into_iter().collect();
	queue.make_contiguous().sort_by(|a, b| b.cmp(a));
	Ok(words(queue.as_slices().0).len() + input.parse::<usize>().unwrap_or(%(n)d))
}
"""

PYTHON_BODY = """
import json, re
words = {}
for i in range(300000):
    words.setdefault('w%d' % (i % 5000), []).append({'n': i, 'text': str(i) * 3})
text = json.dumps(words)
back = json.loads(text)
print(len(text), sum(len(re.findall('1+', k)) for k in back))
"""

PERL_BODY = """
my %h; my $n = 0;
for my $i (1..250000) { my $k = join('-', $i % 977, $i % 31, 'x' x ($i % 40)); push @{$h{$k}}, { id => $i, s => "$k:$i" }; }
for my $k (sort keys %h) { for my $e (@{$h{$k}}) { $n += length($1) if $e->{s} =~ /:(\\d+)$/; } }
print "$n\\n";
"""

RUBY_BODY = """
words = Hash.new { |h, k| h[k] = [] }
500000.times { |i| words["w#{i % 5000}-#{'x' * (i % 60)}"] << { n: i, text: i.to_s * 3 } }
puts words.keys.sort.map { |k| words[k].map { |e| e[:text][/1+/].to_s + k }.join(',').size }.sum
"""

LUA_BODY = """
local words, n = {}, 0
for i = 1, 300000 do
  local k = ('w%d-%s'):format(i % 5000, ('x'):rep(i % 90))
  local list = words[k] or {}
  words[k] = list
  list[#list + 1] = { n = i, text = tostring(i):rep(3) }
end
for k, list in pairs(words) do
  for _, e in ipairs(list) do n = n + #(k .. e.text):gsub('1+', 'one') end
end
print(n)
"""

SQL_BODY = """
create table t(id integer primary key, name text, value real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 500000)
insert into t select i, 'name' || (i % 1000) || '-' || i, i * 1.5 from n;
create index by_name on t(name);
select count(*), sum(length(name)) from t where name like 'name7%';
select name, count(*) from (select substr(name, 1, 6) as name from t) group by name order by 2 desc limit 3;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 140000)
select count(*) from n join t on t.name = 'name' || (n.i % 1000) || '-' || n.i;
"""

NODE_BODY = """
let n = 0;
const z = require('zlib');
for (let round = 0; round < 3; round++) {
  const m = new Map();
  for (let i = 0; i < 400000; i++) { const k = 'k' + (i % 7000); (m.get(k) || m.set(k, []).get(k)).push({ i, s: k + i }); }
  for (let i = 0; i < 60; i++) n += z.gzipSync(Buffer.from(JSON.stringify([...m.get('k' + i)]))).length;
}
console.log(n);
"""


class Workload:
    """One row: ARGV run with ENV added; SERVER names the server of servers.py that it is instead."""

    def __init__(self, name, argv, env=None, server=None):
        self.name, self.argv, self.env, self.server = name, argv, env or {}, server


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def preprocessed(folder, compiler):
    text = "".join("#include <%s>\n" % h for h in CXX_HEADERS) + CXX_BODY
    source = write(folder, "bench.cc", text)
    out = os.path.join(folder, "bench-%s.ii" % compiler)
    subprocess.run([compiler, "-std=c++17", "-E", "-o", out, source], check=True)
    return out


def assembled(folder, source):
    out = os.path.join(folder, "bench.s")
    subprocess.run(["g++", "-std=c++17", "-O0", "-g3", "-S", "-o", out, source], check=True)
    return out


def rust_input(folder):
    parts = "".join(RUST_FUNCTION % {"n": i, "bits": (16, 32, 64)[i % 3]} for i in range(4))
    calls = "".join("\tsum += part%d(&text).unwrap();\n" % i for i in range(4))
    return write(folder, "bench.rs", RUST_BODY + parts + "fn main() {\n\tlet mut sum = 0;\n"
                 "\tlet text = std::env::args().collect::<Vec<_>>().join(\"\\n\");\n" + calls + "\tprintln!(\"{}\", sum);\n}\n")


def json_input(folder):
    rng = random.Random(1)
    rows = ",".join('{"id":%d,"name":"n%d","tags":["a%d","b%d"],"value":%f}' %
                    (i, rng.randrange(1000), rng.randrange(50), rng.randrange(50), rng.random())
                    for i in range(120000))
    return write(folder, "bench.json", "[" + rows + "]")


def text_input(folder):
    rng = random.Random(2)
    words = ["".join(rng.choice("abcdefghij") for _ in range(rng.randrange(2, 9))) for _ in range(5000)]
    return write(folder, "bench.txt", " ".join(rng.choice(words) for _ in range(2500000)))


def repository(folder):
    """A repository with 250 commits over 60 files."""
    path = os.path.join(folder, "repository")
    rng = random.Random(3)
    git = ["git", "-C", path, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0"]
    subprocess.run(["git", "init", "-q", path], check=True)
    env = dict(os.environ, GIT_AUTHOR_DATE="2020-01-01T00:00:00Z", GIT_COMMITTER_DATE="2020-01-01T00:00:00Z")
    for i in range(250):
        for _ in range(4):
            name = os.path.join(path, "file%d.txt" % rng.randrange(60))
            with open(name, "a", encoding="utf-8") as out:
                out.write("\n".join("line %d %d" % (i, rng.randrange(10**6)) for _ in range(30)) + "\n")
        subprocess.run(git + ["add", "."], check=True)
        subprocess.run(git + ["commit", "-q", "-m", "change %d" % i], check=True, env=env)
    return path


def compilers(folder):
    cc1plus = output_of("g++", "-print-prog-name=cc1plus")
    source = preprocessed(folder, "g++")
    library, libc = (output_of("g++", "-print-file-name=" + name) for name in ("libstdc++.a", "libc.a"))
    rows = [
        Workload("cc1plus", [cc1plus, "-quiet", "-O2", source, "-o", "/dev/null"]),
        Workload("clang", ["clang++", "-std=c++17", "-O1", "-c", preprocessed(folder, "clang++"), "-o", "/dev/null"]),
        Workload("as", ["as", "-o", os.path.join(folder, "as.o"), assembled(folder, source)]),
        Workload("ld", ["ld", "-r", "-o", os.path.join(folder, "ld.o"), "--whole-archive", library, libc]),
    ]
    # Debian's: the toolchains of rustup bring an allocator inside the program, which no preload library sees.
    if os.path.exists("/usr/bin/rustc"):
        rows.append(Workload("rustc", ["/usr/bin/rustc", "--edition", "2021", "-O", "--emit=obj", "-C", "codegen-units=1",
                                       "-o", os.path.join(folder, "rust.o"), rust_input(folder)]))
    return rows


def interpreters(folder):
    return [
        Workload("python3", ["/usr/bin/python3", write(folder, "bench_py.py", PYTHON_BODY)], {"PYTHONMALLOC": "malloc"}),
        Workload("perl", ["perl", write(folder, "bench.pl", PERL_BODY)]),
        Workload("ruby", ["ruby", "--disable=gems", write(folder, "bench.rb", RUBY_BODY)]),
        Workload("lua", ["lua5.4", write(folder, "bench.lua", LUA_BODY)]),
    ] + ([Workload("node", ["node", write(folder, "bench.js", NODE_BODY)])] if shutil.which("node") else [])


def others(folder):
    text = text_input(folder)
    git_log = ["git", "-C", repository(folder), "log", "-p", "--stat", "-M"]
    return [
        Workload("sqlite3", ["sqlite3", ":memory:", ".read " + write(folder, "bench.sql", SQL_BODY)]),
        Workload("jq", ["jq", "-c", "[.[] | {n: .name, v: (.value * 2)}] | group_by(.n) | length", json_input(folder)]),
        Workload("git", git_log + ["HEAD", "-w", "--word-diff"]),
        Workload("xz", ["xz", "-1", "-T1", "-k", "-c", text]),
        Workload("zstd", ["zstd", "-11", "-T1", "-q", "-c", text]),
        Workload("redis", None, server="redis"),
        Workload("memcached", None, server="memcached"),
    ]


def make(folder, programs):
    """All rows that this machine can run; PROGRAMS is the folder of our built stress programs."""
    stress = [Workload(name, [os.path.join(programs, name)]) for name in ("bench_pairs", "bench_tree", "bench_threads")]
    return compilers(folder) + interpreters(folder) + others(folder) + stress
