# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""10,000 rows under random disturbance of a running evpnd, which end as wanted by iproute2's own account.

Deleted rows, nexthops, devices and ports; hosts that turn up on the port; links that flap; kill -9; more events than fit while
it stands still; and all the time a program that holds the kernel's big lock, by dumping the FDB again and again.
CHAOS_RUNS says how many seeds, SEED the first one.

    h1 --br100 [r1 evpnd, 10,000 hosts behind 5 VTEPs]
"""
import json
import os
import random
import signal

import pytest

from evlab import Evpnd, seeds

ROWS = 10000
RUNS = int(os.environ.get("CHAOS_RUNS", "1"))
STEPS = 12


def mac(k):
    return "02:00:00:00:%02x:%02x" % (k >> 8, k & 255)


def vtep(k):
    return "192.0.2.%d" % (10 + k % 5)


class Chaos:
    def __init__(self, lab, seed):
        self.lab, self.rng = lab, random.Random(seed)
        self.r1, = lab.fabric("r1")
        self.h1 = lab.host("h1", 1).plug(self.r1)
        hosts = "".join("      - {mac: \"%s\", vtep: %s}\n" % (mac(k), vtep(k)) for k in range(ROWS))
        self.pinned = set()  # MACs that another hand has put on the port
        self.e = Evpnd(self.r1, "vtep: 192.0.2.1\nvnis:\n  - vni: 100\n    mode: static-l2\n    ports: [h1]\n    flood: [%s]\n    hosts:\n%s"
                       % (", ".join(vtep(k) for k in range(5)), hosts))

    def batch(self, lines):
        self.r1.run("bridge", "-force", "-batch", "-", input="".join(line + "\n" for line in lines), check=False)

    def some(self, n):
        return [mac(k) for k in self.rng.sample(range(ROWS), n)]

    # What other hands do.

    def delete_rows(self):
        for half in self.rng.sample(["self", "master"], self.rng.randint(1, 2)):
            self.batch("fdb del %s dev vxlan100 %s" % (m, half) for m in self.some(200) if m not in self.pinned)

    def flush_rows(self):
        self.r1.bridge("fdb flush dev vxlan100 " + self.rng.choice(["self", "master", "extern_learn"]), check=False)

    def delete_nexthops(self):
        self.r1.ip("nexthop flush proto 179", check=False)

    def pin(self):
        macs = self.some(20) if self.r1.ip_json("link show h1")[0].get("master") == "br100" else []
        self.batch("fdb replace %s dev h1 master static" % m for m in macs)
        self.pinned.update(macs)

    def unpin(self):
        macs = [m for m in sorted(self.pinned) if self.rng.random() < 0.5]
        self.batch("fdb del %s dev h1 master" % m for m in macs)
        self.pinned.difference_update(macs)

    def flap(self):
        dev = self.rng.choice(["vxlan100", "br100"])
        self.r1.ip("link set %s down" % dev, check=False)
        self.r1.ip("link set %s up" % dev, check=False)

    def when_given_back(self):
        """A row that ours ran over in that very moment can be given back as long as evpnd lives and its device is there."""
        if self.pinned:
            self.settle("what came before")

    def delete_vxlan(self):
        self.when_given_back()
        self.r1.ip("link del vxlan100", check=False)

    def delete_bridge(self):
        self.r1.ip("link del br100", check=False)
        self.pinned.clear()

    def kill(self):
        self.when_given_back()
        self.e.kill()
        if self.rng.random() < 0.5:
            self.delete_rows()
        self.e.start()

    def deafen(self):
        """
        It stands still while more happens than the queue of its socket holds, at the end of which some of ours are missing. Not
        while it writes: a row that another hand sets up in that moment and whose event is lost is written over, and nobody knows.
        """
        self.settle("what came before")
        os.kill(self.e.process.pid, signal.SIGSTOP)
        try:
            self.batch("fdb %s 02:00:00:01:%02x:%02x dev h1 master static" % (what, k >> 8, k & 255)
                       for what in ("replace", "del") for k in range(10000))
            self.delete_rows()
            self.pin()
        finally:
            os.kill(self.e.process.pid, signal.SIGCONT)

    def step(self):
        what = self.rng.choice([self.delete_rows, self.delete_rows, self.flush_rows, self.delete_nexthops, self.pin, self.unpin, self.flap,
                                self.delete_vxlan, self.delete_bridge, self.kill, self.deafen])
        what()
        if self.rng.random() < 0.3:
            self.settle(what.__name__)
        return what.__name__

    # What there is then.

    def settle(self, what):
        def is_right():
            wrong = self.wrong()
            assert not wrong, wrong
            return True
        self.lab.wait_for(is_right, "all is as wanted after %s" % what, 30)

    def wrong(self):
        """What iproute2 sees that should be otherwise: a few words, none when all is right."""
        nexthops = {n["id"]: n for n in self.r1.ip_json("nexthop list")}

        def behind(row):
            n = nexthops.get(row.get("nhid"), {})
            for member in n.get("group", [])[:1]:
                n = nexthops.get(member["id"], {})
            return row.get("dst") or n.get("gateway")
        rows = json.loads(self.r1.run("bridge", "-j", "fdb", "show").stdout or "[]")
        places = {r["mac"]: r["ifname"] for r in rows if r.get("master") == "br100" and r["mac"].startswith("02:00:00:00")}
        tunnels = {r["mac"]: behind(r) for r in rows if r["ifname"] == "vxlan100" and "self" in r.get("flags", []) and r["mac"].startswith("02")}
        wrong = [m + " pinned" for m in self.pinned if places.get(m) != "h1" or m in tunnels]
        wrong += [m for m in map(mac, range(ROWS)) if m not in self.pinned and places.get(m) != "vxlan100"]
        wrong += [mac(k) for k in range(ROWS) if mac(k) not in self.pinned and tunnels.get(mac(k)) != vtep(k)]
        wrong += [m for m in tunnels if m not in map(mac, range(ROWS))] if len(tunnels) > ROWS else []
        if self.r1.flood("vxlan100") != sorted(vtep(k) for k in range(5)):
            wrong.append("flood")
        return wrong[:5]


@pytest.mark.kernel
@pytest.mark.seconds(60 + 60 * RUNS)
def test_random_disturbance_ends_as_wanted(lab):
    c = Chaos(lab, 0)
    c.settle("start")
    lock = c.r1.start("dumps", ["sh", "-c", "while :; do bridge fdb show >/dev/null; done"])
    for seed in seeds(RUNS):
        c.rng = random.Random(seed)
        steps = [c.step() for _ in range(STEPS)]
        c.settle("SEED=%d: %s" % (seed, ", ".join(steps)))
        lab.wait_for(lambda: c.e.ctl("diff", check=False, timeout=60).returncode == 0, "evpnd sees it, too", 60)
    assert lock.alive()
    lock.stop(signal.SIGKILL)
