/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* top: rates out of counters, pages that fit. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/evpnctl/screen.h"
#include "cmd/evpnctl/top.h"
#include "tests/lib/test.h"

static void rates_are_differences(void **state)
{
	struct rates *r = rates_new();

	rates_begin(r, 100);
	assert_true(rates_of(r, "a", 1000) < 0);
	rates_begin(r, 102);
	assert_true(rates_of(r, "a", 1500) == 250);
	assert_true(rates_of(r, "b", 7) < 0);
	rates_begin(r, 103);
	assert_true(rates_of(r, "a", 20) < 0); /* its owner began anew */
	rates_begin(r, 104);
	assert_true(rates_of(r, "a", 30) == 10);
	assert_true(rates_of(r, "b", 8) < 0); /* it was not there a second ago */
	rates_free(r);
}

static void put(const char *line, size_t width, const char *want)
{
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	screen_put_line(line, strlen(line), width, out);
	fclose(out);
	assert_string_equal(got, want);
	free(got);
}

static void screen_cuts_lines_by_columns(void **state)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	put("abcdef", 0, "abcdef");
	put("abcdef", 6, "abcdef");
	put("abcdef", 5, "abcde");
	put("a\xc3\xa9\xc3\xa9g", 3, "a\xc3\xa9\xc3\xa9");
	put("\xe6\xbc\xa2\xe5\xad\x97", 3, "\xe6\xbc\xa2"); /* two columns each */
	put("a\xff\xfez", 3, "a\xff\xfe");
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

static json_t *parse(const char *fmt, ...)
{
	char text[512];
	json_t *v;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	v = json_loads(text, 0, NULL);
	if (!v)
		fail_msg("no JSON: %s", text);
	return v;
}

/* Neighbor k of n is down when k is the last; VNI k has k frames more in each page, and none is ready in the first. */
static struct top_answers answers(unsigned neighbors, unsigned vnis, unsigned page)
{
	struct top_answers a = {
		parse("{'version':'1','vtep':'192.0.2.1','asn':65000,'dataplane':'kernel',"
		      "'uptime_s':1,'draining_s':1}"),
		parse("{'process':{'cpu_user_us':%u,'cpu_system_us':0,'longest_turn_us':1500,'resident_bytes':2048},"
		      "'rib':{'keys':5,'attribute_sets':2},'dataplane':{'rows':4,'dirty':1,'writes':%u,'errors':0},"
		      "'control':{'clients':1}}",
		      page * 250000, page * 3),
		json_array(), json_array(), json_array()
	};

	for (unsigned k = 1; k <= neighbors; k++)
		json_array_append_new(a.neighbors,
				      parse("{'address':'192.0.2.%u','asn':65000,'state':'%s','state_s':5,"
					    "'prefixes_received':1,'prefixes_sent':2,'pending':0,'nlri_in':%u,"
					    "'nlri_out':0,'description':null,'problem':%s}",
					    k, k == neighbors ? "Active" : "Established", page * 10,
					    k == neighbors ? "'No route to host'" : "null"));
	for (unsigned k = 1; k <= vnis; k++) {
		json_array_append_new(
			a.vnis, parse("{'vni':%u,'mode':'evpn','ready':true,'flood':[],'problem':null,'local_macs':1,"
				      "'remote_macs':2,'local_ips':3,'remote_ips':4,'resolver':null}",
				      k));
		json_array_append_new(a.traffic,
				      parse("{'scope':'vni','vni':%u,'rx_frames':%u,'rx_octets':%u,'tx_frames':0,"
					    "'tx_octets':0,'drops':0}",
					    k, page * k, page * k * 1000));
	}
	return a;
}

/* The second of two pages, a second apart; height OBJECT: as JSON. */
#define OBJECT SIZE_MAX
static char *page(unsigned neighbors, unsigned vnis, size_t width, size_t height)
{
	struct rates *r = rates_new();
	char *text = NULL;
	size_t len;

	for (unsigned n = 0; n < 2; n++) {
		struct top_answers a = answers(neighbors, vnis, n);
		FILE *out;

		free(text);
		out = open_memstream(&text, &len);
		rates_begin(r, n);
		if (height == OBJECT)
			top_object(&a, r, out);
		else
			top_page(&a, r, width, height, out);
		fclose(out);
		json_decref(a.version);
		json_decref(a.memory);
		json_decref(a.neighbors);
		json_decref(a.vnis);
		json_decref(a.traffic);
		json_decref(a.rates);
	}
	rates_free(r);
	return text;
}

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in\n%s", part, text);
}

static void top_shows_rates_and_what_is_wrong_first(void **state)
{
	char *p = page(3, 2, 0, 0);

	assert_has(p, "DRAINING");
	assert_has(p, " No route to host\n");
	assert_has(p, "sessions 2 of 3  routes 5  in 30/s  out 0/s  sets 2\n");
	assert_has(p, "MACs 2 here, 4 there  addresses 6, 8  rows 4, 1 due  writes 3.0/s  errors 0\n");
	assert_has(p, "memory 2.0 KiB  processor 25.0 %  longest turn 1.5 ms  clients 1\n");
	assert_true(strstr(p, "192.0.2.3") < strstr(p, "192.0.2.1 65000") &&
		    strstr(p, "192.0.2.1 65000") < strstr(p, "192.0.2.2"));
	assert_has(p, "  2 evpn ready     1      2     0  2.0   16k     0     0       0");
	assert_true(strstr(p, "\n  2 evpn") < strstr(p, "\n  1 evpn")); /* more packets */
	free(p);
}

static void top_as_an_object_has_rates_and_no_word_for_people(void **state)
{
	char *p = page(2, 1, 0, OBJECT);
	json_t *o = json_loads(p, JSON_REJECT_DUPLICATES, NULL), *vni = json_array_get(json_object_get(o, "vnis"), 0);

	assert_non_null(o);
	assert_int_equal(lines_of(p), 1);
	assert_true(json_real_value(json_object_get(json_object_get(o, "rates"), "nlri_in_per_s")) == 20);
	assert_true(json_real_value(json_object_get(json_array_get(json_object_get(o, "neighbors"), 1),
						    "nlri_in_per_s")) == 10);
	assert_true(json_real_value(json_object_get(vni, "bits_in_per_s")) == 8000);
	assert_true(json_is_null(json_object_get(vni, "misses_per_s")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "version"), "asn")), 65000);
	json_decref(o);
	free(p);
}

/* Whatever there is, a page fits; nothing is left out while there is room, and what is left out is counted. */
static void top_pages_fit(void **state)
{
	static const unsigned sizes[] = { 0, 1, 2, 5, 20, 100 };

	for (size_t h = 1; h < 60; h++)
		for (size_t i = 0; i < 6; i++)
			for (size_t k = 0; k < 6; k++) {
				unsigned n = sizes[i], m = sizes[k];
				char *p = page(n, m, 80, h), *more = strstr(p, "more neighbors");
				char *vnis = strstr(p, "more VNIs");
				size_t lines = lines_of(p), all = 4 + 2 + n + 1 + m + 1;

				assert_true(lines <= h || h < 4);
				if (h >= 12 && lines < h && all > h)
					fail_msg("%zu of %zu lines for %u neighbors and %u VNIs:\n%s", lines, h, n, m,
						 p);
				if (h >= 12 && all <= h)
					assert_true(!more && !vnis);
				if (h >= 12 && all > h)
					assert_true(more || vnis);
				free(p);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_differences),
		cmocka_unit_test(screen_cuts_lines_by_columns),
		cmocka_unit_test(top_shows_rates_and_what_is_wrong_first),
		cmocka_unit_test(top_as_an_object_has_rates_and_no_word_for_people),
		cmocka_unit_test(top_pages_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
