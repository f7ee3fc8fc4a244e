/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Traffic between two hosts, for tests/bench/vtep:
 *
 *	bench_flow serve PORT FLOWS SECONDS              prints TCP octets and UDP packets received, as JSON; of
 *	                                                 packets also the fewest in a tenth of a second, as a
 *	                                                 part of the mean
 *	bench_flow serve-all PORT FLOWS SECONDS          the same for TCP, by one thread
 *	bench_flow tcp ADDRESS PORT FLOWS SECONDS        streams as fast as they go, a thread each
 *	bench_flow tcp-all ADDRESS PORT FLOWS SECONDS    the same by one thread, as iperf3 before 3.16 does it
 *	bench_flow udp ADDRESS PORT FLOWS SECONDS N [R]  packets with N octets of payload, as fast as they go or R a
 *	                                                 second; prints how many
 *	bench_flow macs DEVICE N SECONDS                 small frames to N MACs of the load (nlwatch.h), in turn
 *
 * Flow i uses PORT + i. The server's SECONDS begin with the first octet and end before the senders do: what counts is
 * what arrives in between.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/nlwatch.h"

#define FLOWS 64
#define BATCH 64
#define CHUNK (128 * 1024)
#define WINDOW 0.1 /* s */
#define WINDOWS 1000

struct flow {
	pthread_t thread;
	struct sockaddr_in to;
	bool tcp;
	int udp_fd, tcp_fd;
	double seconds;
	unsigned size, rate;
	uint64_t octets, packets;
	uint64_t window[WINDOWS]; /* packets */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static void *send_tcp(void *ctx)
{
	struct flow *f = ctx;
	char *b = calloc(1, CHUNK);
	double end = now() + f->seconds;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&f->to, sizeof(f->to)) < 0)
		die("connect");
	while (now() < end) {
		if (send(fd, b, CHUNK, MSG_NOSIGNAL) < 0)
			break; /* the server has had enough */
	}
	close(fd);
	free(b);
	return NULL;
}

static void *send_streams(void *ctx)
{
	struct flow *f = ctx;
	char *b = calloc(1, CHUNK);
	double end = now() + f->seconds;
	struct pollfd p[FLOWS];
	int n = 0;

	for (; f->to.sin_port; f++, n++) {
		p[n] = (struct pollfd){ .fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLOUT };
		if (connect(p[n].fd, (struct sockaddr *)&f->to, sizeof(f->to)) < 0 ||
		    fcntl(p[n].fd, F_SETFL, O_NONBLOCK) < 0)
			die("connect");
	}
	while (now() < end && poll(p, (nfds_t)n, 100) >= 0) {
		for (int i = 0; i < n; i++) {
			if (p[i].revents && send(p[i].fd, b, CHUNK, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
				end = 0; /* the server has had enough */
		}
	}
	for (int i = 0; i < n; i++)
		close(p[i].fd);
	free(b);
	return NULL;
}

static void send_macs(const char *device, unsigned n, double seconds)
{
	static uint8_t frame[BATCH][60];
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(device), .sll_halen = 6 };
	struct iovec iov[BATCH];
	struct mmsghdr m[BATCH];
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = 1;
	double end = now() + seconds;

	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	memset(m, 0, sizeof(m));
	for (unsigned i = 0; i < BATCH; i++) {
		memcpy(frame[i] + 6, "\x02\0\0\0\0\x77\x88\xb5", 8);
		iov[i] = (struct iovec){ frame[i], sizeof(frame[i]) };
		m[i].msg_hdr = (struct msghdr){
			.msg_name = &ll, .msg_namelen = sizeof(ll), .msg_iov = &iov[i], .msg_iovlen = 1
		};
	}
	for (uint32_t next = 0; now() < end; next += BATCH) {
		for (unsigned i = 0; i < BATCH; i++) {
			struct mac mac = load_mac((uint32_t)((next + i) * 7919ull % n));

			memcpy(frame[i], mac.b, 6);
		}
		sendmmsg(fd, m, BATCH, 0);
	}
	close(fd);
}

static void *send_udp(void *ctx)
{
	struct flow *f = ctx;
	char *b = calloc(1, f->size + 1);
	struct iovec iov = { b, f->size };
	struct mmsghdr m[BATCH];
	double end = now() + f->seconds;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (connect(fd, (struct sockaddr *)&f->to, sizeof(f->to)) < 0)
		die("connect");
	memset(m, 0, sizeof(m));
	for (unsigned i = 0; i < BATCH; i++) {
		m[i].msg_hdr.msg_iov = &iov;
		m[i].msg_hdr.msg_iovlen = 1;
	}
	while (!f->rate && now() < end)
		sendmmsg(fd, m, BATCH, 0); /* a refusal is nothing to a flood */
	for (double start = now(); f->rate && now() < end; usleep(500)) {
		uint64_t due = (uint64_t)((now() - start) * f->rate);

		while (f->packets < due) {
			int n = sendmmsg(fd, m, due - f->packets < BATCH ? (unsigned)(due - f->packets) : BATCH, 0);

			f->packets += n > 0 ? (uint64_t)n : 0;
		}
	}
	close(fd);
	free(b);
	return NULL;
}

/* ---- receiving --------------------------------------------------------------------------------------------------- */

static int bound(int type, const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, type, 0), one = 1, queue = 4 << 20;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof(queue));
	if (bind(fd, (const struct sockaddr *)at, sizeof(*at)) < 0)
		die("bind");
	if (type == SOCK_STREAM && listen(fd, 1) < 0)
		die("listen");
	return fd;
}

static void count_tcp(struct flow *f, int fd)
{
	char *b = malloc(CHUNK * 4);
	double end = now() + f->seconds;
	ssize_t n;

	while (now() < end && (n = recv(fd, b, CHUNK * 4, 0)) > 0)
		f->octets += (uint64_t)n;
	close(fd);
	free(b);
}

static void count_udp(struct flow *f)
{
	char b[BATCH][2048];
	struct iovec iov[BATCH];
	struct mmsghdr m[BATCH];
	double end = now() + f->seconds, t;
	int n;

	memset(m, 0, sizeof(m));
	for (unsigned i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ b[i], sizeof(b[i]) };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	while ((t = now()) < end) {
		struct pollfd p = { .fd = f->udp_fd, .events = POLLIN };

		unsigned at = (unsigned)((f->seconds - (end - t)) / WINDOW);

		n = recvmmsg(f->udp_fd, m, BATCH, MSG_DONTWAIT, NULL);
		f->packets += n > 0 ? (uint64_t)n : 0;
		if (n > 0 && at < WINDOWS)
			f->window[at] += (uint64_t)n;
		if (n > 0)
			continue;
		poll(&p, 1, (int)((end - t) * 1000) + 1);
	}
}

/* The fewest packets of a tenth of a second, but the first and the last with any, as a part of the mean. */
static double slowest(const struct flow *f)
{
	unsigned n = WINDOWS;
	uint64_t least = UINT64_MAX, sum = 0;

	while (n && !f->window[n - 1])
		n--;
	for (unsigned i = 1; i + 1 < n; i++) {
		least = f->window[i] < least ? f->window[i] : least;
		sum += f->window[i];
	}
	return sum ? (double)least * (n - 2) / (double)sum : 0;
}

/* By one thread; time begins with the first octet. */
static void *serve_streams(void *ctx)
{
	struct flow *f = ctx;
	char *b = malloc(CHUNK * 4);
	struct pollfd p[FLOWS];
	double end;
	int n = 0;

	for (; f[n].to.sin_port; n++)
		p[n] = (struct pollfd){ .fd = accept(f[n].tcp_fd, NULL, NULL), .events = POLLIN };
	for (end = 0; (end == 0 || now() < end) && poll(p, (nfds_t)n, 10000) > 0;) {
		end = end == 0 ? now() + f->seconds : end;
		for (int i = 0; i < n; i++) {
			ssize_t got = p[i].revents ? recv(p[i].fd, b, CHUNK * 4, MSG_DONTWAIT) : 0;

			f->octets += got > 0 ? (uint64_t)got : 0;
		}
	}
	for (int i = 0; i < n; i++)
		close(p[i].fd);
	free(b);
	return NULL;
}

static void *serve(void *ctx)
{
	struct flow *f = ctx;
	struct pollfd p[2] = { { .fd = f->tcp_fd, .events = POLLIN }, { .fd = f->udp_fd, .events = POLLIN } };

	if (poll(p, 2, 30000) <= 0)
		return NULL;
	if (p[0].revents)
		count_tcp(f, accept(f->tcp_fd, NULL, NULL));
	else
		count_udp(f);
	return NULL;
}

/* ---- main -------------------------------------------------------------------------------------------------------- */

static int usage(void)
{
	fputs("usage: bench_flow serve|serve-all PORT FLOWS SECONDS | "
	      "tcp|tcp-all|udp ADDRESS PORT FLOWS SECONDS [OCTETS [RATE]] |\n"
	      "       bench_flow macs DEVICE N SECONDS\n",
	      stderr);
	return 2;
}

static const struct {
	const char *word;
	void *(*run)(void *flow);
	bool serves, one; /* thread */
	int args;
} modes[] = {
	{ "serve", serve, true, false, 5 },	    { "serve-all", serve_streams, true, true, 5 },
	{ "tcp", send_tcp, false, false, 6 },	    { "tcp-all", send_streams, false, true, 6 },
	{ "udp", send_udp, false, false, 7 },
};

int main(int argc, char **argv)
{
	static struct flow flow[FLOWS + 1]; /* the last has no port */
	uint64_t octets = 0, packets = 0;
	size_t k = 0;
	int shift, n, threads;

	if (argc == 5 && !strcmp(argv[1], "macs")) {
		send_macs(argv[2], (unsigned)atoi(argv[3]), atof(argv[4]));
		return 0;
	}
	while (k < sizeof(modes) / sizeof(*modes) && (argc < 2 || strcmp(argv[1], modes[k].word)))
		k++;
	if (k == sizeof(modes) / sizeof(*modes) || argc < modes[k].args)
		return usage();
	shift = modes[k].serves ? 0 : 1;
	n = atoi(argv[3 + shift]);
	if (n < 1 || n > FLOWS)
		return usage();
	for (int i = 0; i < n; i++) {
		struct flow *f = &flow[i];

		f->to = (struct sockaddr_in){ .sin_family = AF_INET,
					      .sin_port = htons((uint16_t)(atoi(argv[2 + shift]) + i)) };
		f->seconds = atof(argv[4 + shift]);
		f->size = argc > 6 ? (unsigned)atoi(argv[6]) : 0;
		f->rate = argc > 7 ? (unsigned)atoi(argv[7]) : 0;
		if (!modes[k].serves && inet_pton(AF_INET, argv[2], &f->to.sin_addr) != 1)
			return usage();
		if (modes[k].serves) {
			f->tcp_fd = bound(SOCK_STREAM, &f->to);
			f->udp_fd = bound(SOCK_DGRAM, &f->to);
		}
	}
	if (modes[k].serves) {
		puts("up");
		fflush(stdout);
	}
	threads = modes[k].one ? 1 : n;
	for (int i = 0; i < threads; i++)
		pthread_create(&flow[i].thread, NULL, modes[k].run, &flow[i]);
	for (int i = 0; i < threads; i++) {
		pthread_join(flow[i].thread, NULL);
		octets += flow[i].octets;
		packets += flow[i].packets;
	}
	printf("{\"octets\": %llu, \"packets\": %llu, \"slowest\": %.3f}\n", (unsigned long long)octets,
	       (unsigned long long)packets, modes[k].serves ? slowest(&flow[0]) : 0);
	return 0;
}
