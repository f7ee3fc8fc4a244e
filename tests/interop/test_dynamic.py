# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The modes in which rows come on demand: evpnd on one side, devices and rows set up with iproute2 on the other.

    h1 --br100 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 iproute2] br100-- h2
"""
import json

import pytest

from evlab import Evpnd, evpnd

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"
BROADCAST = "ff:ff:ff:ff:ff:ff"


def plain(node, to, ipv6=False):
    """The other side, as a manual would have it: it floods and learns."""
    node.ip("link add br100 type bridge")
    node.ip("link add vxlan100 type vxlan id 100 local %s dstport 4789" % (node.address6 if ipv6 else node.address))
    node.ip("link set vxlan100 master br100 up")
    node.ip("link set br100 up")
    node.bridge("fdb append 00:00:00:00:00:00 dev vxlan100 dst %s" % to)


def registry(node, hosts):
    """A registry file: JSON, a host a line."""
    path = node.path("hosts")
    with open(path, "w") as f:
        for mac, ip, vtep in hosts:
            f.write(json.dumps({"vni": 100, "mac": mac, "ip": ip, "vtep": vtep}) + "\n")
    return path


class Pair:
    def __init__(self, lab, mode, resolver, ipv6=False, ip6=False, more="flood: [\"%s\"], ", bridge=True):
        self.lab = lab
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1, self.h2 = lab.host("h1", 1, ip6), lab.host("h2", 2, ip6)
        self.h1.plug(self.r1)
        here, self.there = [n.address6 if ipv6 else n.address for n in (self.r1, self.r2)]
        plain(self.r2, here, ipv6)
        self.h2.plug(self.r2, "br100")
        if more and "%s" in more:
            more = more % self.there
        self.e = Evpnd(self.r1, "vtep: \"%s\"\nvnis:\n  - {vni: 100, ports: [h1], mode: %s, %sresolver: %s}\n" % (here, mode, more, resolver))
        lab.wait_for(lambda: self.e.show("vni", "100")["ready"], "the VNI is ready")
        assert self.e.show("vni", "100")["problem"] is None

    def row(self, mac=MAC2):
        return self.r1.remote("vxlan100", mac)

    def reach(self):
        self.lab.wait_for(lambda: self.h1.ping(self.h2.ip4) and self.h2.ping(self.h1.ip4), "h1 and h2 reach each other", 20)
        return self


def test_by_hand(lab):
    """Hosts of the configuration have rows when somebody talks to them, and lose them when nobody does."""
    p = Pair(lab, "dynamic-l2", "rib", more="hosts: [{mac: '%s', vtep: 192.0.2.2}], flood: [192.0.2.2], " % MAC2)
    assert p.row() is None and p.r1.flood("vxlan100") == [], "no row for all: the kernel would not ask"
    assert p.r1.remote("vxlan100", BROADCAST) == p.there
    p.r1.ip("link set vxlan100 type vxlan ageing 3")
    p.reach()
    assert p.row() == p.there
    row, = [r for r in p.r1.fdb("vxlan100") if r["mac"] == MAC2 and "self" in r["flags"]]
    assert "extern_learn" not in row["flags"], "that never ages"
    lab.wait_for(lambda: p.row() is None, "nobody uses it any more", 30)
    lab.wait_for(lambda: not [r for r in p.e.fdb(mac=MAC2) if r["desired"]], "it is not wished for either")
    assert p.e.show("memory")["dataplane"]["repairs"] == 0
    p.reach()


def test_rib_l3(lab):
    """The RIB has all hosts, the kernel those that are talked to; ARP and ND are answered, and go nowhere."""
    r1, r2 = lab.fabric("r1", "r2")
    h1, h2 = lab.host("h1", 1, ip6=True).plug(r1), lab.host("h2", 2, ip6=True).plug(r2)
    h3 = lab.host("h3", 3, ip6=True).plug(r2)
    modes = {r1: "mode: dynamic-l3, resolver: rib", r2: "mode: dynamic-l2, resolver: rib"}
    e = {}
    for n, o, ports in ((r1, r2, ["h1"]), (r2, r1, ["h2", "h3"])):
        e[n] = Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], ports=ports, vni_more=modes[n]))
    lab.wait_for(lambda: e[r1].established(r2.address), "the session is up", 20)
    for h in (h1, h2, h3):
        h.speak()
    h2.ping(h1.ip6)  # so that it says who it is
    lab.wait_for(lambda: {r["ip"] for r in e[r1].show("arp", "--vni", "100")} >= {h2.ip4, h2.ip6, h3.ip4}, "the RIB knows them all")
    assert not [r for r in e[r1].fdb(desired=True) if r["mac"] in (MAC2, h3.mac)]
    assert r1.flood("vxlan100") == [] and r1.remote("vxlan100", BROADCAST) == r2.address
    assert h1.ping(h2.ip4), "the first ping"
    assert h1.ping(h2.ip6), "by IPv6, too"
    assert r1.remote("vxlan100", MAC2) == r2.address and r1.remote("vxlan100", h3.mac) is None
    assert {r["dst"] for r in r1.ip_json("neigh show dev br100 proto 179")} == {h2.ip4, h2.ip6}
    h2.move(r1, "br100")
    h2.speak()
    lab.wait_for(lambda: r1.remote("vxlan100", MAC2) is None, "what has come here has no row")
    lab.wait_for(lambda: h1.ping(h2.ip4), "and is reached")
    assert not h1.ping("10.0.0.77")
    resolver = e[r1].show("vni", "100")["resolver"]
    assert resolver["kind"] == "rib" and resolver["unknown"] >= 1 and resolver["answered"] >= 1 and resolver["dropped"] == 0
