/* SPDX-License-Identifier: MIT */
/*
 * Not a program: a shared object that cxx_exceptions opens. It throws through its caller and
 * catches what its caller throws.
 */
/* build: -O0 -shared -fPIC */
#include <stdexcept>
#include <string>

extern "C" void plugin_throw(int value)
{
	throw std::runtime_error("from the plugin " + std::to_string(value));
}

extern "C" int plugin_catch(void (*thrower)(int), int value)
{
	try {
		thrower(value);
	} catch (const std::logic_error &e) {
		return static_cast<int>(std::string(e.what()).size());
	}
	return -1;
}
