/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The tables of verbs and of their arguments, and the parser over them. */
#include "cmd/verb_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BIT VERB_BIT
#define VNI_MAX 0xffffffu
#define VERB_WORDS_MAX 3u

const struct verb verbs[VERB_N] = {
	[VERB_SHOW_NEIGHBORS] = { "show neighbors", "[ADDR]",
				  "sessions: state, uptime, routes in and out; with ADDR everything about one",
				  .optional = BIT(ARG_ADDRESS) },
	[VERB_SHOW_RIB] = { "show rib",
			    "[--type N] [--vni N] [--rd RD] [--mac M] [--ip IP]\n"
			    "[--neighbor A] [--advertised-to A] [--best] [--rejected]\n"
			    "[--summary] [--detail] [--keys] [--family F]",
			    "routes, received and our own",
			    .optional = BIT(ARG_TYPE) | BIT(ARG_VNI) | BIT(ARG_RD) | BIT(ARG_MAC) | BIT(ARG_IP) |
					BIT(ARG_NEIGHBOR) | BIT(ARG_ADVERTISED_TO) | BIT(ARG_BEST) | BIT(ARG_REJECTED) |
					BIT(ARG_SUMMARY) | BIT(ARG_DETAIL) | BIT(ARG_KEYS) | BIT(ARG_FAMILY) },
	[VERB_SHOW_VNI] = { "show vni", "[N]", "VNIs: mode, RD, route targets, devices, flood list, counts",
			    .optional = BIT(ARG_NUMBER) },
	[VERB_SHOW_MAC] = { "show mac", "[--vni N] [--mac M] [--ip IP] [--vtep A]",
			    "MAC tables: local and remote hosts",
			    .optional = BIT(ARG_VNI) | BIT(ARG_MAC) | BIT(ARG_IP) | BIT(ARG_VTEP) },
	[VERB_SHOW_ARP] = { "show arp", "[--vni N] [--mac M] [--ip IP] [--vtep A]",
			    "neighbour tables: which address belongs to which MAC",
			    .optional = BIT(ARG_VNI) | BIT(ARG_MAC) | BIT(ARG_IP) | BIT(ARG_VTEP) },
	[VERB_SHOW_FDB] = { "show fdb", "[--vni N] [--mac M] [--ip IP] [--vtep A]",
			    "dataplane rows: what should be there, what is, and whose it is",
			    .optional = BIT(ARG_VNI) | BIT(ARG_MAC) | BIT(ARG_IP) | BIT(ARG_VTEP) },
	[VERB_SHOW_VTEP] = { "show vtep", "", "remote VTEPs and how much points at each" },
	[VERB_SHOW_SEGMENTS] = { "show segments", "[--vni N]",
				 "Ethernet Segments of others: their PEs, and which are sent to",
				 .optional = BIT(ARG_VNI) },
	[VERB_SHOW_PORTS] = { "show ports", "[--vni N]", "which port is in which VNI, and with which VLAN",
			      .optional = BIT(ARG_VNI) },
	[VERB_SHOW_TRAFFIC] = { "show traffic", "",
				"frames and octets by VNI and port; "
				"with dataplane userspace also by VTEP and worker, drops by reason" },
	[VERB_SHOW_VERSION] = { "show version", "", "the running daemon: version, age, identity" },
	[VERB_SHOW_MEMORY] = { "show memory", "", "objects and octets, table by table" },
	[VERB_SHOW_CONFIG] = { "show config", "[--defaults]", "the configuration in force, without secrets",
			       .optional = BIT(ARG_DEFAULTS) | BIT(ARG_YAML) },
	[VERB_SHOW_EVENTS] = { "show events",
			       "[--vni N] [--mac M] [--ip IP] [--neighbor A]\n"
			       "[--kind K] [--since S] [--count N]",
			       "what happened and why: sessions, MACs, addresses, VTEPs, rows, devices",
			       .optional = BIT(ARG_VNI) | BIT(ARG_MAC) | BIT(ARG_IP) | BIT(ARG_NEIGHBOR) |
					   BIT(ARG_KIND) | BIT(ARG_SINCE) | BIT(ARG_COUNT) },
	[VERB_WHY_MAC] = { "why mac", "MAC [--vni N]",
			   "why a MAC is where it is, or is not known: claims, rows, history",
			   .required = BIT(ARG_THE_MAC), .optional = BIT(ARG_VNI) },
	[VERB_WHY_IP] = { "why ip", "IP [--vni N]", "the same of a host's IP address", .required = BIT(ARG_THE_IP),
			  .optional = BIT(ARG_VNI) },
	[VERB_MONITOR] = { "monitor",
			   "[routes|neighbors|macs|dataplane] [--vni N] [--mac M] [--ip IP]\n"
			   "[--neighbor A] [--kind K] [--count N]",
			   "what happens, as it happens, a line each; also best routes that change",
			   .optional = BIT(ARG_WATCH) | BIT(ARG_VNI) | BIT(ARG_MAC) | BIT(ARG_IP) | BIT(ARG_NEIGHBOR) |
				       BIT(ARG_KIND) | BIT(ARG_COUNT) },
	[VERB_NEIGHBOR] = { "neighbor", "ADDR up|down|clear|refresh [TEXT]",
			    "start, stop or restart a session, or ask for its routes again",
			    .required = BIT(ARG_ADDRESS) | BIT(ARG_ACTION), .optional = BIT(ARG_TEXT), .change = true },
	[VERB_MAC_CLEAR] = { "mac clear", "[--vni N] [--mac M]", "duplicates may move again, at once",
			     .optional = BIT(ARG_VNI) | BIT(ARG_MAC), .change = true },
	[VERB_MAC_ADD] = { "mac add", "--vni N --mac M --vtep A [--ip IP] [--router]",
			   "a host behind a VTEP, as if it stood in the configuration",
			   .required = BIT(ARG_VNI) | BIT(ARG_MAC) | BIT(ARG_VTEP),
			   .optional = BIT(ARG_IP) | BIT(ARG_ROUTER), .change = true },
	[VERB_MAC_DEL] = { "mac del", "--vni N --mac M [--ip IP]", "take such a host away, or one of its addresses",
			   .required = BIT(ARG_VNI) | BIT(ARG_MAC), .optional = BIT(ARG_IP), .change = true },
	[VERB_VNI] = { "vni", "N mode MODE", "another mode for a VNI, in place, until the next reload",
		       .required = BIT(ARG_NUMBER) | BIT(ARG_MODE_WORD) | BIT(ARG_MODE), .change = true },
	[VERB_PORT_ADD] = { "port add", "--vni N --netns NS|--pid PID [--name eth0] [--mac M] [--ip A/LEN]",
			    "give a container or a network namespace a port in a VNI", .required = BIT(ARG_VNI),
			    .optional = BIT(ARG_NETNS) | BIT(ARG_PID) | BIT(ARG_NAME) | BIT(ARG_MAC) | BIT(ARG_PORT_IP),
			    .change = true },
	[VERB_PORT_DEL] = { "port del", "--vni N --netns NS|--pid PID [--name eth0]", "take it away",
			    .required = BIT(ARG_VNI), .optional = BIT(ARG_NETNS) | BIT(ARG_PID) | BIT(ARG_NAME),
			    .change = true },
	[VERB_DRAIN] = { "drain", "[on|off]",
			 "tell all neighbors that this host is about to go, so that others are preferred (RFC 8326)",
			 .optional = BIT(ARG_SWITCH), .change = true },
	[VERB_LOG] = { "log", "LEVEL", "how much the daemon logs, until it ends", .required = BIT(ARG_LEVEL),
		       .change = true },
	[VERB_RELOAD] = { "reload", "[--dry-run]",
			  "read the configuration again and apply what is different (as SIGHUP does)",
			  .optional = BIT(ARG_DRY_RUN), .change = true },
	[VERB_DIFF] = { "diff", "[--vni N]", "the dataplane, looked at anew, against what it should be",
			.optional = BIT(ARG_VNI) },
	[VERB_REPAIR] = { "repair", "[--vni N] [--dry-run]", "put right what differs and is ours",
			  .optional = BIT(ARG_VNI) | BIT(ARG_DRY_RUN), .change = true },
	[VERB_CAPTURE] = { "capture", "--vni N [--host M] [--count N] [--seconds S] FILE",
			   "packets before and after encapsulation into a file for Wireshark",
			   .required = BIT(ARG_VNI) | BIT(ARG_FILE),
			   .optional = BIT(ARG_HOST) | BIT(ARG_COUNT) | BIT(ARG_SECONDS), .change = true },
	[VERB_GRAPH] = { "graph", "[--vni N]", "the overlay as a picture, for Graphviz: evpnctl graph | dot -Tsvg",
			 .optional = BIT(ARG_VNI) },
	[VERB_REPORT] = { "report", "FILE", "all that a bug report needs as one text file, without passwords",
			  .required = BIT(ARG_FILE) },
	[VERB_TRACE] = { "trace", "[--vni N] [--from NETNS] [SRC] DST",
			 "where frames to a host go, lookup by lookup, and where that breaks off",
			 .required = BIT(ARG_HOST_A), .optional = BIT(ARG_HOST_B) | BIT(ARG_VNI) | BIT(ARG_FROM) },
	[VERB_TOP] = { "top", "[--count N]", "sessions, VNIs and rates, a page a second; q ends",
		       .optional = BIT(ARG_COUNT) },
	[VERB_DOCTOR] = { "doctor", "[--config FILE]",
			  "what on this host stands in the way, and the command that mends it",
			  .optional = BIT(ARG_CONFIG) },
	[VERB_SERVE] = { "serve", "[--listen A:PORT] [--hostnames NAMES]",
			 "all of show over HTTP, with a status page and metrics for Prometheus",
			 .optional = BIT(ARG_LISTEN) | BIT(ARG_HOSTNAMES) },
	[VERB_CHECK] = { "check", "FILE", "look for errors in a configuration file", .required = BIT(ARG_FILE),
			 .local = true },
	[VERB_HELP] = { "help", "[VERB]", "this list, or one verb in full", .optional = BIT(ARG_WORDS), .local = true },
};

const struct verb_arg_desc verb_arg_descs[ARG_N] = {
	[ARG_ADDRESS] = { "ADDR", NULL, "address of a configured neighbor", KIND_IP },
	[ARG_NUMBER] = { "N", NULL, "a VNI", KIND_NUMBER, 1, VNI_MAX },
	[ARG_ACTION] = { "up|down|clear|refresh", NULL,
			 "start; stop and stay down; restart; ask for its routes again (RFC 2918)", KIND_ACTION },
	[ARG_MODE_WORD] = { "mode", NULL, "the word mode", KIND_MODE_WORD },
	[ARG_MODE] = { "MODE", NULL, "evpn, multicast, static-flood, static-l2, static-l3, dynamic-l2 or dynamic-l3",
		       KIND_MODE },
	[ARG_TEXT] = { "TEXT", NULL, "with down or clear: why, in words for the neighbor (RFC 9003)", KIND_TEXT },
	[ARG_SWITCH] = { "on|off", NULL, "on, as without it, or off: routes are as they were", KIND_SWITCH },
	[ARG_LEVEL] = { "LEVEL", NULL, "error, warn, remote (also faults of peers), info or debug", KIND_LEVEL },
	[ARG_FILE] = { "FILE", NULL, "the file: of a configuration, or to write to (-: standard output)", KIND_TEXT },
	[ARG_HOST_A] = { "DST", NULL, "who is to be reached: an IP address or a MAC", KIND_HOST },
	[ARG_HOST_B] = { "SRC", NULL, "who sends, as an address of either kind; it stands before DST", KIND_HOST },
	[ARG_THE_MAC] = { "MAC", NULL, "the MAC address", KIND_MAC },
	[ARG_THE_IP] = { "IP", NULL, "the IP address", KIND_IP },
	[ARG_WATCH] = { "routes|neighbors|macs|dataplane", NULL, "what to look on at; without it at all of it",
			KIND_WATCH },
	[ARG_WORDS] = { "VERB", NULL, "the verb to explain", KIND_WORDS },
	[ARG_TYPE] = { "--type", "N",
		       "EVPN routes of this type: 1 or ead, 2 or mac-ip, 3 or imet, 4 or es, 5 or prefix; "
		       "others by number",
		       KIND_TYPE, 0, 255 },
	[ARG_VNI] = { "--vni", "N", "of this VNI only", KIND_NUMBER, 1, VNI_MAX },
	[ARG_RD] = { "--rd", "RD", "routes with this route distinguisher, as 192.0.2.1:2", KIND_TEXT },
	[ARG_MAC] = { "--mac", "M", "of this MAC address only", KIND_MAC },
	[ARG_IP] = { "--ip", "IP", "of this IP address of a host only", KIND_IP },
	[ARG_VTEP] = { "--vtep", "A", "behind this VTEP only", KIND_IP },
	[ARG_NEIGHBOR] = { "--neighbor", "A", "received from this neighbor", KIND_IP },
	[ARG_ADVERTISED_TO] = { "--advertised-to", "A", "sent to this neighbor, and held by it", KIND_IP },
	[ARG_BEST] = { "--best", NULL, "best paths only" },
	[ARG_REJECTED] = { "--rejected", NULL, "only paths that are not eligible, with the reason" },
	[ARG_SUMMARY] = { "--summary", NULL, "how many of each type" },
	[ARG_DETAIL] = { "--detail", NULL, "every attribute, a block a route" },
	[ARG_KEYS] = { "--keys", NULL, "one raw NLRI key a line, of everything received and not withdrawn" },
	[ARG_FAMILY] = { "--family", "F", "evpn, as without it, or rtc: route target memberships (RFC 4684)",
			 KIND_TEXT },
	[ARG_YAML] = { "--yaml", NULL, "lines of YAML instead of an object" },
	[ARG_DRY_RUN] = { "--dry-run", NULL, "only say what would be done" },
	[ARG_NETNS] = { "--netns", "NS", "a network namespace: a name as in 'ip netns', or a path", KIND_TEXT },
	[ARG_PID] = { "--pid", "PID", "the network namespace of this process (a container's)", KIND_NUMBER, 1,
		      1u << 22 },
	[ARG_NAME] = { "--name", "IFNAME", "what the interface is called in there (default eth0)", KIND_TEXT },
	[ARG_PORT_IP] = { "--ip", "A/LEN", "its address, with the length of the prefix", KIND_TEXT },
	[ARG_ROUTER] = { "--router", NULL, "it is a router" },
	[ARG_HOST] = { "--host", "M", "from or to this MAC or IP address only", KIND_TEXT },
	[ARG_COUNT] = { "--count", "N", "so many at most: packets; pages; of events the newest", KIND_NUMBER, 1,
			UINT32_MAX },
	[ARG_LISTEN] = { "--listen", "A:PORT", "where, instead of 127.0.0.1:9179; [::1]:9179 for IPv6", KIND_TEXT },
	[ARG_HOSTNAMES] = { "--hostnames", "NAMES",
			    "names by which it may be asked beside addresses, with commas between", KIND_TEXT },
	[ARG_SECONDS] = { "--seconds", "S", "stop after so many seconds", KIND_NUMBER, 1, 1000000 },
	[ARG_KIND] = { "--kind", "K", "neighbor, mac, ip, vtep, row, device, system or route", KIND_EVENT },
	[ARG_SINCE] = { "--since", "S", "of the last so many seconds only", KIND_NUMBER, 1, UINT32_MAX },
	[ARG_FROM] = { "--from", "NETNS",
		       "who sends: a name as in 'ip netns', a process, or a path; its own lookups come first",
		       KIND_TEXT },
	[ARG_CONFIG] = { "--config", "FILE", "where no daemon answers: the configuration that it would have",
			 KIND_TEXT },
	[ARG_DEFAULTS] = { "--defaults", NULL, "with what was left out and has a default" },
};

const char *verb_arg_name(enum verb_arg a)
{
	return verb_arg_descs[a].name;
}

const char *verb_arg_value(enum verb_arg a)
{
	return verb_arg_descs[a].value;
}

const char *verb_arg_help(enum verb_arg a)
{
	return verb_arg_descs[a].help;
}

int verb_usage(char error[VERB_ERROR_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, VERB_ERROR_MAX, fmt, ap);
	va_end(ap);
	return 2;
}

size_t verb_word_count(const char *name)
{
	size_t n = 1;

	for (; *name; name++)
		n += *name == ' ';
	return n;
}

const char *verb_join(const char *const *argv, size_t argc, size_t n, char out[VERB_WORD_MAX + 1])
{
	size_t len = 0;

	out[0] = '\0';
	if (n > argc)
		return out;
	for (size_t i = 0; i < n; i++) {
		size_t w = strlen(argv[i]);

		if (len + w + 1 > VERB_WORD_MAX) {
			out[0] = '\0';
			return out;
		}
		if (i)
			out[len++] = ' ';
		memcpy(out + len, argv[i], w + 1);
		len += w;
	}
	return out;
}

bool verb_find(const char *const *argv, size_t argc, enum verb_id *id)
{
	char said[VERB_WORD_MAX + 1];

	for (size_t n = VERB_WORDS_MAX; n; n--) {
		verb_join(argv, argc, n, said);
		for (enum verb_id i = 0; said[0] && i < VERB_N; i++)
			if (strcmp(verbs[i].name, said) == 0) {
				*id = i;
				return true;
			}
	}
	return false;
}

/* --name VALUE or --name=VALUE; *i stands on it and is left on the last word used. */
static int parse_option(const struct verb *verb, const char *const *argv, size_t argc, size_t *i, struct verb_args *out,
			char *error)
{
	const char *word = argv[*i], *eq = strchr(word, '=');
	size_t len = eq ? (size_t)(eq - word) : strlen(word);
	uint64_t known = verb->required | verb->optional;

	for (enum verb_arg a = ARG_POSITIONALS; a < ARG_N; a++) {
		const struct verb_arg_desc *d = &verb_arg_descs[a];

		if (!(known & BIT(a)) || strlen(d->name) != len || strncmp(d->name, word, len) != 0)
			continue;
		if (out->v[a].given)
			return verb_usage(error, "%s is given twice", d->name);
		if (d->kind == KIND_FLAG)
			return eq ? verb_usage(error, "%s takes no value", d->name)
				  : verb_value_parse(a, "", &out->v[a], error);
		if (eq)
			return verb_value_parse(a, eq + 1, &out->v[a], error);
		if (*i + 1 >= argc)
			return verb_usage(error, "%s needs a value: %s", d->name, d->help);
		return verb_value_parse(a, argv[++*i], &out->v[a], error);
	}
	return verb_unknown_option(verb, word, error);
}

static int parse_positional(const struct verb *verb, const char *word, struct verb_args *out, char *error)
{
	uint64_t known = verb->required | verb->optional;

	for (enum verb_arg a = 0; a < ARG_POSITIONALS; a++) {
		if (!(known & BIT(a)))
			continue;
		if (verb_arg_descs[a].kind == KIND_WORDS) {
			if (!out->v[a].given)
				return verb_value_parse(a, word, &out->v[a], error);
			return 0;
		}
		if (!out->v[a].given)
			return verb_value_parse(a, word, &out->v[a], error);
	}
	return verb_usage(error, "%s: unexpected '%.40s' (usage: %s%s%s)", verb->name, word, verb->name,
		     verb->usage[0] ? " " : "", verb->usage);
}

static int check_required(const struct verb *verb, const struct verb_args *out, char *error)
{
	for (enum verb_arg a = 0; a < ARG_N; a++)
		if (verb->required & BIT(a) && !out->v[a].given)
			return verb_usage(error, "%s needs %s (usage: %s %s)", verb->name, verb_arg_descs[a].name,
					  verb->name, verb->usage);
	return 0;
}

int verb_parse(const char *const *argv, size_t argc, struct verb_args *out, char error[VERB_ERROR_MAX])
{
	const struct verb *verb;

	memset(out, 0, sizeof(*out));
	error[0] = '\0';
	if (!argc)
		return verb_usage(error, "no verb ('help' lists all)");
	if (!verb_find(argv, argc, &out->id))
		return verb_unknown(argv, argc, error);
	verb = &verbs[out->id];
	for (size_t i = verb_word_count(verb->name); i < argc; i++) {
		int rc = strncmp(argv[i], "--", 2) == 0 ? parse_option(verb, argv, argc, &i, out, error)
							: parse_positional(verb, argv[i], out, error);

		if (rc)
			return rc;
	}
	return check_required(verb, out, error);
}
