/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Formatting of log lines, the stderr sink, the token bucket, and the ends of the program that are our own fault. */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Priorities of sd-daemon(3). */
static const struct {
	const char *name;
	char priority;
} levels[] = {
	[LOG_ERROR] = { "error", '3' },  [LOG_WARN] = { "warn", '4' }, [LOG_REMOTE] = { "remote", '5' },
	[LOG_INFO] = { "info", '6' },    [LOG_DEBUG] = { "debug", '7' },
};

static const char *const subsystems[] = {
	[LOG_MAIN] = "main", [LOG_BGP] = "bgp",   [LOG_EVPN] = "evpn",
	[LOG_DP] = "dp",     [LOG_CONF] = "conf", [LOG_CTL] = "ctl",
};

/* True when stderr is the stream that $JOURNAL_STREAM names ("device:inode", systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *env = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return env && sscanf(env, "%llu:%llu", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == dev && st.st_ino == ino;
}

void log_init(struct log *l, enum log_level level)
{
	*l = (struct log){ .level = level, .journal = stderr_is_journal() };
}

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

bool log_level_parse(const char *s, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(s, levels[i].name) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static size_t write_prefix(const struct log *l, enum log_level level, enum log_subsys sub, char *out, size_t room)
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	if (l->journal)
		return (size_t)snprintf(out, room, "<%c>%s: ", levels[level].priority, subsystems[sub]);
	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	n = strftime(out, room, "%F %T", &tm);
	return n + (size_t)snprintf(out + n, room - n, ".%03d %-6s %s: ", (int)(ts.tv_nsec / 1000000),
				    levels[level].name, subsystems[sub]);
}

/* A line is one line, whatever text of a peer or user stands in it. */
static void tame(char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
	}
}

/* A pipe that nobody reads, a journal that stands still, a terminal that was stopped by Ctrl-S. */
static bool is_stuck(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) == 0;
}

/* One write: lines of several processes do not mix. */
static void put(struct log *l, const char *line)
{
	char prefix[64];

	if (l->lost && !is_stuck()) {
		write_prefix(l, LOG_WARN, LOG_MAIN, prefix, sizeof(prefix));
		dprintf(STDERR_FILENO, "%s%u lines before this one are lost, nobody took them\n", prefix, l->lost);
		l->lost = 0;
	}
	if (is_stuck())
		l->lost++;
	else
		dprintf(STDERR_FILENO, "%s\n", line);
}

void log_write(struct log *l, enum log_level level, enum log_subsys sub, const char *fmt, ...)
{
	char line[1024];
	size_t n = l->sink ? 0 : write_prefix(l, level, sub, line, sizeof(line));
	int saved = errno;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	if (len >= (int)(sizeof(line) - n))
		memcpy(line + sizeof(line) - 4, "...", 4);
	tame(line);
	if (l->sink)
		l->sink(l->ctx, level, sub, line);
	else
		put(l, line);
	errno = saved;
}

bool log_allow(struct log *l, struct log_limit *lim, enum log_subsys sub, struct mtime now)
{
	int64_t step = (int64_t)lim->interval_ms * 1000;
	int64_t earned;
	uint32_t left_out = lim->left_out;

	if (!lim->last.us) {
		lim->tokens = lim->burst;
		lim->last = now;
	}
	earned = step ? mtime_diff_us(lim->last, now) / step : lim->burst;
	if (earned > 0) {
		lim->tokens = earned >= lim->burst - lim->tokens ? lim->burst : lim->tokens + (uint32_t)earned;
		lim->last = mtime_add_us(lim->last, earned * step);
	}
	if (!lim->tokens) {
		lim->left_out++;
		return false;
	}
	lim->tokens--;
	lim->left_out = 0;
	if (left_out)
		log_remote(l, sub, "%u more lines of this kind left out", left_out);
	return true;
}

void bug_abort(const char *file, int line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	dprintf(STDERR_FILENO, "evpnd bug at %s:%d: %s\n", file, line, text);
	abort();
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		BUG("no memory for %zu times %zu octets", n, size);
	return p;
}

void *xrealloc(void *p, size_t size)
{
	void *r = realloc(p, size ? size : 1);

	if (!r)
		BUG("no memory for %zu octets", size);
	return r;
}

char *xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xrealloc(NULL, n), s, n);
}
