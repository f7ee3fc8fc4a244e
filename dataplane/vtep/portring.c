/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/vtep/portring.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define SLOT 2048u          /* frames up to the usual MTU, and what is in front of them */
#define SLOTS 2048u
#define BLOCK (64u * 1024)  /* the kernel's memory, in one piece each */
#define RESERVE 16u         /* in front of a frame: a VXLAN header and a tag may be put there */
#define LARGER_ARE_QUEUED 1 /* PACKET_COPY_THRESH: any number does */

static int option(int fd, int name, int value)
{
	return setsockopt(fd, SOL_PACKET, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

int portring_open(struct portring *r, int fd)
{
	struct tpacket_req req = {
		.tp_block_size = BLOCK, .tp_block_nr = SLOTS * SLOT / BLOCK, .tp_frame_size = SLOT, .tp_frame_nr = SLOTS
	};
	int err = option(fd, PACKET_VERSION, TPACKET_V2);
	void *map;

	*r = (struct portring){ 0 };
	if (!err)
		err = option(fd, PACKET_RESERVE, RESERVE);
	if (!err)
		err = option(fd, PACKET_COPY_THRESH, LARGER_ARE_QUEUED);
	if (!err && setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) < 0)
		err = -errno;
	if (err)
		return err;
	map = mmap(NULL, (size_t)SLOTS * SLOT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	r->map = map;
	return 0;
}

void portring_close(struct portring *r)
{
	if (r->map)
		munmap(r->map, (size_t)SLOTS * SLOT);
	r->map = NULL;
}

static struct tpacket2_hdr *slot(const struct portring *r, uint32_t i)
{
	return (struct tpacket2_hdr *)(void *)(r->map + (size_t)((r->next + i) % SLOTS) * SLOT);
}

bool portring_peek(const struct portring *r, uint32_t i, struct portring_frame *f)
{
	struct tpacket2_hdr *h = slot(r, i);
	uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);

	if (i >= SLOTS || !(status & TP_STATUS_USER))
		return false;
	f->vnet = (uint8_t *)h + h->tp_mac - sizeof(struct virtio_net_hdr);
	f->len = h->tp_snaplen + (uint32_t)sizeof(struct virtio_net_hdr);
	f->state = status & TP_STATUS_COPY      ? PORTRING_QUEUED
		   : h->tp_snaplen == h->tp_len ? PORTRING_WHOLE
						: PORTRING_CUT;
	f->tci = status & TP_STATUS_VLAN_VALID ? h->tp_vlan_tci : -1;
	return true;
}

void portring_release(struct portring *r, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		__atomic_store_n(&slot(r, i)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	r->next = (r->next + n) % SLOTS;
}
