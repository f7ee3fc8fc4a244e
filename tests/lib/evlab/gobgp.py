# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""GoBGP (Debian's 3.10) on a node: gobgpd and its command line. A control plane without a kernel."""
import json

from .run import wait_for


def conf(asn, router_id, neighbors, port=179):
    """gobgpd's TOML. neighbors: (address, asn) or (address, asn, extra TOML lines)."""
    text = "[global.config]\nas = %d\nrouter-id = \"%s\"\nport = %d\n" % (asn, router_id, port)
    for n in neighbors:
        address, peer_asn, extra = (*n, "")[:3]
        text += ("[[neighbors]]\n[neighbors.config]\nneighbor-address = \"%s\"\npeer-as = %d\n"
                 "[neighbors.timers.config]\nconnect-retry = 1\nidle-hold-time-after-reset = 1\nhold-time = 90\nkeepalive-interval = 30\n"
                 "%s\n[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"l2vpn-evpn\"\n") % (address, peer_asn, extra)
    return text


class Gobgp:
    def __init__(self, node, config, name="gobgpd"):
        self.node, self.name = node, name
        self.file = node.lab.path("%s-%s.toml" % (node.name, name))
        with open(self.file, "w") as f:
            f.write(config)
        node.lab.peers.append(self)
        self.start()

    def __str__(self):
        return "GoBGP on %s" % self.node.name

    def start(self, *more):
        """more: options, "-r" for a graceful restart."""
        self.process = self.node.start(self.name, ["gobgpd", "-f", self.file, "--api-hosts", "127.0.0.1:50051", "-p", *more])
        wait_for(lambda: self.gobgp("global", check=False).returncode == 0, 15, "%s answers" % self)

    def gobgp(self, *argv, check=True):
        """Who is not connected within a second gives up without having asked: on a busy machine it tries again."""
        for _ in range(5):
            p = self.node.run("gobgp", *argv, check=False)
            if "context deadline exceeded" not in p.stdout + p.stderr:
                break
        if check and p.returncode:
            raise RuntimeError("gobgp %s: exit %d\n%s%s" % (" ".join(argv), p.returncode, p.stdout, p.stderr))
        return p

    def rib(self, *argv):
        """Paths of the table (or of `neighbor A adj-in`), each {"nlri": {type, value}, "attrs": [...], ...}."""
        text = self.gobgp("-j", *(argv or ("global", "rib", "-a", "evpn")), check=False).stdout
        j = json.loads(text or "{}")
        return [p for paths in j.values() for p in paths] if isinstance(j, dict) else j

    def route(self, kind, **value):
        """Paths of route type kind whose NLRI has these values, e.g. route(2, mac="02:...")."""
        return [p for p in self.rib() if p["nlri"]["type"] == kind and all(p["nlri"]["value"].get(k) == v for k, v in value.items())]

    def established(self, address):
        j = json.loads(self.gobgp("-j", "neighbor", address).stdout)
        return j["state"]["session_state"] in (6, "established", "ESTABLISHED")

    def add(self, *argv, delete=False):
        return self.gobgp("global", "rib", "del" if delete else "add", "-a", "evpn", *argv)

    def add_mac(self, mac, ip, vni, rd, rt, next_hop, delete=False):
        """The command line has no word for MAC mobility."""
        return self.add("macadv", mac, ip or "0.0.0.0", "etag", "0", "label", str(vni), "rd", rd, "rt", rt, "encap", "vxlan",
                        "nexthop", next_hop, delete=delete)

    def add_multicast(self, vtep, vni, rd, rt, delete=False):
        return self.add("multicast", vtep, "etag", "0", "rd", rd, "rt", rt, "encap", "vxlan", "pmsi", "ingress-repl", str(vni), vtep,
                        "nexthop", vtep, delete=delete)

    def state(self):
        return self.gobgp("neighbor", check=False).stdout + self.gobgp("global", "rib", "-a", "evpn", check=False).stdout

    def close(self):
        self.process.stop()
