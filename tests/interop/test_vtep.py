# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnd as the VTEP itself (dataplane: userspace), against itself and against the kernel's vxlan under evpnd and FRR.

    h1 --port [r1 evpnd, userspace] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 ...] port-- h2
"""
import itertools
import socket
import time

import pytest

from evlab import Evpnd, Frr, evpnd, frr
from evlab.run import in_namespace

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"
PORTS = itertools.count(5001)
USERSPACE = "dataplane: userspace\nworkers: 2\n"


class Pair:
    """r1 is a userspace VTEP; r2 is one, or evpnd or FRR with the kernel's."""

    def __init__(self, lab, peer="userspace", v6=False, more=USERSPACE, ports=("h1",), mtu=1600):
        self.lab = lab
        self.r1, self.r2 = lab.fabric("r1", "r2", mtu=mtu)
        self.v1, self.v2 = (self.r1.address6, self.r2.address6) if v6 else (self.r1.address, self.r2.address)
        self.h1 = lab.host("h1", 1, ip6=True).plug(self.r1)
        self.h2 = lab.host("h2", 2, ip6=True)
        if peer == "frr":
            self.r2.vxlan(100, self.v2)
            self.h2.plug(self.r2, "br100")
            self.e2 = Frr(self.r2, frr.bgp_conf(65000, self.r2.address, [(self.r1.address, 65000)]))
        else:
            self.h2.plug(self.r2)
            self.e2 = Evpnd(self.r2, evpnd.conf(self.r2, 65000, [(self.r1.address, 65000)], vtep=self.v2, ports=["h2"],
                                                more=USERSPACE if peer == "userspace" else ""))
        self.e1 = Evpnd(self.r1, evpnd.conf(self.r1, 65000, [(self.r2.address, 65000)], vtep=self.v1, ports=ports, more=more))
        lab.wait_for(lambda: self.e1.established(self.r2.address), "the session is up", 20)

    def reach(self):
        self.lab.wait_for(lambda: self.h1.ping("10.0.0.2"), "h1 reaches h2", 20)
        self.lab.wait_for(lambda: self.h2.ping("10.0.0.1"), "h2 reaches h1", 20)
        self.lab.wait_for(lambda: (self.e1.mac(100, MAC2) or {}).get("vtep") == self.v2, "r1 has h2 from the route")
        self.lab.wait_for(lambda: all(r["desired"] == r["observed"] for r in self.e1.fdb(owner="evpnd")), "nothing is left to do")
        return self


def serve(host, size, port):
    """A TCP server on host that reads size octets and answers with their sum; gives a function that waits for it."""
    code = ("import socket,sys\ns=socket.create_server(('::',%d),family=socket.AF_INET6,dualstack_ipv6=True)\nprint('up',flush=True)\n"
            "c,_=s.accept()\nc.settimeout(20)\nn=t=0\nwhile n<%d:\n b=c.recv(1<<20)\n if not b: break\n n+=len(b);t+=sum(b)\n"
            "c.sendall(b'%%d %%d' %% (n,t))\n" % (port, size))
    return host.start("server-%d" % port, ["/usr/bin/python3", "-c", code])


def transfer(lab, server, client, address, size=8 << 20):
    """Sends size octets over TCP and compares what arrived."""
    port = next(PORTS)
    p = serve(server, size, port)
    lab.wait_for(lambda: "up" in p.tail(), "the server listens")
    code = ("import socket\nb=bytes(range(251))*4177\nc=socket.create_connection(('%s',%d),10)\nc.settimeout(20)\nn=t=0\nwhile n<%d:\n"
            " x=b[:%d-n]\n c.sendall(x)\n n+=len(x);t+=sum(x)\nprint(c.recv(100).decode()=='%%d %%d'%%(n,t))\n" % (address, port, size, size))
    out = client.run("/usr/bin/python3", "-c", code, check=False, timeout=40)
    p.stop()
    p.stopped = True
    assert out.stdout.strip() == "True", out.stdout + out.stderr


@pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("peer", ["userspace", "kernel", "frr"])
def test_two_hosts_share_an_overlay(lab, peer, v6):
    """Ping and TCP both ways, over an underlay of either family."""
    if peer == "frr" and v6:
        pytest.skip("FRR 8.4 has no IPv6 VTEPs")
    p = Pair(lab, peer, v6).reach()
    for a, b in ((p.h1, p.h2), (p.h2, p.h1)):
        transfer(lab, b, a, b.ip4)
        transfer(lab, b, a, b.ip6)
    row, = p.e1.fdb(mac=MAC2, ip=None)
    assert (row["table"], row["vtep"], row["desired"], row["observed"], row["owner"]) == ("vtep", p.v2, True, True, "evpnd")
    row, = p.e1.fdb(mac=MAC1)
    assert (row["table"], row["device"], row["observed"]) == ("vtep", "h1", True)
    assert p.e1.mac(100, MAC1)["state"] == "local"
    assert "vxlan" not in p.r1.ip("-d link show"), "nothing of the kernel's vxlan is used"


# ---- offloads ------------------------------------------------------------------------------------------------------------

OFF = {"all": "", "tso": "tso off", "tx": "tx off tso off gso off", "rx": "gro off", "none": "tx off tso off gso off gro off"}


@pytest.mark.parametrize("under", ["all", "none"])
@pytest.mark.parametrize("host", list(OFF))
def test_tcp_with_a_kernel_vtep_in_every_offload_setting(lab, host, under):
    """The kernel on a veth sends whole super-frames with checksums only begun, or does not: both arrive, both ways."""
    p = Pair(lab, "kernel").reach()
    for node, dev, what in ((p.h1, "eth0", host), (p.h2, "eth0", host), (p.r1, "eth0", under), (p.r2, "eth0", under)):
        if OFF[what]:
            node.run("ethtool", "-K", dev, *OFF[what].split())
    for a, b in ((p.h1, p.h2), (p.h2, p.h1)):
        transfer(lab, b, a, b.ip4)
        transfer(lab, b, a, b.ip6)


@pytest.mark.parametrize("host", ["all", "tx"])
def test_a_path_that_takes_less(lab, host):
    """Over an underlay of 1500 octets TCP of hosts with an MTU of 1500 is cut smaller, super-frame or not; larger packets count."""
    p = Pair(lab, "userspace", mtu=1500).reach()
    if OFF[host]:
        p.h1.run("ethtool", "-K", "eth0", *OFF[host].split())
    for address in (p.h2.ip4, p.h2.ip6):
        transfer(lab, p.h2, p.h1, address, 1 << 20)
    assert not p.h1.run("ping", "-c1", "-W1", "-s1472", "10.0.0.2", check=False).returncode == 0
    assert p.e1.drops()["too-big"] >= 1


# ---- ports ---------------------------------------------------------------------------------------------------------------

def test_a_tap_is_a_port(lab):
    """r1's own end of the overlay: a TAP with an address."""
    p = Pair(lab, "kernel", ports=("h1", "tap:tap100")).reach()
    p.r1.ip("addr add 10.0.0.101/24 dev tap100")
    lab.wait_for(lambda: p.h2.ping("10.0.0.101"), "h2 reaches the TAP")
    lab.wait_for(lambda: p.h1.ping("10.0.0.101"), "h1 reaches the TAP, from port to port")
    transfer(lab, p.h2, p.r1, p.h2.ip4)
    transfer(lab, p.r1, p.h2, "10.0.0.101")


def test_a_tap_that_stays_and_has_an_owner(lab):
    """persist and owner; one that another hand deletes is made again; one that is no port any more goes."""
    p = Pair(lab, "userspace", ports=("h1", '{name: "tap:tap100", persist: true, owner: 60001}'))

    def link():
        found = [x for x in p.r1.ip_json("link show") if x["ifname"] == "tap100"]
        return found[0] if found else None

    def settle():
        p.r1.ip("link set tap100 address 02:00:00:00:01:01")
        p.r1.ip("addr add 10.0.0.101/24 dev tap100")
    lab.wait_for(link, "the TAP is there")
    assert link()["linkinfo"]["info_data"]["user"] == 60001 and link()["linkinfo"]["info_data"]["persist"]
    settle()
    lab.wait_for(lambda: p.h2.ping("10.0.0.101"), "h2 reaches it")
    p.e1.stop()
    assert link()["linkinfo"]["info_data"]["persist"]
    p.e1.start()
    lab.wait_for(lambda: p.h2.ping("10.0.0.101"), "h2 reaches it again, by the address that it kept")
    p.r1.ip("link del tap100")
    lab.wait_for(lambda: link() and p.e1.show("vni", "100")["problem"] is None, "it is made again")
    settle()
    lab.wait_for(lambda: p.h2.ping("10.0.0.101"), "and is a port")
    own = p.e1.config
    p.e1.reload(own.replace(', {name: "tap:tap100", persist: true, owner: 60001}', ""))
    lab.wait_for(lambda: not link(), "it goes with the port")
    p.e1.reload(own.replace("60001", "nobody-has-this-name"))  # asked of every module of the host's name service
    lab.wait_for(lambda: "find the owner" in (p.e1.show("vni", "100")["problem"] or ""), "what is wrong is said")
    p.e1.reload(own.replace(', {name: "tap:tap100", persist: true, owner: 60001}', ""))
    p.reach()


def test_a_port_that_vanishes_is_taken_again(lab):
    p = Pair(lab, "kernel").reach()
    p.h1.unplug()
    lab.wait_for(lambda: not p.e1.mac(100, MAC1), "h1 is gone")
    lab.wait_for(lambda: "port h1 is missing" in (p.e1.show("vni", "100")["problem"] or ""), "the port is missing")
    p.h1.plug(p.r1)
    p.reach()
    assert p.e1.show("vni", "100")["problem"] is None


def test_a_port_without_a_link(lab):
    """Nobody is behind it: what was learned there is withdrawn, and the daemon rests."""
    p = Pair(lab, "userspace").reach()
    p.h1.ip("link set %s down" % p.h1.dev)
    lab.wait_for(lambda: not p.e1.mac(100, MAC1) and not p.e2.mac(100, MAC1), "h1 is nowhere")
    p.h1.ip("link set %s up" % p.h1.dev)
    lab.wait_for(lambda: p.h1.ping("10.0.0.2"), "h1 is back")
    lab.wait_for(lambda: (p.e2.mac(100, MAC1) or {}).get("state") == "remote", "its route, too")


def test_what_the_host_sends_by_a_port_does_not_come_from_it(lab):
    """With several workers, whose sockets share what comes: the host's own frames go out there, and not into the overlay."""
    p = Pair(lab, "userspace").reach()
    own, = p.r1.ip_json("link show h1")
    p.r1.ip("addr add 10.9.9.1/24 dev h1")
    p.r1.run("ping", "-c3", "-i0.2", "-W1", "10.9.9.2", check=False)
    p.h1.run("ping", "-c1", "-W1", "10.0.0.2")
    assert p.e1.mac(100, own["address"]) is None


def test_a_port_that_is_down_costs_nothing(lab):
    """Down at the start, and later again: the workers sleep, and the first frame after it is not lost."""
    r1, = lab.fabric("r1")
    h1, h2 = lab.host("h1", 1).plug(r1), lab.host("h2", 2).plug(r1)
    r1.ip("link set h1 down")
    e = Evpnd(r1, "vtep: 192.0.2.1\n" + USERSPACE + "vnis:\n  - {vni: 100, ports: [h1, h2]}\n")
    lab.wait_for(lambda: e.has_port("h1") and e.has_port("h2"), "ports are there")
    for _ in range(2):
        before = e.process.ticks()
        time.sleep(0.5)  # the time that is measured
        assert e.process.ticks() - before < 10, "hundredths of a second of processor time"
        ear = Frames(h1)
        r1.ip("link set h1 up")
        lab.wait_for(lambda: h1.ip_json("link show " + h1.dev)[0]["operstate"] == "UP", "h1 is up")
        broadcast(h2)
        assert ear.count() == 1
        ear.s.close()
        r1.ip("link set h1 down")


# ---- what is dropped ------------------------------------------------------------------------------------------------------

def rows(e, scope):
    return {t["name"] or t["vni"]: t for t in e.show("traffic") if t["scope"] == scope}


def test_what_goes_by_is_counted(lab):
    """200 frames each way: at the port, in the VNI, to and from the VTEP, by the workers together."""
    p = Pair(lab, "userspace").reach()
    keys = ("rx_frames", "rx_octets", "tx_frames", "tx_octets", "drops")

    def look():
        by = {s: rows(p.e1, s) for s in ("vni", "vtep", "port", "worker")}
        total = {k: sum(w[k] for w in by["worker"].values()) for k in keys}
        return [by["vni"][100], by["vtep"][p.v2], by["port"]["h1"], total]
    before = look()
    p.h1.run("ping", "-n", "-f", "-c200", "-s1000", "10.0.0.2")
    for was, now, what in zip(before, look(), ("VNI", "VTEP", "port", "workers")):
        grown = {k: now[k] - was[k] for k in keys}
        assert all(200 <= grown[k] <= 220 and 200 * 1042 <= grown[k[:2] + "_octets"] <= 220 * 1042 for k in ("rx_frames", "tx_frames")), what
    assert len(rows(p.e1, "worker")) == 2 and set(rows(p.e1, "vtep")) == {p.v2}


def test_what_comes_too_fast_is_counted(lab):
    """evpnd stands still while more comes to a port, and from a VTEP, than its queues hold."""
    p = Pair(lab, "userspace").reach()
    send = ("import socket,sys\ns=socket.socket(socket.AF_PACKET,socket.SOCK_RAW)\ns.bind(('eth0',0))\nf=bytes.fromhex('%s')+bytes(1400)\n"
            "for i in range(40000):\n try: s.send(f)\n except OSError: pass\n")
    udp = ("import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.connect(('%s',4789))\nfor i in range(40000): s.send(bytes(1400))\n" % p.v1)
    p.e1.process.send(19)  # SIGSTOP
    p.h1.run("/usr/bin/python3", "-c", send % "02000000000202000000000188b5")
    p.r2.run("/usr/bin/python3", "-c", udp)
    p.e1.process.send(18)
    lab.wait_for(lambda: p.e1.drops()["port-queue"] > 1000 and p.e1.drops()["underlay-queue"] > 1000, "what was lost is counted")
    p.reach()


def vxlan(vni, inner, flags=8):
    return bytes([flags, 0, 0, 0]) + vni.to_bytes(3, "big") + b"\0" + inner


def test_what_is_wrong_is_dropped_and_counted(lab):
    """Packets to r1's VXLAN port that no VTEP sends, from a VTEP that r1 knows, and from a stranger."""
    p = Pair(lab, "kernel").reach()
    r3 = lab.join("r3", 3)
    frame = bytes.fromhex("020000000001" "020000000002" "88b5") + bytes(46)
    cases = [(p.r2, b"", "truncated"), (p.r2, b"\x08\0\0", "truncated"), (p.r2, vxlan(100, b"short"), "truncated"),
             (p.r2, vxlan(100, frame, flags=0), "flags"), (p.r2, vxlan(101, frame), "unknown-vni"),
             (r3, vxlan(100, frame), "unknown-vtep"), (p.r2, vxlan(100, frame[:6] + b"\3" + frame[7:]), "bad-source"),
             (p.r2, vxlan(100, frame[6:12] + frame[:6] + frame[12:]), "split-horizon")]
    for node, packet, reason in cases:
        before = p.e1.drops()[reason]
        send = "import socket,sys;s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.sendto(bytes.fromhex(sys.argv[1]),('%s',4789))"
        node.run("/usr/bin/python3", "-c", send % p.v1, packet.hex())
        lab.wait_for(lambda: p.e1.drops()[reason] > before, "%s is counted" % reason)
    p.reach()


def send_vxlan(node, to, packet):
    send = "import socket,sys;s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.sendto(bytes.fromhex(sys.argv[1]),('%s',4789))"
    node.run("/usr/bin/python3", "-c", send % to, packet.hex())


def test_a_vtep_of_one_vni_may_not_send_into_another(lab):
    """r2 is known in VNI 100, and r1 drops what comes from there for VNI 200, unless it is told not to look."""
    p = Pair(lab, "kernel").reach()
    p.e1.reload(p.e1.config + "  - {vni: 200, ports: [h3]}\n")
    h3 = lab.host("h3", 3).plug(p.r1)
    lab.wait_for(lambda: p.e1.has_port("h3"), "h3 is a port")
    frame = b"\xff" * 6 + bytes.fromhex("0200000000aa88b5") + bytes(46)
    listen = ("import socket\ns=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(0x88b5))\ns.bind(('eth0',0x88b5))\n"
              "s.settimeout(20)\nprint('up',flush=True)\ns.recv(100);print('came')\n")
    w = h3.start("listen", ["/usr/bin/python3", "-c", listen])
    lab.wait_for(lambda: "up" in w.tail(), "h3 listens")
    send_vxlan(p.r2, p.v1, vxlan(200, frame))
    lab.wait_for(lambda: p.e1.drops()["unknown-vtep"] == 1, "it is counted")
    traffic, = [t for t in p.e1.show("traffic") if t["scope"] == "vni" and t["vni"] == 200]
    assert traffic["drops"] == 1 and "came" not in w.tail()
    p.e1.reload(p.e1.config.replace("vni: 200,", "vni: 200, check-source: false,"))
    send_vxlan(p.r2, p.v1, vxlan(200, frame))
    lab.wait_for(lambda: "came" in w.tail(), "now it is let in")
    w.stopped = True
    send_vxlan(p.r1, p.v1, vxlan(200, frame))
    lab.wait_for(lambda: p.e1.drops()["looped"] == 1, "our own address is nobody's all the same")


class Frames:
    """What arrives at a host's cable: broadcasts of one Ethertype, counted."""

    def __init__(self, host):
        self.s = in_namespace(host, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5)))
        self.s.bind((host.dev, 0x88b5))
        self.s.settimeout(1)

    def count(self):
        n = 0
        try:
            while True:
                n += self.s.recvfrom(100)[1][2] != socket.PACKET_OUTGOING
        except socket.timeout:
            return n


def broadcast(host):
    host.run("/usr/bin/python3", "-c", "import socket;s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW);s.bind(('%s',0));"
             "s.send(b'\\xff'*6+bytes.fromhex('%s88b5')+bytes(46))" % (host.dev, host.mac.replace(":", "")))


def test_three_vteps_flood_to_one_another_once(lab):
    """From each of three VTEPs, of either kind, a broadcast reaches both other hosts once: nobody passes it on (split horizon)."""
    r = lab.fabric("r1", "r2", "r3")
    h = [lab.host("h%d" % i, i).plug(n) for i, n in enumerate(r, 1)]
    e = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000) for o in r if o is not n], ports=[x.name], more=more))
         for n, x, more in zip(r, h, (USERSPACE, USERSPACE, ""))]
    lab.wait_for(lambda: all(len(n.flood("vxlan100")) == 2 for n in r), "they flood to one another", 20)
    h[2].wait_port()
    ears = [Frames(x) for x in h]
    for x in h:
        broadcast(x)
    assert [f.count() for f in ears] == [2, 2, 2]
    for f in ears:
        f.s.close()
    lab.wait_for(lambda: all(e[i].mac(100, h[(i + 1) % 3].mac) for i in range(3)), "routes are there")
    lab.wait_for(lambda: all(a.ping(b.ip4) for a in h for b in h if a is not b), "all reach each other")


def test_a_port_of_a_vlan(lab):
    """A trunk: the port's tag is taken off and put on, a tag that no port has is dropped. The kernel has no 802.1Q here."""
    p = Pair(lab, "kernel", ports=("{name: h1, vlan: 100}",))
    talk = ("import socket,struct,sys\ns=socket.socket(socket.AF_PACKET,socket.SOCK_RAW,socket.htons(3))\ns.bind(('eth0',0))\n"
            "s.setsockopt(263,8,1)\ns.settimeout(1)\n"
            "a=bytes.fromhex('ffffffffffff020000000001'+'8100'+'%04x'%int(sys.argv[1])+'0806'+'0001080006040001'"
            "+'020000000001'+'0a000001'+'000000000000'+'0a000002')\ns.send(a)\n"
            "while 1:\n b,aux,_,_=s.recvmsg(2000,100)\n"
            " if b[12:14]==b'\\x08\\x06' and b[20:22]==b'\\0\\2': print(struct.unpack('IIIHHHH',aux[0][2])[5]&4095);break\n")

    def answered(vlan):
        return p.h1.run("/usr/bin/python3", "-c", talk, str(vlan), check=False).stdout.strip()
    lab.wait_for(lambda: answered(100) == "100", "h2's answer comes with the tag")
    before = p.e1.drops()["no-port"]
    assert answered(101) == ""
    assert p.e1.drops()["no-port"] > before
    assert [(r["vni"], r["port"], r["vlan"], r["tagged"]) for r in p.e1.show("ports")] == [(100, "h1.100", 100, True)]
