# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""ExaBGP (Debian's 4.2) on a node. Its configuration and API know no EVPN, its codec does: exa/evpn_verb.py adds the verb."""
import json
import os

from .run import wait_for

HERE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "exa")
PYTHON = "/usr/bin/python3"

CONF = """
process api {{
	run {python} {here}/api_process.py {fifo} {out};
	encoder json;
}}
neighbor {peer} {{
	router-id {router_id};
	local-address {local};
	local-as {asn};
	peer-as {peer_asn};
	hold-time 90;
	family {{
		l2vpn evpn;
		{family}
	}}
	capability {{
		asn4 {asn4};
		route-refresh enable;
		extended-message {extended};
		add-path {add_path};
	}}
	api {{
		processes [ api ];
		neighbor-changes;
		receive {{
			parsed;
			update;
			notification;
		}}
	}}
}}
"""


class Exabgp:
    def __init__(self, node, asn, peer, peer_asn, name="exabgp", asn4=True, router_id=None, extended=True, add_path="disable", family=""):
        self.node, self.name, self.peer = node, name, peer
        base = node.lab.path("%s-%s" % (node.name, name))
        self.fifo, self.out, self.file = base + ".fifo", base + ".jsonl", base + ".conf"
        os.mkfifo(self.fifo)
        local = node.address6 if ":" in peer else node.address
        with open(self.file, "w") as f:
            f.write(CONF.format(python=PYTHON, here=HERE, fifo=self.fifo, out=self.out, peer=peer, local=local, router_id=router_id or node.address,
                                asn=asn, peer_asn=peer_asn, asn4="enable" if asn4 else "disable",
                                extended="enable" if extended else "disable", add_path=add_path, family=family))
        node.lab.peers.append(self)
        env = {"exabgp_" + k: v for k, v in {
            "daemon_user": "root", "daemon_daemonize": "false", "api_cli": "false", "api_ack": "false", "log_level": "INFO",
            "log_destination": "stdout", "tcp_bind": "", "tcp_attempts": "0", "bgp_openwait": "60"}.items()}
        self.process = node.start(name, [PYTHON, os.path.join(HERE, "evpn_verb.py"), self.file], dict(os.environ, **env))
        wait_for(lambda: os.path.exists(self.out), 15, "%s starts its API process" % self)

    def __str__(self):
        return "ExaBGP on %s" % self.node.name

    def command(self, line):
        fd = os.open(self.fifo, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(fd, (line + "\n").encode())
        finally:
            os.close(fd)

    def announce(self, kind, body, next_hop, attributes="", path_id=None):
        """kind and body (bytes) of the NLRI; attributes in ExaBGP's words, e.g. "extended-community [ target:65001:100 ]"."""
        self.command("announce evpn %s %s next-hop %s %s" % (self._kind(kind, path_id), body.hex(), next_hop, attributes))

    def withdraw(self, kind, body, path_id=None):
        self.command("withdraw evpn %s %s next-hop 0.0.0.0" % (self._kind(kind, path_id), body.hex()))

    @staticmethod
    def _kind(kind, path_id):
        return "%d" % kind if path_id is None else "%d@%d" % (kind, path_id)

    def ask(self, nlri, withdraw=False):
        """A route target membership (bytes, with its length) of family="ipv4 rtc;"."""
        self.command("%s rtc %s next-hop %s" % ("withdraw" if withdraw else "announce", nlri.hex(), self.node.address))

    def events(self):
        with open(self.out) as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def established(self, address=None):
        states = [e["neighbor"]["state"] for e in self.events() if e["type"] == "state"]
        return bool(states) and states[-1] == "up"

    def received(self):
        """The peer's routes as ExaBGP sees them now: {raw NLRI in hex: (NLRI, attributes)}."""
        rib = {}
        for e in self.events():
            if e["type"] == "state" and e["neighbor"]["state"] != "up":
                rib.clear()
            if e["type"] != "update":
                continue
            update = e["neighbor"]["message"].get("update", {})
            for nlri in update.get("withdraw", {}).get("l2vpn evpn", []):
                rib.pop(self._key(nlri), None)
            for next_hop, nlris in update.get("announce", {}).get("l2vpn evpn", {}).items():
                for nlri in nlris:
                    rib[self._key(nlri)] = (nlri, dict(update.get("attribute", {}), **{"next-hop": next_hop}))
        return rib

    @staticmethod
    def _key(nlri):
        """ESI and labels are no part of the key (RFC 7432 section 7.2)."""
        return (nlri["code"], nlri.get("rd"), nlri.get("mac"), nlri.get("ip"), nlri.get("ethernet-tag"))

    def state(self):
        return "received: %r\n" % (self.received(),)

    def close(self):
        self.process.stop()


