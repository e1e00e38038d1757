/* SPDX-License-Identifier: MIT */
/*
 * unwind_cfi.c - see unwind_cfi.h. Runs in any thread, inside the guard, on tables of the program that the
 * loader has mapped. They are input like any other: every read goes through a cursor that knows its end
 * and stays at it once it was reached, every loop is bounded by the bytes it consumes. Allocates nothing;
 * uses about 1 KiB of stack.
 */
#include "unwind_cfi.h"

#if UNWIND_HAS_RULES

#include <errno.h>
#include <string.h>

#include "unwind_cursor.h"

#define SAVED_ROWS 4 /* nested DW_CFA_remember_state; compilers nest one */

/* ---- entries ---- */

struct section {
	const uint8_t *low, *high;
	uintptr_t bias; /* added to absolute addresses; only .debug_frame has them unrelocated */
	int is_debug;
};

struct cie {
	uint64_t code_align;
	int64_t data_align;
	uint8_t encoding; /* of addresses in FDEs */
	uint8_t has_data; /* FDEs have augmentation data */
	uint8_t is_signal;
	struct cursor program;
};

struct fde {
	struct cie cie;
	uintptr_t begin, size;
	struct cursor program;
};

/*
 * The head of the entry at AT: *BODY is what follows it, *ID its CIE field. 0, or -EINVAL; -ENOENT at the
 * end of the section.
 */
static int open_entry(const struct section *s, const uint8_t *at, struct cursor *body, uint64_t *id,
		      const uint8_t **id_at)
{
	struct cursor c = { at, s->high, 0 };
	uint64_t length;
	int is_wide;

	if (at < s->low || at >= s->high)
		return -EINVAL;
	length = take(&c, 4);
	is_wide = length == 0xffffffff;
	if (is_wide)
		length = take(&c, 8);
	if (length == 0)
		return -ENOENT;
	if (c.is_bad || length > (uint64_t)(c.end - c.at))
		return -EINVAL;
	c.end = c.at + length;
	*id_at = c.at;
	*id = take(&c, s->is_debug && is_wide ? 8 : 4);
	*body = c;
	return c.is_bad ? -EINVAL : 0;
}

/* Augmentation data of a CIE: the string is LETTERS, a 'z' has been seen. */
static void read_augmentation(struct cursor *c, const char *letters, struct cie *out)
{
	uint64_t length = take_uleb(c);
	struct cursor data = *c;

	skip(c, length);
	data.end = c->at;
	for (; *letters && !data.is_bad; letters++) {
		if (*letters == 'R') {
			out->encoding = (uint8_t)take(&data, 1);
		} else if (*letters == 'P') {
			uint8_t encoding = (uint8_t)take(&data, 1);

			take_form(&data, encoding);
		} else if (*letters == 'L') {
			take(&data, 1);
		} else if (*letters == 'S') {
			out->is_signal = 1;
		} else if (*letters != 'B') {
			return; /* the rest is not known, and its length has been skipped */
		}
	}
}

static int read_cie(const struct section *s, const uint8_t *at, struct cie *out)
{
	const char *letters;
	const uint8_t *id_at;
	struct cursor c;
	uint64_t id, version;

	if (open_entry(s, at, &c, &id, &id_at))
		return -EINVAL;
	if (s->is_debug ? (uint32_t)id != 0xffffffff : id != 0)
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	version = take(&c, 1);
	if (version != 1 && version != 3 && version != 4)
		return -EINVAL;
	letters = (const char *)c.at;
	while (take(&c, 1))
		;
	if (c.is_bad || (letters[0] && letters[0] != 'z'))
		return -EINVAL;
	if (version == 4 && (take(&c, 1) != sizeof(uintptr_t) || take(&c, 1) != 0))
		return -EINVAL;
	out->code_align = take_uleb(&c);
	out->data_align = take_sleb(&c);
	if ((version == 1 ? take(&c, 1) : take_uleb(&c)) != UNWIND_RA)
		return -EINVAL;
	if (letters[0] == 'z') {
		out->has_data = 1;
		read_augmentation(&c, letters + 1, out);
	}
	out->program = c;
	return c.is_bad ? -EINVAL : 0;
}

/* 0, -ENOENT when the entry at AT is no FDE or ends the section, or -EINVAL. */
static int read_fde(const struct section *s, const uint8_t *at, struct fde *out)
{
	const uint8_t *id_at, *cie_at;
	struct cursor c;
	uint64_t id;
	int rc = open_entry(s, at, &c, &id, &id_at);

	if (rc)
		return rc;
	if (s->is_debug ? (uint32_t)id == 0xffffffff : id == 0)
		return -ENOENT;
	if (id > (s->is_debug ? (uint64_t)(s->high - s->low) : (uint64_t)(id_at - s->low)))
		return -EINVAL;
	cie_at = s->is_debug ? s->low + id : id_at - id;
	if (read_cie(s, cie_at, &out->cie))
		return -EINVAL;
	out->begin = take_address(&c, out->cie.encoding, 0) + s->bias;
	out->size = take_form(&c, out->cie.encoding);
	if (out->cie.has_data)
		skip(&c, take_uleb(&c));
	out->program = c;
	return c.is_bad ? -EINVAL : 0;
}

/* ---- programs ---- */

struct machine {
	const struct cie *cie;
	struct cfi_row *row;
	const struct cfi_row *initial; /* NULL while the CIE's own program runs */
	uintptr_t at, pc;
	unsigned saved_count;
	struct cfi_row saved[SAVED_ROWS];
};

static void set_place(struct machine *m, uint64_t number, enum cfi_where where, int64_t value,
		      struct cursor *c)
{
	if (value != (int32_t)value)
		c->is_bad = 1;
	if (number >= UNWIND_REGISTERS)
		return; /* no state of ours depends on it */
	m->row->registers[number] = (struct cfi_place){ (int32_t)value, (uint8_t)where };
}

static void restore_place(struct machine *m, uint64_t number, struct cursor *c)
{
	if (!m->initial)
		c->is_bad = 1;
	else if (number < UNWIND_REGISTERS)
		m->row->registers[number] = m->initial->registers[number];
}

static void set_cfa(struct machine *m, uint64_t number, int64_t offset, struct cursor *c)
{
	if (number >= UNWIND_REGISTERS || offset != (int32_t)offset)
		c->is_bad = 1;
	m->row->cfa_register = (uint8_t)number;
	m->row->cfa_value = (int32_t)offset;
	m->row->cfa_is_expression = 0;
}

/* Offset of the expression at C, which is skipped, from the row's base. */
static int64_t take_expression(struct machine *m, struct cursor *c)
{
	int64_t offset = c->at - m->row->base;

	skip(c, take_uleb(c));
	return offset;
}

static void save_row(struct machine *m, struct cursor *c)
{
	if (m->saved_count == SAVED_ROWS)
		c->is_bad = 1;
	else
		m->saved[m->saved_count++] = *m->row;
}

static void restore_row(struct machine *m, struct cursor *c)
{
	if (m->saved_count == 0)
		c->is_bad = 1;
	else
		*m->row = m->saved[--m->saved_count];
}

enum {
	OP_NOP = 0x00,
	OP_SET_LOC = 0x01,
	OP_ADVANCE_1 = 0x02,
	OP_ADVANCE_2 = 0x03,
	OP_ADVANCE_4 = 0x04,
	OP_OFFSET_EXTENDED = 0x05,
	OP_RESTORE_EXTENDED = 0x06,
	OP_UNDEFINED = 0x07,
	OP_SAME_VALUE = 0x08,
	OP_REGISTER = 0x09,
	OP_REMEMBER_STATE = 0x0a,
	OP_RESTORE_STATE = 0x0b,
	OP_DEF_CFA = 0x0c,
	OP_DEF_CFA_REGISTER = 0x0d,
	OP_DEF_CFA_OFFSET = 0x0e,
	OP_DEF_CFA_EXPRESSION = 0x0f,
	OP_EXPRESSION = 0x10,
	OP_OFFSET_EXTENDED_SF = 0x11,
	OP_DEF_CFA_SF = 0x12,
	OP_DEF_CFA_OFFSET_SF = 0x13,
	OP_VAL_OFFSET = 0x14,
	OP_VAL_OFFSET_SF = 0x15,
	OP_VAL_EXPRESSION = 0x16,
	OP_AARCH64_NEGATE_RA_STATE = 0x2d,
	OP_GNU_ARGS_SIZE = 0x2e,
	OP_GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
	OP_ADVANCE = 0x40, /* from here the low six bits are an operand */
	OP_OFFSET = 0x80,
	OP_RESTORE = 0xc0,
};

/* Opcodes that move on in the code. 1 if OP was one. */
static int run_advance(struct machine *m, uint8_t op, struct cursor *c)
{
	if ((op & 0xc0) == OP_ADVANCE)
		m->at += (op & 0x3f) * m->cie->code_align;
	else if (op == OP_ADVANCE_1)
		m->at += take(c, 1) * m->cie->code_align;
	else if (op == OP_ADVANCE_2)
		m->at += take(c, 2) * m->cie->code_align;
	else if (op == OP_ADVANCE_4)
		m->at += take(c, 4) * m->cie->code_align;
	else if (op == OP_SET_LOC)
		m->at = take_address(c, m->cie->encoding, 0);
	else
		return 0;
	return 1;
}

/* Opcodes that say where the CFA is. 1 if OP was one. */
static int run_cfa(struct machine *m, uint8_t op, struct cursor *c)
{
	int64_t align = m->cie->data_align;
	uint64_t number;

	switch (op) {
	case OP_DEF_CFA:
		number = take_uleb(c);
		set_cfa(m, number, (int64_t)take_uleb(c), c);
		return 1;
	case OP_DEF_CFA_SF:
		number = take_uleb(c);
		set_cfa(m, number, take_sleb(c) * align, c);
		return 1;
	case OP_DEF_CFA_REGISTER:
		if (m->row->cfa_is_expression)
			c->is_bad = 1;
		set_cfa(m, take_uleb(c), m->row->cfa_value, c);
		return 1;
	case OP_DEF_CFA_OFFSET:
	case OP_DEF_CFA_OFFSET_SF:
		/*
		 * After an expression DWARF allows none. gcc means the register that was before it, where a frame
		 * with vectors of SVE in it has shrunk to one without.
		 */
		set_cfa(m, m->row->cfa_register,
			op == OP_DEF_CFA_OFFSET ? (int64_t)take_uleb(c) : take_sleb(c) * align, c);
		return 1;
	case OP_DEF_CFA_EXPRESSION:
		number = m->row->cfa_register;
		set_cfa(m, 0, take_expression(m, c), c);
		m->row->cfa_register = (uint8_t)number;
		m->row->cfa_is_expression = 1;
		return 1;
	default:
		return 0;
	}
}

/* Opcodes that say where a register is; anything that is not known spoils the program. */
static void run_register(struct machine *m, uint8_t op, struct cursor *c)
{
	int64_t align = m->cie->data_align;
	uint64_t number = take_uleb(c);

	switch (op) {
	case OP_OFFSET_EXTENDED:
		set_place(m, number, CFI_SAVED, (int64_t)take_uleb(c) * align, c);
		break;
	case OP_OFFSET_EXTENDED_SF:
		set_place(m, number, CFI_SAVED, take_sleb(c) * align, c);
		break;
	case OP_GNU_NEGATIVE_OFFSET_EXTENDED:
		set_place(m, number, CFI_SAVED, -(int64_t)take_uleb(c) * align, c);
		break;
	case OP_VAL_OFFSET:
		set_place(m, number, CFI_OFFSET, (int64_t)take_uleb(c) * align, c);
		break;
	case OP_VAL_OFFSET_SF:
		set_place(m, number, CFI_OFFSET, take_sleb(c) * align, c);
		break;
	case OP_REGISTER:
		set_place(m, number, CFI_REGISTER, (int64_t)take_uleb(c), c);
		break;
	case OP_EXPRESSION:
		set_place(m, number, CFI_SAVED_EXPRESSION, take_expression(m, c), c);
		break;
	case OP_VAL_EXPRESSION:
		set_place(m, number, CFI_EXPRESSION, take_expression(m, c), c);
		break;
	case OP_UNDEFINED:
		set_place(m, number, CFI_UNDEFINED, 0, c);
		break;
	case OP_SAME_VALUE:
		set_place(m, number, CFI_SAME, 0, c);
		break;
	case OP_RESTORE_EXTENDED:
		restore_place(m, number, c);
		break;
	case OP_GNU_ARGS_SIZE: /* NUMBER is the size of arguments on the stack: of no use here */
		break;
	default:
		c->is_bad = 1;
	}
}

/* Runs C up to the row that holds for M->pc. 0 or -EINVAL. */
static int run(struct machine *m, struct cursor c)
{
	while (c.at < c.end && !c.is_bad) {
		uint8_t op = (uint8_t)take(&c, 1);

		if (op == OP_NOP)
			continue;
#if defined(__aarch64__)
		/* From here on the return address is signed, or no longer: unwind_code() takes either. */
		if (op == OP_AARCH64_NEGATE_RA_STATE)
			continue;
#endif
		if (run_advance(m, op, &c)) {
			if (m->at > m->pc)
				break;
		} else if ((op & 0xc0) == OP_OFFSET) {
			set_place(m, op & 0x3f, CFI_SAVED,
				  (int64_t)take_uleb(&c) * m->cie->data_align, &c);
		} else if ((op & 0xc0) == OP_RESTORE) {
			restore_place(m, op & 0x3f, &c);
		} else if (op == OP_REMEMBER_STATE) {
			save_row(m, &c);
		} else if (op == OP_RESTORE_STATE) {
			restore_row(m, &c);
		} else if (!run_cfa(m, op, &c)) {
			run_register(m, op, &c);
		}
	}
	return c.is_bad ? -EINVAL : 0;
}

static int run_fde(const struct section *s, const struct fde *fde, uintptr_t pc, struct cfi_row *row)
{
	struct machine m = { .cie = &fde->cie, .row = row, .at = fde->begin, .pc = pc };
	struct cfi_row initial;
	int rc;

	memset(row, 0, sizeof(*row));
	row->base = s->low;
	row->limit = s->high;
	row->cfa_register = UNWIND_REGISTERS; /* none yet */
	row->is_signal = fde->cie.is_signal;
	rc = run(&m, fde->cie.program);
	if (rc)
		return rc;
	initial = *row;
	m.initial = &initial;
	rc = run(&m, fde->program);
	if (rc == 0 && !row->cfa_is_expression && row->cfa_register >= UNWIND_REGISTERS)
		return -EINVAL;
	return rc;
}

/* ---- look-up ---- */

/* The readable segment of DSO that holds ADDR, as far as the file fills it. */
static int section_at(const struct dso *dso, uintptr_t addr, struct section *out)
{
	size_t i;

	for (i = 0; i < dso->phdr_count; i++) {
		const ElfW(Phdr) *p = &dso->phdr[i];
		uintptr_t low = dso->bias + p->p_vaddr;

		if (p->p_type == PT_LOAD && (p->p_flags & PF_R) && addr - low < p->p_filesz) {
			*out = (struct section){ (const uint8_t *)low,
						 (const uint8_t *)low + p->p_filesz, 0, 0 };
			return 0;
		}
	}
	return -EINVAL;
}

/* The FDE that the table of .eh_frame_hdr at HEADER has for PC. */
static const uint8_t *search_header(const struct section *s, const uint8_t *header, uintptr_t pc)
{
	struct cursor c = { header, s->high, 0 };
	uint64_t version = take(&c, 1);
	uint8_t frame_encoding = (uint8_t)take(&c, 1), count_encoding = (uint8_t)take(&c, 1);
	uint8_t table_encoding = (uint8_t)take(&c, 1);
	int64_t target = (int64_t)(pc - (uintptr_t)header);
	uint64_t count, low, high;
	int32_t pair[2];

	if (c.is_bad || version != 1 || count_encoding == OMITTED ||
	    table_encoding != (TO_DATA | FORM_S4))
		return NULL;
	take_form(&c, frame_encoding);
	count = take_form(&c, count_encoding);
	if (c.is_bad || count == 0 || count > (uint64_t)(c.end - c.at) / sizeof(pair))
		return NULL;
	/* The last entry that begins at or before PC. */
	for (low = 0, high = count; low < high;) {
		uint64_t middle = (low + high) / 2;

		memcpy(pair, c.at + middle * sizeof(pair), sizeof(pair));
		if (pair[0] <= target)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	memcpy(pair, c.at + (low - 1) * sizeof(pair), sizeof(pair));
	return header + pair[1];
}

int cfi_find(const struct dso *dso, uintptr_t pc, struct cfi_row *row)
{
	const uint8_t *header = NULL, *at;
	struct section section;
	struct fde fde;
	size_t i;
	int rc;

	for (i = 0; i < dso->phdr_count && !header; i++)
		if (dso->phdr[i].p_type == PT_GNU_EH_FRAME)
			header = (const uint8_t *)(dso->bias + dso->phdr[i].p_vaddr);
	if (!header || section_at(dso, (uintptr_t)header, &section))
		return -ENOENT;
	at = search_header(&section, header, pc);
	if (!at)
		return -ENOENT;
	if (section_at(dso, (uintptr_t)at, &section))
		return -EINVAL;
	rc = read_fde(&section, at, &fde);
	if (rc)
		return rc;
	if (pc - fde.begin >= fde.size)
		return -ENOENT;
	return run_fde(&section, &fde, pc, row);
}

size_t cfi_list_debug(const uint8_t *bytes, size_t size, struct cfi_range *out, size_t max)
{
	struct section section = { bytes, bytes + size, 0, 1 };
	const uint8_t *at = bytes, *id_at;
	struct cursor body;
	struct fde fde;
	size_t count = 0;
	uint64_t id;

	for (; at < section.high && open_entry(&section, at, &body, &id, &id_at) == 0; at = body.end) {
		if (read_fde(&section, at, &fde))
			continue;
		if (count < max)
			out[count] = (struct cfi_range){ fde.begin, fde.size, (size_t)(at - bytes) };
		count++;
	}
	return count;
}

int cfi_find_debug(const uint8_t *bytes, size_t size, uintptr_t bias, size_t offset, uintptr_t pc,
		   struct cfi_row *row)
{
	struct section section = { bytes, bytes + size, bias, 1 };
	struct fde fde;
	int rc;

	if (offset >= size)
		return -EINVAL;
	rc = read_fde(&section, bytes + offset, &fde);
	if (rc)
		return rc;
	return pc - fde.begin < fde.size ? run_fde(&section, &fde, pc, row) : -ENOENT;
}

const uint8_t *cfi_expression(const struct cfi_row *row, int32_t value, size_t *length)
{
	struct cursor c;
	uint64_t bytes;

	if (value < 0 || value >= row->limit - row->base)
		return NULL;
	c = (struct cursor){ row->base + value, row->limit, 0 };
	bytes = take_uleb(&c);
	if (c.is_bad || bytes > (uint64_t)(c.end - c.at))
		return NULL;
	*length = (size_t)bytes;
	return c.at;
}

#endif
