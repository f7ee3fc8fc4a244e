# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""What evpnd encodes, its own routes and reflected ones of all types, decodes in tshark and in the reference decoder to what
evpnd itself shows of it.

    h1 --br100 [r1 evpnd, reflector] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 a speaker with all kinds of routes]
                                                          ==== 192.0.2.3 [r3 a listener]
"""
import ipaddress
import os
import re
import sys

import pytest

from evlab import Evpnd, evpnd, tshark
from evlab.speaker import UPDATE, Speaker, bgp
from evlab.tshark import ATTRIBUTE

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "vectors", "tools"))
import refdec  # noqa: E402

AS = 65001
MP_REACH, MP_UNREACH = 14, 15
V4, V6 = bgp.IP4("192.0.2.2"), bgp.IP6("2001:db8::2")
HOST4, HOST6 = bgp.IP4("10.0.0.9"), bgp.IP6("2001:db8:a::9")
RD0, RD1, RD2 = bgp.rd(77, 0), bgp.rd(7), bytes.fromhex("0002fa56ea000007")
ESI = bytes.fromhex("03443839ff0001000403")
RTS = bgp.RT + bytes.fromhex("0102c00002090007") + bytes.fromhex("0202fa56ea000007")
MAC = bytes.fromhex


def communities(*more):
    return bgp.att(0xc0, 16, RTS + bgp.ENC + b"".join(MAC(m) for m in more))


def pmsi(endpoint, label=10):
    return bgp.att(0xc0, 22, b"\0\6" + bgp.lab(label) + endpoint)


MOBILITY, STICKY = "0600000000000007", "0600010000000000"
ROUTER_MAC, ES_IMPORT, ESI_LABEL, GATEWAY = "0603020000000201", "0602443839ff0001", "060101000000abcd", "030d000000000000"
AS_PATH = bgp.att(0x40, 2, bytes.fromhex("0202" "fa56ea00" "0000fdea" "0102" "0000fdeb" "0000fdec"))
LISTS = [bgp.att(0x80, 4, bytes.fromhex("00000fff")), bgp.att(0xc0, 8, bytes.fromhex("fde90001fde9ffff")),
         bgp.att(0xc0, 32, bytes.fromhex("fa56ea000000000200000003"))]
BASE = [bgp.ORG, bgp.ASP0, bgp.LP]

# (NLRIs, next hop, attributes behind MP_REACH)
ROUTES = [
    ([bgp.t1(RD1, ESI, 0, 0), bgp.t1(RD1, ESI, 0xffffffff, 0)], V4, BASE + [communities(ESI_LABEL)]),
    ([bgp.t1(RD0, ESI, 5, 0xfffff0)], V6, BASE + [communities()]),
    ([bgp.t2(RD1, MAC("020000000901"))], V4, BASE + [communities(MOBILITY)]),
    ([bgp.t2(RD1, MAC("020000000902"), HOST4), bgp.t2(RD1, MAC("020000000902"), HOST6)], V4, BASE + [communities(STICKY)]),
    ([bgp.t2(RD2, MAC("020000000903"), HOST4, ESI, 0, (10, 5000)), bgp.t2(RD2, MAC("020000000903"), HOST6, ESI, 7, (10, 5000))], V6,
     BASE + [communities(ROUTER_MAC, MOBILITY)]),
    ([bgp.t2(RD0, MAC("020000000904"), b"", bgp.ESI0, 0, (0xffffff,))], V4,
     [bgp.att(0x40, 1, b"\2"), AS_PATH, bgp.att(0x40, 5, bytes.fromhex("fffffffe"))] + LISTS + [communities(GATEWAY)]),
    ([bgp.t3(RD1, V4)], V4, BASE + [communities(), pmsi(V4)]),
    ([bgp.t3(RD2, V6, 9)], V6, BASE + [communities(), pmsi(V6, 0xfffffe)]),
    ([bgp.t4(RD1, V4, ESI), bgp.t4(RD1, V6, ESI)], V4, BASE + [communities(ES_IMPORT)]),
    ([bgp.t5(RD1, bgp.IP4("10.1.0.0"), 16), bgp.t5(RD1, bgp.IP4("0.0.0.0"), 0, bgp.IP4("10.0.0.254"))], V4, BASE + [communities(ROUTER_MAC)]),
    ([bgp.t5(RD0, bgp.IP6("2001:db8:1::"), 48), bgp.t5(RD0, HOST6, 128, None, ESI, 3, 77)], V6, BASE + [communities(ROUTER_MAC)] + LISTS),
]


class Listener(Speaker):
    """Takes down the UPDATEs, until there are so many routes."""
    updates = ()

    def listen(self, n, seconds=10):
        for _ in range(seconds * 10):
            m = self.recv(0.1)
            self.updates += (m,) if m and m[18] == UPDATE else ()
            if not m and len(by_reference(self.updates)) == n:
                break
        return self.updates


# ---- what is compared: the members of a route as evpnd shows it, that both decoders know -----------------------------------------

MEMBERS = ("type", "rd", "esi", "ethernet_tag", "mac", "ip", "originator", "prefix", "gateway", "vni", "vni2", "next_hop", "origin", "local_pref", "med",
           "as_path", "communities", "large_communities", "route_targets", "mac_mobility", "router_mac", "es_import", "default_gateway", "pmsi")
NLRI_NULL = dict.fromkeys(("rd", "esi", "ethernet_tag", "mac", "ip", "originator", "prefix", "gateway", "vni", "vni2"))
NO_ATTRIBUTES = {m: None for m in MEMBERS if m not in NLRI_NULL and m != "type"}


def key(route):
    return tuple(route[k] for k in ("type", "rd", "ethernet_tag", "mac", "ip", "originator", "prefix")) + ((route["esi"],) if route["type"] in (1, 4) else ())


def fold(updates):
    """{key: route} of [(announced routes, withdrawn routes)]"""
    rib = {}
    for announced, withdrawn in updates:
        for r in withdrawn:
            rib.pop(key(r), None)
        rib.update((key(r), r) for r in announced)
    return rib


def shown(e, to):
    """evpnd's own view. What it does not hold of a route goes out with the default."""
    routes = {}
    for r in e.routes("--advertised-to", to):
        r = {m: r[m] for m in MEMBERS}
        r["local_pref"] = 100 if r["local_pref"] is None else r["local_pref"]
        routes[key(r)] = r
    return routes


# ---- the reference decoder ------------------------------------------------------------------------------------------------------

def ref_segment(s):
    text = " ".join(str(a) for a in s["asns"])
    return "{%s}" % text.replace(" ", ",") if s["type"] == "AS_SET" else text


def ref_nlri(n, attributes):
    assert "error" not in n, n
    labels = [x["vni"] for x in n.get("labels", [])]
    r = dict(NLRI_NULL, type=n["route_type"], rd=n["rd"], esi=n.get("esi"), ethernet_tag=n.get("etag"), **{
        k: n[k] for k in ("mac", "ip", "originator", "prefix", "gateway") if k in n})
    r["vni"], r["vni2"] = (labels + [None, None])[:2]
    r.update(attributes)
    if r["pmsi"] and r["type"] == 3:
        r["vni"] = r["pmsi"]["vni"]
    return r


def ref_attributes(a):
    ecs, pmsi_value = a.get("ext_communities", []), a.get("pmsi")
    mobility = next((c["mac_mobility"] for c in ecs if "mac_mobility" in c), None)
    return {
        "next_hop": a["mp_reach"]["next_hop"], "origin": a["origin"].lower(), "local_pref": a["local_pref"], "med": a.get("med"),
        "as_path": " ".join(ref_segment(s) for s in a["as_path"]), "communities": a.get("communities", []),
        "large_communities": a.get("large_communities", []), "route_targets": [c["route_target"] for c in ecs if "route_target" in c],
        "mac_mobility": mobility and {"sequence": mobility["seq"], "sticky": bool(mobility["sticky"])},
        "router_mac": next((c["router_mac"] for c in ecs if "router_mac" in c), None),
        "es_import": next((c["es_import"] for c in ecs if "es_import" in c), None),
        "default_gateway": any("default_gateway" in c for c in ecs),
        "pmsi": pmsi_value and {"tunnel_type": pmsi_value["tunnel_type"], "vni": pmsi_value["raw24"], "endpoint": pmsi_value["tunnel_id"],
                               "group": None},
    }


def by_reference(messages):
    updates = []
    for m in messages:
        a = {x["name"]: x["value"] for x in refdec.decode(m)["attributes"]}
        updates.append(([ref_nlri(n, ref_attributes(a)) for n in a.get("mp_reach", {}).get("nlri", [])],
                        [ref_nlri(n, NO_ATTRIBUTES) for n in a.get("mp_unreach", {}).get("nlri", [])]))
    return fold(updates)


# ---- tshark ----------------------------------------------------------------------------------------------------------------------

def shark_nlri(f, attributes):
    n = "bgp.evpn.nlri."
    kind = f.one(n + "rt", "numbers")
    address = f.one(n + "ip.addr") or f.one(n + "ipv6.addr")
    labels = [x for name in (n + "vni", n + "mpls_ls1", n + "mpls_ls2", ATTRIBUTE + ".mpls_label_value") for x in f.numbers(name)]
    r = dict(NLRI_NULL, type=kind, rd=re.search(r"\((.*)\)", f.words(n + "rd")[0]).group(1), esi=f.one(n + "esi"), ethernet_tag=f.one(n + "etag", "numbers"))
    if kind == 2:
        r.update(mac=f.one(n + "mac_addr"), ip=address)
    elif kind in (3, 4):
        r["originator"] = address
    elif kind == 5:
        r["prefix"] = "%s/%d" % (address, f.one(n + "prefix_len", "numbers"))
        r["gateway"] = f.one(n + "ipv4.gtw_addr") or f.one(n + "ipv6.gtw_addr")
    r["vni"], r["vni2"] = (labels + [None, None])[:2]
    r.update(attributes)
    if r["pmsi"] and kind == 3:
        r["vni"] = r["pmsi"]["vni"]
    return r


def shark_as_path(a):
    text = a.element.get("showname").split(": ", 1)[1].strip()
    return "" if text == "empty" else text.replace(", ", ",")


def as_tshark_can(routes):
    """Wireshark 4.0 has no VNIs in routes of type 1 and 2, but MPLS labels, and no PMSI tunnels over IPv6, but their first octets."""
    out = {}
    for k, r in routes.items():
        out[k] = r = dict(r)
        for label in ("vni", "vni2"):
            if r["type"] < 3 and r[label] is not None:
                r[label] >>= 4
        if r["pmsi"]:
            endpoint = ipaddress.ip_address(r["pmsi"]["endpoint"]).packed[:4]
            r["pmsi"] = dict(r["pmsi"], endpoint=str(ipaddress.ip_address(endpoint)))
    return out


def shark_attributes(a):
    ec, evpn = a.get(16), "bgp.ext_com_evpn."
    sequence = ec and ec.one(evpn + "mmac.seq", "numbers")
    words = ec.words("bgp.ext_community") if ec else []
    tunnel = a.get(22)
    return {
        "next_hop": a[MP_REACH].one(ATTRIBUTE + ".mp_reach_nlri.next_hop.ipv4") or a[MP_REACH].one(ATTRIBUTE + ".mp_reach_nlri.next_hop.ipv6"),
        "origin": ("igp", "egp", "incomplete")[a[1].one(ATTRIBUTE + ".origin", "numbers")],
        "local_pref": a[5].one(ATTRIBUTE + ".local_pref", "numbers"), "med": a[4].one(ATTRIBUTE + ".multi_exit_disc", "numbers") if 4 in a else None,
        "as_path": shark_as_path(a[2]),
        "communities": ["%d:%d" % c for c in zip(a[8].numbers(ATTRIBUTE + ".community_as"), a[8].numbers(ATTRIBUTE + ".community_value"))] if 8 in a else [],
        "large_communities": [w.split(": ")[1] for w in a[32].words("bgp.large_communities")] if 32 in a else [],
        "route_targets": [re.sub(r"\d+\.\d+\((\d+)\)", r"\1", m.group(1)) for m in (re.match(r"Route Target: (\S+) \[", w) for w in words) if m],
        "mac_mobility": None if sequence is None else {"sequence": sequence, "sticky": ec.one(evpn + "mmac.flags.sticky") in ("1", "True")},
        "router_mac": ec and ec.one(evpn + "esi.router_mac"), "es_import": ec and ec.one(evpn + "esi.rt"),
        "default_gateway": any("Default Gateway" in w for w in words),
        "pmsi": tunnel and {"tunnel_type": tunnel.one(ATTRIBUTE + ".pmsi.tunnel.type", "numbers"), "vni": tunnel.one("bgp.evpn.nlri.vni", "numbers"),
                            "endpoint": tunnel.one(ATTRIBUTE + ".pmsi.ingress_rep_ip") or tunnel.one(ATTRIBUTE + ".pmsi.ingress_rep_ip6"),
                            "group": None},
    }


def by_tshark(messages):
    updates = []
    for a in tshark.updates(messages):
        reach, unreach = a.get(MP_REACH), a.get(MP_UNREACH)
        updates.append(([shark_nlri(n, shark_attributes(a)) for n in reach.below("bgp.evpn.nlri")] if reach else [],
                        [shark_nlri(n, NO_ATTRIBUTES) for n in unreach.below("bgp.evpn.nlri")] if unreach else []))
    return fold(updates)


# ---- the test --------------------------------------------------------------------------------------------------------------------

def differences(ours, sent):
    """What one of the decoders reads otherwise."""
    return members_that_differ(ours, by_reference(sent), "reference") or members_that_differ(as_tshark_can(ours), by_tshark(sent), "tshark")


def members_that_differ(ours, theirs, who):
    lines = ["%s: only in evpnd's view: %s" % (who, k) for k in ours.keys() - theirs.keys()]
    lines += ["%s: not in evpnd's view: %s" % (who, k) for k in theirs.keys() - ours.keys()]
    for k in sorted(ours.keys() & theirs.keys(), key=repr):
        lines += ["%s: %s: %s is %r, evpnd shows %r" % (who, k, m, theirs[k][m], ours[k][m]) for m in MEMBERS if theirs[k][m] != ours[k][m]]
    return "\n".join(lines)


@pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])
def test_what_is_encoded_decodes_as_it_is_shown(lab, v6):
    r1, r2, r3 = lab.fabric("r1", "r2", "r3")
    h1 = lab.host("h1", 1).plug(r1)
    vtep = '"%s"' % (r1.address6 if v6 else r1.address)
    client = "route-reflector-client: true, passive: true"
    e = Evpnd(r1, evpnd.conf(r1, AS, [(r2.address, AS, client), (r3.address, AS, client)], ports=["h1"], vtep=vtep))
    n = sum(len(nlris) for nlris, _, _ in ROUTES)
    with Listener(r3, r1.address, AS).establish() as sink, Speaker(r2, r1.address, AS).establish() as source:
        for nlris, next_hop, attributes in ROUTES:
            source.send(bgp.upd([bgp.mpr(b"".join(nlris), next_hop)] + attributes))
        h1.speak()
        lab.wait_for(lambda: len(e.routes("--neighbor", r2.address)) == n and len(e.routes()) == n + 3, "all routes are there, ours and those of h1")
        ours = shown(e, r3.address)
        sent = sink.listen(len(ours))
        assert {r["type"] for r in ours.values()} == {1, 2, 3, 4, 5}
        wrong = differences(ours, sent)
        assert not wrong, wrong
        # Reflected: RFC 4456 8. Every attribute has the flags that it came with, but the extended length.
        reflected = [refdec.decode(m)["attributes"] for m in sent]
        assert {a["value"] for u in reflected for a in u if a["code"] == 9} == {r2.address}
        assert {tuple(a["value"]) for u in reflected for a in u if a["code"] == 10} == {(r1.address,)}
        # Gone: nothing but the routes of our own is left with the listener.
        for nlris, _, _ in ROUTES:
            source.send(bgp.upd([bgp.mpu(b"".join(nlris))]))
        lab.wait_for(lambda: not e.routes("--neighbor", r2.address), "all are withdrawn")
        ours = shown(e, r3.address)
        sent = sink.listen(len(ours))
        wrong = differences(ours, sent)
        assert not wrong, wrong
