/* SPDX-License-Identifier: MIT */
/* test_encode.c - varint, zigzag, text and CRC against published values and a decoder of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "encode.h"

static uint64_t decode(const uint8_t *at, size_t *length)
{
	uint64_t value = 0;
	unsigned shift = 0;
	size_t i = 0;

	do {
		value |= (uint64_t)(at[i] & 0x7f) << shift;
		shift += 7;
	} while (at[i++] & 0x80);
	*length = i;
	return value;
}

static void varints_come_back(void **state)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX };
	uint8_t bytes[ENCODE_VARINT_MAX];
	size_t i, length;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint8_t *end = encode_varint(bytes, values[i]);

		assert_true(decode(bytes, &length) == values[i]);
		assert_int_equal(length, end - bytes);
		assert_true(length <= ENCODE_VARINT_MAX);
	}
}

static void zigzag_keeps_small_magnitudes_small(void **state)
{
	(void)state;
	assert_true(encode_zigzag(0) == 0);
	assert_true(encode_zigzag(-1) == 1);
	assert_true(encode_zigzag(1) == 2);
	assert_true(encode_zigzag(INT64_MIN) == UINT64_MAX);
	assert_true(encode_zigzag(INT64_MAX) == UINT64_MAX - 1);
}

static void text_is_length_and_bytes(void **state)
{
	uint8_t bytes[32];
	uint8_t *end = encode_text(bytes, "stack", 5);

	(void)state;
	assert_int_equal(end - bytes, 6);
	assert_int_equal(bytes[0], 5);
	assert_memory_equal(bytes + 1, "stack", 5);
}

/* The check value of CRC-32/ISO-HDLC, as published with the polynomial. */
static void crc_has_the_published_check_value(void **state)
{
	uint32_t half;

	(void)state;
	assert_int_equal(encode_crc32(0, "123456789", 9), 0xCBF43926u);
	half = encode_crc32(0, "1234", 4);
	assert_int_equal(encode_crc32(half, "56789", 5), 0xCBF43926u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varints_come_back),
		cmocka_unit_test(zigzag_keeps_small_magnitudes_small),
		cmocka_unit_test(text_is_length_and_bytes),
		cmocka_unit_test(crc_has_the_published_check_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
