/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Traffic between two hosts, for tests/bench/vtep:
 *
 *	bench_flow serve PORT FLOWS SECONDS            prints TCP octets and UDP packets received, as JSON
 *	bench_flow tcp ADDRESS PORT FLOWS SECONDS      streams as fast as they go
 *	bench_flow udp ADDRESS PORT FLOWS SECONDS N    packets with N octets of payload, as fast as they go
 *
 * Flow i uses PORT + i. The server's SECONDS begin with the first octet and end before the senders do: what counts is
 * what arrives in between.
 */
#include <arpa/inet.h>
#include <errno.h>
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

#define FLOWS 64
#define BATCH 64
#define CHUNK (128 * 1024)

struct flow {
	pthread_t thread;
	struct sockaddr_in to;
	bool tcp;
	int udp_fd, tcp_fd;
	double seconds;
	unsigned size;
	uint64_t octets, packets;
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
	while (now() < end)
		sendmmsg(fd, m, BATCH, 0); /* a refusal is nothing to a flood */
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

		n = recvmmsg(f->udp_fd, m, BATCH, MSG_DONTWAIT, NULL);
		if (n > 0)
			f->packets += (uint64_t)n;
		else
			poll(&p, 1, (int)((end - t) * 1000) + 1);
	}
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
	fputs("usage: bench_flow serve PORT FLOWS SECONDS | tcp|udp ADDRESS PORT FLOWS SECONDS [OCTETS]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static struct flow flow[FLOWS];
	bool server = argc == 5 && !strcmp(argv[1], "serve"), tcp = argc >= 6 && !strcmp(argv[1], "tcp");
	int shift = server ? 0 : 1, port, n;
	uint64_t octets = 0, packets = 0;

	if (!server && !tcp && (argc < 7 || strcmp(argv[1], "udp")))
		return usage();
	port = atoi(argv[2 + shift]);
	n = atoi(argv[3 + shift]);
	if (n < 1 || n > FLOWS)
		return usage();
	for (int i = 0; i < n; i++) {
		struct flow *f = &flow[i];

		f->to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)(port + i)) };
		f->seconds = atof(argv[4 + shift]);
		f->size = argc > 6 ? (unsigned)atoi(argv[6]) : 0;
		if (!server && inet_pton(AF_INET, argv[2], &f->to.sin_addr) != 1)
			return usage();
		if (server) {
			f->tcp_fd = bound(SOCK_STREAM, &f->to);
			f->udp_fd = bound(SOCK_DGRAM, &f->to);
		}
	}
	if (server) {
		puts("up");
		fflush(stdout);
	}
	for (int i = 0; i < n; i++)
		pthread_create(&flow[i].thread, NULL, server ? serve : tcp ? send_tcp : send_udp, &flow[i]);
	for (int i = 0; i < n; i++) {
		pthread_join(flow[i].thread, NULL);
		octets += flow[i].octets;
		packets += flow[i].packets;
	}
	if (server)
		printf("{\"octets\": %llu, \"packets\": %llu}\n", (unsigned long long)octets, (unsigned long long)packets);
	return 0;
}
