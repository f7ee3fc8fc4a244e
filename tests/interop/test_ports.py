# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""port add and port del: containers, here namespaces and processes in them, on two evpnds.

    c1 (eth0) --[r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 evpnd]-- (net0) c2
"""

import pytest

from evlab import Evpnd, evpnd


@pytest.fixture(params=["kernel", "userspace"])
def pair(lab, request):
    r1, r2 = lab.fabric("r1", "r2")
    more = "dataplane: %s\n" % request.param
    e = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], more=more)) for n, o in ((r1, r2), (r2, r1))]
    lab.wait_for(lambda: e[0].established(r2.address) and all(x.show("vni", "100")["ready"] for x in e), "the session is up", 20)
    return e


def add(e, *argv):
    return e.json("port", "add", "--vni", "100", *argv)


def test_containers_reach_each_other(lab, pair):
    c1, c2 = lab.node("c1"), lab.node("c2")
    sleeper = c2.start("sleep", ["sleep", "60"])
    one = add(pair[0], "--netns", c1.ns, "--ip", "10.0.0.1/24")
    two = add(pair[1], "--pid", str(sleeper.p.pid), "--name", "net0", "--mac", "02:00:00:00:00:02", "--ip", "10.0.0.2/24")
    assert (one["name"], one["ip"], two["name"], two["mac"]) == ("eth0", "10.0.0.1", "net0", "02:00:00:00:00:02")
    # Announced by both addresses before anyone has sent a packet.
    lab.wait_for(lambda: {None, "10.0.0.2"} <= {r["ip"] for r in pair[0].routes("--mac", two["mac"])}, "r1 knows c2")
    lab.wait_for(lambda: {None, "10.0.0.1"} <= {r["ip"] for r in pair[1].routes("--mac", one["mac"])}, "r2 knows c1")
    lab.wait_for(lambda: all(r["desired"] == r["observed"] for e in pair for r in e.fdb(owner="evpnd")), "their rows are written")
    ping = c1.run("ping", "-n", "-c3", "-i0.2", "-W5", "10.0.0.2")
    assert " 0% packet loss" in ping.stdout
    link, = c1.ip_json("link show eth0")
    assert link["mtu"] == pair[0].show("vni", "100")["mtu"] and link["address"] == one["mac"]


def test_ipv6_and_the_same_again(lab, pair):
    c1 = lab.node("c1")
    text = pair[0].ctl("port", "add", "--vni", "100", "--netns", c1.ns, "--name", "net9", "--ip", "10.0.0.9").stdout
    assert "  IP address       10.0.0.9/32\n" in text, "alone, and that is said"
    one = add(pair[0], "--netns", c1.ns, "--ip", "2001:db8:a::1/64")
    assert (one["ip"], one["prefix_length"]) == ("2001:db8:a::1", 64)
    link, = [link for link in c1.ip_json("addr show") if link.get("ifname") == "eth0"]
    assert "2001:db8:a::1" in [a.get("local") for a in link["addr_info"]] and "UP" in link["flags"]
    again = pair[0].ctl("port", "add", "--vni", "100", "--netns", c1.ns, check=False)
    assert again.returncode == 1 and "File exists" in again.stderr and "--name" in again.stderr, again.stderr
    pair[0].ctl("port", "del", "--vni", "100", "--netns", c1.ns)
    lab.wait_for(lambda: not pair[1].routes("--mac", one["mac"]), "its routes are withdrawn")
    assert add(pair[0], "--netns", c1.ns)["mac"] == one["mac"]


def test_port_goes_with_its_container(lab, pair):
    one = add(pair[0], "--netns", lab.node("c1").ns, "--ip", "10.0.0.1/24")
    lab.wait_for(lambda: pair[1].routes("--mac", one["mac"]), "r2 knows c1")
    pair[0].node.ip("netns del " + lab.nodes.pop().ns)
    lab.wait_for(lambda: not pair[1].routes("--mac", one["mac"]), "r2 knows it no more")


@pytest.mark.parametrize("argv,status,words", [
    (["--vni", "100"], 2, "expected one of --netns and --pid"),
    (["--vni", "100", "--netns", "NS", "--pid", "1"], 2, "expected one of --netns and --pid"),
    (["--vni", "7", "--netns", "NS"], 1, "VNI 7 is not configured"),
    (["--vni", "100", "--netns", "nosuch"], 1, "/run/netns/nosuch cannot be opened: No such file or directory"),
    (["--vni", "100", "--netns", "/etc/passwd"], 1, "the network namespace /etc/passwd cannot be entered: Invalid argument"),
    (["--vni", "100", "--netns", "NS", "--name", "a/b"], 2, "expected the name of an interface"),
    (["--vni", "100", "--netns", "NS", "--ip", "10.0.0.1/33"], 2, "expected a length from 0 to 32"),
    (["--vni", "100", "--netns", "NS", "--ip", "224.0.0.1/24"], 2, "expected the address of a host"),
    (["--vni", "100", "--netns", "NS", "--mac", "01:00:5e:00:00:01"], 2, "expected the address of a host"),
])
def test_errors(lab, pair, argv, status, words):
    ns = lab.node("c1").ns
    before = pair[0].node.ip("link show")
    p = pair[0].ctl("port", "add", *[ns if a == "NS" else a for a in argv], check=False)
    assert p.returncode == status and words in p.stderr, p.stderr
    assert pair[0].node.ip("link show") == before


def test_del_takes_only_ports_of_the_vni(lab, pair):
    p = pair[0].ctl("port", "del", "--vni", "100", "--netns", lab.node("c1").ns, check=False)
    assert p.returncode == 1 and "VNI 100 has no port for eth0" in p.stderr


def test_ports_stay_over_a_restart(lab, pair):
    """The pair is there, and is a port of its VNI again."""
    c1, c2 = lab.node("c1"), lab.node("c2")
    one, two = (add(e, "--netns", c.ns, "--ip", "10.0.0.%d/24" % k) for k, (e, c) in enumerate(zip(pair, (c1, c2)), 1))
    pair[1].stop()
    pair[1].start()
    lab.wait_for(lambda: c1.ping("10.0.0.2"), "c2 is reached", 30)
    pair[1].ctl("port", "del", "--vni", "100", "--netns", c2.ns)
    lab.wait_for(lambda: not pair[0].routes("--mac", two["mac"]), "its routes are withdrawn")
    assert "eth0" not in c2.ip("link show")
