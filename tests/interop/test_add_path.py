# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Several paths of a route (RFC 7911): sent to GoBGP, FRR and evpnd, taken from GoBGP and ExaBGP. FRR 8.4 takes them for EVPN
and does not send them; ExaBGP 4.2 negotiates them, and its EVPN codec has no identifiers, so ours writes them for it.

    [r2 GoBGP] \\                  / [receivers]
                [r1 reflector] ===
    [r3 GoBGP] /      r2 and r3 announce the same route, each with a next hop of its own
"""
import ipaddress
import json

import pytest

from evlab import Evpnd, Exabgp, Frr, Gobgp, evpnd, gobgp
from evlab.frr import bgp_conf

MAC = "02:00:00:00:00:99"
RD = RT = "65000:100"
NEXT_HOP2, NEXT_HOP3 = "192.0.2.102", "192.0.2.103"
CLIENT = "[neighbors.route-reflector.config]\nroute-reflector-client = true\nroute-reflector-cluster-id = \"192.0.2.1\"\n"


def add_paths(neighbors, send_max=0, router_id="", asn=65000):
    """gobgpd's configuration with add-path both ways."""
    text = gobgp.conf(asn, router_id, neighbors)
    family = "afi-safi-name = \"l2vpn-evpn\"\n"
    return text.replace(family, family + "[neighbors.afi-safis.add-paths.config]\nreceive = true\nsend-max = %d\n" % send_max)


class Sources:
    """r2 and r3, which have a session with r1 each."""
    def __init__(self, lab, reflector, nodes):
        self.lab = lab
        self.gobgps = [Gobgp(n, gobgp.conf(65000, n.address, [(reflector.address, 65000)])) for n in nodes]

    def wait_up(self, reflector):
        self.lab.wait_for(lambda: all(g.established(reflector.address) for g in self.gobgps), "the sources are up", 20)

    def announce(self, i, delete=False):
        self.gobgps[i].add_mac(MAC, None, 100, RD, RT, (NEXT_HOP2, NEXT_HOP3)[i], delete=delete)


def gobgp_next_hops(g):
    """{next hop: identifier that the path came with}"""
    return {a["nexthop"]: p.get("id", p.get("remote-id")) for p in g.route(2, mac=MAC) for a in p["attrs"] if a["type"] == 14}


def evpnd_next_hops(e):
    return {r["next_hop"]: r["path_id"] for r in e.routes("--type", "2", "--mac", MAC)}


def frr_next_hops(f):
    text = f.vtysh("show bgp l2vpn evpn route rd %s mac %s json" % (RD, MAC))
    found, todo = set(), [json.loads(text or "{}")]
    while todo:
        x = todo.pop()
        if isinstance(x, dict):
            if "nexthops" in x:
                found |= {h["ip"] for h in x["nexthops"]}
            todo += x.values()
        elif isinstance(x, list):
            todo += x
    return found


def test_evpnd_sends_every_path_to_who_takes_them(lab):
    r1, r2, r3, r4, r5, r6, r7, r8 = lab.fabric(*("r%d" % i for i in range(1, 9)))
    sources = Sources(lab, r1, (r2, r3))
    g = Gobgp(r4, add_paths([(r1.address, 65000)], router_id=r4.address))
    f = Frr(r5, bgp_conf(65000, r5.address, [(r1.address, 65000)]))
    all_, one, plain = (Evpnd(r, evpnd.conf(r, 65000, [(r1.address, 65000, extra)], vnis=())) for r, extra in (
        (r6, "add-path: receive"), (r7, "add-path: both"), (r8, "")))
    client = "route-reflector-client: true"
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r.address, 65000, client) for r in (r2, r3)] + [
        (r.address, 65000, client + ", add-path: send") for r in (r4, r5, r6, r8)] + [
        (r7.address, 65000, client + ", add-path: send, add-path-best: 1")], vnis=()))
    lab.wait_for(lambda: all(n["state"] == "Established" for n in e.show("neighbors")), "all sessions are up", 20)
    assert len({e.neighbor(r.address)["group"] for r in (r6, r7, r8)}) == 3, "each is sent something else"
    assert "add-path 25/70 send" in e.neighbor(r6.address)["capabilities_sent"]
    assert "add-path 25/70 receive" in e.neighbor(r6.address)["capabilities_received"]

    sources.announce(0)
    sources.announce(1)
    lab.wait_for(lambda: set(gobgp_next_hops(g)) == {NEXT_HOP2, NEXT_HOP3}, "GoBGP has both paths")
    lab.wait_for(lambda: frr_next_hops(f) == {NEXT_HOP2, NEXT_HOP3}, "FRR has both paths")
    lab.wait_for(lambda: set(evpnd_next_hops(all_)) == {NEXT_HOP2, NEXT_HOP3}, "evpnd has both paths")
    ids = evpnd_next_hops(all_)
    assert len(set(ids.values())) == 2 and all(ids.values())
    table = all_.ctl("show", "rib").stdout
    assert all("%s #%d " % (r1.address, i) in table for i in ids.values()), table
    assert all_.neighbor(r1.address)["prefixes_received"] == 2 == e.neighbor(r6.address)["prefixes_sent"]
    assert {r["next_hop"] for r in e.routes("--advertised-to", r6.address)} == {NEXT_HOP2, NEXT_HOP3}
    lab.wait_for(lambda: evpnd_next_hops(one) == {NEXT_HOP2: ids[NEXT_HOP2]}, "the lower router id is best")
    lab.wait_for(lambda: evpnd_next_hops(plain) == {NEXT_HOP2: None}, "who takes one has that, too")
    assert [(r["best"], r["decided_by"]) for r in e.routes("--mac", MAC)] == [(True, "router-id"), (False, "router-id")]
    assert [(r["best"], r["decided_by"]) for r in plain.routes("--mac", MAC)] == [(True, None)], "alone, there is nothing to decide"
    assert e.ctl("show", "rib", "--mac", MAC, "--detail").stdout.count("  decided by         router-id\n") == 2
    assert {r["next_hop"] for r in e.routes("--advertised-to", r8.address)} == {NEXT_HOP2}

    sources.announce(0, delete=True)  # the best one: the other has its identifier as before
    lab.wait_for(lambda: evpnd_next_hops(all_) == {NEXT_HOP3: ids[NEXT_HOP3]}, "evpnd has one")
    lab.wait_for(lambda: set(gobgp_next_hops(g)) == {NEXT_HOP3} == frr_next_hops(f), "GoBGP and FRR have one")
    lab.wait_for(lambda: evpnd_next_hops(one) == {NEXT_HOP3: ids[NEXT_HOP3]} and evpnd_next_hops(plain) == {NEXT_HOP3: None}, "so have the others")
    all_.ctl("neighbor", r1.address, "refresh")
    e.ctl("neighbor", r3.address, "down")
    for receiver in (lambda: gobgp_next_hops(g), lambda: evpnd_next_hops(all_), lambda: frr_next_hops(f), lambda: evpnd_next_hops(one)):
        lab.wait_for(lambda: not receiver(), "the last path goes")
    assert e.neighbor(r6.address)["prefixes_sent"] == 0


def test_paths_of_a_reflecting_gobgp(lab):
    """They come with identifiers, go by them, and the kernel follows the best one."""
    r1, r2, r3, r4 = lab.fabric("r1", "r2", "r3", "r4")
    sources = Sources(lab, r1, (r2, r3))
    Gobgp(r1, add_paths([(r.address, 65000, CLIENT) for r in (r2, r3, r4)], 8, r1.address))
    e = Evpnd(r4, evpnd.conf(r4, 65000, [(r1.address, 65000, "add-path: both")]))
    lab.wait_for(lambda: e.established(r1.address), "the session is up", 20)
    sources.wait_up(r1)
    sources.announce(0)
    sources.announce(1)
    lab.wait_for(lambda: set(evpnd_next_hops(e)) == {NEXT_HOP2, NEXT_HOP3}, "evpnd has both paths")
    ids = evpnd_next_hops(e)
    assert len(set(ids.values())) == 2
    best, = [r["next_hop"] for r in e.routes("--best", "--mac", MAC)]
    assert best == NEXT_HOP2
    lab.wait_for(lambda: r4.remote("vxlan100", MAC) == NEXT_HOP2, "the kernel has the best one")
    lab.wait_for(lambda: e.ctl("why", "mac", MAC, check=False).returncode == 0, "it is in use")
    claims = json.loads(e.ctl("--json", "why", "mac", MAC).stdout)["claims"]
    assert {(c["vtep"], c["verdict"], c["decided_by"]) for c in claims} == {
        (NEXT_HOP2, "wins", "router-id"), (NEXT_HOP3, "not-best", "router-id")}
    assert ": loses, another path of the same route is better by router-id\n" in e.ctl("why", "mac", MAC).stdout
    sources.announce(0, delete=True)
    lab.wait_for(lambda: evpnd_next_hops(e) == {NEXT_HOP3: ids[NEXT_HOP3]}, "one path goes")
    lab.wait_for(lambda: r4.remote("vxlan100", MAC) == NEXT_HOP3, "the kernel follows")
    sources.announce(1, delete=True)
    lab.wait_for(lambda: not evpnd_next_hops(e) and not r4.fdb("vxlan100", MAC), "the last one goes")


def test_paths_of_exabgp(lab):
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000, "add-path: receive, max-prefixes: 3")]))
    exa = Exabgp(r2, 65000, r1.address, 65000, add_path="send")
    lab.wait_for(lambda: e.established(r2.address) and exa.established(), "the session is up", 20)
    assert "add-path 25/70 send" in e.neighbor(r2.address)["capabilities_received"]
    body = bytes.fromhex("0000fde800000064") + bytes(14) + b"\x30" + bytes.fromhex(MAC.replace(":", "")) + b"\0\0\0\x64"
    target = "extended-community [ 0x0002fde800000064 0x030c000000000008 ]"

    def announce(path_id, host):
        exa.announce(2, body, "192.0.2.%d" % host, target, path_id=path_id)
    for path_id, host in ((1, 101), (0xffffffff, 102), (0, 103)):
        announce(path_id, host)
    lab.wait_for(lambda: evpnd_next_hops(e) == {"192.0.2.101": 1, "192.0.2.102": 0xffffffff, "192.0.2.103": None}, "three paths")
    lab.wait_for(lambda: r1.remote("vxlan100", MAC) == "192.0.2.103", "of those alike the lowest identifier is best")
    announce(1, 104)
    lab.wait_for(lambda: evpnd_next_hops(e) == {"192.0.2.104": 1, "192.0.2.102": 0xffffffff, "192.0.2.103": None}, "one is replaced")
    exa.withdraw(2, body, path_id=0)
    lab.wait_for(lambda: evpnd_next_hops(e) == {"192.0.2.104": 1, "192.0.2.102": 0xffffffff}, "one is withdrawn")
    lab.wait_for(lambda: r1.remote("vxlan100", MAC) == "192.0.2.104", "the kernel follows")
    announce(2, 105)
    announce(3, 106)  # more than max-prefixes
    error = lab.wait_for(lambda: e.neighbor(r2.address)["last_error_sent"], "the limit counts paths")
    assert (error["code"], error["subcode"], error["data"]) == (6, 1, "00194600000003")


@pytest.mark.parametrize("ours, theirs, comes, goes", [("none", "both", False, False), ("receive", "receive", False, False),
                                                      ("both", "send", True, False), ("send", "both", False, True)])
def test_what_both_sides_say_is_what_is_used(lab, ours, theirs, comes, goes):
    r1, r2 = lab.fabric("r1", "r2")
    e = [Evpnd(r, evpnd.conf(r, 65000, [(other.address, 65000, "add-path: " + word)]))
         for r, other, word in ((r1, r2, ours), (r2, r1, theirs))]
    lab.wait_for(lambda: all(len(x.routes("--type", "3")) == 2 for x in e), "both have both multicast routes")
    came = [[r["path_id"] for r in x.routes("--neighbor", other.address)] for x, other in zip(e, (r2, r1))]
    assert [came[0] != [None], came[1] != [None]] == [comes, goes]
    e[0].reload(evpnd.conf(r1, 65000, [(r2.address, 65000)]))  # another capability: another session
    lab.wait_for(lambda: [r["path_id"] for r in e[1].routes("--neighbor", r1.address)] == [None], "without identifiers now")
    assert str(ipaddress.ip_address(e[1].routes("--neighbor", r1.address)[0]["next_hop"])) == r1.address
