# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The userspace VTEP's way of a packet: batches, rings, what the underlay takes, what is written into outer headers.

    h1 --port [r1 evpnd, userspace] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 ...] port-- h2
"""
import pytest

from evlab import evpnd
from test_vtep import USERSPACE, Pair, transfer

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
    server = sink.start("receive", ["/usr/bin/python3", "-c", RECEIVE % n])
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
    """64 workers use up all rings on the first port; frames of the second are read by system calls."""
    p = Pair(lab, "userspace", more="dataplane: userspace\nworkers: 64\n", ports=("h1", "h3"))
    h3 = lab.host("h3", 3, ip6=True).plug(p.r1)
    p.reach()
    lab.wait_for(lambda: h3.ping("10.0.0.2") and h3.ping("10.0.0.1"), "h3 reaches both")
    for a, b in ((h3, p.h2), (p.h2, h3), (h3, p.h1)):
        arrived, wrong = datagrams(lab, a, b, 1000)
        assert wrong == 0 and arrived >= 990
        transfer(lab, b, a, b.ip4, 1 << 20)
