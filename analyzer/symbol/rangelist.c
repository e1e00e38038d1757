/* SPDX-License-Identifier: MIT */
/*
 * rangelist.c - see rangelist.h. DWARF 5, sections 2.17.3 (entries) and 7.28 (header). Lists are
 * referred to by index (DW_FORM_rnglistx), so they may move: each becomes one entry longer.
 */
#include "symbol/rangelist.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "util/pool.h"

#define HEADER_BYTES  12 /* length 4, version 2, address size 1, segment size 1, offset count 4 */
#define ADDRESS_BYTES 8
#define BASE_BYTES    (1 + ADDRESS_BYTES)

static uint32_t read32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* Behind the LEB128 number at AT, or END if it is cut off. */
static const uint8_t *skip_leb(const uint8_t *at, const uint8_t *end)
{
	while (at < end && (*at & 0x80))
		at++;
	return at < end ? at + 1 : end;
}

/* The bytes of the list at AT, its end included, or 0 if it does not end before END. */
static size_t list_bytes(const uint8_t *at, const uint8_t *end)
{
	static const struct {
		uint8_t addresses;
		uint8_t lebs;
	} operands[] = {
		[DW_RLE_base_addressx] = { 0, 1 }, [DW_RLE_startx_endx] = { 0, 2 },
		[DW_RLE_startx_length] = { 0, 2 }, [DW_RLE_offset_pair] = { 0, 2 },
		[DW_RLE_base_address] = { 1, 0 },  [DW_RLE_start_end] = { 2, 0 },
		[DW_RLE_start_length] = { 1, 1 },
	};
	const uint8_t *start = at;
	unsigned int i;

	while (at < end) {
		uint8_t kind = *at++;

		if (kind == DW_RLE_end_of_list)
			return (size_t)(at - start);
		if (kind >= sizeof(operands) / sizeof(operands[0]))
			return 0;
		if ((size_t)(end - at) < operands[kind].addresses * (size_t)ADDRESS_BYTES)
			return 0;
		at += operands[kind].addresses * (size_t)ADDRESS_BYTES;
		for (i = 0; i < operands[kind].lebs; i++)
			at = skip_leb(at, end);
	}
	return 0;
}

uint8_t *rangelist_rebase(const uint8_t *bytes, size_t size, uint64_t base, size_t *rebased_bytes)
{
	size_t capacity, used;
	uint32_t count, i, length;
	uint8_t *copy;

	if (size < HEADER_BYTES || size > UINT32_MAX / 4 || read32(bytes) != size - 4 ||
	    bytes[4] != 5 || bytes[6] != ADDRESS_BYTES)
		return NULL;
	count = read32(bytes + 8);
	if (count > (size - HEADER_BYTES) / 4)
		return NULL;
	/* Lists of one file do not overlap, so each byte is copied once. */
	capacity = size + (size_t)count * BASE_BYTES;
	copy = xmalloc(capacity);
	used = HEADER_BYTES + (size_t)count * 4;
	memcpy(copy, bytes, used);
	for (i = 0; i < count; i++) {
		uint64_t from = HEADER_BYTES + (uint64_t)read32(bytes + HEADER_BYTES + (size_t)i * 4);
		size_t list = from < size ? list_bytes(bytes + from, bytes + size) : 0;
		uint32_t offset = (uint32_t)(used - HEADER_BYTES);

		if (list == 0 || list > capacity - used || BASE_BYTES > capacity - used - list) {
			free(copy);
			return NULL;
		}
		memcpy(copy + HEADER_BYTES + (size_t)i * 4, &offset, sizeof(offset));
		copy[used] = DW_RLE_base_address;
		memcpy(copy + used + 1, &base, sizeof(base));
		memcpy(copy + used + BASE_BYTES, bytes + from, list);
		used += BASE_BYTES + list;
	}
	length = (uint32_t)(used - 4);
	memcpy(copy, &length, sizeof(length));
	*rebased_bytes = used;
	return copy;
}
