/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* show traffic: what the dataplane has counted. */
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/show.h"

struct traffic_state {
	struct dp_cursor cursor;
};

static bool more_traffic(struct reply *r)
{
	struct traffic_state *s = r->state;
	struct dp_traffic t;
	struct json *j;

	while (reply_step(r)) {
		if (!dp_next_traffic(r->d->dp, &s->cursor, &t))
			return false;
		j = reply_row(r);
		json_object(j, NULL);
		json_str(j, "scope", t.scope);
		json_str(j, "name", t.name[0] ? t.name : NULL);
		json_uint_if(j, "vni", t.vni, t.vni);
		json_uint(j, "rx_frames", t.rx_frames);
		json_uint(j, "rx_octets", t.rx_octets);
		json_uint(j, "tx_frames", t.tx_frames);
		json_uint(j, "tx_octets", t.tx_octets);
		json_uint(j, "drops", t.drops);
		json_object_end(j);
	}
	return true;
}

const struct reply_ops show_traffic = { sizeof(struct traffic_state), NULL, more_traffic, NULL };
