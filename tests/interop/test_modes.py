# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The modes without BGP: evpnd on one side, the kernel's dataplane or its own; devices and rows set up with iproute2 on the other.

    h1 --br100 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 iproute2] br100-- h2
"""
import ipaddress
import itertools
import signal
import time

import pytest

from evlab import Evpnd, Pings, evpnd

MAC1, MAC2, ALL = "02:00:00:00:00:01", "02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff"


BACKENDS = ["kernel", "userspace"]
LISTENERS = itertools.count(1)


def config(node, vni, ipv6=False, dataplane="kernel"):
    return "vtep: \"%s\"\ndataplane: %s\nvnis:\n  - {vni: 100, ports: [h1], %s}\n" % (node.address6 if ipv6 else node.address, dataplane, vni)


def plain(node, options, rows=(), learning="on", local=None):
    """The other side: vxlan100 in br100, made as a manual would have it."""
    node.ip("link add br100 type bridge")
    node.ip("link add vxlan100 type vxlan id 100 local %s dstport 4789 %s" % (local or node.address, options))
    node.ip("link set vxlan100 master br100 up")
    node.bridge("link set dev vxlan100 learning " + learning)
    node.ip("link set br100 up")
    for row in rows:
        node.bridge("fdb append %s" % row)


class Pair:
    def __init__(self, lab, ip6=False, dataplane="kernel"):
        self.lab, self.dataplane = lab, dataplane
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1, self.h2 = lab.host("h1", 1, ip6).plug(self.r1), lab.host("h2", 2, ip6)

    def start(self, vni, ipv6=False):
        self.h2.plug(self.r2, "br100")
        self.e = Evpnd(self.r1, config(self.r1, vni, ipv6, self.dataplane))
        self.lab.wait_for(lambda: self.e.show("vni", "100")["ready"], "the VNI is ready")
        assert self.e.show("vni", "100")["problem"] is None
        return self

    def reach(self):
        self.lab.wait_for(lambda: self.h1.ping(self.h2.ip4) and self.h2.ping(self.h1.ip4), "h1 and h2 reach each other", 20)
        if self.h1.ip6:
            self.lab.wait_for(lambda: self.h1.ping(self.h2.ip6) and self.h2.ping(self.h1.ip6), "by IPv6, too", 20)
        return self

    def reload(self, vni):
        self.e.reload(config(self.r1, vni, dataplane=self.dataplane))

    def remote(self, mac):
        """The VTEP that r1 sends frames for a MAC to: the kernel's row, or the userspace VTEP's."""
        if self.dataplane == "kernel":
            return self.r1.remote("vxlan100", mac)
        rows = self.e.fdb(table="vtep", mac=mac, observed=True)
        return rows[0]["vtep"] if rows else None

    def flood(self):
        if self.dataplane == "kernel":
            return self.r1.flood("vxlan100")
        return sorted(r["vtep"] for r in self.e.fdb(table="vtep", mac="00:00:00:00:00:00", observed=True))


@pytest.mark.parametrize("dataplane", BACKENDS)
@pytest.mark.parametrize("ipv6", [False, True], ids=["ipv4", "ipv6"])
def test_multicast(lab, ipv6, dataplane):
    """r1 joins the group, floods to it and learns from what comes; no row is wished for."""
    p = Pair(lab, ip6=True, dataplane=dataplane)
    group = "ff05::100" if ipv6 else "239.1.1.1"
    plain(p.r2, "group %s dev eth0" % group, local=p.r2.address6 if ipv6 else p.r2.address)
    p.start("mode: multicast, group: \"%s\"" % group, ipv6).reach()
    assert p.remote(MAC2) == (p.r2.address6 if ipv6 else p.r2.address)
    assert group in p.r1.ip("maddr show dev eth0")
    vni = p.e.show("vni", "100")
    assert (vni["mode"], vni["rd"], vni["underlay"]) == ("multicast", None, "eth0")
    learned, = p.e.show("mac", "--vni", "100", "--mac", MAC2)
    assert (learned["state"], learned["reason"]) == ("remote", "learned from the tunnel")
    assert not [r for r in p.e.fdb(owner="evpnd") if not r["learned"] and not r["ip"]]
    assert p.e.ctl("diff", check=False).returncode == 0
    if dataplane == "userspace":
        assert p.e.drops()["looped"] == 0, "what r1 sends to the group does not come back"
        return
    row, = p.e.fdb(vtep=group)
    assert (row["owner"], row["mac"]) == ("kernel", "00:00:00:00:00:00") and p.e.json("diff") == [], "the device's own row"
    link, = p.r1.ip_json("link show vxlan100")
    data = link["linkinfo"]["info_data"]
    assert data.get("group6" if ipv6 else "group") == group and data["link"] == "eth0" and data["learning"]


@pytest.mark.parametrize("dataplane", BACKENDS)
def test_static_flood(lab, dataplane):
    """Frames to unknown MACs go to each VTEP of the list, which can change while traffic flows."""
    p = Pair(lab, ip6=True, dataplane=dataplane)
    plain(p.r2, "", ["00:00:00:00:00:00 dev vxlan100 dst 192.0.2.1"])
    p.start("mode: static-flood, flood: [192.0.2.2, 192.0.2.9]").reach()
    assert p.flood() == ["192.0.2.2", "192.0.2.9"]
    assert p.remote(MAC2) == p.r2.address, "learned from the tunnel"
    learned, = p.e.show("mac", "--vni", "100", "--mac", MAC2)
    assert (learned["state"], learned["vtep"], learned["reason"]) == ("remote", "192.0.2.2", "learned from the tunnel")
    assert [r["state"] for r in p.e.show("mac", "--mac", MAC1)] == ["local"]
    assert p.e.ctl("diff", check=False).returncode == 0
    p.h2.unplug()
    if dataplane == "kernel":
        p.h2.plug(p.r1, "br100", "h2")  # the vxlan device has it for minutes yet, but the bridge is asked first
        p.h2.speak()
    else:
        h1 = p.h1.mac
        p.h1.ip("link set %s address %s" % (p.h1.dev, MAC2))
        p.h1.speak(MAC2)
    p.lab.wait_for(lambda: [r["state"] for r in p.e.show("mac", "--mac", MAC2)] == ["local"], "h2 is here, and only here")
    if dataplane == "kernel":
        assert p.remote(MAC2) == p.r2.address
        p.h2.unplug()
    else:
        p.h1.ip("link set %s address %s" % (p.h1.dev, h1))
    p.h2.plug(p.r2, "br100")
    before = p.r1.ip_json("link show")
    p.reload("mode: static-flood, flood: [192.0.2.2, 192.0.2.8]")
    p.lab.wait_for(lambda: p.flood() == ["192.0.2.2", "192.0.2.8"], "the list is the new one")
    assert [n["ifindex"] for n in p.r1.ip_json("link show")] == [n["ifindex"] for n in before]
    p.reach()


@pytest.mark.parametrize("dataplane", BACKENDS)
def test_static_l2(lab, dataplane):
    """Configured hosts have rows, others of the far side are not found; our own VTEP's hosts in the list are left out."""
    p = Pair(lab, dataplane=dataplane)
    plain(p.r2, "nolearning", ["00:00:00:00:00:00 dev vxlan100 dst 192.0.2.1", MAC1 + " dev vxlan100 master static",
                               MAC1 + " dev vxlan100 self dst 192.0.2.1"], learning="off")
    hosts = "hosts: [{mac: '%s', vtep: 192.0.2.2}, {mac: '%s', vtep: 192.0.2.1}]" % (MAC2, MAC1)
    p.start("mode: static-l2, flood: [192.0.2.2], unknown-unicast: drop, " + hosts).reach()
    assert p.remote(MAC2) == p.r2.address
    mac = p.e.mac(100, MAC2)
    assert (mac["state"], mac["vtep"], mac["reason"]) == ("remote", "192.0.2.2", "configured")
    assert p.e.mac(100, MAC1)["state"] == "local"
    assert crosses(p, ALL) and not crosses(p, "02:00:00:00:00:99")
    if dataplane == "kernel":
        port, = p.r1.ip_json("link show vxlan100")
        data = port["linkinfo"]["info_slave_data"]
        assert not data["flood"] and not data["learning"] and data["bcast_flood"]
    else:
        assert p.e.drops()["unknown-unicast"] == 1
    p.reload("mode: static-l2, flood: [192.0.2.2], hosts: [{mac: 02:00:00:00:00:09, vtep: 192.0.2.2}]")
    p.lab.wait_for(lambda: p.remote(MAC2) is None and p.remote("02:00:00:00:00:09"), "the list is the new one")
    assert crosses(p, "02:00:00:00:00:99")
    p.reload("mode: static-l2, flood: [192.0.2.2]")
    p.lab.wait_for(lambda: not p.e.show("mac", "--vtep", "192.0.2.2"), "nobody is in the list")
    p.e.ctl("mac", "add", "--vni", "100", "--mac", MAC2, "--vtep", "192.0.2.2")
    p.lab.wait_for(lambda: p.remote(MAC2) == p.r2.address, "h2 is there by hand")
    p.reach()


def arp(p, ip):
    return {(r["mac"], r["state"], r["vtep"]) for r in p.e.show("arp", "--vni", "100", "--ip", ip)}


@pytest.mark.parametrize("dataplane", BACKENDS)
@pytest.mark.parametrize("mode", ["multicast, group: 239.1.1.1", "static-flood, flood: [192.0.2.2]"], ids=["multicast", "static-flood"])
def test_hosts_are_heard_out_of_the_tunnel(lab, mode, dataplane):
    """show arp has the hosts of both sides; the next question for one behind the tunnel is answered here; moves are followed."""
    p = Pair(lab, ip6=True, dataplane=dataplane)
    plain(p.r2, "group 239.1.1.1 dev eth0" if "group" in mode else "",
          [] if "group" in mode else ["00:00:00:00:00:00 dev vxlan100 dst 192.0.2.1"])
    h3 = lab.host("h3", 3, ip6=True)
    p.start("mode: " + mode).reach()
    h3.plug(p.r2, "br100")
    for ip in (p.h2.ip4, p.h2.ip6):
        lab.wait_for(lambda: arp(p, ip) == {(MAC2, "remote", "192.0.2.2")}, "h2 is known by " + ip)
    assert arp(p, p.h1.ip4) == arp(p, p.h1.ip6) == {(MAC1, "local", None)}
    vni = p.e.show("vni", "100")
    assert vni["local_macs"] >= 1 and vni["remote_macs"] >= 1 and vni["local_ips"] >= 2 and vni["remote_ips"] >= 2
    assert [(v["vtep"], v["macs"] >= 1) for v in p.e.show("vtep") if v["macs"]] == [("192.0.2.2", True)]
    quiet = Quiet(p.r2)
    p.h1.ip("neigh flush all")
    assert p.h1.ping(p.h2.ip4), "the question is answered here"
    assert quiet.questions() == 0
    p.h2.ip("link set %s down" % p.h2.dev)  # its address goes to h3, which says so
    h3.ip("addr add 10.0.0.2/24 dev " + h3.dev)
    announce(h3, "10.0.0.2")
    lab.wait_for(lambda: arp(p, p.h2.ip4) == {("02:00:00:00:00:03", "remote", "192.0.2.2")}, "h2's address is at h3")
    p.h1.ip("addr add 10.0.0.3/24 dev " + p.h1.dev)
    h3.ip("addr del 10.0.0.3/24 dev " + h3.dev)
    announce(p.h1, "10.0.0.3")
    lab.wait_for(lambda: arp(p, "10.0.0.3") == {(MAC1, "local", None)}, "h3's address is at h1")


def announce(host, ip):
    """A gratuitous ARP."""
    mac, ip = bytes.fromhex(host.mac.replace(":", "")), ipaddress.ip_address(ip).packed
    frame = b"\xff" * 6 + mac + bytes.fromhex("08060001080006040001") + mac + ip + bytes(6) + ip
    host.run("/usr/bin/python3", "-c", "import socket;s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW);s.bind(('%s',0));"
             "s.send(bytes.fromhex('%s'))" % (host.dev, frame.hex()))


class Quiet:
    """Counts the broadcast ARP requests that come to a node through the tunnel."""

    def __init__(self, node):
        self.p = node.start("count-%d" % next(LISTENERS), ["/usr/bin/python3", "-u", "-c", "import socket\n"
            "s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(0x806))\ns.bind(('vxlan100',0x806))\nprint('up')\n"
            "while 1:\n f,a=s.recvfrom(100)\n if a[2]!=4 and f[:6]==b'\\xff'*6: print('question')\n"])
        node.lab.wait_for(lambda: "up" in self.p.tail(), "it listens")

    def questions(self):
        self.p.stop(signal.SIGTERM)
        return self.p.tail().count("question")


RSC = """mode: %s, rsc: true, hosts: [{mac: 02:00:00:00:00:fe, ip: 10.0.0.254, vtep: 192.0.2.9, router: true},
          {mac: 02:00:00:00:00:fe, ip: "2001:db8:a::fe", vtep: 192.0.2.9, router: true},
          {mac: '%s', ip: 198.51.100.2, vtep: 192.0.2.2}, {mac: '%s', ip: "2001:db8:b::2", vtep: 192.0.2.2}]"""


@pytest.mark.parametrize("dataplane", BACKENDS)
@pytest.mark.parametrize("mode", ["static-l2, flood: [192.0.2.2]", "static-l3", "static-flood, flood: [192.0.2.2]", "evpn"],
                         ids=["static-l2", "static-l3", "static-flood", "evpn"])
def test_route_short_circuit(lab, mode, dataplane):
    """Packets to a router that is not even there reach the host they are for, as if it had sent them; others go to it."""
    p = Pair(lab, ip6=True, dataplane=dataplane)
    plain(p.r2, "nolearning", ["00:00:00:00:00:00 dev vxlan100 dst 192.0.2.1", MAC1 + " dev vxlan100 master static",
                               MAC1 + " dev vxlan100 self dst 192.0.2.1"], learning="off")
    p.start(RSC % (mode, MAC2, MAC2))
    p.h2.ip("addr add 198.51.100.2/24 dev " + p.h2.dev)
    p.h2.ip("-6 addr add 2001:db8:b::2/64 nodad dev " + p.h2.dev)
    for h, four, six in ((p.h1, "198.51.100.0/24 via 10.0.0.254", "2001:db8:b::/64 via 2001:db8:a::fe"), (p.h2, None, None)):
        if four:
            h.ip("route add " + four)
            h.ip("-6 route add " + six)
    p.h2.ip("neigh add 10.0.0.1 lladdr %s dev %s" % (MAC1, p.h2.dev))
    p.h2.ip("-6 neigh add %s lladdr %s dev %s" % (p.h1.ip6, MAC1, p.h2.dev))
    p.lab.wait_for(lambda: len(p.e.fdb(observed=True, owner="evpnd", ip="198.51.100.2")) > 0, "the rows are there")
    for ip in ("198.51.100.2", "2001:db8:b::2"):
        lab.wait_for(lambda: p.h1.ping(ip), "h1 reaches %s through a router that nobody has seen" % ip)
    assert not p.h1.ping("198.51.100.3")
    assert p.e.show("vni", "100")["problem"] is None
    assert p.e.ctl("diff", check=False).returncode == 0
    if dataplane == "userspace":
        p.reload((RSC % (mode, MAC2, MAC2)).replace("rsc: true", "rsc: false"))
        lab.wait_for(lambda: not p.h1.ping("198.51.100.2"), "no short way any more")
        return
    assert p.r1.ip_json("link show vxlan100")[0]["linkinfo"]["info_data"]["rsc"] is True
    p.r1.ip("neigh del 198.51.100.2 dev vxlan100")
    lab.wait_for(lambda: p.r1.ip_json("neigh show 198.51.100.2 dev vxlan100"), "what another hand takes away comes back")
    if "static-l" in mode:
        p.reload((RSC % (mode, MAC2, MAC2)).replace("rsc: true", "rsc: false"))
        lab.wait_for(lambda: p.e.show("vni", "100")["ready"] and not p.r1.ip_json("link show vxlan100")[0]["linkinfo"]["info_data"].get("rsc"),
                     "no short way any more")
        assert not p.h1.ping("198.51.100.2")


@pytest.mark.parametrize("dataplane", BACKENDS)
def test_static_l3(lab, dataplane):
    """ARP and ND are answered from the list and go nowhere; who is not in it is not reached."""
    p = Pair(lab, ip6=True, dataplane=dataplane)
    plain(p.r2, "nolearning", ["00:00:00:00:00:00 dev vxlan100 dst 192.0.2.1", MAC1 + " dev vxlan100 master static",
                               MAC1 + " dev vxlan100 self dst 192.0.2.1"], learning="off")
    h3 = lab.host("h3", 3, ip6=True)
    hosts = ", ".join("{mac: '%s', ip: '%s', vtep: 192.0.2.2}" % (MAC2, ip) for ip in (p.h2.ip4, p.h2.ip6))
    p.start("mode: static-l3, hosts: [%s]" % hosts)
    h3.plug(p.r2, "br100")
    p.h2.ip("neigh add 10.0.0.1 lladdr %s dev %s" % (MAC1, p.h2.dev))  # nothing that h2 asks is brought to it
    p.h2.ip("-6 neigh add %s lladdr %s dev %s" % (p.h1.ip6, MAC1, p.h2.dev))
    p.reach()
    assert p.flood() == []
    assert not p.h1.ping(h3.ip4), "not in the list"
    arp = {r["ip"]: (r["mac"], r["state"]) for r in p.e.show("arp", "--vni", "100")}
    assert arp[p.h2.ip4] == arp[p.h2.ip6] == (MAC2, "remote")
    if dataplane == "kernel":
        traffic, = [t for t in p.e.show("traffic") if t["scope"] == "vni"]
        assert traffic["drops"] >= 1 and traffic["tx_frames"] >= 2 and traffic["rx_octets"] > 100, "what is refused is counted"
        port, = [t for t in p.e.show("traffic") if t["scope"] == "port"]
        assert (port["name"], port["vni"]) == ("h1", 100) and port["rx_frames"] > traffic["tx_frames"]
        return
    h3.ip("neigh add 10.0.0.1 lladdr %s dev %s" % (MAC1, h3.dev))
    assert not h3.ping("10.0.0.1"), "it cannot talk, either"
    drops = p.e.drops()
    assert drops["unknown-host"] >= 1 and drops["nowhere"] >= 1, "what is refused is counted"
    assert p.e.show("vni", "100")["packets_answered"] >= 2


@pytest.mark.parametrize("dataplane", BACKENDS)
def test_one_host_of_many(lab, dataplane):
    """A reload that changes one host of thousands writes its row and no other."""
    r1, = lab.fabric("r1")

    def conf(last):
        hosts = ["{mac: 02:00:00:00:%02x:%02x, vtep: 192.0.2.%d}" % (i >> 8, i & 255, 2 + i % 9) for i in range(1, 3000)]
        return ("vtep: 192.0.2.1\ndataplane: %s\nvnis:\n  - {vni: 100, mode: static-l2, "
                "hosts: [%s, {mac: 02:00:00:01:00:00, vtep: 192.0.2.%d}]}\n") % (dataplane, ", ".join(hosts), last)

    def rows():
        return e.show("memory")["dataplane"]

    e = Evpnd(r1, conf(2))
    lab.wait_for(lambda: rows()["rows_there"] == 3000, "all rows are there")
    before = rows()["writes"]
    e.configure(conf(3))
    assert e.ctl("reload", "--dry-run").stdout.split(":")[0] == "VNI 100 changes (hosts)"
    e.ctl("reload")
    lab.wait_for(lambda: e.fdb(mac="02:00:00:01:00:00", vtep="192.0.2.3", observed=True), "the row is the new one")
    assert dataplane == "userspace" or r1.remote("vxlan100", "02:00:00:01:00:00") == "192.0.2.3"
    assert rows()["writes"] == before + 1


@pytest.mark.parametrize("dataplane", BACKENDS)
def test_mode_changes_in_place(lab, dataplane):
    """From one mode to another the devices stay, and so does the other's learning."""
    p = Pair(lab, dataplane=dataplane)
    plain(p.r2, "", ["00:00:00:00:00:00 dev vxlan100 dst 192.0.2.1"])
    p.start("mode: static-flood, flood: [192.0.2.2]").reach()
    before = {link["ifname"]: link["ifindex"] for link in p.r1.ip_json("link show")}
    for vni in ("mode: static-l2, flood: [192.0.2.2], hosts: [{mac: '%s', vtep: 192.0.2.2}]" % MAC2, "mode: multicast, group: 239.1.1.1",
                "mode: static-flood, flood: [192.0.2.2]"):
        p.reload(vni)
        p.lab.wait_for(lambda: p.e.show("vni", "100")["ready"], "the VNI is ready")
        assert p.e.show("vni", "100")["problem"] is None, vni
        if "multicast" in vni:
            p.r2.bridge("fdb del 00:00:00:00:00:00 dev vxlan100 dst 192.0.2.1")
            p.r2.ip("link set vxlan100 type vxlan group 239.1.1.1 dev eth0")
            p.r2.ip("link set vxlan100 down")  # a change does not join
            p.r2.ip("link set vxlan100 up")
        p.reach()
    assert {link["ifname"]: link["ifindex"] for link in p.r1.ip_json("link show")} == before


def crosses(p, to):
    """Does a frame of h1's to that MAC come out of the tunnel at r2?"""
    listen = ("import socket\ns=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(3))\ns.bind(('vxlan100',3))\ns.settimeout(1)\n"
              "print('up',flush=True)\ntry:\n while s.recv(100)[12:14]!=b'\\x88\\xb5': pass\n print('came')\nexcept TimeoutError: print('none')\n")
    w = p.r2.start("listen-%d" % next(LISTENERS), ["/usr/bin/python3", "-c", listen])
    p.lab.wait_for(lambda: "up" in w.tail(), "r2 listens")
    p.h1.run("/usr/bin/python3", "-c", "import socket,sys;s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW);s.bind(('%s',0));"
             "s.send(bytes.fromhex('%s%s88b5')+bytes(46))" % (p.h1.dev, to.replace(":", ""), p.h1.mac.replace(":", "")))
    p.lab.wait_for(lambda: "came" in w.tail() or "none" in w.tail(), "r2 knows")
    w.stopped = True
    return "came" in w.tail()


@pytest.mark.parametrize("dataplane", BACKENDS)
def test_static_flood_to_evpn_and_back(lab, dataplane):
    """Side by side over to BGP while traffic flows, and back: the one who is over first still floods to the other."""
    r1, r2 = lab.fabric("r1", "r2")
    h1, h2 = lab.host("h1", 1).plug(r1), lab.host("h2", 2).plug(r2)

    def conf(node, other, mode):
        return evpnd.conf(node, 65000, [(other.address, 65000)], ports=["h1" if node is r1 else "h2"], more="dataplane: %s\n" % dataplane,
                          vni_more="mode: %s, flood: [192.0.2.1, 192.0.2.2]" % mode)

    e = {n.name: Evpnd(n, conf(n, o, "static-flood")) for n, o in ((r1, r2), (r2, r1))}
    lab.wait_for(lambda: h1.ping("10.0.0.2") and e["r1"].established(r2.address), "h1 reaches h2, and the session is up", 20)
    pings = [Pings(h1, "10.0.0.2"), Pings(h2, "10.0.0.1")]
    for mode in ("evpn", "static-flood"):
        for n, o in ((r1, r2), (r2, r1)):
            e[n.name].reload(conf(n, o, mode))
            time.sleep(1.2)  # traffic, with one of them over
        if mode == "evpn":
            lab.wait_for(lambda: e["r1"].fdb(mac=MAC2, owner="evpnd", observed=True, learned=False), "the route is used")
            assert dataplane == "userspace" or r1.ip_json("link show vxlan100")[0]["linkinfo"]["info_data"]["learning"] is False
    time.sleep(0.5)  # traffic, with both back
    assert e["r1"].show("vni", "100")["mode"] == "static-flood" and not e["r1"].routes()
    for p in pings:
        lost, sent = p.lost()
        assert sent > 200 and lost <= sent / 1000, "%d of %d pings lost" % (lost, sent)


@pytest.mark.parametrize("dataplane", BACKENDS)
@pytest.mark.parametrize("mode", ["multicast", "static-flood", "static-l2", "static-l3"])
def test_without_a_bridge(lab, mode, dataplane):
    """The host of r1 itself is the endpoint, with its address on the vxlan device, or on a TAP; behind h2 is a network that it routes to."""
    r1, r2 = lab.fabric("r1", "r2")
    h2 = lab.host("h2", 2)
    host = "hosts: [{mac: '%s', ip: 10.0.0.2, vtep: 192.0.2.2}]" % MAC2
    vni = {"multicast": "group: 239.1.1.1", "static-flood": "flood: [192.0.2.2]", "static-l2": "flood: [192.0.2.2], " + host, "static-l3": host}[mode]
    plain(r2, "group 239.1.1.1 dev eth0" if mode == "multicast" else "", [] if mode == "multicast" else ["00:00:00:00:00:00 dev vxlan100 dst 192.0.2.1"])
    h2.plug(r2, "br100")
    h2.ip("addr add 198.51.100.1/32 dev lo")
    port = "" if dataplane == "kernel" else "ports: ['tap:vxlan100'], "
    e = Evpnd(r1, "vtep: 192.0.2.1\ndataplane: %s\nvnis:\n  - {vni: 100, bridge: none, mode: %s, %s%s}\n" % (dataplane, mode, port, vni))
    lab.wait_for(lambda: e.show("vni", "100")["ready"], "the VNI is ready")
    r1.ip("link set vxlan100 address 02:00:00:00:00:01")
    r1.ip("addr add 10.0.0.1/24 dev vxlan100")
    r1.ip("route add default via 10.0.0.2")
    for to in ("10.0.0.2", "198.51.100.1"):
        lab.wait_for(lambda: r1.ping(to), "the host reaches " + to)
    assert e.show("vni", "100")["problem"] is None and e.show("vni", "100")["bridge"] is None
    assert r1.remote("vxlan100", MAC2) == "192.0.2.2"
    neighbour, = r1.ip_json("neigh show 10.0.0.2 dev vxlan100")
    assert neighbour["lladdr"] == MAC2
    if dataplane == "kernel":
        assert r1.flood("vxlan100") == {"multicast": ["239.1.1.1"], "static-l3": []}.get(mode, ["192.0.2.2"])
        assert (neighbour.get("protocol") is not None) == mode.startswith("static-l")


@pytest.mark.parametrize("dataplane", BACKENDS)
def test_hosts_by_hand(lab, dataplane):
    """mac add and mac del, in a static mode and beside the routes of mode evpn."""
    p = Pair(lab, dataplane=dataplane)
    plain(p.r2, "nolearning", ["00:00:00:00:00:00 dev vxlan100 dst 192.0.2.1", MAC1 + " dev vxlan100 master static",
                               MAC1 + " dev vxlan100 self dst 192.0.2.1"], learning="off")
    p.start("mode: static-l3, hosts: [{mac: 02:00:00:00:00:09, ip: 10.0.0.9, vtep: 192.0.2.2}]")
    p.h2.ip("neigh add 10.0.0.1 lladdr %s dev %s" % (MAC1, p.h2.dev))
    assert not p.h1.ping("10.0.0.2")
    p.e.ctl("mac", "add", "--vni", "100", "--mac", MAC2, "--vtep", "192.0.2.2", "--ip", "10.0.0.2")
    p.reach()
    p.e.ctl("mac", "add", "--vni", "100", "--mac", MAC2, "--vtep", "192.0.2.2", "--ip", "10.0.0.22")
    assert {r["ip"] for r in p.e.show("arp", "--mac", MAC2)} == {"10.0.0.2", "10.0.0.22"}
    p.e.ctl("mac", "del", "--vni", "100", "--mac", MAC2, "--ip", "10.0.0.22")
    assert {r["ip"] for r in p.e.show("arp", "--mac", MAC2)} == {"10.0.0.2"}
    for mac in (MAC2, "02:00:00:00:00:09"):
        p.e.ctl("mac", "del", "--vni", "100", "--mac", mac)
    lab.wait_for(lambda: not p.e.fdb(owner="evpnd", learned=False), "no row is left")
    assert {r["reason"] for r in p.e.show("events") if r["event"] == "gone"} == {"no longer configured"}
    p.e.ctl("vni", "100", "mode", "evpn")
    p.e.ctl("mac", "add", "--vni", "100", "--mac", MAC2, "--vtep", "192.0.2.2")
    lab.wait_for(lambda: p.remote(MAC2) == "192.0.2.2", "h2 has a row beside the routes")


@pytest.mark.parametrize("argv,status,words", [
    (["mac", "add", "--vni", "7", "--mac", MAC2, "--vtep", "192.0.2.2"], 1, "VNI 7 is not configured"),
    (["mac", "add", "--vni", "100", "--mac", MAC2, "--vtep", "192.0.2.1"], 1, "expected another VTEP than ours"),
    (["mac", "add", "--vni", "100", "--mac", MAC2, "--vtep", "2001:db8::2"], 1, "of the same family"),
    (["mac", "add", "--vni", "100", "--mac", "01:00:5e:00:00:01", "--vtep", "192.0.2.2"], 2, "expected the address of a host"),
    (["mac", "add", "--vni", "100", "--mac", MAC2], 2, "needs --vtep"),
    (["mac", "del", "--vni", "100", "--mac", MAC2], 1, "has no such host"),
    (["vni", "7", "mode", "evpn"], 1, "VNI 7 is not configured"),
    (["vni", "100", "mode", "multicast"], 1, "VNI 100 cannot be in mode multicast: vnis[0].group: expected a multicast address"),
    (["vni", "100", "mode", "static-l3"], 1, "VNI 100 cannot be in mode static-l3: vnis[0]."),
    (["vni", "100", "mode", "magic"], 2, "expected evpn, multicast, static-flood, static-l2, static-l3, dynamic-l2 or dynamic-l3, found 'magic'"),
    (["vni", "100", "made", "evpn"], 2, "expected mode after the VNI, found 'made'"),
])
def test_bad_words(lab, argv, status, words):
    r1, = lab.fabric("r1")
    e = Evpnd(r1, "vtep: 192.0.2.1\nvnis:\n  - {vni: 100, mode: static-flood, flood: [192.0.2.2]}\n")
    p = e.ctl(*argv, check=False)
    assert p.returncode == status and words in p.stderr, p.stderr
    assert e.show("vni", "100")["mode"] == "static-flood"


def test_hosts_by_hand_are_checked_as_those_of_the_file(lab):
    """A MAC is behind one VTEP, an address belongs to one MAC. The same host once more says where it is now."""
    r1, = lab.fabric("r1")
    e = Evpnd(r1, "vtep: 192.0.2.1\nvnis:\n  - {vni: 100, mode: static-l3, hosts: [{mac: '%s', ip: 10.0.0.2, vtep: 192.0.2.2}]}\n" % MAC2)

    def add(mac, vtep, *ip):
        return e.ctl("mac", "add", "--vni", "100", "--mac", mac, "--vtep", vtep, *ip, check=False)
    for argv, words in (((MAC2, "192.0.2.3", "--ip", "10.0.0.3"), MAC2 + " is behind 192.0.2.2 already"),
                        ((MAC1, "192.0.2.3", "--ip", "10.0.0.2"), "10.0.0.2 belongs to %s already" % MAC2),
                        ((MAC1, "192.0.2.3"), "--ip: expected the address of the host, which mode static-l3 needs, found none")):
        p = add(*argv)
        assert p.returncode == 1 and words in p.stderr, p
    assert [(m["mac"], m["vtep"], m["ips"]) for m in e.show("mac")] == [(MAC2, "192.0.2.2", ["10.0.0.2"])]
    assert add(MAC2, "192.0.2.3", "--ip", "10.0.0.2").returncode == 0 and e.mac(100, MAC2)["vtep"] == "192.0.2.3"
    assert add(MAC2, "192.0.2.3", "--ip", "10.0.0.3").returncode == 0 and len(e.mac(100, MAC2)["ips"]) == 2


def test_what_was_learned_may_not_talk_in_static_l3(lab):
    """From static-flood to a list without h2: at once it is neither reached nor heard, though it was learned."""
    p = Pair(lab, dataplane="userspace")
    plain(p.r2, "", ["00:00:00:00:00:00 dev vxlan100 dst 192.0.2.1"])
    p.start("mode: static-flood, flood: [192.0.2.2]").reach()
    p.reload("mode: static-l3, hosts: [{mac: 02:00:00:00:00:09, ip: 10.0.0.9, vtep: 192.0.2.2}]")
    assert p.remote(MAC2) is None
    before = p.e.drops()["unknown-host"]
    assert not p.h2.ping("10.0.0.1")
    assert p.e.drops()["unknown-host"] > before


@pytest.mark.parametrize("dataplane", BACKENDS)
def test_mode_by_hand(lab, dataplane):
    """vni N mode M: in place, and the file is the last word."""
    p = Pair(lab, dataplane=dataplane)
    plain(p.r2, "", ["00:00:00:00:00:00 dev vxlan100 dst 192.0.2.1"])
    p.start("mode: static-flood, flood: [192.0.2.2]").reach()
    before = {link["ifname"]: link["ifindex"] for link in p.r1.ip_json("link show")}
    p.e.ctl("vni", "100", "mode", "evpn")
    if dataplane == "kernel":
        p.lab.wait_for(lambda: p.r1.ip_json("link show vxlan100")[0]["linkinfo"]["info_data"]["learning"] is False, "nothing is learned any more")
    p.reach()
    p.e.ctl("reload")
    assert p.e.show("vni", "100")["mode"] == "static-flood"
    assert {link["ifname"]: link["ifindex"] for link in p.r1.ip_json("link show")} == before
    p.reach()
