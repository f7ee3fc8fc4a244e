/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/timerq.c, beside a plain array of deadlines. */
#include "base/timerq.h"

#include "base/list.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define N 200

struct timer {
	struct timerq_node node;
	struct timerq *q;
	int fired;
	int64_t again_us; /* re-arms itself once at this time */
	struct timer *stop;
};

static void fire(struct timerq_node *n, struct mtime now)
{
	struct timer *t = container_of(n, struct timer, node);

	assert_false(timerq_armed(n));
	assert_true(n->at.us <= now.us);
	t->fired++;
	if (t->again_us) {
		timerq_arm(t->q, n, (struct mtime){ t->again_us });
		t->again_us = 0;
	}
	if (t->stop)
		timerq_stop(t->q, &t->stop->node);
}

static struct timer timer(struct timerq *q)
{
	return (struct timer){ .node = { .fn = fire }, .q = q };
}

static void timerq_empty_is_never(void **state)
{
	struct timerq q;

	timerq_init(&q);
	assert_true(timerq_next(&q).us == MTIME_NEVER.us);
	timerq_run(&q, (struct mtime){ 5 });
	timerq_fini(&q);
}

static void timerq_callbacks_may_arm_and_stop(void **state)
{
	struct timerq q;
	struct timer a, b, c;

	timerq_init(&q);
	a = timer(&q), b = timer(&q), c = timer(&q);
	a.again_us = 9;
	a.stop = &b;
	c.again_us = 20;
	timerq_arm(&q, &a.node, (struct mtime){ 1 });
	timerq_arm(&q, &b.node, (struct mtime){ 2 });
	timerq_arm(&q, &c.node, (struct mtime){ 10 });
	timerq_run(&q, (struct mtime){ 10 });
	assert_int_equal(a.fired, 2); /* armed again for a time that has come */
	assert_int_equal(b.fired, 0);
	assert_int_equal(c.fired, 1); /* armed again for later */
	assert_int_equal(timerq_next(&q).us, 20);
	timerq_stop(&q, &c.node);
	timerq_stop(&q, &c.node);
	timerq_fini(&q);
}

static void timerq_agrees_with_a_model(void **state)
{
	struct rng r = rng_start(__func__);
	struct timerq q;
	struct timer t[N];
	int64_t due[N] = { 0 }; /* 0: not armed */
	int64_t now = 1;

	timerq_init(&q);
	for (size_t i = 0; i < N; i++)
		t[i] = timer(&q);
	for (int step = 0; step < 100000; step++) {
		uint32_t i = rng_below(&r, N);
		int64_t next = INT64_MAX;

		switch (rng_below(&r, 8)) {
		case 0:
			timerq_stop(&q, &t[i].node);
			due[i] = 0;
			break;
		case 1:
			now += rng_below(&r, 50);
			timerq_run(&q, (struct mtime){ now });
			for (size_t k = 0; k < N; k++) {
				assert_int_equal(t[k].fired, due[k] && due[k] <= now);
				t[k].fired = 0;
				if (due[k] <= now)
					due[k] = 0;
			}
			break;
		default:
			due[i] = now + 1 + rng_below(&r, 500);
			timerq_arm(&q, &t[i].node, (struct mtime){ due[i] });
		}
		for (size_t k = 0; k < N; k++) {
			assert_int_equal(timerq_armed(&t[k].node), due[k] != 0);
			if (due[k] && due[k] < next)
				next = due[k];
		}
		assert_true(timerq_next(&q).us == next);
	}
	timerq_run(&q, (struct mtime){ INT64_MAX - 1 });
	timerq_fini(&q);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(timerq_empty_is_never),
		cmocka_unit_test(timerq_callbacks_may_arm_and_stop),
		cmocka_unit_test(timerq_agrees_with_a_model),
	};

	return RUN_TESTS(tests);
}
