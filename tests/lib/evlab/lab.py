# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Network namespaces: nodes on an underlay, hosts behind bridges, and the undoing of it all.

Names are ev<pid>-<number>-<node>, so that runs beside each other do not meet, and what a killed run left behind can be
told from what lives (sweep()).
"""
import itertools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile

from .run import Process, Timeout, in_namespace, run, wait_for

_counter = itertools.count(1)
SYSCTL = "for f in all default; do echo 0 >/proc/sys/net/ipv6/conf/$f/accept_dad; echo 0 >/proc/sys/net/ipv6/conf/$f/dad_transmits; done"


class Node:
    """A network namespace. In a fabric: name r1 has eth0 with 192.0.2.1/24 and 2001:db8::1/64."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.ns = "%s-%s" % (lab.prefix, name)
        self.address = self.address6 = None
        self.userspace = None  # an Evpnd that forwards itself: its tables are looked at, its ports are in no bridge
        self.make()
        self.run("sh", "-c", SYSCTL)
        self.ip("link set lo up")

    def make(self):
        run(["ip", "netns", "add", self.ns])
        self.lab.nodes.append(self)

    def run(self, *argv, **kw):
        return run(["ip", "netns", "exec", self.ns, *argv], **kw)

    def ping(self, to, count=1):
        """So many answers come; a question may be lost."""
        return self.run("ping", "-n", "-i0.2", "-c%d" % count, "-W1", "-w%d" % (count + 1), to, check=False).returncode == 0

    def one_ping(self, to):
        """A single question is answered: early or late, but not lost."""
        return self.run("ping", "-n", "-c1", "-W5", to, check=False).returncode == 0

    def ip(self, command, check=True):
        return run(["ip", "-n", self.ns, *command.split()], check=check).stdout

    def ip_json(self, command):
        return json.loads(run(["ip", "-n", self.ns, "-j", "-d", *command.split()]).stdout or "[]")

    def bridge(self, command, check=True):
        return run(["bridge", "-n", self.ns, *command.split()], check=check).stdout

    def fdb(self, dev, mac=None):
        """Rows of `bridge fdb show dev DEV`, those of one MAC if given; the same of a userspace VTEP."""
        if self.userspace:
            return [r for r in self.userspace.tables(dev) if mac is None or r["mac"] == mac]
        rows = json.loads(run(["bridge", "-n", self.ns, "-j", "-d", "fdb", "show", "dev", dev]).stdout or "[]")
        return [r for r in rows if mac is None or r["mac"] == mac]

    def remote(self, dev, mac):
        """The VTEP that the vxlan row of mac points at: its dst, or the gateway of its nexthop (group of one)."""
        for r in self.fdb(dev, mac):
            if "dst" in r:
                return r["dst"]
            if "nhid" in r:
                return self._nexthop(r["nhid"])
        return None

    def _nexthop(self, nhid):
        for n in self.ip_json("nexthop list"):
            if n["id"] == nhid:
                return n["gateway"] if "gateway" in n else self._nexthop(n["group"][0]["id"])
        return None

    def flood(self, dev):
        """VTEPs of the flood list."""
        return sorted(r["dst"] for r in self.fdb(dev, "00:00:00:00:00:00") if "dst" in r)

    def start(self, name, argv, env=None):
        p = Process("%s on %s" % (name, self.name), ["ip", "netns", "exec", self.ns, *argv], self.lab.path("%s-%s.log" % (self.name, name)), env)
        self.lab.processes.append(p)
        return p

    def vxlan(self, vni, local, bridge=None, vxlan=None):
        """A bridge with a vxlan device as the documentation of other daemons asks for it."""
        bridge, vxlan = bridge or "br%d" % vni, vxlan or "vxlan%d" % vni
        # Of its own, so that ports that come do not change it, at which the kernel would forget neighbours.
        self.ip("link add %s address 02:fe:00:%02x:%02x:%02x type bridge" % (bridge, vni >> 16, vni >> 8 & 255, vni & 255))
        self.ip("link add %s type vxlan id %d local %s dstport 4789 nolearning" % (vxlan, vni, local))
        self.ip("link set %s master %s addrgenmode none" % (vxlan, bridge))
        self.bridge("link set dev %s learning off" % vxlan)
        self.ip("link set %s up" % bridge)
        self.ip("link set %s up" % vxlan)

    def state(self):
        text = ""
        for argv in (["ip", "-n", self.ns, "-br", "addr"], ["bridge", "-n", self.ns, "fdb", "show"], ["ip", "-n", self.ns, "neigh"],
                     ["ip", "-n", self.ns, "nexthop"]):
            text += "$ %s\n%s" % (" ".join(argv), run(argv, check=False).stdout)
        return text


class Host(Node):
    """An end station with one address that can be plugged into a node's bridge, and moved. It says nothing by itself:
    without an IPv6 address there is no IPv6, so no router solicitation takes a test by surprise."""

    def __init__(self, lab, name, mac, ip, ip6=None):
        super().__init__(lab, name)
        self.mac, self.ip4, self.ip6 = mac, ip, ip6
        self.plugs = 0
        self.dev = None
        self.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore")  # a port that was moved away from does not answer
        if not ip6:
            self.run("sh", "-c", "for f in all default; do echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done")

    def plug(self, router, bridge=None, port=None):
        """Connects to a port of router (named as the host), which is put into bridge if one is given."""
        self.dev = "eth%d" % self.plugs
        self.plugs += 1
        self.router, self.port = router, port or self.name
        port = self.port
        run(["ip", "link", "add", self.dev, "netns", self.ns, "address", self.mac, "type", "veth", "peer", "name", port, "netns", router.ns])
        router.ip("link set %s addrgenmode none" % port)
        if bridge and router.userspace:
            router.userspace.add_port(port, bridge[2:])
        elif bridge:
            router.ip("link set %s master %s" % (port, bridge))
        router.ip("link set %s up" % port)
        self.ip("link set %s addrgenmode none" % self.dev, check=False)
        self.ip("addr add %s/24 dev %s" % (self.ip4, self.dev))
        if self.ip6:
            self.ip("addr add %s/64 dev %s nodad" % (self.ip6, self.dev))
        self.ip("link set %s up" % self.dev)
        return self

    def unplug(self):
        self.ip("link del " + self.dev)
        self.dev = None

    def move(self, router, bridge, port=None):
        """As a live migration does: the addresses turn up here with one frame, while the port there still stands (what was
        learned at it stays until someone knows better) and goes when all is over."""
        old = self.dev
        self.ip("addr flush dev " + old)
        self.ip("link set %s address 02:ff:00:00:00:%02x" % (old, self.plugs))
        self.plug(router, bridge, port or "%s.%d" % (self.name, self.plugs))
        self.speak()
        return old

    def forget(self, old):
        """Takes the port of before a move away."""
        self.ip("link del " + old)

    def wait_port(self, timeout=15):
        """Until the port lets frames in: what comes before is dropped by the bridge."""
        wait_for(self.port_forwards, timeout, "the port of %s forwards" % self.name)

    def port_forwards(self):
        port, = self.router.ip_json("link show " + self.port)
        if self.router.userspace:
            return port["operstate"] == "UP" and self.router.userspace.has_port(self.port)
        return port["linkinfo"]["info_slave_data"]["state"] == "forwarding"

    def speak(self, mac=None):
        """One broadcast frame, so that bridges learn the MAC: an ARP request for an address that nobody has."""
        mac = bytes.fromhex((mac or self.mac).replace(":", ""))
        sender, target = (socket.inet_aton(a) for a in (self.ip4, self.ip4.rsplit(".", 1)[0] + ".254"))
        frame = b"\xff" * 6 + mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mac + sender + bytes(6) + target
        with in_namespace(self, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)) as s:
            self.wait_port()
            s.bind((self.dev, 0))
            s.send(frame)

    def frame(self, mac=None):
        """A broadcast of a local experimental EtherType: bridges learn from it, and nobody else."""
        with in_namespace(self, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)) as s:
            s.bind((self.dev, 0))
            s.send(b"\xff" * 6 + bytes.fromhex((mac or self.mac).replace(":", "")) + b"\x88\xb5" + bytes(46))

    def frame_until(self, cond, what, mac=None):
        """A frame each time it is looked, as hosts speak: a single one may come before the bridge lets it in."""
        wait_for(lambda: self.frame(mac) or cond(), 15, what)


class Lab:
    """Everything a test made. Use as a context, or call close()."""

    def __init__(self, dataplane="kernel"):
        self.dataplane = dataplane  # what evpnd.conf() asks for
        self.prefix = "ev%d-%d" % (os.getpid(), next(_counter))
        self.nodes, self.processes, self.peers = [], [], []
        self.dir = tempfile.mkdtemp(prefix=self.prefix + "-")
        os.chmod(self.dir, 0o755)  # FRR's daemons drop to their own user
        self.switch = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def wait_for(self, cond, what, timeout=15):
        return wait_for(cond, timeout, what)

    def node(self, name):
        return Node(self, name)

    def fabric(self, *names, mtu=1600):
        """Nodes on one switch: the k-th has 192.0.2.k/24 and 2001:db8::k/64 on eth0."""
        self.switch = Node(self, "sw")
        self.switch.ip("link add br0 type bridge")
        self.switch.ip("link set br0 up")
        return [self.join(name, k, mtu) for k, name in enumerate(names, 1)]

    def join(self, name, k, mtu=1600):
        return self.cable(Node(self, name), k, mtu=mtu)

    def cable(self, n, k, dev="eth0", mtu=1600):
        n.address, n.address6 = "192.0.2.%d" % k, "2001:db8::%d" % k
        run(["ip", "link", "add", dev, "netns", n.ns, "mtu", str(mtu), "type", "veth", "peer", "name", n.name, "netns", self.switch.ns])
        self.switch.ip("link set %s mtu %d master br0 up" % (n.name, mtu))
        n.ip("addr add %s/24 dev %s" % (n.address, dev))
        n.ip("addr add %s/64 dev %s nodad" % (n.address6, dev))
        n.ip("link set %s up" % dev)
        return n

    def cut(self, node, up=False):
        """Takes the node's cable out of the switch (or puts it in again)."""
        self.switch.ip("link set %s %s" % (node.name, "up" if up else "down"))

    def host(self, name, k, ip6=False):
        """Host number k: 02:00:00:00:00:0k, 10.0.0.k."""
        return Host(self, name, "02:00:00:00:00:%02x" % k, "10.0.0.%d" % k, "2001:db8:a::%d" % k if ip6 else None)

    def state(self):
        text = ""
        for n in self.nodes:
            text += "==== %s\n%s" % (n.name, n.state())
        for p in self.peers:
            try:
                text += "==== %s\n%s" % (p, p.state())
            except Exception as e:
                text += "==== %s: %s\n" % (p, e)
        for p in self.processes:
            text += "==== log of %s (exit status %s)\n%s" % (p.name, p.p.poll(), p.tail())
        return text

    def close(self):
        """Stops and removes everything; gives what went wrong on the way: a daemon dead before its time or an unclean end."""
        wrong = []
        for p in reversed(self.peers):
            try:
                wrong += p.close() or []
            except Exception as e:
                wrong.append("%s: %s" % (p, e))
        for p in reversed(self.processes):
            try:
                p.stop()
            except Timeout as e:
                wrong.append(str(e))
        for n in self.nodes:
            remove_netns(n.ns)
        shutil.rmtree(self.dir, ignore_errors=True)
        return wrong

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def remove_netns(name):
    pids = run(["ip", "netns", "pids", name], check=False).stdout.split()
    for pid in pids:
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    run(["ip", "netns", "del", name], check=False)


def is_over(pid):
    """Whoever made what has this process id in its name: it is no more, or the id is ours, who have made nothing yet."""
    return int(pid) == os.getpid() or not os.path.exists("/proc/" + pid)


def sweep():
    """Removes what killed runs left behind: namespaces and directories whose runner is no more. To be called first."""
    for name in subprocess.run(["ip", "-o", "netns", "list"], capture_output=True, text=True).stdout.splitlines():
        m = re.match(r"ev(\d+)-\d+-\w+", name)
        if m and is_over(m.group(1)):
            remove_netns(m.group(0))
    for name in os.listdir(tempfile.gettempdir()):
        m = re.match(r"ev(\d+)-\d+-", name)
        if m and is_over(m.group(1)):
            shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)


if __name__ == "__main__":
    sweep()
