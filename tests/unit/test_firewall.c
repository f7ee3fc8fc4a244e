/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* nft and iptables rules against packets: what is surely dropped, by which rule, and when nothing is sure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/evpnctl/firewall.h"
#include "cmd/evpnctl/iptables.h"
#include "tests/lib/test.h"

/* As nft 1.0.6 prints them, with ' for ". */
#define CHAIN(name, hook, prio, policy) \
	"{'chain':{'family':'inet','table':'t','name':'" name "','hook':'" hook "','prio':" prio ",'policy':'" policy \
	"'}},"
#define INPUT CHAIN("in", "input", "0", "accept")
#define CLOSED CHAIN("in", "input", "0", "drop")
#define PLAIN(name) "{'chain':{'family':'inet','table':'t','name':'" name "'}},"
#define RULE(chain, handle, expr) \
	"{'rule':{'family':'inet','table':'t','chain':'" chain "','handle':" handle ",'expr':[" expr "]}},"
#define MATCH(op, left, right) "{'match':{'op':'" op "','left':" left ",'right':" right "}},"
#define META(key) "{'meta':{'key':'" key "'}}"
#define FIELD(protocol, field) "{'payload':{'protocol':'" protocol "','field':'" field "'}}"
#define STATE "{'ct':{'key':'state'}}"
#define VXLAN MATCH("==", FIELD("udp", "dport"), "4789")
#define ACCEPT "{'accept':null}"
#define DROP "{'drop':null}"
#define LIMIT "{'limit':{'rate':5,'per':'second'}},"

static struct ip ip(const char *s)
{
	struct ip a;

	assert_true(ip_parse(s, &a));
	return a;
}

/* VXLAN from 192.0.2.2 to 192.0.2.1, by a device that is not known. */
static struct firewall_packet vxlan(void)
{
	return (struct firewall_packet){ .ip_len = 4,
					 .src = ip("192.0.2.2"),
					 .dst = ip("192.0.2.1"),
					 .protocol = 17,
					 .dport = 4789,
					 .state = "new" };
}

enum { PASSES = 0, POLICY = -1 }; /* else the handle of the rule that drops */

static void assert_by(const json_t *ruleset, const struct firewall_packet *p, int want)
{
	struct firewall *f = firewall_new(ruleset);
	struct firewall_drop d;
	bool drops = firewall_drops(f, p, &d);
	int by = !drops ? PASSES : !d.rule ? POLICY : (int)json_integer_value(json_object_get(d.rule, "handle"));

	if (by != want) {
		char *s = json_dumps(ruleset, JSON_COMPACT);

		fail_msg("%d, not %d, by %s", by, want, s);
	}
	firewall_free(f);
}

static void assert_packet(const char *rules, struct firewall_packet p, int want)
{
	char *s = malloc(strlen(rules) + 16);
	json_t *ruleset;

	sprintf(s, "[%s{'end':{}}]", rules);
	for (char *c = s; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	ruleset = json_loads(s, 0, NULL);
	if (!ruleset)
		fail_msg("no JSON: %s", s);
	assert_by(ruleset, &p, want);
	json_decref(ruleset);
	free(s);
}

static void assert_vxlan(const char *rules, int want)
{
	assert_packet(rules, vxlan(), want);
}

static void rules_are_in_order_and_the_policy_is_last(void **state)
{
	assert_vxlan(INPUT, PASSES);
	assert_vxlan(CLOSED, POLICY);
	assert_vxlan(INPUT RULE("in", "7", VXLAN DROP), 7);
	assert_vxlan(INPUT RULE("in", "7", VXLAN "{'counter':{}},{'log':null},{'reject':null}"), 7);
	assert_vxlan(INPUT RULE("in", "6", VXLAN ACCEPT) RULE("in", "7", VXLAN DROP), PASSES);
	assert_vxlan(CLOSED RULE("in", "6", VXLAN ACCEPT), PASSES);
	assert_vxlan(CLOSED RULE("in", "6", MATCH("==", FIELD("tcp", "dport"), "4789") ACCEPT), POLICY);
	assert_vxlan(CHAIN("out", "output", "0", "drop"), PASSES);
	assert_vxlan("{'table':{'family':'inet','name':'t','flags':'dormant'}}," CLOSED, PASSES);
}

/* Accepted in one of them it can be dropped in the next; the first hook comes first. */
static void chains_are_by_hook_and_priority(void **state)
{
	assert_vxlan(INPUT RULE("in", "1", ACCEPT) CHAIN("late", "input", "5", "drop") RULE("late", "2", VXLAN DROP),
		     2);
	assert_vxlan(CLOSED CHAIN("pre", "prerouting", "-300", "accept") RULE("pre", "3", VXLAN DROP), 3);
	assert_vxlan(CHAIN("late", "input", "5", "drop") INPUT RULE("in", "2", VXLAN DROP), 2);
}

static void chains_that_are_jumped_to_come_back(void **state)
{
	assert_vxlan(CLOSED PLAIN("x") RULE("in", "1", "{'jump':{'target':'x'}}")
			     RULE("x", "2", MATCH("==", FIELD("udp", "dport"), "53") ACCEPT)
				     RULE("in", "3", VXLAN DROP),
		     3);
	assert_vxlan(CLOSED PLAIN("x") RULE("in", "1", "{'jump':{'target':'x'}}")
			     RULE("x", "2", VXLAN "{'return':null}") RULE("x", "4", DROP),
		     POLICY);
	assert_vxlan(INPUT PLAIN("x") RULE("in", "1", "{'jump':{'target':'x'}}") RULE("x", "2", VXLAN DROP)
			     RULE("in", "3", ACCEPT),
		     2);
	assert_vxlan(INPUT PLAIN("x") RULE("in", "1", "{'goto':{'target':'x'}}") RULE("x", "2", "{'counter':null}")
			     RULE("in", "3", VXLAN DROP),
		     PASSES);
	assert_vxlan(INPUT PLAIN("x") RULE("in", "1", "{'jump':{'target':'x'}}")
			     RULE("x", "2", "{'jump':{'target':'x'}}") RULE("in", "3", DROP),
		     PASSES); /* nft refuses it; here it must end */
}

/* Three jumps a chain that may happen, 14 chains deep: millions of ways, and the last rule decides on none of them. */
static void what_takes_too_long_is_not_said(void **state)
{
	struct firewall_packet p = vxlan();
	json_t *ruleset = json_array();
	struct firewall_drop d;
	struct firewall *f;

	for (int i = 0; i < 15; i++) {
		json_array_append_new(ruleset, json_pack("{s:{s:s,s:s,s:o,s:s,s:i,s:s}}", "chain", "family", "ip",
							 "table", "t", "name", json_sprintf("c%d", i),
							 i ? "none" : "hook", "input", "prio", 0, "policy", "drop"));
		for (int k = 0; k < 3; k++)
			json_array_append_new(ruleset,
					      json_pack("{s:{s:s,s:s,s:o,s:[{s:n},{s:{s:o}}]}}", "rule", "family", "ip",
							"table", "t", "chain", json_sprintf("c%d", i), "expr", "limit",
							"jump", "target", json_sprintf("c%d", i + 1)));
	}
	f = firewall_new(ruleset);
	assert_false(firewall_drops(f, &p, &d));
	firewall_free(f);
	json_decref(ruleset);
}

static void values_are_single_sets_ranges_networks(void **state)
{
	static const struct {
		const char *match;
		bool holds;
	} of[] = {
		{ MATCH("==", META("l4proto"), "'udp'"), true },
		{ MATCH("==", META("l4proto"), "17"), true },
		{ MATCH("==", META("l4proto"), "{'set':['icmp','ipv6-icmp']}"), false },
		{ MATCH("==", FIELD("th", "dport"), "{'set':[22,{'range':[4000,5000]}]}"), true },
		{ MATCH("!=", FIELD("udp", "dport"), "4789"), false },
		{ MATCH(">", FIELD("udp", "dport"), "1023"), true },
		{ MATCH("==", FIELD("ip", "saddr"), "{'prefix':{'addr':'192.0.2.0','len':24}}"), true },
		{ MATCH("==", FIELD("ip", "saddr"), "{'prefix':{'addr':'192.0.2.128','len':25}}"), false },
		{ MATCH("==", FIELD("ip", "saddr"), "{'range':['192.0.2.1','192.0.2.9']}"), true },
		{ MATCH("==", FIELD("ip", "daddr"), "'192.0.2.1'"), true },
		{ MATCH("==", FIELD("ip6", "saddr"), "'2001:db8::1'"), false },
		{ MATCH("==", FIELD("ip", "saddr"), "'@peers'"), true },
		{ MATCH("==", META("iifname"), "'lo'"), false },
		{ MATCH("!=", META("iif"), "'lo'"), true },
		{ MATCH("in", STATE, "['established','related']"), false },
		{ MATCH("in", STATE, "['established','new']"), true },
		{ MATCH("in", "{'ct':{'key':'status'}}", "'dnat'"), false },
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		char rules[1024];

		snprintf(
			rules, sizeof(rules),
			"{'set':{'family':'inet','table':'t','name':'peers',"
			"'elem':['10.0.0.1',{'prefix':{'addr':'192.0.2.0','len':24}}]}}," INPUT
			"{'rule':{'family':'inet','table':'t','chain':'in','handle':7,'expr':[%s" DROP "]}},",
			of[i].match);
		assert_vxlan(rules, of[i].holds ? 7 : PASSES);
	}
	assert_vxlan(CLOSED RULE("in", "1",
				 "{'vmap':{'key':" STATE ",'data':{'set':[['established'," ACCEPT "],['invalid'," DROP
				 "]]}}}"),
		     POLICY);
	assert_vxlan(INPUT RULE("in", "1",
				"{'vmap':{'key':" FIELD("udp", "dport") ",'data':{'set':[[53," ACCEPT "],[4789," DROP
									"]]}}}"),
		     1);
}

/* What might let it pass ends all certainty; what might drop it does not end it. */
static void what_is_not_known_is_not_said(void **state)
{
	struct firewall_packet p = vxlan();

	assert_vxlan(CLOSED RULE("in", "1", LIMIT ACCEPT), PASSES);
	assert_vxlan(CLOSED RULE("in", "1", MATCH("==", META("mark"), "5") ACCEPT), PASSES);
	assert_vxlan(CLOSED RULE("in", "1", "{'xt':null}," ACCEPT), PASSES);
	assert_vxlan(CLOSED RULE("in", "1", MATCH("==", META("iifname"), "'eth0'") ACCEPT), PASSES);
	assert_vxlan(INPUT RULE("in", "1", LIMIT DROP), PASSES);
	assert_vxlan(INPUT RULE("in", "1", LIMIT DROP) RULE("in", "2", VXLAN DROP), 2);
	assert_vxlan(CLOSED RULE("in", "1", "{'queue':null}"), PASSES);
	p.dev = "eth0";
	assert_packet(CLOSED RULE("in", "1", MATCH("==", META("iifname"), "'eth*'") ACCEPT), p, PASSES);
	assert_packet(CLOSED RULE("in", "1", MATCH("==", META("iifname"), "'eth1'") ACCEPT), p, POLICY);
	p.src = ip_none();
	assert_packet(CLOSED RULE("in", "1", MATCH("==", FIELD("ip", "saddr"), "'192.0.2.2'") ACCEPT), p, PASSES);
	assert_packet(INPUT RULE("in", "1", VXLAN DROP), p, 1);
}

/* After another address it is another packet; without tracking it has no state. */
static void what_is_made_of_a_packet_counts(void **state)
{
	assert_vxlan(CHAIN("nat", "prerouting", "-100", "accept") RULE("nat", "1", VXLAN "{'dnat':{'addr':'10.0.0.1'}}")
			     CLOSED,
		     PASSES);
	assert_vxlan(CHAIN("nat", "prerouting", "-100", "accept")
			     RULE("nat", "1", MATCH("==", FIELD("tcp", "dport"), "80") "{'redirect':null}") CLOSED,
		     POLICY);
	assert_vxlan(CHAIN("raw", "prerouting", "-300", "accept") RULE("raw", "1", VXLAN "{'notrack':null}")
		     CLOSED RULE("in", "2", MATCH("in", STATE, "'untracked'") ACCEPT), PASSES);
}

/* ---- iptables ---------------------------------------------------------------------------------------------------- */

static void assert_saved(const char *text, struct firewall_packet p, const char *want)
{
	struct iptables t = { .ruleset = json_array(), .family = "ip", .program = "iptables" };
	struct firewall_drop d;
	const char *by = "passes";
	struct firewall *f;

	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		iptables_line(&t, line, strcspn(line, "\n"));
	f = firewall_new(t.ruleset);
	if (firewall_drops(f, &p, &d))
		by = d.rule ? json_string_value(json_object_get(d.rule, "text")) : "policy";
	assert_string_equal(by, want);
	firewall_free(f);
	json_decref(t.ruleset);
}

#define FILTER "*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:own - [0:0]\n"
#define USUAL FILTER "-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"

static void rules_of_iptables_are_taken_apart(void **state)
{
	struct firewall_packet p = vxlan();

	assert_saved(USUAL "-A INPUT -p tcp -m multiport --dports 22,80:90 -m comment --comment \"a -j b\" -j ACCEPT\n",
		     p, "policy");
	assert_saved(USUAL "-A INPUT -p udp -m udp --dport 4789 -j ACCEPT\n", p, "passes");
	assert_saved(USUAL "-A INPUT -s 192.0.2.0/24 ! -i lo -p udp -j ACCEPT\n", p, "passes");
	assert_saved(USUAL
		     "-A INPUT ! -s 192.0.2.0/24 -j ACCEPT\n-A INPUT -j REJECT --reject-with icmp-port-unreachable\n",
		     p, "-A INPUT -j REJECT --reject-with icmp-port-unreachable");
	assert_saved(USUAL "-A INPUT -j own\n-A own -p udp -j DROP\n-A INPUT -j ACCEPT\n", p, "-A own -p udp -j DROP");
	assert_saved(USUAL "-A INPUT -m set --match-set good src -j ACCEPT\n", p, "passes");
	assert_saved(USUAL "-A INPUT -m limit --limit 5/min -j LOG --log-prefix \"x \"\n-A INPUT -p udp -j DROP\n", p,
		     "-A INPUT -p udp -j DROP");
	assert_saved(USUAL "-A INPUT -j SOMETHING\n", p, "passes");
	p.state = "established";
	assert_saved(USUAL, p, "passes");
	p.leaves = true;
	assert_saved(USUAL "-A OUTPUT -o eth+ -p udp -j DROP\n", p, "passes");
	p.dev = "eth7";
	assert_saved(USUAL "-A OUTPUT -o eth+ -p udp -j DROP\n", p, "-A OUTPUT -o eth+ -p udp -j DROP");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_in_order_and_the_policy_is_last),
		cmocka_unit_test(chains_are_by_hook_and_priority),
		cmocka_unit_test(chains_that_are_jumped_to_come_back),
		cmocka_unit_test(what_takes_too_long_is_not_said),
		cmocka_unit_test(values_are_single_sets_ranges_networks),
		cmocka_unit_test(what_is_not_known_is_not_said),
		cmocka_unit_test(what_is_made_of_a_packet_counts),
		cmocka_unit_test(rules_of_iptables_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
