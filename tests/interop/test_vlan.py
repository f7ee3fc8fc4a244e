# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Bridges with VLANs, and VXLAN devices for several VNIs, on r1; r2 has a bridge and a VXLAN device for each VNI.

    h1 --VLAN 10--br0 [r1 evpnd] ==== switch ==== [r2 evpnd] br1000-- h2
    h3 --VLAN 20--                                           br2000-- h4

The kernel must have 802.1Q; tests/vm runs these where this machine's has not.
"""
import json
import os
import signal

import pytest

from evlab import Evpnd, evpnd
from evlab.run import run

MACS = ["02:00:00:00:00:0%d" % k for k in range(5)]


def kernel_has_vlans():
    name = "evq%d" % os.getpid()
    try:
        run(["ip", "netns", "add", name])
        return run(["ip", "-n", name, "link", "add", "name", "br0", "type", "bridge", "vlan_filtering", "1"], check=False).returncode == 0
    finally:
        run(["ip", "netns", "del", name], check=False)


pytestmark = [pytest.mark.skipif(not kernel_has_vlans(), reason="this kernel has no VLANs: tests/vm"), pytest.mark.seconds(400)]

EACH = ("vxlan1000", "vxlan2000")
ONE = ("vxlan0", "vxlan0")


def conf(node, peer, vxlan, ports, vlans=(10, 20), vnis=(1000, 2000), more=""):
    text = "asn: 65000\nrouter-id: {0}\nvtep: {0}\nneighbors: [{{address: {1}, asn: 65000}}]\n{2}vnis:\n".format(node.address, peer.address, more)
    for vni, vx, port, vlan in zip((1000, 2000), vxlan, ports, vlans):
        if vni in vnis:
            text += "  - {vni: %d, bridge: br0, vxlan: %s, vlan: %d, ports: [%s]}\n" % (vni, vx, vlan, port)
    return text


class Vlans:
    def __init__(self, lab, vxlan, prepare=None, ports=("h1", "h3"), plug=True):
        self.lab, self.vxlan, self.ports = lab, vxlan, ports
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.hosts = [lab.host("h%d" % k, k) for k in range(1, 5)]
        self.h1, self.h2, self.h3, self.h4 = self.hosts
        if plug:
            self.h1.plug(self.r1)
            self.h3.plug(self.r1)
        self.h2.plug(self.r2)
        self.h4.plug(self.r2)
        if prepare:
            prepare(self.r1)
        self.e1 = Evpnd(self.r1, self.conf())
        self.e2 = Evpnd(self.r2, "asn: 65000\nrouter-id: {0}\nvtep: {0}\nneighbors: [{{address: {1}, asn: 65000}}]\nvnis:\n"
                        "  - {{vni: 1000, ports: [h2]}}\n  - {{vni: 2000, ports: [h4]}}\n".format(self.r2.address, self.r1.address))
        lab.wait_for(lambda: self.e1.established(self.r2.address), "the session is up", 20)

    def conf(self, **kw):
        return conf(self.r1, self.r2, self.vxlan, self.ports, **kw)

    def reach(self):
        self.lab.wait_for(lambda: self.h1.ping("10.0.0.2"), "h1 reaches h2", 30)
        self.lab.wait_for(lambda: self.h3.ping("10.0.0.4"), "h3 reaches h4", 30)
        assert not self.h1.ping("10.0.0.4") and not self.h3.ping("10.0.0.2"), "VLANs are apart"
        return self.settled()

    def bridge_row(self, dev, mac):
        """VLANs in which the bridge has this MAC on dev."""
        rows = json.loads(run(["bridge", "-n", self.r1.ns, "-j", "fdb", "show", "br", "br0"]).stdout)
        return [r.get("vlan") for r in rows if r["mac"] == mac and r.get("ifname") == dev and r.get("master") == "br0"]

    def settled(self):
        self.lab.wait_for(lambda: all(r["desired"] == r["observed"] for r in self.e1.fdb(owner="evpnd")), "nothing is left to do", 20)
        self.lab.wait_for(lambda: not any(v["problem"] for v in self.e1.show("vni")), "no problem is left", 10)
        return self


@pytest.mark.parametrize("vxlan", [EACH, ONE], ids=["a-vxlan-each", "single-vxlan"])
def test_vnis_share_a_bridge(lab, vxlan):
    p = Vlans(lab, vxlan).reach()
    assert p.bridge_row(vxlan[0], MACS[2]) == [10] and p.bridge_row(vxlan[1], MACS[4]) == [20]
    if vxlan == ONE:
        rows = {r["mac"]: r.get("src_vni") for r in p.r1.fdb("vxlan0") if "nhid" in r}
        assert rows == {MACS[2]: 1000, MACS[4]: 2000}, rows
    p.r2.ip("addr add 10.0.0.102/24 dev br1000")
    p.r2.run("ping", "-c1", "-W2", "10.0.0.2", check=False)
    lab.wait_for(lambda: "proto 179" in p.r1.ip("neigh show 10.0.0.2 dev br0.10", check=False), "the neighbour is on the VLAN's device")
    assert "10.0.0.2" not in p.r1.ip("neigh show dev br0.20")
    old = p.h1.move(p.r2, "br1000")
    lab.wait_for(lambda: p.bridge_row(vxlan[0], MACS[1]) == [10], "r1 has h1 behind r2")
    lab.wait_for(lambda: p.r1.remote(vxlan[0], MACS[1]) == p.r2.address, "and its vxlan row")
    p.h1.forget(old)
    assert p.h1.ping("10.0.0.2")


@pytest.mark.parametrize("vxlan", [EACH, ONE], ids=["a-vxlan-each", "single-vxlan"])
def test_rows_are_found_again_and_flushed(lab, vxlan):
    p = Vlans(lab, vxlan).reach()
    before = sorted(map(str, p.r1.fdb(vxlan[0]) + p.r1.fdb(vxlan[1])))
    p.e1.kill()
    p.e1.start()
    lab.wait_for(lambda: p.e1.established(p.r2.address), "the session is up", 20)
    p.reach()
    assert sorted(map(str, p.r1.fdb(vxlan[0]) + p.r1.fdb(vxlan[1]))) == before
    assert p.e1.stop() == 0
    p.e1.configure(p.conf(more="restart: {rows: flush}\n"))
    p.e1.start()
    lab.wait_for(lambda: p.e1.established(p.r2.address), "the session is up", 20)
    p.reach()
    assert p.e1.stop() == 0
    assert {link["ifname"] for link in p.r1.ip_json("link show")} == {"lo", "eth0", "h1", "h3"}
    assert not p.r1.ip("nexthop list proto 179").strip()


@pytest.mark.parametrize("vxlan", [EACH, ONE], ids=["a-vxlan-each", "single-vxlan"])
def test_reload_moves_and_removes_one_of_two(lab, vxlan):
    """The other one keeps its devices and rows."""
    p = Vlans(lab, vxlan).reach()
    bridge = p.r1.ip_json("link show br0")[0]["ifindex"]
    p.e1.reload(p.conf(vlans=(11, 20)))
    p.reach()
    assert p.bridge_row(vxlan[0], MACS[2]) == [11] and p.bridge_row(vxlan[1], MACS[4]) == [20]
    p.e1.reload(p.conf(vnis=(2000,)))
    lab.wait_for(lambda: not p.bridge_row(vxlan[0], MACS[2]), "its rows are gone")
    lab.wait_for(lambda: p.h3.ping("10.0.0.4"), "h3 reaches h4", 30)
    assert not p.h1.ping("10.0.0.2")
    p.e1.reload(p.conf())
    p.reach()
    assert p.r1.ip_json("link show br0")[0]["ifindex"] == bridge


def test_trunk_port_carries_tags(lab):
    """Both VNIs on one port, tagged: h1 speaks with tags 10 and 20 on one cable."""
    def prepare(r1):
        trunk = lab.node("trunk")
        run(["ip", "link", "add", "eth0", "netns", trunk.ns, "type", "veth", "peer", "name", "trunk", "netns", r1.ns])
        trunk.ip("link set eth0 up")
        for vlan, k in ((10, 1), (20, 3)):
            trunk.ip("link add link eth0 name eth0.%d type vlan id %d" % (vlan, vlan))
            trunk.ip("addr add 10.0.%d.1/24 dev eth0.%d" % (vlan, vlan))
            trunk.ip("link set eth0.%d up" % vlan)
        p["trunk"] = trunk

    p = {}
    t = Vlans(lab, ONE, prepare, ports=("{name: trunk, vlan: 10}", "{name: trunk, vlan: 20}"), plug=False)
    t.h2.ip("addr add 10.0.10.2/24 dev eth0")
    t.h4.ip("addr add 10.0.20.4/24 dev eth0")
    for to in ("10.0.10.2", "10.0.20.4"):
        lab.wait_for(lambda: p["trunk"].run("ping", "-c1", "-W1", to, check=False).returncode == 0, "the trunk reaches " + to, 30)
    t.settled()


@pytest.mark.parametrize("filter", ["", " vnifilter"], ids=["external", "vnifilter"])
def test_set_up_by_others_is_adopted(lab, filter):
    """As ifupdown2 or systemd-networkd make it: bridge, mapping and VLAN devices are there, ports are in VLAN 1 by default."""
    def prepare(r1):
        r1.ip("link add br0 type bridge vlan_filtering 1 vlan_default_pvid 1")
        r1.ip("link add vxlan0 type vxlan local 192.0.2.1 dstport 4789 nolearning external" + filter)
        r1.ip("link set vxlan0 master br0")
        r1.ip("link set vxlan0 type bridge_slave vlan_tunnel on learning off neigh_suppress on")
        for vlan, vni in ((10, 1000), (20, 2000)):
            r1.bridge("vlan add dev vxlan0 vid %d" % vlan)
            r1.bridge("vlan add dev vxlan0 vid %d tunnel_info id %d" % (vlan, vni))
            if filter:
                r1.bridge("vni add dev vxlan0 vni %d" % vni)
            r1.bridge("vlan add dev br0 vid %d self" % vlan)
            r1.ip("link add link br0 name svi%d type vlan id %d" % (vlan, vlan))
        r1.bridge("fdb add 02:00:00:00:0f:01 dev vxlan0 self src_vni 1000 dst 192.0.2.200 permanent")
        for dev in ("br0", "vxlan0", "svi10", "svi20"):
            r1.ip("link set %s up" % dev)

    def links():
        return {link["ifname"]: link["ifindex"] for link in p.r1.ip_json("link show")}

    p = Vlans(lab, ONE, prepare).reach()
    before = links()
    assert "br0.10" not in before, "VLAN devices of another name serve"
    for sig in (signal.SIGTERM, signal.SIGKILL):
        p.e1.process.stop(sig)
        p.e1.start()
        p.reach()
    p.e1.process.stop(signal.SIGTERM)
    p.e1.configure(p.conf(more="restart: {rows: flush}\n"))
    p.e1.start()
    p.reach()
    assert p.e1.stop() == 0
    assert links() == before
    assert not [r for r in p.r1.fdb("vxlan0") if "nhid" in r or r["mac"] in MACS]
    assert p.r1.remote("vxlan0", "02:00:00:00:0f:01") == "192.0.2.200"


def test_bridge_without_vlans_is_reported(lab):
    p = Vlans(lab, EACH, lambda r1: r1.ip("link add br0 type bridge"))
    lab.wait_for(lambda: "br0 is not VLAN-aware, expected vlan_filtering 1 for VLAN 10" in str(p.e1.show("vni", "1000")["problem"]), "it says so")
    p.r1.ip("link set br0 type bridge vlan_filtering 1")
    p.reach()
