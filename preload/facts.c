/* SPDX-License-Identifier: MIT */
/*
 * facts.c - see facts.h. Runs at the start of a process, where every file read costs a
 * tenth of the budget: facts come from system calls and CPUID where they can, and a fact
 * that cannot be found out is left out.
 */
#include "facts.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "clock.h"
#include "config.h"
#include "encode.h"
#include "log.h"
#include "sys.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define SCRATCH_BYTES (32u << 10)
#define LOAD_UNIT     65536 /* SI_LOAD_SHIFT of the kernel */
#define CPU_SET_BYTES 1024

/* Start-up runs once per process, but possibly on a thread with a small stack. */
static char scratch[SCRATCH_BYTES];

void facts_put_bytes(struct facts *f, const char *key, const char *value, size_t length)
{
	size_t key_length = strlen(key);

	if ((size_t)(f->end - f->at) < key_length + length + 2 * ENCODE_VARINT_MAX)
		return;
	f->at = encode_text(f->at, key, key_length);
	f->at = encode_text(f->at, value, length);
}

void facts_put(struct facts *f, const char *key, const char *value)
{
	facts_put_bytes(f, key, value, strlen(value));
}

void facts_put_number(struct facts *f, const char *key, uint64_t value)
{
	char text[24];

	log_format(text, sizeof(text), "%lu", (unsigned long)value);
	facts_put(f, key, text);
}

/* Reads at most SIZE - 1 bytes of the file at PATH. The length, or 0. */
static size_t read_file(const char *path, char *out, size_t size)
{
	int fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
	size_t length = 0;
	long n;

	if (fd < 0)
		return 0;
	while (length < size - 1 && (n = sys_read(fd, out + length, size - 1 - length)) > 0)
		length += (size_t)n;
	sys_close(fd);
	out[length] = '\0';
	return length;
}

void facts_program(char *out, size_t size)
{
	const char *name = program_invocation_short_name;
	size_t i;

	if (!name || !*name)
		name = "program";
	for (i = 0; name[i] && i + 1 < size && i < 64; i++)
		out[i] = (unsigned char)name[i] <= ' ' || name[i] == '/' ? '_' : name[i];
	out[i] = '\0';
}

void facts_host(char *out, size_t size)
{
	struct utsname names;

	if (sys_call(SYS_uname, &names))
		memset(&names, 0, sizeof(names));
	log_format(out, size, "%s", names.nodename[0] ? names.nodename : "host");
}

static void put_cpu(struct facts *f)
{
#if defined(__x86_64__)
	unsigned words[13] = { 0 };
	char *text = (char *)words;
	unsigned i;

	/* CPUID 8000_0002h to 8000_0004h: the brand string (AMD and Intel manuals). */
	for (i = 0; i < 3; i++)
		if (!__get_cpuid(0x80000002u + i, &words[i * 4], &words[i * 4 + 1],
				 &words[i * 4 + 2], &words[i * 4 + 3]))
			return;
	while (*text == ' ')
		text++;
	facts_put(f, "cpu", text);
#else
	(void)f;
#endif
}

static void put_cores(struct facts *f)
{
	unsigned char set[CPU_SET_BYTES];
	long bytes = sys_call(SYS_sched_getaffinity, 0, sizeof(set), set), i;
	unsigned cores = 0;

	for (i = 0; i < bytes; i++)
		cores += (unsigned)__builtin_popcount(set[i]);
	if (cores)
		facts_put_number(f, "cores", cores);
}

static void put_machine(struct facts *f)
{
	struct utsname names;
	struct sysinfo info;
	char *text = scratch;
	size_t length;

	if (sys_call(SYS_uname, &names) == 0) {
		log_format(text, SCRATCH_BYTES, "%s %s %s", names.sysname, names.release,
			   names.machine);
		facts_put(f, "kernel", text);
		facts_put(f, "host", names.nodename);
	}
	if (sys_call(SYS_sysinfo, &info) == 0) {
		unsigned hundredths = (unsigned)(info.loads[0] * 100 / LOAD_UNIT);

		facts_put_number(f, "memory_bytes", (uint64_t)info.totalram * info.mem_unit);
		log_format(text, SCRATCH_BYTES, hundredths % 100 < 10 ? "%u.0%u" : "%u.%u",
			   hundredths / 100, hundredths % 100);
		facts_put(f, "load", text);
	}
	length = read_file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", text,
			   SCRATCH_BYTES);
	if (length)
		facts_put_bytes(f, "governor", text, strcspn(text, "\n"));
	log_format(text, SCRATCH_BYTES, "glibc %s", gnu_get_libc_version());
	facts_put(f, "libc", text);
}

static void put_program(struct facts *f)
{
	char *text = scratch;
	long length;

	facts_program(text, SCRATCH_BYTES);
	facts_put(f, "program", text);
	length = sys_readlink("/proc/self/exe", text, SCRATCH_BYTES);
	if (length > 0)
		facts_put_bytes(f, "exe", text, (size_t)length);
	facts_put_number(f, "pid", (uint64_t)sys_getpid());
	facts_put_number(f, "ppid", (uint64_t)sys_getppid());
	facts_put_bytes(f, "command", text, read_file("/proc/self/cmdline", text, SCRATCH_BYTES));
	length = sys_call(SYS_getcwd, text, SCRATCH_BYTES);
	if (length > 1)
		facts_put_bytes(f, "cwd", text, (size_t)length - 1);
}

static void put_setting(void *context, const char *name, const char *value)
{
	char key[64];

	log_format(key, sizeof(key), "setting.%s", name);
	facts_put(context, key, value);
}

void facts_of_start(struct facts *f)
{
	static const char *const events[] = { "none", "heap", "mmap", "heap,mmap" };
	static int has_begun;

	facts_put(f, "shim_version", SHIM_VERSION);
	put_program(f);
	/* A program image begins a second trace only in a forked child, which inherits this. */
	if (has_begun)
		facts_put_number(f, "forked", 1);
	has_begun = 1;
	facts_put(f, "clock", clock_name());
	facts_put_number(f, "start_ticks", clock_ticks());
	facts_put_number(f, "start_mono_ns", clock_mono_ns());
	facts_put_number(f, "start_unix_ns", clock_unix_ns());
	put_cpu(f);
	put_cores(f);
	put_machine(f);
	facts_put(f, "events", events[config.events & 3]);
	facts_put_number(f, "depth", config.depth);
	if (config.sample_bytes)
		facts_put_number(f, "sample_bytes", config.sample_bytes);
	if (config.max_trace_bytes)
		facts_put_number(f, "max_trace_bytes", config.max_trace_bytes);
	facts_put_number(f, "page_size", getauxval(AT_PAGESZ));
	config_each(put_setting, f);
}
