/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* /: the status page, cmd/http/status.html, which asks /api/v1 for what it shows. */
#ifndef CMD_HTTP_PAGE_H
#define CMD_HTTP_PAGE_H

#include "cmd/http/http.h"

enum MHD_Result http_page(struct MHD_Connection *c);

#endif
