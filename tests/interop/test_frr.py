# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The main job: a host behind evpnd and a host behind FRR find and reach each other.

    h1 --br100 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 FRR] br100-- h2
    10.0.0.1                                                            10.0.0.2
"""
import signal

import pytest

from evlab import Evpnd, Frr, evpnd, frr

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"
FAST = ["timers 1 3"]


class Pair:
    """evpnd on r1 and FRR on r2, each with a host."""

    def __init__(self, lab, asn1=65000, asn2=65000, v6=False, frr_first=False, timers=()):
        self.lab = lab
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.a1, self.a2 = (self.r1.address6, self.r2.address6) if v6 else (self.r1.address, self.r2.address)
        self.h1, self.h2 = lab.host("h1", 1).plug(self.r1), lab.host("h2", 2)
        self.r2.vxlan(100, self.r2.address)
        self.h2.plug(self.r2, "br100")
        self.conf1 = evpnd.conf(self.r1, asn1, [(self.a2, asn2)], ports=["h1"])
        self.conf2 = frr.bgp_conf(asn2, self.r2.address, [(self.a1, asn1, timers)])
        if frr_first:
            self.frr = Frr(self.r2, self.conf2)
        self.evpnd = Evpnd(self.r1, self.conf1)
        if not frr_first:
            self.frr = Frr(self.r2, self.conf2)

    def up(self):
        self.lab.wait_for(lambda: self.evpnd.established(self.a2) and self.frr.established(self.a1), "the session is up", 20)
        return self

    def reach(self):
        self.lab.wait_for(lambda: self.h1.ping("10.0.0.2"), "h1 reaches h2", 20)
        self.lab.wait_for(lambda: self.r1.remote("vxlan100", MAC2) == self.r2.address, "evpnd's kernel has h2")
        self.lab.wait_for(lambda: self.r2.remote("vxlan100", MAC1) == self.r1.address, "FRR's kernel has h1")
        return self


@pytest.mark.dataplanes
@pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("asn2", [65000, 65002, 4200000001], ids=["ibgp", "ebgp", "ebgp-as4"])
def test_two_hosts_share_an_overlay(lab, asn2, v6):
    p = Pair(lab, 65000, asn2, v6).up()

    # Flooding first: both have the other's Type 3 before any MAC is known.
    lab.wait_for(lambda: p.r1.flood("vxlan100") == [p.r2.address], "evpnd floods to FRR")
    lab.wait_for(lambda: p.r2.flood("vxlan100") == [p.r1.address], "FRR floods to evpnd")
    p.reach()

    # FRR's own view: zebra's MAC table and the routes that evpnd sent.
    mac = p.frr.macs(100)[MAC1]
    assert mac["type"] == "remote" and mac["remoteVtep"] == p.r1.address
    routes = p.frr.routes()
    type2 = routes["[2]:[0]:[48]:[%s]" % MAC1][0]
    assert type2["rd"] == "%s:100" % p.r1.address
    assert type2["extendedCommunity"]["string"] == "RT:65000:100 ET:8"
    assert type2["nexthops"][0]["ip"] == p.r1.address
    assert "[3]:[0]:[32]:[%s]" % p.r1.address in routes

    # evpnd's view.
    mac = p.evpnd.mac(100, MAC2)
    assert (mac["state"], mac["vtep"], mac["sequence"], mac["sticky"]) == ("remote", p.r2.address, 0, False)
    assert p.evpnd.mac(100, MAC1)["state"] == "local"
    route, = [r for r in p.evpnd.routes("--type", "2", "--mac", MAC2) if r["ip"] is None]
    assert route["neighbor"] == p.a2 and route["next_hop"] == p.r2.address and route["vni"] == 100 and route["best"] is True
    assert route["route_targets"] == ["%d:100" % (asn2 & 0xffff)]
    lab.wait_for(lambda: all(r["observed"] for r in p.evpnd.fdb(desired=True)), "evpnd has seen its rows")
    rows = p.evpnd.fdb(mac=MAC2, ip=None)
    assert {(r["table"], r["vtep"]) for r in rows} == ({("vxlan", p.r2.address), ("bridge", None)} if lab.dataplane == "kernel" else {("vtep", p.r2.address)})
    assert all(r["desired"] and r["observed"] and r["owner"] == "evpnd" for r in rows)
    neighbor = p.evpnd.neighbor(p.a2)
    assert neighbor["asn"] == asn2 and neighbor["prefixes_received"] >= 2 and neighbor["prefixes_sent"] >= 2

    if lab.dataplane == "userspace":
        return
    # The kernel's rows are as they must be: vxlan and bridge, neither ages nor is learned.
    rows = p.r1.fdb("vxlan100", MAC2)
    assert len(rows) == 2 and all("extern_learn" in r["flags"] for r in rows), rows
    link, = p.r1.ip_json("link show vxlan100")
    data = link["linkinfo"]["info_data"]
    assert (data["id"], data["port"], data["local"], data["learning"]) == (100, 4789, p.r1.address, False)
    assert link["master"] == "br100" and link["linkinfo"]["info_slave_data"]["learning"] is False
    assert link["linkinfo"]["info_slave_data"]["neigh_suppress"] is True


@pytest.mark.dataplanes
def test_who_comes_second_gets_everything(lab):
    """FRR is there first with routes; evpnd starts later and still has all, and the reverse after FRR restarts."""
    p = Pair(lab, frr_first=True).up().reach()
    p.frr.stop_bgpd()
    lab.wait_for(lambda: not p.r1.remote("vxlan100", MAC2) and not p.r1.flood("vxlan100"), "evpnd's rows of FRR go")
    p.frr.start_bgpd()
    p.up().reach()
    lab.wait_for(lambda: MAC1 in p.frr.macs(100), "FRR has h1 again")


@pytest.mark.dataplanes
def test_host_that_leaves_is_withdrawn(lab):
    p = Pair(lab).up().reach()
    p.h1.unplug()
    lab.wait_for(lambda: MAC1 not in p.frr.macs(100), "FRR forgets h1")
    lab.wait_for(lambda: not p.r2.remote("vxlan100", MAC1), "FRR's kernel forgets h1")
    assert p.evpnd.mac(100, MAC1) is None
    p.h2.unplug()
    lab.wait_for(lambda: not p.r1.fdb("vxlan100", MAC2), "evpnd's kernel forgets h2")
    lab.wait_for(lambda: p.evpnd.mac(100, MAC2) is None, "evpnd forgets h2")


@pytest.mark.dataplanes
def test_host_moves_and_the_sequence_counts(lab):
    """RFC 7432 section 15: each move raises the MAC mobility sequence, whoever sees it."""
    p = Pair(lab).up().reach()
    h3 = lab.host("h3", 3).plug(p.r1, "br100")
    h3.speak()
    mac = h3.mac
    lab.wait_for(lambda: p.frr.macs(100).get(mac, {}).get("type") == "remote", "FRR has h3 as remote")
    for turn in range(2):
        old = h3.move(p.r2, "br100")
        lab.wait_for(lambda: p.frr.macs(100).get(mac, {}).get("type") == "local", "h3 is local to FRR")
        lab.wait_for(lambda: (p.evpnd.mac(100, mac) or {}).get("state") == "remote", "h3 is remote to evpnd")
        assert p.evpnd.mac(100, mac)["sequence"] == 2 * turn + 1
        lab.wait_for(lambda: p.r1.remote("vxlan100", mac) == p.r2.address, "evpnd's kernel points at FRR")
        lab.wait_for(lambda: p.h1.ping("10.0.0.3"), "h1 reaches h3 behind FRR")

        h3.forget(old)
        old = h3.move(p.r1, "br100")
        lab.wait_for(lambda: (p.evpnd.mac(100, mac) or {}).get("state") == "local", "h3 is local to evpnd")
        lab.wait_for(lambda: p.frr.macs(100).get(mac, {}).get("type") == "remote", "h3 is remote to FRR")
        assert p.evpnd.mac(100, mac)["sequence"] == 2 * turn + 2
        assert p.frr.macs(100)[mac]["remoteSequence"] == 2 * turn + 2
        lab.wait_for(lambda: p.h2.ping("10.0.0.3"), "h2 reaches h3 behind evpnd")
        h3.forget(old)


@pytest.mark.dataplanes
def test_link_down_ends_the_session_and_its_rows(lab):
    """The cable is cut: no FIN comes, the hold time (3 s, FRR's) runs out on both sides."""
    p = Pair(lab, timers=FAST).up().reach()
    lab.cut(p.r2)
    lab.wait_for(lambda: not p.evpnd.established(p.a2), "evpnd's hold timer expires", 10)
    assert p.evpnd.neighbor(p.a2)["state"] in ("Idle", "Connect", "Active")
    lab.wait_for(lambda: not p.r1.fdb("vxlan100", MAC2) and not p.r1.flood("vxlan100"), "rows of the lost peer go")
    lab.cut(p.r2, up=True)
    p.up().reach()


@pytest.mark.dataplanes
def test_killed_peer_is_noticed_at_once(lab):
    p = Pair(lab).up().reach()
    p.frr.stop_bgpd(signal.SIGKILL)
    lab.wait_for(lambda: not p.evpnd.established(p.a2), "evpnd sees the connection end", 2)
    lab.wait_for(lambda: not p.r1.fdb("vxlan100", MAC2), "its rows go")
    p.frr.start_bgpd()
    p.up().reach()


@pytest.mark.dataplanes
def test_evpnd_that_stops_says_so(lab):
    """SIGTERM: a Cease NOTIFICATION (RFC 4486), exit status 0, and FRR forgets us at once."""
    p = Pair(lab).up().reach()
    assert p.evpnd.stop() == 0
    lab.wait_for(lambda: not p.frr.established(p.a1), "FRR's session ends", 2)
    info = p.frr.json("show bgp neighbors %s" % p.a1)[p.a1]
    assert info["lastNotificationReason"].startswith("Cease"), info["lastNotificationReason"]
    lab.wait_for(lambda: not p.r2.remote("vxlan100", MAC1), "FRR's rows of us go")


@pytest.mark.kernel
def test_static_mac_is_sticky_both_ways(lab):
    """RFC 7432 section 15.2: a static MAC is advertised with the sticky flag and does not move."""
    p = Pair(lab).up().reach()
    p.r2.bridge("fdb add 02:00:00:00:00:aa dev h2 master static sticky")
    lab.wait_for(lambda: (p.evpnd.mac(100, "02:00:00:00:00:aa") or {}).get("sticky") is True, "FRR's static MAC is sticky to evpnd")
    p.r1.bridge("fdb add 02:00:00:00:00:bb dev h1 master static sticky")
    lab.wait_for(lambda: p.frr.json("show evpn mac vni 100 mac 02:00:00:00:00:bb")["02:00:00:00:00:bb"]["stickyMac"], "evpnd's static MAC is sticky to FRR")
    assert p.evpnd.mac(100, "02:00:00:00:00:bb")["sticky"] is True


@pytest.mark.dataplanes
def test_our_own_and_the_ports_addresses_are_not_hosts(lab):
    """MACs of the bridge, of its ports and of the vxlan device are never advertised."""
    p = Pair(lab).up().reach()
    own = {link["address"] for link in p.r1.ip_json("link show") if link["ifname"] != "lo"}
    seen = {prefix.split("[")[-1][:17] for prefix in p.frr.routes("macip") if "[%s]" % MAC2 not in prefix}
    assert MAC1 in seen and not (seen & own), seen & own


@pytest.mark.dataplanes
def test_route_refresh_and_clear(lab):
    """`neighbor ADDR refresh` asks for all routes again (RFC 2918) and keeps the session; clear restarts it; down stays down."""
    p = Pair(lab).up().reach()
    before = p.frr.json("show bgp neighbors %s" % p.a1)[p.a1]["messageStats"]["routeRefreshRecv"]
    p.evpnd.ctl("neighbor", p.a2, "refresh")
    lab.wait_for(lambda: p.frr.json("show bgp neighbors %s" % p.a1)[p.a1]["messageStats"]["routeRefreshRecv"] > before, "FRR gets a ROUTE-REFRESH")
    p.frr.vtysh("clear bgp l2vpn evpn * soft in")
    assert p.evpnd.established(p.a2) and p.h1.ping("10.0.0.2")
    p.evpnd.ctl("neighbor", p.a2, "clear")
    p.up().reach()
    assert p.evpnd.ctl("neighbor", p.a2, "up", "a text", check=False).returncode == 2
    assert p.evpnd.ctl("neighbor", p.a2, "down", "x" * 256, check=False).returncode == 2
    assert p.evpnd.established(p.a2)
    p.frr.configure("router bgp 65000", "bgp log-neighbor-changes")  # what it shows is of its last attempt, and the next is a second later
    p.evpnd.ctl("neighbor", p.a2, "down", "back at 5")  # RFC 9003
    lab.wait_for(lambda: not p.frr.established(p.a1), "the session is down")
    lab.wait_for(lambda: '6/2 (Cease/Administrative Shutdown) "back at 5"' in p.frr.bgpd.tail(), "FRR is told why")
    lab.wait_for(lambda: p.evpnd.neighbor(p.a2)["state"] == "Idle", "and stays so")
    lab.wait_for(lambda: not p.r1.fdb("vxlan100", MAC2), "rows go")
    p.evpnd.ctl("neighbor", p.a2, "up")
    p.up().reach()
