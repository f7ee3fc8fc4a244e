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
	fprintf(out, "\t\"%s\" [label=\"%s\\n%s", here(g), here(g), text(g->version, "vtep")[0] ? "this VTEP" : "this host");
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
		fprintf(out, "\\n%" PRIu64 " in, %" PRIu64 " out", number(n, "prefixes_received"), number(n, "prefixes_sent"));
	fputs(up ? "\"]\n" : "\", color=red, fontcolor=red]\n", out);
}

static void print_vni(const struct graph *g, const json_t *v, FILE *out)
{
	uint64_t vni = number(v, "vni");
	bool ready = json_is_true(json_object_get(v, "ready"));

	fprintf(out, "\t\"VNI %" PRIu64 "\" [label=\"VNI %" PRIu64 "\\n%s", vni, vni, text(v, "mode"));
	fprintf(out, "%s\", shape=ellipse%s]\n", ready ? "" : "\\nnot ready", ready ? "" : ", color=red, fontcolor=red");
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
		 char error[ASK_ERROR_MAX])
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
		graph_print(g, stdout);
	graph_free(g);
	return ok;
}

int graph_run(const char *socket, const struct verb_args *args)
{
	char error[ASK_ERROR_MAX];
	json_t *version = ask_json(socket, ASK_WORDS("show", "version"), error);
	json_t *neighbors = version ? ask_json(socket, ASK_WORDS("show", "neighbors"), error) : NULL;
	json_t *vnis = neighbors ? ask_json(socket, ASK_WORDS("show", "vni"), error) : NULL;
	bool ok = vnis && draw(socket, version, neighbors, vnis, args->v[ARG_VNI].n, error);

	if (!ok)
		fprintf(stderr, "evpnctl: %s\n", error);
	json_decref(version);
	json_decref(neighbors);
	json_decref(vnis);
	return ok ? 0 : 1;
}
