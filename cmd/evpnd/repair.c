/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The verbs diff and repair: the dataplane as it is, looked at anew, against what it should be. */
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/show.h"

struct repair_state {
	struct dp_audit *audit;
	bool repair;
	uint32_t found, repaired;
};

static const char *const names[] = {
	[DP_DIFF_NONE] = "none",	 [DP_DIFF_MISSING] = "missing", [DP_DIFF_ALTERED] = "altered",
	[DP_DIFF_UNWANTED] = "unwanted", [DP_DIFF_UNHEARD] = "unheard", [DP_DIFF_BLOCKED] = "blocked",
	[DP_DIFF_DEVICE] = "device",	 [DP_DIFF_FOREIGN] = "foreign",
};

static int start(struct reply *r, bool repair)
{
	struct repair_state *s = r->state;
	uint32_t vni = reply_has(r, ARG_VNI) ? reply_arg(r, ARG_VNI)->n : 0;
	struct dp_vni_info info;

	if (vni && !dp_vni_info(r->d->dp, vni, &info))
		return reply_fail(r, 1, "VNI %u is not configured", vni);
	s->repair = repair;
	s->audit = dp_audit_new(r->d->dp, vni, repair);
	if (!dp_audit_blind(s->audit))
		return 0;
	dp_audit_free(s->audit);
	return reply_fail(r, 1, "the dataplane cannot be looked at, the log says why");
}

static int start_diff(struct reply *r)
{
	return start(r, false);
}

static int start_repair(struct reply *r)
{
	return start(r, !reply_has(r, ARG_DRY_RUN));
}

static void print(struct reply *r, const struct dp_diff *f)
{
	struct json *j = reply_row(r);
	bool differs = f->what != DP_DIFF_FOREIGN, row = f->what != DP_DIFF_DEVICE;

	json_object(j, NULL);
	json_uint_if(j, "vni", f->vni, f->vni);
	json_str(j, "what", names[f->what]);
	json_str(j, "table", row ? f->table : "device");
	json_str(j, "device", f->device[0] ? f->device : NULL);
	json_str(j, "property", row ? NULL : f->table);
	if (row && !mac_is_zero(&f->mac))
		json_mac(j, "mac", &f->mac);
	else
		json_null(j, "mac");
	json_ip(j, "ip", &f->ip);
	json_ip(j, "vtep", &f->vtep);
	json_str(j, "expected", f->expected);
	json_str(j, "found", f->found);
	json_bool(j, "repaired", f->repaired);
	json_bool(j, "differs", differs && !f->repaired); /* evpnctl's exit code */
	json_object_end(j);
}

static bool more(struct reply *r)
{
	struct repair_state *s = r->state;
	struct dp_diff f;

	while (reply_step(r)) {
		enum dp_audit_more m = dp_audit_next(s->audit, &f);

		if (m == DP_AUDIT_END)
			return false;
		if (m == DP_AUDIT_NOTHING_YET)
			return true; /* others have a turn */
		s->found += f.what != DP_DIFF_FOREIGN;
		s->repaired += f.repaired;
		print(r, &f);
	}
	return true;
}

static void end(struct reply *r)
{
	struct repair_state *s = r->state;

	if (s->repair && s->found)
		log_info(&r->d->log, LOG_CTL, "repair: %u differences, %u of them put right", s->found, s->repaired);
	dp_audit_free(s->audit);
}

const struct reply_ops show_diff = { sizeof(struct repair_state), start_diff, more, end };
const struct reply_ops change_repair = { sizeof(struct repair_state), start_repair, more, end };
