/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/refusal.h"

#include <errno.h>

#include "dataplane/backend.h"

/* Since Linux 5.0 rows like ours (extern_learn) are outside the limit. */
static const char *no_memory(uint8_t kind, const struct ip *ip)
{
	if (kind != DP_NEIGH)
		return "the kernel is out of memory for it";
	return ip && ip->len == 16 ? "net.ipv6.neigh.default.gc_thresh3 may be too low" :
				     "net.ipv4.neigh.default.gc_thresh3 may be too low";
}

static const char *exists(uint8_t kind)
{
	if (kind == DP_FDB)
		return "another program's sticky row of this MAC is in the bridge";
	return kind == DP_DEST ? "another program has a nexthop of this id" : NULL;
}

const char *refusal_help(int err, uint8_t kind, const struct ip *ip)
{
	switch (err) {
	case EPERM:
		return "it takes CAP_NET_ADMIN";
	case ENOBUFS:
	case ENOMEM:
		return no_memory(kind, ip);
	case ENOSPC:
		return kind == DP_FDB || kind == DP_FLOOD ? "the vxlan device takes no more rows (its maxaddress)"
							  : NULL;
	case EEXIST:
		return exists(kind);
	case ENODEV:
		return "its device is gone; when there is one again the row comes, too";
	case EINVAL:
	case EOPNOTSUPP:
		return "this kernel may be too old for it";
	case EAFNOSUPPORT:
		return "a vxlan device takes VTEPs of its own address family only";
	default:
		return NULL;
	}
}
