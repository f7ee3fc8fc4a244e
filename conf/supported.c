/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What the schema reads and this version cannot do yet. It is an error, so that no configuration does less than it
 * says. Who builds one of these takes its lines out of here.
 */
#include "base/log.h"
#include "conf/check.h"

/* This key of the map at m asks for something. */
static void key_unsupported(struct load *ld, uint32_t m, const char *key, bool asked)
{
	if (asked && mark_good(ld, m, key))
		load_error_key(ld, m, key, m, "not supported by this version");
}

static void vni_supported(struct load *ld, const struct config_vni *v, uint32_t m)
{
	key_unsupported(ld, m, "group", v->group.len && v->mode == CONFIG_MODE_EVPN);
}

void check_supported(struct load *ld)
{
	const struct config *c = ld->config;
	uint32_t m;

	m = mark_items(ld, MARK_ROOT, "vnis");
	for (size_t i = 0; m; i++, m = mark_at(ld, m)->next)
		vni_supported(ld, &c->vnis[i], m);
}
