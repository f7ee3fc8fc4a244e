# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""MAC limits of a VNI and of ports: hosts with many addresses behind r1, and what r2 gets to know of them.

    h1, h3 --br100 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 evpnd] br100
"""
import json
import re

import pytest

from evlab import Evpnd, evpnd


def mac(k):
    return "02:00:00:00:10:%02x" % k


class Pair:
    def __init__(self, lab, vni_more, h1="h1"):
        self.lab = lab
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1, self.h3 = lab.host("h1", 1).plug(self.r1), lab.host("h3", 3).plug(self.r1)
        self.h1_is = h1
        self.e1 = Evpnd(self.r1, self.config(vni_more))
        self.e2 = Evpnd(self.r2, evpnd.conf(self.r2, 65000, [(self.r1.address, 65000)]))
        lab.wait_for(lambda: self.e1.established(self.r2.address), "the session is up", 20)
        lab.wait_for(lambda: all(e.show("vni", "100")["ready"] for e in (self.e1, self.e2)), "the VNI is ready")

    def config(self, vni_more):
        return evpnd.conf(self.r1, 65000, [(self.r2.address, 65000)], ports=[self.h1_is, "h3"], vni_more=vni_more)

    def reload(self, vni_more):
        self.e1.reload(self.config(vni_more))

    def limit(self, learned, over, state, what):
        def is_so():
            i = self.e1.show("vni", "100")["mac_limit"]
            return (i["learned"], i["over"], i["state"]) == (learned, over, state)
        self.lab.wait_for(is_so, what)

    def told(self):
        return {r["mac"] for r in self.e2.show("mac", "--vni", "100") if r["state"] == "remote"}

    def limited(self):
        return {r["mac"] for r in self.e1.show("mac", "--vni", "100") if r["state"] == "limited"}

    def learned(self):
        """What the bridge itself, or the userspace VTEP, has learned on its ports."""
        if self.lab.dataplane == "userspace":
            return [r for r in self.e1.fdb(table="vtep") if r["learned"]]
        return [r for r in json.loads(self.r1.run("bridge", "-j", "fdb", "show", "br", "br100", "dynamic").stdout)
                if r["ifname"] in ("h1", "h3")]


@pytest.mark.dataplanes
def test_a_vni_has_a_limit(lab):
    """What is above it is forwarded and not advertised, a raised limit lets it in, and the bridge learns twice as many at most."""
    p = Pair(lab, "mac-limit: 5")
    for k in range(8):
        p.h1.speak(mac(k))
    p.limit(5, 3, "exceeded", "five are advertised and three wait")
    lab.wait_for(lambda: len(p.told()) == 5, "r2 knows five")
    assert p.limited() | p.told() == {mac(k) for k in range(8)} and not p.limited() & p.told()
    assert "5 of 5 (exceeded: 3 not advertised)" in p.e1.ctl("show", "vni", "100").stdout
    assert len(re.findall("mac-limit 5 is reached", p.e1.log())) == 1

    p.reload("mac-limit: 7")
    p.limit(7, 1, "exceeded", "two more are let in")
    lab.wait_for(lambda: len(p.told()) == 7, "r2 knows seven")

    for k in range(8, 30):
        p.h1.speak(mac(k))
    lab.wait_for(lambda: len(p.learned()) >= 14, "as many again wait")
    vni = p.e1.show("vni", "100")
    if vni["learns_at_most"]:  # the kernel's bridge: since Linux 6.7
        assert vni["learns_at_most"] == 14 == len(p.learned())
    if lab.dataplane == "userspace":
        assert vni["macs_not_learned"] >= 16
    p.limit(7, len(p.learned()) - 7, "exceeded", "those that were learned wait")

    p.reload("")
    lab.wait_for(lambda: p.e1.show("vni", "100")["mac_limit"] is None and not p.limited(), "no limit any more")
    for k in range(30):
        p.h1.speak(mac(k))
    lab.wait_for(lambda: p.told() == {mac(k) for k in range(30)}, "all are advertised")
    assert p.e1.show("vni", "100")["learns_at_most"] in (None, 65536)


@pytest.mark.dataplanes
def test_a_port_has_a_limit_of_its_own(lab):
    p = Pair(lab, "mac-limit: 10", h1="{name: h1, mac-limit: 2}")
    for k in range(6):
        p.h1.speak(mac(k))
    for k in range(6, 9):
        p.h3.speak(mac(k))
    p.limit(5, 4, "exceeded", "two of h1's are advertised, and all of h3's")
    port, = p.e1.show("vni", "100")["port_mac_limits"]
    assert port == {"port": "h1", "limit": 2, "learned": 2, "over": 4, "state": "exceeded"}
    assert "vni 100 port h1: mac-limit 2 is reached" in p.e1.log()
    waits = min(p.limited())
    p.h3.speak(waits)
    lab.wait_for(lambda: waits in p.told(), "one that moves to where there is room is advertised")

    # Where it was learned goes: there is room for those that wait.
    gone = min(r["mac"] for r in p.e1.show("mac", "--vni", "100") if r["state"] == "local" and r["interface"] == "h1")
    p.h3.speak(gone)
    lab.wait_for(lambda: p.e1.show("vni", "100")["port_mac_limits"][0]["over"] == 2, "another one of h1's is let in")
    p.h1.unplug()
    lab.wait_for(lambda: not p.limited() and p.e1.show("vni", "100")["port_mac_limits"] == [], "the port is gone, and so are they")
