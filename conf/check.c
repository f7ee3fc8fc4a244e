/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The checks of the speaker and its neighbors, and what all checks share. */
#include "conf/check.h"

#include <stdlib.h>

#include "base/log.h"

#define BGP_PORT 179u
#define WARNING_DEFAULT 75u /* percent; printed with the other defaults, so it may stand alone */

static int entry_order(const void *va, const void *vb, void *cmp)
{
	const struct entry *a = va, *b = vb;
	int d = (*(entry_cmp *)cmp)(a->value, b->value);

	if (d)
		return d;
	return a->mark < b->mark ? -1 : a->mark > b->mark;
}

void entry_sort(struct entry *e, size_t n, entry_cmp cmp)
{
	if (n)
		qsort_r(e, n, sizeof(*e), entry_order, &cmp);
}

unsigned check_line(const struct load *ld, uint32_t m, const char *key)
{
	uint32_t i = mark_key(ld, m, key);

	return mark_at(ld, i ? i : m)->line;
}

static int cmp_ip(const void *a, const void *b)
{
	return ip_cmp(a, b);
}

/* ---- the speaker ------------------------------------------------------------------------------------------------- */

static void check_speaker(struct load *ld)
{
	const struct config *c = ld->config;
	uint32_t neighbors = mark_key(ld, MARK_ROOT, "neighbors"), vnis = mark_key(ld, MARK_ROOT, "vnis");

	if (c->n_neighbors && !mark_key(ld, MARK_ROOT, "asn"))
		load_error_key(ld, MARK_ROOT, "asn", neighbors,
			       "expected our AS number, which neighbors need, found no such key");
	if (c->n_neighbors && !mark_key(ld, MARK_ROOT, "router-id"))
		load_error_key(ld, MARK_ROOT, "router-id", neighbors,
			       "expected our identifier, which neighbors need, found no such key");
	if (c->n_vnis && c->dataplane != CONFIG_DP_NONE && mark_not_bad(ld, MARK_ROOT, "dataplane") &&
	    !mark_key(ld, MARK_ROOT, "vtep"))
		load_error_key(ld, MARK_ROOT, "vtep", vnis,
			       "expected our VTEP address, which vnis need with dataplane %s, found no such key",
			       config_dataplane_name(c->dataplane));
}

/* Speakers of one host reach each other there, if they do their own forwarding. */
static void check_loopback(struct load *ld)
{
	const struct config *c = ld->config;

	if (c->dataplane == CONFIG_DP_KERNEL && mark_good(ld, MARK_ROOT, "vtep") && ip_is_loopback(&c->vtep))
		load_error_key(ld, MARK_ROOT, "vtep", 0,
			       "expected an address that other hosts can reach with dataplane kernel, found %s",
			       ip_str(&c->vtep).s);
}

static bool listen_overlaps(const struct config_listen *a, const struct config_listen *b)
{
	if (a->port != b->port)
		return false;
	if (!a->address.len || !b->address.len || ip_eq(&a->address, &b->address))
		return true;
	return a->address.len == b->address.len && (ip_is_zero(&a->address) || ip_is_zero(&b->address));
}

static bool is_listen(const struct load *ld, uint32_t m)
{
	return !mark_at(ld, m)->bad && mark_not_bad(ld, m, "address") && mark_not_bad(ld, m, "port");
}

static void check_listen(struct load *ld)
{
	const struct config *c = ld->config;
	uint32_t mi = mark_items(ld, MARK_ROOT, "listen");

	for (size_t i = 0; mi; i++, mi = mark_at(ld, mi)->next) {
		uint32_t mj = mark_items(ld, MARK_ROOT, "listen");

		for (size_t j = 0; j < i && is_listen(ld, mi); j++, mj = mark_at(ld, mj)->next) {
			if (!is_listen(ld, mj) || !listen_overlaps(&c->listen[i], &c->listen[j]))
				continue;
			load_error(ld, mi, "expected an address and port of its own, found those of line %u",
				   mark_at(ld, mj)->line);
			break;
		}
	}
}

static bool has_bad_item(const struct load *ld, uint32_t m, const char *key)
{
	uint32_t item = mark_items(ld, m, key);

	while (item && !mark_at(ld, item)->bad)
		item = mark_at(ld, item)->next;
	return item;
}

/* Where we listen ourselves: by address, or everywhere, which is at our own VTEP, too. */
static bool is_ourselves(const struct load *ld, const struct config_neighbor *n)
{
	const struct config *c = ld->config;

	for (size_t i = 0; i < c->n_listen; i++) {
		const struct ip *at = c->listen[i].address.len && !ip_is_zero(&c->listen[i].address)
					      ? &c->listen[i].address
					      : &c->vtep;

		if (c->listen[i].port == n->port && at->len && ip_eq(at, &n->address))
			return true;
	}
	return !mark_key(ld, MARK_ROOT, "listen") && n->port == BGP_PORT && c->vtep.len && ip_eq(&c->vtep, &n->address);
}

/* Keys that mean nothing without another, or beside another. */
static void check_neighbor_keys(struct load *ld, const struct config_neighbor *n, uint32_t m)
{
	if (mark_key(ld, m, "password") && mark_key(ld, m, "password-file"))
		load_error_key(ld, m, "password-file", m, "expected one of password and password-file, found both");
	if (n->add_path_best && mark_not_bad(ld, m, "add-path") && !(n->add_path & CONFIG_ADD_PATH_SEND))
		load_error_key(ld, m, "add-path-best", m, "expected add-path send or both with it, found neither");
	if (mark_key(ld, m, "max-prefixes"))
		return;
	if (mark_good(ld, m, "max-prefixes-restart"))
		load_error_key(ld, m, "max-prefixes-restart", m, "expected max-prefixes, too, found no such key");
	if (mark_good(ld, m, "max-prefixes-warning") && n->max_prefixes_warning != WARNING_DEFAULT)
		load_error_key(ld, m, "max-prefixes-warning", m, "expected max-prefixes, too, found no such key");
}

/* RFC 9234 4.1 and RFC 4456: roles are for eBGP, clients for iBGP. */
static void check_neighbor_asn(struct load *ld, const struct config_neighbor *n, uint32_t m)
{
	if (!mark_good(ld, MARK_ROOT, "asn") || !mark_good(ld, m, "asn"))
		return;
	if (n->asn == ld->config->asn && mark_good(ld, m, "role"))
		load_error_key(ld, m, "role", m, "expected no role with a neighbor in our AS, found one");
	if (n->asn != ld->config->asn && n->route_reflector_client)
		load_error_key(ld, m, "route-reflector-client", m,
			       "expected false with a neighbor in AS %u, ours is %u, found true", n->asn,
			       ld->config->asn);
}

static void check_neighbor(struct load *ld, const struct config_neighbor *n, uint32_t m)
{
	check_neighbor_keys(ld, n, m);
	check_neighbor_asn(ld, n, m);
	if (mark_good(ld, m, "address") && !n->passive && mark_not_bad(ld, MARK_ROOT, "listen") &&
	    mark_not_bad(ld, MARK_ROOT, "vtep") && is_ourselves(ld, n))
		load_error_key(ld, m, "address", m,
			       "expected the address of another speaker, found %s, where we listen ourselves",
			       ip_str(&n->address).s);
	if (mark_good(ld, m, "families") && !n->family_evpn && !has_bad_item(ld, m, "families"))
		load_error_key(ld, m, "families", m, "expected evpn, alone or with rtc, found rtc alone");
}

static void check_neighbors(struct load *ld)
{
	const struct config *c = ld->config;
	struct entry *e = xcalloc(c->n_neighbors + 1, sizeof(*e));
	uint32_t m = mark_items(ld, MARK_ROOT, "neighbors");
	size_t used = 0;

	for (size_t i = 0; m; i++, m = mark_at(ld, m)->next) {
		if (mark_at(ld, m)->bad)
			continue;
		check_neighbor(ld, &c->neighbors[i], m);
		if (mark_good(ld, m, "address"))
			e[used++] = (struct entry){ &c->neighbors[i].address, m };
	}
	entry_sort(e, used, cmp_ip);
	for (size_t i = 1; i < used; i++)
		if (!cmp_ip(e[i - 1].value, e[i].value))
			load_error_key(ld, e[i].mark, "address", e[i].mark,
				       "expected an address of its own, found %s again (before: line %u)",
				       ip_str(e[i].value).s, check_line(ld, e[i - 1].mark, "address"));
	free(e);
}

void check_config(struct load *ld)
{
	check_speaker(ld);
	check_loopback(ld);
	check_listen(ld);
	check_neighbors(ld);
	check_vnis(ld);
	check_devices(ld);
}
