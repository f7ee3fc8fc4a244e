# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""What happened and why: show events.

    h1 --br100 [r1] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2] br100-- h2
                                     |
                                   [r3] 192.0.2.3  GoBGP
"""
import socket

import pytest

from evlab import Evpnd, Gobgp, evpnd, gobgp
from evlab.run import in_namespace

MAC = "02:00:00:00:0a:01"


@pytest.fixture
def pair(lab):
    return Pair(lab)


class Pair:
    def __init__(self, lab, more="", before=None):
        self.lab = lab
        self.r1, self.r2 = lab.fabric("r1", "r2")
        if before:
            before(self.r1)
        self.h1, self.h2 = lab.host("h1", 1).plug(self.r1), lab.host("h2", 2).plug(self.r2)
        self.e1, self.e2 = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], ports=[port], more=more))
                            for n, o, port in ((self.r1, self.r2, "h1"), (self.r2, self.r1, "h2"))]
        lab.wait_for(lambda: self.r1.flood("vxlan100") and self.r2.flood("vxlan100"), "they flood to one another", 20)
        for h in (self.h1, self.h2):
            lab.wait_for(h._port_forwards, "the port of %s forwards" % h.name)

    def frame(self, host, mac=MAC):
        """A broadcast of a local experimental EtherType: bridges learn from it."""
        with in_namespace(host, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)) as s:
            s.bind((host.dev, 0))
            s.send(b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) + b"\x88\xb5" + bytes(46))

    def state(self, e, mac=MAC):
        return (e.mac(100, mac) or {}).get("state")


def events(e, *argv):
    return e.show("events", *argv)


def steps(e, *argv):
    """What became of it, in the order in which it did."""
    return [(r["was"], r["event"], r["reason"]) for r in events(e, *argv)]


def test_a_mac_that_is_learned_moves_and_goes(pair):
    p, lab = pair, pair.lab
    p.frame(p.h1)
    lab.wait_for(lambda: p.state(p.e2) == "remote", "r2 has it behind r1")
    p.frame(p.h2)
    lab.wait_for(lambda: p.state(p.e1) == "remote", "it has moved to r2")
    assert steps(p.e1, "--mac", MAC) == [(None, "local", "learned on a port"), ("local", "remote", "route with a higher sequence")]
    assert steps(p.e2, "--mac", MAC) == [(None, "remote", "route received"), ("remote", "local", "moved here from a VTEP")]
    learned, moved = events(p.e2, "--mac", MAC)
    assert (learned["vtep"], learned["neighbor"], learned["sequence"]) == (p.r1.address, p.r1.address, 0)
    assert (moved["vtep_was"], moved["interface"], moved["sequence"], moved["kind"], moved["vni"]) == (p.r1.address, "h2", 1, "mac", 100)
    assert learned["id"] < moved["id"] and learned["time"] <= moved["time"]
    p.h2.unplug()
    lab.wait_for(lambda: p.state(p.e1) is None, "it is gone")
    assert steps(p.e2, "--mac", MAC)[-1] == ("local", "gone", "left its port")
    assert steps(p.e1, "--mac", MAC)[-1] == ("remote", "gone", "route withdrawn")
    assert events(p.e1, "--mac", MAC)[-1]["vtep_was"] == p.r2.address
    assert "moved here from %s, on port" % p.r1.address in p.e2.ctl("show", "events", "--mac", MAC).stdout


def test_a_session_that_is_lost_and_what_goes_with_it(pair):
    p, lab = pair, pair.lab
    assert p.h1.ping(p.h2.ip4)
    lab.wait_for(lambda: p.e1.show("arp", "--ip", p.h2.ip4), "r1 knows the address")
    p.e2.ctl("neighbor", p.r1.address, "down")
    lab.wait_for(lambda: not p.e1.show("arp", "--ip", p.h2.ip4), "r1 has forgotten it")
    assert steps(p.e1, "--ip", p.h2.ip4) == [(None, "remote", "route received"), (None, "gone", "route withdrawn")]
    up, down = events(p.e1, "--kind", "neighbor", "--neighbor", p.r2.address)
    assert (up["event"], down["was"], down["event"]) == ("Established", "Established", "Idle")
    assert "administrative shutdown" in down["reason"]
    assert [r["event"] for r in events(p.e1, "--kind", "vtep")] == ["added", "removed"]
    assert [r["event"] for r in events(p.e2, "--ip", p.h2.ip4)] == ["local"], "what is here stays"


def test_options_choose(pair):
    p, lab = pair, pair.lab
    macs = ["02:00:00:00:0b:%02x" % i for i in range(8)]
    for mac in macs:
        p.frame(p.h2, mac)
    lab.wait_for(lambda: all(p.state(p.e1, mac) == "remote" for mac in macs), "all are there")
    everything = events(p.e1)
    assert [r["id"] for r in everything] == sorted(r["id"] for r in everything)
    assert events(p.e1, "--count", "3") == everything[-3:] and len(events(p.e1, "--count", "1000")) == len(everything)
    assert [r["mac"] for r in events(p.e1, "--kind", "mac", "--neighbor", p.r2.address, "--count", "8")] == macs
    assert events(p.e1, "--vni", "7") == []
    assert len(events(p.e1, "--since", "600")) == len(everything)
    assert everything[0]["kind"] == "system" and everything[0]["event"] == "started"
    p.e1.reload(p.e1.config.replace("vnis:", "vnis:\n  - {vni: 200}"))
    assert "200" in [r for r in events(p.e1, "--kind", "system") if r["event"] == "changed"][-1]["reason"]
    assert [r["event"] for r in events(p.e1, "--vni", "200", "--kind", "system")] == ["added", "ready"]
    wrong = p.e1.ctl("show", "events", "--kind", "macs", check=False)
    assert wrong.returncode == 2 and "--kind: expected neighbor, mac" in wrong.stderr


@pytest.mark.kernel
def test_a_row_that_another_hand_deletes_and_that_is_put_back(pair):
    p, lab = pair, pair.lab
    p.frame(p.h2)
    lab.wait_for(lambda: p.r1.remote("vxlan100", MAC) == p.r2.address, "r1 has its row")
    assert events(p.e1, "--kind", "row") == []
    p.r1.bridge("fdb del %s dev vxlan100 self" % MAC)
    lab.wait_for(lambda: p.r1.remote("vxlan100", MAC) == p.r2.address, "it is back")
    lab.wait_for(lambda: len(events(p.e1, "--kind", "row")) == 2, "both are noted")
    gone, back = events(p.e1, "--kind", "row", "--mac", MAC)
    assert (gone["event"], gone["table"], gone["vtep"], back["event"]) == ("deleted", "vxlan", p.r2.address, "restored")
    assert "was deleted by another hand" in p.e1.ctl("show", "events", "--kind", "row").stdout


@pytest.mark.kernel
def test_a_row_that_the_kernel_refuses(lab):
    first, second = "02:00:00:00:0c:01", "02:00:00:00:0c:02"
    p = Pair(lab, before=lambda r1: r1.ip("link add vxlan100 type vxlan id 100 local %s dstport 4789 nolearning maxaddress 2" % r1.address))
    p.frame(p.h2, first)
    lab.wait_for(lambda: p.r1.remote("vxlan100", first) == p.r2.address, "with the flood row it fills the table")
    p.frame(p.h2, second)
    lab.wait_for(lambda: events(p.e1, "--kind", "row"), "there is no room for another")
    refused, = events(p.e1, "--kind", "row")
    assert (refused["event"], refused["mac"], refused["reason"]) == ("refused", second, "No space left on device")
    p.r2.bridge("fdb del %s dev h2 master" % first)
    lab.wait_for(lambda: p.r1.remote("vxlan100", second) == p.r2.address, "now there is", 20)
    assert [r["event"] for r in events(p.e1, "--kind", "row")] == ["refused", "placed"]
