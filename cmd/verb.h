/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The verbs of evpnctl as data, shared by the client and the daemon: names, arguments, help, who may use them. Parsing
 * turns words into typed values and says in plain words what is wrong. What a verb does is elsewhere: in the daemon
 * (show_verbs in show.h), or in the client for the few that need no daemon.
 */
#ifndef CMD_VERB_H
#define CMD_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/log.h"

enum verb_id {
	VERB_SHOW_NEIGHBORS,
	VERB_SHOW_RIB,
	VERB_SHOW_VNI,
	VERB_SHOW_MAC,
	VERB_SHOW_ARP,
	VERB_SHOW_FDB,
	VERB_SHOW_VTEP,
	VERB_SHOW_SEGMENTS,
	VERB_SHOW_PORTS,
	VERB_SHOW_TRAFFIC,
	VERB_SHOW_VERSION,
	VERB_SHOW_MEMORY,
	VERB_SHOW_CONFIG,
	VERB_SHOW_EVENTS,
	VERB_WHY_MAC,
	VERB_WHY_IP,
	VERB_MONITOR,
	VERB_NEIGHBOR,
	VERB_MAC_CLEAR,
	VERB_MAC_ADD,
	VERB_MAC_DEL,
	VERB_VNI,
	VERB_PORT_ADD,
	VERB_PORT_DEL,
	VERB_DRAIN,
	VERB_LOG,
	VERB_RELOAD,
	VERB_DIFF,
	VERB_REPAIR,
	VERB_CAPTURE,
	VERB_GRAPH,
	VERB_REPORT,
	VERB_TRACE,
	VERB_TOP,
	VERB_DOCTOR,
	VERB_SERVE,
	VERB_CHECK,
	VERB_HELP,
	VERB_N
};

/* Arguments of all verbs. The positional ones come first. */
enum verb_arg {
	ARG_ADDRESS, /* ADDR: of a neighbor */
	ARG_NUMBER,  /* N: a VNI */
	ARG_ACTION,
	ARG_MODE_WORD, /* "mode" */
	ARG_MODE,
	ARG_TEXT, /* why */
	ARG_SWITCH, /* on, off */
	ARG_LEVEL,
	ARG_FILE,
	ARG_HOST_A, /* a MAC or an address: DST, or with a second one SRC */
	ARG_HOST_B,
	ARG_THE_MAC,
	ARG_THE_IP,
	ARG_WATCH,
	ARG_WORDS, /* what is left */
	ARG_POSITIONALS,

	ARG_TYPE = ARG_POSITIONALS,
	ARG_VNI,
	ARG_RD,
	ARG_MAC,
	ARG_IP,
	ARG_VTEP,
	ARG_NEIGHBOR,
	ARG_ADVERTISED_TO,
	ARG_BEST,
	ARG_REJECTED,
	ARG_SUMMARY,
	ARG_DETAIL,
	ARG_KEYS,
	ARG_FAMILY,
	ARG_YAML,
	ARG_DEFAULTS,
	ARG_DRY_RUN,
	ARG_NETNS,
	ARG_PID,
	ARG_NAME,
	ARG_PORT_IP,
	ARG_ROUTER,
	ARG_HOST,
	ARG_COUNT,
	ARG_SECONDS,
	ARG_LISTEN,
	ARG_HOSTNAMES,
	ARG_KIND,
	ARG_SINCE,
	ARG_FROM,
	ARG_CONFIG,
	ARG_N
};

enum verb_watch { WATCH_ROUTES, WATCH_NEIGHBORS, WATCH_MACS, WATCH_DATAPLANE };

enum verb_action { ACTION_UP, ACTION_DOWN, ACTION_CLEAR, ACTION_REFRESH };

struct verb {
	const char *name;  /* one or more words */
	const char *usage; /* the arguments, as in help; "" without */
	const char *help;  /* one line */
	uint64_t required, optional; /* bits of enum verb_arg */
	bool change; /* needs root or the daemon's own user */
	bool local;  /* the client does it alone */
};

extern const struct verb verbs[VERB_N];

struct verb_value {
	bool given;
	const char *text; /* as it was given; borrowed */
	uint32_t n;       /* numbers, enum verb_action, enum log_level, enum history_kind, enum verb_watch; on: 1 */
	struct mac mac;
	struct ip ip;
};

struct verb_args {
	enum verb_id id;
	struct verb_value v[ARG_N];
};

#define VERB_ERROR_MAX 320u

/*
 * Words to a verb and its values; the words must outlive *out. 0, or 2 (usage) with a sentence in error.
 * An unknown verb or option names the nearest one that exists.
 */
int verb_parse(const char *const *argv, size_t argc, struct verb_args *out, char error[VERB_ERROR_MAX]);

/* Whether the words begin with the name of a verb; the longest name counts. */
bool verb_find(const char *const *argv, size_t argc, enum verb_id *id);

/* "--vni", "ADDR"; the placeholder of its value or NULL; one line of help. */
const char *verb_arg_name(enum verb_arg a);
const char *verb_arg_value(enum verb_arg a);
const char *verb_arg_help(enum verb_arg a);

/* Hands out the words of which an argument is one, as up and down are; none where it is free. A word may come twice. */
void verb_arg_choices(enum verb_arg a, void (*offer)(void *ctx, const char *word), void *ctx);

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b; at most limit + 1 is returned. */
unsigned verb_distance(const char *a, const char *b, unsigned limit);

#endif
