/* SPDX-License-Identifier: MIT */
/*
 * config.c - see config.h. One row per setting; the environment is read once per program
 * image, before recording starts, with no allocation but from the arena. Nothing here
 * prints: problems are kept for the log and the trace.
 */
#include "config.h"

#include <signal.h>
#include <string.h>

#include "log.h"
#include "shim_trace.h"
#include "sys.h"

#define CONFIG_DEPTH_DEFAULT 256
#define CONFIG_DEPTH_MAX     4096
#define CONFIG_SAMPLE_MAX    (UINT64_C(1) << 40)
#define CONFIG_MAX_TRACE_MIN (128u << 10)
#define CONFIG_MAX_TRACE_MAX (UINT64_C(1) << 50)
#define CONFIG_PATH_BYTES    4096
#define CONFIG_PROBLEMS_MAX  16
#define CONFIG_LINE_BYTES    320
#define CONFIG_TEXT_BYTES    8192

struct config config = {
	.output = "shim.%e.%p.zst",
	.events = CONFIG_EVENT_HEAP | CONFIG_EVENT_MMAP,
	.depth = CONFIG_DEPTH_DEFAULT,
	.max_trace_bytes = 100u << 20,
	.is_start_on = 1,
	.is_children_on = 1,
};

static struct {
	char lines[CONFIG_PROBLEMS_MAX][CONFIG_LINE_BYTES];
	unsigned count;
} problems;

/*
 * Copies of what the user gave: programs that set their title write over the environment's
 * memory.
 */
static struct {
	char bytes[CONFIG_TEXT_BYTES];
	size_t used;
} text;

static void problem(const char *name, const char *value, const char *why)
{
	if (problems.count == CONFIG_PROBLEMS_MAX)
		return;
	log_format(problems.lines[problems.count++], CONFIG_LINE_BYTES, "%s=%s: %s", name, value,
		   why);
}

/* Each parser keeps the default and reports when VALUE is bad. */

static void parse_output(const char *name, const char *value)
{
	if (!value[0])
		problem(name, value, "empty; the default shim.%e.%p.zst is used");
	else if (strlen(value) > CONFIG_PATH_BYTES / 2)
		problem(name, "(long)", "longer than 2048 bytes; the default shim.%e.%p.zst is used");
	else
		config.output = value;
}

static const struct {
	const char *name;
	uint32_t bit;
} event_names[] = {
	{ "heap", CONFIG_EVENT_HEAP },
	{ "mmap", CONFIG_EVENT_MMAP },
	{ "none", 0 },
};

static int event_bit(const char *word, size_t length, uint32_t *bit)
{
	size_t i;

	for (i = 0; i < sizeof(event_names) / sizeof(event_names[0]); i++) {
		if (strlen(event_names[i].name) == length &&
		    memcmp(event_names[i].name, word, length) == 0) {
			*bit = event_names[i].bit;
			return 0;
		}
	}
	return -1;
}

static void parse_events(const char *name, const char *value)
{
	uint32_t events = 0, bit = 0;
	const char *word = value;

	for (;;) {
		const char *end = strchr(word, ',');
		size_t length = end ? (size_t)(end - word) : strlen(word);

		if (event_bit(word, length, &bit)) {
			problem(name, value,
				"only heap, mmap and none are known, separated by commas; the default heap,mmap is used");
			return;
		}
		events |= bit;
		if (!end)
			break;
		word = end + 1;
	}
	config.events = events;
}

static void parse_depth(const char *name, const char *value)
{
	uint32_t depth = 0;
	const char *c;

	for (c = value; *c >= '0' && *c <= '9' && depth <= CONFIG_DEPTH_MAX; c++)
		depth = depth * 10 + (uint32_t)(*c - '0');
	if (*c || c == value || depth < 1 || depth > CONFIG_DEPTH_MAX)
		problem(name, value, "not a number from 1 to 4096; the default 256 is used");
	else
		config.depth = depth;
}

/* A whole number with k, m or g (1024 and so on). 0 or -1. */
static int parse_bytes(const char *value, uint64_t max, uint64_t *out)
{
	static const char units[] = "kmg";
	uint64_t bytes = 0;
	const char *c, *unit;

	for (c = value; *c >= '0' && *c <= '9' && bytes <= max; c++)
		bytes = bytes * 10 + (uint64_t)(*c - '0');
	if (c == value || bytes > max)
		return -1;
	unit = *c ? strchr(units, *c | 0x20) : NULL;
	if (unit && __builtin_mul_overflow(bytes, UINT64_C(1) << 10 * (unit - units + 1), &bytes))
		return -1;
	if (c[unit != NULL] || bytes > max)
		return -1;
	*out = bytes;
	return 0;
}

static void parse_sample(const char *name, const char *value)
{
	if (parse_bytes(value, CONFIG_SAMPLE_MAX, &config.sample_bytes))
		problem(name, value,
			"not a size up to 1024g such as 512k; the default 0 is used, which records every allocation");
}

static void parse_max_trace(const char *name, const char *value)
{
	uint64_t bytes = 0;

	if (parse_bytes(value, CONFIG_MAX_TRACE_MAX, &bytes) ||
	    (bytes && bytes < CONFIG_MAX_TRACE_MIN))
		problem(name, value,
			"not 0 and not a size from 128k to 1048576g such as 100m; the default 100m is used");
	else
		config.max_trace_bytes = bytes;
}

static void parse_switch(const char *name, const char *value, uint32_t *out)
{
	if (strcmp(value, "on") == 0)
		*out = 1;
	else if (strcmp(value, "off") == 0)
		*out = 0;
	else
		problem(name, value,
			*out ? "not on or off; the default on is used"
			     : "not on or off; the default off is used");
}

static void parse_start(const char *name, const char *value)
{
	parse_switch(name, value, &config.is_start_on);
}

static void parse_children(const char *name, const char *value)
{
	parse_switch(name, value, &config.is_children_on);
}

static const struct {
	const char *name;
	int number;
} signal_names[] = {
	{ "HUP", SIGHUP },       { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 }, { "ALRM", SIGALRM },
	{ "WINCH", SIGWINCH },   { "URG", SIGURG },   { "IO", SIGIO },     { "PROF", SIGPROF },
	{ "VTALRM", SIGVTALRM }, { "PWR", SIGPWR },   { "CHLD", SIGCHLD }, { "CONT", SIGCONT },
};

static void parse_signal(const char *name, const char *value)
{
	const char *word = strncmp(value, "SIG", 3) == 0 ? value + 3 : value;
	int number = 0;
	const char *c;
	size_t i;

	for (c = word; *c >= '0' && *c <= '9' && number < 1000; c++)
		number = number * 10 + (*c - '0');
	if (c != word && !*c && number >= 1 && number <= 64 && number != SIGKILL &&
	    number != SIGSTOP) {
		config.signal = number;
		return;
	}
	for (i = 0; i < sizeof(signal_names) / sizeof(signal_names[0]); i++) {
		if (strcmp(signal_names[i].name, word) == 0) {
			config.signal = signal_names[i].number;
			return;
		}
	}
	if (strcmp(value, "none") != 0)
		problem(name, value, "not a signal such as USR2 or 12; none is used");
}

static void parse_log(const char *name, const char *value)
{
	(void)name;
	config.log = value;
}

static struct {
	const char *name;
	void (*parse)(const char *name, const char *value);
	const char *given; /* NULL: not set */
} settings[] = {
	{ "SHIM_OUTPUT", parse_output, NULL },       { "SHIM_EVENTS", parse_events, NULL },
	{ "SHIM_DEPTH", parse_depth, NULL },         { "SHIM_START", parse_start, NULL },
	{ "SHIM_SIGNAL", parse_signal, NULL },       { "SHIM_LOG", parse_log, NULL },
	{ "SHIM_CHILDREN", parse_children, NULL },   { "SHIM_SAMPLE", parse_sample, NULL },
	{ "SHIM_MAX_TRACE", parse_max_trace, NULL },
};

#define SETTINGS_COUNT (sizeof(settings) / sizeof(settings[0]))

/* Not settings, but names under which scripts keep the paths of the library and the tools. */
static const char *const not_settings[] = { "SHIM_LIB", "SHIM_ANALYZE", "SHIM_RUN" };

static int is_named(const char *entry, size_t length, const char *name)
{
	return strlen(name) == length && memcmp(entry, name, length) == 0;
}

static const char *keep(const char *value)
{
	size_t size = strlen(value) + 1;
	char *copy = text.bytes + text.used;

	if (size > sizeof(text.bytes) - text.used)
		return NULL;
	text.used += size;
	return memcpy(copy, value, size);
}

static void report_unknown(const char *entry, size_t length)
{
	char name[64];
	size_t i;

	for (i = 0; i < sizeof(not_settings) / sizeof(not_settings[0]); i++)
		if (is_named(entry, length, not_settings[i]))
			return;
	if (length >= sizeof(name))
		length = sizeof(name) - 1;
	memcpy(name, entry, length);
	name[length] = '\0';
	problem(name, entry + strcspn(entry, "=") + 1, "this version knows no such setting");
}

/* ENTRY is "SHIM_NAME=value". */
static void read_setting(const char *entry)
{
	size_t length = strcspn(entry, "="), i;

	for (i = 0; i < SETTINGS_COUNT; i++) {
		if (!is_named(entry, length, settings[i].name))
			continue;
		settings[i].given = keep(entry + length + 1);
		if (settings[i].given)
			settings[i].parse(settings[i].name, settings[i].given);
		else
			problem(settings[i].name, "(long)",
				"all settings together are longer than 8 KiB; the default is used");
		return;
	}
	report_unknown(entry, length);
}

/* "PATTERN" becomes "CWD/PATTERN", so that a chdir of the program does not move the trace. */
static void make_output_absolute(void)
{
	size_t pattern = strlen(config.output) + 1;
	long length;
	char *path;

	if (config.output[0] == '/')
		return;
	/* Neither kind of arena memory: forked children need the path too. */
	path = (char *)sys_mmap(NULL, CONFIG_PATH_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sys_is_error((long)path))
		return;
	length = sys_call(SYS_getcwd, path, CONFIG_PATH_BYTES - pattern - 1);
	if (length <= 1) {
		problem("SHIM_OUTPUT", config.output,
			"the working directory has no name; the trace goes where the program is when it opens");
		return;
	}
	path[length - 1] = '/'; /* getcwd counts the terminator */
	memcpy(path + length, config.output, pattern);
	config.output = path;
}

void config_read(char **environment)
{
	char **entry;

	for (entry = environment; entry && *entry; entry++)
		if (strncmp(*entry, "SHIM_", 5) == 0 && strchr(*entry, '='))
			read_setting(*entry);
	make_output_absolute();
}

void config_problems(void (*sink)(const char *line))
{
	unsigned i;

	for (i = 0; i < problems.count; i++)
		sink(problems.lines[i]);
}

void config_each(void (*sink)(void *context, const char *name, const char *value), void *context)
{
	size_t i;

	for (i = 0; i < SETTINGS_COUNT; i++)
		if (settings[i].given)
			sink(context, settings[i].name, settings[i].given);
}
