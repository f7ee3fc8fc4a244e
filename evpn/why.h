/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What why.c asks of the other tables, beside include/evpn.h. */
#ifndef EVPN_WHY_H
#define EVPN_WHY_H

#include "include/evpn.h"

struct mac_entry;

/* Why the EVI takes nothing of this path, in words (a literal); NULL when it imports it. */
const char *import_refusal(struct evpn *e, const struct evi *evi, const struct bgp_path_info *p);
/* The import of a path that the EVI imports; 0 otherwise. */
uint32_t import_of_path(struct evpn *e, const struct evi *evi, const struct bgp_path_info *p);
/* Does this claim of the entry win, and if not, by which rule? */
void evpn_claimant_judge(const struct evpn *e, const struct mac_entry *m, uint32_t import, struct evpn_claimant *out);

#endif
