/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* graph: the overlay in the language of Graphviz. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/evpnctl/graph.h"
#include "tests/lib/test.h"

#define VERSION "{'vtep':'192.0.2.1','router_id':'192.0.2.1','asn':65000}"
#define NEIGHBOR \
	"{'address':'192.0.2.2','asn':65000,'description':null," \
	"'state':'Established','prefixes_received':6,'prefixes_sent':4}"
#define VNI(n, flood) "{'vni':" n ",'mode':'evpn','ready':true,'local_macs':1,'flood':[" flood "]}"
#define TO(n) "{'vtep':'192.0.2." n "','vni':100}"

static json_t *parse(const char *text)
{
	char *s = strdup(text);
	json_t *v;

	for (char *p = s; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	v = json_loads(s, JSON_DECODE_ANY, NULL);
	if (!v)
		fail_msg("no JSON: %s", s);
	free(s);
	return v;
}

/* What the graph of these answers prints; the caller frees it. */
static char *print_graph(const char *version, const char *neighbors, const char *vnis, const char *macs, uint32_t vni,
			 void (*print)(struct graph *g, FILE *out))
{
	json_t *v[] = { parse(version), parse(neighbors), parse(vnis), parse(macs) }, *row;
	struct graph *g = graph_new(v[0], v[1], v[2], vni);
	size_t len, i;
	char *got;
	FILE *out = open_memstream(&got, &len);

	json_array_foreach(v[3], i, row)
		graph_add_mac(g, row);
	print(g, out);
	fclose(out);
	graph_free(g);
	for (i = 0; i < 4; i++)
		json_decref(v[i]);
	return got;
}

static void assert_graph(const char *version, const char *neighbors, const char *vnis, const char *macs, uint32_t vni,
			 const char *want)
{
	char *got = print_graph(version, neighbors, vnis, macs, vni, graph_print);
	size_t len = strlen(got);

	if (strncmp(got, "graph evpnd {\n\tgraph [rankdir=LR]\n\tnode [shape=box, style=rounded]\n", 67) ||
	    strcmp(got + len - 2, "}\n"))
		fail_msg("no graph: %s", got);
	got[len - 2] = '\0';
	assert_string_equal(got + 67, want);
	free(got);
}

static void graph_has_an_edge_for_every_vtep_of_a_vni_in_order(void **state)
{
	assert_graph(VERSION, "[" NEIGHBOR "]", "[" VNI("100", TO("10") "," TO("2")) "," VNI("200", "") "]",
		     "[{'vni':200,'vteps':['192.0.2.9']},{'vni':100,'vteps':['192.0.2.2','192.0.2.3']},"
		     "{'vni':100,'vteps':['192.0.2.2']},{'vni':100,'vteps':[]}]",
		     0,
		     "\t\"192.0.2.1\" [label=\"192.0.2.1\\nthis VTEP, AS 65000\", penwidth=2]\n"
		     "\t\"192.0.2.2\" [label=\"192.0.2.2\\nAS 65000\"]\n"
		     "\t\"192.0.2.1\" -- \"192.0.2.2\" [style=dashed, label=\"BGP Established\\n6 in, 4 out\"]\n"
		     "\t\"VNI 100\" [label=\"VNI 100\\nevpn\", shape=ellipse]\n"
		     "\t\"192.0.2.1\" -- \"VNI 100\" [label=\"1 host\"]\n"
		     "\t\"VNI 200\" [label=\"VNI 200\\nevpn\", shape=ellipse]\n"
		     "\t\"192.0.2.1\" -- \"VNI 200\" [label=\"1 host\"]\n"
		     "\t\"VNI 100\" -- \"192.0.2.2\" [label=\"2 hosts\"]\n"
		     "\t\"VNI 100\" -- \"192.0.2.3\" [label=\"1 host\\nnot flooded to\"]\n"
		     "\t\"VNI 100\" -- \"192.0.2.10\" [label=\"0 hosts\"]\n"
		     "\t\"VNI 200\" -- \"192.0.2.9\" [label=\"1 host\\nnot flooded to\"]\n");
}

static void graph_of_one_vni_leaves_the_others_out(void **state)
{
	assert_graph(VERSION, "[]", "[" VNI("100", TO("2")) "," VNI("200", TO("3")) "]",
		     "[{'vni':100,'vteps':['192.0.2.4']},{'vni':200,'vteps':['192.0.2.3']}]", 200,
		     "\t\"192.0.2.1\" [label=\"192.0.2.1\\nthis VTEP, AS 65000\", penwidth=2]\n"
		     "\t\"VNI 200\" [label=\"VNI 200\\nevpn\", shape=ellipse]\n"
		     "\t\"192.0.2.1\" -- \"VNI 200\" [label=\"1 host\"]\n"
		     "\t\"VNI 200\" -- \"192.0.2.3\" [label=\"1 host\"]\n");
}

static void graph_says_what_is_down(void **state)
{
	assert_graph("{'vtep':null,'router_id':null,'asn':null}",
		     "[{'address':'2001:db8::2','asn':65000,'description':null,'state':'Active'}]",
		     "[{'vni':1,'mode':'evpn','ready':false,'local_macs':0,'flood':[]}]", "[]", 0,
		     "\t\"evpnd\" [label=\"evpnd\\nthis host\", penwidth=2]\n"
		     "\t\"2001:db8::2\" [label=\"2001:db8::2\\nAS 65000\"]\n"
		     "\t\"evpnd\" -- \"2001:db8::2\" [style=dashed, label=\"BGP Active\", color=red, fontcolor=red]\n"
		     "\t\"VNI 1\" [label=\"VNI 1\\nevpn\\nnot ready\", shape=ellipse, color=red, fontcolor=red]\n"
		     "\t\"evpnd\" -- \"VNI 1\" [label=\"0 hosts\"]\n");
}

/* What stands in a description cannot end its string, nor begin an escape of Graphviz. */
static void graph_escapes_text(void **state)
{
	assert_graph(
		"{'vtep':null,'router_id':'192.0.2.1','asn':1}",
		"[{'address':'192.0.2.2','asn':1,'description':'a \\\"]; x \\\\N\\n\\u0001 \\u00e9','state':'Idle'}]",
		"[]", "[]", 0,
		"\t\"192.0.2.1\" [label=\"192.0.2.1\\nthis host, AS 1\", penwidth=2]\n"
		"\t\"192.0.2.2\" [label=\"192.0.2.2\\nAS 1\\na \\\"]; x \\\\N   \xc3\xa9\"]\n"
		"\t\"192.0.2.1\" -- \"192.0.2.2\" [style=dashed, label=\"BGP Idle\", color=red, fontcolor=red]\n");
}

#define NODE(id, kind, asn, vni, mode, ready) \
	"{'id':'" id "','kind':'" kind "','asn':" asn ",'description':null,'vni':" vni ",'mode':" mode \
	",'ready':" ready "}"
#define EDGE(from, to, kind, state, in, out, hosts, flooded) \
	"{'from':'" from "','to':'" to "','kind':'" kind "','state':" state \
	",'prefixes_received':" in ",'prefixes_sent':" out ",'hosts':" hosts ",'flooded':" flooded "}"

static void graph_as_an_object_has_each_node_once(void **state)
{
	char *got = print_graph(VERSION, "[" NEIGHBOR "]", "[" VNI("100", TO("2") "," TO("3")) "," VNI("200", "") "]",
				"[{'vni':200,'vteps':['192.0.2.3']}]", 0, graph_print_json);
	json_t *have = json_loads(got, JSON_REJECT_DUPLICATES, NULL);
	json_t *want = parse("{'nodes':[" NODE("192.0.2.1", "self", "65000", "null", "null", "null") ","
			     NODE("192.0.2.2", "neighbor", "65000", "null", "null", "null") ","
			     NODE("VNI 100", "vni", "null", "100", "'evpn'", "true") ","
			     NODE("VNI 200", "vni", "null", "200", "'evpn'", "true") ","
			     NODE("192.0.2.3", "vtep", "null", "null", "null", "null") "],'edges':["
			     EDGE("192.0.2.1", "192.0.2.2", "session", "'Established'", "6", "4", "null", "null") ","
			     EDGE("192.0.2.1", "VNI 100", "vni", "null", "null", "null", "1", "null") ","
			     EDGE("192.0.2.1", "VNI 200", "vni", "null", "null", "null", "1", "null") ","
			     EDGE("VNI 100", "192.0.2.2", "vtep", "null", "null", "null", "0", "true") ","
			     EDGE("VNI 100", "192.0.2.3", "vtep", "null", "null", "null", "0", "true") ","
			     EDGE("VNI 200", "192.0.2.3", "vtep", "null", "null", "null", "1", "false") "]}");

	if (!json_equal(have, want))
		fail_msg("got %s", got);
	json_decref(have);
	json_decref(want);
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(graph_has_an_edge_for_every_vtep_of_a_vni_in_order),
		cmocka_unit_test(graph_of_one_vni_leaves_the_others_out),
		cmocka_unit_test(graph_says_what_is_down),
		cmocka_unit_test(graph_escapes_text),
		cmocka_unit_test(graph_as_an_object_has_each_node_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
