/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Frames of ours to the other VTEPs of a VNI whose vxlan device serves several. The bridge tells such a device with
 * each frame which VNI it is for, and a packet socket cannot; so the packet is made here (RFC 7348 5) and sent by
 * UDP, to each VTEP that has a flood row. These are announcements of hosts and their probes: few, and small.
 *
 *	| flags 1 | reserved 3 | VNI 3 | reserved 1 | Ethernet frame |
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/array.h"
#include "dataplane/kernel.h"

#define VXLAN_HEADER 8u
#define VXLAN_HAS_VNI 0x08

/* ---- the flood list ---------------------------------------------------------------------------------------------- */

static int flood_cmp(const struct kflood *f, const struct ip *vtep, uint32_t label)
{
	int d = ip_cmp(&f->vtep, vtep);

	return d ? d : f->label < label ? -1 : f->label > label;
}

static size_t flood_place(const struct kvni *v, const struct ip *vtep, uint32_t label)
{
	return array_first(i, v->n_floods, flood_cmp(&v->floods[i], vtep, label) >= 0);
}

static void flood_add(struct kvni *v, size_t i, const struct ip *vtep, uint32_t label)
{
	array_room(v->floods, v->n_floods, v->cap_floods, 8);
	memmove(v->floods + i + 1, v->floods + i, (v->n_floods - i) * sizeof(*v->floods));
	v->floods[i] = (struct kflood){ *vtep, label };
	v->n_floods++;
}

void kernel_carry_note(struct kvni *v, const struct ip *vtep, uint32_t label, bool there)
{
	size_t i;
	bool known;

	if (!v->external)
		return;
	i = flood_place(v, vtep, label);
	known = i < v->n_floods && !flood_cmp(&v->floods[i], vtep, label);
	if (there && !known) {
		flood_add(v, i, vtep, label);
	} else if (!there && known) {
		memmove(v->floods + i, v->floods + i + 1, (v->n_floods - i - 1) * sizeof(*v->floods));
		v->n_floods--;
	}
}

void kernel_carry_forget(struct kvni *v)
{
	free(v->floods);
	v->floods = NULL;
	v->n_floods = v->cap_floods = 0;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static socklen_t sockaddr_of(const struct ip *ip, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	*out = (struct sockaddr_storage){ .ss_family = (sa_family_t)ip_family(ip) };
	if (ip->len == 4) {
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, ip->b, sizeof(in->sin_addr));
		return sizeof(*in);
	}
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, ip->b, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}

/* RFC 7348 5: the checksum SHOULD be zero; over IPv6 not every VTEP takes that (RFC 6935). */
static int open_from(const struct ip *vtep)
{
	int fd = socket(ip_family(vtep), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	struct sockaddr_storage from;
	socklen_t len = sockaddr_of(vtep, 0, &from);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on));
	if (!bind(fd, (struct sockaddr *)&from, len))
		return fd;
	close(fd);
	return -EADDRNOTAVAIL;
}

static bool have_socket(struct kernel *k, const struct ip *vtep)
{
	if (k->carry_tx >= 0 && !ip_eq(&k->carry_from, vtep)) {
		close(k->carry_tx);
		k->carry_tx = -1;
	}
	if (k->carry_tx < 0) {
		k->carry_tx = open_from(vtep);
		k->carry_from = *vtep;
	}
	return k->carry_tx >= 0;
}

bool kernel_carry(struct kernel *k, const struct kvni *v, const uint8_t *frame, size_t len)
{
	uint8_t head[VXLAN_HEADER] = { VXLAN_HAS_VNI };
	struct iovec iov[] = { { head, sizeof(head) }, { (void *)(uintptr_t)frame, len } };
	struct sockaddr_storage to;
	struct msghdr m = { .msg_name = &to, .msg_iov = iov, .msg_iovlen = 2 };
	bool sent = false;

	if (!have_socket(k, &v->vtep))
		return false;
	for (size_t i = 0; i < v->n_floods; i++) {
		uint32_t vni = v->floods[i].label ? v->floods[i].label : v->vni;

		head[4] = (uint8_t)(vni >> 16);
		head[5] = (uint8_t)(vni >> 8);
		head[6] = (uint8_t)vni;
		m.msg_namelen = sockaddr_of(&v->floods[i].vtep, v->udp_port, &to);
		sent |= sendmsg(k->carry_tx, &m, 0) >= 0;
	}
	return sent;
}
