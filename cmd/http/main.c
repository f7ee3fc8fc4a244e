/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * evpnd-http, which `evpnctl serve` runs: a program of its own, so that neither the daemon nor every evpnctl carries a
 * library for HTTP, and so that it can have a user of its own.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cmd/http/http.h"
#include "cmd/http/listen.h"
#include "cmd/paths.h"

static const char usage_text[] =
	"usage: evpnd-http [-s SOCKET] [-l ADDRESS:PORT] [-n NAME,NAME]\n"
	"Serves what evpnd knows over HTTP, to be read only, on " HTTP_LISTEN " or where -l says; -n: names of this\n"
	"host that it may be asked by. See evpnctl(8), serve.\n";

static int run(struct http *h, const char *listen_on)
{
	struct ip address;
	sigset_t set;
	uint16_t port;
	int fd, sig, err;

	if (!http_listen_parse(listen_on, &address, &port)) {
		fprintf(stderr,
			"evpnd-http: expected an address and a port like 127.0.0.1:9179 or [::1]:9179, found '%s'\n",
			listen_on);
		return 2;
	}
	fd = http_listen(&address, &port);
	if (fd < 0) {
		fprintf(stderr, "evpnd-http: %s: %s\n", listen_on, strerror(-fd));
		return 1;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL); /* also for the threads to come */
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	err = http_start(h, fd);
	if (err) {
		fprintf(stderr, "evpnd-http: cannot serve: %s\n", strerror(-err));
		return 1;
	}
	fprintf(stderr, address.len == 4 ? "serving http://%s:%u/\n" : "serving http://[%s]:%u/\n", ip_str(&address).s,
		port);
	if (!ip_is_loopback(&address))
		fprintf(stderr, "whoever reaches that address can read what evpnd knows\n");
	sigwait(&set, &sig);
	http_stop(h);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option words[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const char *listen_on = HTTP_LISTEN;
	struct http h = { 0 };
	struct paths paths;
	int c;

	paths_of_client(&paths);
	h.socket = paths.socket;
	while ((c = getopt_long(argc, argv, "s:l:n:Vh", words, NULL)) != -1) {
		switch (c) {
		case 's':
			h.socket = optarg;
			break;
		case 'l':
			listen_on = optarg;
			break;
		case 'n':
			h.hostnames = optarg;
			break;
		case 'V':
			puts("evpnd-http " EVPND_VERSION);
			return 0;
		default:
			fputs(usage_text, c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "evpnd-http: unexpected '%s'\n%s", argv[optind], usage_text);
		return 2;
	}
	return run(&h, listen_on);
}
