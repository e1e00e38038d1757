/* SPDX-License-Identifier: MIT */
/* crc32.h - CRC-32 as in IEEE 802.3 and zlib (reflected polynomial 0xEDB88320). Pure. */
#ifndef UTIL_CRC32_H
#define UTIL_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC of BYTES[LENGTH], continued from CRC (0 at the start). */
uint32_t crc32_add(uint32_t crc, const void *bytes, size_t length);

#endif
