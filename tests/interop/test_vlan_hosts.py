# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""What hosts say in ARP and ND on the ports of a bridge with VLANs: heard, answered, asked and carried in their VLAN, which
a tag names on h1's port and the port itself on h3's.

    h1 eth0.10, eth0.20 --trunk--br0 [r1] ==== switch ==== [r2] br1000-- h2
    h3 -------------------VLAN 20                               br2000-- h4
"""
import time

from scapy.layers.inet6 import ICMPv6ND_NA
from scapy.layers.l2 import ARP
from test_hosts import Wire, announce, arp, is_answer, probe

from evlab.run import run
from evlab.vlans import MACS, Vlans, each_and_one, needs_vlans

pytestmark = needs_vlans


class Tag:
    """A VLAN of h1's cable, as a host to Wire."""

    def __init__(self, host, vlan):
        self.lab, self.ns, self.dev, self.run = host.lab, host.ns, "eth0.%d" % vlan, host.run


class Hosts(Vlans):
    def __init__(self, lab, vxlan):
        super().__init__(lab, vxlan, self.trunk, ports=("{name: trunk, vlan: 10}", "{name: trunk, vlan: 20}, h3"), plug=False)
        for h in (self.h2, self.h4):
            h.wait_port()
        for vx, vni in zip(self.vxlan, (1000, 2000)):
            lab.wait_for(lambda: [f for f in self.e1.fdb(vni=vni, mac="00:00:00:00:00:00") if f["observed"]], "r1 floods to r2 in VNI %d" % vni)
            lab.wait_for(lambda: self.r2.flood("vxlan%d" % vni), "r2 floods to r1 in VNI %d" % vni)

    def trunk(self, r1):
        run(["ip", "link", "add", "eth0", "netns", self.h1.ns, "type", "veth", "peer", "name", "trunk", "netns", r1.ns])
        self.h1.ip("link set eth0 up")
        for vlan in (10, 20):
            self.h1.ip("link add link eth0 name eth0.%d address %s type vlan id %d" % (vlan, MACS[1], vlan))
            self.h1.ip("addr add 10.0.%d.1/24 dev eth0.%d" % (vlan, vlan))
            self.h1.ip("link set eth0.%d up" % vlan)
        self.h3.plug(r1)

    def rows(self, dev):
        return {n["dst"]: n.get("lladdr") for n in self.r2.ip_json("neigh show dev " + dev)}

    def wires(self):
        return Wire(Tag(self.h1, 10)), Wire(Tag(self.h1, 20)), Wire(self.h2), Wire(self.h4)


def says(mac, ip):
    return lambda p: p.src == mac and (ARP in p and p[ARP].psrc == ip or ICMPv6ND_NA in p and p[ICMPv6ND_NA].tgt == ip)


@each_and_one
def test_tagged_hosts_are_heard_answered_asked_and_carried(lab, vxlan):
    p = Hosts(lab, vxlan)
    ten, twenty, w2, w4 = p.wires()
    with ten, twenty, w2, w4:
        for ip in ("10.0.0.77", "2001:db8:a::77"):
            ten.send(announce(MACS[1], ip))
            assert w2.hear(says(MACS[1], ip), 12), "the announcement of %s has not crossed" % ip
            lab.wait_for(lambda: p.rows("br1000").get(ip) == MACS[1], "r2 has %s" % ip)
            assert not w4.hear(says(MACS[1], ip), 0.5) and ip not in p.rows("br2000"), "VLANs are apart"
        # The same address in the other VLAN is another host's.
        twenty.send(announce(MACS[3], "10.0.0.77"))
        assert w4.hear(says(MACS[3], "10.0.0.77"), 12)
        lab.wait_for(lambda: p.rows("br2000").get("10.0.0.77") == MACS[3], "r2 has it there, too")
        assert p.rows("br1000").get("10.0.0.77") == MACS[1]
        for ip in ("10.0.0.88", "2001:db8:a::88"):
            w2.send(announce(MACS[2], ip))
            lab.wait_for(lambda: [a for a in p.e1.show("arp", "--vni", "1000") if a["ip"] == ip], "r1 knows %s" % ip)
            ten.send(probe(MACS[1], ip))
            assert ten.hear(lambda f: is_answer(f, ip, MACS[2]), 12), "no answer, or not with the tag"
            twenty.send(probe(MACS[1], ip))
            assert not twenty.hear(lambda f: is_answer(f, ip, MACS[2]), 0.5), "it is nobody's in VLAN 20"
        # Nobody knows h2's own address yet: the probe goes to it, and it answers itself.
        ten.send(probe(MACS[1], "10.0.0.2"))
        assert ten.hear(lambda f: is_answer(f, "10.0.0.2", MACS[2]), 12), "the probe has not crossed"
        # Two hosts announce themselves from one address: the one that was there is asked, in its VLAN.
        ten.send(announce(MACS[1], "10.0.0.99"))
        lab.wait_for(lambda: p.rows("br1000").get("10.0.0.99") == MACS[1], "r2 has 10.0.0.99")
        p.r1.ip("addr add 10.0.10.251/24 dev br0.10")
        run(["ip", "netns", "exec", p.r1.ns, "ip", "neigh", "replace", "10.0.0.99", "lladdr", MACS[1], "dev", "br0.10", "nud", "stale"])
        time.sleep(0.5)  # for evpnd to hear of it: nothing shows that it has
        run(["ip", "netns", "exec", p.r1.ns, "ip", "neigh", "del", "10.0.0.99", "dev", "br0.10"])
        question = ten.hear(lambda f: ARP in f and f[ARP].psrc == "0.0.0.0" and f[ARP].pdst == "10.0.0.99", 12)
        assert question and question.dst == MACS[1]
        assert not twenty.hear(lambda f: ARP in f and f[ARP].pdst == "10.0.0.99", 0.2)


@each_and_one
def test_untagged_hosts_are_heard_in_the_vlan_of_their_port(lab, vxlan):
    p = Hosts(lab, vxlan)
    with Wire(p.h3) as w3, Wire(p.h4) as w4, Wire(p.h2) as w2:
        p.h3.wait_port()
        w3.send(announce(MACS[3], "10.0.0.77"))
        assert w4.hear(says(MACS[3], "10.0.0.77"), 12)
        lab.wait_for(lambda: p.rows("br2000").get("10.0.0.77") == MACS[3], "r2 has it")
        assert not w2.hear(says(MACS[3], "10.0.0.77"), 0.5) and "10.0.0.77" not in p.rows("br1000")
        w4.send(announce(MACS[4], "10.0.0.88"))
        lab.wait_for(lambda: [a for a in p.e1.show("arp", "--vni", "2000") if a["ip"] == "10.0.0.88"], "r1 knows it")
        w3.send(probe(MACS[3], "10.0.0.88"))
        assert w3.hear(lambda f: is_answer(f, "10.0.0.88", MACS[4]), 12), "no answer"
        w3.send(arp(MACS[3], "10.0.0.3", "10.0.0.99"))
        assert not w3.hear(lambda f: ARP in f and f[ARP].op == 2 and f[ARP].psrc == "10.0.0.99", 0.5), "nobody answers for an unknown"
    assert sorted((r["vni"], r["port"], r["vlan"], r["tagged"]) for r in p.e1.show("ports")) == [
        (1000, "trunk", 10, True), (2000, "h3", 20, False), (2000, "trunk", 20, True)]
    assert p.e1.show("vni", "2000")["packets_heard"] and not p.e1.show("vni", "1000")["packets_heard"]
