/* SPDX-License-Identifier: MIT */
/* encode.c - see encode.h. No input/output, no allocation, no globals. */
#include "encode.h"

#include <string.h>

#define CRC32_POLYNOMIAL 0xEDB88320u /* IEEE 802.3, bits reversed */

uint8_t *encode_text(uint8_t *at, const char *text, size_t length)
{
	at = encode_varint(at, length);
	memcpy(at, text, length);
	return at + length;
}

/* Bit by bit: it runs over a few kilobytes per process, a table would cost more to build. */
uint32_t encode_crc32(uint32_t crc, const void *bytes, size_t length)
{
	const uint8_t *b = bytes;
	size_t i;
	int bit;

	crc = ~crc;
	for (i = 0; i < length; i++) {
		crc ^= b[i];
		for (bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (CRC32_POLYNOMIAL & -(crc & 1u));
	}
	return ~crc;
}
