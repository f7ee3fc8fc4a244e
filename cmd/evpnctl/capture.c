/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * pcapng (draft-ietf-opsawg-pcapng): a section with two interfaces. Number 0 is the VNI, with Ethernet frames as they
 * are at ports, or at the kernel's vxlan device, number 1 the underlay, with IP packets. A comment says at which port,
 * to or from which VTEP.
 */
#include "cmd/evpnctl/capture.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/evpnctl/conn.h"
#include "include/dataplane.h"

#define PACKET_MAX 70000u
#define LINKTYPE_ETHERNET 1
#define LINKTYPE_RAW 101 /* IPv4 or IPv6, by its version */

enum { BLOCK_INTERFACE = 1, BLOCK_STATISTICS = 5, BLOCK_PACKET = 6, BLOCK_SECTION = 0x0a0d0d0a };
enum {
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_NAME = 2,
	OPT_DESCRIPTION = 3,
	OPT_FLAGS = 2,
	OPT_RESOLUTION = 9,
	OPT_RECEIVED = 4,
	OPT_DROPPED = 5
};
enum { INBOUND = 1, OUTBOUND = 2 }; /* of OPT_FLAGS */

struct capture {
	FILE *file;
	const char *name;
	struct buf block;
	uint64_t packets[2], lost;
	uint32_t count; /* 0: no limit */
	int64_t end_ms; /* 0: none */
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	stopped = 1;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static void put16(struct buf *b, uint16_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void put32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void put_padded(struct buf *b, const void *p, size_t len)
{
	static const uint8_t zeros[4];

	buf_add(b, p, len);
	buf_add(b, zeros, -len & 3);
}

static void put_option(struct buf *b, uint16_t code, const void *p, size_t len)
{
	put16(b, code);
	put16(b, (uint16_t)len);
	put_padded(b, p, len);
}

/* The octets between type and the second length. */
static void write_block(struct capture *c, uint32_t type)
{
	uint32_t len = (uint32_t)c->block.len + 12;

	fwrite(&type, sizeof(type), 1, c->file);
	fwrite(&len, sizeof(len), 1, c->file);
	fwrite(buf_data(&c->block), 1, c->block.len, c->file);
	fwrite(&len, sizeof(len), 1, c->file);
	buf_consume(&c->block, c->block.len);
}

static void write_section(struct capture *c)
{
	put32(&c->block, 0x1a2b3c4d);
	put16(&c->block, 1); /* version 1.0 */
	put16(&c->block, 0);
	put32(&c->block, UINT32_MAX); /* of unknown length */
	put32(&c->block, UINT32_MAX);
	write_block(c, BLOCK_SECTION);
}

static void write_interface(struct capture *c, uint16_t linktype, const char *name, const char *description)
{
	uint8_t nanoseconds = 9;

	put16(&c->block, linktype);
	put16(&c->block, 0);
	put32(&c->block, 0); /* whole packets */
	put_option(&c->block, OPT_NAME, name, strlen(name));
	put_option(&c->block, OPT_DESCRIPTION, description, strlen(description));
	put_option(&c->block, OPT_RESOLUTION, &nanoseconds, 1);
	put_option(&c->block, OPT_END, NULL, 0);
	write_block(c, BLOCK_INTERFACE);
}

static void put_time(struct buf *b, uint64_t ns)
{
	put32(b, (uint32_t)(ns >> 32));
	put32(b, (uint32_t)ns);
}

static void write_packet(struct capture *c, const struct dp_captured *h, const uint8_t *p, size_t len)
{
	uint32_t flags = h->out ? OUTBOUND : INBOUND;
	char comment[96];
	int n = snprintf(comment, sizeof(comment), "%s %s %.64s", h->out ? "to" : "from", h->underlay ? "VTEP" : "port",
			 h->where);

	put32(&c->block, h->underlay);
	put_time(&c->block, h->ns);
	put32(&c->block, (uint32_t)len);
	put32(&c->block, h->len);
	put_padded(&c->block, p, len);
	put_option(&c->block, OPT_COMMENT, comment, (size_t)n);
	put_option(&c->block, OPT_FLAGS, &flags, sizeof(flags));
	put_option(&c->block, OPT_END, NULL, 0);
	write_block(c, BLOCK_PACKET);
	c->packets[h->underlay]++;
	c->lost = h->lost;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What was lost belongs to both: it is told of the first. */
static void write_statistics(struct capture *c)
{
	for (uint32_t i = 0; i < 2; i++) {
		uint64_t dropped = i ? 0 : c->lost;

		put32(&c->block, i);
		put_time(&c->block, now_ns(CLOCK_REALTIME));
		put_option(&c->block, OPT_RECEIVED, &c->packets[i], sizeof(c->packets[i]));
		put_option(&c->block, OPT_DROPPED, &dropped, sizeof(dropped));
		put_option(&c->block, OPT_END, NULL, 0);
		write_block(c, BLOCK_STATISTICS);
	}
}

/* ---- packets ----------------------------------------------------------------------------------------------------- */

static bool enough(const struct capture *c)
{
	return c->count && c->packets[0] + c->packets[1] >= c->count;
}

/* Milliseconds that are left; -1: no end. */
static int patience(const struct capture *c)
{
	int64_t left = c->end_ms - (int64_t)(now_ns(CLOCK_MONOTONIC) / 1000000u);

	if (!c->end_ms)
		return -1;
	return left > 0 ? (int)left : 0;
}

/* Until there is none at the moment; false at the end. */
static bool take_packets(struct capture *c, int fd, uint8_t *message)
{
	while (!stopped && !enough(c)) {
		ssize_t n = recv(fd, message, PACKET_MAX, MSG_DONTWAIT);
		struct dp_captured h;

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n < (ssize_t)sizeof(h))
			return false;
		memcpy(&h, message, sizeof(h));
		write_packet(c, &h, message + sizeof(h), (size_t)n - sizeof(h));
	}
	return true;
}

/* The exit code. Who reads the file while it is written finds whole blocks. */
static int record(struct capture *c, int fd)
{
	uint8_t *message = xcalloc(1, PACKET_MAX);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int rc = 0, n = 1;

	while (!rc && n && !stopped && !enough(c) && !ferror(c->file)) {
		fflush(c->file);
		n = poll(&p, 1, patience(c));
		if (n > 0 && !take_packets(c, fd, message)) {
			fprintf(stderr, "evpnctl: the capture broke off: evpnd ended, or has the VNI no more\n");
			rc = 1;
		}
	}
	free(message);
	return rc;
}

static int open_file(struct capture *c, uint32_t vni)
{
	char name[32];

	c->file = strcmp(c->name, "-") ? fopen(c->name, "wb") : stdout;
	if (!c->file) {
		fprintf(stderr, "evpnctl: %s: %s\n", c->name, strerror(errno));
		return 1;
	}
	snprintf(name, sizeof(name), "vni%u", vni);
	write_section(c);
	write_interface(c, LINKTYPE_ETHERNET, name, "frames at the ports of the VNI");
	write_interface(c, LINKTYPE_RAW, "underlay", "packets to and from VTEPs");
	return 0;
}

static int close_file(struct capture *c, int rc)
{
	bool bad;

	write_statistics(c);
	bad = fflush(c->file) || ferror(c->file);
	if (bad)
		fprintf(stderr, "evpnctl: %s: %s\n", c->name, strerror(errno));
	if (c->file != stdout)
		fclose(c->file);
	return bad ? 1 : rc;
}

static void tell(const struct capture *c, bool json)
{
	FILE *out = c->file == stdout ? stderr : stdout;
	unsigned long long inner = c->packets[0], outer = c->packets[1], lost = c->lost;

	if (json)
		fprintf(out, "{\"file\":\"%s\",\"frames\":%llu,\"underlay\":%llu,\"lost\":%llu}\n", c->name, inner,
			outer, lost);
	else
		fprintf(out, "%llu frames at ports, %llu packets of the underlay, %llu lost\n", inner, outer, lost);
}

int capture_run(const char *socket, const char *const *words, size_t n_words, const struct verb_args *args, bool json)
{
	struct capture c = { .name = args->v[ARG_FILE].text, .count = args->v[ARG_COUNT].n };
	struct sigaction sa = { .sa_handler = on_signal };
	struct conn conn;
	int pair[2], rc;

	if (args->v[ARG_SECONDS].given)
		c.end_ms = (int64_t)(now_ns(CLOCK_MONOTONIC) / 1000000u) + args->v[ARG_SECONDS].n * (int64_t)1000;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		perror("evpnctl: no socket");
		return 1;
	}
	rc = conn_open(&conn, socket, words, n_words, &pair[1], 1);
	close(pair[1]);
	if (rc) {
		close(pair[0]);
		return rc;
	}
	conn_close(&conn);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	buf_init(&c.block);
	rc = open_file(&c, args->v[ARG_VNI].n);
	if (!rc)
		rc = close_file(&c, record(&c, pair[0]));
	if (!rc)
		tell(&c, json);
	buf_fini(&c.block);
	close(pair[0]);
	return rc;
}
