# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnctl as a script sees it: exit status, words on errors, and the JSON of the contract."""
import json
import os

import pytest

from evlab import Evpnd, Gobgp, evpnd, gobgp
from evlab.evpnd import BUILD, TOP, evpnctl

OPTIONAL_STRING, OPTIONAL_INT = (str, type(None)), (int, type(None))
FIELDS = {
    "neighbors": {"address": str, "asn": int, "state": str, "uptime_s": OPTIONAL_INT, "prefixes_received": int, "prefixes_sent": int},
    "rib": {"type": int, "rd": str, "esi": OPTIONAL_STRING, "ethernet_tag": OPTIONAL_INT, "mac": OPTIONAL_STRING, "ip": OPTIONAL_STRING,
            "prefix": OPTIONAL_STRING, "originator": OPTIONAL_STRING, "vni": OPTIONAL_INT, "vni2": OPTIONAL_INT, "next_hop": str,
            "neighbor": OPTIONAL_STRING, "best": bool, "route_targets": list, "mac_mobility": (dict, type(None)), "as_path": (str, list),
            "local_pref": OPTIONAL_INT},
    "mac": {"vni": int, "mac": str, "state": str, "vtep": OPTIONAL_STRING, "interface": OPTIONAL_STRING, "sequence": int, "sticky": bool, "ips": list,
            "esi": OPTIONAL_STRING, "vteps": list},
    "fdb": {"vni": int, "mac": OPTIONAL_STRING, "ip": OPTIONAL_STRING, "vtep": OPTIONAL_STRING, "device": OPTIONAL_STRING, "table": str,
            "desired": bool, "observed": bool, "owner": str, "vteps": list},
    "vni": {"vni": int, "mode": str, "rd": str},
    "arp": {"vni": int, "ip": str, "mac": str, "state": str},
    "vtep": {"vtep": str},
}


@pytest.fixture
def full(lab):
    """evpnd with a peer, a local host and routes of every kind, so that no table is empty.

        h1 --br100 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 GoBGP]
    """
    r1, r2 = lab.fabric("r1", "r2")
    h1 = lab.host("h1", 1).plug(r1)
    g = Gobgp(r2, gobgp.conf(65000, r2.address, [(r1.address, 65000)]))
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000), ("192.0.2.77", 65007)], ports=["h1"], vni_more="host-learning: false"))
    lab.wait_for(lambda: e.established(r2.address), "the session is up", 20)
    g.add_multicast(r2.address, 100, "%s:100" % r2.address, "65000:100")
    g.add_mac("02:00:00:00:00:99", "10.0.0.99", 100, "%s:100" % r2.address, "65000:100", r2.address)
    g.add_mac("02:00:00:00:00:98", None, 100, "%s:100" % r2.address, "65000:100", r2.address)
    h1.speak()
    lab.wait_for(lambda: r1.remote("vxlan100", "02:00:00:00:00:98") and e.mac(100, h1.mac) and r1.flood("vxlan100"), "tables are full")
    lab.e, lab.r1, lab.r2 = e, r1, r2
    return lab


@pytest.mark.parametrize("verb", sorted(FIELDS))
def test_json_has_the_fields_of_the_contract(full, verb):
    rows = full.e.show(verb)
    assert isinstance(rows, list) and rows
    for row in rows:
        for field, kind in FIELDS[verb].items():
            assert field in row, "%s is missing in %r" % (field, row)
            assert isinstance(row[field], kind), "%s: %r in %r" % (field, row[field], row)
            assert not (kind is int and isinstance(row[field], bool))


def test_json_values(full):
    e = full.e
    states = {n["address"]: n["state"] for n in e.show("neighbors")}
    assert states[full.r2.address] == "Established"
    assert states["192.0.2.77"] in ("Idle", "Connect", "Active", "OpenSent", "OpenConfirm")
    assert {r["owner"] for r in e.show("fdb")} <= {"evpnd", "kernel", "foreign"}
    assert {r["table"] for r in e.show("fdb")} <= {"vxlan", "bridge", "neigh", "vtep"}
    assert {m["state"] for m in e.show("mac")} == {"local", "remote"}
    local, = [m for m in e.show("mac") if m["mac"] == "02:00:00:00:00:01"]
    assert (local["interface"], local["vtep"]) == ("h1", None)
    remote, = e.show("arp", "--ip", "10.0.0.99")
    assert (remote["mac"], remote["vtep"], remote["state"]) == ("02:00:00:00:00:99", full.r2.address, "remote")
    assert e.show("vtep")[0]["vtep"] == full.r2.address
    for row in e.show("rib"):
        assert row["mac"] is None or row["mac"] == row["mac"].lower()
        assert (row["mac"] is None) == (row["type"] == 3)


@pytest.mark.parametrize("argv, kind", [(("vni", "100"), dict), (("neighbors", "192.0.2.2"), dict), (("version",), dict), (("memory",), dict),
                                        (("config",), dict), (("rib", "--vni", "4000"), list), (("mac", "--vni", "4000"), list)])
def test_json_is_an_object_where_one_thing_is_named(full, argv, kind):
    assert type(full.e.show(*argv)) is kind


@pytest.mark.parametrize("argv, count", [
    (("--type", "2"), 3), (("--type", "3"), 2), (("--mac", "02:00:00:00:00:99"), 1), (("--ip", "10.0.0.99"), 1), (("--neighbor", "192.0.2.2"), 3),
    (("--rd", "192.0.2.2:100"), 3), (("--vni", "100"), 5), (("--rejected",), 0), (("--best",), 5), (("--advertised-to", "192.0.2.2"), 2)])
def test_rib_filters(full, argv, count):
    assert len(full.e.routes(*argv)) == count


def test_rib_keys(full):
    rd = "0001c00002020064"
    assert full.e.keys() == {"2|%s|0|020000000099|0a000063" % rd, "2|%s|0|020000000098|" % rd, "3|%s|0|c0000202" % rd}


def test_text_fits_a_terminal(full):
    for verb in sorted(FIELDS) + ["version", "memory", "config"]:
        p = full.e.ctl("show", verb)
        assert p.stdout.strip() and not p.stderr
        if verb != "config":
            assert max(len(line) for line in p.stdout.splitlines()) <= 132, verb


def test_a_neighbor_that_is_down_says_why(lab):
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65001), ("192.0.2.77", 65007)], vnis=()))
    Evpnd(r2, evpnd.conf(r2, 65002, [(r1.address, 65000)], vnis=()))
    wrong = "sent: OPEN message error/bad peer AS: it is in AS 65002, configured is AS 65001"
    lab.wait_for(lambda: e.neighbor(r2.address)["problem"] == wrong, "the wrong AS is said", 20)
    lab.wait_for(lambda: e.neighbor("192.0.2.77")["problem"] == "No route to host", "nobody is there", 20)
    assert wrong in e.ctl("show", "neighbors").stdout and wrong in e.ctl("show", "neighbors", r2.address).stdout
    e.ctl("neighbor", r2.address, "down")
    assert e.neighbor(r2.address)["problem"] is None
    e.ctl("neighbor", r2.address, "up")
    e.reload(e.config.replace("65001", "65002"))
    lab.wait_for(lambda: e.established(r2.address) and e.neighbor(r2.address)["problem"] is None, "the session is up", 20)


def test_text_fits_80_columns(full):
    """On a terminal nothing is wider than it, whatever is shown."""
    for argv in [["show", v] for v in sorted(FIELDS) + ["version", "memory"]] + [
            ["show", "neighbors", full.r2.address], ["show", "rib", "--detail"], ["show", "vni", "100"], ["help"], ["help", "show", "rib"],
            ["help", "neighbor"]]:
        text = full.r1.run("script", "-qec", "stty cols 80; exec %s/evpnctl -s %s %s" % (BUILD, full.e.socket, " ".join(argv)), "/dev/null").stdout
        assert len(text.splitlines()) > 1 and max(len(line.rstrip()) for line in text.splitlines()) <= 80, text


def test_memory_peak_is_no_less_than_resident(full):
    process = full.e.show("memory")["process"]
    assert process["peak_resident_bytes"] >= process["resident_bytes"] > 1 << 20


def test_memory_tells_of_tables_and_neighbors(full):
    memory = full.e.show("memory")
    rib = memory["rib"]
    assert rib["keys"] <= rib["paths"] == rib["keys"] + rib["further_paths"]
    assert rib["keys"] + rib["withdrawn"] <= rib["index_places"] and rib["outbound_groups"] >= 1
    assert [n["address"] for n in memory["neighbors"]] == [n["address"] for n in full.e.show("neighbors")]
    assert all(n["bytes"] > 1000 for n in memory["neighbors"])


def test_clear_of_a_neighbor_that_is_down_says_so(full):
    full.e.ctl("neighbor", full.r2.address, "down")
    p = full.e.ctl("neighbor", full.r2.address, "clear", check=False)
    assert p.returncode == 1 and "down by hand" in p.stderr
    assert full.e.neighbor(full.r2.address)["admin_down"] is True
    full.e.ctl("neighbor", full.r2.address, "up")
    full.wait_for(lambda: full.e.established(full.r2.address), "the session is up again", 20)


def test_config_shows_no_secret(lab):
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000, "password: hunter2")], vnis=()))
    p = e.ctl("show", "config")
    assert "hunter2" not in p.stdout and r2.address in p.stdout
    assert "hunter2" not in json.dumps(e.show("config")) and "hunter2" not in e.log()


def test_daemon_that_does_not_run(lab):
    n = lab.node("n")
    p = evpnctl(n, "-s", lab.path("nobody.sock"), "show", "neighbors")
    assert p.returncode == 1 and not p.stdout
    assert lab.path("nobody.sock") in p.stderr and "run" in p.stderr
    p = evpnctl(n, "-s", lab.path("nobody.sock"), "show", "version")
    assert p.returncode == 1


@pytest.mark.parametrize("argv, words", [
    (["shwo"], ["show"]), (["show", "nieghbors"], ["neighbors"]), (["show", "rib", "--mca", "02:00:00:00:00:01"], ["--mac"]), (["show", "mac", "--vni", "x"], ["--vni"]),
    (["show", "mac", "--mac", "02:00"], ["--mac"]), (["neighbor", "192.0.2.2", "upp"], ["up"]), (["neighbor"], ["ADDR"]), ([], ["usage"]),
    (["version"], ["show version"]), (["-s", "", "show", "version"], ["a path is needed after '-s'"])])
def test_usage_errors(lab, argv, words):
    """Exit status 2, nothing on stdout, and the nearest thing that would have been right."""
    p = evpnctl(lab.node("n"), "-s", lab.path("nobody.sock"), *argv)
    assert p.returncode == 2 and not p.stdout, p
    for w in words:
        assert w in p.stderr, p.stderr


def test_check_as_json(lab):
    n = lab.node("n")

    def check(text, status):
        path = lab.path("c:1:2.yaml")
        with open(path, "w") as f:
            f.write(text)
        p = evpnctl(n, "-j", "check", path)
        assert p.returncode == status and not p.stderr
        rows = json.loads(p.stdout)
        assert all(r["file"] == path for r in rows)
        return [(r["line"], r["column"], r["message"]) for r in rows]

    assert check("dataplane: none\n", 0) == []
    assert check("asn: 0\nx: 1\n", 1)[0] == (1, 6, 'asn: expected a number from 1 to 4294967295, found "0"')
    none = json.loads(evpnctl(n, "-j", "check", lab.path("none.yaml")).stdout)
    assert [(r["line"], r["column"]) for r in none] == [(None, None)] and "No such file" in none[0]["message"]


def test_help_of_a_first_word(lab):
    n = lab.node("n")
    p = evpnctl(n, "help", "show")
    assert p.returncode == 0 and "show segments" in p.stdout and "neighbor " not in p.stdout
    assert "show vni [N]" in evpnctl(n, "help", "show", "vni").stdout and "vni N mode MODE" in evpnctl(n, "help", "vni").stdout


def test_what_was_refused_is_not_logged_as_done(lab):
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000, "passive: true")], vnis=()))
    p = e.ctl("neighbor", r2.address, "refresh", check=False)
    assert p.returncode == 1 and "no session" in p.stderr
    assert e.ctl("neighbor", r2.address, "up").returncode == 0
    assert "up by the control socket" in e.log() and "refresh by the control socket" not in e.log()


def test_help(lab):
    n = lab.node("n")
    p = evpnctl(n, "help")
    assert p.returncode == 0 and all(w in p.stdout for w in ("show neighbors", "show rib", "show fdb"))
    p = evpnctl(n, "help", "show", "rib")
    assert p.returncode == 0 and "--keys" in p.stdout


@pytest.mark.parametrize("argv", [("show", "neighbors", "192.0.2.200"), ("show", "vni", "4000"), ("neighbor", "192.0.2.200", "clear")])
def test_what_is_not_there_is_status_1(full, argv):
    p = full.e.ctl(*argv, check=False)
    assert p.returncode == 1 and argv[-2 if argv[-1] == "clear" else -1] in p.stderr


def test_reader_that_goes_away_does_no_harm(full):
    """evpnctl | head: the daemon drops the rest of the answer."""
    for _ in range(20):
        full.r1.run("sh", "-c", "%s -s %s show rib | head -c1" % (os.path.join(BUILD, "evpnctl"), full.e.socket))
    assert full.e.established(full.r2.address)


def test_log_level(full):
    full.e.ctl("log", "debug")
    full.e.ctl("neighbor", full.r2.address, "clear")
    full.wait_for(lambda: " debug " in full.e.log(), "debug lines come")
    assert full.e.ctl("log", "loud", check=False).returncode == 2


BASH = """. %s/conf/evpnctl.bash
COMP_LINE=$1 COMP_POINT=${#1}
_evpnctl
printf '%%s\\n' "${COMPREPLY[@]}"
"""


def test_bash_completes(lab):
    """Words of the tables, and what the daemon has; what is behind the last colon is what readline replaces."""
    r1, = lab.fabric("r1")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [("192.0.2.9", 65000), ("2001:db8::9", 65000)], vnis=(100, 4711)))

    def behind(line):
        line = "%s -s %s %s" % (os.path.join(BUILD, "evpnctl"), e.socket, line)
        return r1.run("bash", "-c", BASH % TOP, "bash", line).stdout.split()

    assert behind("show ne") == ["neighbors"] and behind("show rib --adv") == ["--advertised-to"]
    assert behind("show mac --vni ") == ["100", "4711"] and behind("vni 4") == ["4711"]
    assert behind("neighbor 192") == ["192.0.2.9"] and behind("neighbor 2001:db8:") == [":9"]
    assert "refresh" in behind("neighbor 2001:db8::9 ")
    assert behind("log x") == []
