# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Addresses of hosts: learned from the kernel's neighbour table, carried as MAC/IP routes, answered for where they are asked.

    h1 --br100 10.0.0.251 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 evpnd or FRR] br100-- h2
"""
import socket
import time

import pytest

from evlab import Evpnd, Frr, evpnd, frr
from evlab.run import in_namespace

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"


def evpnds(lab, vni_more=""):
    r1, r2 = lab.fabric("r1", "r2")
    h1, h2 = lab.host("h1", 1, ip6=True).plug(r1), lab.host("h2", 2, ip6=True).plug(r2)
    e1, e2 = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], ports=[port], vni_more=vni_more))
              for n, o, port in ((r1, r2, "h1"), (r2, r1, "h2"))]
    lab.wait_for(lambda: e1.established(r2.address), "the session is up", 20)
    r1.ip("addr add 10.0.0.251/24 dev br100")
    r1.ip("addr add 2001:db8:a::251/64 dev br100 nodad")
    return r1, r2, h1, h2, e1, e2


def learned(lab, h1, e1):
    lab.wait_for(lambda: h1.ping("10.0.0.251") and h1.ping("2001:db8:a::251"), "h1 talks to r1")
    lab.wait_for(lambda: {"10.0.0.1", "2001:db8:a::1"} <= set(e1.mac(100, MAC1)["ips"]), "r1 knows h1's addresses")


@pytest.mark.kernel
def test_local_addresses_are_advertised_and_answered_for(lab):
    """h2 asks for h1: r2 answers in its place (neigh_suppress), so h1 never sees the question."""
    r1, r2, h1, h2, e1, e2 = evpnds(lab)
    learned(lab, h1, e1)
    lab.wait_for(lambda: {"10.0.0.1", "2001:db8:a::1"} <= {a["ip"] for a in e2.show("arp") if a["state"] == "remote"}, "r2 has them")

    def rows():
        return {n["dst"]: n["lladdr"] for n in r2.ip_json("neigh show dev br100") if "lladdr" in n}
    lab.wait_for(lambda: rows().get("10.0.0.1") == rows().get("2001:db8:a::1") == MAC1, "r2 can answer")

    with in_namespace(h1, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))) as s:
        s.bind((h1.dev, 0x0806))
        lab.wait_for(lambda: h2.ping("10.0.0.1"), "h2 reaches h1")
        s.settimeout(0.2)
        asked = []
        end = time.monotonic() + 1
        while time.monotonic() < end:
            try:
                frame = s.recv(2000)
            except socket.timeout:
                continue
            if frame[6:12] == bytes.fromhex(MAC2.replace(":", "")) and frame[:6] == b"\xff" * 6 and frame[20:22] == b"\0\1":
                asked.append(frame.hex())
        assert not asked


@pytest.mark.kernel
def test_addresses_go_with_the_host(lab):
    """With the kernel's neighbour table alone, which nobody asks twice."""
    r1, r2, h1, h2, e1, e2 = evpnds(lab, "host-learning: false")
    learned(lab, h1, e1)
    lab.wait_for(lambda: len([a for a in e2.show("arp") if a["mac"] == MAC1]) == 2, "r2 has both")
    r1.ip("neigh del 10.0.0.1 dev br100")
    lab.wait_for(lambda: [a["ip"] for a in e2.show("arp") if a["mac"] == MAC1] == ["2001:db8:a::1"], "one is withdrawn")
    h1.unplug()
    lab.wait_for(lambda: not [a for a in e2.show("arp") if a["mac"] == MAC1], "all go with the MAC")
    lab.wait_for(lambda: not [n for n in r2.ip_json("neigh show dev br100") if n.get("lladdr") == MAC1], "r2's kernel forgets them")


@pytest.mark.dataplanes
def test_announcements_reach_frr_without_an_address_on_the_bridge(lab):
    """h1 says where it is; FRR hears of it by BGP alone, and its kernel answers for h1."""
    r1, r2 = lab.fabric("r1", "r2")
    h1, h2 = lab.host("h1", 1, ip6=True).plug(r1), lab.host("h2", 2, ip6=True)
    r2.vxlan(100, r2.address)
    h2.plug(r2, "br100")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], ports=["h1"]))
    f = Frr(r2, frr.bgp_conf(65000, r2.address, [(r1.address, 65000)]))
    lab.wait_for(lambda: e.established(r2.address), "the session is up", 20)
    lab.wait_for(lambda: h1.ping("10.0.0.2") and h1.ping("2001:db8:a::2"), "h1 reaches h2")
    for length, ip in ((32, "10.0.0.1"), (128, "2001:db8:a::1")):
        lab.wait_for(lambda: "[2]:[0]:[48]:[%s]:[%d]:[%s]" % (MAC1, length, ip) in f.routes(), "FRR has %s" % ip)
        lab.wait_for(lambda: [n.get("lladdr") for n in r2.ip_json("neigh show %s dev br100" % ip)] == [MAC1], "and its kernel")


@pytest.mark.kernel
@pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])
def test_addresses_reach_frr_and_come_from_it(lab, v6):
    r1, r2 = lab.fabric("r1", "r2")
    h1, h2 = lab.host("h1", 1, ip6=True).plug(r1), lab.host("h2", 2, ip6=True)
    r2.vxlan(100, r2.address)
    h2.plug(r2, "br100")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], ports=["h1"]))
    f = Frr(r2, frr.bgp_conf(65000, r2.address, [(r1.address, 65000)]))
    lab.wait_for(lambda: e.established(r2.address), "the session is up", 20)
    for n, k in ((r1, 251), (r2, 252)):
        n.ip("addr add 10.0.0.%d/24 dev br100" % k)
        n.ip("addr add 2001:db8:a::%d/64 dev br100 nodad" % k)
    own, far = ("2001:db8:a::1", "2001:db8:a::2") if v6 else ("10.0.0.1", "10.0.0.2")
    lab.wait_for(lambda: h1.ping("2001:db8:a::251" if v6 else "10.0.0.251"), "h1 talks to r1")
    lab.wait_for(lambda: h2.ping("2001:db8:a::252" if v6 else "10.0.0.252"), "h2 talks to r2")
    prefix = "[2]:[0]:[48]:[%s]:[%d]:[%s]" % (MAC1, 128 if v6 else 32, own)
    lab.wait_for(lambda: prefix in f.routes(), "FRR has h1's address")
    lab.wait_for(lambda: own in f.json("show evpn arp-cache vni 100"), "and its neighbour table")
    lab.wait_for(lambda: far in e.mac(100, MAC2)["ips"], "evpnd has h2's address")
    lab.wait_for(lambda: [n["lladdr"] for n in r1.ip_json("neigh show %s dev br100" % far)] == [MAC2], "and its kernel")
