# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Bridges and vxlan devices that other programs make and keep: systemd-networkd and ifupdown2 themselves, and Docker's way.
They are adopted, whatever comes first, and evpnd's rows outlive what these programs do to them.

    h1 --br100 [r1] ==== switch ==== [r2] br100-- h2
"""
import os
import subprocess

import pytest

from evlab import Evpnd, evpnd
from evlab.others import IFUPDOWN2, NETWORKD, Networkd, ifupdown2
from evlab.vlans import EACH, MACS, ONE, Vlans, needs_vlans

pytestmark = pytest.mark.kernel

MAC1, MAC2 = MACS[1], MACS[2]
needs_networkd = pytest.mark.skipif(not os.path.exists(NETWORKD), reason="no systemd-networkd")
needs_ifupdown2 = pytest.mark.skipif(not os.path.isdir(IFUPDOWN2), reason="tests/vm/unpack ifupdown2 brings it")


class Pair:
    def __init__(self, lab, bridge="br100", ports=("h1",)):
        self.lab, self.bridge, self.ports = lab, bridge, ports
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1, self.h2 = lab.host("h1", 1).plug(self.r1), lab.host("h2", 2).plug(self.r2)
        self.e2 = Evpnd(self.r2, evpnd.conf(self.r2, 65000, [(self.r1.address, 65000)], ports=["h2"]))

    def start(self):
        self.e1 = Evpnd(self.r1, evpnd.conf(self.r1, 65000, [(self.r2.address, 65000)], ports=self.ports, vni_more="bridge: " + self.bridge))
        return self

    def reach(self):
        self.lab.wait_for(lambda: self.e1.established(self.r2.address), "the session is up", 20)
        self.lab.wait_for(lambda: self.h1.ping("10.0.0.2"), "h1 reaches h2", 40)
        self.lab.wait_for(lambda: self.e1.show("vni", "100")["problem"] is None, "no problem is left")
        return self

    def made_by_us(self):
        return [link["ifname"] for link in self.r1.ip_json("link show") if link.get("ifalias") == "evpnd"]


def networkd_files(vni, vxlan_more="", bridge="br100"):
    return {
        "10-bridge.netdev": "[NetDev]\nName=%s\nKind=bridge\n" % bridge,
        "10-vxlan.netdev": "[NetDev]\nName=vxlan%d\nKind=vxlan\n[VXLAN]\nVNI=%d\nLocal=192.0.2.1\nDestinationPort=4789\nIndependent=yes\n%s" % (vni, vni, vxlan_more),
        "20-bridge.network": "[Match]\nName=%s\n[Network]\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes\nAddress=10.0.0.251/24\n" % bridge,
        "20-ports.network": "[Match]\nName=vxlan%d h1\n[Network]\nBridge=%s\nLinkLocalAddressing=no\n" % (vni, bridge),
    }


@needs_networkd
@pytest.mark.parametrize("learning", ["", "MacLearning=no\n"], ids=["learning", "nolearning"])
def test_networkd(lab, learning):
    """It takes foreign neighbours off a device that it comes to manage: each restart costs our rows, which come back. And it
    aborts (versions 249 to 255) at nexthops of FDB rows: there must be none."""
    p = Pair(lab, ports=())
    n = Networkd(p.r1, networkd_files(100, learning))
    lab.wait_for(lambda: p.r1.ip("link show vxlan100 master br100", check=False) and p.r1.ip("link show h1 master br100", check=False), "networkd has made it")
    p.start().reach()
    assert not p.made_by_us()

    def rows():
        return p.r1.remote("vxlan100", MAC2) == p.r2.address and "proto 179" in p.r1.ip("neigh show 10.0.0.2 dev br100")

    lab.wait_for(rows, "rows of h2 are there")
    assert n.process.alive(), n.state()
    n.restart()
    for _ in range(2):
        lab.wait_for(lambda: all(r["desired"] == r["observed"] for r in p.e1.fdb(owner="evpnd")), "nothing is left to do", 20)
    lab.wait_for(rows, "rows of h2 are there")
    p.reach()
    assert n.process.alive(), n.state()


@needs_ifupdown2
def test_ifupdown2(lab):
    text = ("auto vxlan100\niface vxlan100\n    vxlan-id 100\n    vxlan-local-tunnelip 192.0.2.1\n    bridge-learning off\n    bridge-arp-nd-suppress on\n"
            "auto br100\niface br100\n    bridge-ports vxlan100 h1\n    bridge-stp off\n    bridge-fd 0\n")
    p = Pair(lab, ports=())
    ifupdown2(p.r1, "ifup", text)
    p.start().reach()
    assert not p.made_by_us()
    ifupdown2(p.r1, "ifreload", text)
    p.reach()
    assert p.e1.show("vni", "100")["vxlan_state"] == "adopted"


def container(lab, r1, bridge, name, ip):
    """As Docker's libnetwork does: a pair with made-up names, one end renamed and addressed in the container, the other a hairpin port."""
    c = lab.node(name)
    r1.ip("link add veth%s type veth peer name tmp%s" % (name, name))
    r1.ip("link set veth%s master %s" % (name, bridge))
    r1.ip("link set tmp%s netns %s" % (name, c.ns))
    c.ip("link set tmp%s name eth0" % name)
    c.ip("addr add %s/16 dev eth0" % ip)
    c.ip("link set eth0 up")
    r1.bridge("link set dev veth%s hairpin on" % name)
    r1.ip("link set veth%s up" % name)
    return c


def test_docker(lab):
    """docker0 is there before, with an address and containers; they come and go, and are ports all the same."""
    p = Pair(lab, bridge="docker0", ports=())
    p.r1.ip("link add docker0 type bridge")
    p.r1.ip("addr add 172.17.0.1/16 dev docker0")
    p.r1.ip("link set docker0 up")
    c1 = container(lab, p.r1, "docker0", "c1", "172.17.0.2")
    p.start()
    p.h2.ip("addr add 172.17.9.9/16 dev " + p.h2.dev)

    def reach(c):
        return c.ping("172.17.9.9")

    lab.wait_for(lambda: reach(c1), "the container reaches h2", 40)
    lab.wait_for(lambda: p.h2.ping("172.17.0.1"), "h2 reaches the host at docker0")
    c2 = container(lab, p.r1, "docker0", "c2", "172.17.0.3")
    lab.wait_for(lambda: reach(c2), "so does one that comes later")
    mac = c2.ip_json("link show eth0")[0]["address"]
    lab.wait_for(lambda: (p.e2.mac(100, mac) or {}).get("state") == "remote", "r2 has it")
    p.r1.ip("link del vethc2")
    lab.wait_for(lambda: p.e2.mac(100, mac) is None, "it is gone with its container")
    lab.wait_for(lambda: reach(c1), "the other reaches h2 as before")
    assert p.made_by_us() == ["vxlan100"]
    assert [(r["port"], r["vlan"], r["up"]) for r in p.e1.show("ports")] == [("vethc1", None, True)]
    vni = p.e1.show("vni", "100")
    assert vni["bridge_state"] == "adopted" and vni["problem"] is None
    assert p.e1.stop() == 0
    p.r1.ip("link show docker0")


def test_iptables_that_sees_bridged_frames_is_told(lab):
    """The default once br_netfilter is there, in every namespace; Docker loads it, and drops what is not its own."""
    if not os.path.exists("/proc/sys/net/bridge") and subprocess.run(["modprobe", "-q", "br_netfilter"], check=False).returncode:
        pytest.skip("no br_netfilter here")
    p = Pair(lab)
    p.r1.run("sh", "-c", "echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables")
    p.start().reach()
    lines = [line for line in p.e1.log().splitlines() if "goes through iptables here" in line]
    assert len(lines) == 1 and "br100" in lines[0]


@pytest.mark.parametrize("device", ["br100", "vxlan100"])
def test_a_device_is_renamed(lab, device):
    """There is no second one made beside it; it is the VNI's again when it has its name back."""
    p = Pair(lab).start().reach()
    before = p.r1.ip_json("link show " + device)[0]["ifindex"]
    p.r1.ip("link set %s down" % device)
    p.r1.ip("link set %s name blue" % device)
    p.r1.ip("link set blue up")
    lab.wait_for(lambda: p.e1.show("vni", "100")["problem"] == device + " is called blue now", "it says so")
    lab.wait_for(lambda: not p.e2.routes("--neighbor", p.r1.address), "r2 sends nothing to r1")
    p.r1.ip("link set blue down")
    p.r1.ip("link set blue name " + device)
    p.r1.ip("link set %s up" % device)
    p.reach()
    assert p.r1.ip_json("link show " + device)[0]["ifindex"] == before


@pytest.mark.parametrize("device", ["br100", "vxlan100", "h1"])
def test_a_device_goes_to_another_namespace(lab, device):
    """A port takes its host with it; what is ours is made again, unless the kernel holds the VNI for the one that has gone."""
    p = Pair(lab).start().reach()
    elsewhere = lab.node("elsewhere")
    moved = p.r1.run("ip", "link", "set", device, "netns", elsewhere.ns, check=False)
    if device == "br100":
        assert moved.returncode, "the kernel does not let go of a bridge"
        return
    if device == "h1":
        lab.wait_for(lambda: p.e2.mac(100, MAC1) is None, "h1 is gone with its port")
    else:
        lab.wait_for(lambda: "another device has this VNI and port" in str(p.e1.show("vni", "100")["problem"]), "it says so")
    elsewhere.ip("link set %s netns %s" % (device, p.r1.ns))
    p.r1.ip("link set %s up" % device)
    p.reach()


# ---- with VLANs --------------------------------------------------------------------------------------------------------------------------


@needs_vlans[0]
@needs_vlans[1]
@needs_networkd
def test_networkd_with_vlans(lab):
    files = {"10-bridge.netdev": "[NetDev]\nName=br0\nKind=bridge\n[Bridge]\nVLANFiltering=yes\nDefaultPVID=none\n",
             "20-bridge.network": "[Match]\nName=br0\n[Network]\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n"}
    for vlan, vni, port in ((10, 1000, "h1"), (20, 2000, "h3")):
        files["10-vxlan%d.netdev" % vni] = networkd_files(vni)["10-vxlan.netdev"]
        files["20-ports%d.network" % vni] = ("[Match]\nName=vxlan%d %s\n[Network]\nBridge=br0\nLinkLocalAddressing=no\n"
                                             "[BridgeVLAN]\nVLAN=%d\nPVID=%d\nEgressUntagged=%d\n" % (vni, port, vlan, vlan, vlan))
    started = []
    p = Vlans(lab, EACH, lambda r1: started.append(Networkd(r1, files)), ports=("", "")).reach()
    assert p.e1.show("vni", "1000")["bridge_state"] == "adopted"
    started[0].restart()
    p.reach()
    assert started[0].process.alive(), started[0].state()


IFUPDOWN2_HEAD = "auto br0\niface br0\n    bridge-vlan-aware yes\n    bridge-vids 10 20\n    bridge-stp off\n    bridge-fd 0\n    bridge-ports h1 h3 %s\n"
IFUPDOWN2_PORTS = "auto h1\niface h1\n    bridge-access 10\nauto h3\niface h3\n    bridge-access 20\n"


@needs_vlans[0]
@needs_vlans[1]
@needs_ifupdown2
@pytest.mark.parametrize("vxlan", [EACH, ONE], ids=["a-vxlan-each", "single-vxlan"])
def test_ifupdown2_with_vlans(lab, vxlan):
    """The traditional devices, each an access port of its VLAN, and the single one with bridge-vlan-vni-map."""
    if vxlan == EACH:
        text = "".join("auto vxlan%d\niface vxlan%d\n    vxlan-id %d\n    vxlan-local-tunnelip 192.0.2.1\n    bridge-access %d\n    bridge-learning off\n"
                       "    bridge-arp-nd-suppress on\n" % (vni, vni, vni, vlan) for vlan, vni in ((10, 1000), (20, 2000)))
    else:
        text = ("auto vxlan0\niface vxlan0\n    bridge-vlan-vni-map 10=1000\n    bridge-vlan-vni-map 20=2000\n    vxlan-local-tunnelip 192.0.2.1\n"
                "    bridge-learning off\n    bridge-arp-nd-suppress on\n")
    text += IFUPDOWN2_PORTS + IFUPDOWN2_HEAD % " ".join(dict.fromkeys(vxlan))
    p = Vlans(lab, vxlan, lambda r1: ifupdown2(r1, "ifup", text), ports=("", "")).reach()
    assert [p.e1.show("vni", n)["vxlan_state"] for n in ("1000", "2000")] == ["adopted", "adopted"]
    # From a single device it takes rows of others away, or tries to: it takes a nexthop's id for a VNI, and says that it failed.
    ifupdown2(p.r1, "ifreload", text, check=vxlan == EACH)
    p.reach()
