# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnctl diff and repair: what another hand has changed is found in the kernel's own tables, said, and put right; what is
not ours is left alone.

    h1 --br100 [r1] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2] br100-- h2
"""
import json

import pytest

from evlab import Evpnd, evpnd

pytestmark = pytest.mark.kernel

MAC2 = "02:00:00:00:00:02"


@pytest.fixture
def pair(lab):
    r = lab.fabric("r1", "r2")
    h = [lab.host("h1", 1).plug(r[0]), lab.host("h2", 2).plug(r[1])]
    e = [Evpnd(n, evpnd.conf(n, 65000, [(r[1 - i].address, 65000)], ports=[h[i].name])) for i, n in enumerate(r)]
    lab.wait_for(lambda: e[0].established(r[1].address), "the session is up", 20)
    lab.wait_for(lambda: h[0].ping("10.0.0.2"), "h1 reaches h2", 20)
    lab.wait_for(lambda: [x for x in e[0].show("arp") if x["mac"] == MAC2], "r1 knows the address of h2")
    lab.wait_for(lambda: all(x["desired"] == x["observed"] for x in e[0].fdb(owner="evpnd")), "its rows are written, which diff takes for granted")
    lab.wait_for(lambda: not diff(e[0]), "all is as it should be")
    return e[0], h


def ask(e, *argv):
    p = e.ctl("--json", *argv, check=False)
    rows = json.loads(p.stdout) if p.stdout else None
    assert rows is not None, p.stderr
    assert p.returncode == (1 if any(x["differs"] for x in rows) else 0), (p.returncode, rows)
    return rows


def diff(e, *argv):
    return ask(e, "diff", *argv)


def one(rows, **want):
    found = [x for x in rows if all(x[k] == v for k, v in want.items())]
    assert len(found) == 1, rows
    return found[0]


def mended(lab, e):
    """Repair says that it is in work, and then it is so."""
    before = diff(e)
    assert [x["found"] for x in ask(e, "repair", "--dry-run")] == [x["found"] for x in before]
    assert diff(e), "a dry run has changed something"
    rows = ask(e, "repair")
    assert rows and all(x["repaired"] for x in rows), rows
    lab.wait_for(lambda: not diff(e), "all is as it should be")


@pytest.mark.parametrize("command,device,prop,expected,found", [
    ("link set vxlan100 down", "vxlan100", "state", "up", "down"),
    ("link set br100 down", "br100", "state", "up", "down"),
    ("link set vxlan100 nomaster", "vxlan100", "master", "br100", "none"),
    ("link set h1 nomaster", "h1", "master", "br100", "none"),
    ("link set vxlan100 mtu 1560", "vxlan100", "mtu", "1550", "1560"),
    ("link set vxlan100 type bridge_slave learning on", "vxlan100", "learning", "off", "on"),
    ("link set vxlan100 type bridge_slave neigh_suppress off", "vxlan100", "neigh_suppress", "on", "off"),
    ("link set vxlan100 type bridge_slave flood off", "vxlan100", "flood", "on", "off"),
    ("link set vxlan100 type vxlan id 100 learning", "vxlan100", "vxlan learning", "off", "on"),
])
def test_devices(lab, pair, command, device, prop, expected, found):
    e, h = pair
    e.node.ip(command)
    row = one(lab.wait_for(lambda: [x for x in diff(e) if x["property"] == prop], "it is found"), device=device)
    assert (row["what"], row["vni"], row["expected"], row["found"]) == ("device", 100, expected, found)
    mended(lab, e)
    lab.wait_for(lambda: h[0].ping("10.0.0.2"), "h1 reaches h2 again", 20)
    lab.wait_for(lambda: e.show("vni", "100")["problem"] is None, "there is no problem")


def test_a_device_that_is_another_bridges_is_taken_back(lab, pair):
    e, h = pair
    e.node.ip("link add other type bridge")
    e.node.ip("link set vxlan100 master other")
    assert one(diff(e), property="master")["found"] == "other"
    mended(lab, e)
    assert e.node.ip_json("link show vxlan100")[0]["master"] == "br100"


def nexthop_of(node, address):
    return [n["id"] for n in node.ip_json("nexthop list") if n.get("gateway") == address]


def test_rows_are_true_by_themselves(lab, pair):
    """What evpnd hears of it undoes, without a repair; diff agrees."""
    e, h = pair
    e.node.bridge("fdb del %s dev vxlan100 self" % MAC2)
    e.node.bridge("fdb del %s dev vxlan100 master" % MAC2, check=False)
    lab.wait_for(lambda: e.node.remote("vxlan100", MAC2) == "192.0.2.2" and not diff(e), "it is as it should be")
    e.node.ip("neigh replace 10.0.0.2 lladdr 02:00:00:00:00:77 dev br100 nud noarp extern_learn protocol 179")
    lab.wait_for(lambda: e.node.ip_json("neigh show 10.0.0.2 dev br100")[0]["lladdr"] == MAC2 and not diff(e), "so is the neighbour")
    nh, = nexthop_of(e.node, "192.0.2.2")
    e.node.ip("nexthop replace id %d via 192.0.2.77 fdb proto 179" % nh)
    lab.wait_for(lambda: nexthop_of(e.node, "192.0.2.2") == [nh] and not diff(e), "the nexthop is as it should be")
    lab.wait_for(lambda: h[0].ping("10.0.0.2"), "h1 reaches h2")


def test_foreign_rows_are_shown_and_left(lab, pair):
    e, h = pair
    e.node.bridge("fdb add 02:aa:00:00:00:01 dev vxlan100 dst 192.0.2.9 self static")
    e.node.ip("neigh add 10.0.0.77 lladdr 02:aa:00:00:00:02 dev br100 nud noarp")
    rows = diff(e)
    assert {(x["what"], x["table"], x["mac"], x["differs"]) for x in rows} == {
        ("foreign", "vxlan", "02:aa:00:00:00:01", False), ("foreign", "neigh", "02:aa:00:00:00:02", False)}
    ask(e, "repair")
    assert "192.0.2.9" in e.node.bridge("fdb show dev vxlan100") and "10.0.0.77" in e.node.ip("neigh show dev br100 nud all")


def test_a_vtep_in_the_flood_list_by_hand_stays(lab, pair):
    """All rows of the list have one mark in the kernel, which that hand takes: ours are known to be ours all the same."""
    e, h = pair

    def flooded():
        return sorted(x["dst"] for x in e.node.fdb("vxlan100") if x["mac"] == "00:00:00:00:00:00")

    e.node.bridge("fdb append 00:00:00:00:00:00 dev vxlan100 dst 192.0.2.9 self")
    lab.wait_for(lambda: [(x["what"], x["vtep"]) for x in diff(e)] == [("foreign", "192.0.2.9")], "it is another hand's, the rest ours")
    e.kill()
    e.configure(e.config.replace("192.0.2.2", "192.0.2.7") + "restart: {time: 2}\n")  # nobody is there
    e.start()
    lab.wait_for(lambda: flooded() == ["192.0.2.9"], "ours has gone, and that alone", 20)


def test_what_is_in_the_way_is_said_and_left(lab, pair):
    """A MAC that another hand has set on a port: the route's row waits, whatever repair is asked for."""
    e, h = pair
    e.node.bridge("fdb replace %s dev h1 master static" % MAC2)
    rows = lab.wait_for(lambda: [x for x in diff(e) if x["what"] == "blocked"], "it is in the way", 10)
    assert one(rows, mac=MAC2)["found"] == "the MAC is set on a local port by another program"
    assert not one(ask(e, "repair"), what="blocked")["repaired"]
    assert "static" in [x["state"] for x in e.node.fdb("h1", MAC2)]
    e.node.bridge("fdb del %s dev h1 master" % MAC2)
    lab.wait_for(lambda: not diff(e), "all is as it should be")


def test_of_one_vni(lab, pair):
    e, h = pair
    e.reload(e.config + "  - {vni: 200}\n")
    lab.wait_for(lambda: e.show("vni", "200")["ready"], "VNI 200 is ready")
    e.node.ip("link set vxlan200 down")
    assert diff(e, "--vni", "200") and not diff(e, "--vni", "100")
    ask(e, "repair", "--vni", "100")
    assert diff(e)
    ask(e, "repair", "--vni", "200")
    lab.wait_for(lambda: not diff(e), "all is as it should be")
    p = e.ctl("diff", "--vni", "7", check=False)
    assert p.returncode == 1 and "VNI 7 is not configured" in p.stderr


def test_text(lab, pair):
    e, h = pair
    assert e.ctl("diff").stdout == "no difference\n"
    e.node.ip("link set vxlan100 mtu 1560")
    p = e.ctl("diff", check=False)
    assert p.returncode == 1 and p.stdout.splitlines()[1].split() == [
        "100", "device", "device", "vxlan100", "-", "-", "mtu", "1550", "1560", "no"]


@pytest.mark.parametrize("write,erase,words", [
    # As FRR's zebra does: with a nexthop of its own, or without one.
    (["bridge fdb add 02:aa:00:00:00:03 dev vxlan100 dst 192.0.2.9 self extern_learn"],
     "bridge fdb del 02:aa:00:00:00:03 dev vxlan100 dst 192.0.2.9 self", "vxlan100: another program writes here as well, as for 02:aa:00:00:00:03"),
    (["ip nexthop add id 7 via 192.0.2.9 fdb proto zebra", "ip nexthop add id 8 group 7 fdb proto zebra",
      "bridge fdb add 02:aa:00:00:00:04 dev vxlan100 nhid 8 self extern_learn"],
     "bridge fdb del 02:aa:00:00:00:04 dev vxlan100 nhid 8 self", "as for 02:aa:00:00:00:04"),
    (["ip neigh add 10.0.0.99 lladdr 02:aa:00:00:00:05 dev br100 nud noarp extern_learn proto zebra"],
     "ip neigh del 10.0.0.99 dev br100", "vxlan100: FRR's zebra writes here as well, as for 10.0.0.99"),
])
def test_another_control_plane_is_said_once(lab, pair, write, erase, words):
    e, h = pair

    def say(command):
        tool, rest = command.split(" ", 1)
        getattr(e.node, tool)(rest)

    for command in write:
        say(command)
    problem = lab.wait_for(lambda: e.show("vni", "100")["problem"], "it is told")
    assert words in problem
    e.node.bridge("fdb add 02:aa:00:00:00:06 dev vxlan100 dst 192.0.2.9 self extern_learn")
    assert e.log().count("writes here as well") == 1, "once, however many rows"
    assert h[0].ping("10.0.0.2")
    say(erase)
    lab.wait_for(lambda: e.show("vni", "100")["problem"] is None, "it is over")
