/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What struct bgp_family prints, as a string. */
#include "tests/lib/route_json.h"

#include "base/json.h"

char *route_json(const struct bgp_family *f, const uint8_t *key, size_t key_len, const struct bgp_attrs *a)
{
	struct buf out;
	struct json j;
	char *text;

	buf_init(&out);
	json_init(&j, &out);
	json_object(&j, NULL);
	f->print(&j, key, key_len, a);
	if (f->print_attrs)
		f->print_attrs(&j, a);
	json_object_end(&j);
	buf_add(&out, "", 1);
	text = xstrdup(buf_data(&out));
	buf_fini(&out);
	return text;
}
