/* SPDX-License-Identifier: MIT */
/* event.c - see event.h. Names come from the lists of the format. */
#include "trace/event.h"

const char *event_op_name(unsigned op)
{
	switch (op) {
#define X(name, number, text) \
	case number:          \
		return text;
		SHIM_OP_LIST(X)
#undef X
	default:
		return "unknown";
	}
}

const char *event_func_name(unsigned func)
{
	switch (func) {
#define X(name, number, text) \
	case number:          \
		return text;
		SHIM_FUNC_LIST(X)
#undef X
	default:
		return "unknown";
	}
}
