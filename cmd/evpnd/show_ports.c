/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* show ports: the ports that VNIs have now, whether configured or not, with the VLAN by which a VNI has them. */
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/show.h"

struct ports_state {
	struct dp_cursor cursor;
};

static bool more_ports(struct reply *r)
{
	uint32_t vni = reply_has(r, ARG_VNI) ? reply_arg(r, ARG_VNI)->n : 0;
	struct ports_state *s = r->state;
	struct dp_port_info p;
	struct json *j;

	while (reply_step(r)) {
		if (!dp_next_port(r->d->dp, &s->cursor, vni, &p))
			return false;
		j = reply_row(r);
		json_object(j, NULL);
		json_uint(j, "vni", p.vni);
		json_str(j, "port", p.name);
		json_uint_if(j, "vlan", p.vlan, p.vlan);
		json_bool(j, "tagged", p.tagged);
		json_bool(j, "up", p.up);
		json_bool(j, "made", p.made);
		json_object_end(j);
	}
	return true;
}

const struct reply_ops show_ports = { sizeof(struct ports_state), NULL, more_ports, NULL };
