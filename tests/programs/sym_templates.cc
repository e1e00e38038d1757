/* SPDX-License-Identifier: MIT */
/*
 * sym_templates.cc - code whose functions are hard to name: templates, lambdas, nested inlining, namespaces, operators,
 * constructors, virtual and local classes, static and C functions, functions split into hot and cold parts.
 * A perfect report names every frame, inlined ones included, as the compiler's debug information does.
 * Prints one checksum; allocates a little and frees all of it.
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NEVER_INLINE  __attribute__((noinline))

extern "C" {
NEVER_INLINE int plain_c_function(int x)
{
	return std::printf("%s", x > 1000000 ? "large\n" : "") + x;
}
}

static NEVER_INLINE int static_function(int x)
{
	return x * 3 + plain_c_function(x & 1);
}

namespace outer
{
namespace
{

struct hidden {
	int value;
	NEVER_INLINE int twice() const
	{
		return value * 2 + plain_c_function(value & 3);
	}
};

} // namespace

inline namespace v1
{

template <typename T, int N> struct ring {
	T items[N];
	unsigned head = 0;

	ring()
	{
		std::fill(items, items + N, T());
	}
	ALWAYS_INLINE T &slot(unsigned i)
	{
		return items[i % N];
	}
	ALWAYS_INLINE void push(const T &item)
	{
		slot(head++) = item;
	}
	NEVER_INLINE T sum()
	{
		T total = T();

		for (int i = 0; i < N; i++)
			total += slot(i);
		return total;
	}
	template <typename F> NEVER_INLINE auto fold(F &&f) -> decltype(f(T(), T()))
	{
		T total = slot(0);

		for (int i = 1; i < N; i++)
			total = f(total, slot(i));
		return total;
	}
};

} // namespace v1

template <typename... Args> NEVER_INLINE std::size_t count_all(const Args &...args)
{
	std::size_t sizes[] = { args.size()... }, total = 0;

	for (std::size_t size : sizes)
		total += size;
	return total;
}

template <int N> struct deep {
	static ALWAYS_INLINE int go(int x)
	{
		return deep<N - 1>::go(x + N) ^ N;
	}
};

template <> struct deep<0> {
	static ALWAYS_INLINE int go(int x)
	{
		return static_function(x);
	}
};

struct shape {
	virtual ~shape()
	{
	}
	virtual double area() const = 0;
};

struct square final : shape {
	double side;
	explicit square(double s) : side(s)
	{
	}
	double area() const override
	{
		return side * side;
	}
};

struct named : shape {
	std::string name;
	NEVER_INLINE named(const char *n) : name(n)
	{
	}
	NEVER_INLINE ~named() override
	{
		name.clear();
	}
	double area() const override
	{
		return (double)name.size();
	}
	NEVER_INLINE named &operator+=(const named &other)
	{
		name += other.name;
		return *this;
	}
	NEVER_INLINE explicit operator bool() const
	{
		return !name.empty();
	}
};

NEVER_INLINE int may_throw(int x)
{
	if (x > 100)
		throw std::runtime_error("number " + std::to_string(x));
	return x;
}

} // namespace outer

static NEVER_INLINE int with_local_class(int x)
{
	struct local {
		int base;
		NEVER_INLINE int add(int y) const
		{
			return base + y + static_function(y & 1);
		}
		ALWAYS_INLINE int sub(int y) const
		{
			return base - plain_c_function(y);
		}
	} l = { x };

	return l.add(2) + l.sub(1);
}

static NEVER_INLINE long with_lambdas(std::vector<int> &v)
{
	long total = 0;
	auto add = [&total](int x) { total += x; };
	auto twice = [&](int x) {
		add(x);
		auto inner = [&](auto y) {
			add((int)y);
			return y + static_function((int)y & 3);
		};
		return inner(x) + inner((long)x);
	};

	std::for_each(v.begin(), v.end(), add);
	std::sort(v.begin(), v.end(), [](int a, int b) { return (a ^ 5) < (b ^ 5); });
	for (int x : v)
		total += twice(x);
	std::function<int(int)> stored = [total](int x) { return (int)total + x; };
	return total + stored(1);
}

int main()
{
	std::vector<int> v = { 5, 3, 9, 1, 7 };
	std::map<std::string, std::vector<int>> by_name;
	outer::ring<long, 8> ring;
	outer::hidden hidden = { 4 };
	outer::named a("a"), b("bcd");
	std::unique_ptr<outer::shape> shapes[] = { std::make_unique<outer::square>(2.0),
						   std::make_unique<outer::named>("xyz") };
	double total = 0;

	for (int i = 0; i < 20; i++) {
		ring.push(i);
		by_name["key" + std::to_string(i % 3)].push_back(i);
	}
	total += ring.sum() + ring.fold([](long x, long y) { return std::max(x, y); });
	total += hidden.twice() + outer::deep<6>::go((int)v.size()) + with_local_class(3);
	total += outer::count_all(v, by_name, std::string("four"));
	total += with_lambdas(v);
	for (auto &shape : shapes)
		total += shape->area();
	a += b;
	total += a ? 1 : 0;
	try {
		for (int i = 90; i < 110; i++)
			total += outer::may_throw(i);
	} catch (const std::exception &e) {
		total += std::string(e.what()).size();
	}
	std::printf("%.0f\n", total);
	return 0;
}
