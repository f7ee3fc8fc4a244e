# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnd of ordinary users: BGP and VXLAN in the host's network namespace, ports in namespaces of the users'.

    guest eth0 --veth-- p0 [user 60001: evpnd] 127.0.0.1 ---- lo of host ---- 127.0.0.2 [user 60002: evpnd] p0 --veth-- eth0 guest

The host is a namespace of root's, in which the users have no rights.
"""
import os
import subprocess

import pytest

from evlab import Evpnd
from evlab.evpnd import BUILD
from test_vtep import transfer

UIDS = (60001, 60002)
BECOME = ["setpriv", "--reuid", "%d", "--regid", "%d", "--clear-groups"]


def become(uid):
    return [w % uid if "%" in w else w for w in BECOME]


def why_not():
    """Why a user may have no user namespace here; None when it may."""
    p = subprocess.run(become(UIDS[0]) + ["unshare", "-Urn", "true"], capture_output=True, text=True)
    return p.stderr.strip() if p.returncode else None


pytestmark = pytest.mark.skipif(bool(why_not()), reason="no user namespaces for users here: %s" % why_not())


class User:
    """An ordinary user on node, with a directory of its own."""

    def __init__(self, node, uid):
        self.node, self.uid = node, uid
        self.dir = node.lab.path("%s-%d" % (node.name, uid))
        os.mkdir(self.dir, 0o755)
        os.chown(self.dir, uid, uid)

    def run(self, *argv, **kw):
        return self.node.run(*become(self.uid), *argv, **kw)


class Guest:
    """What a rootless container is: a user and a network namespace with a process in it. Number k has 10.0.0.k."""

    def __init__(self, user, k, cable=True):
        self.user, self.lab, self.name, self.ip4 = user, user.node.lab, "guest%d-%d" % (k, user.uid), "10.0.0.%d" % k
        self.mac = "02:00:00:00:00:%02x" % k
        self.process = user.node.start(self.name, become(user.uid) + ["unshare", "-Urn", "sleep", "600"])
        self.pid = self.process.pid
        self.lab.wait_for(lambda: self.ip("link set lo up") or True, "%s has its namespaces" % self.name)
        if cable:
            self.ip("link add p0 type veth peer name eth0 address %s" % self.mac)
            self.ip("link set p0 up")
            self.ip("addr add %s/24 dev eth0" % self.ip4)
            self.ip("link set eth0 up")

    def enter(self, *argv):
        return ["nsenter", "-t", str(self.pid), "-U", "-n", "--preserve-credentials", *argv]

    def run(self, *argv, **kw):
        return self.user.run(*self.enter(*argv), **kw)

    def ip(self, command):
        return self.run("ip", *command.split()).stdout

    def start(self, name, argv):
        return self.user.node.start("%s-%s" % (self.name, name), become(self.user.uid) + self.enter(*argv))

    def ping(self, to):
        return self.run("ping", "-n", "-c1", "-W1", to, check=False).returncode == 0

    def end(self):
        self.process.stop()


class Rootless(Evpnd):
    """The user's evpnd."""

    def __init__(self, user, config, wrap=()):
        self.owner, self.wrap = user, list(wrap)
        super().__init__(user.node, config, name="evpnd-%d" % user.uid, start=False)
        self.socket = os.path.join(user.dir, "evpnd.sock")
        self.start()

    def command(self):
        return self.wrap + become(self.owner.uid) + [os.path.join(BUILD, "evpnd"), "-c", self.file, "-s", self.socket]

    def ctl(self, *argv, check=True, timeout=20):
        return self.owner.run(os.path.join(BUILD, "evpnctl"), "-s", self.socket, *argv, check=check, timeout=timeout)

    def problem(self):
        return self.show("vni", "100")["problem"] or ""


def conf(k, address, other, ports, asn=65000):
    return """
        asn: %d
        router-id: 192.0.2.%d
        vtep: %s
        vxlan-port: 14789
        listen: {address: %s, port: 1179}
        dataplane: userspace
        workers: 2
        neighbors:
          - {address: %s, asn: %d, port: 1179}
        vnis:
          - {vni: 100, ports: [%s]}
        """ % (asn, k, address, address, other, asn, ports)


def pair(lab, where, ports):
    """Two users with a guest each; where: (node, address) of each."""
    users = [User(node, uid) for (node, _), uid in zip(where, UIDS)]
    guests = [Guest(u, k) for k, u in enumerate(users, 1)]
    daemons = [Rootless(u, conf(k, where[k - 1][1], where[2 - k][1], ports % g.pid)) for k, (u, g) in enumerate(zip(users, guests), 1)]
    lab.wait_for(lambda: all(d.established(a) for d, (_, a) in zip(daemons, reversed(where))), "the sessions are up", 20)
    lab.wait_for(lambda: guests[0].ping("10.0.0.2"), "the guests reach each other", 20)
    return users, guests, daemons


@pytest.fixture
def host(lab):
    return lab.node("host")


def test_two_users_join_over_the_loopback(lab, host):
    """No process has a right in the host's namespace. TCP both ways, in super-frames."""
    users, guests, daemons = pair(lab, [(host, "127.0.0.1"), (host, "127.0.0.2")], "{name: p0, netns: %d}")
    for d, u in zip(daemons, users):
        with open("/proc/%d/status" % d.process.pid) as f:
            status = dict(line.split(":\t", 1) for line in f.read().splitlines())
        assert status["CapEff"].strip("0") == status["CapPrm"].strip("0") == "" and status["Uid"].split() == [str(u.uid)] * 4
        assert d.problem() == ""
    assert daemons[0].mac(100, guests[1].mac)["vtep"] == "127.0.0.2"
    assert daemons[0].mac(100, guests[0].mac)["interface"] == "p0@%d" % guests[0].pid
    for a, b in (guests, guests[::-1]):
        transfer(lab, b, a, b.ip4)
    assert host.ip_json("link show") and [link["ifname"] for link in host.ip_json("link show")] == ["lo"]


def test_two_users_join_over_an_underlay(lab):
    r1, r2 = lab.fabric("r1", "r2")
    users, guests, daemons = pair(lab, [(r1, r1.address), (r2, r2.address)], "{name: p0, netns: /proc/%d/ns/net}")
    for a, b in (guests, guests[::-1]):
        transfer(lab, b, a, b.ip4)


def test_a_namespace_that_ends_and_comes_back(lab, host):
    """The path leads to another namespace then, as that of a container that is started again."""
    path = lab.path("ns")
    os.symlink("/proc/self/ns/nosuch", path)
    users, guests, daemons = [User(host, uid) for uid in UIDS], [], []
    other = Guest(users[1], 2)
    daemons.append(Rootless(users[0], conf(1, "127.0.0.1", "127.0.0.2", "{name: p0, netns: %s}" % path)))
    daemons.append(Rootless(users[1], conf(2, "127.0.0.2", "127.0.0.1", "{name: p0, netns: %d}" % other.pid)))
    assert "port p0: %s: cannot open it: No such file" % path in daemons[0].problem()
    for _ in range(2):
        guest = Guest(users[0], 1)
        os.symlink("/proc/%d/ns/net" % guest.pid, path + ".new")
        os.rename(path + ".new", path)
        lab.wait_for(lambda: guest.ping("10.0.0.2"), "the port is there", 20)
        assert daemons[0].problem() == ""
        guest.end()
        lab.wait_for(lambda: "cannot open it" in daemons[0].problem(), "that the port is gone is said")
        lab.wait_for(lambda: not daemons[1].mac(100, guest.mac), "its MAC is withdrawn")


def test_an_interface_that_vanishes_in_its_namespace(lab, host):
    users, guests, daemons = pair(lab, [(host, "127.0.0.1"), (host, "127.0.0.2")], "{name: p0, netns: %d}")
    guests[0].ip("link del p0")
    lab.wait_for(lambda: daemons[0].problem() == "port p0@%d is missing" % guests[0].pid, "it is missed")
    for command in ("link add p0 type veth peer name eth0", "link set p0 up", "addr add 10.0.0.1/24 dev eth0", "link set eth0 up"):
        guests[0].ip(command)
    lab.wait_for(lambda: guests[0].ping("10.0.0.2"), "it is taken again")


def test_ports_for_containers(lab, host):
    """port add --pid: a pair whose near end nobody sees; it goes with the container, and with port del."""
    users = [User(host, uid) for uid in UIDS]
    guests = [Guest(u, k, cable=False) for k, u in enumerate(users, 1)]
    daemons = [Rootless(u, conf(k, "127.0.0.%d" % k, "127.0.0.%d" % (3 - k), "")) for k, u in enumerate(users, 1)]
    for k, (d, g) in enumerate(zip(daemons, guests), 1):
        d.ctl("port", "add", "--vni", "100", "--pid", str(g.pid), "--mac", g.mac, "--ip", g.ip4 + "/24")
        assert [link.split(":")[1].split("@")[0].strip() for link in g.ip("-o link show").splitlines()] == ["lo", "eth0"]
    lab.wait_for(lambda: {None, "10.0.0.2"} <= {r["ip"] for r in daemons[0].routes("--mac", guests[1].mac)}, "it is known by both addresses")
    lab.wait_for(lambda: guests[0].ping("10.0.0.2"), "the guests reach each other")
    again = daemons[0].ctl("port", "add", "--vni", "100", "--pid", str(guests[0].pid), check=False)
    assert again.returncode == 1 and "File exists" in again.stderr
    other = daemons[0].ctl("port", "add", "--vni", "100", "--pid", str(guests[1].pid), check=False)
    assert other.returncode == 1 and "cannot be opened: Permission denied" in other.stderr
    daemons[0].ctl("port", "del", "--vni", "100", "--pid", str(guests[0].pid))
    lab.wait_for(lambda: not daemons[1].routes("--mac", guests[0].mac), "its routes are withdrawn")
    assert "eth0" not in guests[0].ip("link show")
    guests[1].end()
    lab.wait_for(lambda: not daemons[0].routes("--mac", guests[1].mac), "a port goes with its container")
    assert [t for t in daemons[1].show("traffic") if t["scope"] == "port"] == []


def test_a_tap_in_a_namespace(lab, host):
    """Where /dev/net/tun is for users: here that of a mount namespace is. Where it is not, that is said."""
    user = User(host, UIDS[0])
    guest = Guest(user, 1, cable=False)
    config = conf(1, "127.0.0.1", "127.0.0.2", '{name: "tap:tap0", netns: %d}' % guest.pid)
    for mode, cannot in (("600", True), ("666", False)):
        node = lab.path("tun" + mode)
        lay = "mknod %s c 10 200 && chmod %s %s && mount --bind %s /dev/net/tun && exec \"$@\"" % (node, mode, node, node)
        e = Rootless(user, config, ["sh", "-c", lay, "sh"])
        if cannot:
            lab.wait_for(lambda: "cannot open /dev/net/tun: Permission denied; " in e.problem(), "the device is missed")
        else:
            lab.wait_for(lambda: "tap0" in guest.ip("link show"), "the TAP is there")
            guest.ip("addr add 10.0.0.1/24 dev tap0")
            guest.ping("10.0.0.2")
            lab.wait_for(lambda: [m for m in e.show("mac") if m["interface"] == "tap0@%d" % guest.pid], "it is heard")
        e.stop()


def test_what_is_missing_is_said(lab, host):
    """A port in the host's namespace, and one in another user's."""
    users = [User(host, uid) for uid in UIDS]
    guest = Guest(users[1], 2)
    host.ip("link add h1 type veth peer name h2")
    open_to_all = os.stat("/dev/net/tun").st_mode & 0o6 == 0o6  # as udev makes it
    for ports, words in (("h1", "port h1: cannot open a packet socket: Operation not permitted; it takes CAP_NET_RAW"),
                         ('"tap:t1"', "port t1: cannot make the TAP: Operation not permitted; a TAP takes CAP_NET_ADMIN" if open_to_all else
                          "port t1: cannot open /dev/net/tun: Permission denied"),
                         ("{name: p0, netns: %d}" % guest.pid, "port p0: /proc/%d/ns/net: cannot open it: Permission denied" % guest.pid)):
        e = Rootless(users[0], conf(1, "127.0.0.1", "127.0.0.2", ports))
        lab.wait_for(lambda: words in e.problem(), words)
        e.stop()


def test_default_paths(lab, host):
    """~/.config/evpnd/evpnd.yaml and $XDG_RUNTIME_DIR/evpnd.sock, also for evpnctl."""
    user = User(host, UIDS[0])
    os.makedirs(user.dir + "/.config/evpnd")
    with open(user.dir + "/.config/evpnd/evpnd.yaml", "w") as f:
        f.write("dataplane: none\n")
    env = ["env", "-u", "XDG_CONFIG_HOME", "HOME=" + user.dir, "XDG_RUNTIME_DIR=" + user.dir]
    p = host.start("evpnd", become(user.uid) + env + [os.path.join(BUILD, "evpnd")])
    ask = env + [os.path.join(BUILD, "evpnctl"), "show", "version"]
    lab.wait_for(lambda: user.run(*ask).returncode == 0, "it answers")
    assert os.path.exists(user.dir + "/evpnd.sock"), p.tail()
