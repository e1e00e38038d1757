/* SPDX-License-Identifier: MIT */
/*
 * count_new.c - operator new and delete in all their forms, counted as functions of their own.
 *
 * The functions are C functions with the mangled names of x86-64's and AArch64's C++ ABI, so that the
 * library needs no C++ runtime. Built with -fexceptions: bad_alloc passes through these frames. Where
 * it does, the inner malloc has already taken the token of count_enter.
 */
#include "count.h"

#include <stdlib.h>

#define NEW(symbol, row, parameters, ...)                         \
	void *symbol parameters;                                  \
	EXPORT void *symbol parameters                            \
	{                                                         \
		int inner;                                        \
		void *p;                                          \
		__typeof__(&symbol) next = NEXT(symbol, #symbol); \
                                                                  \
		if (!next)                                        \
			abort();                                  \
		inner = count_enter();                            \
		p = next(__VA_ARGS__);                            \
		count_leave();                                    \
		if (p && !inner)                                  \
			count_call(row, size);                    \
		return p;                                         \
	}

#define DELETE(symbol, row, parameters, ...)                      \
	void symbol parameters;                                   \
	EXPORT void symbol parameters                             \
	{                                                         \
		__typeof__(&symbol) next = NEXT(symbol, #symbol); \
		int inner;                                        \
                                                                  \
		if (!next)                                        \
			abort();                                  \
		inner = count_enter();                            \
		if (p && !inner)                                  \
			count_call(row, 0);                       \
		next(__VA_ARGS__);                                \
		count_leave();                                    \
	}

NEW(_Znwm, COUNT_NEW, (size_t size), size)
NEW(_Znam, COUNT_NEW_ARRAY, (size_t size), size)
NEW(_ZnwmRKSt9nothrow_t, COUNT_NEW, (size_t size, const void *tag), size, tag)
NEW(_ZnamRKSt9nothrow_t, COUNT_NEW_ARRAY, (size_t size, const void *tag), size, tag)
NEW(_ZnwmSt11align_val_t, COUNT_NEW, (size_t size, size_t align), size, align)
NEW(_ZnamSt11align_val_t, COUNT_NEW_ARRAY, (size_t size, size_t align), size, align)
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, COUNT_NEW, (size_t size, size_t align, const void *tag),
    size, align, tag)
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, COUNT_NEW_ARRAY,
    (size_t size, size_t align, const void *tag), size, align, tag)

DELETE(_ZdlPv, COUNT_DELETE, (void *p), p)
DELETE(_ZdaPv, COUNT_DELETE_ARRAY, (void *p), p)
DELETE(_ZdlPvm, COUNT_DELETE, (void *p, size_t size), p, size)
DELETE(_ZdaPvm, COUNT_DELETE_ARRAY, (void *p, size_t size), p, size)
DELETE(_ZdlPvRKSt9nothrow_t, COUNT_DELETE, (void *p, const void *tag), p, tag)
DELETE(_ZdaPvRKSt9nothrow_t, COUNT_DELETE_ARRAY, (void *p, const void *tag), p, tag)
DELETE(_ZdlPvSt11align_val_t, COUNT_DELETE, (void *p, size_t align), p, align)
DELETE(_ZdaPvSt11align_val_t, COUNT_DELETE_ARRAY, (void *p, size_t align), p, align)
DELETE(_ZdlPvmSt11align_val_t, COUNT_DELETE, (void *p, size_t size, size_t align), p, size, align)
DELETE(_ZdaPvmSt11align_val_t, COUNT_DELETE_ARRAY, (void *p, size_t size, size_t align), p, size,
       align)
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, COUNT_DELETE, (void *p, size_t align, const void *tag),
       p, align, tag)
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, COUNT_DELETE_ARRAY,
       (void *p, size_t align, const void *tag), p, align, tag)
