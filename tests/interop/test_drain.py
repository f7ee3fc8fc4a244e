# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Graceful shutdown (RFC 8326), to FRR and from it.

    h1 --br100 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 FRR] br100-- h2
    10.0.0.1                                                            10.0.0.2
"""
import re

import pytest

from evlab import Evpnd, Frr, evpnd, frr

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"
COMMUNITY = "65535:0"


class Pair:
    def __init__(self, lab, asn2):
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1, self.h2 = lab.host("h1", 1).plug(self.r1), lab.host("h2", 2)
        self.r2.vxlan(100, self.r2.address)
        self.h2.plug(self.r2, "br100")
        self.asn2 = asn2
        self.evpnd = Evpnd(self.r1, evpnd.conf(self.r1, 65000, [(self.r2.address, asn2)], ports=["h1"]))
        self.frr = Frr(self.r2, frr.bgp_conf(asn2, self.r2.address, [(self.r1.address, 65000)]))
        lab.wait_for(lambda: self.evpnd.established(self.r2.address), "the session is up", 20)
        lab.wait_for(lambda: self.h1.ping("10.0.0.2"), "h1 reaches h2", 20)
        lab.wait_for(lambda: self.evpnd.mac(100, MAC2) and MAC1 in self.frr.macs(100), "both have the other's host")

    def at_frr(self):
        """What FRR says of our routes: marked, LOCAL_PREF; {(True, "0")} when all are alike."""
        text = self.frr.vtysh("show bgp l2vpn evpn route detail")
        entries = [e for e in text.split("BGP routing table entry for ")[1:] if "from %s (" % self.r1.address in e]
        assert entries, text
        return {("Community: graceful-shutdown" in e, "".join(re.findall(r"localpref (\d+)", e))) for e in entries}

    def from_frr(self):
        """Ours of FRR's routes."""
        return {(COMMUNITY in (r["communities"] or []), r["local_pref"])
                for r in self.evpnd.routes("--neighbor", self.r2.address, "--detail")}


@pytest.mark.parametrize("asn2, usual, received", [(65000, "100", 100), (65002, "", None)], ids=["ibgp", "ebgp"])
def test_evpnd_and_frr_drain(lab, asn2, usual, received):
    p = Pair(lab, asn2)
    lab.wait_for(lambda: p.at_frr() == {(False, usual)}, "our routes are as ever")
    assert p.evpnd.show("version")["draining_s"] is None and p.evpnd.neighbor(p.r2.address)["drain"] is None
    p.evpnd.ctl("drain")
    lab.wait_for(lambda: p.at_frr() == {(True, "0")}, "all our routes are marked, the last choice for FRR")
    assert p.evpnd.show("version")["draining_s"] >= 0
    assert "drains for" in p.evpnd.ctl("show", "version").stdout
    lab.wait_for(lambda: p.evpnd.neighbor(p.r2.address)["drain"] == "sent", "evpnd knows that it is done")
    assert p.h2.ping("10.0.0.1"), "its hosts are reached all the same"
    h3 = lab.host("h3", 3).plug(p.r1, "br100")
    lab.wait_for(lambda: h3.ping("10.0.0.2") and h3.mac in p.frr.macs(100), "a new host is told, too")
    assert p.at_frr() == {(True, "0")}
    p.evpnd.ctl("drain", "off")
    lab.wait_for(lambda: p.at_frr() == {(False, usual)}, "our routes are as they were")

    lab.wait_for(lambda: p.from_frr() == {(False, received)}, "what FRR sends back of ours is as it was, too")
    p.frr.configure("router bgp %d" % asn2, "bgp graceful-shutdown")
    lab.wait_for(lambda: p.from_frr() == {(asn2 != 65000, 0)}, "FRR's are the last choice")
    assert p.h1.ping("10.0.0.2") and p.evpnd.mac(100, MAC2)["state"] == "remote"
    p.frr.configure("router bgp %d" % asn2, "no bgp graceful-shutdown")
    lab.wait_for(lambda: p.from_frr() == {(False, received)}, "FRR's are as they were")
    assert p.evpnd.ctl("drain", "later", check=False).returncode == 2
