/* SPDX-License-Identifier: MIT */
/*
 * unwind_full.c - see unwind_full.h. Starts from its own registers and walks over the library's own
 * frames like over any other, since what a hook has saved of the program's registers only CFI knows.
 * Runs in any thread, inside the guard; bounded by MAX frames and, in expressions, by their bytes.
 *
 * Source of the expressions: DWARF 5, section 2.5 (the operations that need no debugging entry).
 */
#include "unwind_full.h"

#if UNWIND_HAS_RULES

#include <errno.h>

#include "unwind_cfi.h"
#include "unwind_cursor.h"

#define STACK_WORDS 16  /* of an expression */
#define STEPS_MAX   256 /* operations of one evaluation: expressions can loop */
#define OWN_FRAMES  16  /* of the library itself, at most */

/* Those of CFI, and where the frame goes on if that is none of them. */
#define REGISTERS (UNWIND_PC < UNWIND_REGISTERS ? UNWIND_REGISTERS : UNWIND_PC + 1)

struct registers {
	uintptr_t value[REGISTERS];
	uint64_t known; /* a bit for each */
	uint32_t is_exact;
};

static int get(const struct registers *r, uint64_t number, uintptr_t *out)
{
	if (number >= UNWIND_REGISTERS)
		return unwind_constant(number, out);
	if (!(r->known >> number & 1))
		return -EINVAL;
	*out = r->value[number];
	return 0;
}

static void set(struct registers *r, unsigned number, uintptr_t value)
{
	r->value[number] = value;
	r->known |= UINT64_C(1) << number;
}

/* ---- expressions ---- */

struct evaluation {
	struct unwind_window *memory;
	const struct registers *registers;
	const uint8_t *begin;
	struct cursor c;
	uintptr_t stack[STACK_WORDS];
	unsigned depth;
};

static void push(struct evaluation *e, uintptr_t value)
{
	if (e->depth == STACK_WORDS)
		e->c.is_bad = 1;
	else
		e->stack[e->depth++] = value;
}

static uintptr_t pop(struct evaluation *e)
{
	if (e->depth)
		return e->stack[--e->depth];
	e->c.is_bad = 1;
	return 0;
}

/* The word N below the top. */
static uintptr_t peek(struct evaluation *e, uint64_t n)
{
	if (n < e->depth)
		return e->stack[e->depth - 1 - n];
	e->c.is_bad = 1;
	return 0;
}

enum {
	OP_ADDR = 0x03,
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08,
	OP_CONST1S,
	OP_CONST2U,
	OP_CONST2S,
	OP_CONST4U,
	OP_CONST4S,
	OP_CONST8U,
	OP_CONST8S,
	OP_CONSTU,
	OP_CONSTS,
	OP_DUP,
	OP_DROP,
	OP_OVER,
	OP_PICK,
	OP_SWAP,
	OP_ROT,
	OP_ABS = 0x19,
	OP_AND,
	OP_DIV,
	OP_MINUS,
	OP_MOD,
	OP_MUL,
	OP_NEG,
	OP_NOT,
	OP_OR,
	OP_PLUS,
	OP_PLUS_UCONST,
	OP_SHL,
	OP_SHR,
	OP_SHRA,
	OP_XOR,
	OP_BRA,
	OP_EQ,
	OP_GE,
	OP_GT,
	OP_LE,
	OP_LT,
	OP_NE,
	OP_SKIP,
	OP_LIT0 = 0x30,
	OP_BREG0 = 0x70,
	OP_BREGX = 0x92,
	OP_NOP = 0x96,
};

static void push_register(struct evaluation *e, uint64_t number)
{
	int64_t offset = take_sleb(&e->c);
	uintptr_t value = 0;

	if (get(e->registers, number, &value))
		e->c.is_bad = 1;
	push(e, value + (uintptr_t)offset);
}

/* Operations that push a number. 1 if OP was one. */
static int evaluate_constant(struct evaluation *e, uint8_t op)
{
	struct cursor *c = &e->c;

	if (op >= OP_LIT0 && op < OP_LIT0 + 32)
		push(e, op - OP_LIT0);
	else if (op >= OP_BREG0 && op < OP_BREG0 + 32)
		push_register(e, op - OP_BREG0);
	else if (op == OP_BREGX)
		push_register(e, take_uleb(c));
	else if (op == OP_ADDR || op == OP_CONST8U || op == OP_CONST8S)
		push(e, take(c, 8));
	else if (op == OP_CONST1U)
		push(e, take(c, 1));
	else if (op == OP_CONST1S)
		push(e, (uintptr_t)(int8_t)take(c, 1));
	else if (op == OP_CONST2U)
		push(e, take(c, 2));
	else if (op == OP_CONST2S)
		push(e, (uintptr_t)(int16_t)take(c, 2));
	else if (op == OP_CONST4U)
		push(e, take(c, 4));
	else if (op == OP_CONST4S)
		push(e, (uintptr_t)(int32_t)take(c, 4));
	else if (op == OP_CONSTU)
		push(e, take_uleb(c));
	else if (op == OP_CONSTS)
		push(e, (uintptr_t)take_sleb(c));
	else
		return 0;
	return 1;
}

/* Operations that rearrange the stack, change its top, or jump. 1 if OP was one. */
static int evaluate_unary(struct evaluation *e, uint8_t op)
{
	uintptr_t a, b;
	int64_t target;

	switch (op) {
	case OP_NOP:
		return 1;
	case OP_DUP:
		push(e, peek(e, 0));
		return 1;
	case OP_DROP:
		pop(e);
		return 1;
	case OP_OVER:
		push(e, peek(e, 1));
		return 1;
	case OP_PICK:
		push(e, peek(e, take(&e->c, 1)));
		return 1;
	case OP_SWAP:
		a = pop(e);
		b = pop(e);
		push(e, a);
		push(e, b);
		return 1;
	case OP_DEREF:
		if (unwind_read(e->memory, pop(e), &a))
			e->c.is_bad = 1;
		else
			push(e, a);
		return 1;
	case OP_NEG:
		push(e, -pop(e));
		return 1;
	case OP_NOT:
		push(e, ~pop(e));
		return 1;
	case OP_PLUS_UCONST:
		push(e, pop(e) + take_uleb(&e->c));
		return 1;
	case OP_BRA:
	case OP_SKIP:
		target = (int16_t)take(&e->c, 2);
		if (op == OP_BRA && !pop(e))
			return 1;
		target += e->c.at - e->begin;
		if (target < 0 || target > e->c.end - e->begin)
			e->c.is_bad = 1;
		else
			e->c.at = e->begin + target;
		return 1;
	default:
		return 0;
	}
}

/* Operations on the two topmost words; any other spoils the evaluation. */
static void evaluate_binary(struct evaluation *e, uint8_t op)
{
	uintptr_t b = pop(e), a = pop(e);
	int64_t x = (int64_t)a, y = (int64_t)b;

	switch (op) {
	case OP_AND:
		push(e, a & b);
		break;
	case OP_OR:
		push(e, a | b);
		break;
	case OP_XOR:
		push(e, a ^ b);
		break;
	case OP_PLUS:
		push(e, a + b);
		break;
	case OP_MINUS:
		push(e, a - b);
		break;
	case OP_MUL:
		push(e, a * b);
		break;
	case OP_SHL:
		push(e, b < 64 ? a << b : 0);
		break;
	case OP_SHR:
		push(e, b < 64 ? a >> b : 0);
		break;
	case OP_SHRA:
		push(e, (uintptr_t)(x >> (b < 64 ? b : 63)));
		break;
	case OP_EQ:
		push(e, x == y);
		break;
	case OP_GE:
		push(e, x >= y);
		break;
	case OP_GT:
		push(e, x > y);
		break;
	case OP_LE:
		push(e, x <= y);
		break;
	case OP_LT:
		push(e, x < y);
		break;
	case OP_NE:
		push(e, x != y);
		break;
	default:
		e->c.is_bad = 1;
	}
}

/* The expression VALUE of ROW with the numbers FIRST[COUNT] on its stack. 0 or -EINVAL. */
static int evaluate(struct unwind_window *memory, const struct registers *r,
		    const struct cfi_row *row, int32_t value, const uintptr_t *first, uintptr_t *out)
{
	struct evaluation e = { .memory = memory, .registers = r };
	size_t length;
	unsigned steps;

	e.begin = cfi_expression(row, value, &length);
	if (!e.begin)
		return -EINVAL;
	e.c = (struct cursor){ e.begin, e.begin + length, 0 };
	if (first)
		push(&e, *first);
	for (steps = 0; e.c.at < e.c.end && !e.c.is_bad; steps++) {
		uint8_t op = (uint8_t)take(&e.c, 1);

		if (steps == STEPS_MAX)
			return -EINVAL;
		if (!evaluate_constant(&e, op) && !evaluate_unary(&e, op))
			evaluate_binary(&e, op);
	}
	*out = pop(&e);
	return e.c.is_bad ? -EINVAL : 0;
}

/* ---- one step ---- */

/* Register NUMBER of the caller into NEXT; one that is not known stays unknown there. */
static int restore(struct unwind_window *memory, const struct registers *r,
		   const struct cfi_row *row, uintptr_t cfa, unsigned number, struct registers *next)
{
	const struct cfi_place *place = &row->registers[number];
	uintptr_t value;

	switch (place->where) {
	case CFI_SAME:
		if (number == UNWIND_SP)
			set(next, number, cfa);
		else if (get(r, number, &value) == 0)
			set(next, number, value);
		return 0;
	case CFI_UNDEFINED:
		return 0;
	case CFI_SAVED:
		value = cfa + (uintptr_t)(int64_t)place->value;
		break;
	case CFI_OFFSET:
		set(next, number, cfa + (uintptr_t)(int64_t)place->value);
		return 0;
	case CFI_REGISTER:
		if (get(r, (uint64_t)place->value, &value) == 0)
			set(next, number, value);
		return 0;
	default:
		if (evaluate(memory, r, row, place->value, &cfa, &value))
			return -EINVAL;
		if (place->where == CFI_EXPRESSION) {
			set(next, number, value);
			return 0;
		}
	}
	if (unwind_read(memory, value, &value))
		return -EFAULT;
	set(next, number, value);
	return 0;
}

static enum unwind_result step_row(struct unwind_walk *walk, const struct cfi_row *row,
				   struct registers *r)
{
	struct registers next = { .known = 0 };
	uintptr_t cfa;
	unsigned i;

	if (row->registers[UNWIND_RA].where == CFI_UNDEFINED)
		return UNWIND_ROOT;
	if (UNWIND_RA != UNWIND_PC && row->registers[UNWIND_RA].where == CFI_SAME && !r->is_exact)
		return UNWIND_CUT; /* still in its register, of a function that has called another */
	if (row->cfa_is_expression) {
		if (evaluate(&walk->stack, r, row, row->cfa_value, NULL, &cfa))
			return UNWIND_CUT;
	} else if (get(r, row->cfa_register, &cfa)) {
		return UNWIND_CUT;
	} else {
		cfa += (uintptr_t)(int64_t)row->cfa_value;
	}
	for (i = 0; i < UNWIND_REGISTERS; i++)
		if (restore(&walk->stack, r, row, cfa, i, &next))
			return UNWIND_CUT;
	if (!(next.known >> UNWIND_RA & 1) || !(next.known >> UNWIND_SP & 1))
		return UNWIND_CUT;
	set(&next, UNWIND_PC, unwind_code(next.value[UNWIND_RA]));
	*r = next;
	return r->value[UNWIND_PC] ? UNWIND_NEXT : UNWIND_ROOT;
}

/* Over a signal frame or code without tables: what unwind_step.c knows. A signal frame gives all registers. */
static enum unwind_result step_plain(struct unwind_walk *walk, struct unwind_rule rule,
				     struct registers *r)
{
	static const uint8_t order[] = UNWIND_UCONTEXT_ORDER;
	struct unwind_state s = { .pc = r->value[UNWIND_PC],
				  .sp = r->value[UNWIND_SP],
				  .fp = r->value[UNWIND_FP],
				  .is_exact = r->is_exact };
	struct unwind_state next;
	struct registers fresh = { .known = 0 };
	enum unwind_result result = unwind_step_slow(walk, rule, &s, &next);
	struct unwind_window all = { 0, 0 };
	unsigned i;

	if (result != UNWIND_NEXT)
		return result;
	for (i = 0; next.is_exact && i < sizeof(order); i++) {
		uintptr_t value;

		if (unwind_read(&all, s.sp + UNWIND_UCONTEXT_REGISTERS + i * sizeof(value),
				&value) == 0)
			set(&fresh, order[i], value);
	}
	set(&fresh, UNWIND_PC, unwind_code(next.pc));
	set(&fresh, UNWIND_SP, next.sp);
	set(&fresh, UNWIND_FP, next.fp);
	fresh.is_exact = next.is_exact;
	*r = fresh;
	return UNWIND_NEXT;
}

static enum unwind_result step(struct unwind_walk *walk, struct registers *r)
{
	uintptr_t location = r->value[UNWIND_PC] - !r->is_exact;
	struct unwind_rule rule = rules_find(location);
	struct cfi_row row;
	struct dso dso;

	if (rule.kind == RULE_SIGNAL || rule.kind == RULE_GUESS || rule.kind == RULE_END)
		return step_plain(walk, rule, r);
	if (rules_object(location, &dso) || rules_row(&dso, location, &row))
		return UNWIND_CUT;
	return step_row(walk, &row, r);
}

/* ---- the walk ---- */

__attribute__((noinline)) enum unwind_result unwind_full(struct unwind_walk *walk, uintptr_t sp,
							 struct unwind_frame *out, size_t max,
							 size_t *count)
{
	enum unwind_result result = UNWIND_NEXT;
	struct registers r;
	unsigned own;

	UNWIND_READ_REGISTERS(r.value);
	r.known = UNWIND_REGISTERS_READ;
	r.is_exact = 1;
	walk->stack.low = walk->stack.high = 0;
	if (r.value[UNWIND_SP] - walk->own_low < walk->own_high - walk->own_low) {
		walk->stack.low = r.value[UNWIND_SP];
		walk->stack.high = walk->own_high;
	}
	*count = 0;
	for (own = 0; own < OWN_FRAMES && r.value[UNWIND_SP] != sp; own++)
		if (step(walk, &r) != UNWIND_NEXT)
			return UNWIND_CUT;
	if (own == OWN_FRAMES)
		return UNWIND_CUT;
	while (result == UNWIND_NEXT && *count < max) {
		uintptr_t pc = r.value[UNWIND_PC];

		out[(*count)++] = (struct unwind_frame){ pc, r.is_exact,
							 (uint32_t)dso_is_own(pc - !r.is_exact) };
		result = step(walk, &r);
	}
	return result == UNWIND_ROOT ? UNWIND_ROOT : UNWIND_CUT;
}

#endif
