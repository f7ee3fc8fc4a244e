# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""A VLAN-aware bridge that two VNIs share on r1; r2 has a bridge and a vxlan device for each VNI.

    h1 --VLAN 10--br0 [r1 evpnd] ==== switch ==== [r2 evpnd] br1000-- h2
    h3 --VLAN 20--                                           br2000-- h4

The kernel must have 802.1Q; tests/vm runs what uses this where the machine's has not.
"""
import json
import os

import pytest

from .evpnd import Evpnd
from .run import run

MACS = ["02:00:00:00:00:0%d" % k for k in range(5)]


def kernel_has_vlans():
    name = "evq%d" % os.getpid()
    try:
        run(["ip", "netns", "add", name])
        return run(["ip", "-n", name, "link", "add", "name", "br0", "type", "bridge", "vlan_filtering", "1"], check=False).returncode == 0
    finally:
        run(["ip", "netns", "del", name], check=False)


# tests/vm sees to it that none of these is skipped there.
needs_vlans = [pytest.mark.skipif(os.environ.get("EVLAB_VLANS") != "must" and not kernel_has_vlans(), reason="this kernel has no VLANs: make check-vm"),
               pytest.mark.seconds(400)]

EACH = ("vxlan1000", "vxlan2000")
ONE = ("vxlan0", "vxlan0")
each_and_one = pytest.mark.parametrize("vxlan", [EACH, ONE], ids=["a-vxlan-each", "single-vxlan"])


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
