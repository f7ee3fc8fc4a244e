# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""What happened and why: show events, why.

    h1 --br100 [r1] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2] br100-- h2
                                     |
                                   [r3] 192.0.2.3  GoBGP
"""
import json
import signal
import subprocess
import threading

import pytest

from evlab import Evpnd, Gobgp, evpnd, gobgp

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
            h.wait_port()

    def state(self, e, mac=MAC):
        return (e.mac(100, mac) or {}).get("state")


def events(e, *argv):
    return e.show("events", *argv)


def steps(e, *argv):
    """What became of it, in the order in which it did."""
    return [(r["was"], r["event"], r["reason"]) for r in events(e, *argv)]


def test_a_mac_that_is_learned_moves_and_goes(pair):
    p, lab = pair, pair.lab
    p.h1.frame_until(lambda: p.state(p.e2) == "remote", "r2 has it behind r1", MAC)
    p.h2.frame_until(lambda: p.state(p.e1) == "remote", "it has moved to r2", MAC)
    assert steps(p.e1, "--mac", MAC) == [(None, "local", "learned on a port"), ("local", "remote", "route with a higher sequence")]
    assert steps(p.e2, "--mac", MAC) == [(None, "remote", "route received"), ("remote", "local", "moved here from a VTEP")]
    learned, moved = events(p.e2, "--mac", MAC)
    assert (learned["vtep"], learned["neighbor"], learned["sequence"]) == (p.r1.address, p.r1.address, 0)
    assert (moved["vtep_was"], moved["interface"], moved["sequence"], moved["kind"], moved["vni"]) == (p.r1.address, "h2", 1, "mac", 100)
    assert learned["id"] < moved["id"] and learned["time"] <= moved["time"]
    p.h2.unplug()
    lab.wait_for(lambda: p.state(p.e1) is None, "it is gone")
    assert steps(p.e2, "--mac", MAC)[-1] == ("local", "gone", "left its port")
    assert events(p.e2, "--mac", MAC)[-1]["interface"] == "h2", "the port is gone, its name is not"
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
    up, down = [r for r in events(p.e1, "--kind", "neighbor", "--neighbor", p.r2.address) if "Established" in (r["was"], r["event"])]
    assert (up["event"], down["was"], down["event"]) == ("Established", "Established", "Idle")
    assert "administrative shutdown" in down["reason"]
    assert [r["event"] for r in events(p.e1, "--kind", "vtep")] == ["added", "removed"]
    assert events(p.e2, "--ip", p.h2.ip4)[-1]["event"] == "local", "what is here stays"


def test_options_choose(pair):
    p, lab = pair, pair.lab
    macs = ["02:00:00:00:0b:%02x" % i for i in range(8)]
    for mac in macs:
        p.h2.frame_until(lambda: p.state(p.e1, mac) == "remote", "it is there", mac)
    everything = events(p.e1)
    assert [r["id"] for r in everything] == sorted(r["id"] for r in everything)
    assert events(p.e1, "--count", "3") == everything[-3:] and len(events(p.e1, "--count", "1000")) == len(everything)
    assert [r["mac"] for r in events(p.e1, "--kind", "mac", "--neighbor", p.r2.address, "--count", "8")] == macs
    assert events(p.e1, "--vni", "7") == []
    assert len(events(p.e1, "--since", "600")) == len(everything)
    assert everything[0]["kind"] == "system" and everything[0]["event"] == "started"
    p.e1.reload(p.e1.config.replace("vnis:", "vnis:\n  - {vni: 200}"))
    assert "200" in [r for r in events(p.e1, "--kind", "system") if r["event"] == "changed"][-1]["reason"]
    lab.wait_for(lambda: [r["event"] for r in events(p.e1, "--vni", "200", "--kind", "system")] == ["added", "ready"], "it has its devices")
    wrong = p.e1.ctl("show", "events", "--kind", "macs", check=False)
    assert wrong.returncode == 2 and "--kind: expected neighbor, mac" in wrong.stderr


@pytest.mark.kernel
def test_a_row_that_another_hand_deletes_and_that_is_put_back(pair):
    p, lab = pair, pair.lab
    p.h2.frame_until(lambda: p.r1.remote("vxlan100", MAC) == p.r2.address, "r1 has its row", MAC)
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
    p.h2.frame_until(lambda: p.r1.remote("vxlan100", first) == p.r2.address, "with the flood row it fills the table", first)
    p.h2.frame_until(lambda: events(p.e1, "--kind", "row"), "there is no room for another", second)
    refused, = events(p.e1, "--kind", "row")
    assert (refused["event"], refused["mac"], refused["reason"]) == ("refused", second, "No space left on device")
    p.r2.bridge("fdb del %s dev h2 master" % first)
    lab.wait_for(lambda: p.r1.remote("vxlan100", second) == p.r2.address, "now there is", 20)
    assert [r["event"] for r in events(p.e1, "--kind", "row")] == ["refused", "placed"]


def why(e, *argv):
    """The object, and whether evpnctl said yes."""
    p = e.ctl("--json", "why", *argv, check=False)
    assert p.returncode in (0, 1), p.stderr
    return json.loads(p.stdout), p.returncode == 0


def claims(w):
    return [(c["by"], c["verdict"], c["why"]) for c in w["claims"]]


def test_why_a_host_is_where_it_is(pair):
    p, lab = pair, pair.lab
    assert p.h1.ping(p.h2.ip4)
    lab.wait_for(lambda: why(p.e1, "ip", p.h2.ip4)[1], "its rows are there")
    w, yes = why(p.e1, "mac", p.h2.mac)
    assert yes and (w["verdict"], w["in_use"], w["state"], w["vtep"], w["vni"]) == ("in-use", True, "remote", p.r2.address, 100)
    assert claims(w) == [("route", "wins", None)] * 2 and {c["neighbor"] for c in w["claims"]} == {p.r2.address}
    assert [b["ip"] for b in w["bindings"]] == [p.h2.ip4] and all(r["observed"] for r in w["rows"])
    assert [(h["kind"], h["event"]) for h in w["history"]] == [("mac", "remote"), ("ip", "remote")]
    w, yes = why(p.e1, "ip", p.h2.ip4)
    assert yes and w["mac"] == p.h2.mac and {r["table"] for r in w["rows"]} >= ({"neigh"} if lab.dataplane == "kernel" else {"vtep"})
    assert [(h["kind"], h["event"]) for h in w["history"]] == [("mac", "remote"), ("ip", "remote")]
    assert {(c["mac"], c["ip"]) for c in w["claims"]} == {(p.h2.mac, None), (p.h2.mac, p.h2.ip4)}, "what its MAC has, too"
    assert ", its MAC alone, VTEP %s" % p.r2.address in p.e1.ctl("why", "ip", p.h2.ip4).stdout
    w, yes = why(p.e1, "ip", p.h1.ip4, "--vni", "100")
    assert yes and (w["state"], w["interface"]) == ("local", "h1")
    assert ("port", "wins", None) in claims(w) and ("route", "ours", None) in claims(w)
    text = p.e1.ctl("why", "mac", p.h2.mac).stdout
    assert "%s in VNI 100: remote behind %s, in use" % (p.h2.mac, p.r2.address) in text and "route received" in text


def test_why_a_host_has_moved_and_is_gone(pair):
    p, lab = pair, pair.lab
    p.h1.frame_until(lambda: p.state(p.e2) == "remote", "r2 has it behind r1", MAC)
    p.h2.frame_until(lambda: p.state(p.e1) == "remote", "it has moved to r2", MAC)
    w, yes = why(p.e2, "mac", MAC)
    assert yes and (w["state"], w["interface"], w["sequence"], w["reason"]) == ("local", "h2", 1, "moved here from a VTEP")
    p.e2.ctl("neighbor", p.r1.address, "down")
    lab.wait_for(lambda: p.state(p.e1) is None, "r1 does not know it any more")
    w, yes = why(p.e1, "mac", MAC)
    assert not yes and (w["verdict"], w["state"], w["claims"]) == ("unknown", None, [])
    assert [(h["was"], h["event"]) for h in w["history"] if h["kind"] == "mac"] == [(None, "local"), ("local", "remote"), ("remote", "gone")]
    assert [n["address"] for n in w["neighbors_down"]] == [p.r2.address]
    text = p.e1.ctl("why", "mac", MAC, check=False).stdout
    assert "not known" in text and "Neighbors without a session" in text and "is gone from behind %s" % p.r2.address in text


def test_why_a_route_is_not_used(lab):
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], vnis=(100, 200)))
    g = Gobgp(r2, gobgp.conf(65000, r2.address, [(r1.address, 65000)]))
    lab.wait_for(lambda: g.established(r1.address), "they have a session", 20)
    g.add_mac(MAC, None, 100, "192.0.2.2:1", "65000:999", r2.address)
    g.add_mac(MAC, None, 100, "192.0.2.2:2", "65000:100", r1.address)
    g.add_mac(MAC, None, 100, "192.0.2.2:3", "65000:100", "2001:db8::2")
    lab.wait_for(lambda: len(e.routes("--mac", MAC)) == 3, "the routes are there")
    w, yes = why(e, "mac", MAC, "--vni", "100")
    assert not yes and w["verdict"] == "unknown" and w["rows"] == []
    assert {(c["rd"], c["verdict"], c["why"]) for c in w["claims"]} == {
        ("192.0.2.2:1", "not-imported", "the VNI imports none of its route targets"),
        ("192.0.2.2:2", "rejected", "its next hop is our own address, or none that can be sent to"),
        ("192.0.2.2:3", "not-imported", "its next hop is of the other address family than our VTEP")}
    assert "route targets 65000:999: not imported" in e.ctl("why", "mac", MAC, "--vni", "100", check=False).stdout
    g.add_mac(MAC, "10.0.0.9", 100, "192.0.2.2:6", "65000:999", r2.address)
    text = lab.wait_for(lambda: "10.0.0.9" in (t := e.ctl("why", "ip", "10.0.0.9", "--vni", "100", check=False).stdout.partition("Claims")[2]) and t, "claimed")
    assert "10.0.0.9 at %s, VTEP %s" % (MAC, r2.address) in text, "nobody has it, so the route says who does"
    g.add_mac(MAC, "10.0.0.9", 100, "192.0.2.2:6", "65000:999", r2.address, delete=True)
    lab.wait_for(lambda: not e.routes("--ip", "10.0.0.9"), "it is withdrawn")
    wrong = e.ctl("why", "mac", MAC, check=False)
    assert wrong.returncode == 1 and "--vni" in wrong.stderr, "no VNI has it, and there are two"
    g.add_mac(MAC, None, 200, "192.0.2.2:4", "65000:200", r2.address)
    g.add_mac(MAC, None, 200, "192.0.2.2:5", "65000:200", "192.0.2.77")
    lab.wait_for(lambda: e.mac(200, MAC) and len(e.routes("--mac", MAC)) == 5, "one VNI has it")
    lab.wait_for(lambda: why(e, "mac", MAC)[1], "and its row")
    w, yes = why(e, "mac", MAC)
    assert w["vni"] == 200
    stand = {c["rd"]: (c["verdict"], c["why"]) for c in w["claims"]}
    assert stand["192.0.2.2:4"] == ("wins", None)
    assert stand["192.0.2.2:5"] == ("loses", "another claim has the same sequence and the lower VTEP address")
    w, yes = why(e, "mac", MAC, "--vni", "100")
    assert not yes and [(x["vni"], x["state"], x["vtep"]) for x in w["elsewhere"]] == [(200, "remote", r2.address)]
    w, yes = why(e, "mac", MAC, "--vni", "300")
    assert not yes and (w["verdict"], w["vni_known"], w["vnis"]) == ("no-vni", False, [100, 200])


@pytest.mark.kernel
def test_why_a_row_is_not_there(pair):
    p, lab = pair, pair.lab
    mac = p.r1.ip_json("link show br100")[0]["address"]
    p.h2.frame_until(lambda: p.state(p.e1, mac) == "remote", "its route is there", mac)
    w, yes = why(p.e1, "mac", mac)
    assert not yes and w["verdict"] == "not-programmed" and claims(w) == [("route", "wins", None)]
    assert any("own address" in (r["pending"] or "") for r in w["rows"])
    assert "not in use: a row is not there" in p.e1.ctl("why", "mac", mac, check=False).stdout


def test_why_a_duplicate_stays(lab):
    p = Pair(lab, more="mac-mobility: {moves: 3, window: 60}\n")

    def states():
        return p.state(p.e1), p.state(p.e2)

    def heard(i):
        (p.h1, p.h2)[i % 2].frame(MAC)
        return states() == (("local", "remote"), ("remote", "local"))[i % 2] or "duplicate" in states()

    for i in range(6):
        lab.wait_for(lambda: heard(i), "it has moved, or is a duplicate")
    e = p.e1 if p.state(p.e1) == "duplicate" else p.e2
    w, yes = why(e, "mac", MAC)
    assert w["state"] == "duplicate" and "moved too often" in w["reason"]
    assert w["history"][-1]["event"] == "duplicate" and len(w["history"]) >= 3
    assert events(e, "--mac", MAC)[-1] == {**w["history"][-1], "time": events(e, "--mac", MAC)[-1]["time"]}


class Monitor:
    """evpnctl --json monitor, read in the background."""

    def __init__(self, e, *argv):
        self.e, self.rows = e, []
        self.process = subprocess.Popen(["ip", "netns", "exec", e.node.ns, *e.argv("--json", "monitor", *argv)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=lambda: self.rows.extend(map(json.loads, self.process.stdout)), daemon=True)
        self.thread.start()

    def close(self):
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(10)
        self.thread.join(10)
        return status


def monitors(e):
    return e.show("memory")["control"]["monitors"]


def test_monitor_tells_what_happens_as_it_happens(pair):
    p, lab = pair, pair.lab
    everything, macs, routes, one, other = [Monitor(p.e1, *argv) for argv in (
        (), ("macs", "--mac", MAC), ("routes",), ("--mac", MAC, "--count", "1"), ("macs", "--mac", "02:00:00:00:99:99"))]
    lab.wait_for(lambda: monitors(p.e1) == 5, "they look on")
    p.h2.frame_until(lambda: p.state(p.e1) == "remote", "r1 has it behind r2", MAC)
    p.h1.frame_until(lambda: p.state(p.e1) == "local", "it has moved here", MAC)
    p.e2.ctl("neighbor", p.r1.address, "down")
    lab.wait_for(lambda: any(r["kind"] == "neighbor" for r in everything.rows), "the end of the session is told")
    lab.wait_for(lambda: len(macs.rows) == 2, "all of the MAC is told")
    assert [(r["was"], r["event"]) for r in macs.rows] == [(None, "remote"), ("remote", "local")]
    assert macs.rows == events(p.e1, "--mac", MAC, "--kind", "mac"), "the same as show events"
    assert [r["id"] for r in everything.rows] == sorted(r["id"] for r in everything.rows)
    assert {"mac", "neighbor", "route"} <= {r["kind"] for r in everything.rows}
    assert one.process.wait(10) == 0
    one.thread.join(10)
    assert [r["mac"] for r in one.rows] == [MAC]
    first = lab.wait_for(lambda: [r for r in routes.rows if r["mac"] == MAC], "the routes of the MAC are told")[0]
    assert (first["event"], first["route"], first["neighbor"], first["vtep"]) == (
        "added", "2 %s:100 %s" % (p.r2.address, MAC), p.r2.address, p.r2.address)
    assert {r["kind"] for r in routes.rows} == {"route"}
    assert events(p.e1, "--kind", "route", "--mac", MAC), "kept while someone looks on"
    assert [m.close() for m in (everything, macs, routes, other)] == [0] * 4 and other.rows == []
    lab.wait_for(lambda: monitors(p.e1) == 0, "nobody looks on any more")
    assert p.e1.node.run("timeout", "1", *p.e1.argv("monitor", "nothing"), check=False).returncode == 2
