/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The verbs port add and port del: ports of a VNI in other network namespaces. */
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/show.h"
#include "cmd/netns.h"

struct port_state {
	char netns[PATH_MAX];
	char name[IFNAMSIZ];
	struct dp_netns_port port;
	struct dp_netns_port_made made;
};

static int read_netns(struct reply *r, struct port_state *s)
{
	if (reply_has(r, ARG_NETNS) == reply_has(r, ARG_PID))
		return reply_fail(r, 2, "expected one of --netns and --pid");
	if (!netns_path(&r->args, s->netns, sizeof(s->netns)))
		return reply_fail(r, 2, "--netns: the path is too long");
	if (r->n_fds != NETNS_FDS)
		return reply_fail(r, 1, "%s: the caller has to open it and hand it over, as evpnctl does", s->netns);
	s->port.netns = s->netns;
	s->port.fd = r->fds[NETNS_FD];
	s->port.socket = r->fds[NETNS_SOCKET];
	return 0;
}

/* What the kernel takes for a name (dev_valid_name()), and no more. */
static bool name_good(const char *s)
{
	size_t len = strlen(s);

	if (!len || len >= IFNAMSIZ || !strcmp(s, ".") || !strcmp(s, ".."))
		return false;
	return strcspn(s, "/: \t\n%") == len;
}

static int read_name(struct reply *r, struct port_state *s)
{
	const char *name = reply_has(r, ARG_NAME) ? reply_arg(r, ARG_NAME)->text : "eth0";

	if (!name_good(name))
		return reply_fail(r, 2,
				  "--name: expected the name of an interface of 1 to 15 characters, found '%.40s'",
				  name);
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->port.name = s->name;
	return 0;
}

/* Without a length the address is alone: /32 or /128. */
static int read_ip(struct reply *r, struct port_state *s)
{
	const char *text = reply_arg(r, ARG_PORT_IP)->text, *slash;
	char address[64], *end = NULL;
	unsigned long len = 0;

	if (!reply_has(r, ARG_PORT_IP))
		return 0;
	slash = strchr(text, '/');
	snprintf(address, sizeof(address), "%.*s", slash ? (int)(slash - text) : (int)strlen(text), text);
	if (!ip_parse(address, &s->port.ip) || !ip_is_unicast(&s->port.ip))
		return reply_fail(r, 2, "--ip: expected the address of a host, as 10.0.0.5/24, found '%.60s'", text);
	if (slash)
		len = strtoul(slash + 1, &end, 10);
	if (!slash)
		len = s->port.ip.len * 8u;
	else if (slash[1] < '0' || slash[1] > '9' || *end || len > s->port.ip.len * 8u)
		return reply_fail(r, 2, "--ip: expected a length from 0 to %u after the slash, found '%.60s'",
				  s->port.ip.len * 8u, slash + 1);
	s->port.prefix_len = (uint8_t)len;
	return 0;
}

static int read_port(struct reply *r, struct port_state *s)
{
	int rc = read_netns(r, s);

	return rc ? rc : read_name(r, s);
}

static int start_add(struct reply *r)
{
	struct port_state *s = r->state;
	int rc = read_port(r, s);

	if (!rc)
		rc = read_ip(r, s);
	if (rc)
		return rc;
	s->port.mac = reply_arg(r, ARG_MAC)->mac;
	if (mac_is_group(&s->port.mac))
		return reply_fail(r, 2, "--mac: expected the address of a host, found '%s'",
				  reply_arg(r, ARG_MAC)->text);
	r->body = REPLY_OBJECT;
	return dp_port_add(r->d->dp, reply_arg(r, ARG_VNI)->n, &s->port, &s->made, r->error, sizeof(r->error)) ? 1 : 0;
}

static bool more_add(struct reply *r)
{
	const struct port_state *s = r->state;
	struct json *j = &r->json;

	json_object(j, NULL);
	json_uint(j, "vni", reply_arg(r, ARG_VNI)->n);
	json_str(j, "port", s->made.port);
	json_str(j, "netns", s->netns);
	json_str(j, "name", s->name);
	json_mac(j, "mac", &s->made.mac);
	json_ip(j, "ip", &s->port.ip);
	json_uint_if(j, "prefix_length", s->port.ip.len, s->port.prefix_len);
	json_object_end(j);
	return false;
}

const struct reply_ops change_port_add = { sizeof(struct port_state), start_add, more_add, NULL };

static int start_del(struct reply *r)
{
	struct port_state *s = r->state;
	int rc = read_port(r, s);

	r->body = REPLY_NONE;
	if (rc)
		return rc;
	return dp_port_del(r->d->dp, reply_arg(r, ARG_VNI)->n, &s->port, r->error, sizeof(r->error)) ? 1 : 0;
}

const struct reply_ops change_port_del = { sizeof(struct port_state), start_del, NULL, NULL };
