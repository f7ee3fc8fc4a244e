# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Sessions, by messages written by hand: what evpnd answers to openings that are wrong, and to two connections at once.

    [r1 evpnd, AS 65001] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 speaker]
"""
import struct
import time

import pytest

from evlab import Evpnd, Speaker, evpnd
from evlab.speaker import KEEPALIVE, OPEN, UPDATE, bgp

MAC = bytes.fromhex("020000000001")


@pytest.fixture
def pair(lab):
    r1, r2 = lab.fabric("r1", "r2")
    lab.r1, lab.r2 = r1, r2
    lab.evpnd = Evpnd(r1, evpnd.conf(r1, 65001, [(r2.address, 65001, "passive: true")], vnis=()))
    lab.speaker = lambda asn=65001, **kw: Speaker(r2, kw.pop("to", r1.address), asn, **kw)
    return lab


def capabilities(message):
    """{code: [values]} of an OPEN."""
    out, body = {}, message[29:]
    while body:
        kind, length, value, body = body[0], body[1], body[2:2 + body[1]], body[2 + body[1]:]
        assert kind == 2 and len(value) == length
        while value:
            out.setdefault(value[0], []).append(value[2:2 + value[1]])
            value = value[2 + value[1]:]
    return out


def test_our_open_says_what_we_can(pair):
    with pair.speaker() as s:
        m = s.recv_type(OPEN)  # ours comes at once, before the speaker says a word
        version, asn, hold = struct.unpack("!BHH", m[19:24])
        assert (version, asn, hold, m[24:28]) == (4, 65001, 90, bytes([192, 0, 2, 1]))
        c = capabilities(m)
        assert c[1] == [bytes([0, 25, 0, 70])]
        assert c[2] == [b""]
        assert c[65] == [struct.pack("!I", 65001)]


def test_session_comes_up_and_counts(pair):
    with pair.speaker() as s:
        s.establish()
        n = pair.wait_for(lambda: (lambda n: n if n["state"] == "Established" else None)(pair.evpnd.neighbor(pair.r2.address)), "Established")
        assert n["prefixes_received"] == n["prefixes_sent"] == 0
        eor = s.recv_type(UPDATE)
        assert eor[19:] == bytes([0, 0, 0, 6, 0x80, 15, 3, 0, 25, 70]), "End-of-RIB (RFC 4724 section 2)"


@pytest.mark.parametrize("what, message, code", [
    ("wrong AS", lambda s: bgp.opn(asn=65009, params=bgp.par(bgp.MPC) + bgp.par(bgp.AS4C(65009))), (2, 2)),
    ("wrong AS in the capability only", lambda s: bgp.opn(params=bgp.par(bgp.MPC) + bgp.par(bgp.AS4C(65009))), (2, 2)),
    ("version 3", lambda s: bgp.opn(ver=3, params=bgp.STDCAP), (2, 1)),
    ("identifier 0", lambda s: bgp.opn(rid="0.0.0.0", params=bgp.STDCAP), (2, 3)),
    ("our identifier", lambda s: bgp.opn(rid="192.0.2.1", params=bgp.STDCAP), (2, 3)),
    ("hold time 1", lambda s: bgp.opn(hold=1, params=bgp.STDCAP), (2, 6)),
    ("an unknown parameter", lambda s: bgp.opn(params=bgp.STDCAP + bgp.par(b"", t=9)), (2, 4)),
    ("marker", lambda s: bytes([0]) + bgp.opn(params=bgp.STDCAP)[1:], (1, 1)),
    ("length 18", lambda s: bgp.msg(4, b"", length=18), (1, 2)),
    ("type 77", lambda s: bgp.msg(77, b""), (1, 3)),
    ("KEEPALIVE in OpenSent", lambda s: bgp.msg(KEEPALIVE, b""), (5, 1)),
    ("UPDATE in OpenSent", lambda s: bgp.upd([]), (5, 1)),
])
def test_bad_opening_is_answered(pair, what, message, code):
    with pair.speaker() as s:
        s.send(message(s))
        n = s.notification()
        assert n and n[:2] == code, n
        assert s.recv(5) is None and s.closed
    pair.wait_for(lambda: "%d/%d" % code in pair.evpnd.log(), "the log names code and subcode")
    last = pair.evpnd.neighbor(pair.r2.address)["last_error_sent"]
    assert (last["code"], last["subcode"]) == code and last["message"] == message(None)[:len(last["message"]) // 2].hex() and last["message"]
    assert pair.r2.address in pair.evpnd.log()
    with pair.speaker() as s:  # and the next attempt is as good as the first
        s.establish()


def test_unknown_neighbor_is_refused(pair):
    """RFC 4271 section 8.2.1 leaves it to us: a connection from elsewhere is closed, and counts for nothing."""
    pair.r2.ip("addr add 192.0.2.77/24 dev eth0")
    try:
        with pair.speaker(source="192.0.2.77") as s:
            m = s.recv(5)
            assert m is None or m[18] == 3
            assert s.recv(5) is None and s.closed
    except OSError:
        pass  # refused before it was there
    with pair.speaker() as s:
        s.establish()


def test_hold_time_runs_out_with_notification(pair):
    with pair.speaker() as s:
        s.establish(hold=3)
        n = s.notification(timeout=6)
        assert n and n[:2] == (4, 0)
    pair.wait_for(lambda: not pair.evpnd.established(pair.r2.address), "the session is gone")


def test_keepalives_come_at_a_third_of_the_hold_time(pair):
    with pair.speaker() as s:
        s.establish(hold=3)
        for _ in range(4):
            assert s.recv_type(KEEPALIVE, timeout=1.5)
            s.send(bgp.msg(KEEPALIVE, b""))
        assert pair.evpnd.established(pair.r2.address)


def test_second_connection_of_an_established_peer_loses(pair):
    """RFC 4271 section 6.8: a collision with an Established session is answered with Cease 6/7, and the session stays."""
    with pair.speaker() as first:
        first.establish()
        with pair.speaker() as second:
            assert second.recv_type(OPEN), "our OPEN comes at once also while a session stands"
            second.send(second.open_message())
            n = second.notification()
            assert n and n[:2] == (6, 7), n
        assert pair.evpnd.established(pair.r2.address) and not first.closed
        first.send(bgp.msg(KEEPALIVE, b""))


def test_good_session_after_a_hundred_bad_ones(pair):
    for _ in range(10):
        with pair.speaker() as s:
            s.send(bgp.opn(ver=3))
            assert s.notification()
    with pair.speaker() as s:
        s.establish()
    assert pair.evpnd.ctl("show", "version").returncode == 0


def test_malformed_update_is_treated_as_withdraw(pair):
    """RFC 7606: a wrong ORIGIN withdraws the route that stood there and leaves the session up; the log shows what it was."""
    rd = bgp.rd(1, ip="192.0.2.2")
    good = bgp.upd([bgp.mpr(bgp.t2(rd, MAC))] + bgp.base() + [bgp.EC])
    bad = bgp.upd([bgp.mpr(bgp.t2(rd, MAC)), bgp.att(0x40, 1, b"\7"), bgp.ASP0, bgp.LP, bgp.EC])
    with pair.speaker() as s:
        s.establish()
        s.send(good)
        pair.wait_for(lambda: pair.evpnd.routes("--type", "2"), "the route is there")
        s.send(bad)
        pair.wait_for(lambda: not pair.evpnd.routes("--type", "2"), "it is withdrawn")
        assert pair.evpnd.established(pair.r2.address)
        pair.wait_for(lambda: "ORIGIN" in pair.evpnd.log(), "the log names the attribute")
        last = pair.evpnd.neighbor(pair.r2.address)["last_malformed"]
        assert (last["code"], last["subcode"]) == (3, 6) and last["message"] == bad[:128].hex()
        text = pair.evpnd.ctl("show", "neighbors", pair.r2.address).stdout
        assert "3/6" in text and bad[:64].hex() in text.replace("\n", "").replace(" ", ""), text
        s.send(good)
        pair.wait_for(lambda: pair.evpnd.routes("--type", "2"), "the route is back")


def test_withdrawn_with_the_session(pair):
    rd = bgp.rd(1, ip="192.0.2.2")
    with pair.speaker() as s:
        s.establish()
        s.send(bgp.upd([bgp.mpr(b"".join(bgp.t2(rd, MAC[:5] + bytes([k])) for k in range(50)))] + bgp.base() + [bgp.EC]))
        pair.wait_for(lambda: len(pair.evpnd.routes("--type", "2")) == 50, "50 routes of one UPDATE")
        assert len(pair.evpnd.keys()) == 50
        assert pair.evpnd.neighbor(pair.r2.address)["prefixes_received"] == 50
    pair.wait_for(lambda: not pair.evpnd.routes(), "no routes without the session")


def test_evpnd_connects_and_resolves_a_real_collision(lab):
    """Both connect at once, many times over: it always ends in one session (RFC 4271 section 6.8)."""
    r1, r2 = lab.fabric("r1", "r2")
    e = [Evpnd(n, evpnd.conf(n, 65000, [(other.address, 65000)], vnis=())) for n, other in ((r1, r2), (r2, r1))]
    for _ in range(5):
        lab.wait_for(lambda: e[0].established(r2.address) and e[1].established(r1.address), "one session", 20)
        for k in (0, 1):
            e[k].ctl("neighbor", (r2, r1)[k].address, "clear")
    lab.wait_for(lambda: e[0].established(r2.address) and e[1].established(r1.address), "one session at the end", 20)


def test_daemon_at_rest_does_not_wake_up(lab):
    """With every session up nothing is polled: only a keepalive, each 30 s, may come in between."""
    def switches():
        with open("/proc/%s/status" % pid) as f:
            return int(next(line for line in f if line.startswith("voluntary")).split()[1])

    r1, r2 = lab.fabric("r1", "r2")
    e = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], vnis=())) for n, o in ((r1, r2), (r2, r1))]
    lab.wait_for(lambda: e[0].established(r2.address) and e[1].established(r1.address), "the session is up", 20)
    pid = e[0].show("version")["pid"]
    time.sleep(4)  # what follows a new session
    before = switches()
    time.sleep(10)  # the time that is measured
    assert switches() - before <= 2
