/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/dpworld_netns.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "tests/lib/test.h"

#define QUIET_TICKS 4
#define TICK_MS 15
#define PATIENCE_TICKS 1000

/* ---- settling ---------------------------------------------------------------------------------------------------- */

static void on_tick(struct loop_timer *t)
{
	struct settling *s = container_of(t, struct settling, tick);
	struct dp_stats now;
	bool same;

	dp_stats(s->d, &now);
	same = !memcmp(&now, &s->last, sizeof(now));
	s->last = now;
	s->quiet = s->is_quiet(s->d, same) ? s->quiet + 1 : 0;
	if (s->quiet >= QUIET_TICKS || ++s->ticks >= PATIENCE_TICKS)
		loop_break(&s->loop);
	else
		loop_timer_at(t, mtime_add_ms(loop_now(&s->loop), TICK_MS));
}

static void tell_time(void *ctx)
{
	struct settling *s = ctx;

	if (s->d)
		dp_set_now(s->d, loop_now(&s->loop));
}

void settling_init(struct settling *s, bool (*is_quiet)(struct dp *d, bool same))
{
	assert_int_equal(loop_init(&s->loop), 0);
	loop_timer_init(&s->tick, &s->loop, on_tick);
	s->loop.after_wake = tell_time;
	s->loop.after_wake_ctx = s;
	s->is_quiet = is_quiet;
}

void settling_fini(struct settling *s)
{
	loop_fini(&s->loop);
}

void settling_run(struct settling *s, struct dp *d)
{
	s->d = d;
	s->quiet = s->ticks = 0;
	loop_timer_at(&s->tick, loop_now(&s->loop));
	loop_run(&s->loop);
	loop_timer_at(&s->tick, MTIME_NEVER);
	s->d = NULL;
}

/* ---- the namespace ----------------------------------------------------------------------------------------------- */

void world_run(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (system(cmd))
		fail_msg("failed: %s", cmd);
}

/*
 * Links carry frames, and bridges let them in, when a worker of the kernel has seen that they are connected, for which
 * it waits its turn at the lock that all of the machine shares.
 */
void netns_make_ports(void)
{
	world_run("printf '%%s\\n' 'link add p1 type veth peer name h1' 'link add p2 type veth peer name h2' "
		  "'link set h1 addrgenmode none up' 'link set h2 addrgenmode none up' "
		  "'link set p1 addrgenmode none up' 'link set p2 addrgenmode none up' | ip -batch -");
	world_run("for i in $(seq 1000); do "
		  "ip -br link show type veth | grep -qv ' UP ' || exit 0; sleep 0.01; done; exit 1");
}

bool netns_enter(void)
{
	if (unshare(CLONE_NEWNET))
		return false;
	world_run(
		"printf '%%s\\n' 'link set lo up' 'link add u0 type veth peer name u1' 'addr add 192.0.2.1/24 dev u0' "
		"'addr add 2001:db8::1/64 dev u0 nodad' 'link set u0 up' 'link set u1 up' | ip -batch -");
	netns_make_ports();
	return true;
}

unsigned netns_ifindex(struct world *w, unsigned port)
{
	return if_nametoindex(port == 1 ? "p1" : "p2");
}

void world_speak(unsigned port, const struct mac *from)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(port == 1 ? "h1" : "h2"), .sll_halen = 6
	};
	uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	memcpy(frame + 6, from->b, 6);
	frame[12] = 0x88; /* a protocol that nobody speaks: local experimental */
	frame[13] = 0xb5;
	assert_int_equal(sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)), sizeof(frame));
	close(fd);
}
