/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Log lines: level, subsystem, "subject: cause, what we did about it". A log is a value that is passed down, not a
 * global; its sink can be replaced (tests assert on it, fuzzers mute it). Arguments cost nothing when the level is off.
 * What a peer can cause goes through a log_limit, which says how much it left out.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mtime.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_REMOTE, LOG_INFO, LOG_DEBUG }; /* LOG_REMOTE: a fault of the other side */
enum log_subsys { LOG_MAIN, LOG_BGP, LOG_EVPN, LOG_DP, LOG_CONF, LOG_CTL };

struct log {
	enum log_level level;
	/* Called with one line without its end; NULL writes to stderr ("<3>" style prefixes when under journald). */
	void (*sink)(void *ctx, enum log_level level, enum log_subsys sub, const char *line);
	void *ctx;
	bool journal; /* stderr is the journal: prefix with its priority */
	uint32_t lost; /* lines that stderr had no room for: nobody waits for who reads it */
};

/* Token bucket: burst lines at once, then one each interval_ms. */
struct log_limit {
	uint32_t burst, interval_ms;
	uint32_t tokens;
	uint32_t left_out;
	struct mtime last;
};

void log_init(struct log *l, enum log_level level);
void log_write(struct log *l, enum log_level level, enum log_subsys sub, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* True when a line may go out now. When lines were left out before it, says how many first. */
bool log_allow(struct log *l, struct log_limit *lim, enum log_subsys sub, struct mtime now);
const char *log_level_name(enum log_level level);
bool log_level_parse(const char *s, enum log_level *level);

#define log_at(l, lev, sub, ...)                                                                                       \
	do {                                                                                                           \
		if ((lev) <= (l)->level)                                                                               \
			log_write((l), (lev), (sub), __VA_ARGS__);                                                     \
	} while (0)
#define log_error(l, sub, ...) log_at(l, LOG_ERROR, sub, __VA_ARGS__)
#define log_warn(l, sub, ...) log_at(l, LOG_WARN, sub, __VA_ARGS__)
#define log_remote(l, sub, ...) log_at(l, LOG_REMOTE, sub, __VA_ARGS__)
#define log_info(l, sub, ...) log_at(l, LOG_INFO, sub, __VA_ARGS__)
#define log_debug(l, sub, ...) log_at(l, LOG_DEBUG, sub, __VA_ARGS__)

/* A broken invariant of ours (never a peer's or a user's doing): says where and aborts. */
#define BUG(...) bug_abort(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(c)                                                                                                      \
	do {                                                                                                           \
		if (__builtin_expect(!!(c), 0))                                                                        \
			BUG("%s", #c);                                                                                 \
	} while (0)
void bug_abort(const char *file, int line, const char *fmt, ...) __attribute__((noreturn, format(printf, 3, 4)));

/* Allocation of small things; aborts when the system has no memory. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);

#endif
