/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A reply on the control socket, written a slice at a time. The first line is
 * {"ok":true,"body":"rows"|"object"|"none"|"lines"} or {"ok":false,"error":"...","code":N}; then an array
 * with one row a line, or an object on one line, or lines with an object each as they come. A verb's part is
 * a struct reply_ops; what it walks is kept as cursors in its state, so a walk costs nothing but its buffer and no
 * client can make the daemon grow or wait.
 */
#ifndef CMD_EVPND_REPLY_H
#define CMD_EVPND_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mtime.h"
#include "cmd/verb.h"

struct daemon;
struct reply;

enum reply_body {
	REPLY_ROWS,
	REPLY_OBJECT,
	REPLY_NONE,
	REPLY_LINES /* an object a line, for as long as the client stays; an empty line ends them */
};

struct reply_ops {
	size_t state_size; /* zeroed before start() */
	/*
	 * Looks at the arguments; may set r->body (default REPLY_ROWS). 0, or what reply_fail() returned. NULL: nothing
	 * to do.
	 */
	int (*start)(struct reply *r);
	/*
	 * A slice of the body: rows while reply_step() is true. True when there is more; with r->waits set, not before
	 * reply_wake(). Not called for REPLY_NONE.
	 */
	bool (*more)(struct reply *r);
	/* Frees what the state owns; called once after a start() that was 0. May be NULL. */
	void (*end)(struct reply *r);
};

struct reply {
	struct daemon *d;
	const struct reply_ops *ops; /* NULL: no reply is under way */
	struct verb_args args;       /* texts borrowed from the request */
	const int *fds; /* handed over with the request, borrowed for start() */
	size_t n_fds;
	enum reply_body body;
	void *state;
	struct mtime now; /* of the turn */
	struct buf *out;
	struct json json;
	bool rows; /* one was written */
	bool waits; /* nothing is to be written before reply_wake() */
	void (*wake)(struct reply *r); /* of who sends the slices: there is more now */
	int budget;
	char error[VERB_ERROR_MAX];
};

/*
 * Begins the answer to args (status line included) into out; ops NULL: a verb that the daemon has no part in.
 * r->ops is NULL after it when the reply is complete at once. n descriptors came with the request.
 */
void reply_start(struct reply *r, const struct reply_ops *ops, struct daemon *d, const struct verb_args *args,
		 const int *fds, size_t n, struct buf *out, struct mtime now);
/* The next slice; false when the reply is complete (it has been ended). */
bool reply_more(struct reply *r, struct mtime now);
/* Drops a reply that is under way. No harm without one. */
void reply_abort(struct reply *r);
/* A whole reply that says no. code is evpnctl's exit code: 1 failed, 2 usage. */
void reply_error(struct buf *out, int code, const char *error);

/* ---- for the verbs ----------------------------------------------------------------------------------------------- */

/* Returns code. */
int reply_fail(struct reply *r, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* True while the slice may go on; call it once for everything looked at. */
bool reply_step(struct reply *r);
/* There is something to write again. */
void reply_wake(struct reply *r);
/* The writer at the place of the next row: write one value without a key. */
struct json *reply_row(struct reply *r);
/* The lines of text as rows, each taken off it; true when there are more. */
bool reply_lines(struct reply *r, struct buf *text);
/* Whole seconds from since to now, as a member. */
void reply_age(struct reply *r, const char *key, struct mtime since);

static inline const struct verb_value *reply_arg(const struct reply *r, enum verb_arg a)
{
	return &r->args.v[a];
}

static inline bool reply_has(const struct reply *r, enum verb_arg a)
{
	return r->args.v[a].given;
}

/* Filters: true when the argument was not given or equals. */
bool reply_match_vni(const struct reply *r, uint32_t vni);
bool reply_match_mac(const struct reply *r, const struct mac *mac);
bool reply_match_ip(const struct reply *r, enum verb_arg a, const struct ip *ip);

#endif
