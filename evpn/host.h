/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Hosts as they were heard: an address at a MAC on a port, by the host's own ARP and ND or by the kernel's neighbour
 * table. One that is silent for long, or that someone doubts, is asked on its port; one that does not answer is gone.
 * So silent hosts stay advertised, dead ones do not, and an address that has moved to another MAC is given up by the
 * VTEP that had it. Where hosts are learned from the tunnel, those behind it are heard and asked there. What a binding
 * means is neigh.c's; this is only about whether it is still true.
 *
 * A route may take a MAC away although the host is still, or again, on its old port: it moved back before
 * the route came, and to the bridge that was no news. Then our row runs over the bridge's. So, as RFC 9721
 * has it, the host's addresses are asked for on the old port once the row leads away; if it answers, the
 * bridge tells us. The same is done when a bridge forgets a MAC before a silent host would have been asked.
 *
 * The other half of RFC 9161 is here, too: probes and announcements, which the kernel's suppression would not let cross
 * the tunnels, are answered or carried over.
 */
#ifndef EVPN_HOST_H
#define EVPN_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/htab.h"
#include "base/slab.h"
#include "base/timerq.h"
#include "include/dataplane.h"

struct evi;
struct evpn;

#define HOST_SILENT_MS 120000 /* until it is asked; a bridge forgets a MAC after 300 s (IEEE 802.1Q 8.8.3) */
#define HOST_ANSWER_MS 1000   /* until it is asked again (RFC 4861 10, RetransTimer) */
#define HOST_ASKS 3u          /* MAX_UNICAST_SOLICIT */
#define HOST_LEFT_MS 20       /* from when its MAC left its port to the question: our row leads to the new VTEP then */
#define HOST_WELCOMES 64u     /* addresses of a MAC that are asked for when it comes: a peer can say that it has many */
#define HOSTS_PER_EVI 65536u
#define HOSTS_PER_MAC 1024u

enum host_event {
	HOST_HEARD,   /* it has said so itself */
	HOST_LEFT,    /* its MAC is no longer on its port */
	HOST_KNOWN,   /* heard, but it may have said so before it left: nothing new */
	HOST_BACK,    /* its MAC is on its port again, but the address is no longer taken for local */
	HOST_DOUBTED, /* someone else has the address, or the kernel has given it up */
	HOST_DUE      /* the time of its state is over */
};

enum host_todo { HOST_KEEP, HOST_WAIT, HOST_ASK, HOST_GONE };

/* The transition function: *asked is how often it was asked in vain. */
enum host_todo host_step(uint8_t *asked, enum host_event ev);

struct evpn_host {
	struct mtime due;
	uint32_t chain;
	uint32_t next, prev; /* in its line */
	uint32_t ifindex;    /* port where it was heard, 0: not heard itself, or tunnel */
	uint16_t evi;
	uint8_t asked; /* also says which line */
	bool router;
	bool left;   /* since HOST_LEFT, until its MAC is here again or it is gone */
	bool tunnel; /* behind a VTEP: it is asked through the tunnel */
	uint8_t ip_len;
	uint8_t ip[16];
	struct mac mac;
};

struct host_line { /* in order of due, since all of a line wait for the same time */
	uint32_t head, tail;
};

struct host_table {
	struct slab slab;
	struct htab index; /* by EVI and address */
	struct host_line silent, asked, left;
	struct timerq_node timer;
};

void host_table_init(struct evpn *e);
void host_table_fini(struct evpn *e);

/* The address is at mac, here. ifindex 0: not said by the host. router NULL: nothing is said about that. */
void host_seen(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac, unsigned ifindex,
	       const bool *router);
/* Someone has reason to believe that it is gone. False when it cannot be asked, or is none of ours. */
bool host_doubt(struct evpn *e, const struct evi *evi, const struct ip *ip);
/* Its MAC, which was here, is not any more. */
void host_left(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac);
/* Its MAC has come to a port here, and a route says that it has this address: if so it shall say so. */
void host_welcome(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac);
/* neigh.c no longer takes it for local at that MAC. */
void host_forget(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac);
/* All of the EVI are gone. */
void host_clear(struct evpn *e, struct evi *evi);
/* struct dp_events */
void host_heard(struct evpn *e, struct evi *evi, const struct dp_heard *h);

#endif
