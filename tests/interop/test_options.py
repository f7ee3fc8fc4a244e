# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Options of neighbors and VNIs, each seen from the other side.

    [r1 evpnd, AS 65000] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 FRR or a speaker]
"""
import struct

import pytest

from evlab import Evpnd, Frr, Gobgp, Speaker, Timeout, evpnd, frr, gobgp
from evlab.speaker import bgp

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"


def both_up(lab, e, f, r1, r2, timeout=15):
    lab.wait_for(lambda: e.established(r2.address) and f.established(r1.address), "the session is up", timeout)


def test_password(lab):
    """TCP-MD5 (RFC 2385): the same key on both sides, or nothing at all."""
    r1, r2 = lab.fabric("r1", "r2")
    conf = evpnd.conf(r1, 65000, [(r2.address, 65000, "password: one")], vnis=())
    e = Evpnd(r1, conf)
    f = Frr(r2, frr.bgp_conf(65000, r2.address, [(r1.address, 65000, ["password two"])]))
    with pytest.raises(Timeout):
        both_up(lab, e, f, r1, r2, 4)
    f.configure("router bgp 65000", "neighbor %s password one" % r1.address)
    both_up(lab, e, f, r1, r2)
    e.reload(conf.replace("password: one", "password: three"))
    lab.wait_for(lambda: not e.established(r2.address), "another key is another session")
    f.configure("router bgp 65000", "neighbor %s password three" % r1.address)
    both_up(lab, e, f, r1, r2)


def test_password_of_a_passive_neighbor(lab):
    """FRR connects; our listening socket knows the key of this neighbor and asks none of another."""
    r1, r2, r3 = lab.fabric("r1", "r2", "r3")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000, "passive: true, password: one"), (r3.address, 65000, "passive: true")], vnis=()))
    f = Frr(r2, frr.bgp_conf(65000, r2.address, [(r1.address, 65000, ["password one"])]))
    g = Gobgp(r3, gobgp.conf(65000, r3.address, [(r1.address, 65000)]))
    both_up(lab, e, f, r1, r2)
    both_up(lab, e, g, r1, r3)


def test_ttl_security(lab):
    """RFC 5082: both send 255 and take nothing that has come over a router. A peer that sends 1 is not heard."""
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65002, "ttl-security: 1")], vnis=()))
    f = Frr(r2, frr.bgp_conf(65002, r2.address, [(r1.address, 65000)]))  # eBGP: TTL 1
    with pytest.raises(Timeout):
        both_up(lab, e, f, r1, r2, 4)
    f.configure("router bgp 65002", "neighbor %s ttl-security hops 1" % r1.address)
    both_up(lab, e, f, r1, r2)


def test_max_prefixes(lab):
    """One route more than allowed: Cease 6/1 (RFC 4486)."""
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000, "passive: true, max-prefixes: 10")], vnis=()))
    rd = bgp.rd(1, ip="192.0.2.2")

    def routes(first, last):
        nlri = b"".join(bgp.t2(rd, b"\2\0\0\0\0" + bytes([k])) for k in range(first, last))
        return bgp.upd([bgp.mpr(nlri)] + bgp.base() + [bgp.EC])
    with Speaker(r2, r1.address, 65000) as s:
        s.establish()
        s.send(routes(0, 10))
        s.send(routes(0, 10))  # the same again is no more
        lab.wait_for(lambda: len(e.keys()) == 10, "ten are fine")
        s.send(routes(10, 11))
        n = s.notification()
        assert n and n[:2] == (6, 1), n
    lab.wait_for(lambda: not e.keys(), "its routes go")
    assert e.neighbor(r2.address)["last_error_sent"]["subcode"] == 1
    with Speaker(r2, r1.address, 65000) as s:  # it may come back at once
        s.establish()


def test_max_prefixes_restart(lab):
    """GoBGP has more routes than it may: it is told, waits, and is back when the time is over, with what it has then."""
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000, "max-prefixes: 4, max-prefixes-warning: 50, max-prefixes-restart: 7")], vnis=()))
    g = Gobgp(r2, gobgp.conf(65000, r2.address, [(r1.address, 65000)]))
    both_up(lab, e, g, r1, r2)

    def mac(k, **kw):
        g.add_mac("02:00:00:00:00:8%d" % k, None, 100, "%s:100" % r2.address, "65000:100", r2.address, **kw)
    for k in range(5):
        mac(k)
    lab.wait_for(lambda: not e.established(r2.address), "the session is gone")
    assert "2 routes, of 4 that max-prefixes allows" in e.log()
    n = e.neighbor(r2.address)
    assert (n["state"], n["last_error_sent"]["code"], n["last_error_sent"]["subcode"]) == ("Idle", 6, 1)
    assert 1 <= n["down_for_s"] <= 7 and n["max_prefixes_restart"] == 7
    text = e.ctl("show", "neighbors", r2.address).stdout
    assert "4 routes, a warning at 50 percent, down for 7 s after it, is down for another" in text, text
    mac(0, delete=True)
    both_up(lab, e, g, r1, r2, 30)
    lab.wait_for(lambda: len(e.keys()) == 4, "the four that are left")
    assert e.neighbor(r2.address)["down_for_s"] is None


def test_hold_time_is_the_smaller_one(lab):
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000, "hold-time: 30")], vnis=()))
    f = Frr(r2, frr.bgp_conf(65000, r2.address, [(r1.address, 65000, ["timers 5 60"])]))
    both_up(lab, e, f, r1, r2)
    assert e.neighbor(r2.address)["hold_time"] == 30
    assert f.json("show bgp neighbors %s" % r1.address)[r1.address]["bgpTimerHoldTimeMsecs"] == 30000


def test_hold_time_zero_sends_no_keepalives(lab):
    """RFC 4271 section 4.2."""
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000, "passive: true, hold-time: 0")], vnis=()))
    with Speaker(r2, r1.address, 65000) as s:
        s.establish(hold=0)
        while s.recv(2):
            pass
        assert not s.closed and e.established(r2.address)


def test_other_ports_and_addresses(lab):
    """evpnd listens on one address and port of its own and connects to port 1790 of FRR."""
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, "listen: {address: %s, port: 1179}\n" % r1.address + evpnd.conf(r1, 65000, [(r2.address, 65000, "port: 1790")], vnis=()))
    listening = r1.run("ss", "-Hltn").stdout.split()
    assert [a for a in listening if a.endswith(":1179")] == ["%s:1179" % r1.address] and not [a for a in listening if a.endswith(":179")]
    g = Gobgp(r2, gobgp.conf(65000, r2.address, [(r1.address, 65000, "[neighbors.transport.config]\npassive-mode = true")], port=1790))
    both_up(lab, e, g, r1, r2)
    e.ctl("neighbor", r2.address, "down")
    e.reload("listen: {address: %s, port: 1179}\n" % r1.address + evpnd.conf(r1, 65000, [(r2.address, 65000, "passive: true")], vnis=()))
    with Speaker(r2, r1.address, 65000, port=1179) as s:
        e.ctl("neighbor", r2.address, "up")
        assert s.closed or s.s.fileno() >= 0


def test_rd_and_route_targets_by_hand(lab):
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], vni_more='rd: "65000:7", import: ["65000:8", "192.0.2.9:9"], export: ["65000:10", "65000:11"]'))
    g = Gobgp(r2, gobgp.conf(65000, r2.address, [(r1.address, 65000)]))
    both_up(lab, e, g, r1, r2)
    route, = lab.wait_for(lambda: g.route(3, ip=r1.address), "our Type 3")
    assert route["nlri"]["value"]["rd"] == {"type": 0, "admin": 65000, "assigned": 7}
    communities = {a["type"]: a for a in route["attrs"]}[16]["value"]
    assert {c["value"] for c in communities if c.get("subtype") == 2} == {"65000:10", "65000:11"}
    for k, rt in enumerate(("65000:8", "192.0.2.9:9", "65000:100")):
        g.add_mac("02:00:00:00:00:8%d" % k, None, 100, "%s:100" % r2.address, rt, r2.address)
    lab.wait_for(lambda: len(e.routes("--type", "2")) == 3, "three routes")
    lab.wait_for(lambda: r1.remote("vxlan100", "02:00:00:00:00:80") and r1.remote("vxlan100", "02:00:00:00:00:81"), "both imports")
    assert not r1.fdb("vxlan100", "02:00:00:00:00:82"), "auto is not among them"


def test_unknown_types_are_reflected_when_asked(lab):
    """reflect-unknown: a route of type 200 passes from a client to another as it is; without the option it is dropped."""
    r1, r2, rr = lab.fabric("r1", "r2", "rr")
    body = bgp.rd(1, ip="192.0.2.1") + b"from the future"
    for option, passes in (("reflect-unknown: true\n", True), ("", False)):
        e = Evpnd(rr, option + evpnd.conf(rr, 65000, [(n.address, 65000, "passive: true, route-reflector-client: true") for n in (r1, r2)], vnis=()))
        with Speaker(r1, rr.address, 65000) as s1, Speaker(r2, rr.address, 65000) as s2:
            s1.establish()
            s2.establish()
            s1.send(bgp.upd([bgp.mpr(bgp.nl(200, body) + bgp.t2(bgp.rd(1, ip="192.0.2.1"), b"\2\0\0\0\0\1"))] + bgp.base() + [bgp.EC]))
            seen = b""
            while b"\2\0\0\0\0\1" not in seen:
                m = s2.recv_type(2)
                assert m, "the good route comes in any case"
                seen += m
            if passes and body not in seen:
                seen += s2.recv_type(2) or b""
            assert (body in seen) == passes
            assert e.neighbor(r1.address)["unknown_nlri"] == 1
        assert e.stop() == 0


@pytest.mark.kernel
def test_two_octet_vxlan_port_and_vni_at_the_edge(lab):
    """VNI 16777215 on port 8472: device, routes and traffic. Its RD is a number that fits."""
    r1, r2 = lab.fabric("r1", "r2")
    h1, h2 = lab.host("h1", 1).plug(r1), lab.host("h2", 2).plug(r2)
    e = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], vnis=(16777215,), ports=[port], more="vxlan-port: 8472\n",
                             vni_more="bridge: br0, vxlan: vx0")) for n, o, port in ((r1, r2, "h1"), (r2, r1, "h2"))]
    lab.wait_for(lambda: h1.ping("10.0.0.2"), "h1 reaches h2", 20)
    data = r1.ip_json("link show vx0")[0]["linkinfo"]["info_data"]
    assert (data["id"], data["port"]) == (16777215, 8472)
    assert e[0].routes("--mac", h2.mac)[0]["vni"] == 16777215


@pytest.mark.kernel
def test_without_a_bridge_the_host_itself_is_the_end(lab):
    """`bridge: none`: addresses on the vxlan devices reach each other."""
    r1, r2 = lab.fabric("r1", "r2")
    e = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], vni_more="bridge: none")) for n, o in ((r1, r2), (r2, r1))]
    lab.wait_for(lambda: e[0].established(r2.address), "the session is up", 20)
    for n, a in ((r1, "10.9.0.1"), (r2, "10.9.0.2")):
        n.ip("addr add %s/24 dev vxlan100" % a)
    lab.wait_for(lambda: r1.ping("10.9.0.2"), "r1 reaches r2 inside")


def test_control_group(lab):
    """control: {group: G}: its members may show; changing is for root and the daemon's own user."""
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, "control: {group: nogroup}\n" + evpnd.conf(r1, 65000, [(r2.address, 65000)], vnis=()))
    ctl = [evpnd.BUILD + "/evpnctl", "-s", e.socket]
    member = ["setpriv", "--reuid=65534", "--regid=nogroup", "--clear-groups", *ctl]
    other = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", *ctl]
    assert r1.run(*member, "show", "neighbors").returncode == 0
    p = r1.run(*member, "neighbor", r2.address, "clear", check=False)
    assert p.returncode == 1 and "permi" in p.stderr.lower(), p.stderr
    p = r1.run(*other, "show", "neighbors", check=False)
    assert p.returncode == 1 and "permission" in p.stderr.lower() and e.socket in p.stderr, p.stderr


def test_four_octet_as_through_a_two_octet_speaker(lab):
    """Routes of AS 4200000001 reach a peer without 4-octet AS with AS_TRANS and AS4_PATH (RFC 6793 section 4.2.2)."""
    r1, r2 = lab.fabric("r1", "r2")
    Evpnd(r1, evpnd.conf(r1, 4200000001, [(r2.address, 65002, "passive: true")]))
    with Speaker(r2, r1.address, 65002) as s:
        s.establish(params=bgp.par(bgp.MPC) + bgp.par(bgp.RRC))
        m = s.recv_type(2)
        assert struct.pack("!BBBBBH", 0x40, 2, 4, 2, 1, 23456) in m, m.hex()
        assert struct.pack("!BBBBBI", 0xc0, 17, 6, 2, 1, 4200000001) in m, m.hex()
