# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The VLAN-aware bundle service (RFC 7432 6.3): VNIs that share RD and route targets, told apart by the Ethernet Tag.

    h1 --br1010 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 peer]
    h3 --br1020
"""
import ipaddress

import pytest

from evlab import Evpnd, Exabgp, Gobgp, gobgp

MAC1, MAC3, MAC9 = "02:00:00:00:00:01", "02:00:00:00:00:03", "02:00:00:00:00:99"
VLANS = {1010: 10, 1020: 20}
RT = "65000:10"


def conf(node, peers, tags, rd, ports=("h1", "h3")):
    """The bundle, with this tag for each VNI."""
    text = "asn: 65000\nrouter-id: {0}\nvtep: {0}\nneighbors:\n".format(node.address)
    text += "".join("  - {address: %s, asn: 65000}\n" % p.address for p in peers) + "vnis:\n"
    for (vni, tag), port in zip(tags.items(), ports):
        text += '  - {vni: %d, ethernet-tag: %d, rd: "%s", import: ["%s"], export: ["%s"], ports: [%s]}\n' % (vni, tag, rd, RT, RT, port)
    return text


# Arista EOS: the tag is the VLAN. Junos: the tag is the VNI, which is normalised for the whole virtual switch.
STYLES = pytest.mark.parametrize("tags", [VLANS, {v: v for v in VLANS}], ids=["eos-vlan", "junos-vni"])


class Pair:
    def __init__(self, lab, tags):
        self.lab, self.tags = lab, tags
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1, self.h3 = lab.host("h1", 1).plug(self.r1), lab.host("h3", 3).plug(self.r1)
        self.evpnd = Evpnd(self.r1, conf(self.r1, [self.r2], tags, "192.0.2.1:10"))

    def settle(self, peer):
        self.lab.wait_for(lambda: self.evpnd.established(self.r2.address) and peer.established(self.r1.address), "the session is up", 20)

    def ours(self):
        """(type, tag, MAC, VNI) of what we advertise, without the hosts' addresses."""
        return {(r["type"], r["ethernet_tag"], r["mac"], r["vni"]) for r in self.evpnd.routes("--advertised-to", self.r2.address) if not r["ip"]}

    def expected(self):
        return {(3, tag, None, vni) for vni, tag in self.tags.items()} | {(2, self.tags[1010], MAC1, 1010), (2, self.tags[1020], MAC3, 1020)}

    def speak(self):
        for h in (self.h1, self.h3):
            h.wait_port()
            h.speak()


@STYLES
def test_gobgp(lab, tags):
    """One MAC in both broadcast domains, from one RD: two routes that only the tag tells apart."""
    p = Pair(lab, tags)
    g = Gobgp(p.r2, gobgp.conf(65000, p.r2.address, [(p.r1.address, 65000)]))
    p.settle(g)
    args = ["rd", "192.0.2.2:10", "rt", RT, "encap", "vxlan", "nexthop", p.r2.address]
    for vni, tag in tags.items():
        g.add("multicast", p.r2.address, "etag", str(tag), "rd", "192.0.2.2:10", "rt", RT, "encap", "vxlan", "pmsi", "ingress-repl", str(vni),
              p.r2.address, "nexthop", p.r2.address)
        g.add("macadv", MAC9, "0.0.0.0", "etag", str(tag), "label", str(vni), *args)
    for vx in ("vxlan1010", "vxlan1020"):
        lab.wait_for(lambda: p.r1.remote(vx, MAC9) == p.r2.address and p.r1.flood(vx) == [p.r2.address], "%s has MAC and flood row" % vx)
    g.add("macadv", MAC9, "0.0.0.0", "etag", str(tags[1010]), "label", "1010", *args, delete=True)
    lab.wait_for(lambda: not p.r1.remote("vxlan1010", MAC9), "one of two is gone")
    assert p.r1.remote("vxlan1020", MAC9) == p.r2.address
    p.speak()
    lab.wait_for(lambda: p.expected() <= p.ours(), "our routes have their tags")
    for mac, vni in ((MAC1, 1010), (MAC3, 1020)):
        lab.wait_for(lambda: any(r["nlri"]["value"]["etag"] == tags[vni] for r in g.route(2, mac=mac)), "GoBGP has %s with its tag" % mac)
    assert p.evpnd.show("vni", "1020")["ethernet_tag"] == tags[1020]


@STYLES
def test_exabgp(lab, tags):
    p = Pair(lab, tags)
    x = Exabgp(p.r2, 65000, p.r1.address, 65000)
    p.lab.wait_for(lambda: p.evpnd.established(p.r2.address) and x.established(), "the session is up", 20)
    rd, vtep = bytes.fromhex("0001c0000202000a"), ipaddress.ip_address(p.r2.address).packed
    communities = "extended-community [ 0x0002fde80000000a 0x030c000000000008 ]"
    for vni, tag in tags.items():
        x.announce(3, rd + tag.to_bytes(4, "big") + b"\x20" + vtep, p.r2.address, communities + " attribute [ 0x16 0xc0 0x0006%06x%s ]" % (vni, vtep.hex()))
        x.announce(2, rd + bytes(10) + tag.to_bytes(4, "big") + b"\x30" + bytes.fromhex(MAC9.replace(":", "")) + b"\0" + vni.to_bytes(3, "big"),
                   p.r2.address, communities)
    for vx in ("vxlan1010", "vxlan1020"):
        lab.wait_for(lambda: p.r1.remote(vx, MAC9) == p.r2.address and p.r1.flood(vx) == [p.r2.address], "%s has MAC and flood row" % vx)
    p.speak()
    lab.wait_for(lambda: p.expected() <= p.ours() and any(k[0] == 2 and MAC3 in map(str.lower, map(str, k)) for k in x.received()), "ExaBGP has our routes")


def test_a_route_without_a_tag_is_for_nobody_in_a_bundle(lab):
    """It stays in the table, and comes in when the VNI becomes a VLAN-based one."""
    p = Pair(lab, VLANS)
    g = Gobgp(p.r2, gobgp.conf(65000, p.r2.address, [(p.r1.address, 65000)]))
    p.settle(g)
    g.add_mac(MAC9, None, 1010, "192.0.2.2:10", RT, p.r2.address)
    lab.wait_for(lambda: p.evpnd.routes("--mac", MAC9), "the route is there")
    assert p.evpnd.mac(1010, MAC9) is None and p.evpnd.mac(1020, MAC9) is None
    p.evpnd.reload(conf(p.r1, [p.r2], {1010: 0, 1020: 20}, "192.0.2.1:10"))
    lab.wait_for(lambda: p.r1.remote("vxlan1010", MAC9) == p.r2.address, "it is imported")
    assert not p.r1.remote("vxlan1020", MAC9)


def test_two_evpnds(lab):
    r1, r2 = lab.fabric("r1", "r2")
    hosts = [lab.host("h%d" % k, k) for k in range(1, 5)]
    hosts[0].plug(r1), hosts[2].plug(r1), hosts[1].plug(r2), hosts[3].plug(r2)
    e1 = Evpnd(r1, conf(r1, [r2], VLANS, "192.0.2.1:10"))
    Evpnd(r2, conf(r2, [r1], VLANS, "192.0.2.2:10", ("h2", "h4")))
    lab.wait_for(lambda: e1.established(r2.address), "the session is up", 20)
    lab.wait_for(lambda: hosts[0].ping("10.0.0.2"), "h1 reaches h2", 20)
    lab.wait_for(lambda: hosts[2].ping("10.0.0.4"), "h3 reaches h4", 20)
    assert not hosts[0].ping("10.0.0.4") and not hosts[2].ping("10.0.0.2"), "broadcast domains are apart"
