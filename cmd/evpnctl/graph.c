/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "cmd/evpnctl/ask.h"

/* A VTEP in a VNI. */
struct graph_edge {
	UT_hash_handle hh;
	struct graph_edge_key {
		uint32_t vni;
		struct ip vtep;
	} key;
	bool flood;
	uint64_t hosts; /* MACs; one of an Ethernet Segment is behind all of its VTEPs */
};

struct graph {
	const json_t *version, *neighbors, *vnis;
	uint32_t only;
	struct graph_edge *edges;
};

static const char *text(const json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));

	return s ? s : "";
}

static uint64_t number(const json_t *row, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(row, key));
}

static bool is_shown(const struct graph *g, uint32_t vni)
{
	return !g->only || g->only == vni;
}

static struct graph_edge *edge_get(struct graph *g, uint32_t vni, const char *vtep)
{
	struct graph_edge_key key;
	struct graph_edge *e;

	memset(&key, 0, sizeof(key));
	key.vni = vni;
	if (!is_shown(g, vni) || !ip_parse(vtep, &key.vtep))
		return NULL;
	HASH_FIND(hh, g->edges, &key, sizeof(key), e);
	if (!e) {
		e = xcalloc(1, sizeof(*e));
		memcpy(&e->key, &key, sizeof(key));
		HASH_ADD(hh, g->edges, key, sizeof(key), e);
	}
	return e;
}

struct graph *graph_new(const json_t *version, const json_t *neighbors, const json_t *vnis, uint32_t vni)
{
	struct graph *g = xcalloc(1, sizeof(*g));
	const json_t *row, *to;
	size_t i, k;

	*g = (struct graph){ .version = version, .neighbors = neighbors, .vnis = vnis, .only = vni };
	json_array_foreach(vnis, i, row)
		json_array_foreach(json_object_get(row, "flood"), k, to) {
			struct graph_edge *e = edge_get(g, (uint32_t)number(row, "vni"), text(to, "vtep"));

			if (e)
				e->flood = true;
		}
	return g;
}

void graph_add_mac(struct graph *g, const json_t *row)
{
	const json_t *vtep;
	size_t i;

	json_array_foreach(json_object_get(row, "vteps"), i, vtep) {
		struct graph_edge *e = edge_get(g, (uint32_t)number(row, "vni"), json_string_value(vtep));

		if (e)
			e->hosts++;
	}
}

void graph_free(struct graph *g)
{
	struct graph_edge *e, *tmp;

	HASH_ITER(hh, g->edges, e, tmp) {
		HASH_DEL(g->edges, e);
		free(e);
	}
	free(g);
}

/* ---- DOT --------------------------------------------------------------------------------------------------------- */

/* Inside of a quoted string, where a backslash begins an escape. What is no text is a blank. */
static void put_text(const char *s, FILE *out)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		fputc((unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s, out);
	}
}

static void put_hosts(uint64_t n, const char *where, FILE *out)
{
	fprintf(out, "%" PRIu64 " host%s%s", n, n == 1 ? "" : "s", where);
}

/* The name of our own node. */
static const char *here(const struct graph *g)
{
	const char *vtep = text(g->version, "vtep"), *id = text(g->version, "router_id");

	return vtep[0] ? vtep : id[0] ? id : "evpnd";
}

static void print_here(const struct graph *g, FILE *out)
{
	fprintf(out, "\t\"%s\" [label=\"%s\\n%s", here(g), here(g),
		text(g->version, "vtep")[0] ? "this VTEP" : "this host");
	if (json_is_integer(json_object_get(g->version, "asn")))
		fprintf(out, ", AS %" PRIu64, number(g->version, "asn"));
	fputs("\", penwidth=2]\n", out);
}

static void print_neighbor(const json_t *n, FILE *out)
{
	fprintf(out, "\t\"%s\" [label=\"%s\\nAS %" PRIu64, text(n, "address"), text(n, "address"), number(n, "asn"));
	if (text(n, "description")[0]) {
		fputs("\\n", out);
		put_text(text(n, "description"), out);
	}
	fputs("\"]\n", out);
}

static void print_session(const struct graph *g, const json_t *n, FILE *out)
{
	bool up = strcmp(text(n, "state"), "Established") == 0;

	fprintf(out, "\t\"%s\" -- \"%s\" [style=dashed, label=\"BGP %s", here(g), text(n, "address"), text(n, "state"));
	if (up)
		fprintf(out, "\\n%" PRIu64 " in, %" PRIu64 " out", number(n, "prefixes_received"),
			number(n, "prefixes_sent"));
	fputs(up ? "\"]\n" : "\", color=red, fontcolor=red]\n", out);
}

static void print_vni(const struct graph *g, const json_t *v, FILE *out)
{
	uint64_t vni = number(v, "vni");
	bool ready = json_is_true(json_object_get(v, "ready"));

	fprintf(out, "\t\"VNI %" PRIu64 "\" [label=\"VNI %" PRIu64 "\\n%s", vni, vni, text(v, "mode"));
	fprintf(out, "%s\", shape=ellipse%s]\n", ready ? "" : "\\nnot ready",
		ready ? "" : ", color=red, fontcolor=red");
	fprintf(out, "\t\"%s\" -- \"VNI %" PRIu64 "\" [label=\"", here(g), vni);
	put_hosts(number(v, "local_macs"), "", out);
	fputs("\"]\n", out);
}

static void print_edge(const struct graph_edge *e, FILE *out)
{
	fprintf(out, "\t\"VNI %u\" -- \"%s\" [label=\"", e->key.vni, ip_str(&e->key.vtep).s);
	put_hosts(e->hosts, e->flood ? "" : "\\nnot flooded to", out);
	fputs("\"]\n", out);
}

static int edge_cmp(const struct graph_edge *a, const struct graph_edge *b)
{
	int d = (a->key.vni > b->key.vni) - (a->key.vni < b->key.vni);

	return d ? d : ip_cmp(&a->key.vtep, &b->key.vtep);
}

void graph_print(struct graph *g, FILE *out)
{
	const struct graph_edge *e;
	const json_t *row;
	size_t i;

	HASH_SORT(g->edges, edge_cmp);
	fputs("graph evpnd {\n\tgraph [rankdir=LR]\n\tnode [shape=box, style=rounded]\n", out);
	print_here(g, out);
	json_array_foreach(g->neighbors, i, row)
		print_neighbor(row, out);
	json_array_foreach(g->neighbors, i, row)
		print_session(g, row, out);
	json_array_foreach(g->vnis, i, row) {
		if (is_shown(g, (uint32_t)number(row, "vni")))
			print_vni(g, row, out);
	}
	for (e = g->edges; e; e = e->hh.next)
		print_edge(e, out);
	fputs("}\n", out);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/* kind of each node; id is what edges name, and the same as in DOT. */
static json_t *node(const char *kind, const char *id, json_t *asn, json_t *description, const json_t *vni)
{
	json_t *mode = json_object_get(vni, "mode"), *ready = json_object_get(vni, "ready");

	return json_pack("{s:s, s:s, s:O?, s:O?, s:O?, s:O?, s:O?}", "id", id, "kind", kind, "asn", asn, "description",
			 description, "vni", json_object_get(vni, "vni"), "mode", mode, "ready", ready);
}

/* session: of a BGP session, hosts and flooded: of a VNI; what does not apply is null. */
static json_t *edge(const char *kind, const char *from, const char *to, const json_t *session, json_t *hosts,
		    json_t *flooded)
{
	json_t *in = json_object_get(session, "prefixes_received"), *sent = json_object_get(session, "prefixes_sent");

	return json_pack("{s:s, s:s, s:s, s:O?, s:O?, s:O?, s:o?, s:o?}", "from", from, "to", to, "kind", kind, "state",
			 json_object_get(session, "state"), "prefixes_received", in, "prefixes_sent", sent, "hosts",
			 hosts, "flooded", flooded);
}

static const char *vni_id(uint64_t vni, char id[32])
{
	snprintf(id, 32, "VNI %" PRIu64, vni);
	return id;
}

static bool is_neighbor(const struct graph *g, const char *address)
{
	const json_t *row;
	size_t i;

	json_array_foreach(g->neighbors, i, row) {
		if (!strcmp(text(row, "address"), address))
			return true;
	}
	return false;
}

static void add_neighbors(const struct graph *g, json_t *nodes, json_t *edges)
{
	const json_t *row;
	size_t i;

	json_array_foreach(g->neighbors, i, row) {
		const char *address = text(row, "address");

		json_array_append_new(nodes, node("neighbor", address, json_object_get(row, "asn"),
						  json_object_get(row, "description"), NULL));
		json_array_append_new(edges, edge("session", here(g), address, row, NULL, NULL));
	}
}

static void add_vnis(const struct graph *g, json_t *nodes, json_t *edges)
{
	const json_t *row;
	char id[32];
	size_t i;

	json_array_foreach(g->vnis, i, row) {
		if (!is_shown(g, (uint32_t)number(row, "vni")))
			continue;
		vni_id(number(row, "vni"), id);
		json_array_append_new(nodes, node("vni", id, NULL, NULL, row));
		json_array_append_new(edges, edge("vni", here(g), id, NULL,
						  json_integer((json_int_t)number(row, "local_macs")), NULL));
	}
}

/* Those that are neighbors as well are nodes already, and a VTEP is one node in however many VNIs. */
static void add_vteps(const struct graph *g, json_t *nodes, json_t *edges)
{
	json_t *seen = json_object();
	char id[32];

	for (const struct graph_edge *e = g->edges; e; e = e->hh.next) {
		const struct ip_str vtep = ip_str(&e->key.vtep);

		if (!is_neighbor(g, vtep.s) && !json_object_get(seen, vtep.s)) {
			json_object_set_new(seen, vtep.s, json_true());
			json_array_append_new(nodes, node("vtep", vtep.s, NULL, NULL, NULL));
		}
		json_array_append_new(edges, edge("vtep", vni_id(e->key.vni, id), vtep.s, NULL,
						  json_integer((json_int_t)e->hosts), json_boolean(e->flood)));
	}
	json_decref(seen);
}

void graph_print_json(struct graph *g, FILE *out)
{
	json_t *nodes = json_array(), *edges = json_array(), *all;

	HASH_SORT(g->edges, edge_cmp);
	json_array_append_new(nodes, node("self", here(g), json_object_get(g->version, "asn"), NULL, NULL));
	add_neighbors(g, nodes, edges);
	add_vnis(g, nodes, edges);
	add_vteps(g, nodes, edges);
	all = json_pack("{s:o, s:o}", "nodes", nodes, "edges", edges);
	json_dumpf(all, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(all);
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static bool add_row(void *ctx, const json_t *row)
{
	graph_add_mac(ctx, row);
	return true;
}

static bool knows(const json_t *vnis, uint32_t vni)
{
	const json_t *row;
	size_t i;

	json_array_foreach(vnis, i, row) {
		if (number(row, "vni") == vni)
			return true;
	}
	return false;
}

static bool draw(const char *socket, const json_t *version, const json_t *neighbors, const json_t *vnis, uint32_t vni,
		 bool json, char error[ASK_ERROR_MAX])
{
	struct graph *g;
	bool ok;

	if (vni && !knows(vnis, vni)) {
		snprintf(error, ASK_ERROR_MAX, "VNI %u is not configured", vni);
		return false;
	}
	g = graph_new(version, neighbors, vnis, vni);
	ok = ask_rows(socket, ASK_WORDS("show", "mac"), "vni vteps", add_row, g, error);
	if (ok)
		(json ? graph_print_json : graph_print)(g, stdout);
	graph_free(g);
	return ok;
}

int graph_run(const char *socket, const struct verb_args *args, bool json)
{
	char error[ASK_ERROR_MAX];
	json_t *version = ask_json(socket, ASK_WORDS("show", "version"), error);
	json_t *neighbors = version ? ask_json(socket, ASK_WORDS("show", "neighbors"), error) : NULL;
	json_t *vnis = neighbors ? ask_json(socket, ASK_WORDS("show", "vni"), error) : NULL;
	bool ok = vnis && draw(socket, version, neighbors, vnis, args->v[ARG_VNI].n, json, error);

	if (!ok)
		fprintf(stderr, "evpnctl: %s\n", error);
	json_decref(version);
	json_decref(neighbors);
	json_decref(vnis);
	return ok ? 0 : 1;
}
