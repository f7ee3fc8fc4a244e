/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * How long after a host's gratuitous ARP behind another VTEP a third VTEP's kernel sends to that one. The host (one
 * MAC, one address) speaks in turn behind two VTEPs; its two places and the third VTEP are network namespaces, one
 * process sees all by one clock.
 *
 *	host A --ARP--> [VTEP A] --BGP--.
 *	host B --ARP--> [VTEP B] --BGP--'--> [far VTEP, vxlan row] --notification--> here
 *
 * Prints one JSON object: milliseconds, quantiles.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "tests/bench/nlwatch.h"
#include "tests/bench/proc.h"
#include "tests/bench/quantiles.h"

/* Between two moves, so that each VTEP has heard of the last, as it would of a virtual machine. */
#define SPACING_US 30000

struct place {
	int fd, ifindex;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_move: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct place place_open(const char *netns, const char *device)
{
	struct place p = { .fd = netns_socket(netns, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ARP)) };

	if (p.fd < 0 || (p.ifindex = netns_device(p.fd, device)) < 0)
		exit(1);
	return p;
}

/* RFC 5227 3: an announcement, 10.0.0.0 is at load_mac(0). */
static void announce(const struct place *p)
{
	static const uint8_t head[] = { 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1 };
	static const uint8_t address[] = { 10, 0, 0, 100 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = p->ifindex, .sll_halen = 6 };
	struct mac mac = load_mac(0);
	uint8_t f[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	memcpy(f + 6, mac.b, 6);
	memcpy(f + 12, head, sizeof(head));
	memcpy(f + 22, mac.b, 6);
	memcpy(f + 28, address, 4);
	memcpy(f + 38, address, 4);
	if (sendto(p->fd, f, sizeof(f), 0, (struct sockaddr *)&to, sizeof(to)) != (ssize_t)sizeof(f))
		die("sending an announcement");
}

/* The far row goes elsewhere than it did. */
static bool has_moved(const struct nlwatch *w, uint32_t was)
{
	return w->in_vxlan[0] && w->via[0] != was;
}

int main(int argc, char **argv)
{
	struct place at[2];
	struct nlwatch w;
	uint32_t n, lost = 0, taken = 0;
	double *ms;

	if (argc != 7 || !(n = (uint32_t)strtoul(argv[6], NULL, 10))) {
		fprintf(stderr, "bench_move NETNS-A DEVICE-A NETNS-B DEVICE-B FAR-NETNS N\n");
		return 2;
	}
	at[0] = place_open(argv[1], argv[2]);
	at[1] = place_open(argv[3], argv[4]);
	if (nlwatch_open(&w, argv[5], 1) < 0)
		return 1;
	ms = xcalloc(n, sizeof(*ms));
	for (uint32_t i = 0; i <= n; i++) {
		uint32_t was = w.in_vxlan[0] ? w.via[0] : 0;
		double start = proc_now(), s;

		announce(&at[i % 2]);
		s = nlwatch_wait(&w, has_moved, was, start);
		lost += s < 0;
		if (i && s >= 0) /* the first is no move */
			ms[taken++] = s * 1e3;
		usleep(SPACING_US);
		nlwatch_read(&w);
	}
	if (!taken) {
		fprintf(stderr, "bench_move: no move was seen\n");
		return 1;
	}
	printf("{\"lost\": %u, ", lost);
	print_quantiles("move_ms", ms, taken);
	printf("}\n");
	nlwatch_close(&w);
	free(ms);
	return 0;
}
