# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The vectors against a running evpnd: malformed messages one by one, and recorded sessions played back.

    [r1 evpnd, AS 65001, passive] 192.0.2.1 ==== switch ==== 192.0.2.2 (iBGP), .12 (eBGP), .13 (eBGP, 2-octet AS) [r2 tester]
"""
import json
import os
import subprocess
import sys

import pytest

from evlab import Evpnd
from evlab.evpnd import BUILD, TOP
from evlab.run import wait_for

VECTORS = os.path.join(TOP, "tests", "vectors")
TOOLS = os.path.join(VECTORS, "tools")
PYTHON = "/usr/bin/python3"
sys.path.insert(0, TOOLS)
import refdec  # noqa: E402
import score  # noqa: E402

SHARES = 6  # the cases are dealt out, so that they run beside each other
CONF = """
asn: 65001
router-id: 192.0.2.1
dataplane: none
neighbors:
  - {address: 192.0.2.2, asn: 65001, passive: true, route-reflector-client: true}
  - {address: 192.0.2.12, asn: 65002, passive: true, role: provider}
  - {address: 192.0.2.13, asn: 65002, passive: true}
"""

with open(os.path.join(VECTORS, "malformed", "cases.json")) as f:
    CASES = json.load(f)


@pytest.mark.seconds(400)
@pytest.mark.parametrize("share", range(SHARES))
def test_malformed_messages(lab, share):
    """Each case: the reaction is the RFC's or a defensible one that the case names, code and subcode are right."""
    r1, r2 = lab.fabric("r1", "r2")
    for k in (12, 13):
        r2.ip("addr add 192.0.2.%d/24 dev eth0" % k)
    e = Evpnd(r1, CONF)
    cases = CASES[share::SHARES]
    with open(lab.path("cases.json"), "w") as f:
        json.dump(cases, f)
    r2.run(PYTHON, "-B", os.path.join(TOOLS, "bad_replay.py"), "--speaker", "--cases", lab.path("cases.json"), "--result", lab.path("result.json"),
           "--ribcmd", "%s -s %s show rib --keys" % (os.path.join(BUILD, "evpnctl"), e.socket), "--ribfmt", "keys", timeout=380)
    with open(lab.path("result.json")) as f:
        observed = {o["id"]: o for o in json.load(f)}
    wrong = []
    for c in cases:
        verdict, code_right = score.verdict(c, observed[c["id"]])
        if verdict not in ("main", "alt") or code_right is False:
            wrong.append("%s %s (%s, RFC %s): want %s, got %s" % (
                c["id"], c["title"], c["session"], c["rfc"], c["expect"], {k: v for k, v in observed[c["id"]].items() if k not in ("id", "title", "expect")}))
    assert not wrong, "%d of %d cases:\n%s" % (len(wrong), len(cases), "\n".join(wrong))


def as4(message):
    """The AS number of an OPEN with 4-octet AS (RFC 6793), or None."""
    return next((c["asn"] for c in refdec.decode(message)["capabilities"] if c["code"] == 65), None)


def asn_of(message):
    return as4(message) or refdec.decode(message)["my_as"]


def sides():
    """(scenario, sender, sender's OPEN) of every recorded side that sent UPDATEs which evpnd reads as they were meant."""
    for scenario in sorted(os.listdir(os.path.join(VECTORS, "sessions"))):
        path = os.path.join(VECTORS, "sessions", scenario)
        with open(os.path.join(path, "session.json")) as f:
            meta = json.load(f)["messages"]
        with open(os.path.join(path, "messages.hex")) as f:
            raw = [bytes.fromhex(h) for h in f.read().split()]
        for sender in sorted({m["src"] for m in meta}):
            updates = {}
            for m, r in zip(meta, raw):
                if m["src"] == sender and r[18] == 2:
                    updates[m["conn"]] = updates.get(m["conn"], 0) + 1
            if not updates:
                continue
            conn = max(updates, key=updates.get)  # as play.py chooses
            opens = {m["src"]: r for m, r in zip(meta, raw) if m["conn"] == conn and r[18] == 1}
            mine = opens.pop(sender, None)
            if mine is None or len(opens) != 1:
                continue
            other, = opens.values()
            if as4(mine) is not None and as4(other) is None:
                continue  # its AS_PATHs are in 2 octets because of the recorded receiver, which evpnd is not
            yield pytest.param(scenario, sender, mine, other, id="%s-%s" % (scenario, sender))


@pytest.mark.parametrize("scenario, sender, mine, other", sides())
def test_recorded_session(lab, scenario, sender, mine, other):
    """evpnd's Adj-RIB-In after the last UPDATE is what the independent decoder makes of them."""
    path = os.path.join(VECTORS, "sessions", scenario)
    play = [PYTHON, "-B", os.path.join(TOOLS, "play.py"), "--session", path, "--as", sender]
    expected = set(subprocess.run(play + ["--expect"], capture_output=True, text=True, check=True, timeout=60).stdout.split())
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, "asn: %d\nrouter-id: 198.51.100.77\ndataplane: none\nneighbors:\n  - {address: %s, asn: %d, passive: true}\n" % (
        asn_of(other), r2.address, asn_of(mine)))
    player = r2.start("play", play + ["--dst", r1.address, "--src", r2.address, "--speed", "50", "--hold", "60"])
    wait_for(lambda: e.established(r2.address) or not player.alive(), 10, "the session is up")
    try:
        wait_for(lambda: e.keys() == expected, 40, "the keys are those expected")
    except AssertionError:
        got = e.keys()
        raise AssertionError("missing: %s\nnot expected: %s\nplayer: %s" % (sorted(expected - got), sorted(got - expected), player.tail()))
    assert e.established(r2.address)
