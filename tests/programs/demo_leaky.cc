/* SPDX-License-Identifier: MIT */
/*
 * The sample of `make demo`: a small session store in C++ with the mistakes that people make. It ends
 * normally, its output is right, and nothing crashes.
 * A perfect report says:
 * truth: leak forget_session 250 16000
 * truth: leak cache_thumbnail 40 163840
 * truth: leak main 290 179840
 * and shows the churn of describe() under temporary allocations, freed at once, not under leaks.
 */
/* build: -O1 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace
{

struct session {
	int user;
	char token[60];
};

static_assert(sizeof(session) == 64, "the truth above counts on it");

struct thumbnail {
	unsigned char pixels[4096];
};

/* Mistake 1: an owning raw pointer that is dropped when the user logs in a second time. */
__attribute__((noinline)) session *forget_session(std::map<int, session *> &store, int user)
{
	session *fresh = new session{ user, {} };

	std::snprintf(fresh->token, sizeof(fresh->token), "token-%d", user);
	store[user] = fresh;
	return fresh;
}

/* Mistake 2: a cache that nobody ever empties, made by C code. */
__attribute__((noinline)) thumbnail *cache_thumbnail(int user)
{
	auto *image = static_cast<thumbnail *>(std::malloc(sizeof(thumbnail)));

	if (image == nullptr)
		std::abort();
	std::memset(image, user, sizeof(*image));
	return image;
}

/* Not a leak, but a cost: a string is made only to be measured. */
__attribute__((noinline)) std::size_t describe(const session &who)
{
	std::string text = "user " + std::to_string(who.user) + " holds " + who.token;

	text += " since the beginning of the session";
	return text.size();
}

volatile unsigned seen;

} /* namespace */

int main()
{
	std::map<int, session *> store;
	std::size_t described = 0;

	for (int login = 0; login < 500; login++)
		described += describe(*forget_session(store, login % 250));
	for (int user = 0; user < 40; user++)
		seen = seen + cache_thumbnail(user)->pixels[0];

	/* The sessions that are still known are freed: half of them. */
	for (auto &entry : store)
		delete entry.second;
	std::printf("%zu sessions at the end, %zu characters of descriptions\n", store.size(),
		    described);
	return 0;
}
