# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Another hand changes what the ports of a bridge with VLANs are in, or the devices themselves: it is followed and told.
evlab/vlans.py draws the lab."""
import json

import pytest

from evlab.vlans import EACH, MACS, ONE, Vlans, each_and_one, needs_vlans

pytestmark = needs_vlans

STATIC = "02:00:00:00:0a:01"


def state(e, mac, vni=1000):
    return (e.mac(vni, mac) or {}).get("state")


def test_a_port_leaves_its_vlan_and_comes_back(lab):
    """What was learned there is gone with the kernel's row; what is set stays in the kernel, and is nobody's."""
    p = Vlans(lab, EACH).reach()
    p.r1.bridge("fdb add %s dev h1 master static vlan 10" % STATIC)
    lab.wait_for(lambda: state(p.e2, STATIC) == "remote" and state(p.e2, MACS[1]) == "remote", "r2 has both behind r1")
    p.r1.bridge("vlan del dev h1 vid 10")
    lab.wait_for(lambda: not state(p.e1, MACS[1]) and not state(p.e1, STATIC), "neither is local")
    lab.wait_for(lambda: not state(p.e2, MACS[1]) and not state(p.e2, STATIC), "nor behind r1 for r2")
    assert p.e1.show("vni", "1000")["problem"] == "port h1 has been taken out of VLAN 10 of br0"
    lab.wait_for(lambda: p.h3.ping("10.0.0.4"), "the other VLAN goes on")
    p.r1.bridge("vlan add dev h1 vid 10 pvid untagged")
    lab.wait_for(lambda: state(p.e2, STATIC) == "remote", "what is set is there again")
    p.reach()


@each_and_one
def test_repair_brings_devices_back_into_the_vlan(lab, vxlan):
    p = Vlans(lab, vxlan).reach()
    p.r1.bridge("vlan del dev h1 vid 10")
    p.r1.bridge("vlan del dev %s vid 20" % vxlan[1])
    if vxlan == ONE:
        p.r1.bridge("vni delete dev vxlan0 vni 2000")
    lab.wait_for(lambda: p.e1.show("vni", "1000")["problem"] and p.e1.show("vni", "2000")["problem"], "it says so")
    assert p.e1.ctl("diff", check=False).returncode == 1
    p.e1.ctl("repair", check=False)
    p.reach()
    assert p.e1.ctl("diff", check=False).returncode == 0


@each_and_one
def test_a_port_moves_to_another_vlan(lab, vxlan):
    p = Vlans(lab, vxlan).reach()
    p.r1.bridge("vlan add dev h1 vid 20 pvid untagged")
    p.r1.bridge("vlan del dev h1 vid 10")
    lab.wait_for(lambda: p.h1.ping("10.0.0.4"), "h1 reaches h4 in VLAN 20", 30)
    lab.wait_for(lambda: state(p.e2, MACS[1], 2000) == "remote" and not state(p.e2, MACS[1], 1000), "r2 has it in VNI 2000 alone")
    # The addresses that it speaks of are heard there, too.
    p.h1.speak()
    lab.wait_for(lambda: [a for a in p.e2.show("arp", "--vni", "2000") if a["ip"] == "10.0.0.1"], "and its address")


@each_and_one
def test_the_vxlan_device_leaves_a_vlan(lab, vxlan):
    """No frame of the VNI gets to the tunnel: it is not usable, and nobody sends to us, until that is mended."""
    p = Vlans(lab, vxlan).reach()
    p.r1.bridge("vlan del dev %s vid 10" % vxlan[0])
    lab.wait_for(lambda: p.e1.show("vni", "1000")["problem"] == "%s is not in VLAN 10 of br0" % vxlan[0], "it says so")
    lab.wait_for(lambda: not p.r2.flood("vxlan1000"), "r2 does not flood to r1 in VNI 1000")
    lab.wait_for(lambda: p.h3.ping("10.0.0.4"), "the other VNI goes on")
    assert p.e1.show("vni", "2000")["ready"]
    if vxlan == ONE:
        p.r1.bridge("vlan add dev vxlan0 vid 10")
        lab.wait_for(lambda: p.e1.show("vni", "1000")["problem"] == "vxlan0 has VLAN 10 mapped to no VNI, expected 1000", "it says so")
        p.r1.bridge("vlan add dev vxlan0 vid 10 tunnel_info id 3000")
        lab.wait_for(lambda: p.e1.show("vni", "1000")["problem"] == "vxlan0 has VLAN 10 mapped to VNI 3000, expected 1000", "it says so")
        p.r1.bridge("vlan del dev vxlan0 vid 10 tunnel_info id 3000")
        p.r1.bridge("vlan add dev vxlan0 vid 10 tunnel_info id 1000")
        p.reach()
        p.r1.bridge("vni delete dev vxlan0 vni 1000")
        lab.wait_for(lambda: p.e1.show("vni", "1000")["problem"] == "vxlan0 has a filter that lets no packets of VNI 1000 in", "it says so")
        p.r1.bridge("vni add dev vxlan0 vni 1000")
    else:
        p.r1.bridge("vlan add dev vxlan1000 vid 10 pvid untagged")
    p.reach()


def test_default_vlan_of_the_bridge_is_followed(lab):
    """vlan_default_pvid puts all ports into another VLAN, which the kernel tells in a way of its own."""
    def prepare(r1):
        r1.ip("link add br0 type bridge vlan_filtering 1 vlan_default_pvid 1")
        r1.ip("link set br0 up")
        r1.ip("link set h3 master br0")

    p = Vlans(lab, EACH, prepare, ports=("h1", "")).settled()
    assert not p.h3.ping("10.0.0.4")
    p.r1.ip("link set br0 type bridge vlan_default_pvid 20")
    lab.wait_for(lambda: p.h3.ping("10.0.0.4"), "h3 reaches h4", 30)
    p.h3.speak()
    lab.wait_for(lambda: [a for a in p.e2.show("arp", "--vni", "2000") if a["ip"] == "10.0.0.3"], "h3 is heard in VLAN 20")
    lab.wait_for(lambda: p.h1.ping("10.0.0.2"), "h1 is where it was", 30)


def test_filtering_is_switched_off_and_on(lab):
    p = Vlans(lab, EACH).reach()
    p.r1.ip("link set br0 type bridge vlan_filtering 0")
    lab.wait_for(lambda: "br0 is not VLAN-aware" in str(p.e1.show("vni", "1000")["problem"]), "it says so")
    p.r1.ip("link set br0 type bridge vlan_filtering 1")
    p.reach()


@each_and_one
def test_devices_are_renamed_moved_and_deleted(lab, vxlan):
    p = Vlans(lab, vxlan).reach()
    # A port of another name is a port all the same; the one of the configuration is missed.
    p.r1.ip("link set h3 down")
    p.r1.ip("link set h3 name cable3")
    p.r1.ip("link set cable3 up")
    lab.wait_for(lambda: p.e1.show("vni", "2000")["problem"] == "port h3 is missing", "it says so")
    lab.wait_for(lambda: p.h3.ping("10.0.0.4"), "h3 reaches h4 all the same", 30)
    assert p.e1.mac(2000, MACS[3])["interface"] == "cable3"
    p.r1.ip("link set cable3 down")
    p.r1.ip("link set cable3 name h3")
    p.r1.ip("link set h3 up")
    p.reach()
    # The VLAN device for neighbours may have any name.
    p.r1.ip("link set br0.10 down")
    p.r1.ip("link set br0.10 name svi10")
    p.r1.ip("link set svi10 up")
    p.reach()
    assert "br0.10" not in [link["ifname"] for link in p.r1.ip_json("link show")]
    # A port that goes to another namespace takes its hosts with it.
    elsewhere = lab.node("elsewhere")
    p.r1.ip("link set h3 netns " + elsewhere.ns)
    lab.wait_for(lambda: not state(p.e2, MACS[3], 2000), "r2 has h3 no more")
    elsewhere.ip("link set h3 netns " + p.r1.ns)
    p.r1.ip("link set h3 up")
    p.reach()
    # What is deleted is made again, with all that is in it.
    p.r1.ip("link del " + vxlan[0])
    p.reach()
    p.r1.ip("link del br0")
    p.reach()


@pytest.mark.parametrize("made", [True, False], ids=["made", "adopted"])
def test_containers_get_ports_in_a_vlan(lab, made):
    """port add: the container is in the VNI's VLAN, untagged, and in no other, also where the bridge puts ports into VLAN 1."""
    def prepare(r1):
        if not made:
            r1.ip("link add br0 type bridge vlan_filtering 1")
            r1.ip("link set br0 up")

    p = Vlans(lab, ONE, prepare)
    c = lab.node("c1")
    port = p.e1.json("port", "add", "--vni", "2000", "--netns", c.ns, "--ip", "10.0.0.9/24")
    vlans = json.loads(p.r1.bridge("-j vlan show dev " + port["port"]))[0]["vlans"]
    assert [(v["vlan"], sorted(v["flags"])) for v in vlans] == [(20, ["Egress Untagged", "PVID"])]
    assert {"vni": 2000, "port": port["port"], "vlan": 20, "tagged": False, "up": True, "made": False} in p.e1.show("ports", "--vni", "2000")
    lab.wait_for(lambda: state(p.e2, port["mac"], 2000) == "remote", "r2 has it before it speaks")
    assert [a["mac"] for a in p.e2.show("arp", "--vni", "2000") if a["ip"] == "10.0.0.9"] == [port["mac"]]
    lab.wait_for(lambda: c.ping("10.0.0.4"), "the container reaches h4", 30)
    assert not c.ping("10.0.0.2"), "VLANs are apart"
    p.e1.ctl("port", "del", "--vni", "2000", "--netns", c.ns)
    lab.wait_for(lambda: not state(p.e2, port["mac"], 2000), "r2 has it no more")


def test_a_host_moves_between_ports_of_a_vlan(lab):
    """The kernel says that the MAC is at another port, and never that it has left the first."""
    p = Vlans(lab, ONE).reach()
    for k in range(5):
        old = p.h1.move(p.r1, "br0")
        p.r1.bridge("vlan add dev %s vid 10 pvid untagged" % p.h1.port)
        p.r1.bridge("vlan del dev %s vid 1" % p.h1.port, check=False)
        p.h1.speak()
        lab.wait_for(lambda: (p.e1.mac(1000, MACS[1]) or {}).get("interface") == p.h1.port, "it is at " + p.h1.port)
        p.h1.forget(old)
    assert state(p.e2, MACS[1]) == "remote" and p.e1.mac(1000, MACS[1])["sequence"] == 0
    lab.wait_for(lambda: p.h1.ping("10.0.0.2"), "h1 reaches h2", 30)
