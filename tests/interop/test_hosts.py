# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""What hosts say in ARP and ND: learned on the ports, without an address on any bridge; asked, answered and carried. On the
kernel's bridge and on the userspace VTEP.

    h1 --br100 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 evpnd] br100-- h2
"""
import logging
import os
import socket
import time

import pytest

from evlab import Evpnd, evpnd
from evlab.evpnd import BUILD
from evlab.run import in_namespace

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6  # noqa: E402
from scapy.layers.l2 import ARP, Ether  # noqa: E402

MAC1, MAC2, MAC9 = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:09"
ALL = "ff:ff:ff:ff:ff:ff"


class Wire:
    """The cable of a host: frames in and out, as bytes and as scapy sees them."""

    def __init__(self, host):
        self.s = in_namespace(host, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
        self.s.bind((host.dev, 3))
        self.s.settimeout(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.s.close()

    def send(self, packet):
        self.s.send(bytes(packet))

    def hear(self, match, timeout=10):
        """The first frame from outside that match() likes, None when none comes."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                frame, (_, _, kind, *_) = self.s.recvfrom(2000)
            except socket.timeout:
                continue
            if kind != socket.PACKET_OUTGOING and match(Ether(frame)):
                return Ether(frame)
        return None


def arp(mac, sender, target, op=1, to=ALL):
    return Ether(src=mac, dst=to) / ARP(op=op, hwsrc=mac, psrc=sender, hwdst="00:00:00:00:00:00", pdst=target)


def announce(mac, ip):
    """A gratuitous ARP, or an unsolicited advertisement."""
    if ":" not in ip:
        return arp(mac, ip, ip)
    return Ether(src=mac, dst="33:33:00:00:00:01") / IPv6(src=ip, dst="ff02::1", hlim=255) / ICMPv6ND_NA(R=0, S=0, O=1, tgt=ip) / \
        ICMPv6NDOptDstLLAddr(lladdr=mac)


def probe(mac, ip):
    """Is that address free? RFC 5227 2.1.1, RFC 4862 5.4.2."""
    if ":" not in ip:
        return arp(mac, "0.0.0.0", ip)
    low = socket.inet_pton(socket.AF_INET6, ip)[13:]
    to = "ff02::1:ff%02x:%02x%02x" % tuple(low)
    return Ether(src=mac, dst="33:33:ff:%02x:%02x:%02x" % tuple(low)) / IPv6(src="::", dst=to, hlim=255) / ICMPv6ND_NS(tgt=ip)


def is_answer(packet, ip, mac):
    if ARP in packet:
        return packet[ARP].op == 2 and packet[ARP].psrc == ip and packet[ARP].hwsrc == mac
    return ICMPv6ND_NA in packet and packet[ICMPv6ND_NA].tgt == ip and packet[ICMPv6NDOptDstLLAddr].lladdr == mac


class Pair:
    def __init__(self, lab, vni_more="", ip6=True, dataplane="kernel"):
        self.lab = lab
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1, self.h2 = lab.host("h1", 1, ip6=ip6).plug(self.r1), lab.host("h2", 2, ip6=ip6).plug(self.r2)
        more = "dataplane: userspace\nworkers: 2\n" if dataplane == "userspace" else ""
        self.e1, self.e2 = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], ports=[port], vni_more=vni_more, more=more))
                            for n, o, port in ((self.r1, self.r2, "h1"), (self.r2, self.r1, "h2"))]
        lab.wait_for(lambda: self.e1.established(self.r2.address), "the session is up", 20)
        lab.wait_for(lambda: all(self.there(e, mac="00:00:00:00:00:00") for e in (self.e1, self.e2)), "they flood to one another")
        for h in (self.h1, self.h2):
            h.wait_port()

    def there(self, e, **want):
        return e.fdb(desired=True, observed=True, **want)

    def rows(self, router):
        """Who has which address, in the tables that frames are answered from."""
        if not router.userspace:
            return {n["dst"]: n.get("lladdr") for n in router.ip_json("neigh show dev br100")}
        e = self.e1 if router is self.r1 else self.e2
        return {r["ip"]: r["mac"] for r in self.there(e, table="vtep") if r["ip"]}

    def wait_row(self, router, ip, mac, timeout=15):
        self.lab.wait_for(lambda: self.rows(router).get(ip) == mac, "%s has %s at %s" % (router.name, ip, mac), timeout)


@pytest.fixture
def pair(lab):
    return Pair(lab)


@pytest.fixture(params=["kernel", "userspace"])
def pairs(lab, request):
    """On either backend."""
    return Pair(lab, dataplane=request.param)


@pytest.mark.parametrize("ip", ["10.0.0.77", "2001:db8:a::77"], ids=["ipv4", "ipv6"])
def test_an_announcement_is_advertised_at_once(pairs, ip):
    """No address of ours is on any bridge. The other VTEP has the row, and its hosts have heard it, too."""
    with Wire(pairs.h1) as w1, Wire(pairs.h2) as w2:
        w1.send(announce(MAC1, ip))
        heard = w2.hear(lambda p: p.src == MAC1 and (ARP in p and p[ARP].psrc == ip or ICMPv6ND_NA in p and p[ICMPv6ND_NA].tgt == ip))
        assert heard, "the announcement has not crossed"
    pairs.wait_row(pairs.r2, ip, MAC1)
    assert [a["state"] for a in pairs.e1.show("arp") if a["ip"] == ip] == ["local"]


@pytest.mark.parametrize("ip", ["10.0.0.1", "2001:db8:a::1"], ids=["ipv4", "ipv6"])
def test_a_probe_for_a_remote_address_is_answered(pairs, ip):
    """By r2, which knows: h1 does not hear of it. The kernel's suppression alone would drop it (RFC 9161 3.3)."""
    with Wire(pairs.h1) as w1, Wire(pairs.h2) as w2:
        w1.send(announce(MAC1, ip))
        pairs.wait_row(pairs.r2, ip, MAC1)
        w2.send(probe(MAC2, ip))
        assert w2.hear(lambda p: is_answer(p, ip, MAC1)), "no answer"
        assert not w1.hear(lambda p: p.src == MAC2 and (ARP in p or ICMPv6ND_NS in p), 0.5), "h1 was asked"


@pytest.mark.parametrize("ip", ["10.0.0.1", "2001:db8:a::1"], ids=["ipv4", "ipv6"])
def test_a_probe_for_an_unknown_address_reaches_its_owner(pairs, ip):
    """h1 has said nothing yet. It answers itself, and is known from then on."""
    assert not [a for e in (pairs.e1, pairs.e2) for a in e.show("arp") if a["ip"] == ip]
    with Wire(pairs.h2) as w2:
        w2.send(probe(MAC2, ip))
        assert w2.hear(lambda p: is_answer(p, ip, MAC1)), "no answer"
    pairs.wait_row(pairs.r2, ip, MAC1)


def test_nobody_answers_for_an_unknown(pairs):
    with Wire(pairs.h2) as w2:
        for ip in ("10.0.0.99", "2001:db8:a::99"):
            w2.send(probe(MAC2, ip))
        w2.send(arp(MAC2, "10.0.0.2", "10.0.0.99"))
        assert not w2.hear(lambda p: ARP in p and p[ARP].op == 2 or ICMPv6ND_NA in p, 1)


def test_a_probe_of_the_one_who_has_it_is_no_conflict(pairs):
    """A host that has moved looks whether its address is free, while routes still say that it is there."""
    with Wire(pairs.h1) as w1, Wire(pairs.h2) as w2:
        w1.send(announce(MAC1, "10.0.0.1"))
        pairs.wait_row(pairs.r2, "10.0.0.1", MAC1)
        w2.send(probe(MAC1, "10.0.0.1"))
        assert not w2.hear(lambda p: ARP in p and p[ARP].op == 2, 0.5)


@pytest.mark.kernel
@pytest.mark.parametrize("alive", [True, False], ids=["alive", "dead"])
def test_a_doubted_host_is_asked(pair, alive):
    """The kernel's neighbour table has lost it: whether it is still there is for itself to say."""
    pair.r1.ip("addr add 10.0.0.251/24 dev br100")
    pair.lab.wait_for(lambda: pair.h1.ping("10.0.0.251"), "h1 talks to r1")
    pair.wait_row(pair.r2, "10.0.0.1", MAC1)
    if not alive:
        pair.h1.ip("addr flush dev " + pair.h1.dev)
    with Wire(pair.h1) as w1:
        pair.r1.ip("neigh del 10.0.0.1 dev br100")
        question = w1.hear(lambda p: ARP in p and p[ARP].psrc == "0.0.0.0" and p[ARP].pdst == "10.0.0.1")
        assert question and question.dst == MAC1
    if alive:
        time.sleep(4)  # longer than it is waited for an answer
        assert pair.rows(pair.r2).get("10.0.0.1") == MAC1
    else:
        pair.lab.wait_for(lambda: "10.0.0.1" not in pair.rows(pair.r2), "r2 has it no more")
    assert bool([a for a in pair.e1.show("arp") if a["ip"] == "10.0.0.1"]) == alive


@pytest.mark.kernel
def test_a_silent_host_outlives_the_bridges_memory(pair):
    """The bridge forgets a MAC sooner than its host would be asked: then it is asked at once, and stays. When it is dead it goes."""
    pair.h1.speak()
    pair.wait_row(pair.r2, "10.0.0.1", MAC1)
    pair.r1.ip("link set br100 type bridge ageing_time 100")
    watch = pair.r1.start("aged", ["bridge", "monitor", "fdb"])
    here = []
    for _ in range(50):
        time.sleep(0.1)
        here.append(pair.rows(pair.r2).get("10.0.0.1") == MAC1)
    watch.stop()
    assert "Deleted %s dev h1" % MAC1 in watch.tail(), "its MAC was forgotten meanwhile"
    assert here.count(False) < 5, here
    pair.h1.ip("addr flush dev " + pair.h1.dev)
    pair.lab.wait_for(lambda: pair.r2.remote("vxlan100", MAC1) is None and "10.0.0.1" not in pair.rows(pair.r2), "r2 has it no more")
    pair.lab.wait_for(lambda: not [a for a in pair.e1.show("arp") if a["ip"] == "10.0.0.1"], "nor r1")


@pytest.mark.kernel
def test_a_doubted_ipv6_host_is_asked(pair):
    pair.r1.ip("addr add 2001:db8:a::251/64 dev br100 nodad")
    pair.lab.wait_for(lambda: pair.h1.ping("2001:db8:a::251"), "h1 talks to r1")
    pair.wait_row(pair.r2, "2001:db8:a::1", MAC1)
    with Wire(pair.h1) as w1:
        pair.r1.ip("neigh del 2001:db8:a::1 dev br100")
        question = w1.hear(lambda p: ICMPv6ND_NS in p and p[ICMPv6ND_NS].tgt == "2001:db8:a::1" and p.dst == MAC1)
        assert question and question[ICMPv6NDOptSrcLLAddr].lladdr == question.src
    time.sleep(4)  # longer than it is waited for an answer
    assert pair.rows(pair.r2).get("2001:db8:a::1") == MAC1


@pytest.mark.kernel
def test_a_move_that_is_told_by_rarp_takes_the_addresses_along(pair):
    """QEMU tells of a migrated host by RARP, which has no address in it. The host says nothing itself, but answers."""
    p, lab, old = pair, pair.lab, pair.h1.dev
    p.h1.speak()
    p.wait_row(p.r2, "10.0.0.1", MAC1)
    p.h1.ip("addr flush dev " + old)
    p.h1.ip("link set %s address 02:ff:00:00:00:01" % old)
    p.h1.plug(p.r2, "br100", "h1.1")
    with Wire(p.h1) as w:
        w.send(Ether(src=MAC1, dst="ff:ff:ff:ff:ff:ff", type=0x8035) / ARP(op=3, hwsrc=MAC1, hwdst=MAC1, psrc="0.0.0.0", pdst="0.0.0.0"))
        lab.wait_for(lambda: [a["state"] for a in p.e2.show("arp") if a["ip"] == "10.0.0.1"] == ["local"], "r2 has its address")
        p.wait_row(p.r1, "10.0.0.1", MAC1)


@pytest.mark.parametrize("ip", ["10.0.0.1", "2001:db8:a::1"], ids=["ipv4", "ipv6"])
def test_an_address_moves_to_another_mac_behind_another_vtep(pairs, ip):
    """As when a spare takes over: the one that had it is asked, is silent, and the row is the other's in seconds."""
    with Wire(pairs.h1) as w1:
        w1.send(announce(MAC1, ip))
        pairs.wait_row(pairs.r2, ip, MAC1)
    pairs.h1.ip("addr flush dev " + pairs.h1.dev)
    with Wire(pairs.h2) as w2:
        w2.send(announce(MAC2, ip))
    pairs.wait_row(pairs.r1, ip, MAC2, 8)
    pairs.lab.wait_for(lambda: ip not in pairs.rows(pairs.r2), "r2 has no row for its own host")
    assert [a["mac"] for a in pairs.e1.show("arp") if a["ip"] == ip] == [MAC2]


def test_an_address_moves_to_another_mac_on_the_same_port(pairs):
    with Wire(pairs.h1) as w1:
        w1.send(announce(MAC1, "10.0.0.50"))
        pairs.wait_row(pairs.r2, "10.0.0.50", MAC1)
        w1.send(announce(MAC9, "10.0.0.50"))
        pairs.wait_row(pairs.r2, "10.0.0.50", MAC9)
    assert [a["mac"] for a in pairs.e1.show("arp") if a["ip"] == "10.0.0.50"] == [MAC9]


def test_a_router_is_advertised_as_one(pairs):
    with Wire(pairs.h1) as w1:
        na = announce(MAC1, "2001:db8:a::1")
        na[ICMPv6ND_NA].R = 1
        w1.send(na)
    pairs.lab.wait_for(lambda: [a for a in pairs.e1.show("arp") if a["ip"] == "2001:db8:a::1" and a["router"]], "r1 knows it as a router")


@pytest.mark.parametrize("dataplane", ["kernel", "userspace"])
def test_hosts_are_not_heard_when_that_is_off(lab, dataplane):
    p = Pair(lab, "host-learning: false", dataplane=dataplane)
    with Wire(p.h1) as w1:
        w1.send(announce(MAC1, "10.0.0.77"))
        lab.wait_for(lambda: p.there(p.e2, mac=MAC1), "the MAC is known")
    assert not p.e1.show("arp")


def test_a_flood_of_arp_is_bounded(pairs):
    """One port says far more than it may: some of it is heard, the rest is counted, nothing else suffers."""
    started = time.monotonic()
    frames = [bytes(arp(MAC1, "10.1.%d.%d" % (i % 2, i // 2 + 1), "10.0.0.254")) for i in range(400)]
    with Wire(pairs.h1) as w1:
        for i in range(40000):
            w1.s.send(frames[i % 400])
    pairs.lab.wait_for(lambda: pairs.e1.show("vni", "100")["packets_unheard"] > 0, "what was not heard is counted")
    assert pairs.e1.show("vni", "100")["packets_heard"] < 2000 + 1000 * (time.monotonic() - started)
    pairs.lab.wait_for(lambda: "more than 1000 ARP and ND packets a second" in pairs.e1.log(), "and said")
    assert pairs.h1.ping("10.0.0.2")


@pytest.mark.kernel
def test_without_cap_net_raw_the_rest_works(lab):
    r1, r2 = lab.fabric("r1", "r2")
    h1, h2 = lab.host("h1", 1).plug(r1), lab.host("h2", 2).plug(r2)
    e2 = Evpnd(r2, evpnd.conf(r2, 65000, [(r1.address, 65000)], ports=["h2"]))
    e1 = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], ports=["h1"]), start=False)
    e1.process = r1.start(e1.name, ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", os.path.join(BUILD, "evpnd"),
                                    "-c", e1.file, "-s", e1.socket])
    lab.wait_for(lambda: e1.established(r2.address), "the session is up", 20)
    lab.wait_for(lambda: h1.ping("10.0.0.2"), "h1 reaches h2")
    lines = [line for line in e1.log().splitlines() if "CAP_NET_RAW" in line]
    assert len(lines) == 1 and e2.established(r1.address)
    assert not e1.show("arp") or all(a["state"] == "remote" for a in e1.show("arp"))
