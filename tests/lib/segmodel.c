/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/segmodel.h"

unsigned segmodel_pes(const struct segmodel *m, unsigned mac, unsigned out[SEGMODEL_PES])
{
	bool by_evi = false, single = false, known = false, counts;
	unsigned n = 0, advertiser = 0;

	for (unsigned v = SEGMODEL_PES; v--;) {
		by_evi |= m->evi[v];
		single |= m->es[v] && m->single[v];
		known |= m->mac[mac][v];
		advertiser = m->mac[mac][v] ? v : advertiser; /* the lowest address wins */
	}
	for (unsigned v = 0; v < SEGMODEL_PES; v++) {
		counts = m->es[v] && (m->evi[v] || !by_evi);
		if (known && counts && v == advertiser && (single || !by_evi)) {
			out[0] = v;
			return 1;
		}
		if (known && counts)
			out[n++] = v;
	}
	return (single || !by_evi) && n > 1 ? 0 : n;
}
