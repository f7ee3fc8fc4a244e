/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Our own printed configuration as JSON: keys in snake_case, plain scalars as numbers, booleans or null where they are
 * such, quoted ones as strings.
 */
#ifndef CMD_EVPND_YAML_JSON_H
#define CMD_EVPND_YAML_JSON_H

#include <stddef.h>

#include "base/json.h"

/* One value is written, null for an empty document. False when the text is not YAML: what came before it is there. */
bool yaml_to_json(const char *yaml, size_t len, struct json *j);

#endif
