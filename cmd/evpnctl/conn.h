/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The client's end of the control socket: one request, its reply line by line. */
#ifndef CMD_EVPNCTL_CONN_H
#define CMD_EVPNCTL_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum conn_body { CONN_ROWS, CONN_OBJECT, CONN_NONE, CONN_LINES };

struct conn {
	const char *path; /* of the socket, borrowed */
	FILE *in;
	enum conn_body body;
	char *line; /* the last one read */
	size_t cap;
	const char *sign; /* looked for in each line of the body, NULL: nothing */
	bool signs;       /* it was there */
	bool complete; /* the end of the body has been seen */
	bool answered; /* a daemon is there, whatever it says */
	char error[512]; /* why not, a sentence */
};

/*
 * Sends the words, with n descriptors (CONN_FDS_MAX at most), and reads the status line. 0, or
 * the exit code of evpnctl: 1 failed or no, 2 usage; then c->error says why and nothing is open.
 */
int conn_ask(struct conn *c, const char *path, const char *const *argv, size_t argc, const int *fds, size_t n);
/* The same, and trouble is told on stderr. */
int conn_open(struct conn *c, const char *path, const char *const *argv, size_t argc, const int *fds, size_t n);
#define CONN_FDS_MAX 4
/* An answer of rows that was made here, to be read as if it had come; text is taken and must outlive c. */
void conn_local(struct conn *c, const char *text, size_t len);
/*
 * The next line of the body as it came, its end of line included; NULL at the end. c->complete says then whether that
 * was the end of the reply or the daemon went away in the middle of it.
 */
const char *conn_line(struct conn *c, size_t *len);
void conn_close(struct conn *c);

#endif
