/* SPDX-License-Identifier: MIT */
/*
 * hooks_new.c - C++'s operators new and delete as callers of their own, so that new[] ended by free
 * can be told.
 *
 * Runs wherever C++ allocates. Three things differ from malloc. The next definition may lie in a
 * local scope, where RTLD_NEXT does not find it (a C++ module opened by a C program, python3 say).
 * It may throw std::bad_alloc through our frame: the guard must be given back then, without one
 * symbol of the C++ or unwinder runtime, which we may not import. And it calls malloc or another
 * form of operator new itself: that is nested, and not recorded.
 */
#define _GNU_SOURCE
#include "hooks.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "dso.h"
#include "real.h"
#include "record.h"

/* ---- the next definitions ---- */

struct operators {
#define OPERATOR(symbol, member, result, parameters, arguments) result(*member) parameters;
#include "hooks.def"
};

#define OPERATOR_COUNT (sizeof(struct operators) / sizeof(void *))

_Static_assert(OPERATOR_COUNT < 32, "one bit each in struct check");

static const char *const operator_symbols[] = {
#define OPERATOR(symbol, member, result, parameters, arguments) #symbol,
#include "hooks.def"
};

static struct operators operators;

static void find(const void *frame);

/* A stub looks for all of them at its first call, then makes the call. */
#define OPERATOR(symbol, member, result, parameters, arguments) \
	static result stub_##member parameters                  \
	{                                                       \
		find(HERE);                                     \
		return operators.member arguments;              \
	}
#include "hooks.def"

static const struct operators stubs = {
#define OPERATOR(symbol, member, result, parameters, arguments) .member = stub_##member,
#include "hooks.def"
};

static struct operators operators = {
#define OPERATOR(symbol, member, result, parameters, arguments) .member = stub_##member,
#include "hooks.def"
};

/*
 * The last resort, where nobody defines an operator. Called through the prototypes of all forms: on
 * the machines we know, an argument too many is a register not looked at.
 */
static void *last_new(size_t size)
{
	return real.malloc(size);
}

static void *last_new_aligned(size_t size, size_t alignment)
{
	return real.aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1));
}

static void last_delete(void *p)
{
	real.free(p);
}

/* A new-handler, asked for or set. */
static void *last_handler(void)
{
	return NULL;
}

static void *last_resort(const char *symbol)
{
	if (strncmp(symbol, "_ZSt", 4) == 0)
		return (void *)last_handler;
	if (strncmp(symbol, "_Zd", 3) == 0 || strstr(symbol, "free"))
		return (void *)last_delete;
	return strstr(symbol, "align_val") ? (void *)last_new_aligned : (void *)last_new;
}

static void publish(void *const *from)
{
	void **to = (void **)&operators;
	size_t i;

	for (i = 0; i < OPERATOR_COUNT; i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELEASE);
}

struct search {
	void *found[OPERATOR_COUNT];
	uintptr_t caller; /* its own object comes first; 0: no matter */
	int is_behind;    /* our own object has been passed */
};

static int search_object(struct dl_phdr_info *info, size_t size, void *context)
{
	struct search *search = context;
	struct dso dso;
	int is_callers;
	size_t i;

	(void)size;
	if (dso_open(&dso, info) != 0)
		return 0;
	if (dso_holds(&dso, (uintptr_t)search_object)) {
		search->is_behind = 1;
		return 0;
	}
	if (!search->is_behind)
		return 0;
	is_callers = search->caller && dso_holds(&dso, search->caller);
	for (i = 0; i < OPERATOR_COUNT; i++)
		if (is_callers || !search->found[i]) {
			void *found = dso_find(&dso, operator_symbols[i]);

			search->found[i] = found ? found : search->found[i];
		}
	return 0;
}

/* The first frame above FRAME that is not ours. All our frames keep the frame pointer. */
static uintptr_t caller_of(const void *frame)
{
	const uintptr_t *at = frame;
	int i;

	for (i = 0; i < 4 && dso_is_own(unwind_code(at[1])); i++)
		at = (const uintptr_t *)at[0];
	return unwind_code(at[1]);
}

/*
 * The loader's list holds the objects in the order of the global scope, then those opened later. So
 * the first definition behind us is RTLD_NEXT's for a program that links a C++ library, and some
 * definition for one that opened it; only then the caller's own object goes first. dlsym would tell
 * too, but it waits for a dlopen in another thread and overwrites dlerror()'s text.
 */
static void find(const void *frame)
{
	struct search search = { .caller = frame ? caller_of(frame) : 0 };
	size_t i;

	dl_iterate_phdr(search_object, &search);
	for (i = 0; i < OPERATOR_COUNT; i++)
		if (!search.found[i])
			search.found[i] = last_resort(operator_symbols[i]);
	publish(search.found);
}

struct check {
	uint32_t held; /* bit i: operator i lies in a loaded object that is not ours */
};

static int check_object(struct dl_phdr_info *info, size_t size, void *context)
{
	struct check *check = context;
	struct dso dso;
	size_t i;

	(void)size;
	if (dso_open(&dso, info) != 0 || dso_holds(&dso, (uintptr_t)check_object))
		return 0;
	for (i = 0; i < OPERATOR_COUNT; i++)
		if (dso_holds(&dso, (uintptr_t)((void **)&operators)[i]))
			check->held |= 1u << i;
	return 0;
}

void hooks_new_loaded(void)
{
	struct check check = { 0 };

	if (operators.new_plain == stub_new_plain)
		return;
	dl_iterate_phdr(check_object, &check);
	if (check.held != (1u << OPERATOR_COUNT) - 1)
		publish((void *const *)&stubs);
}

/* A program that links C++ gets its definitions before it can have opened anything. */
__attribute__((constructor)) static void find_early(void)
{
	find(NULL);
	if (operators.new_plain == last_new)
		publish((void *const *)&stubs);
}

/* ---- the guard and exceptions ---- */

enum {
	UNWIND_CLEANUP_PHASE = 2,
	UNWIND_CONTINUE = 8
}; /* _UA_CLEANUP_PHASE, _URC_CONTINUE_UNWIND of the Itanium C++ ABI */

/*
 * The personality routine of the functions that hold the guard while they call an operator that may
 * throw: when an exception removes such a frame, the guard is free again. It has nothing to catch
 * and no landing pad, so it needs neither tables nor the unwinder.
 */
int new_unwound(int version, int actions, uint64_t exception_class, void *exception, void *context);

__attribute__((used, visibility("hidden"))) int new_unwound(int version, int actions,
							    uint64_t exception_class,
							    void *exception, void *context)
{
	(void)version;
	(void)exception_class;
	(void)exception;
	(void)context;
	if (actions & UNWIND_CLEANUP_PHASE)
		thread_leave(thread_self);
	return UNWIND_CONTINUE;
}

/* 0x1b: DW_EH_PE_pcrel | DW_EH_PE_sdata4 */
#define LEAVES_GUARD_WHEN_UNWOUND __asm__ volatile(".cfi_personality 0x1b, new_unwound")

/*
 * What an operator new calls when memory has run out is no part of its allocation: the new-handler,
 * which is the program's own code, and the exception's memory, which the program frees when it has
 * caught it. These run outside the guard. Returns what step_in() needs.
 */
static uintptr_t step_out(void)
{
	struct thread *t = thread_self;
	uintptr_t inside = t->inside;

	if (t != &thread_none)
		thread_leave(t);
	return inside;
}

/* Not reached when an exception passes: then the guard stays free, as the frame above wants it. */
static void step_in(uintptr_t inside)
{
	if (thread_self != &thread_none)
		thread_self->inside = inside;
	compiler_barrier();
}

static void handler_outside(void)
{
	void (*handler)(void) = (void (*)(void))operators.get_handler();
	uintptr_t inside = step_out();

	if (handler)
		handler();
	step_in(inside);
}

/* ---- the hooks ---- */

#define OPERATOR(symbol, member, result, parameters, arguments) EXPORT result symbol parameters;
#include "hooks.def"

/*
 * std::get_new_handler and set_new_handler: an operator new that we are inside of is given the one
 * above, everybody else the program's. Some operators new ask by setting none and setting it back.
 */
static __thread void *asked_for;

EXPORT void *_ZSt15get_new_handlerv(void)
{
	void *handler = operators.get_handler();

	return handler && thread_is_inside() ? (void *)handler_outside : handler;
}

EXPORT void *_ZSt15set_new_handlerPFvvE(void *handler)
{
	void *before;

	if (handler == (void *)handler_outside)
		handler = asked_for;
	before = operators.set_handler(handler);
	if (!before || !thread_is_inside())
		return before;
	asked_for = before;
	return (void *)handler_outside;
}

EXPORT void *__cxa_allocate_exception(size_t size)
{
	uintptr_t inside = step_out();
	void *p = operators.allocate_exception(size);

	step_in(inside);
	return p;
}

EXPORT void __cxa_free_exception(void *p)
{
	uintptr_t inside = step_out();

	operators.free_exception(p);
	step_in(inside);
}

#define UNWRAP(...) __VA_ARGS__

/*
 * A form that may throw: two functions, so that the one with the personality is on the stack
 * exactly while it owns the guard. The barrier keeps the hook's frame, which the stack is taken
 * from, alive over the call.
 */
#define NEW_THROWING(symbol, member, func, extra, parameters, arguments) \
	static __attribute__((noinline)) void *guarded_##member(         \
		struct thread *t, const void *frame, UNWRAP parameters)  \
	{                                                                \
		void *p;                                                 \
                                                                         \
		LEAVES_GUARD_WHEN_UNWOUND;                               \
		p = operators.member arguments;                          \
		if (hooks_record(CONFIG_EVENT_HEAP))                     \
			record_alloc(t, func, p, size, extra, frame);    \
		thread_leave(t);                                         \
		return p;                                                \
	}                                                                \
                                                                         \
	EXPORT void *symbol parameters                                   \
	{                                                                \
		struct thread *t = thread_enter(HERE);                   \
		void *p;                                                 \
                                                                         \
		if (unlikely(!t))                                        \
			return operators.member arguments;               \
		p = guarded_##member(t, HERE, UNWRAP arguments);         \
		compiler_barrier();                                      \
		return p;                                                \
	}

#define NEW_NOTHROW(symbol, member, func, extra, parameters, arguments)      \
	EXPORT void *symbol parameters                                       \
	{                                                                    \
		struct thread *t = thread_enter(HERE);                       \
		void *p = operators.member arguments;                        \
                                                                             \
		if (likely(t)) {                                             \
			if (hooks_record(CONFIG_EVENT_HEAP))                 \
				record_alloc(t, func, p, size, extra, HERE); \
			thread_leave(t);                                     \
		}                                                            \
		return p;                                                    \
	}

#define DELETE(symbol, member, func, extra, parameters, arguments)     \
	EXPORT void symbol parameters                                  \
	{                                                              \
		struct thread *t = thread_enter(HERE);                 \
                                                                       \
		if (likely(t) && p && hooks_record(CONFIG_EVENT_HEAP)) \
			record_free(t, func, p, extra);                \
		operators.member arguments;                            \
		if (likely(t))                                         \
			thread_leave(t);                               \
	}

#define ALIGNED (SHIM_EXTRA_ALIGNED | hooks_alignment(alignment))
#define NOTHROW SHIM_EXTRA_NOTHROW
#define SIZED   SHIM_EXTRA_SIZED

/* The four forms of operator new, the six of delete; twice, alone and for arrays. */
#define NEW_FORMS(symbol, member, func)                                                     \
	NEW_THROWING(symbol##m, member##_plain, func, 0, (size_t size), (size))             \
	NEW_NOTHROW(symbol##mRKSt9nothrow_t, member##_nothrow, func, NOTHROW,               \
		    (size_t size, const void *tag), (size, tag))                            \
	NEW_THROWING(symbol##mSt11align_val_t, member##_aligned, func, ALIGNED,             \
		     (size_t size, size_t alignment), (size, alignment))                    \
	NEW_NOTHROW(symbol##mSt11align_val_tRKSt9nothrow_t, member##_aligned_nothrow, func, \
		    ALIGNED | NOTHROW, (size_t size, size_t alignment, const void *tag),    \
		    (size, alignment, tag))

#define DELETE_FORMS(symbol, member, func)                                                  \
	DELETE(symbol##Pv, member##_plain, func, 0, (void *p), (p))                         \
	DELETE(symbol##Pvm, member##_sized, func, SIZED, (void *p, size_t size), (p, size)) \
	DELETE(symbol##PvRKSt9nothrow_t, member##_nothrow, func, NOTHROW,                   \
	       (void *p, const void *tag), (p, tag))                                        \
	DELETE(symbol##PvSt11align_val_t, member##_aligned, func, ALIGNED,                  \
	       (void *p, size_t alignment), (p, alignment))                                 \
	DELETE(symbol##PvmSt11align_val_t, member##_sized_aligned, func, SIZED | ALIGNED,   \
	       (void *p, size_t size, size_t alignment), (p, size, alignment))              \
	DELETE(symbol##PvSt11align_val_tRKSt9nothrow_t, member##_aligned_nothrow, func,     \
	       ALIGNED | NOTHROW, (void *p, size_t alignment, const void *tag), (p, alignment, tag))

NEW_FORMS(_Znw, new, SHIM_FUNC_NEW)
NEW_FORMS(_Zna, array, SHIM_FUNC_NEW_ARRAY)
DELETE_FORMS(_Zdl, delete, SHIM_FUNC_DELETE)
DELETE_FORMS(_Zda, erase, SHIM_FUNC_DELETE_ARRAY)
