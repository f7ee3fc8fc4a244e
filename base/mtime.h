/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Monotonic time as a type of its own, so that it is not mixed up with durations or wall-clock time. */
#ifndef BASE_MTIME_H
#define BASE_MTIME_H

#include <stdbool.h>
#include <stdint.h>

struct mtime {
	int64_t us; /* microseconds since some start; MTIME_NEVER.us is later than every time */
};

#define MTIME_NEVER ((struct mtime){ INT64_MAX })

static inline struct mtime mtime_add_us(struct mtime t, int64_t us)
{
	return (struct mtime){ t.us + us };
}

static inline struct mtime mtime_add_ms(struct mtime t, int64_t ms)
{
	return (struct mtime){ t.us + ms * 1000 };
}

static inline bool mtime_before(struct mtime a, struct mtime b)
{
	return a.us < b.us;
}

/* b - a in microseconds. */
static inline int64_t mtime_diff_us(struct mtime a, struct mtime b)
{
	return b.us - a.us;
}

#endif
