# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnd as the README installs it: conf/evpnd.service under systemd and udev, on the machine itself, in its confinement.

    h1 --br100 [here: evpnd.service] 192.0.2.2 ==== switch ==== 192.0.2.1 [r2] br100-- h2
"""
import json
import os
import subprocess
import time

import pytest

from evlab import Evpnd, Lab, Pings, evpnd, machine
from evlab.evpnd import TOP
from evlab.machine import Machine
from evlab.run import run
from test_others import networkd_files
from test_privilege import KEPT

pytestmark = [pytest.mark.skipif(bool(machine.why_not()), reason=str(machine.why_not())), pytest.mark.kernel, pytest.mark.seconds(300)]

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"
DROP_IN = "/etc/systemd/system/evpnd.service.d/test.conf"


class Service(Evpnd):
    """What evpnctl, without being told a socket, talks to."""

    def __init__(self, node, config):
        super().__init__(node, config, "service", start=False)

    def configure(self, config):
        self.config, self.file = config, "/etc/evpnd/evpnd.yaml"
        self.node.userspace = self if "dataplane: userspace" in config else None
        self.node.install(self.file, config, "640", "evpnd")

    def argv(self, *argv):
        return ["evpnctl", *argv]

    def systemctl(self, *argv, check=True):
        return self.node.run("systemctl", *argv, check=check, timeout=60)

    def get(self, what):
        return self.systemctl("show", "-P", what, "evpnd").stdout.strip()

    def status(self):
        text = self.node.run("cat", "/proc/%s/status" % self.get("MainPID")).stdout
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

    def journal(self):
        """Of the runs so far: (priority, line)."""
        self.node.run("journalctl", "--sync")
        text = self.node.run("journalctl", "-o", "json", "_SYSTEMD_UNIT=evpnd.service").stdout
        return [(int(e["PRIORITY"]), e["MESSAGE"]) for e in map(json.loads, text.splitlines())]

    def restart(self, config, drop_in=None):
        """With another configuration, and with lines of [Service] beside the unit's or none."""
        self.configure(config)
        self.node.run("rm", "-f", DROP_IN)
        if drop_in:
            self.node.install(DROP_IN, "[Service]\n" + drop_in)
        self.drop_in = drop_in
        self.systemctl("daemon-reload")
        self.systemctl("restart", "evpnd")

    def log(self):
        return "\n".join(line for _, line in self.journal())

    def state(self):
        others = self.node.run("journalctl", "-u", "systemd-networkd", "-n", "50").stdout
        return self.systemctl("status", "-n0", "evpnd", check=False).stdout + self.log() + "\n" + others

    def close(self):
        self.systemctl("stop", "evpnd")
        return [] if self.get("Result") == "success" else [self.state()]


class Bench:
    def __init__(self, lab):
        """Installed and enabled before the machine has its address, as at a boot."""
        self.lab = lab
        self.r1 = Machine(lab, "here")
        self.r1.address = "192.0.2.2"
        self.r2, = lab.fabric("r2")
        self.conf = evpnd.conf(self.r1, 65000, [(self.r2.address, 65000)], ports=["h1"])
        self.install()
        self.e1 = Service(self.r1, self.conf)
        self.e1.drop_in = None
        self.e1.systemctl("enable", "--now", "evpnd")
        self.answered = self.e1.ctl("show", "version", check=False).returncode == 0
        lab.wait_for(lambda: self.made() == ["br100", "vxlan100"], "devices need no address")
        lab.cable(self.r1, 2, dev="uplink")
        self.h1, self.h2 = lab.host("h1", 1).plug(self.r1), lab.host("h2", 2).plug(self.r2)
        self.e2 = Evpnd(self.r2, evpnd.conf(self.r2, 65000, [(self.r1.address, 65000)], ports=["h2"]))
        self.reach()

    def install(self):
        """As the README says; what a package would hold is made before and unpacked here."""
        root = os.environ.get("EVLAB_INSTALLED") or self.lab.path("installed")
        if not os.path.isdir(root):
            run(["make", "-s", "-C", TOP, "install", "PREFIX=/usr", "DESTDIR=" + root], timeout=60)
        tar = self.lab.path("installed.tar")
        run(["tar", "-C", root, "-cf", tar, "."])
        with open(tar, "rb") as f:
            subprocess.run([*self.r1.into, "tar", "-C", "/", "--no-overwrite-dir", "--no-same-owner", "-xf", "-"], stdin=f, check=True)
        self.r1.run("systemd-sysusers")

    def made(self):
        return [link["ifname"] for link in self.r1.ip_json("link show") if link.get("ifalias") == "evpnd"]

    def up(self):
        self.lab.wait_for(lambda: self.e1.established(self.r2.address), "the session is up", 20)

    def reach(self):
        self.up()
        self.lab.wait_for(lambda: self.h1.ping("10.0.0.2"), "h1 reaches h2", 30)
        self.lab.wait_for(lambda: self.r1.remote("vxlan100", MAC2) == self.r2.address, "the row of h2 is there")

    def rows(self):
        return sorted(map(str, self.r1.fdb("vxlan100"))) + sorted(self.r1.ip("nexthop list proto 179").splitlines())

    def settled(self):
        self.lab.wait_for(lambda: self.e1.ctl("diff", check=False).returncode == 0, "nothing is left to do", 20)


@pytest.fixture(scope="module")
def bench():
    lab = Lab("kernel")
    try:
        yield Bench(lab)
    finally:
        wrong = lab.close()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def b(bench, request):
    """As installed: what a test has changed is undone after it."""
    request.node.funcargs["lab"] = bench.lab  # shown when the test fails
    yield bench
    if bench.e1.config != bench.conf or bench.e1.drop_in or bench.e1.get("ActiveState") != "active":
        bench.e1.systemctl("reset-failed", "evpnd", check=False)
        bench.e1.restart(bench.conf)
    bench.reach()


# ---- the unit itself ---------------------------------------------------------------------------------------------------------------------


def test_it_is_ready_when_systemctl_returns(b):
    """Before the address of the underlay, which may come later."""
    assert b.answered
    assert b.e1.systemctl("is-enabled", "evpnd").stdout.strip() == "enabled"
    assert (b.e1.get("SubState"), b.e1.get("NRestarts"), b.e1.get("Type")) == ("running", "0", "notify")
    b.settled()


def test_user_capabilities_and_filter(b):
    s = b.e1.status()
    uid, gid = b.r1.run("sh", "-c", "id -u evpnd; id -g evpnd").stdout.split()
    assert (set(s["Uid"].split()), set(s["Gid"].split())) == ({uid}, {gid}) and uid != "0"
    assert [int(s[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")] == [KEPT, KEPT, KEPT, 0, 0]
    assert (s["NoNewPrivs"], s["Seccomp"]) == ("1", "2")
    b.r1.run("systemd-analyze", "security", "--threshold=23", "evpnd", timeout=60)


def test_http_has_a_user_of_its_own(b):
    """evpnd-http.service: no capability, a user that is made up, and the right to look by the group that control.group names."""
    ask = "import urllib.request, urllib.error\ntry: print(urllib.request.urlopen('http://127.0.0.1:9179/%s').read().decode())\n" \
          "except urllib.error.HTTPError as e: print(e.code, e.read().decode())"

    def get(what):
        return b.r1.run("/usr/bin/python3", "-c", ask % what).stdout

    users = b.r1.run("unshare", "-U", "true", check=False).returncode == 0  # not in a chroot, nor where they are switched off
    if not users:
        b.r1.install("/etc/systemd/system/evpnd-http.service.d/test.conf", "[Service]\nPrivateUsers=no\n")
        b.e1.systemctl("daemon-reload")
    b.e1.systemctl("enable", "--now", "evpnd-http")
    try:
        b.lab.wait_for(lambda: "no permission" in get("healthz"), "it serves, and may see nothing yet", 20)
        b.e1.restart(b.conf + "control: {group: evpnd}\n")
        b.up()
        b.lab.wait_for(lambda: get("healthz") == "ok\n\n", "it answers", 20)
        assert '"dataplane":"kernel"' in get("api/v1/version") and "evpnd_up 1" in get("metrics")
        pid = b.e1.systemctl("show", "-P", "MainPID", "evpnd-http").stdout.strip()
        s = dict(line.split(":\t", 1) for line in b.r1.run("cat", "/proc/%s/status" % pid).stdout.splitlines() if ":\t" in line)
        assert int(s["Uid"].split()[0]) >= 61184 and {int(s[c], 16) for c in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")} == {0}
        assert (s["NoNewPrivs"], s["Seccomp"]) == ("1", "2")
        b.r1.run("systemd-analyze", "security", "--threshold=" + ("20" if users else "22"), "evpnd-http", timeout=60)
    finally:
        b.e1.systemctl("disable", "--now", "evpnd-http")
    assert b.e1.systemctl("show", "-P", "Result", "evpnd-http").stdout.strip() == "success"


def test_lines_have_levels(b):
    """And no second time stamp."""
    p = b.e1.reload("asn: x\n", check=False)
    assert p.returncode == 1
    b.e1.configure(b.conf)
    lines = b.e1.journal()
    assert {6} <= {level for level, _ in lines} <= {3, 4, 5, 6}
    assert [level for level, line in lines if "asn: expected" in line] == [3]
    assert not [line for _, line in lines if line.startswith("<") or line[:4].isdigit()]


def test_reload(b):
    pid = b.e1.get("MainPID")
    b.e1.configure(b.conf + "  - {vni: 200}\n")
    b.e1.systemctl("reload", "evpnd")
    b.lab.wait_for(lambda: b.e1.show("vni", "200")["ready"], "VNI 200 has its devices")
    b.e1.configure("asn: x\n")
    p = b.e1.systemctl("reload", "evpnd", check=False)
    assert p.returncode == 1 and (b.e1.get("MainPID"), b.e1.get("ActiveState")) == (pid, "active")
    b.e1.configure(b.conf)
    b.e1.systemctl("reload", "evpnd")
    b.lab.wait_for(lambda: not b.r1.ip("link show vxlan200", check=False), "and they go with it")


@pytest.mark.parametrize("how", ["restart", "kill", "upgrade"])
def test_a_ping_runs_through(b, how):
    """Rows stay, neighbors keep our routes: by order, when something kills it, and when another version is installed under it."""
    b.settled()
    before, pid, restarts = b.rows(), b.e1.get("MainPID"), int(b.e1.get("NRestarts"))
    pings = [Pings(b.h1, "10.0.0.2", 0.02), Pings(b.h2, "10.0.0.1", 0.02)]
    time.sleep(0.5)
    if how == "upgrade":
        b.install()
        assert b.r1.run("readlink", "/proc/%s/exe" % pid).stdout.strip() == "/usr/sbin/evpnd (deleted)"
    if how != "kill":
        b.e1.systemctl("restart", "evpnd")
    else:
        b.e1.systemctl("kill", "-s", "KILL", "evpnd")
        b.lab.wait_for(lambda: int(b.e1.get("NRestarts")) == restarts + 1 and b.e1.get("ActiveState") == "active", "it is started again", 20)
    assert b.e1.get("MainPID") != pid
    b.up()
    b.lab.wait_for(lambda: not b.e1.show("version")["restarting"], "the restart is over")
    b.settled()
    for ping in pings:
        lost, sent = ping.lost()
        assert lost == 0 and sent > 5, "%d of %d packets lost" % (lost, sent)
    assert b.rows() == before


def test_a_faulty_configuration_is_told(b):
    """Of a start, too; systemd tries again (and gives up where that is fast), and nothing of what is there is touched."""
    before = b.rows()
    b.e1.systemctl("reset-failed", "evpnd")  # five starts in 10 s are all that systemd gives, and tests before this one had some
    b.e1.configure("vtep: 192.0.2.2\nvnis:\n  - {vni: 0}\n")
    b.e1.systemctl("restart", "evpnd", check=False)
    b.lab.wait_for(lambda: int(b.e1.get("NRestarts")) >= 2, "systemd has tried again", 30)
    assert [level for level, line in b.e1.journal() if "vnis[0].vni: expected a number from 1 to 16777215" in line][:1] == [3]
    assert b.rows() == before


def test_a_reflector_knows_that_it_is_not_the_first(b):
    """Without a dataplane only what is left in RuntimeDirectory= says so."""
    b.e1.restart(evpnd.conf(b.r1, 65000, [(b.r2.address, 65000)], vnis=()))
    b.up()
    seen = len(b.e1.journal())
    b.e1.systemctl("restart", "evpnd")
    assert [line for _, line in b.e1.journal()[seen:] if "after a restart" in line]


def asked(b, groups):
    """By an ordinary user's evpnctl: its exit status."""
    return b.r1.run("setpriv", "--reuid", "nobody", "--regid", "nogroup", groups, "evpnctl", "show", "version", check=False).returncode


def test_control_group(b):
    """The socket is evpnd's own alone, or its group's: the service is in that by SupplementaryGroups=, as the unit says."""
    def rights():
        return b.r1.run("stat", "-c", "%U:%G %a", "/run/evpnd/evpnd.sock").stdout.strip()

    assert rights() == "evpnd:evpnd 600" and asked(b, "--clear-groups") == 1
    b.e1.restart("control: {group: games}\n" + b.conf, "SupplementaryGroups=games\n")
    assert rights() == "evpnd:games 660" and asked(b, "--groups=games") == 0 and asked(b, "--clear-groups") == 1


# ---- its confinement is in the way of nothing that it offers ------------------------------------------------------------------------------


def box_reaches_h2(b):
    return b.r1.run("ip", "netns", "exec", "box", "ping", "-c1", "-W1", "10.0.0.2", check=False).returncode == 0


def test_ports_of_containers(b):
    """Over a restart, too."""
    b.r1.run("ip", "netns", "add", "box")
    b.r1.run("systemd-run", "--unit=box", "ip", "netns", "exec", "box", "sleep", "inf")
    b.e1.ctl("port", "add", "--vni", "100", "--netns", "box", "--ip", "10.0.0.11/24")
    b.lab.wait_for(lambda: box_reaches_h2(b), "the container reaches h2")
    b.e1.ctl("port", "add", "--vni", "100", "--pid", b.e1.systemctl("show", "-P", "MainPID", "box").stdout.strip(), "--name", "net1")
    b.e1.systemctl("restart", "evpnd")
    b.up()
    b.lab.wait_for(lambda: box_reaches_h2(b), "it does so after a restart")
    for name in ("eth0", "net1"):
        b.e1.ctl("port", "del", "--vni", "100", "--netns", "box", "--name", name)
    assert b.r1.run("ip", "-n", "box", "-o", "link").stdout.count("\n") == 1
    b.e1.systemctl("stop", "box")
    b.r1.run("ip", "netns", "del", "box")


def test_capture(b):
    capture = b.r1.start("capture", b.e1.argv("capture", "--vni", "100", "--host", "10.0.0.1", "--count", "4", "/root/h1.pcapng"))
    b.lab.wait_for(lambda: b.h1.ping("10.0.0.2") and not capture.alive(), "four packets are there")
    assert capture.p.returncode == 0 and " 0 lost" in capture.tail()
    assert int(b.r1.run("stat", "-c", "%s", "/root/h1.pcapng").stdout) > 400


def test_password_file(b):
    b.r1.install("/etc/evpnd/key", "secret\n", "640", "evpnd")
    b.e2.reload(b.e2.config.replace("asn: 65000}", "asn: 65000, password: secret}"))
    b.e1.configure(b.conf.replace("asn: 65000}", "asn: 65000, password-file: key}"))
    b.e1.systemctl("reload", "evpnd")
    b.reach()
    b.e2.reload(b.e2.config.replace(", password: secret", ""))


PROGRAM = """#!/usr/bin/python3
import json, sys
for line in sys.stdin:
    print(json.dumps({"id": json.loads(line)["id"], "mac": "02:00:00:00:00:04", "vtep": "192.0.2.1"}), flush=True)
"""


@pytest.mark.parametrize("resolver", ["{file: /var/lib/evpnd-hosts}", "{command: [/usr/local/lib/evpnd-resolve]}"], ids=["file", "program"])
def test_resolver(b, resolver):
    b.r1.install("/var/lib/evpnd-hosts", '{"vni": 300, "mac": "02:00:00:00:00:04", "ip": "10.0.0.4", "vtep": "192.0.2.1"}\n')
    b.r1.install("/usr/local/lib/evpnd-resolve", PROGRAM, "755")
    h3 = b.lab.host("h3-" + resolver[1:5], 3).plug(b.r1, port="h3")
    h3.ip("neigh add 10.0.0.4 lladdr 02:00:00:00:00:04 dev " + h3.dev)
    b.e1.restart(b.conf + "  - {vni: 300, ports: [h3], mode: dynamic-l2, flood: [192.0.2.1], resolver: %s}\n" % resolver)
    try:
        b.lab.wait_for(lambda: h3.ping("10.0.0.4") or b.r1.remote("vxlan300", "02:00:00:00:00:04") == "192.0.2.1", "its answer is a row", 20)
        assert b.e1.show("vni", "300")["resolver"]["answered"] >= 1
    finally:
        h3.unplug()


def test_userspace_dataplane(b):
    """Workers, packet sockets, TAPs that udev has opened to everybody, and containers."""
    b.e1.restart("restart: {rows: flush}\n" + b.conf)
    b.r1.run("ip", "netns", "add", "box")
    b.e1.restart("dataplane: userspace\nworkers: 2\n" + b.conf.replace("ports: [h1]", "ports: [h1, 'tap:tap0']"))
    b.up()
    b.lab.wait_for(lambda: b.h1.ping("10.0.0.2"), "h1 reaches h2", 20)
    assert b.e1.show("vni", "100")["problem"] is None and "tap0" in b.r1.ip("link show tap0")
    b.e1.ctl("port", "add", "--vni", "100", "--netns", "box", "--ip", "10.0.0.12/24")
    b.lab.wait_for(lambda: box_reaches_h2(b), "the container reaches h2")
    b.r1.run("ip", "netns", "del", "box")


def test_a_lab_beside_it(b):
    """Where there is a user evpnd, which a lab's own evpnds do not become."""
    out = b.r1.run(os.path.join(TOP, "docs", "labs", "evpn"), timeout=60, check=False).stdout
    assert "Every step showed what it should" in out, out


# As in evpnd(8).
ROOT = """User=root
CapabilityBoundingSet=CAP_SYS_ADMIN CAP_SETUID CAP_SETGID CAP_SETPCAP CAP_CHOWN
RestrictNamespaces=net
SystemCallFilter=setns
"""


def test_a_userspace_port_in_a_namespace_of_roots(b):
    """Not without what the manual page says; with that it is still evpnd that runs."""
    b.e1.restart("restart: {rows: flush}\n" + b.conf)
    b.r1.run("ip", "netns", "add", "box")
    for command in ("link add guest type veth peer name port", "addr add 10.0.0.9/24 dev guest", "link set guest up", "link set port up"):
        b.r1.run("ip", "-n", "box", *command.split())
    config = "dataplane: userspace\nworkers: 2\n" + b.conf.replace("[h1]", "[h1, {name: port, netns: box}]")
    b.e1.restart(config)
    b.lab.wait_for(lambda: "takes CAP_SYS_ADMIN" in b.e1.show("vni", "100")["problem"], "it says what it lacks")
    b.e1.restart(config, ROOT)
    b.lab.wait_for(lambda: b.h1.ping("10.0.0.9"), "h1 reaches who is behind that port")
    assert b.e1.status()["Uid"].split()[0] == b.r1.run("id", "-u", "evpnd").stdout.strip()
    b.r1.run("ip", "netns", "del", "box")


# ---- beside others -----------------------------------------------------------------------------------------------------------------------


def test_networkd(b):
    """As at a boot both are started in one go: networkd is first, as the unit says, so it finds nothing that ends it (versions
    249 to 255)."""
    for name, text in networkd_files(500, bridge="br500").items():
        b.r1.install("/etc/systemd/network/" + name, text.replace("192.0.2.1", b.r1.address).replace(" h1", ""))
    b.e1.restart("restart: {rows: flush}\n" + b.conf)
    b.e1.systemctl("stop", "evpnd")
    assert not b.r1.ip("nexthop list proto 179"), "nothing is left, as at a boot"
    b.e1.configure(b.conf + "  - {vni: 500}\n")
    b.e1.systemctl("start", "systemd-networkd", "evpnd")
    b.reach()
    b.lab.wait_for(lambda: b.e1.show("vni", "500")["problem"] is None, "VNI 500 has its devices, whoever was first to make them")
    b.e1.systemctl("restart", "systemd-networkd")
    b.settled()
    b.reach()
    assert b.e1.systemctl("show", "-P", "NRestarts", "systemd-networkd").stdout.strip() == "0"
    b.e1.systemctl("stop", "systemd-networkd")
    for device in ("vxlan500", "br500"):
        b.r1.ip("link del " + device)


@pytest.mark.skipif(not machine.HERE, reason="udev is of a whole machine: make check-vm")
def test_udev_gives_devices_their_addresses(b):
    """Its default is MACAddressPolicy=persistent: another MAC for a bridge, a while after evpnd has made it."""
    b.e1.configure(b.conf + "  - {vni: 400}\n")
    b.e1.systemctl("reload", "evpnd")
    b.r1.run("udevadm", "settle", timeout=60)
    b.settled()
    assert b.e1.show("vni", "400")["problem"] is None
