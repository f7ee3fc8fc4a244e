/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "bgp/md5_drops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NETSTAT "/proc/net/netstat" /* of our namespace */
#define NETSTAT_MAX 32768u          /* octets; it has about 4,000 */

/* The line that begins behind at with "TcpExt: ", without that; NULL at the end. */
static char *tcp_line(char *at)
{
	static const char prefix[] = "TcpExt: ";

	for (; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, prefix, sizeof(prefix) - 1) == 0)
			return at + sizeof(prefix) - 1;
	}
	return NULL;
}

/* Two lines, one of names and one of numbers, word by word. */
bool md5_drops_parse(char *text, struct md5_drops *out)
{
	char *names = tcp_line(text), *numbers = names ? tcp_line(names) : NULL, *name, *number, *sn, *sv;
	struct md5_drops d = { 0 };
	unsigned found = 0;

	if (!numbers)
		return false;
	numbers[-(int)sizeof("TcpExt: ")] = '\0';
	numbers[strcspn(numbers, "\n")] = '\0';
	name = strtok_r(names, " \n", &sn);
	number = strtok_r(numbers, " \n", &sv);
	for (; name && number; name = strtok_r(NULL, " \n", &sn), number = strtok_r(NULL, " \n", &sv)) {
		uint64_t *to = strcmp(name, "TCPMD5NotFound") == 0 ? &d.not_found :
			       strcmp(name, "TCPMD5Unexpected") == 0 ? &d.unexpected :
			       strcmp(name, "TCPMD5Failure") == 0 ? &d.failure : NULL;

		if (!to)
			continue;
		*to = strtoull(number, NULL, 10);
		found++;
	}
	if (!found)
		return false;
	*out = d;
	return true;
}

bool md5_drops_read(struct md5_drops *out)
{
	FILE *f = fopen(NETSTAT, "re");
	char *text;
	size_t n;
	bool ok;

	if (!f)
		return false;
	text = malloc(NETSTAT_MAX);
	n = text ? fread(text, 1, NETSTAT_MAX - 1, f) : 0;
	fclose(f);
	if (text)
		text[n] = '\0';
	ok = n && md5_drops_parse(text, out);
	free(text);
	return ok;
}
