/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What a refusal of the kernel's means for a row, and what helps. */
#ifndef DATAPLANE_REFUSAL_H
#define DATAPLANE_REFUSAL_H

#include <stdint.h>

#include "base/addr.h"

/*
 * For errno err of a row of that kind (enum dp_kind, DP_DEST), with the address of a neighbour; NULL: nothing to say.
 */
const char *refusal_help(int err, uint8_t kind, const struct ip *ip);

#endif
