/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/kernel_dump.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/log.h"
#include "base/thread.h"

#define STACK_SIZE (256u << 10)

_Static_assert(KDUMP_AHEAD <= KSOCK_EVENTS, "a datagram has a buffer of the socket's");

/* ---- the thread -------------------------------------------------------------------------------------------------- */

/* NULL: it is over. */
static struct nl_msg *next_request(struct kdump *d)
{
	struct nl_msg *m;

	pthread_mutex_lock(&d->lock);
	while (!d->stop && !d->request)
		pthread_cond_wait(&d->changed, &d->lock);
	m = d->request;
	d->request = NULL;
	pthread_mutex_unlock(&d->lock);
	return m;
}

static bool room(struct kdump *d)
{
	bool go;

	pthread_mutex_lock(&d->lock);
	while (!d->stop && d->in - d->out == KDUMP_AHEAD)
		pthread_cond_wait(&d->changed, &d->lock);
	go = !d->stop;
	pthread_mutex_unlock(&d->lock);
	return go;
}

static void hand_over(struct kdump *d, int state)
{
	pthread_mutex_lock(&d->lock);
	d->in += state >= 0;
	d->state = state;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

/* The request makes the first datagram, so it is sent from here. */
static void carry_out(struct kdump *d, struct nl_msg *m)
{
	int more = ksock_dump_begin(&d->sock, m);
	unsigned n = 0;

	if (more) {
		hand_over(d, more);
		return;
	}
	do {
		if (!room(d))
			return;
		more = ksock_dump_read(&d->sock, n++ % KDUMP_AHEAD);
		hand_over(d, more);
	} while (more > 0);
}

static void *run(void *ctx)
{
	struct kdump *d = ctx;
	struct nl_msg *m;

	prctl(PR_SET_NAME, "dump");
	while ((m = next_request(d)))
		carry_out(d, m);
	return NULL;
}

/* ---- the control thread ------------------------------------------------------------------------------------------ */

static void release(struct kdump *d)
{
	if (d->request)
		nlmsg_free(d->request);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	ksock_close(&d->sock);
}

int kdump_open(struct kdump *d)
{
	pthread_condattr_t attr;
	int err;

	*d = (struct kdump){ .state = 0 };
	err = ksock_open(&d->sock, NULL);
	if (err)
		return err;
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->changed, &attr);
	pthread_condattr_destroy(&attr);
	err = thread_start(&d->thread, STACK_SIZE, run, d);
	if (err)
		release(d);
	return err;
}

void kdump_close(struct kdump *d)
{
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	release(d);
}

void kdump_begin(struct kdump *d, struct nl_msg *msg)
{
	pthread_mutex_lock(&d->lock);
	BUG_ON(d->request || d->state > 0);
	d->request = msg;
	d->in = d->out = 0;
	d->state = 1;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static struct timespec after(unsigned ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

/* KDUMP_MORE: a datagram is there. */
static int wait_for_one(struct kdump *d, unsigned ms)
{
	struct timespec until = after(ms);
	int err = 0, more;

	pthread_mutex_lock(&d->lock);
	while (!err && d->in == d->out && d->state > 0)
		err = pthread_cond_timedwait(&d->changed, &d->lock, &until);
	more = d->in != d->out ? KDUMP_MORE : d->state > 0 ? KDUMP_NOTHING_YET : d->state;
	pthread_mutex_unlock(&d->lock);
	return more;
}

int kdump_more(struct kdump *d, unsigned wait_ms, void (*fn)(void *ctx, const struct nlmsghdr *h), void *ctx)
{
	int more = wait_for_one(d, wait_ms);

	if (more != KDUMP_MORE)
		return more;
	more = ksock_dump_take(&d->sock, d->out % KDUMP_AHEAD, fn, ctx);
	pthread_mutex_lock(&d->lock);
	d->out++;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
	return more;
}
