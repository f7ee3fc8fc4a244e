# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Neighbors that mean harm, or are broken enough to look so. Each costs itself its session at most: the daemon's memory stays what it
was, another neighbor gets its keepalives in time, and the bad one is welcome again when it is good.

    [r1 evpnd, AS 65001] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 a good speaker, hold time 3 s]
                                              \\==== 192.0.2.3 [r3 the bad one]
"""
import json
import socket
import struct
import threading
import time

import pytest

from evlab import Evpnd, Speaker, evpnd
from evlab.evpnd import SANITIZED
from evlab.run import in_namespace
from evlab.speaker import KEEPALIVE, NOTIFICATION, UPDATE, bgp

MIB = 1 << 20
EXTENDED = bgp.par(bgp.MPC) + bgp.par(bgp.RRC) + bgp.par(bgp.AS4C(65001)) + bgp.par(bgp.cap(6, b""))
LATE = 2.5  # s without a message: keepalives are due each second, and the test machine is busy


class Good(threading.Thread):
    """A session that does nothing but live: how long its neighbor was silent at most, as far as it listened: what the machine
    takes of its own time is nobody's silence."""

    LISTENS = 0.1  # s at a time

    def __init__(self, node, to):
        super().__init__(daemon=True)
        self.speaker = Speaker(node, to, 65001).establish(hold=3)
        self.silence, self.over, self.got = 0.0, False, 0
        self.start()

    def run(self):
        silence, said = 0.0, time.monotonic()
        while not self.over and not self.speaker.closed:
            began = time.monotonic()
            m = self.speaker.recv(self.LISTENS)
            now = time.monotonic()
            silence += min(now - began, self.LISTENS)
            self.silence = max(self.silence, silence)
            if m:
                silence, self.got = 0.0, self.got + 1
            if now - said > 0.9:
                self.speaker.send(bgp.msg(KEEPALIVE, b""))
                said = now

    def stop(self):
        self.over = True
        self.join()


class World:
    def __init__(self, lab, limits="", more="", vnis=()):
        self.lab = lab
        self.r1, self.r2, self.r3 = lab.fabric("r1", "r2", "r3")
        self.e = Evpnd(self.r1, evpnd.conf(self.r1, 65001, [(self.r2.address, 65001, "passive: true, route-reflector-client: true"),
                                                            (self.r3.address, 65001, "passive: true" + limits)], vnis=vnis, more=more))
        self.good = Good(self.r2, self.r1.address)
        self.before = self.memory()

    def bad(self, **kw):
        return Speaker(self.r3, self.r1.address, 65001, **kw)

    def memory(self, which="resident_bytes"):
        return self.e.show("memory")["process"][which]

    def neighbor(self):
        return self.e.neighbor(self.r3.address)

    def check(self, grown=4 * MIB, again=True):
        """What must be true after all of it."""
        peak = self.memory("peak_resident_bytes")
        assert self.good.is_alive() and not self.good.speaker.closed, "the good session is gone"
        assert self.good.silence < LATE, "the good neighbor heard nothing for %.2f s" % self.good.silence
        assert self.e.neighbor(self.r2.address)["established_count"] == 1
        if not SANITIZED:  # AddressSanitizer keeps what was freed
            assert peak - self.before < grown, "%.1f MiB more" % ((peak - self.before) / MIB)
        if again:
            self.welcome()
        self.good.stop()

    def welcome(self):
        """A second or two after the end of its last session, of which there may be octets to be read, it is in again."""
        def comes_in():
            with self.bad() as s:
                try:
                    return s.establish()
                except (OSError, AssertionError):
                    return None
        self.lab.wait_for(comes_in, "the bad neighbor is welcome when it is good", 5)


@pytest.fixture
def world(lab):
    return World(lab)


def pour(s, data, seconds):
    """Sends data again and again, as fast as it is taken; reads nothing. How often."""
    end, n = time.monotonic() + seconds, 0
    s.s.settimeout(0.2)
    while time.monotonic() < end:
        try:
            s.s.sendall(data)
            n += 1
        except socket.timeout:
            pass
        except OSError:
            break
    return n


def drain(s, seconds):
    """How many octets come in that time."""
    octets, end = 0, time.monotonic() + seconds
    s.s.settimeout(0.2)
    while time.monotonic() < end:
        try:
            octets += len(s.s.recv(1 << 20))
        except socket.timeout:
            pass
    return octets


def mac(k):
    return b"\2\0" + struct.pack("!I", k)


def reach(first, n, *attributes):
    rd = bgp.rd(1, ip="192.0.2.3")
    return bgp.upd([bgp.mpr(b"".join(bgp.t2(rd, mac(k)) for k in range(first, first + n)), nh=bgp.IP4("192.0.2.3"))] + bgp.base() + [bgp.EC, *attributes])


def test_flood_of_updates(world):
    """The same hundred routes with other attributes each time, as fast as they are taken, and the good neighbor gets all changes."""
    blob = b"".join(reach(0, 100, bgp.att(0xc0, 8, struct.pack("!I", k))) for k in range(64))
    with world.bad() as s:
        s.establish()
        n = pour(s, blob, 5)
        assert n > 50
        world.lab.wait_for(lambda: world.neighbor()["prefixes_received"] == 100, "its routes")
    world.check()


def test_flood_of_moves_into_a_vtep(lab):
    """A hundred MACs move between sixty-four VTEPs as fast as it can be said: the kernel gets what is wanted now, not the history."""
    world = World(lab, vnis=(10,))
    rd = bgp.rd(1, ip="192.0.2.3")
    nlri = b"".join(bgp.t2(rd, mac(k)) for k in range(100))
    with world.bad() as s:
        s.establish()
        assert pour(s, b"".join(bgp.upd([bgp.mpr(nlri, nh=bytes([192, 0, 2, 100 + k]))] + bgp.base() + [bgp.EC]) for k in range(64)), 4) > 10
        world.lab.wait_for(lambda: (lambda rows: None not in rows and len(set(rows)) == 1)(
            [world.r1.remote("vxlan10", "02:00:00:00:00:%02x" % k) for k in (0, 50, 99)]), "all are behind the last one that was said")
    world.check()


def test_flood_of_routes_over_the_limit(lab):
    world = World(lab, ", max-prefixes: 1000")
    for _ in range(3):
        with world.bad() as s:
            s.establish()
            s.send(b"".join(reach(k * 100, 100) for k in range(200)))
            assert s.notification()[:2] == (6, 1)
    world.check()


def test_flood_of_malformed_updates(world):
    """Each is treated as withdraw and one in a while is logged."""
    blob = b"".join(reach(k, 10).replace(bgp.ORG, bgp.att(0x40, 1, b"\7")) for k in range(100))
    with world.bad() as s:
        s.establish()
        assert pour(s, blob, 3) > 10
        world.lab.wait_for(lambda: world.neighbor()["treat_as_withdraw"] > 1000, "they are counted")
    assert len(world.e.log()) < 200000
    world.check()


def test_flood_of_refreshes(world):
    """Who asks for everything ten thousand times gets it a few times."""
    rd = bgp.rd(1, ip="192.0.2.2")
    for first in range(0, 20000, 50):
        world.good.speaker.send(bgp.upd([bgp.mpr(b"".join(bgp.t2(rd, mac(k)) for k in range(first, first + 50)))] + bgp.base() + [bgp.EC]))
    world.lab.wait_for(lambda: len(world.e.keys()) == 20000, "the routes of the good one")
    with world.bad() as s:
        s.establish()
        first = drain(s, 2)
        while world.neighbor()["prefixes_sent"] < 20000 or world.neighbor()["pending"]:
            first += drain(s, 0.5)
        ask = bgp.msg(5, struct.pack("!HBB", 25, 0, 70))
        threading.Thread(target=pour, args=(s, ask * 100, 4), daemon=True).start()
        octets = drain(s, 6)
        n = world.neighbor()
        assert n["messages"]["in"]["refresh"] > 10000
        assert first <= octets < 5 * first, "%.1f MB were sent, all routes are %.1f" % (octets / 1e6, first / 1e6)
    world.check(grown=8 * MIB)


def connect(node, to):
    def one():
        s = socket.socket()
        s.setblocking(False)
        s.bind((node.address, 0))
        s.connect_ex((to.address, 179))
        return s
    return in_namespace(node, one)


@pytest.mark.parametrize("who", ["neighbor", "stranger"])
def test_flood_of_connections(world, who):
    """Hundreds at once: those of a neighbor are taken ten a second, those of a stranger are closed."""
    node = world.r3
    if who == "stranger":
        node = world.lab.join("r4", 4)
    begin, sockets = time.monotonic(), []
    while time.monotonic() < begin + 4:
        sockets += [connect(node, world.r1) for _ in range(20)]
        while len(sockets) > 400:
            sockets.pop(0).close()
        time.sleep(0.02)
    descriptors = len(world.r1.run("ls", "/proc/%d/fd" % world.e.process.pid).stdout.split())
    assert descriptors < 80, "%d descriptors" % descriptors
    counts = world.e.show("memory")["transport"]
    assert counts["strangers" if who == "stranger" else "refused"] > 100, counts
    # The good one, 16 whose turn has not come, 8 whose OPEN has not, and for 2 s, where their end is not answered, 10 a second that had to go.
    assert counts["connections"] <= 1 + 16 + 8 + 30, counts
    if who == "neighbor":
        assert world.neighbor()["messages"]["out"]["open"] <= 10 * (time.monotonic() - begin + 2)
    for s in sockets:
        s.close()
    time.sleep(2)  # its connections may come again: ten a second
    world.check()


def test_openings_that_are_never_finished(world):
    """Twenty connections with half an OPEN each, and the right one comes through all the same."""
    halves = []
    for _ in range(20):
        s = world.bad()
        s.send(s.open_message()[:25])
        halves.append(s)
        time.sleep(0.11)  # fewer than ten a second
    world.welcome()
    assert world.e.show("memory")["rib"]["connections"] < 12
    for s in halves:
        s.close()
    world.check()


def test_one_octet_a_second(world):
    """An UPDATE that never ends is no KEEPALIVE: the hold timer runs out, whatever trickles in."""
    with world.bad() as s:
        s.establish(hold=3)
        started = time.monotonic()
        for octet in reach(0, 3):
            try:
                s.send(bytes([octet]))
            except OSError:
                break
            n = s.notification(timeout=1)
            if n or s.closed:
                break
        assert n and n[:2] == (4, 0)
        assert time.monotonic() - started < 6
    world.check()


def test_half_a_message_and_silence(world):
    """Half an UPDATE that announces 64 KiB costs the space of what has come at most, and the session at the hold time."""
    with world.bad() as s:
        s.establish(hold=3, params=bgp.par(bgp.MPC) + bgp.par(bgp.RRC) + bgp.par(bgp.AS4C(65001)) + bgp.par(bgp.cap(6, b"")))
        s.send(bgp.msg(UPDATE, b"\0" * 100, length=65535))
        assert s.notification(timeout=6)[:2] == (4, 0)
    world.check()


def test_reconnect_in_a_loop(world):
    """Up, a thousand routes, gone; again and again."""
    end, n = time.monotonic() + 5, 0
    blob = b"".join(reach(k * 100, 100) for k in range(10))
    while time.monotonic() < end:
        with world.bad() as s:
            try:
                s.establish()
                s.send(blob)
            except (OSError, AssertionError):
                continue
            n += 1
    assert 3 <= n <= 60, n
    time.sleep(1.1)  # its connections may come again: ten a second
    world.check()
    world.lab.wait_for(lambda: not world.e.keys(), "its routes are gone")


def test_window_that_is_stalled(world):
    """It takes nothing while the good one changes its routes over and over: what it is owed is no more than the routes there are."""
    s = world.bad().establish()
    s.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    rd = bgp.rd(1, ip="192.0.2.2")
    for k in range(400):
        nlri = b"".join(bgp.t2(rd, mac(i)) for i in range(50))
        world.good.speaker.send(bgp.upd([bgp.mpr(nlri)] + bgp.base() + [bgp.EC, bgp.att(0xc0, 8, struct.pack("!I", k))]))
        if k % 10 == 0:
            s.send(bgp.msg(KEEPALIVE, b""))
            time.sleep(0.01)
    world.lab.wait_for(lambda: world.neighbor()["prefixes_sent"] <= 50, "it is behind")
    assert world.neighbor()["pending"] <= 50
    world.check(again=False)
    s.close()


def test_many_attributes(lab):
    """Every route with an AS_PATH and communities of its own, close to 4 KiB each: as many as the limit allows are held, no more."""
    world = World(lab, ", max-prefixes: 2000")
    with world.bad() as s:
        s.establish()
        for first in range(0, 4000, 50):
            blob = b""
            for k in range(first, first + 50):
                big = struct.pack("!I", k) * 900
                blob += reach(k, 1, bgp.att(0xc0, 8, big))
            try:
                s.send(blob)
            except OSError:
                break
        assert s.notification(timeout=10)[:2] == (6, 1)
    world.check(grown=2000 * 4096 + 4 * MIB)
    world.lab.wait_for(lambda: world.e.show("memory")["rib"]["attribute_sets"] == 0, "nothing is left of it")


def test_memory_limit(lab):
    """Without a limit of its own a neighbor may fill what all may: then it is the one to go, also when it comes again."""
    world = World(lab, more="memory-limit: 8\n")
    rd = bgp.rd(1, ip="192.0.2.2")
    world.good.speaker.send(bgp.upd([bgp.mpr(b"".join(bgp.t2(rd, mac(k)) for k in range(50)))] + bgp.base() + [bgp.EC]))
    for _ in range(3):
        with world.bad() as s:
            s.establish()
            for first in range(0, 8000, 20):
                try:
                    s.send(b"".join(reach(k, 1, bgp.att(0xc0, 8, struct.pack("!I", k) * 900)) for k in range(first, first + 20)))
                except OSError:
                    break
            assert s.notification(timeout=10)[:2] == (6, 8)
    assert len(world.e.routes("--neighbor", world.r2.address)) == 50
    assert world.e.show("memory")["rib"]["limit_bytes"] == 8 * MIB
    world.check(grown=14 * MIB)


def into_all(first, n, vnis):
    """An UPDATE of n routes with the route targets of VNIs 1 to vnis."""
    rts = b"".join(struct.pack("!HHI", 2, 65001, k) for k in range(1, vnis + 1))
    nlri = b"".join(bgp.t2(bgp.rd(1, ip="192.0.2.3"), mac(k)) for k in range(first, first + n))
    return bgp.upd([bgp.mpr(nlri, nh=bgp.IP4("192.0.2.3"))] + bgp.base() + [bgp.att(0xc0, 16, rts + bgp.ENC, ext=True)])


def test_memory_limit_is_for_what_routes_become(lab):
    """64 KB for a thousand VNIs would be 1.5 million MACs, and seconds of work: neither does it fill the memory, nor is anybody silent."""
    vnis, limit = 1000, 24 * MIB
    world = World(lab, vnis=range(1, vnis + 1), more="dataplane: none\nmemory-limit: %d\n" % (limit // MIB))
    world.good.speaker.send(into_all(5000, 5, 100))
    world.lab.wait_for(lambda: world.e.show("memory")["evpn"]["macs"] == 500, "those of the good one")
    mine = world.e.show("mac")
    for _ in range(3):
        with world.bad() as s:
            s.establish(params=EXTENDED)
            s.send(into_all(0, 1500, vnis))
            assert s.notification(timeout=10)[:2] == (6, 8)
    memory = world.e.show("memory")
    assert memory["process"]["longest_turn_cpu_us"] < 100000, memory["process"]
    assert "of that in the tables of VNIs" in world.e.log()
    finding, = [f for f in json.loads(world.e.ctl("--json", "doctor", check=False).stdout) if f["code"] == "session-memory-limit"]
    assert finding["neighbor"] == world.r3.address
    world.lab.wait_for(lambda: world.e.show("memory")["evpn"]["macs"] == 500, "nothing is left of it")
    memory = world.e.show("memory")
    assert memory["evpn"]["imported_bytes"] < memory["rib"]["limit_used_bytes"] < limit // 16
    with world.bad() as s:  # with less it is welcome, and there is what there would be if nothing had happened
        s.establish(params=EXTENDED)
        s.send(into_all(0, 10, vnis))
        world.lab.wait_for(lambda: world.e.show("memory")["evpn"]["macs"] == 500 + 10 * vnis, "all of them")
    world.lab.wait_for(lambda: world.e.show("memory")["evpn"]["macs"] == 500, "and none")
    assert [m["mac"] for m in world.e.show("mac")] == [m["mac"] for m in mine]
    world.check(grown=limit + 4 * MIB)


def test_strangers_say_what_they_like(world):
    """Garbage and whole sessions from an address that is no neighbor's."""
    stranger = world.lab.join("r4", 4)
    for data in (b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 4096, bgp.opn(params=bgp.STDCAP)):
        for _ in range(20):
            try:
                with Speaker(stranger, world.r1.address, 65001) as s:
                    s.send(data)
                    m = s.recv(2)
                    assert m is None or m[18] == NOTIFICATION
            except OSError:
                pass
    assert world.e.log().count("not a configured neighbor") < 20
    world.check()


def test_garbage_in_a_session(world):
    """Whatever comes instead of a message ends the session with a NOTIFICATION, a hundred times, and then it is welcome."""
    for k in range(10):
        with world.bad() as s:
            s.establish()
            s.send(bytes([k]) * 4096)
            n = s.notification()
            assert n and n[0] == 1, n
    time.sleep(1.1)  # its connections may come again: ten a second
    world.check()
