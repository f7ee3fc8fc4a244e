/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The backend of a host that forwards nothing (a route reflector): its VNIs never get ready, wishes are dropped. */
#include "dataplane/backend.h"

static void *none_open(struct dp *d, struct loop *loop, struct log *log)
{
	return d;
}

static void none_close(void *be)
{
}

static int none_vni_add(void *be, struct dp_vni *v, const struct dp_vni_params *p, void **data)
{
	*data = v;
	return 0;
}

static void none_vni_del(void *be, void *data, bool remove)
{
}

static void none_vni_info(const void *be, const void *data, struct dp_vni_info *out)
{
	out->problem = "dataplane none forwards nothing";
}

static bool none_flush(void *be)
{
	return false;
}

static const char *none_ifname(const void *be, unsigned ifindex)
{
	return NULL;
}

const struct dp_ops dp_none_ops = {
	.name = "none",
	.blind = true,
	.open = none_open,
	.close = none_close,
	.vni_add = none_vni_add,
	.vni_del = none_vni_del,
	.vni_info = none_vni_info,
	.flush = none_flush,
	.ifname = none_ifname,
};
