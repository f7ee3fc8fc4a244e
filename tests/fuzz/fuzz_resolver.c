/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What resolvers write: as a registry, and each line by itself as an answer. */
#include <string.h>

#include "base/log.h"
#include "cmd/evpnd/host_line.h"
#include "cmd/evpnd/registry.h"
#include "tests/fuzz/fuzz.h"

static void take_line(const char *s, size_t len)
{
	struct host_line l;
	char why[192] = "";

	if (!host_line_read(s, len, &l, why, sizeof(why))) {
		BUG_ON(!why[0]);
		return;
	}
	BUG_ON(l.says & HOST_LINE_MAC && (mac_is_group(&l.host.mac) || mac_is_zero(&l.host.mac)));
	BUG_ON(l.says & HOST_LINE_VTEP && !ip_is_unicast(&l.host.vtep));
	BUG_ON(l.says & HOST_LINE_IP && !ip_is_unicast(&l.host.ip));
	BUG_ON(l.says & HOST_LINE_VNI && (!l.vni || l.vni > 0xffffff));
}

static void found_again(void *ctx, uint32_t vni, const struct config_host *h, bool there)
{
	const struct registry *r = ctx;

	BUG_ON(!there || !registry_find(r, vni, &h->mac, NULL) || (h->ip.len && !registry_find(r, vni, NULL, &h->ip)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *at = (const char *)data, *end = at + len, *next;
	struct registry *r;
	char why[512] = "";

	r = registry_parse("x", at, len, why, sizeof(why));
	BUG_ON(!r && !why[0]);
	if (r)
		registry_compare(NULL, r, found_again, r);
	registry_free(r);
	for (; at < end; at = next + 1) {
		next = memchr(at, '\n', (size_t)(end - at));
		next = next ? next : end;
		take_line(at, (size_t)(next - at));
	}
	return 0;
}
