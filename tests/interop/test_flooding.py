# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Flood control in mode evpn: replication, a group, nothing; unknown unicast dropped. Each with traffic.

    h1 --br100 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 evpnd, FRR or iproute2] br100-- h2
"""
import socket

import pytest

from evlab import Evpnd, Frr, evpnd, frr
from evlab.run import in_namespace

MAC1, MAC2, NOBODY = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:99"
GROUP = "239.1.1.1"


class Pair:
    def __init__(self, lab, more1, more2=None):
        self.lab = lab
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1, self.h2 = lab.host("h1", 1).plug(self.r1), lab.host("h2", 2).plug(self.r2)
        self.e1 = Evpnd(self.r1, evpnd.conf(self.r1, 65000, [(self.r2.address, 65000)], ports=["h1"], vni_more=more1))
        self.e2 = Evpnd(self.r2, evpnd.conf(self.r2, 65000, [(self.r1.address, 65000)], ports=["h2"], vni_more=more1 if more2 is None else more2))
        lab.wait_for(lambda: self.e1.established(self.r2.address), "the session is up", 20)
        lab.wait_for(lambda: all(e.show("vni", "100")["ready"] for e in (self.e1, self.e2)), "the VNI is ready")


class Ear:
    """How many frames from or to a MAC have come to a host."""

    def __init__(self, host, mac):
        self.mac, self.n = bytes.fromhex(mac.replace(":", "")), 0
        self.s = in_namespace(host, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
        self.s.setblocking(False)

    def heard(self):
        try:
            while True:
                frame, (_, _, kind, *_) = self.s.recvfrom(2048)
                self.n += self.mac in (frame[:6], frame[6:12]) and kind != socket.PACKET_OUTGOING
        except BlockingIOError:
            return self.n


def to_nobody(host, mac=NOBODY):
    """Three frames to an address that no VTEP has a row for."""
    host.ip("neigh replace 10.0.0.99 lladdr %s dev %s" % (mac, host.dev))
    host.ping("10.0.0.99", 3)


@pytest.mark.dataplanes
def test_unknown_unicast_is_dropped(lab):
    """It stays on the ports of this host; broadcasts and what has a row go through as ever."""
    p = Pair(lab, "unknown-unicast: drop")
    h3 = lab.host("h3", 3).plug(p.r1, "br100")
    lab.wait_for(lambda: p.h1.ping(p.h2.ip4) and p.h1.ping(h3.ip4), "h1, h2 and h3 reach each other", 20)
    lab.wait_for(lambda: (p.e1.mac(100, MAC2) or {}).get("state") == "remote", "r1 knows h2")
    there, here = Ear(p.h2, NOBODY), Ear(h3, NOBODY)
    to_nobody(p.h1)
    assert here.heard() >= 3 and there.heard() == 0
    p.h1.speak(NOBODY)
    lab.wait_for(lambda: there.heard() > 0, "a broadcast goes through")
    p.e1.reload(evpnd.conf(p.r1, 65000, [(p.r2.address, 65000)], ports=["h1", "h3"]))
    elsewhere = "02:00:00:00:00:98"
    there = Ear(p.h2, elsewhere)
    to_nobody(p.h1, elsewhere)
    lab.wait_for(lambda: there.heard() >= 3, "flooded again")


@pytest.mark.dataplanes
def test_off(lab):
    """No Type 3 either way, nothing is flooded; hosts that are known reach each other all the same."""
    p = Pair(lab, "flood-control: \"off\"")
    p.h1.speak()
    p.h2.speak()
    lab.wait_for(lambda: all(any(r["ip"] and r["state"] == "remote" for r in e.show("arp", "--vni", "100")) for e in (p.e1, p.e2)),
                 "each knows the other's host with its address")
    lab.wait_for(lambda: p.h1.ping(p.h2.ip4), "they reach each other: ARP is answered here")
    assert not p.e1.routes("--type", "3") and not p.e2.routes("--type", "3")
    vni = p.e1.show("vni", "100")
    assert (vni["flood_control"], vni["flood"]) == ("off", [])
    ear = Ear(p.h2, NOBODY)
    for _ in range(3):
        p.h1.speak(NOBODY)
    lab.wait_for(lambda: (p.e2.mac(100, NOBODY) or {}).get("state") == "remote", "what was heard of it is told")
    assert ear.heard() == 0
    p.e1.reload(evpnd.conf(p.r1, 65000, [(p.r2.address, 65000)], ports=["h1"]))
    lab.wait_for(lambda: [r["next_hop"] for r in p.e2.routes("--type", "3")] == [p.r1.address], "r1 wants to hear again")


@pytest.mark.dataplanes
def test_a_group_with_others_in_it(lab):
    """Two evpnds flood to a group, and so does a VTEP without BGP; MACs come by BGP between the two."""
    p = Pair(lab, "group: " + GROUP)
    r3 = lab.join("r3", 3)
    r3.ip("link add br100 type bridge")
    r3.ip("link add vxlan100 type vxlan id 100 local %s dstport 4789 group %s dev eth0" % (r3.address, GROUP))
    r3.ip("link set vxlan100 master br100 up")
    r3.ip("link set br100 up")
    h3 = lab.host("h3", 3).plug(r3, "br100")
    lab.wait_for(lambda: p.h1.ping(p.h2.ip4) and p.h1.ping(h3.ip4) and h3.ping(p.h2.ip4), "all three reach each other", 30)
    lab.wait_for(lambda: p.r1.remote("vxlan100", MAC2) == p.r2.address if lab.dataplane == "kernel" else p.e1.fdb(table="vtep", mac=MAC2),
                 "r1 has a row for h2")
    assert p.e1.mac(100, h3.mac) is None, "nobody advertises h3"
    assert GROUP in p.r1.ip("maddr show dev eth0")
    vni = p.e1.show("vni", "100")
    assert (vni["flood_control"], vni["group"], vni["flood"], vni["problem"]) == ("multicast", GROUP, [], None)
    for r in p.e2.routes("--type", "3"):
        assert (r["pmsi"]["tunnel_type"], r["pmsi"]["group"], r["pmsi"]["vni"]) == (4, GROUP, 100)
    if lab.dataplane == "kernel":
        assert p.r1.flood("vxlan100") == [GROUP]
        link, = p.r1.ip_json("link show vxlan100")
        assert not link["linkinfo"]["info_data"].get("learning")
    assert p.e1.ctl("diff", check=False).returncode == 0


def test_who_replicates_and_who_has_a_group_is_said(lab):
    p = Pair(lab, "group: " + GROUP, "")
    lab.wait_for(lambda: "VTEP 192.0.2.2 floods by ingress replication, we to group 239.1.1.1" in p.e1.log(), "it is said")
    assert p.e2.show("vni", "100")["flood"] == []
    lab.wait_for(lambda: any(r["pmsi"]["group"] == GROUP for r in p.e2.routes("--type", "3")), "r2 can show what r1 floods to")


def test_frr_without_flooding(lab):
    """`flooding disable` there, and off here: the other one has nobody to flood to."""
    r1, r2 = lab.fabric("r1", "r2")
    h1, h2 = lab.host("h1", 1).plug(r1), lab.host("h2", 2)
    r2.vxlan(100, r2.address)
    h2.plug(r2, "br100")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], ports=["h1"]))
    f = Frr(r2, frr.bgp_conf(65000, r2.address, [(r1.address, 65000)]))
    lab.wait_for(lambda: r1.flood("vxlan100") == [r2.address] and r2.flood("vxlan100") == [r1.address], "both flood", 30)
    lab.wait_for(lambda: h1.ping(h2.ip4), "h1 reaches h2", 20)
    f.configure("router bgp 65000", "address-family l2vpn evpn", "flooding disable")
    lab.wait_for(lambda: r1.flood("vxlan100") == [] and r2.flood("vxlan100") == [], "FRR has stopped, and is not flooded to")
    f.configure("router bgp 65000", "address-family l2vpn evpn", "flooding head-end-replication")
    lab.wait_for(lambda: r1.flood("vxlan100") == [r2.address], "and floods again")
    e.reload(evpnd.conf(r1, 65000, [(r2.address, 65000)], ports=["h1"], vni_more="flood-control: \"off\""))
    lab.wait_for(lambda: r1.flood("vxlan100") == [] and r2.flood("vxlan100") == [], "we have stopped, and FRR does not flood to us")
    assert h1.ping(h2.ip4), "what is known goes through"
