# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Graceful restart (RFC 4724, 8538): an evpnd goes and comes back, and hosts behind it notice nothing.

    h1 --br100 [r1] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2] br100-- h2
                                      |
                                [rr] 192.0.2.3
"""
import os
import shutil
import signal
import time
from datetime import datetime

import pytest

from evlab import Evpnd, Frr, Gobgp, Pings, evpnd, frr, gobgp
from evlab.run import run

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"


class Pair:
    """Two evpnds, each with a host, over a reflector or directly."""

    def __init__(self, lab, more="", reflector=False, option=""):
        self.lab = lab
        self.nodes = lab.fabric("r1", "r2", *["rr"] * reflector)
        self.r1, self.r2 = self.nodes[:2]
        self.a = [n.address for n in self.nodes]
        self.h = [lab.host("h1", 1).plug(self.r1), lab.host("h2", 2).plug(self.r2)]
        if reflector:
            self.rr = Evpnd(self.nodes[2], evpnd.conf(self.nodes[2], 65000, [
                (a, 65000, "route-reflector-client: true") for a in self.a[:2]], vnis=(), more=more))
        self.evpnd = [Evpnd(n, evpnd.conf(n, 65000, [(self.a[2] if reflector else self.a[1 - i], 65000, option)], ports=[self.h[i].name], more=more))
                      for i, n in enumerate(self.nodes[:2])]
        self.far = [self.a[2]] * 2 if reflector else self.a[1::-1]  # whom each peers with
        self.up()
        lab.wait_for(lambda: self.h[0].ping("10.0.0.2"), "h1 reaches h2", 20)
        self.rows()

    def up(self):
        self.lab.wait_for(lambda: all(e.established(far) for e, far in zip(self.evpnd, self.far)), "the sessions are up", 20)

    def rows(self):
        self.lab.wait_for(self.rows_are_there, "both kernels have the other's host")

    def rows_are_there(self):
        return self.r1.remote("vxlan100", MAC2) == self.a[1] and self.r2.remote("vxlan100", MAC1) == self.a[0]

    def pings(self):
        return [Pings(self.h[0], "10.0.0.2"), Pings(self.h[1], "10.0.0.1")]


def traffic(pings, n):
    """So many packets each way, of which a host sends a hundred a second."""
    for ping in pings:
        ping.go_on(n)


@pytest.mark.kernel
@pytest.mark.parametrize("how", ["sigterm", "sigkill", "upgrade", "sigkill-under-load"])
def test_no_packet_is_lost_over_a_restart(lab, how):
    p = Pair(lab)
    e = p.evpnd[0]
    if how == "upgrade":  # from another binary, whose file is replaced while it runs, as a package manager does
        e.process.stop(signal.SIGTERM)
        new, e.program = e.program, lab.path("evpnd")
        run(["strip", "-o", e.program, new])
        e.start()
        p.up()
        p.rows()
        shutil.copy(new, e.program + ".new")
        os.rename(e.program + ".new", e.program)
    busy = [p.r2.start("busy%d" % i, ["sh", "-c", "while :; do :; done"]) for i in range(os.cpu_count() if "load" in how else 0)]
    pings = p.pings()
    watches = [n.start("watch", ["bridge", "monitor", "fdb"]) for n in p.nodes]
    traffic(pings, 50)  # before it
    e.process.stop(signal.SIGKILL if "sigkill" in how else signal.SIGTERM)
    lab.wait_for(lambda: p.evpnd[1].neighbor(p.a[0])["state"] != "Established", "r2 sees the session end", 5)
    assert p.evpnd[1].neighbor(p.a[0])["stale"] >= 2
    assert all(r["stale"] for r in p.evpnd[1].routes("--neighbor", p.a[0]))
    traffic(pings, 200)  # while it is away
    assert p.rows_are_there()
    e.start()
    p.up()
    lab.wait_for(lambda: p.evpnd[1].neighbor(p.a[0])["stale"] == 0 and not p.evpnd[0].show("version")["restarting"], "the restart is over")
    traffic(pings, 100)  # after it
    assert p.rows_are_there()
    for ping in pings:
        lost, sent = ping.lost()
        assert lost == 0 and sent > 150, "%d of %d packets lost" % (lost, sent)
    for watch, mac in zip(watches, (MAC2, MAC1)):
        watch.stop()
        assert not [x for x in watch.tail().splitlines() if x.startswith("Deleted") and mac in x], watch.tail()
    for b in busy:
        b.stop(signal.SIGKILL)


@pytest.mark.kernel
def test_no_packet_is_lost_when_both_restart_at_once(lab):
    """Each has R set (RFC 4724 section 4.1), so neither waits for the other for ever."""
    p = Pair(lab)
    pings = p.pings()
    for e in p.evpnd:
        e.kill()
    traffic(pings, 50)  # while it is away
    for e in p.evpnd:
        e.start()
    p.up()
    lab.wait_for(lambda: not any(e.show("version")["restarting"] for e in p.evpnd), "both restarts are over", 20)
    traffic(pings, 50)  # after it
    assert p.rows_are_there()
    for ping in pings:
        lost, sent = ping.lost()
        assert lost == 0 and sent > 50, "%d of %d packets lost" % (lost, sent)


@pytest.mark.kernel
def test_no_packet_is_lost_with_route_target_constraint(lab):
    """RFC 4684: memberships come first on both sides, whoever waits for whose routes."""
    p = Pair(lab, option="families: [evpn, rtc]")
    pings = p.pings()
    p.evpnd[0].kill()
    lab.wait_for(lambda: p.evpnd[1].neighbor(p.a[0])["stale"] >= 2, "r2 keeps its routes", 5)
    p.evpnd[0].start()
    p.up()
    lab.wait_for(lambda: p.evpnd[1].neighbor(p.a[0])["stale"] == 0 and not p.evpnd[0].show("version")["restarting"], "the restart is over", 5)
    traffic(pings, 50)  # after it
    for ping in pings:
        lost, sent = ping.lost()
        assert lost == 0 and sent > 30, "%d of %d packets lost" % (lost, sent)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL], ids=["sigterm", "sigkill"])
def test_no_packet_is_lost_when_a_reflector_restarts(lab, sig):
    p = Pair(lab, reflector=True)
    pings = p.pings()
    traffic(pings, 50)  # before it
    p.rr.process.stop(sig)
    lab.wait_for(lambda: all(e.neighbor(p.a[2])["stale"] >= 2 for e in p.evpnd), "both keep its routes", 5)
    traffic(pings, 100)  # while it is away
    p.rr.start()
    p.up()
    lab.wait_for(lambda: all(e.neighbor(p.a[2])["stale"] == 0 for e in p.evpnd), "its routes are there again")
    traffic(pings, 50)  # after it
    assert not any("routes purged" in e.log() for e in p.evpnd)
    for ping in pings:
        lost, sent = ping.lost()
        assert lost == 0 and sent > 80, "%d of %d packets lost" % (lost, sent)


@pytest.mark.kernel
def test_what_is_not_told_again_is_purged_at_end_of_rib(lab):
    """Hosts that left while one side was away: the other forgets h1, and the kernel of the one that was away h2."""
    p = Pair(lab)
    p.evpnd[0].kill()
    lab.wait_for(lambda: p.evpnd[1].neighbor(p.a[0])["stale"] >= 2, "r2 keeps r1's routes")
    p.h[0].unplug()
    p.h[1].unplug()
    lab.wait_for(lambda: p.evpnd[1].mac(100, MAC2) is None, "r2 forgets h2")
    assert p.rows_are_there()
    p.evpnd[0].start()
    p.up()
    lab.wait_for(lambda: not p.r2.remote("vxlan100", MAC1), "r2's kernel forgets h1", 5)
    lab.wait_for(lambda: not p.r1.remote("vxlan100", MAC2), "r1's kernel forgets h2", 5)
    assert "not announced again before End-of-RIB" in p.evpnd[1].log()
    assert p.r1.flood("vxlan100") == [p.a[1]]


def test_who_does_not_come_back_is_forgotten(lab):
    p = Pair(lab, more="restart: {time: 3}\n")
    p.evpnd[0].kill()
    lab.wait_for(lambda: p.evpnd[1].neighbor(p.a[0])["stale"] >= 2, "r2 keeps its routes")
    assert p.r2.remote("vxlan100", MAC1) == p.a[0]
    lab.wait_for(lambda: not p.r2.fdb("vxlan100", MAC1) and not p.r2.flood("vxlan100"), "r2 forgets them", 6)

    def when(kind, event):
        return [datetime.fromisoformat(e["time"]) for e in p.evpnd[1].show("events", "--kind", kind) if e["event"] == event][-1]
    assert 2.9 < (when("vtep", "removed") - when("neighbor", "Idle")).total_seconds() < 5
    p.evpnd[0].start()
    p.up()
    p.rows()


def test_long_lived(lab):
    """RFC 9494: after the restart time its routes are a last resort, until their own time is over."""
    p = Pair(lab, more="restart: {time: 1, long-lived: 4}\n")
    p.evpnd[0].kill()
    lab.wait_for(lambda: p.evpnd[1].neighbor(p.a[0])["long_lived_stale"] >= 2, "its routes are long-lived stale", 5)
    routes = p.evpnd[1].routes("--neighbor", p.a[0])
    assert all(r["long_lived_stale"] and r["best"] and "65535:6" in r["communities"] for r in routes), routes
    assert p.r2.remote("vxlan100", MAC1) == p.a[0]
    lab.wait_for(lambda: not p.r2.remote("vxlan100", MAC1), "they go", 8)


@pytest.mark.parametrize("end", ["down", "flush"])
def test_an_end_for_good_is_a_hard_reset(lab, end):
    p = Pair(lab, more="restart: {rows: flush}\n" if end == "flush" else "")
    if end == "flush":
        p.evpnd[0].stop()
    else:
        p.evpnd[0].ctl("neighbor", p.a[1], "down")
    lab.wait_for(lambda: not p.r2.remote("vxlan100", MAC1), "r2 forgets h1 at once", 3)
    error = p.evpnd[1].neighbor(p.a[0])["last_error_received"]
    assert (error["code"], error["subcode"]) == (6, 9) and "administrative shutdown" in error["text"], error


class WithFrr:
    """evpnd on r1 and FRR, which restarts gracefully itself, on r2, each with a host."""

    GR = " bgp graceful-restart\n bgp graceful-restart preserve-fw-state\n bgp graceful-restart restart-time 20\n"

    def __init__(self, lab):
        self.lab = lab
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1, self.h2 = lab.host("h1", 1).plug(self.r1), lab.host("h2", 2)
        self.r2.vxlan(100, self.r2.address)
        self.h2.plug(self.r2, "br100")
        self.evpnd = Evpnd(self.r1, evpnd.conf(self.r1, 65000, [(self.r2.address, 65000)], ports=["h1"]))
        line = " no bgp default ipv4-unicast\n"
        self.frr = Frr(self.r2, frr.bgp_conf(65000, self.r2.address, [(self.r1.address, 65000)]).replace(line, line + self.GR))
        self.up()
        lab.wait_for(lambda: self.h1.ping("10.0.0.2"), "h1 reaches h2", 20)
        lab.wait_for(self.row, "evpnd's kernel has h2")

    def up(self):
        self.lab.wait_for(lambda: self.evpnd.established(self.r2.address) and self.frr.established(self.r1.address), "the session is up", 20)

    def row(self):
        return self.r1.remote("vxlan100", MAC2) == self.r2.address

    def neighbor(self):
        return self.evpnd.neighbor(self.r2.address)


def test_frr_restarts(lab):
    """evpnd as the helper of an FRR that is killed: nothing of it goes, and what is left goes at its End-of-RIB."""
    p = WithFrr(lab)
    assert p.neighbor()["graceful_restart"]["restart_time"] == 20
    p.frr.stop_bgpd(signal.SIGKILL)
    lab.wait_for(lambda: p.neighbor()["stale"] >= 2, "evpnd keeps its routes", 5)
    assert p.row() and p.r1.flood("vxlan100") == [p.r2.address]
    p.frr.start_bgpd()
    p.up()
    lab.wait_for(lambda: p.neighbor()["stale"] == 0 and p.neighbor()["eor_received"], "its routes are there again")
    lab.wait_for(p.row, "evpnd's kernel has h2", 5)
    p.h2.unplug()
    lab.wait_for(lambda: not p.row(), "and hears of it", 5)


@pytest.mark.kernel
def test_our_rows_stay_when_frr_is_no_helper(lab):
    """FRR 8.4 drops EVPN routes of a neighbor that restarts (its gap is shown); our kernel's rows never blink."""
    p = WithFrr(lab)
    ping = Pings(p.h2, "10.0.0.1")
    ping.go_on(30)  # before it
    watch = p.r1.start("watch", ["bridge", "monitor", "fdb"])
    p.evpnd.kill()
    time.sleep(0.5)  # traffic while it is away
    assert p.row()
    p.evpnd.start()
    p.up()
    lab.wait_for(lambda: "the restart is over" in p.evpnd.log(), "the restart is over")
    lab.wait_for(lambda: p.r2.remote("vxlan100", MAC1) == p.r1.address, "FRR's kernel has h1 again")
    assert p.row()
    watch.stop()
    assert not [x for x in watch.tail().splitlines() if x.startswith("Deleted") and MAC2 in x], watch.tail()
    print("FRR: %d of %d packets lost" % ping.lost())


def test_refreshes_with_frr_are_demarcated(lab):
    """RFC 7313 both ways: nothing that is told again goes."""
    p = WithFrr(lab)
    before = p.neighbor()
    p.evpnd.ctl("neighbor", p.r2.address, "refresh")
    lab.wait_for(lambda: p.neighbor()["messages"]["in"]["refresh"] >= before["messages"]["in"]["refresh"] + 2, "FRR sends BoRR and EoRR")
    lab.wait_for(lambda: p.neighbor()["refreshing"] == 0, "the refresh ends")
    assert p.neighbor()["prefixes_received"] == before["prefixes_received"] and p.row()
    sent = p.neighbor()["messages"]["out"]["refresh"]
    p.frr.vtysh("clear bgp l2vpn evpn * soft in")
    lab.wait_for(lambda: p.neighbor()["messages"]["out"]["refresh"] == sent + 2, "evpnd sends BoRR and EoRR")
    assert p.neighbor()["state"] == "Established"
    lab.wait_for(lambda: p.r2.remote("vxlan100", MAC1) == p.r1.address, "FRR has h1")


GOBGP_GR = """[neighbors.graceful-restart.config]
enabled = true
restart-time = 20
notification-enabled = true
long-lived-enabled = true
"""
GOBGP_FAMILY = """[neighbors.afi-safis.mp-graceful-restart.config]
enabled = true
[neighbors.afi-safis.long-lived-graceful-restart.config]
enabled = true
restart-time = 30
"""


def test_gobgp_restarts(lab):
    """With RFC 8538 and 9494 on both sides: kept over SIGTERM's Cease, then told again, and the rest goes."""
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], more="restart: {time: 60, long-lived: 60}\n"))
    g = Gobgp(r2, gobgp.conf(65000, r2.address, [(r1.address, 65000, GOBGP_GR)]) + GOBGP_FAMILY)

    def up():
        lab.wait_for(lambda: e.established(r2.address) and g.established(r1.address), "the session is up", 20)

    up()
    for k in (1, 2):
        g.add_mac("02:00:00:00:00:9%d" % k, None, 100, "%s:100" % r2.address, "65000:100", r2.address)
    lab.wait_for(lambda: e.neighbor(r2.address)["prefixes_received"] == 2, "evpnd has both")
    n = e.neighbor(r2.address)
    assert n["graceful_restart"] == {"restart_time": 20, "restarted": False, "notification": True}, n["graceful_restart"]
    assert any(c.startswith("long-lived-graceful-restart, 25/70 30 s") for c in n["capabilities_received"]), n["capabilities_received"]
    g.process.stop(signal.SIGKILL)
    lab.wait_for(lambda: e.neighbor(r2.address)["stale"] == 2, "both are kept", 5)
    g.start("-r")
    up()
    g.add_mac("02:00:00:00:00:91", None, 100, "%s:100" % r2.address, "65000:100", r2.address)
    lab.wait_for(lambda: e.neighbor(r2.address)["stale"] == 0, "what is left goes", 20)
    lab.wait_for(lambda: [r["mac"] for r in e.routes("--type", "2") if r["neighbor"]] == ["02:00:00:00:00:91"], "one is there", 5)


@pytest.mark.kernel
def test_large_table_is_adopted_and_swept(lab):
    """SIGKILL with more rows than are read at once: none is written again, and what the configuration lost meanwhile goes."""
    r1, r2 = lab.fabric("r1", "r2")
    macs = ["02:00:00:00:%02x:%02x" % (i >> 8, i & 255) for i in range(1, 6001)]

    def conf(macs):
        hosts = ", ".join('{mac: "%s", vtep: %s}' % (m, r2.address) for m in macs)
        return "vtep: %s\nvnis:\n  - {vni: 100, mode: static-l2, flood: [%s], hosts: [%s]}\n" % (r1.address, r2.address, hosts)

    e = Evpnd(r1, conf(macs))

    def rows():
        return e.json("show", "memory")["dataplane"]

    lab.wait_for(lambda: rows()["rows_there"] == len(macs) + 1, "all are there", 30)
    e.kill()
    e.configure(conf(macs[1:]))
    e.start()
    lab.wait_for(lambda: rows()["rows_there"] == len(macs), "all that are left are known, and the flood row", 30)
    lab.wait_for(lambda: macs[0] not in r1.run("bridge", "fdb", "show", "dev", "vxlan100").stdout, "the first one is swept", 30)
    assert rows()["writes"] == 1, "and that was all that was written"
    assert e.ctl("diff", check=False).returncode == 0
