/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/kernel_writer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"

#define STACK_SIZE (256u << 10)

_Static_assert((KWRITER_BATCHES & (KWRITER_BATCHES - 1)) == 0, "ring positions wrap");

/* ---- rings ------------------------------------------------------------------------------------------------------- */

static void ring_put(struct kring *r, struct kbatch *b)
{
	uint32_t in = atomic_load_explicit(&r->in, memory_order_relaxed);

	r->v[in % KWRITER_BATCHES] = b;
	atomic_store_explicit(&r->in, in + 1, memory_order_release);
}

static struct kbatch *ring_take(struct kring *r)
{
	uint32_t out = atomic_load_explicit(&r->out, memory_order_relaxed);
	struct kbatch *b;

	if (out == atomic_load_explicit(&r->in, memory_order_acquire))
		return NULL;
	b = r->v[out % KWRITER_BATCHES];
	atomic_store_explicit(&r->out, out + 1, memory_order_release);
	return b;
}

static void ring_bell(int fd)
{
	eventfd_write(fd, 1); /* fails only where 2^64 - 2 rings have not been heard */
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

struct carrier {
	struct kwriter *w;
	struct kbatch *b;
};

/* They lie behind the messages that they answer: a look has two messages and two answers, and room for four. */
static void keep_answer(struct kbatch *b, unsigned i, const struct nlmsghdr *h)
{
	const struct ndmsg *nd = NLMSG_DATA(h);
	uint32_t len = NLMSG_ALIGN(h->nlmsg_len);

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*nd)) || len > NLBUF_MSG_MAX ||
	    b->answer[i][!!(nd->ndm_flags & NTF_SELF)])
		return;
	b->answers += len;
	b->answer[i][!!(nd->ndm_flags & NTF_SELF)] = b->answers;
	memcpy(b->octets + sizeof(b->octets) - b->answers, h, h->nlmsg_len);
}

static void on_answer(void *ctx, unsigned nr, const struct nlmsghdr *h, int err)
{
	struct carrier *c = ctx;
	struct kbatch *b = c->b;
	unsigned i = b->op_of[nr];

	if (h->nlmsg_type == RTM_NEWNEIGH && b->ops[i].type == DP_OP_LOOK) {
		keep_answer(b, i, h);
		return;
	}
	if (h->nlmsg_type == RTM_NEWNEIGH) {
		b->at[i] = (unsigned)((const struct ndmsg *)NLMSG_DATA(h))->ndm_ifindex;
		return;
	}
	b->missed[i] |= err && err == -b->quiet[nr];
	if (!err || err == -b->quiet[nr] || b->err[i])
		return;
	b->err[i] = err;
	b->bad[i] = (uint16_t)nr;
	memcpy(b->words, c->w->sock.words, sizeof(b->words));
}

static void carry_out(struct kwriter *w, struct kbatch *b)
{
	struct carrier c = { w, b };

	b->fate = b->n_msgs ? ksock_batch(&w->sock, &b->tx, b->first_seq, on_answer, &c) : 0;
	ring_put(&w->done, b);
	ring_bell(w->done_fd);
}

static void *run(void *ctx)
{
	struct kwriter *w = ctx;
	struct kbatch *b;
	eventfd_t rings;

	prctl(PR_SET_NAME, "netlink");
	while (!atomic_load_explicit(&w->stop, memory_order_acquire)) {
		b = ring_take(&w->todo);
		if (b)
			carry_out(w, b);
		else
			eventfd_read(w->todo_fd, &rings); /* sleeps */
	}
	return NULL;
}

static bool start(struct kwriter *w)
{
	w->running = thread_start(&w->thread, STACK_SIZE, run, w) == 0;
	return w->running;
}

/* ---- the control thread ------------------------------------------------------------------------------------------ */

int kwriter_init(struct kwriter *w)
{
	int err;

	*w = (struct kwriter){ .sock.fd = -1, .n_free = KWRITER_BATCHES, .seq = 1 };
	w->todo_fd = eventfd(0, EFD_CLOEXEC);
	w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->batches = xcalloc(KWRITER_BATCHES, sizeof(*w->batches));
	for (unsigned i = 0; i < KWRITER_BATCHES; i++) {
		w->free[i] = &w->batches[i];
		w->batches[i].tx = (struct nlbuf){ .b = w->batches[i].octets, .cap = sizeof(w->batches[i].octets) };
	}
	err = w->todo_fd < 0 || w->done_fd < 0 ? -errno : 0;
	return err ? err : ksock_open(&w->sock, NULL);
}

void kwriter_fini(struct kwriter *w)
{
	atomic_store_explicit(&w->stop, true, memory_order_release);
	if (w->running) {
		ring_bell(w->todo_fd);
		pthread_join(w->thread, NULL);
	}
	ksock_close(&w->sock);
	if (w->todo_fd >= 0)
		close(w->todo_fd);
	if (w->done_fd >= 0)
		close(w->done_fd);
	free(w->batches);
	*w = (struct kwriter){ .sock.fd = -1, .todo_fd = -1, .done_fd = -1 };
}

void kwriter_rewind(struct kwriter *w, struct kbatch *b)
{
	b->n_msgs = 0;
	b->tx.len = 0;
	b->tx.seq = b->first_seq = w->seq;
}

struct kbatch *kwriter_batch(struct kwriter *w)
{
	struct kbatch *b = w->n_free ? w->free[--w->n_free] : NULL;

	if (!b)
		return NULL;
	b->n_ops = 0;
	b->words[0] = '\0';
	kwriter_rewind(w, b);
	return b;
}

void kwriter_submit(struct kwriter *w, struct kbatch *b)
{
	w->seq = b->tx.seq;
	if (!w->running && !start(w)) { /* without another thread it waits for the kernel itself */
		carry_out(w, b);
		return;
	}
	ring_put(&w->todo, b);
	ring_bell(w->todo_fd);
}

const struct nlmsghdr *kwriter_answer(const struct kbatch *b, unsigned op, unsigned part)
{
	uint32_t at = b->answer[op][part];

	return at ? (const struct nlmsghdr *)(const void *)(b->octets + sizeof(b->octets) - at) : NULL;
}

void kwriter_answers_clear(struct kbatch *b)
{
	memset(b->answer, 0, sizeof(b->answer));
	b->answers = 0;
}

struct kbatch *kwriter_result(struct kwriter *w)
{
	return ring_take(&w->done);
}

void kwriter_free(struct kwriter *w, struct kbatch *b)
{
	w->free[w->n_free++] = b;
}

void kwriter_wait(struct kwriter *w)
{
	struct pollfd p = { .fd = w->done_fd, .events = POLLIN };

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}
