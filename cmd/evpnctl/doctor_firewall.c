/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/doctor_firewall.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "cmd/evpnctl/ask.h"
#include "cmd/evpnctl/firewall.h"
#include "cmd/evpnctl/iptables.h"
#include "cmd/evpnctl/run.h"

#define PROGRAM_MS 5000
#define RULES_OCTETS_MAX (32u << 20)
#define VTEPS_MAX 64u
#define PORTS_MAX 8u
#define DROPS_MAX 32u
#define BGP_PORT 179u

enum kind { VXLAN_IN, VXLAN_OUT, BGP_IN, BGP_OUT, BGP_ANSWERS_IN, BGP_ANSWERS_OUT };

static const struct {
	const char *code, *what, *why;
	uint8_t protocol;
	bool leaves, by_source; /* the port that the packet is known by */
	const char *state;
} kinds[] = {
	[VXLAN_IN] = { "firewall-vxlan", "VXLAN packets of", "frames of its hosts do not arrive here", IPPROTO_UDP,
		       false, false, "new" },
	[VXLAN_OUT] = { "firewall-vxlan", "VXLAN packets to", "frames to its hosts do not leave this host", IPPROTO_UDP,
			true, false, "new" },
	[BGP_IN] = { "firewall-bgp", "BGP connections of", "it cannot connect to us", IPPROTO_TCP, false, false,
		     "new" },
	[BGP_OUT] = { "firewall-bgp", "BGP connections to", "we cannot connect to it", IPPROTO_TCP, true, false,
		      "new" },
	[BGP_ANSWERS_IN] = { "firewall-bgp", "what answers our BGP connections from", "we cannot connect to it",
			     IPPROTO_TCP, false, true, "established" },
	[BGP_ANSWERS_OUT] = { "firewall-bgp", "what answers BGP connections of", "it cannot connect to us", IPPROTO_TCP,
			      true, true, "established" },
};

/* What a rule drops: packets of one kind, of one VTEP or neighbor, and of so many others. */
struct dropped {
	struct firewall_drop by;
	enum kind kind;
	uint16_t port;
	struct ip other;
	unsigned more;
};

struct scope {
	const struct config *c;
	const char *underlay; /* NULL: not known */
	struct ip vteps[VTEPS_MAX];
	unsigned n_vteps;
	const json_t *neighbors; /* their states; NULL: nobody knows, all are down */
	const struct firewall *rules;
	struct dropped drops[DROPS_MAX];
	unsigned n_drops;
};

/* ---- the rules --------------------------------------------------------------------------------------------------- */

static bool take_text(void *ctx, const char *line, size_t len)
{
	struct buf *b = ctx;

	buf_add(b, line, len);
	return b->len < RULES_OCTETS_MAX;
}

/* An array of objects; NULL when there is no nft, or it may not look. */
static json_t *read_nft(int netns)
{
	static const char *const argv[] = { "nft", "-j", "list", "ruleset", NULL };
	json_t *all = NULL, *rules;
	const char *start;
	struct buf b;
	int status;

	buf_init(&b);
	if (run(argv, netns, PROGRAM_MS, take_text, &b, &status) == RUN_DONE) {
		buf_add(&b, "", 1);
		start = strstr(buf_data(&b), "{\"nftables\""); /* what it warns of stands before it */
		all = start ? json_loads(start, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	}
	buf_fini(&b);
	rules = json_incref(json_object_get(all, "nftables"));
	json_decref(all);
	return rules;
}

struct saved {
	struct iptables t;
	bool by_nft; /* the same rules are in nft's tables, with matches that it does not show */
	json_t *tables;
};

static bool take_saved(void *ctx, const char *line, size_t len)
{
	struct saved *s = ctx;

	iptables_line(&s->t, line, len);
	s->by_nft |= line[0] == '#' && memmem(line, len, "(nf_tables)", 11);
	if (line[0] == '*')
		json_object_set_new(s->tables, s->t.table, json_true());
	return true;
}

static void forget_tables(json_t *rules, const char *family, const json_t *tables)
{
	for (size_t i = json_array_size(rules); i--;) {
		const char *kind;
		json_t *o;

		json_object_foreach(json_array_get(rules, i), kind, o) {
			const char *f = json_string_value(json_object_get(o, "family"));
			const char *t = json_string_value(json_object_get(o, "table"));

			if (f && t && !strcmp(f, family) && json_object_get(tables, t)) {
				json_array_remove(rules, i);
				break;
			}
		}
	}
}

/* Whether these are tables of their own, as iptables' are where it is not made of nft. */
static bool read_iptables(const char *program, const char *family, int netns, json_t *rules)
{
	char save[32];
	const char *const argv[] = { save, NULL };
	struct saved s = { .t = { .ruleset = json_array(), .family = family, .program = program },
			   .tables = json_object() };
	bool read;
	int status;

	snprintf(save, sizeof(save), "%s-save", program);
	read = run(argv, netns, PROGRAM_MS, take_saved, &s, &status) == RUN_DONE;
	if (read && s.by_nft)
		forget_tables(rules, family, s.tables);
	if (read)
		json_array_extend(rules, s.t.ruleset);
	read = read && json_array_size(s.t.ruleset) && !s.by_nft;
	json_decref(s.t.ruleset);
	json_decref(s.tables);
	return read;
}

static json_t *read_rules(int netns)
{
	json_t *rules = read_nft(netns);

	rules = rules ? rules : json_array();
	if (!read_iptables("iptables", "ip", netns, rules))
		read_iptables("iptables-legacy", "ip", netns, rules);
	if (!read_iptables("ip6tables", "ip6", netns, rules))
		read_iptables("ip6tables-legacy", "ip6", netns, rules);
	return rules;
}

/* ---- packets ----------------------------------------------------------------------------------------------------- */

static void note(struct scope *s, const struct firewall_drop *by, enum kind kind, uint16_t port, const struct ip *other)
{
	for (unsigned i = 0; i < s->n_drops; i++) {
		struct dropped *d = &s->drops[i];

		if (d->kind == kind && d->port == port && d->by.chain == by->chain && d->by.rule == by->rule) {
			d->more++;
			return;
		}
	}
	if (s->n_drops < DROPS_MAX)
		s->drops[s->n_drops++] = (struct dropped){ *by, kind, port, *other, 0 };
}

/* here, other: no length when not known. */
static void look(struct scope *s, enum kind kind, uint8_t ip_len, const struct ip *here, const struct ip *other,
		 uint16_t port)
{
	struct firewall_packet p = {
		.leaves = kinds[kind].leaves,
		.ip_len = ip_len,
		.src = kinds[kind].leaves ? *here : *other,
		.dst = kinds[kind].leaves ? *other : *here,
		.protocol = kinds[kind].protocol,
		.state = kinds[kind].state,
		.dev = ip_is_loopback(other) ? "lo" : kinds[kind].protocol == IPPROTO_UDP ? s->underlay : NULL,
	};
	struct firewall_drop by;

	*(kinds[kind].by_source ? &p.sport : &p.dport) = port;
	if (firewall_drops(s->rules, &p, &by))
		note(s, &by, kind, port, other);
}

static void look_at_port(struct scope *s, uint16_t port)
{
	const struct ip *vtep = &s->c->vtep, none = ip_none();

	for (unsigned i = 0; i < s->n_vteps || !i; i++) {
		const struct ip *other = s->n_vteps ? &s->vteps[i] : &none;

		look(s, VXLAN_IN, vtep->len, vtep, other, port);
		look(s, VXLAN_OUT, vtep->len, vtep, other, port);
	}
}

static void look_at_vxlan(struct scope *s)
{
	uint16_t ports[PORTS_MAX];
	unsigned n = 0, k;

	if (s->c->dataplane == CONFIG_DP_NONE || !s->c->vtep.len)
		return;
	for (size_t i = 0; i < s->c->n_vnis; i++) {
		for (k = 0; k < n && ports[k] != s->c->vnis[i].vxlan_port; k++)
			;
		if (k < n || n == PORTS_MAX)
			continue;
		ports[n++] = s->c->vnis[i].vxlan_port;
		look_at_port(s, s->c->vnis[i].vxlan_port);
	}
}

static bool is_up(const struct scope *s, const struct ip *address)
{
	const json_t *row;
	size_t i;

	json_array_foreach(s->neighbors, i, row) {
		const char *a = json_string_value(json_object_get(row, "address"));
		const char *state = json_string_value(json_object_get(row, "state"));

		if (a && state && !strcmp(a, ip_str(address).s))
			return !strcmp(state, "Established");
	}
	return false;
}

/* One that is up needs no other way in. */
static void look_at_neighbor(struct scope *s, const struct config_neighbor *n)
{
	const struct ip none = ip_none();
	uint16_t listens = s->c->n_listen ? s->c->listen[0].port : BGP_PORT;

	if (is_up(s, &n->address))
		return;
	look(s, BGP_IN, n->address.len, &none, &n->address, listens);
	look(s, BGP_ANSWERS_OUT, n->address.len, &none, &n->address, listens);
	if (n->passive)
		return;
	look(s, BGP_OUT, n->address.len, &none, &n->address, n->port);
	look(s, BGP_ANSWERS_IN, n->address.len, &none, &n->address, n->port);
}

/* ---- findings ---------------------------------------------------------------------------------------------------- */

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

/* "iptables filter" is the table filter of iptables: no table of nft has a blank. */
static const char *table_of_iptables(const char *table)
{
	const char *blank = strchr(table, ' ');

	return blank ? blank + 1 : NULL;
}

static void say_rule(const struct dropped *d, char *out, size_t cap)
{
	const char *family = text(d->by.chain, "family"), *table = text(d->by.chain, "table");
	const char *chain = text(d->by.chain, "name");
	const char *saved = table_of_iptables(table);
	int program = (int)strcspn(table, " ");

	if (saved && d->by.rule)
		snprintf(out, cap, "%.*s -t %s %.150s", program, table, saved, text(d->by.rule, "text"));
	else if (saved)
		snprintf(out, cap, "%.*s -t %s -P %s DROP", program, table, saved, chain);
	else if (d->by.rule)
		snprintf(out, cap, "rule %" JSON_INTEGER_FORMAT " of chain %s %s %s (nft -a list ruleset)",
			 json_integer_value(json_object_get(d->by.rule, "handle")), text(d->by.rule, "family"),
			 text(d->by.rule, "table"), text(d->by.rule, "chain"));
	else
		snprintf(out, cap, "the policy of chain %s %s %s (nft)", family, table, chain);
}

static void say_command(const struct dropped *d, struct doctor_finding *f)
{
	const char *family = text(d->by.chain, "family"), *table = text(d->by.chain, "table");
	const char *chain = text(d->by.chain, "name");
	const char *protocol = kinds[d->kind].protocol == IPPROTO_UDP ? "udp" : "tcp";
	const char *side = kinds[d->kind].by_source ? "sport" : "dport";
	const char *saved = table_of_iptables(table);

	if (saved)
		doctor_command(f, "%.*s -t %s -I %s -p %s --%s %u -j ACCEPT; and the same where these rules come from",
			       (int)strcspn(table, " "), table, saved, chain, protocol, side, d->port);
	else
		doctor_command(f, "nft insert rule %s %s %s %s %s %u accept; and the same where these rules come from",
			       family, table, chain, protocol, side, d->port);
}

static void report(const struct dropped *d, struct buf *out, bool *first)
{
	struct doctor_finding f = { .code = kinds[d->kind].code, .severity = DOCTOR_ERROR };
	bool udp = kinds[d->kind].protocol == IPPROTO_UDP;
	char rule[200], others[32] = "";

	if (d->more)
		snprintf(others, sizeof(others), " and %u more", d->more);
	say_rule(d, rule, sizeof(rule));
	snprintf(f.what, sizeof(f.what), "this host drops %s %s%s, %s port %u: %s", kinds[d->kind].what,
		 d->other.len ? ip_str(&d->other).s : "any other VTEP", others, udp ? "UDP" : "TCP", d->port, rule);
	if (!udp)
		f.neighbor = d->other;
	doctor_why(&f, "%s", kinds[d->kind].why);
	say_command(d, &f);
	buf_adds(out, *first ? "" : ",\n");
	*first = false;
	doctor_print(&f, out);
}

static void look_at_all(struct scope *s, int netns, struct buf *out, bool *first)
{
	json_t *ruleset = read_rules(netns);
	struct firewall *rules = firewall_new(ruleset);

	s->rules = rules;
	look_at_vxlan(s);
	for (size_t i = 0; i < s->c->n_neighbors; i++)
		look_at_neighbor(s, &s->c->neighbors[i]);
	for (unsigned i = 0; i < s->n_drops; i++)
		report(&s->drops[i], out, first);
	firewall_free(rules);
	json_decref(ruleset);
}

/* ---- of whom ----------------------------------------------------------------------------------------------------- */

static void take_vtep(struct scope *s, const struct ip *vtep)
{
	for (unsigned i = 0; i < s->n_vteps; i++)
		if (ip_eq(&s->vteps[i], vtep))
			return;
	if (s->n_vteps < VTEPS_MAX && vtep->len == s->c->vtep.len && !ip_eq(vtep, &s->c->vtep))
		s->vteps[s->n_vteps++] = *vtep;
}

void doctor_firewall_alone(const struct config *c, struct buf *out, bool *first)
{
	struct scope *s = xcalloc(1, sizeof(*s));

	s->c = c;
	s->underlay = c->underlay;
	for (size_t i = 0; i < c->n_vnis; i++)
		for (size_t k = 0; k < c->vnis[i].n_flood; k++)
			take_vtep(s, &c->vnis[i].flood[k]);
	look_at_all(s, -1, out, first);
	free(s);
}

static bool take_row(void *ctx, const json_t *row)
{
	return !json_array_append((json_t *)ctx, (json_t *)(uintptr_t)row);
}

/* What it runs with, as it prints it; NULL when that cannot be had. */
static struct config *ask_config(const char *socket, const char *file, char error[ASK_ERROR_MAX])
{
	struct config_errors errors = { 0 };
	json_t *lines = json_array(), *line;
	struct config *c = NULL;
	struct buf b;
	size_t i;

	buf_init(&b);
	if (ask_rows(socket, ASK_WORDS("show", "config", "--yaml"), NULL, take_row, lines, error)) {
		json_array_foreach(lines, i, line)
			buf_printf(&b, "%s\n", json_string_value(line));
		c = config_parse(file, buf_data(&b), b.len, &errors);
	}
	config_errors_free(&errors);
	json_decref(lines);
	buf_fini(&b);
	return c;
}

void doctor_firewall_ask(const char *socket, struct buf *out, bool *first)
{
	char error[ASK_ERROR_MAX];
	struct scope *s = xcalloc(1, sizeof(*s));
	json_t *version = ask_json(socket, ASK_WORDS("show", "version"), error);
	json_t *vteps = version ? ask_json(socket, ASK_WORDS("show", "vtep"), error) : NULL, *row;
	json_t *vnis = vteps ? ask_json(socket, ASK_WORDS("show", "vni"), error) : NULL;
	json_t *neighbors = vnis ? ask_json(socket, ASK_WORDS("show", "neighbors"), error) : NULL;
	struct config *c = neighbors ? ask_config(socket, text(version, "config"), error) : NULL;
	struct ip vtep;
	size_t i;
	int netns;

	if (c) {
		netns = run_netns_of((pid_t)json_integer_value(json_object_get(version, "pid")));
		s->c = c;
		s->neighbors = neighbors;
		json_array_foreach(vteps, i, row)
			if (ip_parse(text(row, "vtep"), &vtep))
				take_vtep(s, &vtep);
		json_array_foreach(vnis, i, row)
			if (text(row, "underlay")[0])
				s->underlay = text(row, "underlay");
		if (netns != RUN_NETNS_OUT_OF_REACH)
			look_at_all(s, netns, out, first);
		if (netns >= 0)
			close(netns);
	}
	config_free(c);
	json_decref(neighbors);
	json_decref(vnis);
	json_decref(vteps);
	json_decref(version);
	free(s);
}
