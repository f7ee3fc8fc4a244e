/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/firewall.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define DEPTH_MAX 16u /* jumps; the kernel's limit */
#define HOOKS_MAX 3u
#define CHAINS_MAX 64u /* base chains of a hook */
#define RULES_MAX 1000000u /* that a packet is taken through: where many jumps are perhaps, they multiply */

/* What is looked for in a ruleset, by name: it may have ten thousands of rules. */
struct firewall {
	json_t *rules;  /* of each chain, in order: by family, table, chain */
	json_t *sets;   /* of each name, of whatever table */
	json_t *names;  /* of chains, as of rules */
	json_t *chains; /* those of hooks that are in use */
};

enum truth { NO, YES, PERHAPS };

/* Where a packet may be after a rule or a chain, as bits. */
enum {
	GOES_ON = 1,
	RETURNS = 2,
	ACCEPTED = 4,
	DROPPED = 8,
};

struct walk {
	const struct firewall *f;
	const struct firewall_packet *p;
	const json_t *dropper; /* the rule that has dropped it last, on the way that was looked at last */
	bool lost; /* something has made another packet of it: nothing more is certain */
	bool untracked;
	unsigned depth, rules;
};

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static enum truth sure(bool yes)
{
	return yes ? YES : NO;
}

static enum truth opposite(enum truth t)
{
	return t == PERHAPS ? PERHAPS : sure(t == NO);
}

static enum truth either(enum truth a, enum truth b)
{
	return a == YES || b == YES ? YES : a == NO ? b : b == NO ? a : PERHAPS;
}

#define NAME_MAX_OCTETS 512u

/* of: a chain or a rule, whose family and table are meant. */
static const char *chain_key(const json_t *of, const char *chain, char key[NAME_MAX_OCTETS])
{
	snprintf(key, NAME_MAX_OCTETS, "%s %s/%s", text(of, "family"), text(of, "table"), chain);
	return key;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* A field of the packet: a number, an address, or one of up to two words; all empty: not known. */
struct field {
	bool is_number;
	int64_t number;
	struct ip ip;
	const char *word, *other;
	bool not_lo; /* an interface that is not known, but is not that */
};

static enum truth word_is(const struct field *f, const char *want)
{
	size_t len = strlen(want);

	if (f->not_lo && !f->word)
		return strcmp(want, "lo") ? PERHAPS : NO;
	if (!f->word)
		return PERHAPS;
	if (len && want[len - 1] == '*')
		return sure(!strncmp(f->word, want, len - 1));
	return sure(!strcmp(f->word, want) || (f->other && !strcmp(f->other, want)));
}

static enum truth ip_in(const struct ip *a, const char *net, json_int_t bits)
{
	struct ip n;

	if (!a->len || !ip_parse(net, &n))
		return PERHAPS;
	if (n.len != a->len || bits < 0 || bits > 8 * n.len)
		return NO;
	for (unsigned i = 0; i < (unsigned)bits; i++)
		if ((a->b[i / 8] ^ n.b[i / 8]) >> (7 - i % 8) & 1)
			return NO;
	return YES;
}

/* -1, 0, 1 in *order; false where they cannot be compared. */
static bool compare(const struct field *f, const json_t *v, int *order)
{
	struct ip ip;

	if (f->is_number && json_is_integer(v)) {
		*order = (f->number > json_integer_value(v)) - (f->number < json_integer_value(v));
		return true;
	}
	if (!f->ip.len || !json_is_string(v) || !ip_parse(json_string_value(v), &ip) || ip.len != f->ip.len)
		return false;
	*order = ip_cmp(&f->ip, &ip);
	return true;
}

static enum truth equals(struct walk *w, const struct field *f, const json_t *v);

static enum truth in_list(struct walk *w, const struct field *f, const json_t *list)
{
	enum truth t = NO;
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
		t = either(t, equals(w, f, v));
	return t;
}

/* "@name": a set of the table; where several tables have one they have to be of one mind. */
static enum truth in_named(struct walk *w, const struct field *f, const char *name)
{
	const json_t *sets = json_object_get(w->f->sets, name), *set;
	enum truth t = PERHAPS;
	size_t i;

	json_array_foreach(sets, i, set) {
		enum truth now = in_list(w, f, json_object_get(set, "elem"));

		if (i && now != t)
			return PERHAPS;
		t = now;
	}
	return t;
}

static enum truth in_range(const struct field *f, const json_t *range)
{
	int low, high;

	if (!compare(f, json_array_get(range, 0), &low) || !compare(f, json_array_get(range, 1), &high))
		return PERHAPS;
	return sure(low >= 0 && high <= 0);
}

static enum truth equals(struct walk *w, const struct field *f, const json_t *v)
{
	const json_t *prefix = json_object_get(v, "prefix");
	const char *s = json_string_value(v);
	int order;

	if (s && s[0] == '@')
		return in_named(w, f, s + 1);
	if (s && !strcmp(s, "*"))
		return YES;
	if (json_is_array(v))
		return in_list(w, f, v);
	if (json_object_get(v, "set"))
		return in_list(w, f, json_object_get(v, "set"));
	if (json_object_get(v, "range"))
		return in_range(f, json_object_get(v, "range"));
	if (prefix)
		return ip_in(&f->ip, text(prefix, "addr"), json_integer_value(json_object_get(prefix, "len")));
	if (json_object_get(v, "elem"))
		return equals(w, f, json_object_get(json_object_get(v, "elem"), "val"));
	if (f->word || f->not_lo)
		return s                                    ? word_is(f, s)
		       : f->is_number && json_is_integer(v) ? sure(f->number == json_integer_value(v))
							    : PERHAPS;
	return compare(f, v, &order) ? sure(!order) : PERHAPS;
}

static enum truth holds(struct walk *w, const char *op, const struct field *f, const json_t *v)
{
	int order;

	if (!strcmp(op, "==") || !strcmp(op, "in"))
		return equals(w, f, v);
	if (!strcmp(op, "!="))
		return opposite(equals(w, f, v));
	if (!compare(f, v, &order))
		return PERHAPS;
	return !strcmp(op, "<")	 ? sure(order < 0) :
	       !strcmp(op, "<=") ? sure(order <= 0) :
	       !strcmp(op, ">")	 ? sure(order > 0) :
	       !strcmp(op, ">=") ? sure(order >= 0) :
				   PERHAPS;
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

static const char *protocol_name(const struct walk *w)
{
	return w->p->protocol == IPPROTO_UDP ? "udp" : "tcp";
}

static void put_device(const struct walk *w, bool leaving, struct field *f)
{
	if (w->p->leaves != leaving)
		return; /* the other one is not known where it is asked for */
	f->word = w->p->dev;
	f->not_lo = !w->p->dev;
}

static void put_meta(const struct walk *w, const char *key, struct field *f)
{
	if (!strcmp(key, "l4proto"))
		*f = (struct field){ .is_number = true, .number = w->p->protocol, .word = protocol_name(w) };
	else if (!strcmp(key, "nfproto"))
		f->word = w->p->ip_len == 4 ? "ipv4" : "ipv6";
	else if (!strcmp(key, "protocol"))
		f->word = w->p->ip_len == 4 ? "ip" : "ip6";
	else if (!strcmp(key, "iifname") || !strcmp(key, "iif"))
		put_device(w, false, f);
	else if (!strcmp(key, "oifname") || !strcmp(key, "oif"))
		put_device(w, true, f);
}

static enum truth put_port(uint16_t port, struct field *f)
{
	f->is_number = port;
	f->number = port;
	return YES;
}

/* NO: the packet has no such header. */
static enum truth put_payload(const struct walk *w, const json_t *payload, struct field *f)
{
	const char *protocol = text(payload, "protocol"), *name = text(payload, "field");
	bool ip = !strcmp(protocol, "ip"), ip6 = !strcmp(protocol, "ip6");

	if (ip || ip6) {
		if (w->p->ip_len != (ip ? 4 : 16))
			return NO;
		if (!strcmp(name, "saddr"))
			f->ip = w->p->src;
		else if (!strcmp(name, "daddr"))
			f->ip = w->p->dst;
		else if (!strcmp(name, "protocol") || !strcmp(name, "nexthdr"))
			*f = (struct field){ .is_number = true, .number = w->p->protocol, .word = protocol_name(w) };
		return YES;
	}
	if (!protocol[0] || !strcmp(protocol, "ether") || !strcmp(protocol, "vlan"))
		return PERHAPS;
	if (strcmp(protocol, "th") && strcmp(protocol, protocol_name(w)))
		return NO;
	if (!strcmp(name, "sport"))
		return put_port(w->p->sport, f);
	if (!strcmp(name, "dport"))
		return put_port(w->p->dport, f);
	return PERHAPS;
}

static void put_ct(const struct walk *w, const char *key, struct field *f)
{
	if (!strcmp(key, "state"))
		f->word = w->untracked ? "untracked" : w->p->state;
	else if (!strcmp(key, "status") && !strcmp(w->p->state, "new")) /* nothing has translated it: lost would say */
		f->word = "none";
}

/* What is on the left of a match. NO: the packet has none; PERHAPS: it is not known. */
static enum truth field_of(const struct walk *w, const json_t *left, struct field *f)
{
	const json_t *o;

	*f = (struct field){ .word = NULL };
	if ((o = json_object_get(left, "meta")))
		put_meta(w, text(o, "key"), f);
	else if ((o = json_object_get(left, "payload")))
		return put_payload(w, o, f);
	else if ((o = json_object_get(left, "ct")) && !json_object_get(o, "dir"))
		put_ct(w, text(o, "key"), f);
	return f->word || f->is_number || f->ip.len || f->not_lo ? YES : PERHAPS;
}

static enum truth match(struct walk *w, const json_t *m)
{
	enum truth has;
	struct field f;

	has = field_of(w, json_object_get(m, "left"), &f);
	return has == YES ? holds(w, text(m, "op"), &f, json_object_get(m, "right")) : has;
}

/* ---- rules and chains -------------------------------------------------------------------------------------------- */

static unsigned walk_chain(struct walk *w, const json_t *of, const char *name);

/* What a verdict does; -1: it is none. of: the chain or rule whose family and table a jump stays in. */
static int verdict(struct walk *w, const json_t *of, const char *name, const json_t *value)
{
	unsigned end;

	if (!strcmp(name, "accept"))
		return ACCEPTED;
	if (!strcmp(name, "drop") || !strcmp(name, "reject"))
		return DROPPED;
	if (!strcmp(name, "return"))
		return RETURNS;
	if (!strcmp(name, "continue"))
		return GOES_ON;
	if (!strcmp(name, "queue") || !strcmp(name, "fwd") || !strcmp(name, "synproxy"))
		return ACCEPTED | DROPPED;
	if (strcmp(name, "jump") && strcmp(name, "goto"))
		return -1;
	end = walk_chain(w, of, text(value, "target"));
	if (end & (RETURNS | GOES_ON))
		end = (end & (ACCEPTED | DROPPED)) | (name[0] == 'j' ? GOES_ON : RETURNS);
	return (int)end;
}

static int verdict_of(struct walk *w, const json_t *of, const json_t *statement)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)statement, name, value)
		return verdict(w, of, name, value);
	return -1;
}

/* Pairs of a value and what is done with it. */
static unsigned walk_vmap(struct walk *w, const json_t *of, const json_t *vmap)
{
	const json_t *set = json_object_get(json_object_get(vmap, "data"), "set"), *pair;
	unsigned ends = 0;
	enum truth has;
	struct field f;
	size_t i;

	has = field_of(w, json_object_get(vmap, "key"), &f);
	if (has == NO)
		return GOES_ON;
	if (!set)
		return GOES_ON | ACCEPTED | DROPPED; /* a map with a name */
	json_array_foreach(set, i, pair) {
		enum truth t = has == YES ? equals(w, &f, json_array_get(pair, 0)) : PERHAPS;
		int end = t == NO ? 0 : verdict_of(w, of, json_array_get(pair, 1));

		ends |= end > 0 ? (unsigned)end : 0;
		if (t == YES)
			return ends;
	}
	return ends | GOES_ON;
}

/* The packet is another after it, or goes another way. */
static bool is_lost_by(const char *name, const json_t *value)
{
	return !strcmp(name, "dnat") || !strcmp(name, "redirect") || !strcmp(name, "tproxy") ||
	       (!strcmp(name, "mangle") && json_object_get(json_object_get(value, "key"), "payload") &&
		strcmp(text(json_object_get(json_object_get(value, "key"), "payload"), "field"), "dscp"));
}

/* Statements that neither match nor decide. */
static bool is_idle(const char *name)
{
	static const char *const idle[] = { "counter", "log", "mangle", "notrack", "comment", "meter" };

	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
		if (!strcmp(name, idle[i]))
			return true;
	return false;
}

/*
 * A statement of a rule, reached as "reached" says; *reached becomes whether the next one is. The ends that it opens.
 */
static unsigned walk_statement(struct walk *w, const json_t *rule, const char *name, const json_t *value,
			       enum truth *reached)
{
	unsigned ends;
	int end;

	if (!strcmp(name, "match")) {
		enum truth t = match(w, value);

		*reached = t == NO ? NO : *reached == YES ? t : PERHAPS;
		return 0;
	}
	w->lost |= is_lost_by(name, value);
	if (!strcmp(name, "notrack"))
		w->untracked = true;
	if (is_idle(name))
		return 0;
	if (!strcmp(name, "masquerade") || !strcmp(name, "snat") || w->lost) {
		*reached = NO;
		return ACCEPTED;
	}
	end = strcmp(name, "vmap") ? verdict(w, rule, name, value) : (int)walk_vmap(w, rule, value);
	if (end < 0) { /* a limit, a quota, a statement that came later than this was written */
		*reached = PERHAPS;
		return 0;
	}
	ends = (unsigned)end & ~(unsigned)GOES_ON;
	if (ends & DROPPED && (!strcmp(name, "drop") || !strcmp(name, "reject") || !strcmp(name, "vmap")))
		w->dropper = rule;
	*reached = !(end & GOES_ON) ? (*reached == YES ? NO : PERHAPS) : ends ? PERHAPS : *reached;
	return ends;
}

/* Where the packet may be after the rule. */
static unsigned walk_rule(struct walk *w, const json_t *rule)
{
	const json_t *expr = json_object_get(rule, "expr"), *statement;
	enum truth reached = YES;
	unsigned ends = 0;
	size_t i;

	json_array_foreach(expr, i, statement) {
		enum truth before = reached;
		const char *name;
		json_t *value;

		json_object_foreach((json_t *)(uintptr_t)statement, name, value)
			ends |= walk_statement(w, rule, name, value, &reached);
		if (before == YES && reached == NO && ends)
			return ends; /* it has ended here, for certain */
		if (reached == NO)
			break;
	}
	return ends | GOES_ON;
}

static unsigned walk_rules(struct walk *w, const json_t *rules)
{
	unsigned ends = 0, now;
	const json_t *rule;
	size_t i;

	json_array_foreach(rules, i, rule) {
		w->lost |= w->rules++ > RULES_MAX;
		now = w->lost ? GOES_ON : walk_rule(w, rule);
		ends |= now & ~(unsigned)GOES_ON;
		if (!(now & GOES_ON))
			return ends;
	}
	return ends | GOES_ON;
}

static unsigned walk_chain(struct walk *w, const json_t *of, const char *name)
{
	char key[NAME_MAX_OCTETS];
	unsigned ends;

	chain_key(of, name, key);
	if (w->depth >= DEPTH_MAX || !json_object_get(w->f->names, key)) /* a target that is not known here */
		return GOES_ON | ACCEPTED | DROPPED;
	w->depth++;
	ends = walk_rules(w, json_object_get(w->f->rules, key));
	w->depth--;
	return ends;
}

/* ---- hooks ------------------------------------------------------------------------------------------------------- */

/* Chains of a device are looked at where the packet's device is known. */
static bool meets(const struct walk *w, const json_t *chain)
{
	const char *family = text(chain, "family"), *dev = text(chain, "dev");

	if (strcmp(family, w->p->ip_len == 4 ? "ip" : "ip6") && strcmp(family, "inet") && strcmp(family, "netdev"))
		return false;
	return !dev[0] ? strcmp(family, "netdev") != 0 : w->p->dev && !strcmp(dev, w->p->dev);
}

static int by_priority(const void *pa, const void *pb)
{
	json_int_t a = json_integer_value(json_object_get(*(const json_t *const *)pa, "prio"));
	json_int_t b = json_integer_value(json_object_get(*(const json_t *const *)pb, "prio"));

	return (a > b) - (a < b);
}

static size_t find_chains(const struct walk *w, const char *hook, const json_t *chains[CHAINS_MAX])
{
	const json_t *c;
	size_t n = 0, i;

	json_array_foreach(w->f->chains, i, c) {
		if (n < CHAINS_MAX && !strcmp(text(c, "hook"), hook) && meets(w, c))
			chains[n++] = c;
	}
	if (n)
		qsort(chains, n, sizeof(*chains), by_priority);
	return n;
}

static bool chain_drops(struct walk *w, const json_t *chain, struct firewall_drop *drop)
{
	unsigned ends;

	w->dropper = NULL;
	ends = walk_chain(w, chain, text(chain, "name"));
	if (ends & (GOES_ON | RETURNS)) {
		bool drops = !strcmp(text(chain, "policy"), "drop");

		ends = (ends & (ACCEPTED | DROPPED)) | (drops ? DROPPED : ACCEPTED);
		if (drops)
			w->dropper = NULL;
	}
	*drop = (struct firewall_drop){ chain, w->dropper };
	return ends == DROPPED && !w->lost;
}

bool firewall_drops(const struct firewall *f, const struct firewall_packet *p, struct firewall_drop *drop)
{
	static const char *const hooks[2][HOOKS_MAX] = {
		{ "ingress", "prerouting", "input" },
		{ "output", "postrouting", "egress" },
	};
	struct walk w = { .f = f, .p = p };

	for (size_t h = 0; h < HOOKS_MAX; h++) {
		const json_t *chains[CHAINS_MAX];
		size_t n = find_chains(&w, hooks[p->leaves][h], chains);

		for (size_t i = 0; i < n && !w.lost; i++)
			if (chain_drops(&w, chains[i], drop))
				return true;
	}
	return false;
}

/* ---- the ruleset ------------------------------------------------------------------------------------------------- */

static void append(json_t *lists, const char *name, json_t *o)
{
	json_t *list = json_object_get(lists, name);

	if (!list) {
		list = json_array();
		json_object_set_new(lists, name, list);
	}
	json_array_append(list, o);
}

static bool is_dormant(const json_t *table)
{
	const json_t *flags = json_object_get(table, "flags"), *flag;
	bool dormant = json_is_string(flags) && !strcmp(json_string_value(flags), "dormant");
	size_t i;

	json_array_foreach(flags, i, flag)
		dormant |= json_is_string(flag) && !strcmp(json_string_value(flag), "dormant");
	return dormant;
}

static const char *table_key(const json_t *of, const char *member, char key[NAME_MAX_OCTETS])
{
	snprintf(key, NAME_MAX_OCTETS, "%s %s", text(of, "family"), text(of, member));
	return key;
}

struct firewall *firewall_new(const json_t *ruleset)
{
	struct firewall *f = xcalloc(1, sizeof(*f));
	json_t *dormant = json_object(), *o, *v;
	char key[NAME_MAX_OCTETS];
	size_t i;

	*f = (struct firewall){ json_object(), json_object(), json_object(), json_array() };
	json_array_foreach(ruleset, i, o) {
		if ((v = json_object_get(o, "rule")))
			append(f->rules, chain_key(v, text(v, "chain"), key), v);
		else if ((v = json_object_get(o, "set")))
			append(f->sets, text(v, "name"), v);
		else if ((v = json_object_get(o, "table")) && is_dormant(v))
			json_object_set_new(dormant, table_key(v, "name", key), json_true());
	}
	json_array_foreach(ruleset, i, o) {
		v = json_object_get(o, "chain");
		if (v)
			json_object_set_new(f->names, chain_key(v, text(v, "name"), key), json_true());
		if (v && text(v, "hook")[0] && !json_object_get(dormant, table_key(v, "table", key)))
			json_array_append(f->chains, v);
	}
	json_decref(dormant);
	return f;
}

void firewall_free(struct firewall *f)
{
	json_decref(f->rules);
	json_decref(f->sets);
	json_decref(f->names);
	json_decref(f->chains);
	free(f);
}
