/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* show segments: others' Ethernet Segments, a row for each VNI that sees one. */
#include "cmd/evpnd/daemon.h"
#include "cmd/evpnd/show.h"

struct segments_state {
	struct evpn_cursor cursor;
};

static void print_pe(struct json *j, const struct evpn_segment_pe *pe)
{
	json_object(j, NULL);
	json_ip(j, "vtep", &pe->vtep);
	json_str(j, "state", evpn_pe_state_name(pe->state));
	json_bool(j, "per_es", pe->per_es);
	json_bool(j, "per_evi", pe->per_evi);
	json_uint_if(j, "packet_vni", pe->per_evi, pe->vni);
	json_object_end(j);
}

static void print_segment(struct reply *r, const struct evpn_segment_info *i)
{
	struct json *j = reply_row(r);

	json_object(j, NULL);
	json_uint(j, "vni", i->vni);
	json_str(j, "esi", evpn_esi_str(i->esi).s);
	json_str(j, "redundancy", i->single_active ? "single-active" : "all-active");
	json_uint(j, "macs", i->macs);
	json_array(j, "vteps");
	for (unsigned k = 0; k < i->n_pes; k++)
		if (i->pes[k].state == EVPN_PE_ACTIVE)
			json_ip(j, NULL, &i->pes[k].vtep);
	json_array_end(j);
	json_array(j, "pes");
	for (unsigned k = 0; k < i->n_pes; k++)
		print_pe(j, &i->pes[k]);
	json_array_end(j);
	json_object_end(j);
}

static bool more_segments(struct reply *r)
{
	struct segments_state *s = r->state;
	struct evpn_segment_info i;

	s->cursor.vni = reply_has(r, ARG_VNI) ? reply_arg(r, ARG_VNI)->n : 0;
	while (reply_step(r)) {
		if (!evpn_segment_next(r->d->evpn, &s->cursor, &i))
			return false;
		print_segment(r, &i);
	}
	return true;
}

const struct reply_ops show_segments = { sizeof(struct segments_state), NULL, more_segments, NULL };
