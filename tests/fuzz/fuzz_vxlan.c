/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What comes from the underlay, and what ports give: parse, checksums, merging, segments.
 * Nothing may be read or written beyond a packet, and what was taken apart is whole.
 * Input: | flags 1 | segment size 2 | octets of the first packet 2 | VXLAN packets |
 */
#include <stdlib.h>

#include "base/log.h"
#include "dataplane/vtep/offload.h"
#include "dataplane/vtep/toobig.h"
#include "dataplane/vtep/vxlan.h"
#include "tests/fuzz/fuzz.h"

#define V6 1
#define UDP 2

static void check_bounds(const struct frame *f, size_t len)
{
	BUG_ON(f->ip_end > len || (f->family && f->l3 + (f->family == 4 ? 20u : 40u) > f->ip_end));
	BUG_ON(f->l4 && (f->l4 < f->l3 || f->payload < f->l4 + 8 || f->payload > f->ip_end));
}

static void segment(const struct frame *f, const uint8_t *p, size_t len, uint16_t size, unsigned flags)
{
	struct virtio_net_hdr vh = { .gso_type = flags & UDP ? 5 : flags & V6 ? 4 : 1, .gso_size = size };
	uint8_t head[OFFLOAD_HEAD];
	struct segments s;
	uint32_t sum = 0;

	if (!segments_init(&s, f, p, len, &vh, 0))
		return;
	for (uint32_t i = 0; i < s.n; i++) {
		struct iovec body = segments_get(&s, i, head);

		BUG_ON((uint8_t *)body.iov_base + body.iov_len > p + len);
		sum += (uint32_t)body.iov_len;
	}
	BUG_ON(sum != (uint32_t)f->ip_end - f->payload);
}

/* What a port says of a frame may be anything; what is said of one to a port must lie within it. */
static void describe(const struct frame *f, uint8_t *p, size_t len, const uint8_t *data)
{
	struct virtio_net_hdr vh = { .csum_start = frame_get16(data + 1), .csum_offset = frame_get16(data + 3) };
	uint8_t answer[TOOBIG_MAX];
	uint32_t n = toobig_answer(f, p, (uint32_t)len, frame_get16(data + 1), answer);

	BUG_ON(n > TOOBIG_MAX || (n && n < FRAME_MAC + 28));
	offload_describe(f, p, offload_check(f, p), frame_get16(data + 1), &vh);
	BUG_ON(vh.flags && (uint32_t)vh.csum_start + vh.csum_offset + 2 > len);
	vh = (struct virtio_net_hdr){ .csum_start = frame_get16(data + 1), .csum_offset = frame_get16(data + 3) };
	(void)offload_complete(p, len, &vh);
}

/* A copy of its own, whose end the sanitizer watches. */
static uint8_t *parse(struct frame *f, const uint8_t *data, size_t len, unsigned outer_ecn)
{
	uint8_t *p = malloc(len + 1);
	uint32_t vni;

	memcpy(p, data, len);
	if (!vxlan_read(p, len, &vni) || !frame_parse(f, p + VXLAN_HEADER, len - VXLAN_HEADER)) {
		free(p);
		return NULL;
	}
	check_bounds(f, len - VXLAN_HEADER);
	(void)frame_ecn_decap(f, p + VXLAN_HEADER, outer_ecn);
	(void)offload_check(f, p + VXLAN_HEADER);
	return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct frame fa, fb;
	struct virtio_net_hdr vh;
	struct merge m;
	uint8_t *a, *b;
	size_t first;

	if (len < 5)
		return 0;
	first = frame_get16(data + 3) < len - 5 ? frame_get16(data + 3) : len - 5;
	a = parse(&fa, data + 5, first, data[0] >> 6);
	b = parse(&fb, data + 5 + first, len - 5 - first, data[0] >> 6);
	if (a)
		segment(&fa, a + VXLAN_HEADER, first - VXLAN_HEADER, frame_get16(data + 1), data[0]);
	if (a)
		describe(&fa, a + VXLAN_HEADER, first - VXLAN_HEADER, data);
	if (a)
		frame_parse(&fa, a + VXLAN_HEADER, first - VXLAN_HEADER); /* it may have changed */
	if (a && merge_start(&m, &fa, a + VXLAN_HEADER)) {
		if (b && merge_add(&m, &fb, b + VXLAN_HEADER))
			BUG_ON(m.len > (uint32_t)fa.ip_end + fb.ip_end);
		merge_finish(&m, &vh);
	}
	free(a);
	free(b);
	return 0;
}
