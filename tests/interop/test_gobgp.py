# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""GoBGP as the peer: a control plane whose routes are written by hand, so odd ones too.

    h1 --br100 [r1 evpnd] 192.0.2.1, 2001:db8::1 ==== switch ==== 192.0.2.2, 2001:db8::2 [r2 GoBGP]
"""
import pytest

from evlab import Evpnd, Gobgp, evpnd, gobgp

MAC1, MAC9 = "02:00:00:00:00:01", "02:00:00:00:00:99"


class Pair:
    def __init__(self, lab, asn2=65000, v6=False, vtep6=False, more=""):
        self.lab, self.asn2 = lab, asn2
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.a1, self.a2 = (self.r1.address6, self.r2.address6) if v6 else (self.r1.address, self.r2.address)
        self.vtep1, self.vtep2 = (self.r1.address6, self.r2.address6) if vtep6 else (self.r1.address, self.r2.address)
        self.h1 = lab.host("h1", 1).plug(self.r1)
        self.gobgp = Gobgp(self.r2, gobgp.conf(asn2, self.r2.address, [(self.a1, 65000)]))
        self.evpnd = Evpnd(self.r1, evpnd.conf(self.r1, 65000, [(self.a2, asn2)], ports=["h1"], vtep='"%s"' % self.vtep1, more=more,
                                               vni_more="host-learning: false"))
        lab.wait_for(lambda: self.evpnd.established(self.a2) and self.gobgp.established(self.a1), "the session is up", 20)

    def add(self, mac=MAC9, ip=None, next_hop=None, rt="65000:100", **kw):
        self.gobgp.add_mac(mac, ip, 100, "%s:100" % self.r2.address, rt, next_hop or self.vtep2, **kw)

    def has(self, mac=MAC9):
        self.lab.wait_for(lambda: self.r1.remote("vxlan100", mac) == self.vtep2, "the kernel has %s" % mac)


@pytest.mark.dataplanes
@pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("asn2", [65000, 65002], ids=["ibgp", "ebgp"])
def test_routes_both_ways(lab, asn2, v6):
    p = Pair(lab, asn2, v6)
    p.h1.speak()
    route, = lab.wait_for(lambda: p.gobgp.route(2, mac=MAC1), "GoBGP has h1")
    assert route["nlri"]["value"]["labels"] == [100] and route["nlri"]["value"]["esi"] == "single-homed"
    attrs = {a["type"]: a for a in route["attrs"]}
    assert attrs[14]["nexthop"] == p.r1.address
    assert {(c.get("tunnel_type"), c.get("value")) for c in attrs[16]["value"]} == {(8, None), (None, "65000:100")}
    multicast, = p.gobgp.route(3, ip=p.r1.address)
    pmsi, = [a for a in multicast["attrs"] if a["type"] == 22]
    assert (pmsi["tunnel-type"], pmsi["label"], pmsi["tunnel-id"]) == (6, 100, p.r1.address)

    p.gobgp.add_multicast(p.r2.address, 100, "%s:100" % p.r2.address, "65000:100")
    p.add()
    p.has()
    lab.wait_for(lambda: p.r1.flood("vxlan100") == [p.r2.address], "the flood row is there")
    p.add(delete=True)
    p.gobgp.add_multicast(p.r2.address, 100, "%s:100" % p.r2.address, "65000:100", delete=True)
    lab.wait_for(lambda: not p.r1.fdb("vxlan100", MAC9) and not p.r1.flood("vxlan100"), "withdrawn rows go")


@pytest.mark.dataplanes
def test_addresses_of_hosts_become_neighbours(lab):
    """MAC + IPv4 and MAC + IPv6 routes: neighbour rows on the bridge, for suppression, and the table of `show arp`."""
    p = Pair(lab)
    p.add(ip="10.0.0.99")
    p.add(ip="2001:db8:a::99")
    p.has()

    def neighbours():
        if lab.dataplane == "userspace":
            return {r["ip"]: r["mac"] for r in p.evpnd.fdb(observed=True) if r["ip"]}
        return {n["dst"]: n["lladdr"] for n in p.r1.ip_json("neigh show dev br100") if "extern_learn" in n or n.get("state") == ["NOARP"]}
    lab.wait_for(lambda: neighbours() == {"10.0.0.99": MAC9, "2001:db8:a::99": MAC9}, "neighbour rows")
    assert {r["ip"]: (r["mac"], r["vtep"]) for r in p.evpnd.show("arp", "--vni", "100")} == {
        "10.0.0.99": (MAC9, p.vtep2), "2001:db8:a::99": (MAC9, p.vtep2)}
    assert sorted(p.evpnd.mac(100, MAC9)["ips"]) == ["10.0.0.99", "2001:db8:a::99"]
    p.add(ip="10.0.0.99", delete=True)
    lab.wait_for(lambda: neighbours() == {"2001:db8:a::99": MAC9}, "one goes, the MAC stays with the other")
    p.has()


@pytest.mark.dataplanes
def test_ipv6_underlay(lab):
    """VTEPs with IPv6 addresses: next hop, PMSI tunnel end and kernel rows are IPv6 throughout."""
    p = Pair(lab, v6=True, vtep6=True)
    p.h1.speak()
    route, = lab.wait_for(lambda: p.gobgp.route(2, mac=MAC1), "GoBGP has h1")
    assert [a["nexthop"] for a in route["attrs"] if a["type"] == 14] == [p.r1.address6]
    lab.wait_for(lambda: p.gobgp.route(3, ip=p.r1.address6), "GoBGP has our Type 3")
    p.gobgp.add_multicast(p.r2.address6, 100, "%s:100" % p.r2.address, "65000:100")
    p.add()
    p.has()
    lab.wait_for(lambda: p.r1.flood("vxlan100") == [p.r2.address6], "the flood row is there")


@pytest.mark.dataplanes
def test_foreign_route_targets_are_not_imported(lab):
    p = Pair(lab)
    p.add(rt="65000:200")
    p.add(mac="02:00:00:00:00:98", rt="64999:100")
    p.has("02:00:00:00:00:98")  # automatic import looks at the VNI part only
    assert not p.r1.fdb("vxlan100", MAC9)
    assert p.evpnd.mac(100, MAC9) is None
    assert [r["mac"] for r in p.evpnd.routes("--mac", MAC9)] == [MAC9]  # it is in the table all the same


@pytest.mark.parametrize("v6", [False, True], ids=["of-the-session", "of-the-vtep"])
def test_route_with_our_own_next_hop_is_not_imported(lab, v6):
    """Over IPv6 our VTEP is not the session's address: another check must hold."""
    p = Pair(lab, v6=v6)
    p.add(next_hop=p.r1.address)
    p.add(mac="02:00:00:00:00:98")
    p.has("02:00:00:00:00:98")
    assert [r["next_hop"] for r in p.evpnd.routes("--mac", MAC9)] == [p.r1.address]
    assert not p.r1.fdb("vxlan100", MAC9) and p.evpnd.mac(100, MAC9) is None


def test_wrong_as_is_told_so(lab):
    """Our OPEN check: AS 65009 where 65002 is configured is answered with NOTIFICATION 2/2 (RFC 4271 section 6.2)."""
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65002)]))
    g = Gobgp(r2, gobgp.conf(65009, r2.address, [(r1.address, 65000)]))
    lab.wait_for(lambda: e.neighbor(r2.address)["last_error_sent"], "evpnd has answered")
    error = e.neighbor(r2.address)["last_error_sent"]
    assert (error["code"], error["subcode"]) == (2, 2)
    assert "peer %s: NOTIFICATION 2/2 sent" % r2.address in e.log()
    assert not g.established(r1.address) and not e.established(r2.address)


def test_route_server(lab):
    """Its own AS is not in what it passes on (RFC 7947 2.2.2.1). To a client that does not say what it is, that is a fault."""
    r1, r2, r3 = lab.fabric("r1", "r2", "r3")
    client = "[neighbors.route-server.config]\nroute-server-client = true"
    g = Gobgp(r2, gobgp.conf(65002, r2.address, [(r1.address, 65001, client), (r3.address, 65003, client)]))
    e1 = Evpnd(r1, evpnd.conf(r1, 65001, [(r2.address, 65002, "role: rs-client")]))
    e3 = Evpnd(r3, evpnd.conf(r3, 65003, [(r2.address, 65002)]))
    lab.wait_for(lambda: g.established(r1.address) and g.established(r3.address), "the sessions are up", 20)
    route, = lab.wait_for(lambda: e1.routes("--neighbor", r2.address, "--type", "3"), "the client has the other's route")
    assert route["best"] and route["as_path"] in ("65003", [65003])
    lab.wait_for(lambda: e3.neighbor(r2.address)["treat_as_withdraw"], "who does not know takes it for a fault")
    assert not e3.routes("--neighbor", r2.address)
