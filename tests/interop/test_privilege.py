# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""What evpnd may do once it runs: its user, its capabilities, its system calls; and that all works so.

    h1 --br100 [r1] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2] br100-- h2
"""
import grp
import os
import pwd
import stat
import subprocess

import pytest

from evlab import Evpnd, evpnd
from evlab.evpnd import BUILD, SANITIZED

USER = "nobody"  # any that is not root: tests make none
KEPT = 1 << 10 | 1 << 12 | 1 << 13  # CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW


def status(e, pid=None):
    with open("/proc/%d/status" % (pid or e.process.pid)) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def check_bounds(e, uid, kept=KEPT, pid=None):
    s = status(e, pid)
    assert set(s["Uid"].split()) == {str(uid)}
    for name in ("CapEff", "CapPrm"):
        assert int(s[name], 16) == kept, (name, s[name])
    for name in ("CapInh", "CapAmb"):
        assert int(s[name], 16) == 0, (name, s[name])
    assert int(s["CapBnd"], 16) & ~KEPT == 0, s["CapBnd"]
    assert s["NoNewPrivs"] == "1"
    assert s["Seccomp"] == ("0" if SANITIZED else "2")


def pair(lab, userspace=False, user=USER, **kw):
    r = lab.fabric("r1", "r2")
    h = [lab.host("h1", 1).plug(r[0]), lab.host("h2", 2).plug(r[1])]
    e = []
    for i, n in enumerate(r):
        text = evpnd.conf(n, 65000, [(r[1 - i].address, 65000, "password: secret")], ports=[h[i].name])
        e.append(Evpnd(n, ("dataplane: userspace\n" if userspace else "") + text, user=user, **kw))
    lab.wait_for(lambda: e[0].established(r[1].address), "the session is up", 20)
    return e, h


@pytest.mark.kernel
@pytest.mark.parametrize("dataplane", ["kernel", "userspace"])
def test_started_by_root_it_is_another(lab, dataplane):
    """Rows, hosts' ARP, TCP-MD5, port 179 and a host that moves, without root; every thread has the filter."""
    e, h = pair(lab, dataplane == "userspace")
    uid = pwd.getpwnam(USER).pw_uid
    for x in e:
        check_bounds(x, uid)
        for task in os.listdir("/proc/%d/task" % x.process.pid):
            check_bounds(x, uid, pid=int(task))
    lab.wait_for(lambda: h[0].ping("10.0.0.2"), "h1 reaches h2", 20)
    assert "a reload will not work" not in e[0].log()


def test_it_reloads_and_ends_as_another(lab):
    e, h = pair(lab)
    e[0].reload(e[0].config + "  - {vni: 200}\n")
    lab.wait_for(lambda: e[0].show("vni", "200")["ready"], "VNI 200 is made")
    e[0].stop()
    assert not [f for f in os.listdir(os.path.dirname(e[0].socket)) if f.startswith(os.path.basename(e[0].socket))]


def test_ports_of_containers_need_no_more(lab):
    """Who asks opens the namespace: evpnctl as root can, and what it may not the daemon cannot do for it."""
    e, h = pair(lab)
    c = lab.node("c1")
    made = e[0].json("port", "add", "--vni", "100", "--netns", c.ns, "--ip", "10.0.0.9/24")
    lab.wait_for(lambda: e[1].routes("--mac", made["mac"]), "r2 knows c1")
    lab.wait_for(lambda: c.ping("10.0.0.2"), "c1 reaches h2")
    sleeper = c.start("sleep", ["sleep", "60"])
    p = subprocess.run(["setpriv", "--reuid", USER, "--regid", "nogroup", "--clear-groups", os.path.join(BUILD, "evpnctl"), "-s", e[0].socket,
                        "port", "del", "--vni", "100", "--pid", str(sleeper.p.pid)], capture_output=True, text=True)
    assert p.returncode == 1 and "cannot be opened: Permission denied (root can)" in p.stderr, p.stderr
    e[0].ctl("port", "del", "--vni", "100", "--pid", str(sleeper.p.pid))


@pytest.mark.kernel
def test_a_userspace_port_in_a_namespace_of_roots(lab):
    """A process that does nothing else keeps CAP_SYS_ADMIN for it, and is there where the configuration asks for it only."""
    r = lab.fabric("r1", "r2")
    h = [lab.host("h1", 1), lab.host("h2", 2)]
    e = []
    for i, n in enumerate(r):
        h[i].ip("link add guest address %s type veth peer name port" % h[i].mac)
        h[i].ip("addr add %s/24 dev guest" % h[i].ip4)
        for dev in ("guest", "port"):
            h[i].ip("link set %s up" % dev)
        text = evpnd.conf(n, 65000, [(r[1 - i].address, 65000)], ports=["{name: port, netns: %s}" % h[i].ns])
        e.append(Evpnd(n, "dataplane: userspace\n" + text, user=USER))
    lab.wait_for(lambda: e[0].established(r[1].address), "the session is up", 20)
    assert [x.show("vni", "100")["problem"] for x in e] == [None, None]
    check_bounds(e[0], pwd.getpwnam(USER).pw_uid)
    lab.wait_for(lambda: h[0].ping("10.0.0.2"), "h1 reaches h2", 20)


@pytest.mark.kernel
def test_without_root_but_with_capabilities(lab):
    """As systemd starts it: User= and AmbientCapabilities=."""
    r1, = lab.fabric("r1")
    e = Evpnd(r1, evpnd.conf(r1, 65000, []), start=False, user=None)
    os.chmod(os.path.dirname(e.socket), 0o777)
    caps = "+net_admin,+net_raw,+net_bind_service"
    e.process = r1.start("evpnd", ["setpriv", "--reuid", USER, "--regid", "nogroup", "--clear-groups", "--inh-caps", caps,
                                   "--ambient-caps", caps, os.path.join(BUILD, "evpnd"), "-c", e.file, "-s", e.socket])
    lab.wait_for(lambda: e.show("vni", "100")["ready"], "VNI 100 is made")
    s = status(e)
    assert int(s["CapEff"], 16) == KEPT and s["NoNewPrivs"] == "1"
    assert r1.ip("link show vxlan100")


def test_root_without_such_a_user_keeps_as_little(lab):
    """No -u, and no user evpnd on the host that tests run on."""
    try:
        pwd.getpwnam("evpnd")
        pytest.skip("there is a user evpnd")
    except KeyError:
        pass
    r1, = lab.fabric("r1")
    check_bounds(Evpnd(r1, evpnd.conf(r1, 65000, []), user=None), 0)


def test_a_reflector_keeps_less(lab):
    r1, = lab.fabric("r1")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [("192.0.2.9", 65000)], vnis=()), user=USER)
    check_bounds(e, pwd.getpwnam(USER).pw_uid, 1 << 10)


@pytest.mark.parametrize("user", [USER, "root"])
def test_the_control_socket_is_its_users_and_the_groups(lab, user):
    r1, = lab.fabric("r1")
    group = grp.getgrnam("games")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [], more="control: {group: %s}\n" % group.gr_name), user=user)
    s = os.stat(e.socket)
    assert (s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)) == (pwd.getpwnam(user).pw_uid, group.gr_gid, 0o660)


def test_what_the_user_may_not_read_is_said(lab):
    r1, = lab.fabric("r1")
    e = Evpnd(r1, evpnd.conf(r1, 65000, []), start=False, user=USER)
    os.chmod(e.file, 0o600)
    e.start()
    assert "a reload will not work as user %d" % pwd.getpwnam(USER).pw_uid in e.log()
    p = e.ctl("reload", check=False)
    assert p.returncode == 1 and "Permission denied" in p.stderr, p.stderr


@pytest.mark.skipif(SANITIZED, reason="no filter in a build with sanitizers")
@pytest.mark.parametrize("mode", ["off", "refuse"])
def test_the_filter_can_be_another(lab, mode):
    r1, = lab.fabric("r1")
    e = Evpnd(r1, evpnd.conf(r1, 65000, []), user=None, env={"EVPND_SECCOMP": mode})
    assert status(e)["Seccomp"] == ("0" if mode == "off" else "2")
    assert ("no filter for system calls" in e.log()) == (mode == "off")


def test_no_such_user(lab):
    r1, = lab.fabric("r1")
    e = Evpnd(r1, evpnd.conf(r1, 65000, []), start=False)
    p = r1.run(os.path.join(BUILD, "evpnd"), "-c", e.file, "-s", e.socket, "-u", "nosuchuser", check=False)
    assert p.returncode == 1 and "nosuchuser" in p.stderr, p.stderr
