# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnd with evpnd, and evpnd as the route reflector of others.

    h1 --br100 [r1] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2] br100-- h2
                                      |
                                [rr] 192.0.2.3
"""
import os
import signal

import pytest

from evlab import Evpnd, Frr, Gobgp, evpnd, frr, gobgp

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"


class Pair:
    """Two evpnds, each with a host; transport and VTEPs IPv4 or IPv6."""

    def __init__(self, lab, asn2=65000, v6=False):
        self.lab = lab
        self.r1, self.r2 = self.r = lab.fabric("r1", "r2")
        self.vtep = [n.address6 if v6 else n.address for n in self.r]
        self.h = [lab.host("h1", 1, ip6=True).plug(self.r1), lab.host("h2", 2, ip6=True).plug(self.r2)]
        self.evpnd = [Evpnd(n, evpnd.conf(n, asn, [(self.vtep[1 - i], other)], vtep='"%s"' % self.vtep[i], ports=[self.h[i].name]))
                      for i, (n, asn, other) in enumerate([(self.r1, 65000, asn2), (self.r2, asn2, 65000)])]
        self.up()

    def up(self):
        self.lab.wait_for(lambda: self.evpnd[0].established(self.vtep[1]) and self.evpnd[1].established(self.vtep[0]), "the session is up", 20)

    def reach(self):
        self.lab.wait_for(lambda: self.h[0].ping("10.0.0.2"), "h1 reaches h2", 20)
        self.lab.wait_for(lambda: self.r1.remote("vxlan100", MAC2) == self.vtep[1], "r1 has h2")
        self.lab.wait_for(lambda: self.r2.remote("vxlan100", MAC1) == self.vtep[0], "r2 has h1")


@pytest.mark.dataplanes
@pytest.mark.parametrize("v6", [False, True], ids=["ipv4-underlay", "ipv6-underlay"])
@pytest.mark.parametrize("asn2", [65000, 65002], ids=["ibgp", "ebgp"])
def test_two_hosts_share_an_overlay(lab, asn2, v6):
    p = Pair(lab, asn2, v6)
    p.reach()
    lab.wait_for(lambda: p.h[1].ping("2001:db8:a::1"), "IPv6 hosts reach each other, too")
    for i in (0, 1):
        assert p.r[i].flood("vxlan100") == [p.vtep[1 - i]]
        mac = p.evpnd[i].mac(100, (MAC2, MAC1)[i])
        assert (mac["state"], mac["vtep"]) == ("remote", p.vtep[1 - i])
        if lab.dataplane == "userspace":
            continue
        link, = p.r[i].ip_json("link show vxlan100")
        data = link["linkinfo"]["info_data"]
        assert (data.get("local6") if v6 else data.get("local")) == p.vtep[i]
        # 50 octets of headers over IPv4, 70 over IPv6, on an underlay of 1600.
        assert link["mtu"] == (1530 if v6 else 1550)


@pytest.mark.dataplanes
def test_host_moves_back_and_forth(lab):
    """As often as a host may within three minutes; at the fifth move it would be a duplicate."""
    p = Pair(lab)
    p.reach()
    h3 = lab.host("h3", 3).plug(p.r1, "br100")
    h3.speak()
    here = 0
    for moves in range(1, 5):
        here = 1 - here
        old = h3.move(p.r[here], "br100")
        lab.wait_for(lambda: (p.evpnd[here].mac(100, h3.mac) or {}).get("state") == "local", "move %d is seen" % moves)
        lab.wait_for(lambda: (p.evpnd[1 - here].mac(100, h3.mac) or {}).get("state") == "remote", "move %d is told" % moves)
        assert [e.mac(100, h3.mac)["sequence"] for e in p.evpnd] == [moves, moves]
        lab.wait_for(lambda: p.r[1 - here].remote("vxlan100", h3.mac) == p.vtep[here], "the kernel follows")
        lab.wait_for(lambda: p.h[1 - here].ping("10.0.0.3"), "the host is reached where it is")
        h3.forget(old)


@pytest.mark.kernel
def test_killed_evpnd_finds_its_rows_again(lab):
    """kill -9: the rows stay; the next evpnd knows them as its own and cleans up what is stale."""
    p = Pair(lab)
    p.reach()
    p.evpnd[0].kill()
    assert p.r1.remote("vxlan100", MAC2) == p.vtep[1]
    p.h[1].unplug()  # while nobody listens on r1: the row of h2 is stale now
    lab.wait_for(lambda: p.evpnd[1].mac(100, MAC2) is None, "r2 forgets h2")
    p.evpnd[0].start()
    p.up()
    lab.wait_for(lambda: not p.r1.fdb("vxlan100", MAC2), "the stale row goes")
    h4 = lab.host("h4", 4).plug(p.r2, "br100")
    h4.speak()
    lab.wait_for(lambda: p.h[0].ping("10.0.0.4"), "new hosts are reached")


@pytest.mark.dataplanes
def test_two_vnis_stay_apart(lab):
    r1, r2 = lab.fabric("r1", "r2")
    e = [Evpnd(n, evpnd.conf(n, 65000, [(other.address, 65000)], vnis=(100, 200))) for n, other in ((r1, r2), (r2, r1))]
    lab.wait_for(lambda: e[0].established(r2.address), "the session is up", 20)
    a1 = lab.host("a1", 1).plug(r1, "br100")
    lab.host("a2", 2).plug(r2, "br100")
    b1 = lab.host("b1", 1).plug(r1, "br200")  # the same addresses in another VNI
    b2 = lab.host("b3", 3).plug(r2, "br200")
    lab.wait_for(lambda: a1.ping("10.0.0.2"), "VNI 100 works")
    lab.wait_for(lambda: b1.ping("10.0.0.3"), "VNI 200 works")
    lab.wait_for(lambda: r1.remote("vxlan200", b2.mac) == r2.address, "rows of VNI 200")
    assert not a1.ping("10.0.0.3") and not r1.fdb("vxlan100", b2.mac)
    assert {v["vni"] for v in e[0].show("vni")} == {100, 200}
    assert e[0].show("vni", "200")["vni"] == 200


def test_reflects_between_frr_clients(lab):
    """RFC 4456: rr, without a dataplane, reflects between two FRRs; ORIGINATOR_ID and CLUSTER_LIST are right."""
    r1, r2, rr = lab.fabric("r1", "r2", "rr")
    e = Evpnd(rr, evpnd.conf(rr, 65000, [(n.address, 65000, "route-reflector-client: true") for n in (r1, r2)], vnis=()))
    f = []
    for n in (r1, r2):
        n.vxlan(100, n.address)
        f.append(Frr(n, frr.bgp_conf(65000, n.address, [(rr.address, 65000)])))
    h1, h2 = lab.host("h1", 1).plug(r1, "br100"), lab.host("h2", 2).plug(r2, "br100")
    lab.wait_for(lambda: e.established(r1.address) and e.established(r2.address), "both sessions are up", 20)
    lab.wait_for(lambda: h1.ping("10.0.0.2"), "h1 reaches h2")
    lab.wait_for(lambda: r1.remote("vxlan100", MAC2) == r2.address and r2.remote("vxlan100", MAC1) == r1.address, "kernel rows")
    prefix = "[2]:[0]:[48]:[%s]" % MAC2
    rd = f[0].routes()[prefix][0]["rd"]
    detail = f[0].json("show bgp l2vpn evpn route rd %s mac %s" % (rd, MAC2))
    path = detail[prefix][0][0]
    assert path["originatorId"] == r2.address and path["clusterList"]["list"] == [rr.address]
    assert {r["neighbor"] for r in e.routes("--mac", MAC2)} == {r2.address}
    assert {r["mac"] for r in e.routes("--advertised-to", r1.address, "--type", "2")} >= {MAC2}
    h2.unplug()
    lab.wait_for(lambda: not r1.remote("vxlan100", MAC2), "the withdrawal is reflected")


@pytest.mark.parametrize("client", [True, False], ids=["client", "two-non-clients"])
def test_reflection_rules(lab, client):
    """RFC 4456 section 6: from a client to all; from a non-client to clients only. Never back to whom it came from."""
    r1, r2, rr = lab.fabric("r1", "r2", "rr")
    option = "route-reflector-client: true"
    e = Evpnd(rr, evpnd.conf(rr, 65000, [(r1.address, 65000, option if client else ""), (r2.address, 65000)], vnis=()))
    g = [Gobgp(n, gobgp.conf(65000, n.address, [(rr.address, 65000)])) for n in (r1, r2)]
    lab.wait_for(lambda: e.established(r1.address) and e.established(r2.address), "both sessions are up", 20)
    for k, n in enumerate((r1, r2)):
        g[k].add_mac("02:00:00:00:00:9%d" % k, None, 100, "%s:100" % n.address, "65000:100", n.address)
    lab.wait_for(lambda: len(e.routes("--type", "2")) == 2, "the reflector has both")
    if client:
        lab.wait_for(lambda: g[1].route(2, mac="02:00:00:00:00:90"), "from the client")
        lab.wait_for(lambda: g[0].route(2, mac="02:00:00:00:00:91"), "to the client")
    else:
        assert e.neighbor(r1.address)["prefixes_sent"] == e.neighbor(r2.address)["prefixes_sent"] == 0
        assert not g[1].route(2, mac="02:00:00:00:00:90")
    for k in (0, 1):
        assert len(g[k].route(2, mac="02:00:00:00:00:9%d" % k)) == 1


def test_peer_that_stops_reading_harms_nobody(lab):
    """SIGSTOP for one client of the reflector: the other goes on."""
    r1, r2, rr = lab.fabric("r1", "r2", "rr")
    option = "route-reflector-client: true"
    e = Evpnd(rr, evpnd.conf(rr, 65000, [(n.address, 65000, option) for n in (r1, r2)], vnis=()))
    g = [Gobgp(n, gobgp.conf(65000, n.address, [(rr.address, 65000)])) for n in (r1, r2)]
    lab.wait_for(lambda: e.established(r1.address) and e.established(r2.address), "both sessions are up", 20)
    g[1].process.send(signal.SIGSTOP)
    for k in range(20):
        g[0].add_mac("02:00:00:00:01:%02x" % k, None, 100, "%s:100" % r1.address, "65000:100", r1.address)
    lab.wait_for(lambda: len(e.routes("--type", "2")) == 20, "the reflector has the routes")
    g[1].process.send(signal.SIGCONT)
    lab.wait_for(lambda: len(g[1].route(2)) == 20, "the other gets them when it wakes up")


def test_closed_descriptors_take_no_log(lab):
    """Started without stdin, stdout and stderr, evpnd does not take their numbers: its log would go to its own sockets."""
    n = lab.node("n")
    e = Evpnd(n, "dataplane: none\n", start=False)
    p = n.start("evpnd", ["sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh", *e.command()])
    lab.wait_for(lambda: e.ctl("show", "version", check=False).returncode == 0, "it answers")
    assert all(os.path.samefile("/proc/%d/fd/%d" % (p.pid, fd), "/dev/null") for fd in range(3))
    p.stop()
