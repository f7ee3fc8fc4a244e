# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Route target constraint (RFC 4684), with others and among ourselves.

    [r1 reflector, no VNIs] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2], 192.0.2.3 [r3], ...
"""
from evlab import Evpnd, Exabgp, Gobgp, evpnd, gobgp

FAMILIES = "families: [evpn, rtc]"
CLIENT = "route-reflector-client: true, " + FAMILIES


def asked(e, *argv):
    """(route target, neighbor) of the memberships that e has."""
    return {(r["route_target"], r["neighbor"]) for r in e.routes("--family", "rtc", *argv)}


def imets(e, *argv):
    """VTEPs of the Type 3 routes that e holds."""
    return {r["originator"] for r in e.routes("--type", "3", *argv)}


def vtep(node, reflector, vnis, ports=()):
    return evpnd.conf(node, 65000, [(reflector.address, 65000, FAMILIES)], vnis=vnis, ports=ports)


def test_hosts_hold_what_they_import(lab):
    r1, r2, r3, r4 = lab.fabric("r1", "r2", "r3", "r4")
    reflector = Evpnd(r1, evpnd.conf(r1, 65000, [(r.address, 65000, CLIENT) for r in (r2, r3)] + [
        (r4.address, 65000, "route-reflector-client: true")], vnis=()))
    e2, e3, e4 = Evpnd(r2, vtep(r2, r1, (100, 200))), Evpnd(r3, vtep(r3, r1, (200, 300))), Evpnd(r4, evpnd.conf(
        r4, 65000, [(r1.address, 65000)], vnis=(300, 400)))
    lab.wait_for(lambda: all(reflector.established(r.address) for r in (r2, r3, r4)), "the sessions are up", 30)

    # A client without the family gets all, and for its sake the reflector asks for all.
    lab.wait_for(lambda: len(e4.routes("--type", "3")) == 6, "r4 holds everything")
    lab.wait_for(lambda: (None, r1.address) in asked(e2), "the reflector asks for all")
    lab.wait_for(lambda: sorted(r["vni"] for r in e2.routes()) == [100, 200, 200], "r2 holds VNIs 100 and 200")
    lab.wait_for(lambda: sorted(r["vni"] for r in e3.routes()) == [200, 200, 300, 300], "r3 holds VNIs 200 and 300")
    assert ("65000:100", r2.address) in asked(reflector) and ("65000:100", None) in asked(e2)
    lab.wait_for(lambda: all(f["eor_received"] and f["eor_sent"] for f in reflector.neighbor(r2.address)["families"]), "both have said all")
    n = reflector.neighbor(r2.address)
    assert n["route_target_filter"] == {"state": "active", "route_targets": 4} and n["prefixes_sent"] == 1
    assert {f["name"] for f in n["families"]} == {"evpn", "rtc"}
    assert reflector.neighbor(r4.address)["route_target_filter"]["state"] == "none"
    assert "asks for 4 route targets" in reflector.ctl("show", "neighbors", r2.address).stdout
    assert "65000:100" in reflector.ctl("show", "rib", "--family", "rtc", "--neighbor", r2.address).stdout

    # What is asked for changes: exactly that comes and goes, on the same session.
    since = e2.neighbor(r1.address)["established_count"]
    e2.reload(vtep(r2, r1, (100, 300)))
    lab.wait_for(lambda: sorted(r["vni"] for r in e2.routes()) == [100, 300, 300, 300], "r2 holds VNIs 100 and 300")
    assert e2.neighbor(r1.address)["established_count"] == since
    e2.reload(vtep(r2, r1, (100,)))
    lab.wait_for(lambda: sorted(r["vni"] for r in e2.routes()) == [100], "r2 holds VNI 100")

    # The client without the family goes, and with it the reason to ask for everything.
    e4.stop()
    lab.wait_for(lambda: (None, r1.address) not in asked(e2), "the reflector asks for what is wanted")
    lab.wait_for(lambda: ("65000:200", r1.address) in asked(e2), "r3's wish is known at r2")


def test_explicit_route_targets(lab):
    """`auto` asks for our own AS only; what else is imported is named."""
    r1, r2, r3 = lab.fabric("r1", "r2", "r3")
    Evpnd(r1, evpnd.conf(r1, 65000, [(r.address, 65000, CLIENT) for r in (r2, r3)], vnis=()))
    e2 = Evpnd(r2, vtep(r2, r1, (100,)))
    Evpnd(r3, evpnd.conf(r3, 65000, [(r1.address, 65000, FAMILIES)], vni_more='export: ["65003:100"]'))
    lab.wait_for(lambda: e2.established(r1.address), "the session is up", 30)
    lab.wait_for(lambda: e2.neighbor(r1.address)["eor_received"], "the reflector has said all")
    assert imets(e2) == {r2.address}
    e2.reload(evpnd.conf(r2, 65000, [(r1.address, 65000, FAMILIES)], vni_more='import: [auto, "65003:100"]'))
    lab.wait_for(lambda: imets(e2) == {r2.address, r3.address}, "the route of the other AS number comes")


RTC = "[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"rtc\"\n"


def test_gobgp(lab):
    """GoBGP 3.10 as the VTEP's neighbor: what it asks for it gets, what we ask for we get."""
    r1, r2 = lab.fabric("r1", "r2")
    g = Gobgp(r2, gobgp.conf(65000, r2.address, [(r1.address, 65000)]) + RTC)
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000, FAMILIES)], vnis=(100, 200)))
    lab.wait_for(lambda: e.established(r2.address) and g.established(r1.address), "the session is up", 20)
    lab.wait_for(lambda: {t for t, n in asked(e) if n is None} >= {"65000:100", "65000:200"}, "we ask")
    g.add_multicast(r2.address, 100, "%s:100" % r2.address, "65000:100")
    g.add_multicast(r2.address, 300, "%s:300" % r2.address, "65000:300")
    lab.wait_for(lambda: imets(e) == {r1.address, r2.address}, "the route that we asked for comes")
    assert {r["vni"] for r in e.routes("--neighbor", r2.address)} == {100}

    # It imports nothing yet, so it is sent nothing; a VRF asks.
    assert e.neighbor(r2.address)["prefixes_sent"] == 0 and not g.route(3, ip=r1.address)
    g.gobgp("vrf", "add", "red", "rd", "1:1", "rt", "both", "65000:200")
    lab.wait_for(lambda: [p["nlri"]["value"]["rd"]["assigned"] for p in g.route(3, ip=r1.address)] == [200], "VNI 200 comes, 100 does not")
    assert ("65000:200", r2.address) in asked(e)
    g.gobgp("vrf", "del", "red")
    lab.wait_for(lambda: not g.route(3, ip=r1.address), "what is not asked for any more is withdrawn")


def test_exabgp_asks_by_prefix(lab):
    """Memberships cut anywhere, and the default: ExaBGP sends what it is told to."""
    r1, r2 = lab.fabric("r1", "r2")
    x = Exabgp(r2, 65000, r1.address, 65000, family="ipv4 rtc;")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000, FAMILIES)], vnis=(100, 101, 200)))
    lab.wait_for(lambda: x.established() and e.established(r2.address), "the session is up", 20)
    origin, rt = (65000).to_bytes(4, "big"), b"\x00\x02" + (65000).to_bytes(2, "big")

    def vnis():
        return sorted(r["vni"] for r in e.routes("--advertised-to", r2.address))

    def received():
        return len(x.received())
    lab.wait_for(lambda: e.neighbor(r2.address)["route_target_filter"]["state"] == "active", "it has said all, or 5 s have passed")
    assert vnis() == []
    x.ask(b"\x60" + origin + rt + (200).to_bytes(4, "big"))
    lab.wait_for(lambda: vnis() == [200] and received() == 1, "a whole route target")
    x.ask(b"\x5c" + origin + rt + (100).to_bytes(4, "big"))  # 92 bits: VNIs 96 to 111
    lab.wait_for(lambda: vnis() == [100, 101, 200] and received() == 3, "four bits less")
    x.ask(b"\x60" + origin + rt + (200).to_bytes(4, "big"), withdraw=True)
    lab.wait_for(lambda: vnis() == [100, 101] and received() == 2, "what is no longer asked for goes")
    x.ask(b"\x00")
    lab.wait_for(lambda: vnis() == [100, 101, 200] and received() == 3, "the default asks for all")
    x.ask(b"\x5c" + origin + rt + (100).to_bytes(4, "big"), withdraw=True)
    x.ask(b"\x00", withdraw=True)
    lab.wait_for(lambda: vnis() == [] and received() == 0, "nothing is asked for")
