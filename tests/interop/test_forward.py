# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The userspace VTEP's way of a packet: batches, rings, what the underlay takes, what is written into outer headers.

    h1 --port [r1 evpnd, userspace] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 ...] port-- h2
"""
import os

import pytest

from evlab import evpnd
from test_vtep import PORTS, USERSPACE, Pair, transfer

RECEIVE = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(1, 33, 8 << 20)
s.bind(('', 6000))
s.settimeout(3)
print('up', flush=True)
n, wrong, last = 0, 0, -1
try:
    while n < %d:
        b = s.recv(2000)
        k = int.from_bytes(b[:4], 'big')
        wrong += k <= last or b[4:] != bytes([k %% 256]) * (len(b) - 4) or len(b) != 18 + k * 7 %% 1380
        n, last = n + 1, k
except TimeoutError:
    pass
print(n, wrong)
"""
SEND = """
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('%s', 6000))
for k in range(%d):
    s.send(k.to_bytes(4, 'big') + bytes([k %% 256]) * (14 + k * 7 %% 1380))
    if k %% 40 == 39:
        time.sleep(0.001)
"""


def datagrams(lab, source, sink, n=4000):
    """n datagrams of all sizes, in bursts: (arrived, wrong or out of order)."""
    server = sink.start("receive-%d" % next(PORTS), ["/usr/bin/python3", "-c", RECEIVE % n])
    lab.wait_for(lambda: "up" in server.tail(), "the receiver listens")
    source.run("/usr/bin/python3", "-c", SEND % (sink.ip4, n))
    server.p.wait(timeout=20)
    server.stopped = True
    return tuple(int(x) for x in server.tail().strip().splitlines()[-1].split())


def test_datagrams_of_all_sizes_arrive_in_order(lab):
    """Through the ring and past it, copied and not, put together and not."""
    p = Pair(lab, "userspace").reach()
    arrived, wrong = datagrams(lab, p.h1, p.h2)
    assert wrong == 0 and arrived >= 3990


def test_ports_beyond_the_last_ring(lab):
    """32 workers use up all rings on the first port; frames of the second are read by system calls."""
    p = Pair(lab, "userspace", more="dataplane: userspace\nworkers: 32\n", ports=("h1", "h3"))
    h3 = lab.host("h3", 3, ip6=True).plug(p.r1)
    p.reach()
    lab.wait_for(lambda: h3.ping("10.0.0.2") and h3.ping("10.0.0.1"), "h3 reaches both")
    for a, b in ((h3, p.h2), (p.h2, h3), (h3, p.h1)):
        arrived, wrong = datagrams(lab, a, b, 1000)
        assert wrong == 0 and arrived >= 990
        transfer(lab, b, a, b.ip4, 1 << 20)


# ---- outer headers --------------------------------------------------------------------------------------------------------

SNIFF = """
import socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((sys.argv[1], 0))
s.settimeout(0.2)
want, end = bytes.fromhex(sys.argv[2]), time.monotonic() + 5
print('up', flush=True)
while time.monotonic() < end:
    try:
        b = s.recv(70000)
    except TimeoutError:
        continue
    if want in b:
        print(b.hex())
        break
"""
MARK = "5a17c0de" * 2


class Sniff:
    """The first frame on dev that holds these octets."""

    def __init__(self, lab, node, dev, want=MARK):
        self.p = node.start("sniff-%d" % next(PORTS), ["/usr/bin/python3", "-c", SNIFF, dev, want])
        lab.wait_for(lambda: "up" in self.p.tail(), "the sniffer listens")

    def frame(self):
        self.p.p.wait(timeout=10)
        self.p.stopped = True
        lines = self.p.tail().strip().splitlines()
        return bytes.fromhex(lines[-1]) if lines[-1] != "up" else None


def udp(node, to, tos=0, df=0, size=0, port=9, data=None, source=None):
    """One datagram with MARK in it."""
    data = data or (bytes.fromhex(MARK) + bytes(max(0, size - 8)))
    v6 = ":" in to
    code = ("import socket,sys\ns=socket.socket(%s,socket.SOCK_DGRAM)\ns.setsockopt(%s,%d)\n%s%ss.sendto(bytes.fromhex(sys.stdin.read()),('%s',%d))" % (
        "socket.AF_INET6" if v6 else "socket.AF_INET", "41,67" if v6 else "0,1", tos, "" if v6 else "s.setsockopt(0,10,%d)\n" % df,
        "s.bind(('%s',0))\n" % source if source else "", to, port))
    node.run("/usr/bin/python3", "-c", code, input=data.hex())


@pytest.mark.kernel  # on the other side
@pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("changed", [False, True], ids=["defaults", "configured"])
def test_outer_headers(lab, v6, changed):
    """TTL, DSCP, ECN (RFC 6040 4.1), DF and the UDP checksum of what leaves; the source port is the flow's, RFC 7348 5."""
    more = "outer: {ttl: 33, dscp: 46, df: false, checksum: false}\n" if changed else ""
    p = Pair(lab, "kernel", v6, more=USERSPACE + more).reach()
    ports = set()
    for inner in (0x00, 0x02, 0x03, 0xb8):
        s = Sniff(lab, p.r1, "eth0")
        udp(p.h1, "10.0.0.2", tos=inner)
        b = s.frame()
        tos, ttl = ((b[14] << 4 | b[15] >> 4) & 255, b[21]) if v6 else (b[15], b[22])
        assert tos == (46 << 2 if changed else 0) | inner & 3
        assert ttl == (33 if changed else 64)
        if not v6:
            assert bool(b[20] & 0x40) == (not changed)
        u = b[54 if v6 else 34:]
        assert u[2:4] == (4789).to_bytes(2, "big") and (u[6:8] == b"\0\0") == changed
        assert u[8:16] == b"\x08\0\0\0\0\0\x64\0"
        ports.add(u[:2])
    assert all(int.from_bytes(x, "big") >= 49152 for x in ports)
    if not (v6 and changed): # a kernel that takes no zero checksums with IPv6
        p.reach()


def test_dscp_of_the_inner_packet(lab):
    p = Pair(lab, "kernel", more=USERSPACE + "outer: {copy-dscp: true}\n").reach()
    s = Sniff(lab, p.r1, "eth0")
    udp(p.h1, "10.0.0.2", tos=0xb9)
    assert s.frame()[15] == 0xb9


# ---- what comes in --------------------------------------------------------------------------------------------------------

def inner(tos):
    """An Ethernet frame from h2 to h1: IPv4, UDP without a checksum, MARK."""
    ip = bytearray.fromhex("45%02x0024000100004011000010000002" % tos)[:12] + bytes([10, 0, 0, 2, 10, 0, 0, 1])
    total = sum(int.from_bytes(ip[i:i + 2], "big") for i in range(0, 20, 2))
    ip[10:12] = (0xffff - (total % 0xffff)).to_bytes(2, "big")
    return bytes.fromhex("020000000001020000000002" "0800") + bytes(ip) + bytes.fromhex("0009000900100000" + MARK)


@pytest.mark.parametrize("outer,inside,after", [(3, 2, 3), (3, 1, 3), (1, 2, 1), (2, 1, 1), (0, 3, 3), (3, 0, None), (2, 0, 0)])
def test_congestion_marks_survive_decapsulation(lab, outer, inside, after):
    """RFC 6040 4.2, on the wire: the outer field, the inner, what h1 gets; None: dropped and counted."""
    p = Pair(lab, "kernel").reach()
    before = p.e1.drops()["ecn"]
    s = Sniff(lab, p.h1, "eth0")
    udp(p.r2, p.v1, tos=outer, port=4789, data=bytes.fromhex("0800000000006400") + inner(inside))
    b = s.frame() if after is not None else None
    if after is None:
        lab.wait_for(lambda: p.e1.drops()["ecn"] == before + 1, "it is counted")
    else:
        assert b[15] & 3 == after and p.e1.drops()["ecn"] == before


@pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])
def test_fragments_and_loops_are_dropped_and_counted(lab, v6):
    """RFC 7348 4.3: no VTEP fragments, so what came in pieces is no VTEP's. And what comes from our own address."""
    p = Pair(lab, "kernel", v6).reach()
    frame = inner(0) + bytes(3000)
    before = p.e1.drops()
    udp(p.r2, p.v1, port=4789, data=bytes.fromhex("0800000000006400") + frame)
    lab.wait_for(lambda: p.e1.drops()["fragmented"] == before["fragmented"] + 1, "fragments are counted")
    udp(p.r1, p.v1, port=4789, data=bytes.fromhex("0800000000006400") + inner(0), source=p.v1)
    lab.wait_for(lambda: p.e1.drops()["looped"] == before["looped"] + 1, "a loop is counted")


def test_inner_tags_are_kept_or_dropped(lab):
    """RFC 7348 6.1, both ways; the VNI is changed while it forwards."""
    p = Pair(lab, "kernel").reach()
    tagged = inner(0)[:12] + bytes.fromhex("81000005") + inner(0)[12:]
    other = MARK[::-1]
    out = tagged[6:12] + tagged[:6] + tagged[12:].replace(bytes.fromhex(MARK), bytes.fromhex(other))
    send = "import socket,sys;s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW);s.bind(('eth0',0));s.send(bytes.fromhex(sys.argv[1]))"

    def both():
        before = p.e1.drops()["inner-tag"]
        s, t = Sniff(lab, p.h1, "eth0"), Sniff(lab, p.h2, "eth0", other)
        udp(p.r2, p.v1, port=4789, data=bytes.fromhex("0800000000006400") + tagged)
        p.h1.run("/usr/bin/python3", "-c", send, out.hex())
        return s, t, before
    s, t, before = both()
    assert s.frame() and t.frame() and p.e1.drops()["inner-tag"] == before
    p.e1.reload(p.e1.config.replace("ports: [h1]", "inner-tags: drop, ports: [h1]"))
    s, t, before = both()
    lab.wait_for(lambda: p.e1.drops()["inner-tag"] == before + 2, "both are counted")
    assert not s.frame() and not t.frame()
    p.reach()


# ---- what breaks and comes back -------------------------------------------------------------------------------------------

def busy(daemon):
    with open("/proc/%d/stat" % daemon.process.p.pid) as f:
        return sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13])


def test_interfaces_that_go_down_and_up(lab):
    """A port, then the underlay: nobody spins meanwhile, all goes on afterwards; sockets closed by others, too."""
    p = Pair(lab, "kernel").reach()
    for dev in ("h1", "eth0"):
        p.r1.ip("link set %s down" % dev)
        p.h2.ping("10.0.0.1")
        before = busy(p.e1)
        p.h2.run("ping", "-c5", "-i0.2", "-W1", "10.0.0.1", check=False)
        assert busy(p.e1) - before < 50, "half a second of processor time while %s is down" % dev
        p.r1.ip("link set %s up" % dev)
        p.reach()
    p.r1.run("ss", "-K", "-u", "sport", "=", "4789", check=False)
    p.reach()
    transfer(lab, p.h2, p.h1, p.h2.ip4, 1 << 20)


def test_workers_are_pinned(lab):
    p = Pair(lab, "kernel", more="dataplane: userspace\nworkers: 3\nworker-cpus: [1, 0]\n").reach()
    task = "/proc/%d/task" % p.e1.process.p.pid
    where = {}
    for t in os.listdir(task):
        with open("%s/%s/status" % (task, t)) as f:
            status = dict(x.split(":", 1) for x in f.read().splitlines() if ":" in x)
        if status["Name"].strip().startswith("vtep-"):
            where[status["Name"].strip()] = status["Cpus_allowed_list"].strip()
    assert where == {"vtep-0": "1", "vtep-1": "0", "vtep-2": "1"}


# ---- what the underlay takes ----------------------------------------------------------------------------------------------

@pytest.mark.kernel  # on the other side
@pytest.mark.parametrize("family", [4, 6])
def test_a_host_is_told_of_what_does_not_fit(lab, family):
    """RFC 1191, RFC 8201: h1 has an MTU of 1500, the underlay takes 50 octets less. Answers are no matter of ours here: the kernel's
    vxlan fragments IPv4, and IPv6 hosts are told as h1 is."""
    p = Pair(lab, "kernel" if family == 4 else "userspace", mtu=1500).reach()
    to = p.h2.ip4 if family == 4 else p.h2.ip6
    lab.wait_for(lambda: p.h1.ping(to), "h1 reaches h2")
    before = p.e1.drops()["too-big"]
    ping = ("ping", "-%d" % family, "-c5", "-i0.3", "-W1", "-s1452", *(("-M", "want") if family == 4 else ()), to)
    out = p.h1.run(*ping, check=False).stdout
    assert p.e1.drops()["too-big"] == before + 1, out
    assert "4 received" in out or "3 received" in out, out
    assert "mtu 1450" in p.h1.ip("route get %s" % to) + p.h1.ip("-6 route get %s" % to if family == 6 else "route get %s" % to)
    p.h1.run("/usr/bin/python3", "-c", "import socket;s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.setsockopt(17,103,1460);"
             "s.sendto(bytes(14600),('10.0.0.2',9))", check=False)
    transfer(lab, p.h2, p.h1, to, 1 << 20)
