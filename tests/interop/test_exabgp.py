# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""ExaBGP as the peer: another codec, and a speaker without 4-octet AS numbers.

    h1 --br100 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 ExaBGP]
"""
import ipaddress

import pytest

from evlab import Evpnd, Exabgp, evpnd

MAC1, MAC5 = "02:00:00:00:00:01", "02:00:00:00:00:55"
ENCAP = "0x030c000000000008"
MOBILITY = "0x0600%02x00%08x"


def octets(mac):
    return bytes.fromhex(mac.replace(":", ""))


def ip(text):
    return ipaddress.ip_address(text).packed


def ours(p):
    """{mac: attributes} of the Type 2 routes that ExaBGP has from us."""
    return {k[2].lower(): attributes for k, (_, attributes) in p.exabgp.received().items() if k[0] == 2}


class Pair:
    def __init__(self, lab, asn1=65000, asn2=65000, **kw):
        self.lab = lab
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1 = lab.host("h1", 1).plug(self.r1)
        self.rt = "0x0002%04x00000064" % (asn2 & 0xffff)
        self.rd = b"\0\1" + ip(self.r2.address) + b"\0\x64"
        self.evpnd = Evpnd(self.r1, evpnd.conf(self.r1, asn1, [(self.r2.address, asn2)], ports=["h1"]))
        seen = asn1 if asn1 < 65536 or kw.get("asn4", True) else 23456  # AS_TRANS, RFC 6793
        self.exabgp = Exabgp(self.r2, asn2, self.r1.address, seen, **kw)
        lab.wait_for(lambda: self.evpnd.established(self.r2.address) and self.exabgp.established(), "the session is up", 20)

    def mac_body(self, mac, addr=b""):
        return self.rd + bytes(14) + b"\x30" + octets(mac) + bytes([8 * len(addr)]) + addr + b"\0\0\x64"

    def add_mac(self, mac=MAC5, addr=b"", communities=""):
        self.exabgp.announce(2, self.mac_body(mac, addr), self.r2.address, "extended-community [ %s %s %s ]" % (self.rt, ENCAP, communities))

    def add_multicast(self):
        vtep = ip(self.r2.address)
        self.exabgp.announce(3, self.rd + bytes(4) + b"\x20" + vtep, self.r2.address, "extended-community [ %s %s ] attribute [ 0x16 0xc0 0x0006000064%s ]" % (
            self.rt, ENCAP, vtep.hex()))


@pytest.mark.parametrize("asn1, asn2, asn4", [(65000, 65000, True), (65000, 65002, True), (65000, 65002, False), (4200000001, 65002, False)],
                         ids=["ibgp", "ebgp", "ebgp-2-octet-as", "ebgp-as-trans"])
def test_routes_both_ways(lab, asn1, asn2, asn4):
    p = Pair(lab, asn1, asn2, asn4=asn4)
    p.h1.speak()
    lab.wait_for(lambda: MAC1 in ours(p) and {k[0] for k in p.exabgp.received()} == {2, 3}, "ExaBGP has both our routes")
    received = {k[0]: v for k, v in p.exabgp.received().items() if k[0] == 3 or k[2].lower() == MAC1}
    nlri, attrs = received[2]
    assert nlri["label"] == [[6, 100]] and nlri["rd"] == "192.0.2.1:100"
    assert {c["string"] for c in attrs["extended-community"]} == {"encap:VXLAN", "target:%d:100" % (asn1 & 0xffff)}
    assert attrs["next-hop"] == p.r1.address
    assert attrs.get("as-path", []) == ([] if asn1 == asn2 else [asn1])  # by AS4_PATH where AS numbers have two octets
    assert ("local-preference" in attrs) == (asn1 == asn2)
    nlri, attrs = received[3]
    assert attrs["pmsi"].startswith("pmsi:ingressreplication:0:") and attrs["pmsi"].endswith(":192.0.2.1") and "(100)" in attrs["pmsi"]

    p.add_multicast()
    p.add_mac()
    lab.wait_for(lambda: p.r1.remote("vxlan100", MAC5) == p.r2.address, "the kernel has ExaBGP's MAC")
    lab.wait_for(lambda: p.r1.flood("vxlan100") == [p.r2.address], "and its flood row")
    assert p.evpnd.routes("--mac", MAC5)[0]["as_path"] in ("" if asn1 == asn2 else str(asn2), [] if asn1 == asn2 else [asn2])
    p.exabgp.withdraw(2, p.mac_body(MAC5))
    lab.wait_for(lambda: not p.r1.fdb("vxlan100", MAC5), "withdrawn")
    p.h1.unplug()
    lab.wait_for(lambda: MAC1 not in ours(p), "our withdrawal comes")


def test_sticky_mac_of_a_peer_does_not_move_here(lab):
    """RFC 7432 section 15.2: a MAC that is sticky elsewhere and shows up here is not advertised by us."""
    p = Pair(lab)
    p.add_mac(MAC1, communities=MOBILITY % (1, 0))
    lab.wait_for(lambda: (p.evpnd.mac(100, MAC1) or {}).get("sticky") is True, "the sticky route is imported")
    p.h1.speak()
    p.add_mac("02:00:00:00:00:56")
    lab.wait_for(lambda: p.r1.remote("vxlan100", "02:00:00:00:00:56"), "evpnd has gone on")
    assert MAC1 not in ours(p)
    assert p.evpnd.mac(100, MAC1)["state"] in ("remote", "conflict")


def test_higher_sequence_takes_over_and_the_host_takes_it_back(lab):
    """RFC 7432 section 15: a route with a higher sequence ends ours; the host that speaks here again gets the next one."""
    p = Pair(lab)
    p.h1.speak()
    lab.wait_for(lambda: p.evpnd.mac(100, MAC1)["state"] == "local", "h1 is local")
    p.h1.run("sh", "-c", "echo 8 >/proc/sys/net/ipv4/conf/all/arp_ignore")  # who loses a MAC is asked; as if it had really moved
    p.add_mac(MAC1, communities=MOBILITY % (0, 5))
    lab.wait_for(lambda: p.evpnd.mac(100, MAC1)["state"] == "remote", "h1 has moved away")
    lab.wait_for(lambda: p.r1.remote("vxlan100", MAC1) == p.r2.address, "the kernel follows")
    lab.wait_for(lambda: MAC1 not in ours(p), "our route is withdrawn")
    p.h1.speak()
    lab.wait_for(lambda: p.evpnd.mac(100, MAC1)["state"] == "local", "h1 is back")
    assert p.evpnd.mac(100, MAC1)["sequence"] == 6
    communities = lab.wait_for(lambda: [c["value"] for c in ours(p)[MAC1]["extended-community"]], "our route is back")
    assert int(MOBILITY % (0, 6), 16) in communities


def test_equal_sequence_is_decided_by_the_lower_vtep(lab):
    """RFC 7432 section 15.1: both sides claim a MAC with the same sequence; 192.0.2.1 stays against 192.0.2.2."""
    p = Pair(lab)
    p.h1.speak()
    lab.wait_for(lambda: p.evpnd.mac(100, MAC1)["state"] == "local", "h1 is local")
    p.add_mac(MAC1, communities=MOBILITY % (0, 0))
    p.add_mac("02:00:00:00:00:56")
    lab.wait_for(lambda: p.r1.remote("vxlan100", "02:00:00:00:00:56"), "evpnd has gone on")
    assert p.evpnd.mac(100, MAC1)["state"] == "local" and MAC1 in ours(p)
    assert p.r1.remote("vxlan100", MAC1) is None


def test_unknown_route_types_are_skipped(lab):
    """RFC 7606 section 5.4: a route of type 200 beside a good one costs neither the session nor the good one."""
    p = Pair(lab)
    p.exabgp.announce(200, p.rd + b"whatever it is", p.r2.address, "extended-community [ %s %s ]" % (p.rt, ENCAP))
    p.add_mac()
    lab.wait_for(lambda: p.r1.remote("vxlan100", MAC5), "the good route is there")
    assert p.evpnd.established(p.r2.address)
    assert p.evpnd.neighbor(p.r2.address)["uptime_s"] >= 0


@pytest.mark.kernel
@pytest.mark.parametrize("extended", [True, False], ids=["both", "we-alone"])
def test_messages_are_long_when_both_can(lab, extended):
    """RFC 8654: 300 routes of one attribute set in one UPDATE, and a route with 1,100 communities from the other side."""
    p = Pair(lab, extended=extended)
    assert "extended-message" in p.evpnd.neighbor(p.r2.address)["capabilities_sent"]
    assert ("extended-message" in p.evpnd.neighbor(p.r2.address)["capabilities_received"]) == extended
    macs = ["02:00:00:00:%02x:%02x" % (i // 256 + 1, i % 256) for i in range(300)]
    p.r1.run("bridge", "-b", "-", input="".join("fdb add %s dev h1 master static\n" % m for m in macs))
    lab.wait_for(lambda: set(macs) <= set(ours(p)), "ExaBGP has them all")
    before = p.evpnd.neighbor(p.r2.address)["updates_out"]
    p.evpnd.ctl("neighbor", p.r2.address, "clear")
    lab.wait_for(lambda: p.evpnd.neighbor(p.r2.address)["established_count"] == 2 and p.evpnd.established(p.r2.address), "a new session", 30)
    lab.wait_for(lambda: set(macs) <= set(ours(p)), "ExaBGP has them all again")
    lab.wait_for(lambda: all(f["eor_sent"] for f in p.evpnd.neighbor(p.r2.address)["families"]), "and has been told so")
    updates = p.evpnd.neighbor(p.r2.address)["updates_out"] - before  # Type 2, Type 3, End-of-RIB
    assert updates == 3 if extended else updates > 3

    rts = "extended-community [ %s %s ]" % (p.rt, ENCAP)
    p.exabgp.announce(2, p.mac_body(MAC5), p.r2.address, "%s community [ %s ]" % (rts, " ".join("65000:%d" % i for i in range(1100))))
    p.add_mac("02:00:00:00:00:56")
    lab.wait_for(lambda: p.r1.remote("vxlan100", "02:00:00:00:00:56") == p.r2.address, "what comes after it is there")
    assert (p.r1.remote("vxlan100", MAC5) == p.r2.address) == extended  # ExaBGP does not send what does not fit
    assert p.evpnd.established(p.r2.address) and p.evpnd.neighbor(p.r2.address)["established_count"] == 2
