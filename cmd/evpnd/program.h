/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * An external program that answers questions: one JSON object a line, each way. It is
 * started at once, and again after a pause when it ends, answers nonsense or too late;
 * the pause doubles from a second to a minute and is short again after an answer.
 *
 *	{"id": 7, "vni": 100, "mac": "02:00:00:00:00:02"}    {"id": 8, "vni": 100, "ip": "10.0.0.2"}
 *	{"id": 7, "mac": "02:00:00:00:00:02", "vtep": "192.0.2.2"}      {"id": 8, "vtep": null}: nobody knows
 *	without id: what may have been answered before is otherwise now
 */
#ifndef CMD_EVPND_PROGRAM_H
#define CMD_EVPND_PROGRAM_H

#include "base/log.h"
#include "base/loop.h"
#include "cmd/evpnd/host_line.h"

struct program;

struct program_params {
	struct loop *loop;
	struct log *log;
	int keeper;
	unsigned number; /* of its own, for the keeper */
	char *const *argv; /* borrowed */
	/* host NULL: nobody knows. False, with words, when the answer is none to that question. */
	bool (*answer)(void *ctx, uint32_t vni, uint32_t id, const struct config_host *host, char *why, size_t cap);
	bool (*changed)(void *ctx, const struct host_line *l, char *why, size_t cap);
	void *ctx;
};

struct program_info {
	const char *state; /* "running", "waiting" */
	const char *error; /* the last, NULL: none */
	uint64_t starts, answers;
};

struct program *program_new(const struct program_params *p);
void program_free(struct program *p);
/* False when it cannot be asked now. */
bool program_ask(struct program *p, uint32_t vni, uint32_t id, const struct mac *mac, const struct ip *ip);
/* A question had no answer in time. */
void program_is_late(struct program *p);
void program_info(const struct program *p, struct program_info *out);

#endif
