# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnd on a node, and evpnctl at its socket."""
import json
import os
import re
import signal
import textwrap

from .run import run, wait_for

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
USER = os.environ.get("EVPND_USER", "root")  # every evpnd becomes this one, if it is not told otherwise; there may be a user evpnd
USERSPACE = "dataplane: userspace\nworkers: 2\n"
BUILD = os.path.join(TOP, os.environ.get("EVPND_BUILD", "build"))
SANITIZED = "san" in os.path.basename(BUILD)


def conf(node, asn, neighbors, vnis=(100,), vtep=None, ports=(), more="", vni_more=""):
    """evpnd.yaml. neighbors: (address, asn) or (address, asn, "KEY: VALUE, ..."); ports belong to the first VNI."""
    text = "asn: %d\nrouter-id: %s\n" % (asn, node.address)
    text += "vtep: %s\n" % (vtep or node.address) if vnis else "dataplane: none\n"
    if vnis and node.lab.dataplane == "userspace" and "dataplane:" not in more:
        text += USERSPACE
    text += "%sneighbors:\n" % more if neighbors else more
    for n in neighbors:
        address, peer_asn, extra = (*n, "")[:3]
        text += "  - {address: \"%s\", asn: %d%s}\n" % (address, peer_asn, extra and ", " + extra)
    text += "vnis:\n" if vnis else ""
    for i, vni in enumerate(vnis):
        text += "  - {vni: %d, ports: [%s]%s}\n" % (vni, "" if i else ", ".join(ports), vni_more and ", " + vni_more)
    return text


def without_twins(pairs):
    """An object, in which no key may be twice: parsers keep one of the values in silence."""
    keys = [k for k, _ in pairs]
    assert len(set(keys)) == len(keys), "twice: %s" % {k for k in keys if keys.count(k) > 1}
    return dict(pairs)


class Evpnd:
    def __init__(self, node, config, name="evpnd", start=True, user=USER, env=None):
        """user: to become, by -u; its configuration and the folder of its socket are the lab's, which it may use then."""
        self.node, self.name, self.user, self.env = node, name, user, env
        base = node.lab.path("%s-%s" % (node.name, name))
        self.file, self.socket = base + ".yaml", base + ".sock"
        self.process = None
        self.program = os.path.join(BUILD, "evpnd")
        self.expected_status = 0
        self.configure(config)
        node.lab.peers.append(self)
        if start:
            self.start()

    def __str__(self):
        return "%s on %s" % (self.name, self.node.name)

    def configure(self, config):
        self.config = textwrap.dedent(config)
        self.node.userspace = self if "dataplane: userspace" in config else None
        with open(self.file, "w") as f:
            f.write(self.config)

    def command(self):
        argv = [self.program, "-c", self.file, "-s", self.socket]
        if self.user:
            argv += ["-u", self.user]
        if self.user not in (None, "root"):
            os.chmod(os.path.dirname(self.socket), 0o777)
        return argv

    def start(self):
        """Returns when the daemon answers."""
        self.process = self.node.start(self.name, self.command(), self.env and {**os.environ, **self.env})
        wait_for(lambda: not self.process.alive() or self.ctl("show", "version", check=False).returncode == 0, 10, "%s answers" % self)
        if not self.process.alive():
            self.process.stopped = True
            raise AssertionError("%s ended at start:\n%s" % (self, self.log()))

    def check(self):
        """evpnd -n, for its status and its words."""
        return self.node.run(os.path.join(BUILD, "evpnd"), "-n", "-c", self.file, check=False)

    def log(self):
        return self.process.tail(100000) if self.process else ""

    def argv(self, *argv):
        """What asks this daemon."""
        return [os.path.join(BUILD, "evpnctl"), "-s", self.socket, *argv]

    def ctl(self, *argv, check=True, timeout=20):
        """evpnctl ARGV: subprocess.CompletedProcess."""
        return self.node.run(*self.argv(*argv), check=check, timeout=timeout)

    def json(self, *argv):
        """evpnctl --json ARGV, parsed."""
        return json.loads(self.ctl("--json", *argv).stdout, object_pairs_hook=without_twins)

    def show(self, *argv):
        return self.json("show", *argv)

    def keys(self):
        """The NLRI keys of everything received."""
        return set(self.ctl("show", "rib", "--keys").stdout.split())

    def neighbor(self, address):
        return self.show("neighbors", address)

    def established(self, address):
        return self.neighbor(address)["state"] == "Established"

    def routes(self, *argv):
        return self.show("rib", *argv)

    def mac(self, vni, mac):
        rows = self.show("mac", "--vni", str(vni), "--mac", mac)
        return rows[0] if rows else None

    def fdb(self, **want):
        """Dataplane rows with these values, e.g. fdb(mac=..., table="vxlan")."""
        return [r for r in self.show("fdb") if all(r.get(k) == v for k, v in want.items())]

    def tables(self, dev):
        """What a userspace VTEP has in the place of the rows of that device: "vxlan100", or a port."""
        if not self.process or not self.process.alive():
            return []
        rows = [r for r in self.fdb(observed=True) if r["ip"] is None]
        if dev.startswith("vxlan"):
            return [{"mac": r["mac"], "dst": r["vtep"], "vni": r["vni"]} for r in rows if r["vtep"] and r["vni"] == int(dev[5:])]
        return [{"mac": r["mac"], "master": "br%d" % r["vni"]} for r in rows if r["device"] == dev]

    def add_port(self, port, vni):
        """To a userspace VTEP, which has no bridge that it could be put into."""
        def more(m):
            return m[1] + ", ".join([m[2], port] if m[2] else [port]) + "]"
        self.reload(re.sub(r"(vni: %s, ports: \[)(.*?)\]" % vni, more, self.config))

    def has_port(self, port):
        return all(v["ready"] and ("port " + port) not in (v["problem"] or "") for v in self.show("vni"))

    def drops(self):
        """Frames that the userspace VTEP dropped, by reason."""
        return {t["name"]: t["drops"] for t in self.show("traffic") if t["scope"] == "drop"}

    def reload(self, config, check=True):
        self.configure(config)
        return self.ctl("reload", check=check)

    def stop(self, sig=signal.SIGTERM):
        return self.process.stop(sig)

    def kill(self):
        """As kill -9 does: nothing is cleaned up."""
        self.process.stop(signal.SIGKILL)

    def state(self):
        if not self.process or not self.process.alive():
            return "not running\n"
        text = ""
        for verb in ("neighbors", "rib", "vni", "mac", "arp", "fdb"):
            p = self.ctl("show", verb, check=False, timeout=5)
            text += "$ evpnctl show %s\n%s%s" % (verb, p.stdout, p.stderr)
        return text

    def close(self):
        if not self.process or self.process.stopped:
            return []
        died = not self.process.alive()
        status = self.process.stop()
        if died or status != self.expected_status:
            return ["%s %s with status %d\n%s" % (self, "died" if died else "ended", status, self.process.tail())]
        return []


def evpnctl(node, *argv):
    """evpnctl without a daemon's socket given."""
    return run(["ip", "netns", "exec", node.ns, os.path.join(BUILD, "evpnctl"), *argv], check=False)
