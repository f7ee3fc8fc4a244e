/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * `graph`: the overlay as this VTEP sees it, in the language of Graphviz. A VTEP and a BGP neighbor at one address are
 * one node.
 *
 *	192.0.2.1 - - BGP - - 192.0.2.254        dashed: sessions, red when they are down
 *	192.0.2.1 --- VNI 100 --- 192.0.2.2      solid: who is in a VNI, with hosts and whether it is flooded to
 */
#ifndef CMD_EVPNCTL_GRAPH_H
#define CMD_EVPNCTL_GRAPH_H

#include <jansson.h>
#include <stdio.h>

#include "cmd/verb.h"

struct graph;

/* Of the answers of show version, show neighbors and show vni, which must outlive it. vni: only that one, 0: all. */
struct graph *graph_new(const json_t *version, const json_t *neighbors, const json_t *vnis, uint32_t vni);
/* A row of show mac: its members vni and vteps. */
void graph_add_mac(struct graph *g, const json_t *row);
/* The same for the same tables, whatever the order of their rows. */
void graph_print(struct graph *g, FILE *out);
/* As an object: nodes, whose kind is self, neighbor, vni or vtep, and edges between their ids: session, vni, vtep. */
void graph_print_json(struct graph *g, FILE *out);
void graph_free(struct graph *g);

/* The exit code. */
int graph_run(const char *socket, const struct verb_args *args, bool json);

#endif
