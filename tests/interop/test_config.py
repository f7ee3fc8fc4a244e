# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Configuration and start: errors with their place, nothing half-started, clear words when something is in the way."""
import glob
import os
import re
import signal

import pytest

from evlab import Evpnd, Frr, Speaker, evpnd, frr
from evlab.evpnd import BUILD, TOP

GOOD = """\
asn: 65001
router-id: 192.0.2.1
vtep: 192.0.2.1
neighbors:
  - address: 192.0.2.2
    asn: 65001
vnis:
  - vni: 100
"""


def check(lab, text):
    path = lab.path("t.yaml")
    with open(path, "w") as f:
        f.write(text)
    return path, lab.nodes[0].run(os.path.join(BUILD, "evpnd"), "-n", "-c", path, check=False)


def test_good_file_is_good(lab):
    lab.node("n")
    _, p = check(lab, GOOD)
    assert (p.returncode, p.stderr) == (0, "")


@pytest.mark.parametrize("was, now, line, words", [
    ("asn: 65001\nrouter", "asm: 65001\nrouter", 1, ["asm"]),
    ("asn: 65001\nrouter", "asn: lots\nrouter", 1, ["asn", "lots"]),
    ("asn: 65001\nrouter", "asn: 1.5\nrouter", 1, ["asn", "1.5"]),
    ("asn: 65001\nrouter", "asn: 0\nrouter", 1, ["asn"]),
    ("asn: 65001\nrouter", "asn: 4294967296\nrouter", 1, ["asn", "4294967296"]),
    ("router-id: 192.0.2.1", "router-id: 2001:db8::1", 2, ["router-id"]),
    ("vtep: 192.0.2.1", "vtep: 224.0.0.1", 3, ["vtep"]),
    ("vtep: 192.0.2.1\n", "vtep: 192.0.2.1\nvtep: 192.0.2.3\n", 4, ["vtep"]),
    ("  - address: 192.0.2.2\n    asn: 65001\n", "  - address: 192.0.2.2\n", 5, ["asn"]),
    ("    asn: 65001\n", "    asn: 65001\n    hold-time: 2\n", 7, ["hold-time", "2"]),
    ("    asn: 65001\n", "    asn: 65001\n  - {address: 192.0.2.2, asn: 65001}\n", 7, ["192.0.2.2"]),
    ("    asn: 65001\n", "    asn: 65001\n    passive: perhaps\n", 7, ["passive", "perhaps"]),
    ("vni: 100", "vni: 16777216", 8, ["vni", "16777216"]),
    ("vni: 100\n", "vni: 100\n  - vni: 100\n", 9, ["100"]),
    ("vni: 100\n", "vni: 100\n    import: [65001]\n", 9, ["import", "65001"]),
    ("vni: 100\n", "vni: 100\n    ports: h1: x\n", 9, []),
    ("vni: 100\n", "vni: 100\n    bridge: a-name-that-is-too-long\n", 9, ["bridge"]),
], ids=lambda v: None)
def test_errors_name_their_place(lab, was, now, line, words):
    """FILE:LINE:COL: key: what was expected, what was found."""
    lab.node("n")
    assert was in GOOD
    path, p = check(lab, GOOD.replace(was, now))
    assert p.returncode == 1 and p.stdout == ""
    places = [(m.group(1), int(m.group(2))) for m in re.finditer(r"^(\S+?):(\d+):(\d+): ", p.stderr, re.M)]
    assert (path, line) in places, p.stderr
    assert all(w in p.stderr for w in words), p.stderr


def test_all_errors_at_once(lab):
    lab.node("n")
    _, p = check(lab, GOOD.replace("asn: 65001\nrouter", "asn: x\nrouter").replace("vni: 100", "vni: 0").replace("vtep: 192", "vtep: 999"))
    assert len(p.stderr.splitlines()) >= 3, p.stderr


def test_missing_file(lab):
    n = lab.node("n")
    for option in ([], ["-n"]):
        p = n.run(os.path.join(BUILD, "evpnd"), *option, "-c", lab.path("none.yaml"), "-s", lab.path("s"), check=False)
        assert p.returncode == 1 and lab.path("none.yaml") in p.stderr


def test_usage(lab):
    n = lab.node("n")
    for program in ("evpnd", "evpnd-http", "evpnctl"):
        for word, status, to in (("--what", 2, "stderr"), ("--help", 0, "stdout"), ("-h", 0, "stdout"), ("--version", 0, "stdout")):
            p = n.run(os.path.join(BUILD, program), word, check=False)
            assert p.returncode == status and getattr(p, to), (program, word, p)
    p = n.run(os.path.join(BUILD, "evpnd"), "-c", "/dev/null", "-s", lab.path("s"), "-u", "no-such-user", check=False)
    assert p.returncode == 1 and "there is no user no-such-user" in p.stderr


@pytest.mark.parametrize("path", sorted(os.path.relpath(p, TOP) for p in glob.glob(os.path.join(TOP, "conf/samples/*.yaml"))))
def test_samples_are_good(lab, path):
    p = lab.node("n").run(os.path.join(BUILD, "evpnd"), "-n", "-c", os.path.join(TOP, path), check=False)
    assert p.returncode in (0, 1)
    assert p.returncode == 0 or "not supported by this version" in p.stderr, p.stderr


def test_second_evpnd_on_the_socket_or_port(lab):
    """It says so and exits 1, and the first goes on."""
    r1, r2 = lab.fabric("r1", "r2")
    text = evpnd.conf(r1, 65000, [(r2.address, 65000)], vnis=())
    e = Evpnd(r1, text)
    binary = os.path.join(BUILD, "evpnd")
    p = r1.run(binary, "-c", e.file, "-s", e.socket, check=False)
    assert p.returncode == 1 and e.socket in p.stderr and "running" in p.stderr, p.stderr
    p = r1.run(binary, "-c", e.file, "-s", lab.path("other.sock"), check=False)
    assert p.returncode == 1 and "179" in p.stderr, p.stderr
    assert e.ctl("show", "version").returncode == 0
    assert not os.path.exists(lab.path("other.sock"))


def test_stale_socket_is_no_obstacle(lab):
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], vnis=()))
    e.kill()
    assert os.path.exists(e.socket)
    e.start()
    assert e.stop() == 0
    assert not os.path.exists(e.socket)


def test_neighbors_and_vnis_may_be_empty(lab):
    """No asn, no router-id, nothing to do: it still runs and answers."""
    n = lab.node("n")
    e = Evpnd(n, "dataplane: none\n")
    assert e.show("neighbors") == [] and e.show("rib") == [] and e.show("vni") == []


def test_empty_file_is_an_empty_configuration(lab):
    e = Evpnd(lab.node("n"), "")
    assert e.show("config") == {}
    assert e.show("config", "--defaults")["dataplane"] == "kernel"


def test_two_in_two_namespaces(lab):
    r1, r2 = lab.fabric("r1", "r2")
    e = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)])) for n, o in ((r1, r2), (r2, r1))]
    lab.wait_for(lambda: e[0].established(r2.address) and e[1].established(r1.address), "they are each other's peers", 20)


@pytest.mark.kernel
def test_reload_applies_the_difference_only(lab):
    """A VNI and a neighbor come and go; the session and the rows that did not change are not touched."""
    r1, r2 = lab.fabric("r1", "r2")
    e1, e2 = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], ports=[port])) for n, o, port in ((r1, r2, "h1"), (r2, r1, "h2"))]
    h1, h2 = lab.host("h1", 1).plug(r1), lab.host("h2", 2).plug(r2)
    lab.wait_for(lambda: h1.ping(h2.ip4) and r1.remote("vxlan100", h2.mac), "h1 reaches h2", 20)
    uptime, index = e1.neighbor(r2.address)["uptime_s"], r1.ip_json("link show vxlan100")[0]["ifindex"]

    e1.reload(evpnd.conf(r1, 65000, [(r2.address, 65000), ("192.0.2.77", 65007)], vnis=(100, 200), ports=["h1"]))
    assert {v["vni"] for v in e1.show("vni")} == {100, 200}
    assert {n["address"] for n in e1.show("neighbors")} == {r2.address, "192.0.2.77"}
    lab.wait_for(lambda: r1.ip_json("link show vxlan200"), "the new VNI has its device")
    lab.wait_for(lambda: [r for r in e2.routes("--type", "3") if r["vni"] == 200], "r2 has the new VNI's route")

    e1.reload(evpnd.conf(r1, 65000, [(r2.address, 65000)], ports=["h1"]))
    assert {v["vni"] for v in e1.show("vni")} == {100}
    assert {n["address"] for n in e1.show("neighbors")} == {r2.address}
    lab.wait_for(lambda: not [r for r in e2.routes("--type", "3") if r["vni"] == 200], "its route is withdrawn")

    assert e1.established(r2.address) and e1.neighbor(r2.address)["uptime_s"] >= uptime
    assert r1.ip_json("link show vxlan100")[0]["ifindex"] == index and r1.remote("vxlan100", h2.mac) == r2.address
    assert h1.ping(h2.ip4)


def test_reload_listens_as_long_as_there_are_neighbors(lab):
    r1, r2 = lab.fabric("r1", "r2")
    none = evpnd.conf(r1, 65000, [], vnis=())
    e = Evpnd(r1, none)
    peer = Evpnd(r2, evpnd.conf(r2, 65000, [(r1.address, 65000)], vnis=()))

    def listens():
        return ":179 " in r1.run("ss", "-ltnH").stdout

    assert not listens()
    e.reload(evpnd.conf(r1, 65000, [(r2.address, 65000, "passive: true")], vnis=()))
    assert listens()
    lab.wait_for(lambda: peer.established(r1.address), "the neighbor that was added reaches us", 70)
    e.reload(none)
    assert not listens()


def test_reload_changes_the_memory_limit(lab):
    n = lab.node("n")
    e = Evpnd(n, "dataplane: none\n")
    half = e.show("memory")["rib"]["limit_bytes"]
    for text, limit in (("memory-limit: 8\n", 8 << 20), ("memory-limit: 9\n", 9 << 20), ("", half)):
        e.reload("dataplane: none\n" + text)
        assert e.show("memory")["rib"]["limit_bytes"] == limit


@pytest.mark.parametrize("how", ["evpnctl", "SIGHUP"])
def test_reload_of_a_bad_file_changes_nothing(lab, how):
    r1, r2 = lab.fabric("r1", "r2")
    good = evpnd.conf(r1, 65000, [(r2.address, 65000)], vnis=())
    e = Evpnd(r1, good)
    bad = good.replace("asn: 65000", "asm: 65000", 1)
    if how == "evpnctl":
        p = e.reload(bad, check=False)
        assert p.returncode == 1 and re.search(r"%s:1:\d+: .*asm" % e.file, p.stderr), p.stderr
    else:
        e.configure(bad)
        e.process.send(signal.SIGHUP)
        lab.wait_for(lambda: re.search(r"%s:1:\d+: .*asm" % e.file, e.log()), "the log says what is wrong")
    assert [n["address"] for n in e.show("neighbors")] == [r2.address]
    e.configure("")  # as a full disk leaves it
    if how == "evpnctl":
        p = e.ctl("reload", check=False)
        assert p.returncode == 1 and "has no octet" in p.stderr and "has no octet" in e.ctl("reload", "--dry-run", check=False).stderr
    else:
        e.process.send(signal.SIGHUP)
        lab.wait_for(lambda: "has no octet" in e.log(), "the log says what is wrong")
    assert [n["address"] for n in e.show("neighbors")] == [r2.address]
    assert [(x["event"], "has no octet" in x["reason"]) for x in e.show("events", "--kind", "system")[-2:]] == [("refused", False), ("refused", True)]
    assert "reload refused: nothing changed: %s:1:" % e.file in e.ctl("show", "events").stdout
    e.configure(good + "log: {level: debug}\n")
    e.process.send(signal.SIGHUP)
    lab.wait_for(lambda: " debug " in e.log() or e.show("config").get("log", {}).get("level") == "debug", "the mended file is in force")


def test_reload_says_what_it_does_to_sessions(lab):
    """A description does no harm to the session with FRR, a hold time resets it with Cease/6 (RFC 4486); both are said before."""
    r1, r2 = lab.fabric("r1", "r2")

    def text(more):
        return evpnd.conf(r1, 65000, [(r2.address, 65000, more)], vnis=())
    e = Evpnd(r1, text("description: one"))
    f = Frr(r2, frr.bgp_conf(65000, r2.address, [(r1.address, 65000)]))
    lab.wait_for(lambda: e.established(r2.address) and f.established(r1.address), "the session is up")
    before = e.neighbor(r2.address)["established_count"]
    e.configure(text("description: two"))
    p = e.ctl("reload", "--dry-run")
    assert p.stdout == "neighbor %s changes (description: two): its session stays\n" % r2.address
    assert e.neighbor(r2.address)["description"] == "one", "nothing was done"
    e.ctl("reload")
    n = e.neighbor(r2.address)
    assert (n["description"], n["state"], n["established_count"]) == ("two", "Established", before)
    assert e.ctl("reload", "--dry-run").stdout == "nothing changes\n"
    e.configure(text("description: two, hold-time: 30"))
    e.ctl("reload")
    said = "neighbor %s changes (hold-time: 30): its session is reset (Cease/6)" % r2.address
    log = e.log()
    assert said in log and log.index(said) < log.index("Established -> Idle")
    lab.wait_for(lambda: e.established(r2.address), "it is back")
    assert e.neighbor(r2.address)["hold_time"] == 30


def test_reload_tells_the_neighbor_why(lab):
    r1, r2 = lab.fabric("r1", "r2")
    text = evpnd.conf(r1, 65000, [(r2.address, 65000, "passive: true, hold-time: 60")], vnis=())
    e = Evpnd(r1, text)
    with Speaker(r2, r1.address, 65000) as s:
        s.establish()
        e.reload(text.replace("hold-time: 60", "hold-time: 30"))
        n = s.notification()
        assert n and n[:2] == (6, 6), n
    with Speaker(r2, r1.address, 65000) as s:
        s.establish()
        e.reload(evpnd.conf(r1, 65000, [], vnis=()))
        n = s.notification()
        assert n and n[:2] == (6, 3), n
