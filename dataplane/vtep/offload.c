/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/vtep/offload.h"

#include <netinet/in.h>

#include "dataplane/vtep/csum.h"

#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_CWR 0x80
#define UDP_HEADER 8u
#define IPV4_DF 0x4000
#define SUPER_MAX 65535u    /* of IP */
#define DATAGRAMS_MAX 64u   /* UDP_MAX_SEGMENTS of kernels before 6.9; more are refused */
#define GSO_KIND(vh) ((vh)->gso_type & ~VIRTIO_NET_HDR_GSO_ECN)

static void put_csum(uint8_t *at, uint64_t sum, bool udp)
{
	uint16_t c = (uint16_t)~csum_fold(sum);

	if (udp && !c)
		c = 0xffff; /* RFC 768: zero says that there is none */
	memcpy(at, &c, 2);
}

bool offload_complete(uint8_t *p, size_t len, const struct virtio_net_hdr *vh)
{
	size_t at = (size_t)vh->csum_start + vh->csum_offset;

	if (vh->csum_start < FRAME_MAC || at + 2 > len)
		return false;
	put_csum(p + at, csum_add(0, p + vh->csum_start, len - vh->csum_start), vh->csum_offset == 6);
	return true;
}

/* ---- segmentation ------------------------------------------------------------------------------------------------ */

bool segments_init(struct segments *s, const struct frame *f, const uint8_t *p, size_t len,
		   const struct virtio_net_hdr *vh, uint32_t max)
{
	unsigned kind = GSO_KIND(vh);
	bool tcp = kind == VIRTIO_NET_HDR_GSO_TCPV4 || kind == VIRTIO_NET_HDR_GSO_TCPV6;

	if (!f->l4 || f->payload > OFFLOAD_HEAD || !vh->gso_size || (!tcp && kind != VIRTIO_NET_HDR_GSO_UDP_L4) ||
	    f->proto != (tcp ? IPPROTO_TCP : IPPROTO_UDP))
		return false;
	*s = (struct segments){ .f = f, .p = p, .size = vh->gso_size, .payload = (uint32_t)f->ip_end - f->payload };
	if (tcp && max && s->size > max)
		s->size = max; /* a stream may be cut anywhere, a datagram may not */
	if (!s->payload || (!tcp && max && s->size > max))
		return false;
	s->n = (s->payload + s->size - 1) / s->size;
	return true;
}

static void segment_ip(const struct segments *s, uint32_t i, uint8_t *head, uint32_t len)
{
	uint8_t *ip = head + s->f->l3;
	uint16_t octets = (uint16_t)(s->f->payload - s->f->l3 + len);

	if (s->f->family == 6) {
		frame_put16(ip + 4, (uint16_t)(octets - 40));
		return;
	}
	frame_put16(ip + 2, octets);
	frame_put16(ip + 4, (uint16_t)(frame_get16(ip + 4) + i));
	frame_ipv4_csum(s->f, head);
}

static void segment_tcp(const struct segments *s, uint32_t i, uint8_t *head)
{
	uint8_t *tcp = head + s->f->l4;

	frame_put32(tcp + 4, frame_get32(tcp + 4) + i * s->size);
	if (i + 1 < s->n)
		tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (i)
		tcp[13] &= (uint8_t)~TCP_CWR; /* once, RFC 3168 6.1.2 */
}

struct iovec segments_get(const struct segments *s, uint32_t i, uint8_t *head)
{
	const struct frame *f = s->f;
	uint32_t from = i * s->size, left = s->payload - from, len = left < s->size ? left : s->size;
	uint32_t l4_len = (uint32_t)(f->payload - f->l4) + len;
	uint8_t *l4 = head + f->l4;
	uint64_t sum;

	memcpy(head, s->p, f->payload);
	segment_ip(s, i, head, len);
	if (f->proto == IPPROTO_TCP)
		segment_tcp(s, i, head);
	else
		frame_put16(l4 + 4, (uint16_t)l4_len);
	memset(l4 + frame_csum_offset(f), 0, 2);
	sum = csum_add(frame_pseudo(f, head, l4_len), l4, f->payload - f->l4);
	sum = csum_add(sum, s->p + f->payload + from, len);
	put_csum(l4 + frame_csum_offset(f), sum, f->proto == IPPROTO_UDP);
	return (struct iovec){ (uint8_t *)(uintptr_t)s->p + f->payload + from, len };
}

/* ---- coalescing -------------------------------------------------------------------------------------------------- */

enum csum_state offload_check(const struct frame *f, const uint8_t *p)
{
	uint64_t pseudo;
	uint16_t field;

	if (!f->l4)
		return CSUM_NONE;
	memcpy(&field, p + f->l4 + frame_csum_offset(f), 2);
	if (f->proto == IPPROTO_UDP && !field)
		return CSUM_NONE;
	pseudo = frame_pseudo(f, p, frame_l4_len(f));
	if (csum_fold(pseudo) == field)
		return CSUM_PARTIAL;
	return csum_fold(csum_add(pseudo, p + f->l4, frame_l4_len(f))) == 0xffff ? CSUM_GOOD : CSUM_BAD;
}

bool merge_start(struct merge *m, const struct frame *f, uint8_t *p)
{
	const uint8_t *l4 = p + f->l4;

	*m = (struct merge){ .f = *f, .p = p, .len = f->ip_end, .size = (uint32_t)f->ip_end - f->payload, .n = 1 };
	if (!f->plain || !f->l4 || !m->size || f->payload > OFFLOAD_HEAD)
		return false;
	if (f->proto == IPPROTO_UDP)
		return frame_get16(l4 + 4) == frame_l4_len(f);
	m->next = frame_get32(l4 + 4) + m->size;
	return (l4[13] & ~TCP_PSH) == TCP_ACK && !(l4[13] & TCP_PSH);
}

/* The header but for what differs from segment to segment: lengths, IPv4 identification, sequence number, checksums. */
static bool same_flow(const struct merge *m, const struct frame *f, const uint8_t *p)
{
	const uint8_t *a = m->p + f->l3, *b = p + f->l3, *ta = m->p + f->l4, *tb = p + f->l4;

	if (m->f.l3 != f->l3 || m->f.l4 != f->l4 || m->f.payload != f->payload || m->f.proto != f->proto ||
	    m->f.family != f->family || !f->plain || memcmp(m->p, p, f->l3))
		return false;
	if (f->family == 4 && (a[0] != b[0] || a[1] != b[1] || memcmp(a + 6, b + 6, 4) || memcmp(a + 12, b + 12, 8)))
		return false;
	if (f->family == 6 && (memcmp(a, b, 4) || memcmp(a + 6, b + 6, 34)))
		return false;
	if (memcmp(ta, tb, 4))
		return false;
	if (f->proto == IPPROTO_UDP)
		return frame_get16(tb + 4) == frame_l4_len(f);
	return !memcmp(ta + 8, tb + 8, 5) && !memcmp(ta + 14, tb + 14, 2) &&
	       !memcmp(ta + 20, tb + 20, (size_t)(f->payload - f->l4 - 20));
}

/* With DF there is nothing to put together, so identifications mean nothing (RFC 6864 4.1). */
static bool id_goes_on(const struct merge *m, const uint8_t *p)
{
	const uint8_t *a = m->p + m->f.l3, *b = p + m->f.l3;

	return m->f.family == 6 || frame_get16(b + 6) & IPV4_DF ||
	       frame_get16(b + 4) == (uint16_t)(frame_get16(a + 4) + m->n);
}

bool merge_add(struct merge *m, const struct frame *f, const uint8_t *p)
{
	uint32_t size = (uint32_t)f->ip_end - f->payload;
	const uint8_t *tcp = p + f->l4;
	uint8_t *flags = m->p + m->f.l4 + 13;

	if (m->closed || !f->l4 || !size || size > m->size || m->len - m->f.l3 + size > SUPER_MAX ||
	    !same_flow(m, f, p) || !id_goes_on(m, p))
		return false;
	if (f->proto == IPPROTO_UDP && m->n == DATAGRAMS_MAX)
		return false;
	if (f->proto == IPPROTO_TCP) {
		if (frame_get32(tcp + 4) != m->next || (tcp[13] & ~(TCP_PSH | TCP_FIN)) != TCP_ACK)
			return false;
		*flags |= tcp[13] & (TCP_PSH | TCP_FIN);
		m->closed = tcp[13] != TCP_ACK;
		m->next += size;
	}
	m->closed |= size < m->size;
	m->len += size;
	m->n++;
	return true;
}

static void describe_gso(const struct frame *f, uint32_t size, struct virtio_net_hdr *vh)
{
	vh->gso_type = f->proto == IPPROTO_UDP ? VIRTIO_NET_HDR_GSO_UDP_L4 :
		       f->family == 4	       ? VIRTIO_NET_HDR_GSO_TCPV4 :
						 VIRTIO_NET_HDR_GSO_TCPV6;
	vh->gso_size = (uint16_t)size;
	vh->hdr_len = f->payload;
}

static void describe_partial(const struct frame *f, struct virtio_net_hdr *vh)
{
	vh->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	vh->csum_start = f->l4;
	vh->csum_offset = (uint16_t)frame_csum_offset(f);
}

void merge_finish(struct merge *m, struct virtio_net_hdr *vh)
{
	const struct frame *f = &m->f;
	uint32_t l4_len = m->len - f->l4;
	uint16_t begun;

	*vh = (struct virtio_net_hdr){ 0 };
	if (m->n == 1)
		return;
	if (f->family == 4) {
		frame_put16(m->p + f->l3 + 2, (uint16_t)(m->len - f->l3));
		frame_ipv4_csum(f, m->p);
	} else {
		frame_put16(m->p + f->l3 + 4, (uint16_t)(m->len - f->l3 - 40));
	}
	if (f->proto == IPPROTO_UDP)
		frame_put16(m->p + f->l4 + 4, (uint16_t)l4_len);
	begun = csum_fold(frame_pseudo(f, m->p, l4_len));
	memcpy(m->p + f->l4 + frame_csum_offset(f), &begun, 2);
	describe_partial(f, vh);
	describe_gso(f, m->size, vh);
}

void offload_describe(const struct frame *f, const uint8_t *p, enum csum_state state, uint32_t mtu,
		      struct virtio_net_hdr *vh)
{
	uint32_t head = f->payload - f->l3;

	*vh = (struct virtio_net_hdr){ 0 };
	if (state != CSUM_PARTIAL)
		return;
	describe_partial(f, vh);
	if ((uint32_t)f->ip_end - f->l3 > mtu && mtu > head && f->proto == IPPROTO_TCP)
		describe_gso(f, mtu - head, vh);
}
