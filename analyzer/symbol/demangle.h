/* SPDX-License-Identifier: MIT */
/*
 * demangle.h - readable names of C++ (Itanium), Rust (v0 and legacy) and D functions, by libiberty.
 *
 * Names come from files that may be hostile: input and output lengths are limited, and a name too
 * deep for the caller's stack is demangled on a stack of its own. What cannot be demangled is
 * returned as it is.
 */
#ifndef SYMBOL_DEMANGLE_H
#define SYMBOL_DEMANGLE_H

struct demangler;

struct demangler *demangler_new(void);
void demangler_delete(struct demangler *demangler);

/* Nonzero if NAME has the prefix of a mangled name. */
int demangle_is_mangled(const char *name);

/*
 * The readable form of NAME, with parameters, in the spelling of c++filt; Rust names lose their
 * "::h<16 hex>" hash. Returns a string that lives as long as DEMANGLER, or NAME itself when it is
 * not mangled (or too long). Each name is demangled once.
 */
const char *demangle_name(struct demangler *demangler, const char *name);

#endif
