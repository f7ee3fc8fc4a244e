# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""FRR's zebra and bgpd (Debian's 8.4) on a node, with configuration, sockets and logs of their own."""
import json
import os
import shutil
import signal

from .run import wait_for

BIN = "/usr/lib/frr"

BGP = """
frr defaults traditional
router bgp {asn}
 bgp router-id {router_id}
 no bgp default ipv4-unicast
 no bgp ebgp-requires-policy
{neighbors}
 address-family l2vpn evpn
{activate}
  {advertise}
 exit-address-family
"""


def bgp_conf(asn, router_id, neighbors, advertise="advertise-all-vni", more=""):
    """bgpd.conf. neighbors: (address, asn) or (address, asn, [lines after "neighbor A"])."""
    session, family = [], []
    for n in neighbors:
        address, peer_asn, extra = (*n, [])[:3]
        session.append(" neighbor %s remote-as %d" % (address, peer_asn))
        session.append(" neighbor %s timers connect 1" % address)
        session += [" neighbor %s %s" % (address, x) for x in extra if not x.startswith("af ")]
        family.append("  neighbor %s activate" % address)
        family += ["  neighbor %s %s" % (address, x[3:]) for x in extra if x.startswith("af ")]
    return BGP.format(asn=asn, router_id=router_id, neighbors="\n".join(session), activate="\n".join(family), advertise=advertise) + more


class Frr:
    def __init__(self, node, conf, name="frr"):
        self.node, self.name = node, name
        self.dir = node.lab.path("%s-%s" % (node.name, name))
        os.mkdir(self.dir)
        for daemon, text in (("zebra", ""), ("bgpd", conf)):
            with open(os.path.join(self.dir, daemon + ".conf"), "w") as f:
                f.write("hostname %s\nlog stdout informational\n%s\n" % (node.name, text))
        for path in (self.dir, *(os.path.join(self.dir, f) for f in os.listdir(self.dir))):
            shutil.chown(path, "frr", "frr")
        node.lab.peers.append(self)
        self.zebra = self._start("zebra", "zserv.api")
        self.start_bgpd()

    def __str__(self):
        return "FRR on %s" % self.node.name

    def _start(self, daemon, appears):
        d = self.dir
        p = self.node.start("%s-%s" % (self.name, daemon), [os.path.join(BIN, daemon), "-f", "%s/%s.conf" % (d, daemon), "-i", "%s/%s.pid" % (d, daemon),
                                                          "-z", d + "/zserv.api", "--vty_socket", d, "-P", "0"])
        wait_for(lambda: os.path.exists(os.path.join(d, appears)), 15, "%s of %s starts" % (daemon, self))
        return p

    def start_bgpd(self):
        self.bgpd = self._start("bgpd", "bgpd.vty")
        wait_for(lambda: "BGP" in self.vtysh("show bgp l2vpn evpn vni") or True, 5, "vtysh answers")

    def stop_bgpd(self, sig=signal.SIGTERM):
        self.bgpd.stop(sig)
        for f in ("bgpd.vty", "bgpd.pid"):
            if os.path.exists(os.path.join(self.dir, f)):
                os.unlink(os.path.join(self.dir, f))

    def vtysh(self, *commands):
        argv = ["vtysh", "--vty_socket", self.dir]
        for c in commands:
            argv += ["-c", c]
        return self.node.run(*argv, check=False).stdout

    def configure(self, *lines):
        return self.vtysh("configure terminal", *lines)

    def json(self, command):
        return json.loads(self.vtysh(command + " json"))

    def established(self, address):
        return self.json("show bgp neighbors %s" % address)[address]["bgpState"] == "Established"

    def routes(self, kind=None):
        """{prefix: [paths]} of `show bgp l2vpn evpn route`, over all RDs; prefixes as FRR writes them: [2]:[0]:[48]:[mac]."""
        out = {}
        j = self.json("show bgp l2vpn evpn route" + (" type " + kind if kind else ""))
        for rd, prefixes in j.items():
            if not isinstance(prefixes, dict):
                continue
            for prefix, row in prefixes.items():
                if isinstance(row, dict) and "paths" in row:
                    for paths in row["paths"]:
                        out.setdefault(prefix, []).extend(dict(p, rd=rd) for p in (paths if isinstance(paths, list) else [paths]))
        return out

    def macs(self, vni):
        """zebra's MAC table: {mac: {type, remoteVtep, ...}}."""
        return self.json("show evpn mac vni %d" % vni).get("macs", {})

    def vteps(self, vni):
        return [v if isinstance(v, str) else v["ip"] for v in self.json("show evpn vni %d" % vni).get("numRemoteVteps", [])]

    def state(self):
        return self.vtysh("show bgp summary", "show bgp l2vpn evpn", "show evpn mac vni all", "show evpn vni detail")

    def close(self):
        for p in (self.bgpd, self.zebra):
            p.stop()
