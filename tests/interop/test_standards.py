# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""What the RFCs of the session ask for, with a peer that has it, and from both sides where there are two.

    [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 FRR or GoBGP]
"""
import struct

import pytest

from evlab import Evpnd, Frr, Gobgp, Speaker, Timeout, evpnd, frr, gobgp
from evlab.speaker import bgp

DIAL = pytest.mark.parametrize("evpnd_dials", [True, False], ids=["evpnd-dials", "frr-dials"])
FAMILY = pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])


def up(lab, e, f, a1, a2, timeout=15):
    lab.wait_for(lambda: e.established(a2) and f.established(a1), "the session is up", timeout)


def pair(lab, asn1, asn2, ours="", theirs=(), evpnd_dials=True, v6=False):
    """evpnd and FRR, of which one waits for the other."""
    r1, r2 = lab.fabric("r1", "r2")
    a1, a2 = (r1.address6, r2.address6) if v6 else (r1.address, r2.address)
    waits = "passive: %s" % ("false" if evpnd_dials else "true")
    e = Evpnd(r1, evpnd.conf(r1, asn1, [(a2, asn2, ", ".join(x for x in (waits, ours) if x))], vnis=()))
    f = Frr(r2, frr.bgp_conf(asn2, r2.address, [(a1, asn1, [*(["passive"] if evpnd_dials else []), *theirs])]))
    return e, f, a1, a2


@DIAL
@FAMILY
def test_md5(lab, evpnd_dials, v6):
    """RFC 2385: the key protects the session whoever opens it; a wrong one is said by evpnd, which hears nothing itself."""
    e, f, a1, a2 = pair(lab, 65000, 65000, "password: one", ["password two"], evpnd_dials, v6)
    lab.wait_for(lambda: "TCP-MD5: the kernel dropped" in e.log() or "has it the same password?" in e.log(), "evpnd says what it may be", 20)
    assert a2 in e.log() and not e.established(a2)
    f.configure("router bgp 65000", "neighbor %s password one" % a1)
    up(lab, e, f, a1, a2, 30)
    assert e.neighbor(a2)["connect_error"] is None


@pytest.mark.parametrize("evpnd_dials", [True, False], ids=["both-dial", "frr-dials"])
@FAMILY
def test_gtsm(lab, evpnd_dials, v6):
    """RFC 5082: nothing of a peer that sends TTL 1 is heard, not even its OPEN. What FRR 8.4 answers from its listening socket has TTL 64,
    so it must be able to dial."""
    e, f, a1, a2 = pair(lab, 65000, 65002, "ttl-security: 1", [], evpnd_dials, v6)
    if evpnd_dials:
        f.configure("router bgp 65002", "no neighbor %s passive" % a1)
    with pytest.raises(Timeout):
        up(lab, e, f, a1, a2, 3)
    assert e.neighbor(a2)["messages"]["in"]["open"] == 0
    if not evpnd_dials:
        assert "its connection has TTL 1, and ttl-security wants 255: closed" in e.log()
    f.configure("router bgp 65002", "neighbor %s ttl-security hops 1" % a1)
    up(lab, e, f, a1, a2, 30)


@pytest.mark.parametrize("ours, theirs", [
    ("provider", "customer"), ("customer", "provider"), ("rs", "rs-client"), ("rs-client", "rs-server"), ("peer", "peer")])
def test_roles_that_go_together(lab, ours, theirs):
    """RFC 9234 section 4.2, and each side knows the other's."""
    e, f, a1, a2 = pair(lab, 65001, 65002, "role: " + ours, ["local-role " + theirs])
    up(lab, e, f, a1, a2)
    assert "role " + theirs.replace("-server", "") in e.neighbor(a2)["capabilities_received"], e.neighbor(a2)["capabilities_received"]
    assert f.json("show bgp neighbors %s" % a1)[a1]["remoteRole"] in (ours, ours + "-server")


@DIAL
def test_roles_that_do_not(lab, evpnd_dials):
    """2/11 goes to whoever is wrong, and both show it."""
    e, f, a1, a2 = pair(lab, 65001, 65002, "role: provider", ["local-role peer"], evpnd_dials)
    lab.wait_for(lambda: any(x and (x["code"], x["subcode"]) == (2, 11) for x in (e.neighbor(a2)["last_error_sent"], e.neighbor(a2)["last_error_received"])),
                 "role mismatch")
    assert not e.established(a2)
    f.configure("router bgp 65002", "neighbor %s local-role customer" % a1)
    up(lab, e, f, a1, a2, 30)


def test_role_that_frr_insists_on(lab):
    """FRR's strict mode refuses who has no role; with one it comes up."""
    e, f, a1, a2 = pair(lab, 65001, 65002, "", ["local-role customer strict-mode"])
    lab.wait_for(lambda: (lambda x: x and (x["code"], x["subcode"]) == (2, 11))(e.neighbor(a2)["last_error_received"]), "FRR's refusal")
    e.reload(open(e.file).read().replace("passive: false", "passive: false, role: provider"))
    up(lab, e, f, a1, a2, 30)


def test_shutdown_communication(lab):
    """RFC 9003: why a session was ended by hand is said in words, both ways, and not only in ASCII."""
    e, f, a1, a2 = pair(lab, 65000, 65000)
    up(lab, e, f, a1, a2)
    f.configure("router bgp 65000", "bgp log-neighbor-changes", "neighbor %s shutdown message neuer Router, zurück um 5" % a1)
    lab.wait_for(lambda: not e.established(a2), "FRR has ended it")
    error = e.neighbor(a2)["last_error_received"]
    assert (error["code"], error["subcode"]) in ((6, 2), (6, 9)) and "neuer Router, zurück um 5" in error["text"], error  # 9: RFC 8538
    assert "zurück um 5" in e.log()
    f.configure("router bgp 65000", "no neighbor %s shutdown" % a1)
    up(lab, e, f, a1, a2, 30)
    e.ctl("neighbor", a2, "down", "Kabel wird getauscht ✂")
    lab.wait_for(lambda: not f.established(a1), "evpnd has ended it")
    with open(f.bgpd.log) as log:
        assert "6/2 (Cease/Administrative Shutdown) \"Kabel wird getauscht" in log.read()
    e.ctl("neighbor", a2, "up")
    up(lab, e, f, a1, a2, 30)


def test_shutdown_communication_of_gobgp(lab):
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], vnis=()))
    g = Gobgp(r2, gobgp.conf(65000, r2.address, [(r1.address, 65000)]))
    up(lab, e, g, r1.address, r2.address)
    g.gobgp("neighbor", r1.address, "shutdown", "--reason", "gone for lunch")
    lab.wait_for(lambda: not e.established(r2.address), "GoBGP has ended it")
    error = e.neighbor(r2.address)["last_error_received"]
    assert (error["code"], error["subcode"]) == (6, 2) and "gone for lunch" in error["text"], error


@pytest.mark.parametrize("capabilities", [3, 60], ids=["few", "more-than-255-octets"])
def test_extended_optional_parameters(lab, capabilities):
    """RFC 9072: the long form, needed or not. FRR 8.4, when told to write it, reads every OPEN as if it were one, so a speaker it is."""
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000, "passive: true")], vnis=()))
    params = b"".join(struct.pack("!BH", 2, len(c)) + c for c in [bgp.MPC, bgp.RRC, bgp.AS4C(65000)] + [bgp.cap(200, b"spam!")] * (capabilities - 3))
    with Speaker(r2, r1.address, 65000) as s:
        s.send(bgp.opn(asn=65000, params=struct.pack("!BH", 255, len(params)) + params, plen=255))
        assert s.recv_type(1)
        s.send(bgp.msg(4, b""))
        lab.wait_for(lambda: e.established(r2.address), "the session is up")
        has = e.neighbor(r2.address)["capabilities_received"]
        assert has[:3] == ["multiprotocol 25/70", "route-refresh", "4-octet-as 65000"] and len(has) == capabilities, has


def test_maximum_of_gobgp(lab):
    """The other side's limit: Cease/1 (RFC 4486) is shown."""
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], vnis=(100, 200, 300)))
    g = Gobgp(r2, gobgp.conf(65000, r2.address, [(r1.address, 65000)]) + "[neighbors.afi-safis.prefix-limit.config]\nmax-prefixes = 2\n")
    lab.wait_for(lambda: e.neighbor(r2.address)["last_error_received"], "GoBGP's limit", 30)
    error = e.neighbor(r2.address)["last_error_received"]
    assert (error["code"], error["subcode"]) == (6, 1), error
    lab.wait_for(lambda: not g.established(r1.address), "it holds it down")


def test_reflector_between_frr_and_gobgp(lab):
    """RFC 4456, evpnd reflects: client to client, client to the others and back, but not from other to other."""
    rr, r1, r2, r3, r4 = lab.fabric("rr", "r1", "r2", "r3", "r4")
    client = "route-reflector-client: true"
    e = Evpnd(rr, evpnd.conf(rr, 65000, [(r1.address, 65000, client), (r2.address, 65000, client), (r3.address, 65000), (r4.address, 65000)], vnis=(),
                             more="cluster-id: 198.51.100.7\n"))
    g = {n: Gobgp(n, gobgp.conf(65000, n.address, [(rr.address, 65000)])) for n in (r1, r3, r4)}
    f = Frr(r2, frr.bgp_conf(65000, r2.address, [(rr.address, 65000)]))
    for n, peer in ((r1, g[r1]), (r2, f), (r3, g[r3]), (r4, g[r4])):
        lab.wait_for(lambda: e.established(n.address) and peer.established(rr.address), "%s is up" % n.name, 20)
    macs = {}
    for k, n in enumerate((r1, r3, r4), 1):
        macs[n] = "02:00:00:00:00:0%d" % k
        g[n].add_mac(macs[n], None, 100, "%s:100" % n.address, "65000:100", n.address)
    lab.wait_for(lambda: len(e.keys()) == 3, "the reflector has all")

    def sees(n):
        return {m for m in macs.values() if g[n].route(2, mac=m)}
    lab.wait_for(lambda: all(m in f.vtysh("show bgp l2vpn evpn") for m in macs.values()), "FRR, a client, has all")
    lab.wait_for(lambda: sees(r1) == set(macs.values()), "GoBGP, a client, has all")
    lab.wait_for(lambda: sees(r3) >= {macs[r1], macs[r3]}, "another has the client's")
    assert macs[r4] not in sees(r3) and macs[r3] not in sees(r4), "others do not hear of one another"
    path, = g[r3].route(2, mac=macs[r1])
    attrs = {a["type"]: a for a in path["attrs"]}
    assert attrs[9]["value"] == r1.address and attrs[10]["value"] == ["198.51.100.7"], "ORIGINATOR_ID and CLUSTER_LIST"
    assert attrs[14]["nexthop"] == r1.address, "the next hop is the VTEP's"


def test_clients_of_a_frr_reflector(lab):
    """The other role: two evpnds know each other through FRR only, and what comes back to its originator is not taken."""
    rr, r1, r2 = lab.fabric("rr", "r1", "r2")
    f = Frr(rr, frr.bgp_conf(65000, rr.address, [(n.address, 65000, ["af route-reflector-client"]) for n in (r1, r2)]))
    e = [Evpnd(n, evpnd.conf(n, 65000, [(rr.address, 65000)], ports=[port])) for n, port in ((r1, "h1"), (r2, "h2"))]
    h1, h2 = lab.host("h1", 1).plug(r1), lab.host("h2", 2).plug(r2)
    lab.wait_for(lambda: f.established(r1.address) and f.established(r2.address), "both are up", 20)
    lab.wait_for(lambda: h1.ping(h2.ip4), "h1 reaches h2", 20)
    route, = e[0].routes("--type", "3", "--neighbor", rr.address, "--best")
    assert (route["originator_id"], route["cluster_list"], route["next_hop"]) == (r2.address, [rr.address], r2.address)
