/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The forwarding table of a VNI: MAC to place. The control thread writes it; forwarding threads read it and renew
 * the time at which a local MAC was last heard, nothing else. (RFC 7348 4.1 has the table; where its rows come
 * from is the mode's: in EVPN remote ones from routes, local ones from frames; others learn both from frames.)
 */
#ifndef DATAPLANE_VTEP_FDB_H
#define DATAPLANE_VTEP_FDB_H

#include "base/addr.h"
#include "dataplane/vtep/rmap.h"

enum fdb_kind {
	FDB_NONE,
	FDB_PORT,   /* heard on a port */
	FDB_REMOTE, /* behind a VTEP: a row */
	FDB_LEARNED /* behind a VTEP: heard from it */
};

struct fdb_entry {
	void *to;     /* struct vport or struct dest; aligned to 8 octets */
	uint8_t kind; /* enum fdb_kind; never FDB_NONE in a table */
	bool sticky;  /* may not move to a port (static MAC of the far side) */
	/* In seconds, wraps: last heard (PORT, LEARNED), or last used (REMOTE on demand; 0: wished for always). */
	uint16_t seen;
};

/*
 * In the word of a slot, so that a reader gets all of it at once: the pointer's 48 bits (what user space has on every
 * 64-bit machine of Linux's), of which the lowest three are free for the kind, below 16 bits of time.
 */
static inline uint64_t fdb_word(struct fdb_entry e)
{
	return (uint64_t)(uintptr_t)e.to | e.kind | (uint64_t)e.sticky << 2 | (uint64_t)e.seen << 48;
}

static inline struct fdb_entry fdb_entry(uint64_t word)
{
	return (struct fdb_entry){ .to = (void *)(uintptr_t)(word << 16 >> 16 & ~(uint64_t)7), .kind = word & 3,
				   .sticky = word >> 2 & 1, .seen = (uint16_t)(word >> 48) };
}

/* Bit 48 keeps the key of 00:00:00:00:00:00 from being 0. */
static inline uint64_t fdb_key(const struct mac *mac)
{
	return mac_u64(mac) | (uint64_t)1 << 48;
}

static inline struct mac fdb_mac(uint64_t key)
{
	return (struct mac){ { (uint8_t)(key >> 40), (uint8_t)(key >> 32), (uint8_t)(key >> 24), (uint8_t)(key >> 16),
			       (uint8_t)(key >> 8), (uint8_t)key } };
}

/* kind is FDB_NONE when there is none. */
static inline struct fdb_entry fdb_get(const struct rmap *m, uint64_t key)
{
	return fdb_entry(rmap_get(m, key));
}

static inline bool fdb_is_remote(struct fdb_entry e)
{
	return e.kind >= FDB_REMOTE;
}

/* A row on demand of these seconds. */
static inline uint16_t fdb_used_at(uint16_t now)
{
	return now ? now : 1;
}

/* A frame goes where e leads, a row on demand. */
static inline void fdb_use(const struct rmap *m, uint64_t key, struct fdb_entry e, uint16_t now)
{
	struct rmap_slot *s = rmap_slot(m, key);
	uint64_t word = fdb_word(e);

	e.seen = fdb_used_at(now);
	if (s)
		__atomic_compare_exchange_n(&s->value, &word, fdb_word(e), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/*
 * The entry of a frame's source, its time brought up to now when it was heard at that place before. What the control
 * thread changes at the same moment stays.
 */
static inline struct fdb_entry fdb_heard(const struct rmap *m, uint64_t key, const void *place, uint16_t now)
{
	struct rmap_slot *s = rmap_slot(m, key);
	uint64_t word = s ? __atomic_load_n(&s->value, __ATOMIC_ACQUIRE) : 0;
	struct fdb_entry e = fdb_entry(word), fresh = e;

	if ((e.kind == FDB_PORT || e.kind == FDB_LEARNED) && e.to == place && e.seen != now) {
		fresh.seen = now;
		__atomic_compare_exchange_n(&s->value, &word, fdb_word(fresh), false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
	}
	return e;
}

#endif
