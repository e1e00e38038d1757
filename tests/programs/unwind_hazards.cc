/* SPDX-License-Identifier: MIT */
/*
 * Everything that makes walking a stack hard, with allocations at every turn: exceptions, longjmp, coroutines
 * (more of them than anybody would remember, their stacks unmapped and mapped again), signal handlers with and without
 * a stack of their own, one inside the other, at any instruction, frames of variable size, realigned frames, tail
 * calls, functions that libc calls back, deep recursion, several threads, and all of that again in a forked
 * child. Frees all it takes.
 * A perfect report says:
 * truth: leak main 0 0
 * truth: files 2
 */
/* build: -pthread */
#include <alloca.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <pthread.h>
#include <unistd.h>
#include <ucontext.h>

#include <stdexcept>
#include <string>

#define NOINLINE __attribute__((noinline))
#define ROUNDS   12 /* of everything, in each thread */

/* What keeps the compiler from leaving an allocation out. */
static thread_local void *volatile sink;
static thread_local volatile int number;

NOINLINE static void take(size_t size)
{
	void *p = malloc(size);

	sink = p;
	free(p);
}

/* ---- exceptions and longjmp ---- */

NOINLINE static int thrower(int depth)
{
	std::string local(static_cast<size_t>(depth) + 20, 'x');

	take(local.size());
	if (depth == 0)
		throw std::runtime_error("as planned");
	return thrower(depth - 1) + static_cast<int>(local.size());
}

NOINLINE static void exceptions(int depth)
{
	try {
		number = thrower(depth);
	} catch (const std::exception &e) {
		take(strlen(e.what()));
	}
	take(31);
}

static thread_local jmp_buf target;

NOINLINE static void jumper(int depth)
{
	take(32);
	if (depth)
		jumper(depth - 1);
	take(33);
	if (number != -7)
		longjmp(target, 1);
}

NOINLINE static void jumps(int depth)
{
	if (setjmp(target) == 0)
		jumper(depth);
	take(34);
}

/* ---- frames of odd shapes ---- */

NOINLINE static void variable(size_t size, int depth)
{
	volatile char *p = static_cast<volatile char *>(alloca(size));

	p[0] = p[size - 1] = 1;
	take(35);
	if (depth)
		variable(size + 16, depth - 1);
	take(36);
	number = number ^ p[0];
}

NOINLINE static void aligned(int depth)
{
	alignas(64) volatile double wide[8];

	memset(const_cast<double *>(wide), depth, sizeof(wide));
	take(37);
	if (depth)
		variable(40 + static_cast<size_t>(depth), 1);
	if (depth)
		aligned(depth - 1);
	take(38);
	number = number ^ static_cast<int>(wide[3] > 0);
}

NOINLINE static void aligned_variable(size_t size)
{
	alignas(32) volatile char fixed[96];
	volatile char *p = static_cast<volatile char *>(alloca(size));

	p[0] = fixed[5] = 1;
	take(39);
	aligned(2);
	take(40);
	number = number ^ (p[0] + fixed[5]);
}

NOINLINE static void *tail_target(size_t size)
{
	take(size);
	return malloc(size); /* a tail call of the hook itself */
}

NOINLINE static void *tail_caller(size_t size)
{
	take(41);
	return tail_target(size + 1);
}

NOINLINE static double many_registers(double a, double b, long c, long d, long e, long f)
{
	double x[12];
	int i;

	for (i = 0; i < 12; i++) {
		x[i] = a * i + b;
		take(static_cast<size_t>(c + d + i));
		x[i] += static_cast<double>(e ^ f);
	}
	take(42);
	for (i = 1; i < 12; i++)
		x[0] += x[i] * x[i - 1];
	return x[0];
}

struct wide_result {
	long words[9];
};

NOINLINE static wide_result by_value(long n)
{
	wide_result r;
	int i;

	take(43);
	for (i = 0; i < 9; i++)
		r.words[i] = n + i;
	if (n > 0)
		r.words[0] += by_value(n - 1).words[8];
	return r;
}

/*
 * One function with a variable frame, called directly and through a frame that leaves the words of the first way as
 * they were, from one place, with all sizes: so that the stack pointer is the same and only the frame pointer
 * tells that a return address is stale.
 */
NOINLINE static void swept(size_t size)
{
	volatile char *p = static_cast<volatile char *>(alloca(size));

	p[0] = 1;
	take(44);
	number = number ^ p[0];
}

NOINLINE static void swept_directly(size_t size)
{
	swept(size);
	number = number ^ 1;
}

NOINLINE static void swept_through(size_t size)
{
	char untouched[120];

	__asm__ volatile("" : : "r"(untouched));
	swept(size);
	number = number ^ 2;
}

NOINLINE static void sweep()
{
	static void (*const ways[])(size_t) = { swept_directly, swept_through };
	volatile size_t i; /* so that the loop stays one: one place that calls */
	size_t size, less;

	for (size = 320; size < 400; size += 16)
		for (less = 16; less < 256; less += 16)
			for (i = 0; i < 2; i = i + 1)
				ways[i](i ? size - less : size);
}

static void shapes(int i)
{
	variable(16 + static_cast<size_t>(i) * 8, 3);
	aligned(3);
	aligned_variable(64 + static_cast<size_t>(i));
	free(tail_caller(static_cast<size_t>(45 + i)));
	number = number ^ static_cast<int>(many_registers(i, 2, i, 4, 5, 6));
	number = number ^ static_cast<int>(by_value(4).words[3]);
	sweep();
}

/* ---- recursion ---- */

NOINLINE static int tree(int depth, int which)
{
	take(static_cast<size_t>(46 + which));
	if (depth == 0)
		return 1;
	return tree(depth - 1, 0) + tree(depth - 1, 1) + (number & 1);
}

NOINLINE static int deep(int depth)
{
	int below = depth ? deep(depth - 1) : 0;

	if (depth % 16 == 0)
		take(48);
	return below + (number & 1);
}

/* ---- coroutines ---- */

#define STACK_BYTES (128 * 1024)

static thread_local ucontext_t home, away[2];

/* Never comes to its end: its stack is taken away while it waits. */
static void worker(int which)
{
	for (;;) {
		take(static_cast<size_t>(49 + which));
		variable(32, 2);
		exceptions(2);
		swapcontext(&away[which], &home);
	}
}

NOINLINE static void coroutines(int round)
{
	char *stacks[2];
	int i, which;

	for (which = 0; which < 2; which++) {
		/* Of other sizes each time, so that the same addresses come to lie differently. */
		size_t size = STACK_BYTES - static_cast<size_t>(round % 4) * 16384;

		stacks[which] = static_cast<char *>(mmap(nullptr, size, PROT_READ | PROT_WRITE,
							 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		if (stacks[which] == MAP_FAILED)
			abort();
		getcontext(&away[which]);
		away[which].uc_stack.ss_sp = stacks[which];
		away[which].uc_stack.ss_size = size;
		away[which].uc_link = &home;
		makecontext(&away[which], reinterpret_cast<void (*)()>(worker), 1, which);
	}
	for (i = 0; i < 6; i++) {
		take(51);
		swapcontext(&home, &away[i & 1]);
		swapcontext(&home, &away[round & 1]);
		take(52);
	}
	for (which = 0; which < 2; which++)
		munmap(stacks[which], STACK_BYTES - static_cast<size_t>(round % 4) * 16384);
}

/* One after the other, each on a stack that only it has, and back again in another order. */
#define MANY       7
#define MANY_BYTES 65536

static thread_local ucontext_t turn_home, turns[MANY];

static void turner(int which)
{
	for (;;) {
		variable(static_cast<size_t>(which) * 16 + 16, which % 3);
		swapcontext(&turns[which], &turns[(which + 3) % MANY]);
		take(62);
		tree(2, which);
		swapcontext(&turns[which], &turn_home);
	}
}

NOINLINE static void many_coroutines()
{
	char *stacks = static_cast<char *>(mmap(nullptr, MANY * MANY_BYTES, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	int i;

	for (i = 0; i < MANY; i++) {
		getcontext(&turns[i]);
		turns[i].uc_stack.ss_sp = stacks + i * MANY_BYTES;
		turns[i].uc_stack.ss_size = MANY_BYTES;
		turns[i].uc_link = &turn_home;
		makecontext(&turns[i], reinterpret_cast<void (*)()>(turner), 1, i);
	}
	for (i = 0; i < 3 * MANY; i++) {
		swapcontext(&turn_home, &turns[i * 5 % MANY]);
		take(63);
	}
	munmap(stacks, MANY * MANY_BYTES);
	take(64);
}

/* ---- called back by libc ---- */

static int compare(const void *a, const void *b)
{
	take(65);
	return *static_cast<const int *>(a) - *static_cast<const int *>(b);
}

static void once()
{
	take(66);
	exceptions(1);
}

NOINLINE static void callbacks()
{
	int numbers[] = { 5, 3, 9, 1, 7, 2, 8 };
	pthread_once_t first = PTHREAD_ONCE_INIT;

	qsort(numbers, 7, sizeof(int), compare);
	number = number ^ (bsearch(&numbers[2], numbers, 7, sizeof(int), compare) != nullptr);
	pthread_once(&first, once);
}

/* ---- signals ---- */

static thread_local sigjmp_buf out;
static thread_local volatile sig_atomic_t may_interrupt, interrupted;

static void on_plain(int)
{
	take(53);
	variable(24, 2);
}

static void on_alternate(int)
{
	take(54);
	tree(3, 0);
}

static void on_jump(int)
{
	take(55);
	siglongjmp(out, 1);
}

static void on_nested(int)
{
	take(67);
	raise(SIGUSR1);
	take(68);
	raise(SIGUSR2);
	take(69);
}

/* At any instruction, but not of the allocator's. */
static void on_interrupt(int)
{
	if (may_interrupt)
		take(70);
	interrupted = interrupted + 1;
}

NOINLINE static long leaf(long a)
{
	return a * 3 + number;
}

/* Prologues, epilogues and all between them. */
NOINLINE static long busy(long n)
{
	volatile long words[6];
	int i;

	for (i = 0; i < 6; i++)
		words[i] = n > 0 && i == 3 ? busy(n - 1) : leaf(n + i);
	return words[0] + words[3] + words[5];
}

struct interrupter {
	pthread_t target;
	int is_over;
};

/* Interrupts the thread that has made it until that has had enough: signals that come too fast count as one. */
static void *interrupter(void *argument)
{
	struct interrupter *self = static_cast<struct interrupter *>(argument);

	while (!__atomic_load_n(&self->is_over, __ATOMIC_ACQUIRE)) {
		pthread_kill(self->target, SIGCHLD);
		usleep(50);
	}
	return nullptr;
}

NOINLINE static void interrupts()
{
	struct interrupter other = { pthread_self(), 0 };
	pthread_t thread;
	int i;

	if (pthread_create(&thread, nullptr, interrupter, &other))
		abort();
	may_interrupt = 1;
	for (i = 0; interrupted < 50; i++)
		number = number ^ static_cast<int>(busy(i % 9));
	may_interrupt = 0;
	interrupted = 0;
	__atomic_store_n(&other.is_over, 1, __ATOMIC_RELEASE);
	pthread_join(thread, nullptr);
}

static void install(int which, void (*handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags;
	sigaction(which, &action, nullptr);
}

NOINLINE static void signals(int depth)
{
	if (depth) {
		signals(depth - 1);
		take(56);
		return;
	}
	take(57);
	raise(SIGUSR1);
	take(58);
	raise(SIGUSR2);
	take(59);
	if (sigsetjmp(out, 1) == 0)
		raise(SIGURG);
	take(60);
	raise(SIGWINCH);
}

/* ---- all of it ---- */

NOINLINE static void everything(int depth)
{
	int i;

	if (depth) {
		everything(depth - 1);
		take(61);
		return;
	}
	for (i = 0; i < ROUNDS; i++) {
		exceptions(i % 7);
		jumps(i % 5);
		shapes(i);
		tree(6, 0);
		coroutines(i);
		many_coroutines();
		callbacks();
		signals(i % 4);
	}
	interrupts();
	deep(1500);
}

static void *in_thread(void *argument)
{
	stack_t alternate;
	char *memory = static_cast<char *>(mmap(nullptr, 4 * STACK_BYTES, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	alternate.ss_sp = memory;
	alternate.ss_size = 4 * STACK_BYTES;
	alternate.ss_flags = 0;
	sigaltstack(&alternate, nullptr);
	everything(static_cast<int>(reinterpret_cast<intptr_t>(argument)));
	alternate.ss_flags = SS_DISABLE;
	sigaltstack(&alternate, nullptr);
	munmap(memory, 4 * STACK_BYTES);
	return nullptr;
}

static void in_threads()
{
	pthread_t threads[3];
	intptr_t i;

	in_thread(nullptr);
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], nullptr, in_thread, reinterpret_cast<void *>(i));
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], nullptr);
}

int main()
{
	int status = 0;
	pid_t pid;

	install(SIGUSR1, on_plain, 0);
	install(SIGUSR2, on_alternate, SA_ONSTACK);
	install(SIGURG, on_jump, SA_ONSTACK);
	install(SIGWINCH, on_nested, 0);
	install(SIGCHLD, on_interrupt, SA_RESTART);
	in_threads();
	pid = fork();
	if (pid == 0) {
		in_threads();
		return 0;
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	puts(pid > 0 && status == 0 ? "done" : "the child failed");
	return 0;
}
