/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* A slow and obvious model of one Ethernet Segment in one EVI: what its PEs say, and where MACs lead for it. */
#ifndef TESTS_LIB_SEGMODEL_H
#define TESTS_LIB_SEGMODEL_H

#include <stdbool.h>

enum { SEGMODEL_PES = 4, SEGMODEL_MACS = 4 };

struct segmodel {
	bool es[SEGMODEL_PES], single[SEGMODEL_PES]; /* A-D per ES, with the single-active flag */
	bool evi[SEGMODEL_PES];                      /* A-D per EVI */
	bool mac[SEGMODEL_MACS][SEGMODEL_PES];
};

/* The PEs that frames to a MAC go to, in order of address; how many. */
unsigned segmodel_pes(const struct segmodel *m, unsigned mac, unsigned out[SEGMODEL_PES]);

#endif
