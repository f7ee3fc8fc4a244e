# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Bridges with VLANs, and VXLAN devices for several VNIs: evlab/vlans.py draws the lab."""
import json
import signal

import pytest

from evlab.run import run
from evlab.vlans import EACH, MACS, ONE, Vlans, each_and_one, needs_vlans

pytestmark = needs_vlans


@each_and_one
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
    lab.wait_for(lambda: p.h1.ping("10.0.0.2"), "h1 reaches h2 there")


@each_and_one
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


@each_and_one
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
        lab.wait_for(lambda: p["trunk"].ping(to), "the trunk reaches " + to, 30)
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


@each_and_one
def test_trace_and_doctor(lab, vxlan):
    """Each VNI is asked for its VLAN's row, of a single vxlan device with the VNI; nothing stands in the way."""
    p = Vlans(lab, vxlan).reach()
    for vni, vlan, dev, mac in ((1000, 10, vxlan[0], MACS[2]), (2000, 20, vxlan[1], MACS[4])):
        t = json.loads(p.e1.ctl("--json", "trace", "--from", p.h1.ns if vni == 1000 else p.h3.ns, "10.0.0.%s" % mac[-1]).stdout)
        rows = [s["answer"] for s in t["steps"] if s["step"] == "fdb"]
        assert (t["vni"], t["result"], t["vteps"], t["destination"]["mac"]) == (vni, "ok", [p.r2.address], mac), t
        assert "%s dev %s vlan %d master br0 extern_learn" % (mac, dev, vlan) in rows, rows
        assert any("dev %s nhid" % dev in r and ("src_vni %d" % vni in r) == (vxlan == ONE) for r in rows if r), rows
    assert p.e1.ctl("doctor").stdout == "nothing found\n"
    p.r1.bridge("vlan del dev h1 vid 10")
    t = json.loads(p.e1.ctl("--json", "trace", "--vni", "1000", MACS[1], MACS[2], check=False).stdout)
    assert "never heard in VNI 1000" in t["verdict"] and "show ports" in t["advice"], t
