# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnctl doctor: each fault is made in the lab and found, with the command that mends it; a healthy lab has none.

    h1 --br100 [r1] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2] br100-- h2
"""
import json
import os
import signal
import socket
import struct

import pytest

from evlab import Evpnd, Speaker, evpnd, speaker
from evlab.lab import in_namespace
from evlab.run import run
from evlab.speaker import bgp

MAC2 = "02:00:00:00:00:02"


def doctor(e, *argv):
    p = e.ctl("--json", "doctor", *argv, check=False)
    assert p.stdout, p.stderr
    rows = json.loads(p.stdout)
    assert p.returncode == any(x["severity"] == "error" for x in rows), rows
    for x in rows:
        assert x["what"] and x["why"] and x["command"], x
    return rows


def codes(e, *argv):
    return sorted({x["code"] for x in doctor(e, *argv)})


def found(lab, e, code, **want):
    """The one finding of that code, and what else there is."""
    rows = lab.wait_for(lambda: [x for x in doctor(e) if x["code"] == code], code)
    assert all(rows[0][k] == v for k, v in want.items()), rows
    return rows[0]


def overlay(lab, one="", other="", **kw):
    """one, other: more of the configuration of r1's and r2's neighbor."""
    r = lab.fabric("r1", "r2")
    h = [lab.host("h1", 1).plug(r[0]), lab.host("h2", 2).plug(r[1])]
    e = [Evpnd(n, evpnd.conf(n, 65000, [(r[1 - i].address, 65000, more)], ports=[h[i].name], **kw)) for i, (n, more) in enumerate(zip(r, (one, other)))]
    return e, h


def healthy(lab, e, h):
    lab.wait_for(lambda: e[0].established("192.0.2.2"), "the session is up", 20)
    lab.wait_for(lambda: h[0].ping("10.0.0.2"), "h1 reaches h2", 20)
    lab.wait_for(lambda: not doctor(e[0]), "nothing is found")


@pytest.mark.dataplanes
def test_a_healthy_lab(lab):
    e, h = overlay(lab)
    healthy(lab, e, h)
    p = e[0].ctl("doctor")
    assert (p.stdout, p.returncode) == ("nothing found\n", 0)
    e[0].stop()
    assert codes(e[0], "--config", e[0].file) == ["not-running"]
    assert "evpnd -c" in doctor(e[0])[0]["command"]


def test_who_may_not_ask(lab):
    """It runs, and what it runs with is not for this user to read: neither is a fault."""
    n, = lab.fabric("r1")
    e = Evpnd(n, "dataplane: none\n")
    os.chmod(os.path.dirname(e.socket), 0o755)
    os.chmod(e.file, 0o600)
    as_user = ["setpriv", "--reuid", "60001", "--regid", "60001", "--clear-groups", *e.argv("-j", "doctor", "--config", e.file)]
    row, = json.loads(n.run(*as_user, check=False).stdout)
    assert row["code"] == "no-permission" and "sudo evpnctl doctor" in row["command"], row


# What is done on r1; the finding; its severity; words of the command; what undoes it.
DEVICES = [
    ("link set br100 down", "bridge-down", "error", "ip link set br100 up", "link set br100 up"),
    ("link set vxlan100 down", "vxlan-down", "error", "ip link set vxlan100 up", "link set vxlan100 up"),
    ("link set h1 down", "port-down", "error", "ip link set h1 up", "link set h1 up"),
    ("link set h1 nomaster", "port-bridge", "error", "ip link set h1 master br100", "link set h1 master br100"),
    ("link set vxlan100 type bridge_slave learning on", "port-learning", "warning", "bridge link set dev vxlan100 learning off",
     "link set vxlan100 type bridge_slave learning off"),
    ("link set vxlan100 type vxlan id 100 learning", "vxlan-learning", "warning", "ip link set vxlan100 type vxlan nolearning",
     "link set vxlan100 type vxlan id 100 nolearning"),
    ("link set vxlan100 type bridge_slave neigh_suppress off", "neigh-suppress", "warning", "bridge link set dev vxlan100 neigh_suppress on",
     "link set vxlan100 type bridge_slave neigh_suppress on"),
    ("link set eth0 mtu 1500", "mtu-vxlan", "warning", "ip link set vxlan100 mtu 1450", "link set eth0 mtu 1600"),
    ("link set h1 mtu 1600", "mtu-port", "warning", "ip link set h1 mtu 1550", "link set h1 mtu 1500"),
    ("route add unreachable 192.0.2.2/32", "vtep-route", "error", "ip route get 192.0.2.2 from 192.0.2.1", "route del unreachable 192.0.2.2/32"),
    ("route add 192.0.2.2/32 dev br100", "vtep-loop", "error", "a route by the underlay", "route del 192.0.2.2/32 dev br100"),
    ("addr add 192.0.2.2/32 dev lo", "vtep-ours", "error", "evpnctl show rib", "addr del 192.0.2.2/32 dev lo"),
]


@pytest.mark.kernel
def test_devices_and_the_underlay(lab):
    e, h = overlay(lab)
    healthy(lab, e, h)
    n = e[0].node
    for fault, code, severity, command, undo in DEVICES:
        n.ip(fault)
        f = found(lab, e[0], code, severity=severity)
        assert command in f["command"], f
        assert [x for x in codes(e[0]) if x != code] == [], (fault, "that, and nothing else", codes(e[0]))
        n.ip(undo)
        lab.wait_for(lambda: not doctor(e[0]), "nothing is found any more after " + fault)
    n.ip("link set vxlan100 nomaster")
    assert found(lab, e[0], "vxlan-bridge")["command"] == "ip link set vxlan100 master br100"
    lab.cut(e[1].node)
    n.ip("neigh replace 192.0.2.2 dev eth0 nud failed")
    assert "192.0.2.2" in found(lab, e[0], "vtep-neighbour")["what"]
    n.ip("addr flush dev eth0")
    assert "192.0.2.1/32" in found(lab, e[0], "vtep-address")["command"]
    n.ip("link set eth0 down")
    e[0].stop()
    e[0].configure(e[0].config + "underlay: eth0\n")
    assert {"underlay-down", "vtep-address", "not-running", "vxlan-bridge"} & set(codes(e[0], "--config", e[0].file)) >= {"underlay-down", "vtep-address"}


@pytest.mark.kernel
def test_devices_of_others(lab):
    """They were there before, and are not what the configuration says."""
    n, = lab.fabric("r1")
    n.ip("link add vxlan100 type vxlan id 100 dstport 4789 nolearning")
    n.ip("link add vxlan200 type vxlan id 200 local 192.0.2.9 dstport 4789 nolearning")
    n.ip("link add vxlan300 type vxlan id 300 local 192.0.2.1 dstport 8472 nolearning")
    n.ip("link add vxlan400 type vxlan id 401 local 192.0.2.1 dstport 4789 nolearning")
    n.ip("link add vxlan500 type bridge")
    n.ip("link add br600 type veth peer name other")
    n.ip("link add br700 type bridge")
    vnis = "".join("  - {vni: %d%s}\n" % (v, ", vlan: 7" if v == 700 else ", ports: [nowhere]" if v == 500 else "") for v in range(100, 800, 100))
    e = Evpnd(n, "asn: 65000\nrouter-id: 192.0.2.1\nvtep: 192.0.2.1\nvnis:\n" + vnis)
    lab.wait_for(lambda: e.show("vni", "700")["problem"], "evpnd has looked")
    rows = {(x["vni"], x["code"]): x for x in doctor(e)}
    assert set(rows) == {(100, "vxlan-local"), (200, "vxlan-local"), (300, "vxlan-port"), (400, "vxlan-vni"), (500, "vxlan-kind"), (500, "port-missing"),
                         (600, "bridge-kind"), (600, "vxlan-missing"), (700, "bridge-no-vlans"), (700, "vxlan-missing")}, rows
    assert "no local address, expected 192.0.2.1" in rows[100, "vxlan-local"]["what"]
    assert rows[200, "vxlan-local"]["command"].startswith("ip link del vxlan200")
    assert "8472" in rows[300, "vxlan-port"]["what"] and "VNI 401, expected 400" in rows[400, "vxlan-vni"]["what"]
    assert "vlan_filtering 1" in rows[700, "bridge-no-vlans"]["command"]


# More of r1's and r2's neighbor, of r1's and r2's whole configuration; what r1's doctor says.
SESSIONS = [
    ("asn: 65001", "", "session-asn", "asn: of the neighbor"),
    ("password: one", "password: two", "session-password", "the same password"),
    ("port: 180", "", "session-refused", "no BGP listens there"),
    ("role: peer", "role: customer", "session-role", "they have to be a pair"),
]


@pytest.mark.parametrize("one,other,code,words", SESSIONS)
def test_sessions(lab, one, other, code, words):
    r = lab.fabric("r1", "r2")
    asn = [65000, 65002 if "role" in one else 65000]
    peer = "asn: %d" % asn[1] if not one.startswith("asn") else one
    more = "" if one.startswith("asn") else ", " + one
    passive = ", passive: true" if "port" not in one else ", passive: true"
    e = Evpnd(r[0], "asn: 65000\nrouter-id: 192.0.2.1\ndataplane: none\nneighbors: [{address: 192.0.2.2, %s%s}]\n" % (peer, more))
    Evpnd(r[1], "asn: %d\nrouter-id: 192.0.2.2\ndataplane: none\nneighbors: [{address: 192.0.2.1, asn: 65000%s%s}]\n" % (asn[1], passive, other and ", " + other))
    f = found(lab, e, code, severity="error", neighbor="192.0.2.2")
    assert words in f["command"], f
    e.ctl("neighbor", "192.0.2.2", "down")
    f = found(lab, e, "session-admin-down", severity="warning")
    assert f["command"] == "evpnctl neighbor 192.0.2.2 up"


@pytest.mark.kernel
def test_the_daemon_itself(lab):
    e, h = overlay(lab)
    healthy(lab, e, h)
    with open(e[0].file, "a") as f:
        f.write("  - {vni: 200}\n")
    assert found(lab, e[0], "not-reloaded")["command"].startswith("evpnctl reload")
    e[0].ctl("reload")
    f = found(lab, e[0], "vni-alone", vni=200, severity="warning")
    assert "route target" in f["command"]
    with open(e[0].file, "a") as f:
        f.write("nonsense: 1\n")
    assert "nonsense" in found(lab, e[0], "configuration", severity="error")["what"]
    e[0].stop()
    assert codes(e[0], "--config", e[0].file) == ["configuration", "not-running"]


@pytest.mark.kernel
def test_route_targets_and_twins(lab):
    e, h = overlay(lab, "passive: true", vni_more="import: [\"65000:7\"], export: [\"65000:8\"]")
    f = found(lab, e[0], "route-target", vni=100, severity="error")
    assert "their route target is 65000:8" in f["what"] and 'import: [auto, "65000:8"]' in f["command"], f
    e[0].reload(e[0].config.replace("vtep: 192.0.2.1", "vtep: 192.0.2.2"), check=False)
    e[0].stop()
    e[0].start()
    f = found(lab, e[0], "vtep-duplicate", severity="error", neighbor="192.0.2.2")
    assert "192.0.2.2" in f["what"] and "another vtep" in f["command"], f


@pytest.mark.kernel
def test_rows_and_macs(lab):
    e, h = overlay(lab)
    healthy(lab, e, h)
    e[0].node.bridge("fdb replace %s dev h1 master static" % MAC2)
    f = found(lab, e[0], "row-refused", vni=100)
    assert MAC2 in f["what"] and "another program" in f["what"], f
    assert "mac-conflict" in codes(e[0]) or "mac-duplicate" in codes(e[0]), doctor(e[0])
    e[0].node.bridge("fdb del %s dev h1 master" % MAC2)
    e[0].reload(e[0].config.replace("{vni: 100, ", "{vni: 100, mac-limit: 1, "))
    h[0].speak("02:00:00:00:00:31")
    h[0].speak("02:00:00:00:00:32")
    assert "mac-limit" in found(lab, e[0], "mac-limit", vni=100, severity="error")["command"]
    e[0].node.bridge("fdb add 02:aa:00:00:00:03 dev vxlan100 dst 192.0.2.9 self extern_learn")


@pytest.mark.kernel
def test_another_control_plane(lab):
    e, h = overlay(lab)
    healthy(lab, e, h)
    e[0].node.bridge("fdb add 02:aa:00:00:00:03 dev vxlan100 dst 192.0.2.9 self extern_learn")
    assert "advertise-all-vni" in found(lab, e[0], "control-plane", vni=100)["command"]
    assert codes(e[0]) == ["control-plane"]


@pytest.mark.kernel
def test_lost_notifications(lab):
    """More of them than its socket holds, while it does not run."""
    n, = lab.fabric("r1")
    e = Evpnd(n, "asn: 65000\nrouter-id: 192.0.2.1\nvtep: 192.0.2.1\nvnis: [{vni: 100}]\n")
    lab.wait_for(lambda: not doctor(e), "nothing is found")
    with open(lab.path("batch"), "w") as f:
        f.writelines("neigh add 10.1.%d.%d lladdr 02:00:00:00:00:99 dev eth0 nud permanent\n" % (k >> 8, k & 255) for k in range(30000))
    e.process.p.send_signal(signal.SIGSTOP)
    run(["ip", "-n", n.ns, "-batch", f.name], timeout=90)
    e.process.p.send_signal(signal.SIGCONT)
    assert "ip monitor neigh" in found(lab, e, "overrun", severity="warning")["command"]


@pytest.mark.kernel
def test_rights(lab):
    n, = lab.fabric("r1")
    e = Evpnd(n, "asn: 65000\nrouter-id: 192.0.2.1\nvtep: 192.0.2.1\nvnis: [{vni: 100}]\n", start=False, user=None)
    e.process = n.start("evpnd", ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw", *e.command()])
    lab.wait_for(lambda: e.ctl("show", "version", check=False).returncode == 0, "evpnd answers")
    assert "--cap-add NET_RAW" in found(lab, e, "capability", severity="error")["command"]


@pytest.mark.dataplanes
def test_a_vtep_address_that_is_not_here_yet(lab):
    """It is one finding, not one of each VNI as well."""
    n, = lab.fabric("r1")
    e = Evpnd(n, evpnd.conf(n, 65000, [], vnis=(100, 200), vtep="192.0.2.50"))
    lab.wait_for(lambda: e.show("vni", "200")["problem"], "the dataplane says it of the VNI")
    assert codes(e) == ["vtep-address"]
    n.ip("addr add 192.0.2.50/32 dev lo")
    lab.wait_for(lambda: not doctor(e), "nothing is found")


@pytest.mark.kernel
def test_ipv6_is_off(lab):
    n, = lab.fabric("r1")
    e = Evpnd(n, "asn: 65000\nrouter-id: 192.0.2.1\nvtep: \"2001:db8::1\"\nvnis: [{vni: 100}]\n")
    lab.wait_for(lambda: not doctor(e), "nothing is found")
    n.run("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6")
    assert found(lab, e, "ipv6-disabled", device="eth0", severity="error")["command"].startswith("sysctl -w net.ipv6.conf.eth0.disable_ipv6=0")
    assert "vtep-address" in codes(e)


def test_a_neighbor_without_evpn(lab):
    r = lab.fabric("r1", "r2")
    e = Evpnd(r[0], "asn: 65000\nrouter-id: 192.0.2.1\ndataplane: none\nneighbors: [{address: 192.0.2.2, asn: 65001, passive: true, families: [evpn, rtc]}]\n")
    assert "the other has to connect" in found(lab, e, "session-down", neighbor="192.0.2.2")["command"]
    for afi, safi, up in ((1, 1, False), (1, 132, True)):
        with Speaker(r[1], r[0].address, 65001) as s:
            s.send(s.open_message(params=bgp.par(bgp.cap(1, struct.pack("!HBB", afi, 0, safi))) + bgp.par(bgp.AS4C(65001))))
            assert s.recv_type(speaker.OPEN)
            s.send(bgp.msg(speaker.KEEPALIVE, b""))
            f = found(lab, e, "session-no-evpn", neighbor="192.0.2.2", severity="error")
            assert "address-family l2vpn evpn" in f["command"] and e.established("192.0.2.2") == up, f
        e.ctl("neighbor", "192.0.2.2", "clear")
        lab.wait_for(lambda: not e.established("192.0.2.2"), "it is down")


@pytest.mark.kernel
def test_routes_of_a_neighbor(lab):
    """Our AS is in their path; one more is too many; another VTEP has our route distinguisher."""
    r = lab.fabric("r1", "r2")
    e = Evpnd(r[0], evpnd.conf(r[0], 65000, [(r[1].address, 65001, "passive: true, max-prefixes: 2")], vni_more="rd: \"192.0.2.9:7\", import: [\"1:1\"]"))

    def announce(nlri, *path):
        hops = bgp.att(0x40, 2, struct.pack("!BB%dI" % len(path), 2, len(path), *path))
        return bgp.upd([bgp.mpr(nlri, nh=bgp.IP4("192.0.2.2")), bgp.att(0x40, 1, b"\0"), hops, bgp.EC])

    with Speaker(r[1], r[0].address, 65001).establish() as s:
        s.send(announce(bgp.t2(bgp.rd(1), b"\2\0\0\0\0\x51"), 65001, 65000))
        assert "as-override" in found(lab, e, "as-loop", neighbor="192.0.2.2", severity="warning")["command"]
        pmsi = bgp.att(0xc0, 22, b"\0\6" + bgp.lab(100) + bgp.IP4("192.0.2.2"))
        t3 = bgp.upd([bgp.mpr(bgp.t3(bgp.rd(7), bgp.IP4("192.0.2.2")), nh=bgp.IP4("192.0.2.2")), bgp.att(0x40, 1, b"\0"),
                      bgp.att(0x40, 2, struct.pack("!BBI", 2, 1, 65001)), bgp.EC, pmsi])
        s.send(t3)
        assert "another router-id" in found(lab, e, "rd-duplicate", vni=100)["command"]
        assert "a larger max-prefixes" in found(lab, e, "max-prefixes", neighbor="192.0.2.2")["command"]
        assert set(codes(e)) >= {"as-loop", "rd-duplicate", "max-prefixes"}, doctor(e)


@pytest.mark.kernel
def test_a_mac_that_moves_to_and_fro(lab):
    e, h = overlay(lab, more="mac-mobility: {moves: 2, window: 60}\n")
    healthy(lab, e, h)
    for _ in range(4):
        for k in (0, 1):
            h[k].speak("02:00:00:00:00:44")
            lab.wait_for(lambda: (lambda m: m and m["state"] in ("local", "duplicate"))(e[k].mac(100, "02:00:00:00:00:44")), "it is here")
    f = lab.wait_for(lambda: [x for x in doctor(e[0]) + doctor(e[1]) if x["code"] == "mac-duplicate"], "it is a duplicate")[0]
    assert f["vni"] == 100 and "evpnctl mac clear --vni 100 --mac 02:00:00:00:00:44" in f["command"]


def test_ports_that_are_taken(lab):
    r = lab.fabric("r1", "r2")
    conf = evpnd.conf(r[0], 65000, [(r[1].address, 65000)])
    with in_namespace(r[0], lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp, \
            in_namespace(r[0], lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as tcp:
        udp.bind(("0.0.0.0", 4789))
        tcp.bind(("0.0.0.0", 179))
        tcp.listen()
        e = Evpnd(r[0], conf, start=False)
        rows = {x["code"]: x for x in doctor(e, "--config", e.file)}
        assert set(rows) == {"not-running", "udp-port", "bgp-port"}, rows
        assert "ss -lunp" in rows["udp-port"]["command"] and "ss -ltnp" in rows["bgp-port"]["command"]


CLOSED = """table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        iif lo accept
        ct state vmap { established : accept, related : accept, invalid : drop }
        ip6 nexthdr ipv6-icmp accept
        tcp dport 22 accept
    }
}"""
CLOSED4 = ["-P INPUT DROP", "-A INPUT -i lo -j ACCEPT", "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
           "-A INPUT -p tcp -m multiport --dports 22,80:90 -j ACCEPT"]


def needs_filters(n):
    """A kernel may have neither."""
    for argv in (["nft", "list", "ruleset"], ["iptables", "-A", "OUTPUT", "-m", "conntrack", "--ctstate", "INVALID", "-j", "ACCEPT"], ["iptables", "-F"]):
        if n.run(*argv, check=False).returncode:
            pytest.skip("this kernel has no packet filter: %s" % " ".join(argv))


def nft(lab, n, text):
    n.run("nft", "flush", "ruleset")
    with open(lab.path("rules.nft"), "w") as f:
        f.write(text)
    n.run("nft", "-f", f.name)


def mend(n, finding):
    """What the finding says, up to where it goes on in words."""
    n.run(*finding["command"].split(";")[0].split())


@pytest.mark.dataplanes
def test_packet_filters(lab):
    """The command that is named lets through what was dropped. Rules whose effect is not certain are not spoken of."""
    e, h = overlay(lab)
    healthy(lab, e, h)
    n = e[0].node
    needs_filters(n)
    nft(lab, n, "table inet f {\n chain out {\n type filter hook output priority 0; udp dport 4789 counter drop\n }\n}")
    f = found(lab, e[0], "firewall-vxlan", severity="error")
    assert "VXLAN packets to 192.0.2.2" in f["what"] and "chain inet f out" in f["what"], f
    mend(n, f)
    assert not doctor(e[0])
    nft(lab, n, CLOSED)
    f = found(lab, e[0], "firewall-vxlan")
    assert "VXLAN packets of 192.0.2.2" in f["what"] and "policy of chain inet filter input" in f["what"], f
    assert codes(e[0]) == ["firewall-vxlan"], "the session is up"
    assert "firewall-vxlan" in run([*e[0].argv("doctor", "-j")], check=False).stdout, "asked from elsewhere, too"
    assert lab.wait_for(lambda: not h[1].ping("10.0.0.1"), "it is as the doctor says")
    mend(n, f)
    assert not doctor(e[0])
    lab.wait_for(lambda: h[1].ping("10.0.0.1"), "so it is")
    nft(lab, n, CLOSED.replace("tcp dport 22", "meta mark 7"))
    assert not doctor(e[0]), "it may let them in"
    nft(lab, n, "")


def test_packet_filters_of_iptables(lab):
    """A neighbor that cannot connect; its table is nft's, with matches that nft does not show. Then without a daemon."""
    n, _ = lab.fabric("r1", "r2")
    e = Evpnd(n, "asn: 65000\nrouter-id: 192.0.2.1\ndataplane: none\nneighbors: [{address: 192.0.2.2, asn: 65000, passive: true}]\n")
    needs_filters(n)
    assert codes(e) == ["session-down"]
    for rule in CLOSED4:
        n.run("iptables", *rule.split())
    f = found(lab, e, "firewall-bgp", neighbor="192.0.2.2", severity="error")
    assert "BGP connections of 192.0.2.2, TCP port 179: iptables -t filter -P INPUT DROP" in f["what"], f
    e.stop()
    assert codes(e, "--config", e.file) == ["firewall-bgp", "not-running"]
    e.start()
    mend(n, f)
    assert codes(e) == ["session-down"]
