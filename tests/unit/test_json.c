/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/json.c: nesting and commas, escapes, and that any octets come out as valid JSON. */
#include "base/json.h"

#include <locale.h>
#include <math.h>
#include <string.h>
#include <wchar.h>

#include "tests/lib/rng.h"
#include "tests/lib/test.h"

static void assert_text(const struct buf *b, const char *want)
{
	assert_int_equal(b->len, strlen(want));
	assert_memory_equal(buf_data(b), want, b->len);
}

static void json_writes_every_kind_of_value(void **state)
{
	struct mac m = { { 2, 0, 0, 0, 0, 0xab } };
	struct ip a = ip_v4(0xc0000201), none = ip_none();
	struct buf b;
	struct json j;

	buf_init(&b);
	json_init(&j, &b);
	json_object(&j, NULL);
	json_str(&j, "s", "x");
	json_str(&j, "sn", NULL);
	json_int(&j, "i", INT64_MIN);
	json_uint(&j, "u", UINT64_MAX);
	json_uint_if(&j, "uk", true, 0);
	json_uint_if(&j, "un", false, 7);
	json_int(&j, "z", 0);
	json_real(&j, "r", 1.5);
	json_real(&j, "nan", NAN);
	json_bool(&j, "t", true);
	json_bool(&j, "f", false);
	json_hex(&j, "h", "\x00\xfe", 2);
	json_mac(&j, "m", &m);
	json_mac(&j, "mn", NULL);
	json_ip(&j, "a", &a);
	json_ip(&j, "an", &none);
	json_raw(&j, "raw", "[1]", 3);
	json_array(&j, "e");
	json_array_end(&j);
	json_array(&j, "n");
	json_object(&j, NULL);
	json_object_end(&j);
	json_uints(&j, NULL, { "a", 1 }, { "b", UINT64_MAX });
	json_uint(&j, NULL, 1);
	json_null(&j, NULL);
	json_array_end(&j);
	json_object_end(&j);
	assert_text(
		&b,
		"{\"s\":\"x\",\"sn\":null,\"i\":-9223372036854775808,\"u\":18446744073709551615,"
		"\"uk\":0,\"un\":null,\"z\":0,"
		"\"r\":1.500,\"nan\":null,\"t\":true,\"f\":false,\"h\":\"00fe\",\"m\":\"02:00:00:00:00:ab\","
		"\"mn\":null,\"a\":\"192.0.2.1\",\"an\":null,\"raw\":[1],\"e\":[],"
		"\"n\":[{},{\"a\":1,\"b\":18446744073709551615},1,null]}");
	buf_fini(&b);
}

static void json_escapes_what_must_be(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "a\"b\\c\n\r\t", "\"a\\\"b\\\\c\\n\\r\\t\"" },
		{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82\"" },
		{ " ~", "\" ~\"" },
		/* The first and last of each length, and the neighbours of the surrogates. */
		{ "\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\"" },
		{ "\xed\x9f\xbf\xee\x80\x80", "\"\xed\x9f\xbf\xee\x80\x80\"" },
		{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"" },
		{ "\xf5\x80\x80\x80", "\"\\u00f5\\u0080\\u0080\\u0080\"" },
		/* Not UTF-8 (RFC 3629): a lone continuation, cut short, overlong, a surrogate, above U+10FFFF. */
		{ "\x80", "\"\\u0080\"" },
		{ "\xe2\x82", "\"\\u00e2\\u0082\"" },
		{ "\xc0\xaf", "\"\\u00c0\\u00af\"" },
		{ "\xe0\x9f\xbf", "\"\\u00e0\\u009f\\u00bf\"" },
		{ "\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\"" },
		{ "\xf4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\"" },
		{ "\xff", "\"\\u00ff\"" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct buf b;
		struct json j;

		buf_init(&b);
		json_init(&j, &b);
		json_str(&j, NULL, t[i].in);
		assert_text(&b, t[i].out);
		buf_fini(&b);
	}
}

/* True for a JSON string (RFC 8259 section 7) in UTF-8, the C library being the judge of that. */
static bool string_is_valid(const char *s, size_t n)
{
	const char *end = s + n;
	mbstate_t mb = { 0 };
	wchar_t wc;

	if (n < 2 || *s++ != '"' || *--end != '"')
		return false;
	while (s < end) {
		size_t len = mbrtowc(&wc, s, (size_t)(end - s), &mb);

		if (len == 0 || len > 4 || *s == '"' || (unsigned char)*s < 0x20)
			return false;
		if (*s == '\\') {
			len = s[1] == 'u' ? 6 : 2;
			if (end - s < (ptrdiff_t)len || !strchr("\"\\nrtu", s[1]))
				return false;
		}
		s += len;
	}
	return true;
}

static void json_any_octets_are_valid(void **state)
{
	struct rng r = rng_start(__func__);

	setlocale(LC_CTYPE, "C.UTF-8");
	for (int step = 0; step < 20000; step++) {
		char s[24];
		size_t n = rng_below(&r, sizeof(s));
		struct buf b;
		struct json j;

		for (size_t i = 0; i < n; i++) /* rich in lead octets */
			s[i] = (char)(rng_below(&r, 2) ? rng_u64(&r) : 0xc0 | (rng_u64(&r) & 0x37));
		buf_init(&b);
		json_init(&j, &b);
		json_strn(&j, NULL, s, n);
		assert_true(string_is_valid(buf_data(&b), b.len));
		buf_fini(&b);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_writes_every_kind_of_value),
		cmocka_unit_test(json_escapes_what_must_be),
		cmocka_unit_test(json_any_octets_are_valid),
	};

	return RUN_TESTS(tests);
}
