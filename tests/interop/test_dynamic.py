# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The modes in which rows come on demand: evpnd on one side, devices and rows set up with iproute2 on the other.

    h1 --br100 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 iproute2] br100-- h2
"""
import ipaddress
import json
import os
import re
import socket
import time

import pytest

from evlab import Evpnd, Pings, evpnd
from evlab.run import in_namespace

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"
BROADCAST = "ff:ff:ff:ff:ff:ff"


def plain(node, to, ipv6=False):
    """The other side, as a manual would have it: it floods and learns."""
    node.ip("link add br100 type bridge")
    node.ip("link add vxlan100 type vxlan id 100 local %s dstport 4789" % (node.address6 if ipv6 else node.address))
    node.ip("link set vxlan100 master br100 up")
    node.ip("link set br100 up")
    node.bridge("fdb append 00:00:00:00:00:00 dev vxlan100 dst %s" % to)


def registry(lab, *hosts, junk=""):
    """A registry file: JSON, a host a line."""
    path = lab.path("hosts")
    with open(path + ".new", "w") as f:
        for mac, ip, vtep in hosts:
            f.write(json.dumps({"vni": 100, "mac": mac, "ip": ip, "vtep": vtep}) + "\n")
        f.write(junk)
    os.rename(path + ".new", path)
    return path


PROGRAM = """#!/usr/bin/python3 -u
import json, os, sys, time
d = os.path.dirname(os.path.realpath(__file__))
for line in sys.stdin:
    q = json.loads(line)
    mood = open(d + "/mood").read().strip()
    if mood == "die":
        sys.exit(1)
    if mood == "garbage":
        print("what?", flush=True)
        continue
    if mood == "wrong":
        print(json.dumps({"id": q["id"], "mac": "02:00:00:00:00:77", "ip": "10.0.0.77", "vtep": "192.0.2.2"}), flush=True)
        continue
    if mood in ("slow", "sleep"):
        time.sleep(1.5 if mood == "slow" else 30)
    hosts = [json.loads(h) for h in open(d + "/hosts")]
    found = [h for h in hosts if h["mac"] == q.get("mac") or h["ip"] == q.get("ip")]
    print(json.dumps({"id": q["id"], **found[0]} if found else {"id": q["id"], "vtep": None}), flush=True)
"""


def program(lab, *hosts, mood="well"):
    """A program that looks into the registry, in one of several moods."""
    registry(lab, *hosts)
    path = lab.path("resolve")
    with open(path, "w") as f:
        f.write(PROGRAM)
    os.chmod(path, 0o755)
    set_mood(lab, mood)
    return path


def set_mood(lab, mood):
    with open(lab.path("mood.new"), "w") as f:
        f.write(mood)
    os.rename(lab.path("mood.new"), lab.path("mood"))


both = pytest.mark.parametrize("dataplane", ["kernel", "userspace"])


class Pair:
    def __init__(self, lab, mode, resolver, ipv6=False, ip6=False, more="flood: [\"%s\"], ", make=None, dataplane="kernel"):
        self.lab, self.dataplane = lab, dataplane
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1, self.h2 = lab.host("h1", 1, ip6), lab.host("h2", 2, ip6)
        self.h1.plug(self.r1)
        here, self.there = [n.address6 if ipv6 else n.address for n in (self.r1, self.r2)]
        plain(self.r2, here, ipv6)
        self.h2.plug(self.r2, "br100")
        if "%s" in more:
            more = more % self.there
        if make:
            make(lab, (MAC2, "10.0.0.2", self.there))
        self.e = Evpnd(self.r1, "dataplane: %s\nvtep: \"%s\"\nvnis:\n  - {vni: 100, ports: [h1], mode: %s, %s%s}\n" % (dataplane, here, mode, more, "resolver: " + resolver if mode.startswith("dynamic") else "rsc: false"))
        lab.wait_for(lambda: self.e.show("vni", "100")["ready"], "the VNI is ready")
        assert self.e.show("vni", "100")["problem"] is None

    def row(self, mac=MAC2):
        if self.dataplane == "kernel":
            return self.r1.remote("vxlan100", mac)
        return next((r["vtep"] for r in self.e.fdb(mac=mac, observed=True, owner="evpnd")), None)

    def in_sync(self):
        """What is there is what is wanted, says a look at all tables."""
        d = self.e.ctl("diff", check=False)
        return d.returncode == 0 or d.stdout

    def resolver(self):
        return self.e.show("vni", "100")["resolver"]

    def reach(self):
        self.lab.wait_for(lambda: self.h1.ping(self.h2.ip4) and self.h2.ping(self.h1.ip4), "h1 and h2 reach each other", 20)
        return self


@both
def test_no_first_frame_is_lost(lab, dataplane):
    """Frames come before, while and after the row is written: those that waited leave then, and others may overtake them.
    Between the writes of the two rows of a MAC the kernel's bridge floods to the one that is there and to where frames wait: what
    comes just then is doubled (one frame in one of twenty such conversations, measured), rather than lost."""
    n, burst = 8, 200
    macs = ["02:00:00:00:01:%02x" % i for i in range(n)]
    p = Pair(lab, "dynamic-l2", "rib", dataplane=dataplane, more="flood: [192.0.2.2], hosts: [%s], " % ", ".join("{mac: '%s', vtep: 192.0.2.2}" % m for m in macs))
    p.h2.ip("link set %s promisc on" % p.h2.dev)
    tx, rx = [in_namespace(h, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))) for h in (p.h1, p.h2)]
    tx.bind((p.h1.dev, 0x88b5))
    rx.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
    rx.settimeout(10)
    for mac in macs:
        head = bytes.fromhex(mac.replace(":", "") + "020000000001" + "88b5")
        for i in range(burst):
            tx.send(head + i.to_bytes(4, "big") + bytes(50))
        got = set()
        while len(got) < burst:
            frame = rx.recv(2000)  # or it is not heard in time
            if frame[:12] == head[:12]:
                got.add(frame[14:18])


@both
def test_ageing(lab, dataplane):
    """Hosts of the configuration have rows when somebody talks to them, keep them meanwhile, and lose them when nobody does."""
    p = Pair(lab, "dynamic-l2", "rib", more="ageing: 6, hosts: [{mac: '%s', vtep: 192.0.2.2}], flood: [192.0.2.2], " % MAC2,
             dataplane=dataplane)
    assert p.row() is None
    assert p.row(BROADCAST) == p.there
    assert p.h1.one_ping(p.h2.ip4), "the first ping is not lost"
    p.reach()
    assert p.row() == p.there and p.in_sync() is True
    if dataplane == "kernel":
        assert p.r1.flood("vxlan100") == [], "no row for all: the kernel would not ask"
        row, = [r for r in p.r1.fdb("vxlan100") if r["mac"] == MAC2 and "self" in r["flags"]]
        assert "extern_learn" not in row["flags"], "that never ages"
    pings = Pings(p.h1, p.h2.ip4)
    end = time.monotonic() + (17 if dataplane == "kernel" else 8)  # the kernel looks every 10 s
    while time.monotonic() < end:
        assert p.row() or p.row(), "it is in use"
        time.sleep(0.3)
    lost, sent = pings.lost()
    assert sent > 300 and lost <= sent / 1000, "%d of %d pings lost" % (lost, sent)
    lab.wait_for(lambda: p.row() is None, "nobody uses it any more", 30)
    lab.wait_for(lambda: not [r for r in p.e.fdb(mac=MAC2) if r["desired"]], "it is not wished for either")
    assert p.e.show("memory")["dataplane"]["repairs"] == 0
    assert p.in_sync() is True
    p.reach()


@both
def test_rib_l3(lab, dataplane):
    """The RIB has all hosts, the kernel those that are talked to; ARP and ND are answered, and go nowhere."""
    r1, r2 = lab.fabric("r1", "r2")
    h1, h2 = lab.host("h1", 1, ip6=True).plug(r1), lab.host("h2", 2, ip6=True).plug(r2)
    h3 = lab.host("h3", 3, ip6=True).plug(r2)
    modes = {r1: "mode: dynamic-l3, resolver: rib", r2: "mode: dynamic-l2, resolver: rib"}
    e = {}
    for n, o, ports in ((r1, r2, ["h1"]), (r2, r1, ["h2", "h3"])):
        e[n] = Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], ports=ports, more="dataplane: %s\n" % dataplane, vni_more=modes[n]))
    lab.wait_for(lambda: e[r1].established(r2.address), "the session is up", 20)
    for h in (h1, h2, h3):
        h.speak()
    h2.ping(h1.ip6)  # so that it says who it is
    lab.wait_for(lambda: {r["ip"] for r in e[r1].show("arp", "--vni", "100")} >= {h2.ip4, h2.ip6, h3.ip4}, "the RIB knows them all")
    assert not [r for r in e[r1].fdb(desired=True) if r["mac"] in (MAC2, h3.mac)]
    assert [r["vtep"] for r in e[r1].fdb(mac=BROADCAST, observed=True)] == [r2.address]
    assert h1.one_ping(h2.ip4), "the first ping"
    assert h1.ping(h2.ip6), "by IPv6, too"
    assert {r["mac"] for r in e[r1].fdb(owner="evpnd", observed=True) if r["mac"] in (MAC2, h3.mac)} == {MAC2}
    if dataplane == "kernel":
        assert r1.remote("vxlan100", MAC2) == r2.address and r1.remote("vxlan100", h3.mac) is None
        assert {r["dst"] for r in r1.ip_json("neigh show dev br100 proto 179")} == {h2.ip4, h2.ip6}
        h2.move(r1, "br100")
        h2.speak()
        lab.wait_for(lambda: r1.remote("vxlan100", MAC2) is None, "what has come here has no row")
        lab.wait_for(lambda: h1.ping(h2.ip4), "and is reached")
    assert not h1.ping("10.0.0.77")
    resolver = e[r1].show("vni", "100")["resolver"]
    assert resolver["kind"] == "rib" and resolver["unknown"] >= 1 and resolver["answered"] >= 1 and resolver["dropped"] == 0


@pytest.mark.parametrize("mode", ["dynamic-l2", "dynamic-l3"])
@pytest.mark.parametrize("kind", ["file", "command"])
@pytest.mark.parametrize("ipv6", [False, True])
@both
def test_resolver(lab, kind, mode, ipv6, dataplane):
    """The first frame to a host has it looked up; its row follows the registry, and goes with it."""
    p = Pair(lab, mode, "{file: %s}" % lab.path("hosts") if kind == "file" else "{command: [%s]}" % lab.path("resolve"), ipv6,
             make=registry if kind == "file" else program, dataplane=dataplane)
    assert p.row() is None
    if mode == "dynamic-l3":
        p.h2.ip("neigh add 10.0.0.1 lladdr %s dev %s" % (MAC1, p.h2.dev))
    assert p.h1.one_ping(p.h2.ip4), "the first ping is not lost"
    p.reach()
    assert p.row() == p.there and p.in_sync() is True
    assert p.e.mac(100, MAC2)["vtep"] == p.there
    assert not p.h1.ping("10.0.0.77")
    r = p.resolver()
    assert (r["kind"], r["in_use"], r["dropped"], r["late"], r["error"]) == (kind, 1, 0, 0, None) and r["answered"] >= 1
    if mode == "dynamic-l3":
        assert r["unknown"] >= 1
    if kind == "file":
        other = "2001:db8::9" if ipv6 else "192.0.2.9"
        registry(lab, (MAC2, "10.0.0.2", other))
        lab.wait_for(lambda: p.row() == other, "the row is the new one")
        registry(lab, junk='{"vni": 100, "mac": "02:00"}\n')
        lab.wait_for(lambda: p.resolver()["error"], "the fault is told")
        assert p.resolver()["error"] == '%s:1: mac: expected the MAC address of a host, found "02:00"' % lab.path("hosts")
        assert p.row() == other, "the last good content stays"
        registry(lab, junk="# nobody\n\n")
        lab.wait_for(lambda: p.row() is None, "who is not there any more has no row")
        assert p.e.show("events", "--mac", MAC2, "--kind", "mac")[-1]["reason"] == "the resolver's answer has ended"


def arguments(pid):
    try:
        with open("/proc/%s/cmdline" % pid) as f:
            return f.read().split("\0")
    except OSError:
        return []  # gone meanwhile


def test_program_runs_with_no_rights(lab):
    """Nothing of evpnd's: no capability, no descriptor, another user where root has started it."""
    p = Pair(lab, "dynamic-l3", "{command: [%s, a b]}" % lab.path("resolve"), make=program)
    p.h2.ip("neigh add 10.0.0.1 lladdr %s dev %s" % (MAC1, p.h2.dev))
    assert p.h1.ping(p.h2.ip4)
    pids = [pid for pid in os.listdir("/proc") if pid.isdigit() and lab.path("resolve") in arguments(pid)]
    assert len(pids) == 1
    status = dict(line.split(":", 1) for line in open("/proc/%s/status" % pids[0]).read().splitlines() if ":" in line)
    assert int(status["CapPrm"], 16) == int(status["CapEff"], 16) == 0 and status["NoNewPrivs"].strip() == "1"
    assert int(status["Uid"].split()[0]) != 0
    assert open("/proc/%s/cmdline" % pids[0]).read().endswith("a b\0")
    p.e.stop()
    lab.wait_for(lambda: not os.path.exists("/proc/%s/status" % pids[0]), "it ends with evpnd")


@pytest.mark.parametrize("mood,words", [("die", "has ended"), ("garbage", "answers nonsense"), ("wrong", "answers nonsense"),
                                        ("sleep", "does not answer in time")])
def test_program_in_a_bad_mood(lab, mood, words):
    """One that dies, answers nonsense or too late is started again, later each time, and this is said."""
    p = Pair(lab, "dynamic-l3", "{command: [%s]}" % lab.path("resolve"), make=program)
    p.h2.ip("neigh add 10.0.0.1 lladdr %s dev %s" % (MAC1, p.h2.dev))
    time.sleep(2.2 if mood == "sleep" else 0)  # it has so long after a start
    set_mood(lab, mood)
    lab.wait_for(lambda: not p.h1.ping(p.h2.ip4) and words in (p.resolver()["error"] or ""), "its fault is told: %s" % words, 20)
    assert words in p.e.log()
    set_mood(lab, "well")
    lab.wait_for(lambda: p.h1.ping(p.h2.ip4), "it answers again", 20)
    r = p.resolver()
    assert r["state"] == "running" and r["starts"] >= 2


@both
def test_slow_answer_loses_no_frame(lab, dataplane):
    """As long as an answer may take the frames that ask for it are kept."""
    p = Pair(lab, "dynamic-l2", "{command: [%s]}" % lab.path("resolve"), make=lambda *a: program(*a, mood="slow"), dataplane=dataplane)
    lab.wait_for(lambda: p.resolver()["state"] == "running", "the program runs")
    assert p.h1.one_ping(p.h2.ip4), "the first ping is not lost"
    r = p.resolver()
    assert (r["late"], r["answered"]) == (0, 1)


@pytest.mark.parametrize("mode", ["dynamic-l2", "dynamic-l3"])
def test_without_a_bridge(lab, mode):
    """The host of r1 itself is the endpoint; what it asks for its neighbours is a question to the resolver."""
    r1, r2 = lab.fabric("r1", "r2")
    h2 = lab.host("h2", 2)
    plain(r2, r1.address)
    h2.plug(r2, "br100")
    e = Evpnd(r1, "vtep: 192.0.2.1\nvnis:\n  - {vni: 100, bridge: none, mode: %s, flood: [192.0.2.2], resolver: {file: %s}}\n" %
              (mode, registry(lab, (MAC2, "10.0.0.2", "192.0.2.2"))))
    lab.wait_for(lambda: e.show("vni", "100")["ready"], "the VNI is ready")
    r1.ip("link set vxlan100 address 02:00:00:00:00:01")
    r1.ip("addr add 10.0.0.1/24 dev vxlan100")
    h2.ip("neigh add 10.0.0.1 lladdr %s dev %s" % (MAC1, h2.dev))
    assert r1.one_ping("10.0.0.2"), "the first ping"
    assert r1.remote("vxlan100", MAC2) == "192.0.2.2"
    assert e.show("vni", "100")["problem"] is None


def test_modes_change(lab):
    """From evpn's to rows on demand and back, and the registry for the RIB."""
    p = Pair(lab, "dynamic-l2", "{file: %s}" % lab.path("hosts"), make=registry)
    p.reach()
    for mode in ("dynamic-l3", "static-flood", "dynamic-l2"):
        p.e.ctl("vni", "100", "mode", mode)
        lab.wait_for(lambda: p.e.show("vni", "100")["ready"], "the VNI is ready")
        assert p.e.show("vni", "100")["problem"] is None and p.e.show("vni", "100")["mode"] == mode
        assert p.r1.flood("vxlan100") == ([] if "dynamic" in mode else [p.there])
    p.e.ctl("reload")
    assert p.resolver()["kind"] == "file"
    p.reach()
    assert p.row() == p.there


def test_rows_of_an_earlier_run(lab):
    """What was in use before a restart is looked up again, and otherwise goes."""
    p = Pair(lab, "dynamic-l2", "{file: %s}" % lab.path("hosts"), make=registry)
    p.reach()
    p.e.kill()
    assert p.row() == p.there
    p.e.start()
    lab.wait_for(lambda: p.e.show("vni", "100")["ready"], "the VNI is ready")
    lab.wait_for(lambda: p.resolver()["in_use"] == 1, "it is in use again", 20)
    assert p.row() == p.there


@both
def test_ipv6_hosts_are_asked_for(lab, dataplane):
    """Where unknown multicast goes nowhere, the solicited-node group of each IPv6 host that is known has a row to its VTEP."""
    with open(lab.path("hosts"), "w") as f:
        f.write(json.dumps({"vni": 100, "mac": MAC2, "ip": "2001:db8:0:1::2", "vtep": "192.0.2.2"}) + "\n")
    p = Pair(lab, "dynamic-l2", "{file: %s}" % lab.path("hosts"), ip6=True, dataplane=dataplane,
             more="arp-suppression: false, flood: [192.0.2.2], groups: [\"ff02::fb\"], ")
    with open(lab.path("hosts"), "w") as f:
        f.write(json.dumps({"vni": 100, "mac": MAC2, "ip": p.h2.ip6, "vtep": "192.0.2.2"}) + "\n")
    group = "33:33:ff:" + ":".join("%02x" % b for b in ipaddress.ip_address(p.h2.ip6).packed[13:])
    lab.wait_for(lambda: p.row(group) == p.there, "its group has a row")
    assert p.row("33:33:00:00:00:fb") == p.there, "one of the configuration has, too"
    assert p.row() is None
    lab.wait_for(lambda: p.h1.ping(p.h2.ip6), "it is reached")
    assert p.row() == p.there and p.in_sync() is True


@pytest.mark.kernel
def test_the_first_program_needs_a_restart(lab):
    """evpnd, as it runs, can start no programs: a reload that asks for the first is refused as a whole, in so many words."""
    p = Pair(lab, "dynamic-l2", "rib", more="hosts: [{mac: '%s', vtep: 192.0.2.2}], flood: [192.0.2.2], " % MAC2)
    before = p.e.show("config")
    p.e.configure(p.e.config.replace("resolver: rib", "ageing: 77, resolver: {command: [/bin/cat]}"))
    r = p.e.ctl("reload", check=False)
    assert r.returncode == 1 and "nothing changed: the first 'resolver: {command: ...}' needs a restart" in r.stdout + r.stderr, r
    assert p.e.show("config") == before
    p.reach()


@both
def test_there_and_back(lab, dataplane):
    """From flooding to rows on demand and back while traffic flows: devices stay, and a change costs a packet of those 10 ms apart."""
    p = Pair(lab, "static-flood", "rib", dataplane=dataplane, more="flood: [192.0.2.2], hosts: [{mac: '%s', vtep: 192.0.2.2}], " % MAC2)
    p.reach()
    before = p.r1.ip("link show") if dataplane == "kernel" else ""
    pings = [Pings(p.h1, p.h2.ip4), Pings(p.h2, p.h1.ip4)]
    for mode in ("dynamic-l2", "static-flood", "dynamic-l2"):
        p.e.ctl("vni", "100", "mode", mode)
        time.sleep(1.5)  # traffic in this mode
        assert p.e.show("vni", "100")["problem"] is None
    assert p.row() == p.there
    if dataplane == "kernel":
        index = re.search(r"(\d+): vxlan100", before).group(1)
        assert index + ": vxlan100" in p.r1.ip("link show")
    for x in pings:
        lost, sent = x.lost()
        assert sent > 200 and lost <= 3, "%d of %d pings lost" % (lost, sent)
