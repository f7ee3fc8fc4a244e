/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * EVPN as the rest of the house sees it: a family of bgp (codec, preference, printing), a listener of its best paths, a
 * receiver of dataplane events, and the tables between them. A VNI is one broadcast domain with its RD and route
 * targets (an EVI); those of a bundle share these. A MAC points at a destination: a local port, a VTEP, an Ethernet
 * Segment (several VTEPs), or nothing.
 *
 *   bgp best paths --> import by route target --> MAC and neighbour tables --> dp_want()/dp_unwant()
 *   dp events --> local MAC and neighbour tables --> bgp_originate()/bgp_withdraw()
 *
 * Numbers (VNIs, AS numbers, router ids) are in host order; RDs, route targets and ESIs are octets as on the wire.
 */
#ifndef EVPN_H
#define EVPN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/history.h"
#include "base/log.h"
#include "base/mtime.h"
#include "include/bgp.h"
#include "include/config.h"
#include "include/dataplane.h"

struct evpn;

/* AFI 25, SAFI 70 (RFC 7432). Constant: the codec knows nothing of a speaker. */
extern const struct bgp_family evpn_family;

struct evpn_params {
	uint32_t asn, router_id; /* 0: not given, without neighbors */
	struct ip vtep; /* our own; none: not given */
	struct log *log;
	struct history *history; /* NULL: none is kept */
};

struct evpn *evpn_new(const struct evpn_params *p, struct mtime now);
void evpn_free(struct evpn *e);
/* For bgp_family_register(); ctx is e. Valid as long as e. */
const struct bgp_listener *evpn_listener(struct evpn *e);
/* For dp_new(); ctx is e. */
const struct dp_events *evpn_dp_events(struct evpn *e);
/* Joins the parts; before the first VNI. */
void evpn_connect(struct evpn *e, struct bgp *b, struct dp *d);
/* The time of what comes next; the composition root calls it before every event, tests set it. */
void evpn_set_now(struct evpn *e, struct mtime now);
/* When evpn_run_timers() has something to do next; MTIME_NEVER when nothing is waited for. */
struct mtime evpn_deadline(const struct evpn *e);
void evpn_run_timers(struct evpn *e, struct mtime now);

/*
 * Takes on a VNI. In mode evpn it advertises its Type 3 and imports what is in the RIB already, in the others it is
 * nothing to BGP: what the configuration says of hosts and VTEPs goes to the tables instead. The dataplane's side
 * (dp_vni_add) is done here too; udp_port and underlay are for what c leaves open. -EEXIST for a second one,
 * -EADDRINUSE when its RD and Ethernet Tag are those of another, -ENOSPC, or what dp_vni_add says.
 */
int evpn_vni_add(struct evpn *e, const struct config_vni *c, uint16_t udp_port, const char *underlay);
/* Withdraws what was advertised for it and takes it from the dataplane (dp_vni_del). No harm when there is none. */
void evpn_vni_del(struct evpn *e, uint32_t vni);
/*
 * For many at once, in one turn of the loop: between the two new VNIs do not import what is in the RIB already, and
 * those that were deleted keep their MACs; the end does it for all of them in one walk over either table. A VNI that is
 * to be made anew is deleted between two and added between two others.
 */
void evpn_vnis_begin(struct evpn *e);
void evpn_vnis_end(struct evpn *e);

/* Of the VNI the hosts alone are others: was is what it was added with, or changed to. */
void evpn_vni_change_hosts(struct evpn *e, const struct config_vni *was, const struct config_vni *is);

/*
 * A host of a VNI as if it stood in its configuration, until the VNI changes or goes. -ENOENT: no such VNI, or (del) no
 * such host; -EINVAL: it is at our own VTEP, or the tunnel's addresses are of the other family. Without an address (ip
 * none) del takes all of the MAC that was configured or added.
 */
int evpn_host_add(struct evpn *e, uint32_t vni, const struct config_host *h);
int evpn_host_del(struct evpn *e, uint32_t vni, const struct mac *mac, const struct ip *ip);

/* ---- rows on demand (modes dynamic-*) ---------------------------------------------------------------------------- */

/*
 * Where answers come from that the tables do not have. ask() may answer before it returns; a question that is not
 * answered in two seconds counts as one that nobody knows an answer to, and there are 1,024 of a VNI at most.
 */
struct evpn_source {
	/* Who is mac behind, or with mac NULL, who has ip? */
	void (*ask)(void *ctx, uint32_t vni, uint32_t id, const struct mac *mac, const struct ip *ip);
	void (*late)(void *ctx, uint32_t vni); /* a question of this VNI was not answered in time */
	void *ctx;
};
void evpn_set_source(struct evpn *e, const struct evpn_source *s);
/*
 * The answer to question id: the host, NULL when nobody knows. -ENOENT: the VNI has no
 * such question (any more); -EINVAL: it is not what was asked for, or cannot be sent to.
 */
int evpn_resolved(struct evpn *e, uint32_t vni, uint32_t id, const struct config_host *host);
/*
 * The host is there, or is not, where it may have been answered otherwise before. When nobody
 * uses it, it matters only that an IPv6 host is known: in mode dynamic-l2 it can be asked for.
 */
int evpn_resolver_changed(struct evpn *e, uint32_t vni, const struct config_host *host, bool there);

struct evpn_resolver_info {
	enum config_resolver kind;
	uint64_t misses, answered, unknown, late, dropped;
	uint32_t waiting, asked, in_use;
};
/* False in VNIs of other modes. */
bool evpn_resolver_info(struct evpn *e, uint32_t vni, struct evpn_resolver_info *out);

/* ---- identifiers (evpn/rd.c, rt.c, esi.c) ---------------------------------------------------------------------- */

struct evpn_str {
	char s[48];
};
/* "192.0.2.1:2", "65000:10"; 8 octets in wire order. */
struct evpn_str evpn_rd_str(const uint8_t rd[8]);
bool evpn_rd_parse(const char *s, uint8_t rd[8]);
/*
 * `rd: auto`: a type 1 RD router-id:number, the number being the VNI up to 65535 and its low 16 bits above that, so it
 * depends on nothing but the two. Two VNIs 65,536 or a multiple of it apart get the same RD: who takes on VNIs refuses
 * the second (a block of up to 65,536 consecutive VNIs never collides in itself).
 */
void evpn_rd_auto(uint32_t router_id, uint32_t vni, uint8_t rd[8]);
/* A route target extended community as "65000:10" or "192.0.2.1:10"; false when these 8 octets are no route target. */
bool evpn_rt_str(const uint8_t rt[8], struct evpn_str *out);
bool evpn_rt_parse(const char *s, uint8_t rt[8]);
/* `export: auto`: AS:VNI, the AS cut to 16 bits, as others do by default. */
void evpn_rt_auto(uint32_t asn, uint32_t vni, uint8_t rt[8]);
/*
 * `import: auto`: the VNI that a route target of the form ANY-AS:VNI means, or of the form of RFC 8365 5.1.2.1
 * (0x10000000 + VNI); 0 when it means none.
 */
uint32_t evpn_rt_auto_vni(const uint8_t rt[8]);
/*
 * The route targets of that AS that mean the VNI: peers that are asked for routes by route target (RFC 4684) have to be
 * told which, and "of any AS" is nothing that can be asked for. Returns how many there are.
 */
#define EVPN_RT_AUTO_FORMS 3u
size_t evpn_rt_auto_forms(uint32_t asn, uint32_t vni, uint8_t rts[EVPN_RT_AUTO_FORMS][8]);
struct evpn_str evpn_esi_str(const uint8_t esi[10]); /* "00:11:...:99" */
bool evpn_esi_parse(const char *s, uint8_t esi[10]);
bool evpn_esi_is_zero(const uint8_t esi[10]); /* a single-homed site, RFC 7432 5 */
/* The key as tests/vectors/README.md writes it ("2|RD|ETAG|MAC|IP"), "" for types without that form. */
void evpn_key_line(const uint8_t *key, size_t key_len, struct buf *out);

/* ---- filters of show ------------------------------------------------------------------------------------------- */

/* What a key and its attributes say, for filters; fields that do not apply are zero / none. */
struct evpn_route_fields {
	uint8_t type;
	uint8_t rd[8];
	uint32_t vni; /* label 1 or the PMSI label */
	struct mac mac;
	struct ip ip; /* host, originator or prefix */
	bool has_mac;
};
void evpn_route_fields(const uint8_t *key, size_t key_len, const struct bgp_attrs *a, struct evpn_route_fields *out);
/*
 * A look at the key that spares most of them that: false when the fields cannot have this
 * RD, MAC and address (NULL: any).
 */
bool evpn_key_may_match(const uint8_t *key, size_t key_len, const uint8_t *rd, const struct mac *mac,
			const struct ip *ip);

/* ---- show ------------------------------------------------------------------------------------------------------ */

struct evpn_limit_info { /* of MACs that ports have learned */
	unsigned ifindex; /* 0: of the VNI */
	uint32_t limit;   /* 0: none */
	uint32_t learned, over; /* advertised ones, and those that wait for room */
	bool reached; /* and there has not been room for a tenth of it since */
};

struct evpn_vni_info { /* borrowed */
	uint32_t vni;
	enum config_mode mode;
	bool bgp; /* its hosts are advertised, and others' imported */
	uint32_t ethernet_tag;
	uint8_t rd[8];
	const uint8_t (*imports)[8];
	size_t n_imports; /* explicit ones; import_auto says whether *:VNI is imported too */
	bool import_auto;
	const uint8_t (*exports)[8];
	size_t n_exports;
	const struct ip *flood; /* VTEPs, with the label each wants, sorted */
	const uint32_t *flood_label;
	size_t n_flood;
	uint32_t local_macs, remote_macs, local_ips, remote_ips;
	bool ready;
	enum config_flooding flooding;
	struct ip group; /* with flooding to one */
	struct evpn_limit_info mac_limit;
	const struct evpn_limit_info *port_limits; /* of ports that have both a limit and MACs */
	size_t n_port_limits;
};
/* The VNI after prev (0 starts), in order of number; false at the end. */
bool evpn_vni_next(struct evpn *e, uint32_t prev, struct evpn_vni_info *out);
bool evpn_vni_find(struct evpn *e, uint32_t vni, struct evpn_vni_info *out);

enum evpn_mac_state {
	EVPN_MAC_LOCAL,    /* learned here, advertised */
	EVPN_MAC_REMOTE,   /* behind a VTEP, wanted in the dataplane */
	EVPN_MAC_CONFLICT, /* local here and sticky elsewhere, or the reverse: shown, not advertised or not written */
	EVPN_MAC_DUPLICATE, /* moved too often: stays where it was (RFC 7432 15.1); an address: not advertised */
	EVPN_MAC_LIMITED    /* learned here, above a MAC limit: not advertised */
};
const char *evpn_mac_state_name(enum evpn_mac_state s); /* "local", "remote", "conflict", "duplicate", "limited" */

struct evpn_mac_info {
	uint32_t vni;
	struct mac mac;
	enum evpn_mac_state state;
	struct ip vtep;   /* remote: who advertises it */
	bool has_esi;
	uint8_t esi[10];  /* remote: its Ethernet Segment */
	const struct ip *vteps; /* remote: where its frames go, borrowed */
	size_t n_vteps;
	unsigned ifindex; /* local */
	uint32_t sequence;
	bool sticky;
	const struct ip *ips; /* its addresses, borrowed */
	size_t n_ips;
	const char *reason; /* of the last change: "learned on a port", "route with a higher sequence", ... */
	struct mtime since;
	uint32_t moves;        /* in the window that is open, or that made it a duplicate */
	struct mtime recovers; /* duplicate: may move again then; MTIME_NEVER when not by itself */
};

struct evpn_arp_info {
	uint32_t vni;
	struct ip ip;
	struct mac mac;
	enum evpn_mac_state state; /* local or remote */
	struct ip vtep;
	bool router;
	struct mtime since;
};

/* Duplicates may move again: a MAC with its addresses, NULL for all; vni 0: of every VNI. How many there were. */
unsigned evpn_mac_clear(struct evpn *e, uint32_t vni, const struct mac *mac);

struct evpn_cursor {
	uint32_t vni, handle;
};
/* Walks; zero the cursor to start, set vni to see only one VNI; changes between two steps do no harm. */
bool evpn_mac_next(struct evpn *e, struct evpn_cursor *c, struct evpn_mac_info *out);
bool evpn_arp_next(struct evpn *e, struct evpn_cursor *c, struct evpn_arp_info *out);
/* One of them; false when it is not known there. */
bool evpn_mac_find(struct evpn *e, uint32_t vni, const struct mac *mac, struct evpn_mac_info *out);
bool evpn_arp_find(struct evpn *e, uint32_t vni, const struct ip *ip, struct evpn_arp_info *out);
/* The n-th MAC that an address is bound to, from 0, in no order. */
bool evpn_arp_nth(struct evpn *e, uint32_t vni, const struct ip *ip, unsigned n, struct evpn_arp_info *out);

/*
 * The number of the VNI after prev (0 starts), 0 at the end; and its RD, false when it
 * has none. Cheaper than a whole info.
 */
uint32_t evpn_vni_after(const struct evpn *e, uint32_t prev);
bool evpn_vni_rd(const struct evpn *e, uint32_t vni, uint8_t rd[8]);
/* Does some VNI take routes with this set of attributes, by their route targets? */
bool evpn_imports(struct evpn *e, uint32_t set, const struct bgp_attrs *a);

/* Who says where a MAC is: a route, the configuration, a resolver, or the tunnel itself. */
struct evpn_claim {
	uint8_t rd[8];
	struct ip vtep;
	uint32_t sequence;
	bool sticky, best;
	bool route; /* else rd means nothing */
	bool last_resort; /* long-lived stale: RFC 9494 */
	bool binding; /* it comes with an address of the MAC */
};
/* The first max claims of all, the best one first; how many there are. */
size_t evpn_mac_claims(struct evpn *e, uint32_t vni, const struct mac *mac, struct evpn_claim *out, size_t max);

/* ---- why ------------------------------------------------------------------------------------------------------- */

enum evpn_claimant_kind { EVPN_BY_PORT, EVPN_BY_CONFIGURATION, EVPN_BY_RESOLVER, EVPN_BY_TUNNEL };
const char *evpn_claimant_name(enum evpn_claimant_kind by); /* "port", "configuration", "resolver", "tunnel" */

struct evpn_claimant { /* who says where a MAC is, but for routes */
	enum evpn_claimant_kind by;
	unsigned ifindex; /* of a port */
	struct ip vtep;
	struct ip ip; /* said with this address */
	uint32_t sequence;
	bool sticky;
	bool wins;
	const char *why; /* not; NULL when it wins */
};
/* The n-th, from 0; false at the end. */
bool evpn_claimant_nth(const struct evpn *e, uint32_t vni, const struct mac *mac, unsigned n,
		       struct evpn_claimant *out);

enum evpn_path_verdict_kind {
	EVPN_PATH_WINS,         /* the MAC is where it says */
	EVPN_PATH_LOSES,        /* imported, and another claim is better */
	EVPN_PATH_NOT_BEST,     /* BGP prefers another path of that route */
	EVPN_PATH_REJECTED,     /* not eligible */
	EVPN_PATH_NOT_IMPORTED, /* by this VNI */
	EVPN_PATH_OURS
};
const char *evpn_path_verdict_name(enum evpn_path_verdict_kind v); /* "wins", ... */

struct evpn_path_verdict {
	enum evpn_path_verdict_kind verdict;
	const char *why; /* NULL when it wins or is ours */
};
/* What the VNI makes of a path of a Type 2 route of this MAC, by the rules of import and of the MAC tables. */
void evpn_path_verdict(struct evpn *e, uint32_t vni, const struct bgp_path_info *p, const struct mac *mac,
		       struct evpn_path_verdict *out);

/* ---- show: segments, VTEPs, memory ----------------------------------------------------------------------------- */

enum evpn_pe_state {
	EVPN_PE_ACTIVE, /* frames go to it */
	EVPN_PE_BACKUP, /* could take over */
	EVPN_PE_DRAINING, /* about to go (RFC 8326), and spared */
	EVPN_PE_UNUSED  /* lacks an A-D route that it takes, or is one of too many */
};
const char *evpn_pe_state_name(enum evpn_pe_state s); /* "active", "backup", "draining", "unused" */

/* Another's Ethernet Segment, as a VNI sees it. */
struct evpn_segment_info {
	uint32_t vni;
	uint8_t esi[10];
	bool single_active;
	uint32_t macs; /* remote ones of it */
	unsigned n_pes;
	struct evpn_segment_pe {
		struct ip vtep;
		bool per_es, per_evi; /* Type 1 routes that are there */
		uint32_t vni;         /* of the one per EVI, 0 without */
		enum evpn_pe_state state;
	} pes[DP_SET_MAX];
};
bool evpn_segment_next(struct evpn *e, struct evpn_cursor *c, struct evpn_segment_info *out);

struct evpn_vtep_info {
	struct ip vtep;
	uint32_t vnis, macs; /* VNIs that it is in the flood list of; MACs that point at it */
};
/* In order of address; prev none starts. */
bool evpn_vtep_next(struct evpn *e, const struct ip *prev, struct evpn_vtep_info *out);

struct evpn_memory {
	uint64_t vnis, macs, ips, bytes;
	uint64_t routes_bytes; /* what routes have made of it, and of the dataplane's rows: as memory-limit counts it */
};
void evpn_memory(const struct evpn *e, struct evpn_memory *out);

#endif
