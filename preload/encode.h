/* SPDX-License-Identifier: MIT */
/*
 * encode.h - the byte forms of the trace: varint, zigzag, text. Writers advance a cursor;
 * the caller knows the bounds. Source of the formats: docs/trace-format.md (unsigned
 * LEB128).
 */
#ifndef PRELOAD_ENCODE_H
#define PRELOAD_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#define ENCODE_VARINT_MAX 10 /* bytes of one varint */

static inline uint8_t *encode_varint(uint8_t *at, uint64_t value)
{
	while (value >= 0x80) {
		*at++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*at++ = (uint8_t)value;
	return at;
}

/* A varint below 2^14, without a branch; stores two bytes in any case. */
static inline uint8_t *encode_short(uint8_t *at, uint32_t value)
{
	uint32_t is_long = value > 0x7f;

	at[0] = (uint8_t)(value | is_long << 7);
	at[1] = (uint8_t)(value >> 7);
	return at + 1 + is_long;
}

static inline uint64_t encode_zigzag(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

/* Length and bytes; needs ENCODE_VARINT_MAX + LENGTH bytes of room. */
uint8_t *encode_text(uint8_t *at, const char *text, size_t length);

/* CRC-32 as in IEEE 802.3 and zlib, over BYTES[LENGTH], continued from CRC (0 at the start). */
uint32_t encode_crc32(uint32_t crc, const void *bytes, size_t length);

#endif
