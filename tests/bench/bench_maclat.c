/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * How long from a host's first frame until the other VTEP's kernel has the vxlan row, and from the row's end here until
 * it is gone there. Host, learning VTEP and far VTEP are network namespaces; one process sees all of them by one clock.
 *
 *   host eth0 --frame--> [bridge, daemon] --BGP--> [daemon, vxlan FDB] --notification--> here
 *
 * Prints one JSON object: milliseconds, sorted samples' quantiles.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
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

#define SPACING_US 20000 /* between two samples, so that they do not share a batch */

static void die(const char *what)
{
	fprintf(stderr, "bench_maclat: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A broadcast frame of a local experimental EtherType (IEEE 802, 0x88b5): bridges learn from it, hosts ignore it. */
static void send_frame(int fd, int ifindex, struct mac mac)
{
	uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = ifindex, .sll_halen = 6 };

	memcpy(frame + 6, mac.b, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5;
	if (sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) != (ssize_t)sizeof(frame))
		die("sending a frame");
}

static void delete_local_row(int fd, int port, struct mac mac)
{
	struct {
		struct nlmsghdr h;
		struct ndmsg nd;
		struct rtattr a;
		uint8_t mac[8];
	} m = {
		.h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ndmsg)) + RTA_SPACE(6),
		       .nlmsg_type = RTM_DELNEIGH,
		       .nlmsg_flags = NLM_F_REQUEST },
		.nd = { .ndm_family = AF_BRIDGE, .ndm_ifindex = port, .ndm_flags = NTF_MASTER },
		.a = { RTA_LENGTH(6), NDA_LLADDR },
	};

	memcpy(m.mac, mac.b, 6);
	if (send(fd, &m, m.h.nlmsg_len, 0) < 0)
		die("deleting a local row");
}

static bool row_is_there(const struct nlwatch *w, uint32_t i)
{
	return w->in_vxlan[i];
}

static bool row_is_gone(const struct nlwatch *w, uint32_t i)
{
	return !w->in_vxlan[i];
}

int main(int argc, char **argv)
{
	struct nlwatch w;
	uint32_t n;
	double *learn, *leave;
	int frames, rows, host_if, port;

	if (argc != 7 || !(n = (uint32_t)strtoul(argv[6], NULL, 10))) {
		fprintf(stderr, "bench_maclat HOST-NETNS HOST-IF VTEP-NETNS VTEP-PORT FAR-NETNS N\n");
		return 2;
	}
	frames = netns_socket(argv[1], AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	rows = netns_socket(argv[3], AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (frames < 0 || rows < 0 || nlwatch_open(&w, argv[5], n) < 0)
		return 1;
	host_if = netns_device(frames, argv[2]);
	port = netns_device(rows, argv[4]);
	if (host_if < 0 || port < 0)
		return 1;
	learn = xcalloc(n, sizeof(*learn));
	leave = xcalloc(n, sizeof(*leave));
	for (uint32_t i = 0; i < n; i++) {
		double start = proc_now();

		send_frame(frames, host_if, load_mac(i));
		learn[i] = nlwatch_wait(&w, row_is_there, i, start) * 1e3;
		usleep(SPACING_US);
		start = proc_now();
		delete_local_row(rows, port, load_mac(i));
		leave[i] = nlwatch_wait(&w, row_is_gone, i, start) * 1e3;
		usleep(SPACING_US);
		if (learn[i] < 0 || leave[i] < 0) {
			fprintf(stderr, "bench_maclat: MAC %u did not %s within %.0f s\n", i,
				learn[i] < 0 ? "arrive" : "leave", NLWATCH_WAIT_S);
			return 1;
		}
	}
	printf("{");
	print_quantiles("learn_ms", learn, n);
	printf(", ");
	print_quantiles("withdraw_ms", leave, n);
	printf("}\n");
	nlwatch_close(&w);
	free(learn);
	free(leave);
	return 0;
}
