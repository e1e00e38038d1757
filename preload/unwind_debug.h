/* SPDX-License-Identifier: MIT */
/*
 * unwind_debug.h - call frame information out of an object's file, for code that was built without
 * .eh_frame: its section .debug_frame, which is not loaded.
 */
#ifndef PRELOAD_UNWIND_DEBUG_H
#define PRELOAD_UNWIND_DEBUG_H

#include <stdint.h>

#include "unwind_cfi.h"

#if UNWIND_HAS_RULES

/* 0 or -ENOMEM. Context: start-up only (of the process, or of a forked child). */
int debug_start(void);

/*
 * As cfi_find, from the file of DSO, whose name must be set. GENERATION: rules_generation. The
 * first call for an object reads the section and keeps it, or that there is none; compressed ones
 * are not read. Context: any thread, inside the guard.
 */
int debug_find(const struct dso *dso, uint32_t generation, uintptr_t pc, struct cfi_row *row);

#endif
#endif
