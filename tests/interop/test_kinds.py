# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Every kind of bridge row on a local port of r1: what becomes of it, and of it when its MAC turns up behind r2.

    h1 --br100 [r1] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2] br100-- h2
"""
import itertools
import socket
import struct
import time

import pytest

from evlab import Evpnd, evpnd
from evlab.run import in_namespace
from evlab.vlans import needs_vlans

pytestmark = pytest.mark.kernel

MAC = "02:00:00:00:0a:01"


def set_locked(node, port, mab):
    """What `bridge link set dev PORT learning on locked on`, with mab and `mab on`, does, with iproute2 6.2 or later; whether the port has
    that now: a kernel skips the flags that it does not know."""
    nested, protinfo = 0x8000, 12
    flags = [struct.pack("=HHB3x", 5, kind, 1) for kind in (8, 39) + (40,) * mab]  # IFLA_BRPORT_LEARNING, _LOCKED, _MAB
    ifindex = node.ip_json("link show " + port)[0]["ifindex"]
    body = struct.pack("=HH", 4 + len(flags) * 8, protinfo | nested) + b"".join(flags)

    def ask(what, family, attributes):
        s.send(struct.pack("=IHHII", 32 + len(attributes), what, 5, 1, 0) + struct.pack("=BxHiII", family, 0, ifindex, 0, 0) + attributes)
        return s.recv(65536)

    with in_namespace(node, lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)) as s:
        error, = struct.unpack_from("=i", ask(19, socket.AF_BRIDGE, body), 16)  # RTM_SETLINK, with NLM_F_REQUEST | NLM_F_ACK
        assert error == 0, error
        shown = ask(18, socket.AF_UNSPEC, b"")  # RTM_GETLINK, which has the port's flags, too
    return all(flag in shown for flag in flags)


@pytest.fixture(params=["plain", pytest.param("vlan", marks=needs_vlans)])
def pair(lab, request):
    """On a bridge of its own, and on one with VLANs."""
    return Pair(lab, request.param == "vlan")


class Pair:
    def __init__(self, lab, vlan):
        self.lab, self.vlan = lab, vlan
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1, self.h2 = lab.host("h1", 1).plug(self.r1), lab.host("h2", 2).plug(self.r2)
        self.e1, self.e2 = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], ports=[port], vni_more=more)) for n, o, port, more in
                            ((self.r1, self.r2, "h1", "vlan: 10" if vlan else ""), (self.r2, self.r1, "h2", ""))]
        lab.wait_for(lambda: self.r1.flood("vxlan100") and self.r2.flood("vxlan100"), "they flood to one another", 20)
        for h in (self.h1, self.h2):
            h.wait_port()

    def state(self, e, mac=MAC):
        return (e.mac(100, mac) or {}).get("state")

    def port(self, mac=MAC):
        """Where r1's bridge has it."""
        return [dev for dev in ("h1", "vxlan100") for r in self.r1.fdb(dev, mac) if r.get("master") and r.get("vlan") == (10 if self.vlan else None)]

    def fdb(self, command):
        self.r1.bridge("fdb " + command + (" vlan 10" if self.vlan else ""))


@pytest.mark.parametrize("kind", ["learned", "dynamic"])
def test_what_may_move_moves(pair, kind):
    p, lab = pair, pair.lab
    if kind == "learned":
        p.h1.frame_until(lambda: p.port() == ["h1"], "r1 has it at its port", MAC)
    else:
        p.fdb("add %s dev h1 master dynamic" % MAC)
    lab.wait_for(lambda: p.state(p.e2) == "remote" and p.r2.remote("vxlan100", MAC) == p.r1.address, "r2 has it behind r1")
    assert p.e1.mac(100, MAC)["sticky"] is False
    p.h2.frame_until(lambda: p.state(p.e1) == "remote" and p.port() == ["vxlan100"], "it has moved to r2", MAC)
    p.h1.frame_until(lambda: p.state(p.e2) == "remote" and p.port() == ["h1"], "and back", MAC)


@pytest.mark.parametrize("kind", ["static", "static sticky"])
def test_what_is_static_stays_and_is_advertised_as_sticky(pair, kind):
    p, lab = pair, pair.lab
    p.fdb("add %s dev h1 master %s" % (MAC, kind))
    lab.wait_for(lambda: (p.e2.mac(100, MAC) or {}).get("sticky") is True, "r2 knows it as sticky")
    p.h2.frame_until(lambda: p.state(p.e2) in ("conflict", "remote"), "r2 does not claim it", MAC)
    time.sleep(0.5)  # r1 may move it now, if it ever does
    assert p.state(p.e1) == "local" and p.port() == ["h1"]
    p.fdb("del %s dev h1 master" % MAC)
    p.h2.frame_until(lambda: p.state(p.e2) == "local" and p.port() == ["vxlan100"], "it may move when it is not static any more", MAC)


def test_a_row_of_another_program_is_local_and_stays(pair):
    p, lab = pair, pair.lab
    p.fdb("add %s dev h1 master extern_learn" % MAC)
    lab.wait_for(lambda: p.r2.remote("vxlan100", MAC) == p.r1.address, "r2 has it behind r1")
    p.h2.frame(MAC)
    time.sleep(1)  # for a route of r2 to come and be acted on
    assert p.port() == ["h1"], "it is not ours to move"


@pytest.mark.parametrize("kind", ["permanent", "the port's own", "the bridge's own"])
def test_what_is_the_hosts_own_is_neither_advertised_nor_taken(pair, kind):
    p = pair
    if kind == "permanent":
        mac = MAC
        p.fdb("add %s dev h1 master permanent" % MAC)
    else:
        mac = p.r1.ip_json("link show " + ("h1" if "port" in kind else "br100"))[0]["address"]
    time.sleep(0.5)  # for it to be advertised, if it ever is
    assert p.e1.mac(100, mac) is None and p.e2.mac(100, mac) is None
    p.h2.frame_until(lambda: p.state(p.e1, mac) == "remote", "the route is shown", mac)
    row, = p.e1.fdb(mac=mac, table="vxlan", desired=True)
    assert not row["observed"] and "own address" in row["pending"], row
    assert "vxlan100" not in p.port(mac)


@pytest.mark.parametrize("mab", [False, True], ids=["locked", "mab"])
def test_what_is_locked_is_not_advertised(pair, mab):
    """802.1X: a station without a row is not let in; with MAC authentication bypass the bridge notes that it is there."""
    p, lab = pair, pair.lab
    if not set_locked(p.r1, "h1", mab):
        pytest.skip("a kernel without MAC authentication bypass (6.2)" if mab else "a kernel without locked ports (5.18)")
    if mab:
        p.h1.frame_until(lambda: p.port() == ["h1"], "the kernel has noted it", MAC)
    else:
        p.h1.frame(MAC)
    time.sleep(0.5)  # for it to be advertised, if it ever is
    assert p.port() == ["h1"] * mab and p.e1.mac(100, MAC) is None and p.e2.mac(100, MAC) is None
    p.fdb("replace %s dev h1 master dynamic" % MAC)
    lab.wait_for(lambda: p.state(p.e2) == "remote", "it is advertised once it is let in")


def test_a_mac_in_two_places_is_a_duplicate(pair):
    """RFC 7432 section 15.1: two hosts with one MAC. Both VTEPs stop, say it once, and start again when told to."""
    p, lab = pair, pair.lab
    turns = itertools.cycle((p.h1, p.h2))
    lab.wait_for(lambda: next(turns).frame(MAC) or "duplicate" in (p.state(p.e1), p.state(p.e2)), "it is a duplicate")
    e, = [x for x in (p.e1, p.e2) if p.state(x) == "duplicate"][:1]
    mac = e.mac(100, MAC)
    assert mac["moves"] == 5 and mac["vtep"] and mac["interface"] in ("h1", "h2") and 0 < mac["recovery_s"] <= 540
    sequence = max(x.mac(100, MAC)["sequence"] for x in (p.e1, p.e2))
    for i in range(20):
        (p.h1, p.h2)[i % 2].frame(MAC)
        time.sleep(0.02)
    assert max(x.mac(100, MAC)["sequence"] for x in (p.e1, p.e2)) <= sequence + 1 and sequence < 12
    assert len([line for line in e.log().splitlines() if "duplicate: moved 5 times" in line]) == 1
    assert e.ctl("mac", "clear", "--mac", "02:00:00:00:00:99", check=False).returncode == 1
    for x in (p.e1, p.e2):
        x.ctl("mac", "clear", "--vni", "100")
    assert "duplicate" not in (p.state(p.e1), p.state(p.e2))
    p.h1.frame_until(lambda: p.state(p.e1) == "local" and p.state(p.e2) == "remote" and p.port() == ["h1"], "it is where it speaks", MAC)
