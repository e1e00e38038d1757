/* SPDX-License-Identifier: MIT */
/*
 * unwind_cfi.h - call frame information: for one place in the code, how every register of the caller
 * is found.
 *
 * Sources of the formats: DWARF 5, section 6.4; Linux Standard Base 5.0, Core, 10.6 (.eh_frame and
 * .eh_frame_hdr); the CFA opcodes 0x2e and 0x2f are GNU's, 0x2d is Arm's.
 */
#ifndef PRELOAD_UNWIND_CFI_H
#define PRELOAD_UNWIND_CFI_H

#include <stddef.h>
#include <stdint.h>

#include "dso.h"
#include "unwind_arch.h"

#if UNWIND_HAS_RULES

/* Where the caller's value of a register is. CFA: the stack pointer before the call. */
enum cfi_where {
	CFI_SAME = 0,         /* not touched */
	CFI_UNDEFINED,        /* nowhere; of the return address: there is no caller */
	CFI_SAVED,            /* in memory at CFA + value */
	CFI_OFFSET,           /* it is CFA + value */
	CFI_REGISTER,         /* in register `value` */
	CFI_SAVED_EXPRESSION, /* in memory at the result of the expression `value` */
	CFI_EXPRESSION,       /* it is that result */
};

struct cfi_place {
	int32_t value;
	uint8_t where; /* enum cfi_where */
};

struct cfi_row {
	const uint8_t *base;  /* expressions are offsets from here … */
	const uint8_t *limit; /* … and end before this */
	int32_t cfa_value;    /* offset from cfa_register, or an expression */
	uint8_t cfa_register;
	uint8_t cfa_is_expression;
	uint8_t is_signal; /* the frame that the kernel makes for a handler */
	struct cfi_place registers[UNWIND_REGISTERS];
};

/*
 * Fills ROW for the instruction at PC in DSO (bias and program headers suffice). 0; -ENOENT when nothing
 * describes PC; -EINVAL when what does is damaged or of a kind that is not known. Reads only inside the
 * object's readable segments. Context: any thread, signal handler.
 */
int cfi_find(const struct dso *dso, uintptr_t pc, struct cfi_row *row);

/* What one entry of a section .debug_frame describes. */
struct cfi_range {
	uintptr_t begin, size; /* addresses as linked */
	size_t offset;         /* of the entry in the section */
};

/*
 * The entries of SECTION[SIZE], a .debug_frame, in its order: the first MAX into OUT. How many there are.
 * Context: any thread.
 */
size_t cfi_list_debug(const uint8_t *section, size_t size, struct cfi_range *out, size_t max);

/*
 * As cfi_find, by the entry at OFFSET of SECTION[SIZE], whose addresses are relative to BIAS. Context: any
 * thread.
 */
int cfi_find_debug(const uint8_t *section, size_t size, uintptr_t bias, size_t offset, uintptr_t pc,
		   struct cfi_row *row);

/*
 * The expression at offset VALUE of ROW: *LENGTH bytes, or NULL when it does not lie in the section.
 * Context: any thread, signal handler.
 */
const uint8_t *cfi_expression(const struct cfi_row *row, int32_t value, size_t *length);

#endif
#endif
