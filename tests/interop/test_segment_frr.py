# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""A host on a bond to two FRRs, which make an Ethernet Segment of it (EVPN multihoming), as evpnd sees it.

    h1 --br100 [r1 evpnd] ==== [pe2 FRR] br0, VLAN 10 -- bond1 --+
                          ==== [pe3 FRR] br0, VLAN 10 -- bond1 --+-- bond0 [h9] 10.0.0.9

Takes a kernel with bonding and VLAN filtering: tests/vm.
"""
import os

import pytest

from evlab import Evpnd, Frr
from evlab import evpnd as evpnd_conf
from evlab.frr import bgp_conf
from evlab.run import run

MAC9, ESI = "02:00:00:00:00:09", "03:44:38:39:ff:00:01:00:00:01"
PES = ["192.0.2.2", "192.0.2.3"]


def has_bonds():
    name = "evq%d" % os.getpid()
    try:
        run(["ip", "netns", "add", name])
        return all(run(["ip", "-n", name, "link", "add", "name", *what], check=False).returncode == 0
                   for what in (["b0", "type", "bond"], ["br0", "type", "bridge", "vlan_filtering", "1"]))
    finally:
        run(["ip", "netns", "del", name], check=False)


pytestmark = [pytest.mark.skipif(not has_bonds(), reason="this kernel has no bonding or no VLANs: tests/vm"), pytest.mark.seconds(400)]


class Lag:
    def __init__(self, lab):
        self.lab = lab
        self.r1, self.pe2, self.pe3 = nodes = lab.fabric("r1", "pe2", "pe3")
        self.h1 = lab.host("h1", 1).plug(self.r1)
        self.h9 = lab.host("h9", 9)
        self.h9.ip("link add bond0 address %s type bond mode balance-xor miimon 100" % MAC9)
        self.pes = [self.pe2, self.pe3]
        for k, pe in enumerate(self.pes):
            self._pe(pe, "eth%d" % k)
        self.h9.ip("addr add 10.0.0.9/24 dev bond0")
        self.h9.ip("link set bond0 up")
        self.frr = []
        for pe in self.pes:
            others = [(n.address, 65000) for n in nodes if n is not pe]
            f = Frr(pe, bgp_conf(65000, pe.address, others))
            f.configure("evpn mh startup-delay 0", "interface bond1", "evpn mh es-id 1", "evpn mh es-sys-mac 44:38:39:ff:00:01")
            self.frr.append(f)
        self.evpnd = Evpnd(self.r1, evpnd_conf.conf(self.r1, 65000, [(pe.address, 65000) for pe in self.pes], ports=["h1"]))
        for pe in self.pes:
            lab.wait_for(lambda: self.evpnd.established(pe.address), "the session with %s is up" % pe.name, 60)

    def _pe(self, pe, cable):
        pe.ip("link add br0 type bridge vlan_filtering 1 vlan_default_pvid 0")
        pe.ip("link set br0 up")
        pe.ip("link add vxlan100 type vxlan id 100 local %s dstport 4789 nolearning" % pe.address)
        pe.ip("link add bond1 type bond mode balance-xor miimon 100")
        run(["ip", "link", "add", cable, "netns", self.h9.ns, "type", "veth", "peer", "name", "cable", "netns", pe.ns])
        self.h9.ip("link set %s master bond0" % cable)
        pe.ip("link set cable master bond1")
        for port in ("vxlan100", "bond1"):
            pe.ip("link set %s master br0" % port)
            pe.bridge("vlan add dev %s vid 10 pvid untagged" % port)
            pe.ip("link set %s up" % port)
        pe.bridge("link set dev vxlan100 learning off")

    def vteps(self):
        m = self.evpnd.mac(100, MAC9)
        return m and m["vteps"]


def test_frr_multihoming(lab):
    p = Lag(lab)
    lab.wait_for(lambda: p.h1.ping("10.0.0.9"), "h1 reaches the host on the bond", 60)
    lab.wait_for(lambda: p.vteps() == PES, "its frames go to both", 60)
    m = p.evpnd.mac(100, MAC9)
    assert m["esi"] == ESI
    segment, = p.evpnd.show("segments")
    assert (segment["esi"], segment["vteps"], segment["redundancy"]) == (ESI, PES, "all-active")
    assert {r["type"] for r in p.evpnd.routes()} >= {1, 2, 3, 4}
    p.pe2.ip("link set cable down")
    lab.wait_for(lambda: p.vteps() == PES[1:], "pe2 has lost its cable", 60)
    lab.wait_for(lambda: p.h1.ping("10.0.0.9"), "h1 reaches it by pe3", 60)
    p.pe2.ip("link set cable up")
    lab.wait_for(lambda: p.vteps() == PES, "pe2 has it again", 60)
    p.pe3.ip("link set eth0 down")
    p.evpnd.ctl("neighbor", PES[1], "clear")
    lab.wait_for(lambda: p.vteps() == PES[:1], "pe3 is gone", 60)
    lab.wait_for(lambda: p.h1.ping("10.0.0.9"), "h1 reaches it by pe2", 60)
