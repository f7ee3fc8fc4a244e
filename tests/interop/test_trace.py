# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnctl trace: each fault is made in the lab, and the trace names the lookup at which it breaks, and why.

    h1 10.0.0.1 --br100 [r1] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2] br100-- h2 10.0.0.2
"""
import json

import pytest

from evlab import Evpnd, evpnd

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"
ORDER = ["inner-route", "inner-neighbour", "source", "fdb", "outer-route", "outer-neighbour"]


def overlay(lab, **kw):
    r = lab.fabric("r1", "r2")
    h = [lab.host("h1", 1).plug(r[0]), lab.host("h2", 2).plug(r[1])]
    e = [Evpnd(n, evpnd.conf(n, 65000, [(r[1 - i].address, 65000)], ports=[h[i].name], **kw)) for i, n in enumerate(r)]
    lab.wait_for(lambda: e[0].established(r[1].address), "the session is up", 20)
    lab.wait_for(lambda: h[0].ping("10.0.0.2"), "h1 reaches h2", 20)
    lab.wait_for(lambda: [x for x in e[0].fdb(ip="10.0.0.2", observed=True)], "r1 answers for h2")
    return e[0], h


def trace(e, *argv):
    p = e.ctl("--json", "trace", *argv, check=False)
    assert p.stdout, p.stderr
    t = json.loads(p.stdout)
    assert p.returncode == (1 if t["broken"] else 0) and t["broken"] == (t["result"] == "broken")
    steps = list(dict.fromkeys(s["step"] for s in t["steps"]))
    assert steps == sorted(steps, key=ORDER.index), "a packet meets them in this order"
    for s in t["steps"]:
        assert s["result"] in ("ok", "skipped") or s["detail"], s
    return t


def broken(e, *argv):
    t = trace(e, *argv)
    return t if t["broken"] else None


def wrong(t):
    """The lookups that are not as they should be: (step, result, detail)."""
    return [(s["step"], s["result"], s["detail"]) for s in t["steps"] if s["result"] in ("warning", "broken")]


@pytest.mark.dataplanes
def test_a_healthy_path(lab):
    e, h = overlay(lab)
    t = trace(e, "--from", h[0].ns, "10.0.0.2")
    assert (t["vni"], t["result"], t["vteps"], t["port"]) == (100, "ok", ["192.0.2.2"], None), t
    assert t["source"] == {"mac": MAC1, "ip": "10.0.0.1"} and t["destination"] == {"mac": MAC2, "ip": "10.0.0.2"}
    assert {s["step"] for s in t["steps"]} == set(ORDER)
    assert t["steps"][0]["answer"] == "10.0.0.0/24 dev eth0 src 10.0.0.1"
    assert t["steps"][1]["answer"].startswith("10.0.0.2 dev eth0 lladdr " + MAC2)
    assert [s["answer"] for s in t["steps"] if s["step"] == "outer-route"] == ["192.0.2.0/24 dev eth0 src 192.0.2.1"]
    for argv in (["10.0.0.1", "10.0.0.2"], [MAC1, "10.0.0.2"], ["10.0.0.2"], [MAC2], ["--vni", "100", MAC2]):
        t = trace(e, *argv)
        assert (t["result"], t["vteps"]) == ("ok", ["192.0.2.2"]), t
        assert t["steps"][0]["result"] == "skipped", "nobody says which host sends"
    t = trace(e, MAC1)
    assert (t["result"], t["vteps"], t["port"]) == ("ok", [], "h1")
    t = trace(e, "--from", h[0].ns, "10.0.0.1")
    assert t["result"] == "ok" and "nothing is sent" in t["verdict"]
    t = trace(e, "ff:ff:ff:ff:ff:ff")
    assert (t["result"], t["vteps"]) == ("ok", ["192.0.2.2"]) and "flooded" in t["verdict"], t
    t = trace(e, "02:00:00:00:00:77")
    assert t["result"] == "warning" and "flooded" in t["verdict"] and "nobody has announced it" in t["verdict"]
    t = trace(e, "10.0.0.9")
    assert t["result"] == "broken" and wrong(t)[0][:2] == ("inner-neighbour", "broken") and t["vteps"] == ["192.0.2.2"], t


def test_who_is_asked_for_what(lab):
    """The words of evpnctl, and what it refuses."""
    e, h = overlay(lab)
    text = e.ctl("trace", "10.0.0.2").stdout
    assert text.startswith("1 inner route ") and "\n5 outer neighbour  who has 192.0.2.2 on eth0?  ok\n" in text
    assert text.endswith("\nok: frames to 10.0.0.2 go to VTEP 192.0.2.2\n")
    text = e.ctl("trace", "--from", h[0].ns, "10.9.9.9", check=False).stdout
    assert text.endswith("to do: give it an address in the subnet of 10.9.9.9, or a default route\n"), text
    for argv, status, words in ((["h2"], 2, "expected an IP address or a MAC address, found 'h2'"), ([], 2, "trace needs DST"),
                                (["--vni", "7", MAC2], 1, "VNI 7 is not configured"),
                                (["--from", "nobody", "10.0.0.2"], 1, "/run/netns/nobody cannot be opened")):
        p = e.ctl("trace", *argv, check=False)
        assert p.returncode == status and words in p.stderr, (argv, p)
    e.reload(e.config + "  - {vni: 200}\n")
    lab.wait_for(lambda: e.show("vni", "200")["ready"], "VNI 200 is ready")
    assert trace(e, "10.0.0.2")["vni"] == 100, "the VNI that knows it"
    p = e.ctl("trace", "10.0.0.99", check=False)
    assert p.returncode == 1 and "no VNI knows 10.0.0.99" in p.stderr
    assert trace(e, "--from", h[0].ns, "10.0.0.99")["vni"] == 100, "the VNI of who sends"


# What is done, on r1 or h1; the lookup, its result, words of its detail and advice; how it is undone.
FAULTS = [
    ("h1: route del 10.0.0.0/24", "inner-route", "broken", "no route to 10.0.0.2", "address in the subnet", "h1: route add 10.0.0.0/24 dev eth0 src 10.0.0.1"),
    ("h1: neigh replace 10.0.0.2 dev eth0 nud failed", "inner-neighbour", "broken", "nobody answers for 10.0.0.2 on eth0", "ping -I eth0 10.0.0.2",
     "h1: neigh del 10.0.0.2 dev eth0"),
    ("h1: neigh replace 10.0.0.2 dev eth0 lladdr 02:00:00:00:00:66 nud permanent", "inner-neighbour", "warning", "believes that it is at 02:00:00:00:00:66",
     "ip neigh flush to 10.0.0.2", "h1: neigh del 10.0.0.2 dev eth0"),
    ("r1: link set vxlan100 type bridge_slave neigh_suppress off", "inner-neighbour", "warning", "neigh_suppress is off on vxlan100",
     "bridge link set dev vxlan100 neigh_suppress on", "r1: link set vxlan100 type bridge_slave neigh_suppress on"),
    ("r1: link set h1 type bridge_slave isolated on; r1: link set vxlan100 type bridge_slave isolated on", "fdb", "broken", "both are isolated",
     "isolated off", "r1: link set h1 type bridge_slave isolated off; r1: link set vxlan100 type bridge_slave isolated off"),
    ("r1: link set eth0 mtu 1500", "outer-route", "warning", "takes 1600 here and the path carries 1500", "ip link set vxlan100 mtu 1450", "r1: link set eth0 mtu 1600"),
    ("r1: route add unreachable 192.0.2.2/32", "outer-route", "broken", "192.0.2.2 cannot be reached: a route says unreachable", "ip route get 192.0.2.2",
     "r1: route del unreachable 192.0.2.2/32"),
    ("r1: route add 192.0.2.2/32 dev br100", "outer-route", "broken", "leads into its own tunnel, by br100", "by the underlay", "r1: route del 192.0.2.2/32 dev br100"),
    ("r1: addr add 192.0.2.2/32 dev lo", "outer-route", "broken", "192.0.2.2 is an address of this host", "show rib", "r1: addr del 192.0.2.2/32 dev lo"),
]


@pytest.mark.kernel
def test_each_fault_is_named(lab):
    e, h = overlay(lab)
    nodes = {"h1": h[0], "r1": e.node}

    def do(commands):
        for c in commands.split("; "):
            node, command = c.split(": ", 1)
            nodes[node].ip(command)

    for fault, step, result, detail, advice, undo in FAULTS:
        do(fault)
        t = trace(e, "--from", h[0].ns, "10.0.0.2")
        found = [s for s in t["steps"] if (s["step"], s["result"]) == (step, result)]
        assert len(found) == 1 and detail in found[0]["detail"] and advice in found[0]["advice"], (fault, wrong(t))
        assert wrong(t)[0][0] == step and t["result"] == result, (fault, "that, and nothing heavier", wrong(t))
        assert detail in t["verdict"] and t["advice"] == found[0]["advice"]
        do(undo)
    lab.wait_for(lambda: trace(e, "--from", h[0].ns, "10.0.0.2")["result"] == "ok", "all is well again")


@pytest.mark.kernel
def test_devices_and_rows_of_other_hands(lab):
    e, h = overlay(lab)
    e.node.bridge("fdb replace %s dev h1 master static" % MAC2)
    t = lab.wait_for(lambda: broken(e, MAC2), "the row is on h1")
    assert "set on a local port by another program" in t["verdict"] and t["port"] == "h1", t
    e.node.bridge("fdb del %s dev h1 master" % MAC2)
    lab.wait_for(lambda: not broken(e, MAC2), "it is written again")
    for command, words, advice, undo in (("set vxlan100 down", "vxlan100 is down", "ip link set vxlan100 up", "set vxlan100 up"),
                                         ("set br100 down", "br100 is down", "ip link set br100 up", "set br100 up"),
                                         ("set vxlan100 nomaster", "vxlan100 is not in br100", "ip link set vxlan100 master br100", "set vxlan100 master br100"),
                                         ("set br100 type bridge stp_state 1; set vxlan100 down; set vxlan100 up", "vxlan100 is listening, not forwarding",
                                          "spanning tree", "set br100 type bridge stp_state 0; set vxlan100 down; set vxlan100 up")):
        for c in command.split("; "):
            e.node.ip("link " + c)
        t = lab.wait_for(lambda: (lambda t: t and words in t["verdict"] and t)(broken(e, MAC2)), "it is broken by " + command)
        assert advice in t["advice"] and wrong(t)[-1][0] == "fdb", (command, t)
        for c in undo.split("; "):
            e.node.ip("link " + c)
        lab.wait_for(lambda: not broken(e, MAC2), "all is well again")
    lab.cut(h[1].router)
    e.node.ip("neigh replace 192.0.2.2 dev eth0 nud failed")
    t = lab.wait_for(lambda: broken(e, MAC2), "r2 is silent")
    assert wrong(t)[-1][:2] == ("outer-neighbour", "broken") and "nobody answers for 192.0.2.2 on eth0" in t["verdict"], t
    e.node.ip("addr flush dev eth0")
    t = broken(e, MAC2)
    assert "192.0.2.1, our VTEP address, is on no interface" in t["verdict"] and wrong(t)[-1][0] == "outer-route", t


@pytest.mark.dataplanes
def test_modes(lab):
    """What is not there is flooded, looked for or dropped, as the mode has it."""
    n, = lab.fabric("r1")
    h = lab.host("h1", 1).plug(n)
    more = "underlay: eth0\n" + (evpnd.USERSPACE if lab.dataplane == "userspace" else "")
    e = Evpnd(n, "asn: 65000\nrouter-id: 192.0.2.1\nvtep: 192.0.2.1\n%svnis:\n  - {vni: 100, mode: static-flood, flood: [192.0.2.8, 192.0.2.9], ports: [h1]}\n"
              "  - {vni: 200, mode: multicast, group: 239.1.1.1}\n  - {vni: 300, mode: dynamic-l2, resolver: {file: %s}, flood: [192.0.2.8]}\n"
              "  - {vni: 400, mode: static-flood, flood: [192.0.2.8], unknown-unicast: drop}\n  - {vni: 500}\n"
              "  - {vni: 600, mode: static-l2, check-source: %s, hosts: [{mac: \"%s\", vtep: 192.0.2.8}]}\n"
              % (more, lab.path("none"), "true" if lab.dataplane == "userspace" else "false", MAC2))
    lab.wait_for(lambda: all(v["ready"] for v in e.show("vni")), "all are ready")
    t = trace(e, "--vni", "100", MAC2)
    assert t["vteps"] == ["192.0.2.8", "192.0.2.9"] and t["result"] == "warning", t
    t = trace(e, "--vni", "200", MAC2)
    assert "flooded" in t["verdict"] and any("239.1.1.1" in (s["answer"] or "") for s in t["steps"]), t
    t = trace(e, "--vni", "300", MAC2)
    assert any("rows come on demand" in s["detail"] for s in t["steps"] if s["detail"]) and t["vteps"] == [], t
    t = trace(e, "--vni", "400", MAC2)
    assert t["broken"] and "unknown unicast" in t["verdict"], t
    t = trace(e, "--vni", "500", MAC2)
    assert t["vteps"] == [] and any("does any other VTEP have this VNI?" in (s["advice"] or "") for s in t["steps"]), t
    t = trace(e, "--vni", "600", MAC2)
    assert t["vteps"] == ["192.0.2.8"] and any(s["answer"] and "configured" in s["answer"] for s in t["steps"]), t
    asked = [s["asked"] for s in trace(e, "--vni", "600", MAC2, MAC1)["steps"] if s["step"] == "source"]
    assert ("are packets of %s from 192.0.2.8 taken?" % MAC2 in asked) == (lab.dataplane == "userspace"), asked
    h.speak()
    lab.wait_for(lambda: trace(e, "--vni", "100", MAC1)["port"] == "h1", "h1 is found on its port")


@pytest.mark.kernel
def test_the_host_is_the_endpoint(lab):
    """bridge: none: the first two lookups are the host's own, without --from."""
    r = lab.fabric("r1", "r2")
    e = [Evpnd(n, evpnd.conf(n, 65000, [(r[1 - i].address, 65000)], vni_more="bridge: none")) for i, n in enumerate(r)]
    for i, n in enumerate(r):
        lab.wait_for(lambda: e[i].show("vni", "100")["ready"], "the vxlan device is there")
        n.ip("addr add 10.0.0.%d/24 dev vxlan100" % (i + 1))
    mac2 = r[1].ip_json("link show vxlan100")[0]["address"]
    lab.wait_for(lambda: e[0].established(r[1].address), "the session is up", 20)
    r[0].ip("neigh replace 10.0.0.2 lladdr %s dev vxlan100 nud permanent" % mac2)
    t = trace(e[0], "10.0.0.2")
    assert t["steps"][0]["answer"] == "10.0.0.0/24 dev vxlan100 src 10.0.0.1" and mac2 in t["steps"][1]["answer"], t
    assert t["vteps"] == ["192.0.2.2"], t


def test_a_reflector_forwards_nothing(lab):
    r = lab.fabric("r1", "rr")
    e = [Evpnd(r[0], evpnd.conf(r[0], 65000, [(r[1].address, 65000)])),
         Evpnd(r[1], "asn: 65000\nrouter-id: 192.0.2.2\ndataplane: none\nneighbors:\n"
               "  - {address: 192.0.2.1, asn: 65000, route-reflector-client: true}\nvnis: [{vni: 100}]\n")]
    lab.wait_for(lambda: e[1].established(r[0].address), "the session is up", 20)
    t = trace(e[1], MAC2)
    assert not t["broken"] and "forwards nothing" in t["verdict"], t
