/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The doctor's look at the host around: ports that others have taken, filters, limits of the kernel, programs that undo
 * what evpnd writes. What cannot be seen for certain is not said.
 */
#include <dirent.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cmd/doctor.h"
#include "cmd/paths.h"
#include "dataplane/host.h"

#define NETWORKD_WITH_NEXTHOPS 256u

/* ---- sockets ----------------------------------------------------------------------------------------------------- */

/* A line of /proc/net/udp or tcp: is it at this port and, for TCP, does it listen? */
static bool line_is_at(const char *line, unsigned port, bool tcp)
{
	unsigned at, state;

	return sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &at, &state) == 2 && at == port &&
	       (!tcp || state == 0x0a);
}

static bool port_is_taken(const struct doctor *x, bool tcp, unsigned port)
{
	static const char *const files[2][2] = { { "net/udp", "net/udp6" }, { "net/tcp", "net/tcp6" } };
	bool taken = false;

	for (unsigned i = 0; i < 2; i++) {
		char path[256], line[512];
		FILE *f;

		snprintf(path, sizeof(path), "%s/proc/%s", x->root, files[tcp][i]);
		f = fopen(path, "re");
		while (f && !taken && fgets(line, sizeof(line), f))
			taken = line_is_at(line, port, tcp);
		if (f)
			fclose(f);
	}
	return taken;
}

/* One that is up has its UDP socket, which looks like any other; NULL: there is none. */
static const struct lookup_link *vxlan_at(const struct doctor *x, uint16_t port)
{
	for (size_t i = 0; i < x->n_links; i++)
		if (!strcmp(x->links[i].kind, "vxlan") && x->links[i].vxlan.port == port && x->links[i].flags & IFF_UP)
			return &x->links[i];
	return NULL;
}

static bool is_first_at(const struct doctor *x, const struct config_vni *v)
{
	for (const struct config_vni *o = x->config->vnis; o < v; o++)
		if (o->vxlan_port == v->vxlan_port)
			return false;
	return true;
}

static void look_at_udp(struct doctor *x, const struct config_vni *v)
{
	const struct lookup_link *vx = vxlan_at(x, v->vxlan_port);
	bool kernel = x->config->dataplane == CONFIG_DP_KERNEL;
	struct doctor_finding *f;

	if (!is_first_at(x, v) || (kernel && vx) ||
	    (!vx && ((!kernel && x->d) || !port_is_taken(x, false, v->vxlan_port))))
		return;
	f = doctor_find(x, DOCTOR_ERROR, "udp-port", "UDP port %u is taken by %s", v->vxlan_port,
			vx ? vx->name : "a program");
	f->vni = v->vni;
	doctor_why(f, kernel ? "no vxlan device can be up beside it" : "evpnd's own VTEP cannot have it as well");
	if (vx)
		doctor_command(f, "ip link set %s down, or another vxlan-port:", vx->name);
	else
		doctor_command(f, "ss -lunp 'sport = :%u' shows which; stop it, or take another vxlan-port:",
			       v->vxlan_port);
}

bool doctor_udp_port(struct doctor *x)
{
	return doctor_each_vni(x, look_at_udp);
}

/* The daemon knows whether it listens; before it starts only others can. */
bool doctor_bgp_port(struct doctor *x)
{
	const struct config *c = x->config;
	unsigned port = c->n_listen ? c->listen[0].port : 179;
	struct doctor_finding *f;

	if (!c->n_neighbors || x->d || !port_is_taken(x, true, port))
		return false;
	f = doctor_find(x, DOCTOR_ERROR, "bgp-port", "TCP port %u, for BGP, is taken by another program", port);
	doctor_why(f, "evpnd will not start");
	doctor_command(f, "ss -ltnp 'sport = :%u' shows which (FRR's bgpd?); stop it, or take another listen:", port);
	return false;
}

/* ---- filters ----------------------------------------------------------------------------------------------------- */

/* Only where there are rules: the switch alone does nothing. */
bool doctor_bridge_filters(struct doctor *x)
{
	static const struct {
		const char *sysctl, *tables, *tool;
	} of[] = { { "sys/net/bridge/bridge-nf-call-iptables", "net/ip_tables_names", "iptables" },
		   { "sys/net/bridge/bridge-nf-call-ip6tables", "net/ip6_tables_names", "ip6tables" },
		   { "sys/net/bridge/bridge-nf-call-arptables", "net/arp_tables_names", "arptables" } };

	for (unsigned i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		struct doctor_finding *f;
		char path[256], line[64];
		bool filter = false;
		FILE *names;

		snprintf(path, sizeof(path), "%s/proc/%s", x->root, of[i].tables);
		names = doctor_number(x, of[i].sysctl, 0) == 1 ? fopen(path, "re") : NULL;
		while (names && fgets(line, sizeof(line), names))
			filter |= !strncmp(line, "filter", 6);
		if (names)
			fclose(names);
		if (!filter)
			continue;
		f = doctor_find(x, DOCTOR_WARNING, "bridge-filter",
				"what bridges forward goes through %s here (%s is 1, and it has rules)", of[i].tool,
				of[i].sysctl + strlen("sys/"));
		doctor_why(f, "with Docker's rules a bridge forwards ARP and drops the rest: hosts resolve each other "
			      "and cannot talk");
		doctor_command(f,
			       "sysctl -w net.bridge.%s=0, or: %s -I FORWARD -m physdev --physdev-is-bridged -j ACCEPT",
			       strrchr(of[i].sysctl, '/') + 1, of[i].tool);
	}
	return false;
}

/* A counter of /proc/net/netstat: names in one line, values in the next. */
static unsigned long long netstat(const struct doctor *x, const char *group, const char *name)
{
	char path[256], names[4096], values[4096], *n, *v, *save_n, *save_v;
	unsigned long long found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/net/netstat", x->root);
	f = fopen(path, "re");
	while (f && fgets(names, sizeof(names), f) && fgets(values, sizeof(values), f)) {
		if (strncmp(names, group, strlen(group)))
			continue;
		n = strtok_r(names, " \n", &save_n);
		v = strtok_r(values, " \n", &save_v);
		for (; n && v; n = strtok_r(NULL, " \n", &save_n), v = strtok_r(NULL, " \n", &save_v))
			if (!strcmp(n, name))
				sscanf(v, "%llu", &found);
	}
	if (f)
		fclose(f);
	return found;
}

/* Strict, and it has dropped something: else it does no harm. */
bool doctor_reverse_path(struct doctor *x)
{
	const struct lookup_link *l = doctor_underlay(x, NULL);
	unsigned long long dropped;
	struct doctor_finding *f;
	char path[96];

	if (x->config->vtep.len != 4 || !l)
		return false;
	snprintf(path, sizeof(path), "sys/net/ipv4/conf/%s/rp_filter", l->name);
	if (doctor_number(x, path, 0) != 1 && doctor_number(x, "sys/net/ipv4/conf/all/rp_filter", 0) != 1)
		return false;
	dropped = netstat(x, "TcpExt:", "IPReversePathFilter");
	if (!dropped)
		return false;
	f = doctor_find(x, DOCTOR_WARNING, "reverse-path",
			"the kernel has dropped %llu packets that came in by another way than answers would leave "
			"(rp_filter is 1)",
			dropped);
	doctor_about(f, 0, l->name);
	doctor_why(f, "with several paths in the underlay packets of other VTEPs are among them");
	doctor_command(f, "sysctl -w net.ipv4.conf.%s.rp_filter=2 net.ipv4.conf.all.rp_filter=2", l->name);
	return false;
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static unsigned long count_neighbours(const struct doctor *x, const char *path)
{
	unsigned long n = 0;
	char full[256], line[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s/proc/%s", x->root, path);
	f = fopen(full, "re");
	if (f && fgets(line, sizeof(line), f) &&
	    fgets(line, sizeof(line), f)) /* the first line has words that look like numbers */
		sscanf(line, "%lx", &n);
	if (f)
		fclose(f);
	return n;
}

/* /proc/net/stat/arp_cache: a line of names, then a line a processor, whose first number is the entries of all. */
bool doctor_neighbour_table(struct doctor *x)
{
	static const struct {
		const char *limit, *cache, *family, *sysctl;
	} of[] = {
		{ "sys/net/ipv4/neigh/default/gc_thresh3", "net/stat/arp_cache", "IPv4",
		  "net.ipv4.neigh.default.gc_thresh3" },
		{ "sys/net/ipv6/neigh/default/gc_thresh3", "net/stat/ndisc_cache", "IPv6",
		  "net.ipv6.neigh.default.gc_thresh3" },
	};

	for (unsigned i = 0; i < 2; i++) {
		long limit = doctor_number(x, of[i].limit, 0); /* of the first network namespace alone */
		unsigned long entries = limit > 0 ? count_neighbours(x, of[i].cache) : 0;
		struct doctor_finding *f;

		if (limit <= 0 || entries < (unsigned long)limit / 10 * 9)
			continue;
		f = doctor_find(x, DOCTOR_WARNING, "neighbour-limit",
				"%lu %s neighbours are known, and the kernel takes %ld", entries, of[i].family, limit);
		doctor_why(f, "above it new hosts, and other VTEPs, are not resolved: \"neighbour table overflow\" in "
			      "the kernel's log");
		doctor_command(f, "sysctl -w %s=%lu", of[i].sysctl, entries * 4);
	}
	return false;
}

/* ---- others ------------------------------------------------------------------------------------------------------ */

static bool says_no(const char *path)
{
	char line[256];
	FILE *f = fopen(path, "re");
	bool no = false;

	while (f && fgets(line, sizeof(line), f))
		no |= !strncmp(line, "ManageForeignNextHops=no", 24) ||
		      !strncmp(line, "ManageForeignNextHops=false", 27);
	if (f)
		fclose(f);
	return no;
}

/* networkd.conf and what is added to it; a part that cannot be read may say no. */
static bool networkd_keeps_out(const struct doctor *x)
{
	static const char *const dirs[] = { "/etc/systemd", "/run/systemd", "/usr/lib/systemd" };
	bool no = false;

	for (unsigned i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !no; i++) {
		char dir[256], path[640];
		struct dirent *e;
		DIR *d;

		snprintf(path, sizeof(path), "%s%s/networkd.conf", x->root, dirs[i]);
		no = says_no(path);
		snprintf(dir, sizeof(dir), "%s%s/networkd.conf.d", x->root, dirs[i]);
		d = opendir(dir);
		while (d && !no && (e = readdir(d))) {
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
			no = says_no(path);
		}
		if (d)
			closedir(d);
	}
	return no;
}

bool doctor_networkd(struct doctor *x)
{
	struct doctor_finding *f;

	/* Before it, evpnd writes no nexthops: kernel_host.c. */
	if (!host_networkd_listens(x->root) || host_systemd_version(x->root) < NETWORKD_WITH_NEXTHOPS ||
	    networkd_keeps_out(x))
		return false;
	f = doctor_find(x, DOCTOR_WARNING, "networkd",
			"systemd-networkd runs here and removes nexthops of others when it starts again");
	doctor_why(f, "with them go the rows of all remote hosts, until evpnd has written them anew");
	doctor_command(f, "ManageForeignNextHops=no in [Network] of /etc/systemd/networkd.conf.d/evpnd.conf, then: "
			  "systemctl restart systemd-networkd");
	return false;
}
