/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* show version, show memory, show config: the daemon itself. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/evpnd/ctl.h"
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/show.h"
#include "cmd/evpnd/yaml_json.h"

static int start_object(struct reply *r)
{
	r->body = REPLY_OBJECT;
	return 0;
}

static bool more_version(struct reply *r)
{
	const struct daemon *d = r->d;
	struct ip id = ip_v4(d->config->router_id);
	struct json *j = &r->json;
	char started[32];
	struct tm tm;

	gmtime_r(&d->started_wall, &tm);
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_object(j, NULL);
	json_str(j, "name", "evpnd");
	json_str(j, "version", EVPND_VERSION);
	json_int(j, "pid", getpid());
	json_str(j, "started", started);
	reply_age(r, "uptime_s", d->started);
	json_bool(j, "restarting", bgp_restarting(d->bgp));
	if (bgp_draining(d->bgp).us == MTIME_NEVER.us)
		json_null(j, "draining_s");
	else
		reply_age(r, "draining_s", bgp_draining(d->bgp));
	json_uint_if(j, "asn", d->config->asn, d->config->asn);
	json_ip(j, "router_id", d->config->router_id ? &id : NULL);
	json_ip(j, "vtep", &d->config->vtep);
	json_str(j, "dataplane", dp_backend_name(d->dp));
	json_str(j, "config", d->config_file);
	json_str(j, "log_level", log_level_name(d->log.level));
	json_object_end(j);
	return false;
}

const struct reply_ops show_version = { .start = start_object, .more = more_version };

/* ---- show memory ------------------------------------------------------------------------------------------------- */

/*
 * Octets, 0 when the kernel does not say. ru_maxrss of getrusage() would not do for the peak: it is inherited from
 * whoever started us.
 */
static void resident(uint64_t *now, uint64_t *peak)
{
	unsigned long long kib;
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];

	*now = *peak = 0;
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "VmHWM: %llu kB", &kib) == 1)
			*peak = kib * 1024;
		else if (sscanf(line, "VmRSS: %llu kB", &kib) == 1)
			*now = kib * 1024;
	}
	if (f)
		fclose(f);
}

static void memory_process(struct reply *r, struct json *j)
{
	struct rusage ru = { 0 };
	uint64_t now, peak;

	resident(&now, &peak);
	getrusage(RUSAGE_SELF, &ru);
	json_object(j, "process");
	json_uint(j, "resident_bytes", now);
	json_uint(j, "peak_resident_bytes", peak);
	json_int(j, "cpu_user_us", ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec);
	json_int(j, "cpu_system_us", ru.ru_stime.tv_sec * 1000000 + ru.ru_stime.tv_usec);
	json_int(j, "longest_turn_us", r->d->loop.longest_turn_us);
	json_int(j, "longest_turn_cpu_us", r->d->loop.longest_turn_cpu_us);
	json_int(j, "latest_timer_us", r->d->loop.latest_timer_us);
	json_object_end(j);
}

static void memory_bgp(struct reply *r, struct json *j)
{
	struct bgp_memory m;
	size_t octets, unsent;

	bgp_memory(r->d->bgp, &m);
	octets = bgp_transport_bytes(r->d->transport, &unsent);
	json_uints(j, "rib",
		   { "keys", m.keys },
		   { "paths", m.paths },
		   { "attribute_sets", m.sets },
		   { "attribute_set_bytes", m.set_bytes },
		   { "route_bytes", m.route_bytes },
		   { "further_paths", m.further },
		   { "withdrawn", m.tombstones },
		   { "index_bytes", m.index_bytes },
		   { "index_places", m.index_places },
		   { "outbound_groups", m.groups },
		   { "outbound_routes", m.out_entries },
		   { "outbound_bytes", m.out_bytes },
		   { "outbound_kept_bytes", m.out_cache_bytes },
		   { "outbound_repeats", m.repeats },
		   { "connections", m.conns },
		   { "limit_bytes", m.limit },
		   { "limit_used_bytes", m.used },
		   { "connection_bytes", octets },
		   { "unsent_bytes", unsent });
}

static void memory_transport(struct reply *r, struct json *j)
{
	struct bgp_transport_stats s;

	bgp_transport_stats(r->d->transport, &s);
	json_uints(j, "transport",
		   { "connections", s.links },
		   { "waiting", s.parked },
		   { "strangers", s.strangers },
		   { "refused", s.refused },
		   { "md5_failure", s.md5_failure },
		   { "md5_not_found", s.md5_not_found },
		   { "md5_unexpected", s.md5_unexpected });
}

static void memory_evpn(struct reply *r, struct json *j)
{
	struct evpn_memory m;

	evpn_memory(r->d->evpn, &m);
	json_uints(j, "evpn",
		   { "vnis", m.vnis },
		   { "macs", m.macs },
		   { "ips", m.ips },
		   { "bytes", m.bytes },
		   { "imported_bytes", m.routes_bytes });
}

static void memory_dataplane(struct reply *r, struct json *j)
{
	struct dp_stats s;

	dp_stats(r->d->dp, &s);
	json_uints(j, "dataplane",
		   { "rows", s.rows },
		   { "rows_there", s.rows_there },
		   { "rows_going", s.rows_going },
		   { "dirty", s.dirty },
		   { "local_macs", s.local_macs },
		   { "local_ips", s.local_ips },
		   { "writes", s.writes },
		   { "errors", s.errors },
		   { "repairs", s.repairs },
		   { "overruns", s.overruns },
		   { "bytes", s.bytes });
}

static void memory_control(struct reply *r, struct json *j)
{
	struct ctl_stats s;

	ctl_stats(r->d->ctl, &s);
	json_uints(j, "control",
		   { "clients", s.clients },
		   { "monitors", r->d->monitors },
		   { "requests", s.requests },
		   { "dropped", s.dropped },
		   { "bytes", s.octets });
}

static void memory_history(struct reply *r, struct json *j)
{
	uint64_t came, lost;
	size_t bytes = history_bytes(&r->d->history, &came, &lost);

	json_uints(j, "history",
		   { "events", came - lost },
		   { "forgotten", lost },
		   { "bytes", bytes });
}

static void memory_neighbor(struct json *j, const struct bgp_peer *p)
{
	struct bgp_peer_info i;

	bgp_peer_info(p, &i);
	json_object(j, NULL);
	json_ip(j, "address", &i.address);
	json_uint(j, "routes", i.prefixes_received);
	json_uint(j, "routes_sent", i.prefixes_sent);
	json_uint(j, "pending", i.pending);
	json_uint(j, "outbound_group", i.group);
	json_uint(j, "bytes", bgp_peer_bytes(p));
	json_object_end(j);
}

struct memory_state {
	bool begun;
	size_t next; /* neighbors shown so far: they may come and go between two slices */
};

static void memory_tables(struct reply *r, struct json *j)
{
	json_object(j, NULL);
	memory_process(r, j);
	memory_bgp(r, j);
	memory_transport(r, j);
	memory_evpn(r, j);
	memory_dataplane(r, j);
	memory_history(r, j);
	memory_control(r, j);
	json_array(j, "neighbors");
}

static bool more_memory(struct reply *r)
{
	struct memory_state *s = r->state;
	struct bgp_peer *p = NULL;

	if (!s->begun)
		memory_tables(r, &r->json);
	s->begun = true;
	for (size_t i = 0; (p = bgp_peer_next(r->d->bgp, p)); i++) {
		if (i < s->next)
			continue;
		if (!reply_step(r))
			return true;
		memory_neighbor(&r->json, p);
		s->next++;
	}
	json_array_end(&r->json);
	json_object_end(&r->json);
	return false;
}

const struct reply_ops show_memory = { sizeof(struct memory_state), start_object, more_memory, NULL };

/* ---- show config ------------------------------------------------------------------------------------------------- */

struct config_state {
	struct buf yaml;
};

static int start_config(struct reply *r)
{
	struct config_state *s = r->state;

	r->body = reply_has(r, ARG_YAML) ? REPLY_ROWS : REPLY_OBJECT;
	buf_init(&s->yaml);
	config_print(r->d->config, &s->yaml, false, reply_has(r, ARG_DEFAULTS));
	return 0;
}

static bool more_config(struct reply *r)
{
	struct config_state *s = r->state;

	if (r->body == REPLY_ROWS)
		return reply_lines(r, &s->yaml);
	if (!yaml_to_json(buf_data(&s->yaml), s->yaml.len, &r->json))
		log_error(&r->d->log, LOG_CTL, "show config: the configuration as printed is not YAML");
	return false;
}

static void end_config(struct reply *r)
{
	struct config_state *s = r->state;

	buf_fini(&s->yaml);
}

const struct reply_ops show_config = { sizeof(struct config_state), start_config, more_config, end_config };
