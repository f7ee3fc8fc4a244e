/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * dataplane/vtep: offload, csum and toobig on frames: parts, segments that are cut and
 * merged, checksums that were begun, ECN of a tunnel, what a sender is told whose frame
 * is too large. The slow way in tests/lib/frames judges them.
 */
#include "dataplane/vtep/offload.h"

#include <stdlib.h>

#include "dataplane/vtep/csum.h"
#include "dataplane/vtep/toobig.h"
#include "tests/lib/frames.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define FRAME_ROOM 70000

static void csum_agrees_with_the_slow_way(void **state)
{
	struct rng r = rng_start("csum");
	uint8_t b[3000];

	for (unsigned i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)rng_u64(&r);
	for (unsigned n = 0; n < 2000; n++) {
		uint32_t len = rng_below(&r, sizeof(b)), from = rng_below(&r, (uint32_t)sizeof(b) - len), slow = 0;
		uint16_t fast = csum_fold(csum_add(0, b + from, len));

		for (uint32_t i = 0; i < len; i++)
			slow += i & 1 ? b[from + i] : (uint32_t)b[from + i] << 8;
		while (slow >> 16)
			slow = (slow & 0xffff) + (slow >> 16);
		assert_int_equal(ntohs(fast), slow);
	}
	memset(b, 0xff, sizeof(b));
	assert_int_equal(csum_fold(csum_add(UINT32_MAX, b, sizeof(b))), 0xffff);
}

static void frame_finds_its_parts(void **state)
{
	static const struct {
		struct frame_plan plan;
		unsigned l3, l4, payload;
	} cases[] = {
		{ { .payload = 10 }, 14, 34, 54 },
		{ { .payload = 10, .tags = 1, .options = 12 }, 18, 38, 70 },
		{ { .payload = 10, .v6 = true }, 14, 54, 74 },
		{ { .payload = 10, .v6 = true, .udp = true, .tags = 2 }, 22, 62, 70 },
	};
	uint8_t b[200];
	struct frame f;

	for (unsigned i = 0; i < 4; i++) {
		size_t len = frame_build(&cases[i].plan, b);

		assert_true(frame_parse(&f, b, len));
		assert_int_equal(f.l3, cases[i].l3);
		assert_int_equal(f.l4, cases[i].l4);
		assert_int_equal(f.payload, cases[i].payload);
		assert_int_equal(f.ip_end, len);
		assert_int_equal(f.proto, cases[i].plan.udp ? 17 : 6);
		assert_true(f.plain);
		assert_int_equal(offload_check(&f, b), CSUM_GOOD);
		b[len - 1] ^= 1;
		assert_int_equal(offload_check(&f, b), CSUM_BAD);
	}
}

static void frame_that_ends_early_has_no_parts(void **state)
{
	struct frame_plan plans[] = {
		{ .payload = 10, .tags = 1 },
		{ .payload = 10, .v6 = true },
		{ .payload = 3, .udp = true },
	};
	struct frame f;

	for (unsigned i = 0; i < 3; i++) {
		uint8_t b[200];
		size_t len = frame_build(&plans[i], b);

		for (size_t n = 0; n < len; n++) {
			uint8_t *part = malloc(n + !n); /* the sanitizer watches its end */

			memcpy(part, b, n);
			assert_int_equal(frame_parse(&f, part, n), n >= FRAME_MAC);
			assert_int_equal(f.l4, 0);
			assert_int_equal(f.family, 0);
			free(part);
		}
	}
}

static void frame_fragments_have_no_ports(void **state)
{
	struct frame_plan plan = { .payload = 10, .udp = true };
	uint8_t b[200];
	size_t len = frame_build(&plan, b);
	struct frame f;

	b[14 + 6] = 0x20;
	assert_true(frame_parse(&f, b, len));
	assert_int_equal(f.family, 4);
	assert_int_equal(f.l4, 0);
	assert_false(f.plain);
}

/* ---- segments ---------------------------------------------------------------------------------------------------- */

static struct virtio_net_hdr gso_of(const struct frame_plan *plan, uint16_t size)
{
	return (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = plan->udp ? 5 : plan->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = size,
	};
}

static struct frame_plan random_plan(struct rng *r)
{
	return (struct frame_plan){ .v6 = rng_below(r, 2),
				    .udp = rng_below(r, 2),
				    .tags = rng_below(r, 3),
				    .options = rng_below(r, 4) * 4,
				    .payload = 1 + rng_below(r, 60000),
				    .seq = (uint32_t)rng_u64(r),
				    .id = (uint16_t)rng_u64(r),
				    .df = rng_below(r, 2),
				    .ecn = rng_below(r, 4) };
}

/* A super-frame taken apart, every part a whole frame, and put together is the super-frame. */
static void offload_segments_merge_again(void **state)
{
	struct rng r = rng_start("offload");
	uint8_t *super = malloc(FRAME_ROOM), *part = malloc(FRAME_ROOM * 2);

	for (unsigned n = 0; n < 300; n++) {
		struct frame_plan plan = random_plan(&r);
		size_t len = frame_build(&plan, super), used = 0;
		uint32_t size = 50 + rng_below(&r, 9000), sum = 0;
		struct virtio_net_hdr vh = gso_of(&plan, (uint16_t)size), back;
		struct frame f, g;
		struct segments s;
		struct merge m = { 0 };

		if (plan.payload / size >= (plan.udp ? 64 : 128))
			continue;
		assert_true(frame_parse(&f, super, len));
		assert_true(segments_init(&s, &f, super, len, &vh, 0));
		assert_int_equal(s.n, (plan.payload + size - 1) / size);
		for (uint32_t i = 0; i < s.n; i++) {
			uint8_t *at = part + used;
			struct iovec body = segments_get(&s, i, at);

			memcpy(at + f.payload, body.iov_base, body.iov_len);
			used += f.payload + body.iov_len;
			sum += (uint32_t)body.iov_len;
			assert_true(frame_is_whole(at, f.payload + body.iov_len));
			assert_true(frame_parse(&g, at, f.payload + body.iov_len));
			/* A complete one may have the value of one that is only begun. */
			assert_in_range(offload_check(&g, at), CSUM_GOOD, CSUM_PARTIAL);
			if (!i)
				assert_true(merge_start(&m, &g, at));
			else
				assert_true(merge_add(&m, &g, at));
		}
		assert_int_equal(sum, plan.payload);
		if (s.n == 1)
			continue;
		merge_finish(&m, &back);
		assert_int_equal(back.gso_size, size);
		assert_int_equal(back.gso_type, vh.gso_type);
		memset(part + f.l4 + frame_csum_offset(&f), 0, 2);
		memset(super + f.l4 + frame_csum_offset(&f), 0, 2);
		assert_memory_equal(part, super, f.payload);
	}
	free(super);
	free(part);
}

static void offload_tcp_can_be_cut_smaller_for_the_path(void **state)
{
	struct frame_plan tcp = { .payload = 3000 }, udp = { .payload = 3000, .udp = true };
	struct virtio_net_hdr vt = gso_of(&tcp, 1460), vu = gso_of(&udp, 1460);
	uint8_t b[4000];
	struct segments s;
	struct frame f;
	size_t len;

	len = frame_build(&tcp, b);
	frame_parse(&f, b, len);
	assert_true(segments_init(&s, &f, b, len, &vt, 1000));
	assert_int_equal(s.n, 3);
	len = frame_build(&udp, b);
	frame_parse(&f, b, len);
	assert_false(segments_init(&s, &f, b, len, &vu, 1000));
	vu.gso_type = VIRTIO_NET_HDR_GSO_UDP; /* IP fragments: nobody makes these any more */
	assert_false(segments_init(&s, &f, b, len, &vu, 0));
}

static void offload_begun_checksum_is_ended(void **state)
{
	struct frame_plan plans[] = { { .payload = 99 }, { .payload = 99, .udp = true, .v6 = true } };

	for (unsigned i = 0; i < 2; i++) {
		uint8_t b[300], whole[300];
		size_t len = frame_build(&plans[i], b);
		struct virtio_net_hdr vh;
		struct frame f;
		uint16_t begun;

		memcpy(whole, b, len);
		frame_parse(&f, b, len);
		begun = csum_fold(frame_pseudo(&f, b, frame_l4_len(&f)));
		memcpy(b + f.l4 + frame_csum_offset(&f), &begun, 2);
		assert_int_equal(offload_check(&f, b), CSUM_PARTIAL);
		offload_describe(&f, b, CSUM_PARTIAL, 1500, &vh);
		assert_int_equal(vh.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
		assert_true(offload_complete(b, len, &vh));
		assert_memory_equal(b, whole, len);
		vh.csum_start = (uint16_t)len;
		assert_false(offload_complete(b, len, &vh));
	}
}

/* What a kernel's VTEP on the same host sends: a super-frame as one packet. */
static void offload_super_frame_from_a_kernel_is_described(void **state)
{
	struct frame_plan plan = { .payload = 20000, .options = 12 };
	uint8_t *b = malloc(FRAME_ROOM);
	size_t len = frame_build(&plan, b);
	struct virtio_net_hdr vh;
	struct frame f;

	frame_parse(&f, b, len);
	offload_describe(&f, b, CSUM_PARTIAL, 1450, &vh);
	assert_int_equal(vh.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(vh.gso_size, 1450 - 20 - 32);
	assert_int_equal(vh.csum_start, 34);
	free(b);
}

/* ---- merging ----------------------------------------------------------------------------------------------------- */

static bool merges(const struct frame_plan *a, const struct frame_plan *b, void (*spoil)(uint8_t *p))
{
	uint8_t pa[2000], pb[2000];
	size_t la = frame_build(a, pa), lb = frame_build(b, pb);
	struct frame fa, fb;
	struct merge m;

	if (spoil)
		spoil(pb);
	frame_parse(&fa, pa, la);
	frame_parse(&fb, pb, lb);
	return merge_start(&m, &fa, pa) && merge_add(&m, &fb, pb);
}

static void other_window(uint8_t *p)
{
	p[34 + 15] ^= 1;
}

static void other_port(uint8_t *p)
{
	p[35] ^= 1;
}

static void other_ttl(uint8_t *p)
{
	p[14 + 8]--;
}

static void other_mac(uint8_t *p)
{
	p[5] ^= 1;
}

static void merge_takes_only_what_goes_on(void **state)
{
	struct frame_plan first = { .payload = 100, .seq = 1000, .df = true }, next = first, x;

	next.seq = 1100;
	assert_true(merges(&first, &next, NULL));
	x = next;
	x.seq = 1101; /* a gap */
	assert_false(merges(&first, &x, NULL));
	x = next;
	x.payload = 101; /* larger than the first */
	assert_false(merges(&first, &x, NULL));
	x = next;
	x.payload = 1;
	assert_true(merges(&first, &x, NULL));
	x = next;
	x.tcp_flags = 0x11; /* FIN ends it */
	assert_true(merges(&first, &x, NULL));
	x.tcp_flags = 0x12; /* SYN, RST, URG, ECE and CWR stand alone */
	assert_false(merges(&first, &x, NULL));
	x = first;
	x.tcp_flags = 0x18; /* nothing behind a PSH */
	assert_false(merges(&x, &next, NULL));
	x = next;
	x.ecn = 3; /* congestion was met */
	assert_false(merges(&first, &x, NULL));
	x = next;
	x.options = 4;
	assert_false(merges(&first, &x, NULL));
	assert_false(merges(&first, &next, other_window));
	assert_false(merges(&first, &next, other_port));
	assert_false(merges(&first, &next, other_ttl));
	assert_false(merges(&first, &next, other_mac));
	first.df = next.df = false;
	next.id = 1;
	assert_true(merges(&first, &next, NULL));
	next.id = 2;
	assert_false(merges(&first, &next, NULL));
}

/* A kernel refuses datagrams put together from more. */
static void merge_of_datagrams_ends_with_64(void **state)
{
	struct frame_plan plan = { .udp = true, .df = true, .payload = 18 };
	uint8_t a[200], b[200];
	struct frame f, g;
	struct merge m;
	unsigned n = 1;

	assert_true(frame_parse(&f, a, frame_build(&plan, a)));
	assert_true(frame_parse(&g, b, frame_build(&plan, b)));
	assert_true(merge_start(&m, &f, a));
	while (n < 1000 && merge_add(&m, &g, b))
		n++;
	assert_int_equal(n, 64);
}

/* ---- ECN --------------------------------------------------------------------------------------------------------- */

static void ecn_table_of_rfc_6040(void **state)
{
	/* figure 4: inner down, outer across; -1: drop */
	static const int table[4][4] = {
		[ECN_NOT_ECT] = { [ECN_NOT_ECT] = 0, [ECN_ECT_0] = 0, [ECN_ECT_1] = 0, [ECN_CE] = -1 },
		[ECN_ECT_0] = { [ECN_NOT_ECT] = ECN_ECT_0,
				[ECN_ECT_0] = ECN_ECT_0,
				[ECN_ECT_1] = ECN_ECT_1,
				[ECN_CE] = ECN_CE },
		[ECN_ECT_1] = { [ECN_NOT_ECT] = ECN_ECT_1,
				[ECN_ECT_0] = ECN_ECT_1,
				[ECN_ECT_1] = ECN_ECT_1,
				[ECN_CE] = ECN_CE },
		[ECN_CE] = { ECN_CE, ECN_CE, ECN_CE, ECN_CE },
	};

	for (unsigned inner = 0; inner < 4; inner++) {
		for (unsigned outer = 0; outer < 8; outer++) {
			struct frame_plan plan = { .payload = 5, .ecn = inner, .v6 = outer & 4 };
			uint8_t b[200];
			size_t len = frame_build(&plan, b);
			struct frame f;

			frame_parse(&f, b, len);
			assert_int_equal(frame_ecn(&f, b), inner);
			assert_int_equal(frame_ecn_decap(&f, b, outer & 3), table[inner][outer & 3] >= 0);
			if (table[inner][outer & 3] >= 0)
				assert_int_equal(frame_ecn(&f, b), table[inner][outer & 3]);
			assert_true(frame_is_whole(b, len));
		}
	}
}

/* RFC 1191 4, RFC 4443 3.2: to the sender, as from the one that the packet was for, with as much of it as fits. */
static void toobig_tells_the_sender(void **state)
{
	static const struct {
		struct frame_plan plan;
		uint32_t answer;
	} cases[] = {
		{ { .udp = true, .df = true, .payload = 1472 }, FRAME_MAC + 576 },
		{ { .udp = true, .df = true, .payload = 18 }, FRAME_MAC + 28 + 46 },
		{ { .udp = true, .payload = 1472 }, 0 }, /* may be fragmented */
		{ { .udp = true, .df = true, .tags = 1, .payload = 1472 }, 0 },
		{ { .v6 = true, .udp = true, .payload = 1452 }, FRAME_MAC + 1280 },
		{ { .v6 = true, .payload = 1000 }, FRAME_MAC + 48 + 40 + 20 + 1000 },
	};
	uint8_t p[2000], a[TOOBIG_MAX];
	struct frame f, g;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool v6 = cases[i].plan.v6;
		size_t len = frame_build(&cases[i].plan, p);
		uint32_t n, head = FRAME_MAC + (v6 ? 40 : 20);

		assert_true(frame_parse(&f, p, len));
		n = toobig_answer(&f, p, (uint32_t)len, 1400, a);
		assert_int_equal(n, cases[i].answer);
		if (!n)
			continue;
		assert_true(frame_parse(&g, a, n));
		assert_memory_equal(a, p + 6, 6);
		assert_memory_equal(a + 6, p, 6);
		assert_memory_equal(a + head - (v6 ? 16 : 4), p + head - (v6 ? 32 : 8), v6 ? 16 : 4);
		assert_int_equal(v6 ? a[head] : a[head] << 8 | a[head + 1], v6 ? 2 : 0x0304);
		assert_int_equal(v6 ? frame_get32(a + head + 4) : frame_get16(a + head + 6), 1400);
		assert_memory_equal(a + head + 8, p + FRAME_MAC, n - head - 8);
		if (!v6)
			assert_int_equal(csum_fold(csum_add(0, a + FRAME_MAC, 20)), 0xffff);
		assert_int_equal(csum_fold(csum_add(v6 ? csum_add16(csum_add16(csum_add(0, a + FRAME_MAC + 8, 32), 58),
								    (uint16_t)(n - head))
						       : 0,
						    a + head, n - head)),
				 0xffff);
		assert_int_equal(toobig_answer(&g, a, n, 1400, p), 0); /* not of an error */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csum_agrees_with_the_slow_way),
		cmocka_unit_test(frame_finds_its_parts),
		cmocka_unit_test(frame_that_ends_early_has_no_parts),
		cmocka_unit_test(frame_fragments_have_no_ports),
		cmocka_unit_test(offload_segments_merge_again),
		cmocka_unit_test(offload_tcp_can_be_cut_smaller_for_the_path),
		cmocka_unit_test(offload_begun_checksum_is_ended),
		cmocka_unit_test(offload_super_frame_from_a_kernel_is_described),
		cmocka_unit_test(merge_takes_only_what_goes_on),
		cmocka_unit_test(merge_of_datagrams_ends_with_64),
		cmocka_unit_test(ecn_table_of_rfc_6040),
		cmocka_unit_test(toobig_tells_the_sender),
	};

	return RUN_TESTS(tests);
}
