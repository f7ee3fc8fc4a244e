# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The vectors against a running evpnd: malformed messages one by one, and recorded sessions played back.

    [r1 evpnd, AS 65001, passive] 192.0.2.1 ==== switch ==== 192.0.2.2 (iBGP), .12 (eBGP), .13 (eBGP, 2-octet AS) [r2 tester]
"""
import json
import os
import subprocess
import sys
import time

import pytest

from evlab import Evpnd
from evlab.evpnd import BUILD, TOP
from evlab.run import wait_for
from evlab.speaker import Speaker

VECTORS = os.path.join(TOP, "tests", "vectors")
TOOLS = os.path.join(VECTORS, "tools")
PYTHON = "/usr/bin/python3"
sys.path.insert(0, TOOLS)
import play  # noqa: E402
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


def meaning(messages, as4):
    """{key: (NLRI, next hop, {code: value})} of what these UPDATEs leave, as the independent decoder reads them."""
    rib = {}
    for m in messages:
        attributes = {a["code"]: a["value"] for a in refdec.decode(m, as4)["attributes"] if "value" in a}
        reach, unreach = attributes.pop(14, {}), attributes.pop(15, {})
        for n in unreach.get("nlri", []):
            rib.pop(play.key(n), None)
        for n in reach.get("nlri", []):
            if isinstance(n, dict) and play.key(n):
                rib[play.key(n)] = (n["hex"], reach["next_hop"], attributes)
    return rib


def passed_on(route, internal, as4, sender, ours):
    """The same after evpnd, a reflector, has passed it on."""
    nlri, next_hop, attributes = route
    attributes = {code: value for code, value in attributes.items() if as4 or code not in (2, 7, 17, 18)}
    if internal:  # RFC 4456 8
        attributes.setdefault(9, sender)
        attributes[10] = [ours] + attributes.get(10, [])
    else:
        attributes[5] = 100
    return nlri, next_hop, attributes


def listen(speaker, done):
    """The UPDATEs that come until done(them), or for 10 s."""
    updates = []
    end = time.monotonic() + 10
    while time.monotonic() < end:
        m = speaker.recv(0.1)
        if m and m[18] == 2:
            updates.append(m)
        elif not m and done(updates):
            break
    return updates


@pytest.mark.parametrize("scenario, sender, mine, other", sides())
def test_recorded_session(lab, scenario, sender, mine, other):
    """evpnd's Adj-RIB-In after the last UPDATE is what the independent decoder makes of them, and so is what it passes on."""
    path = os.path.join(VECTORS, "sessions", scenario)
    command = [PYTHON, "-B", os.path.join(TOOLS, "play.py"), "--session", path, "--as", sender]
    expected = set(subprocess.run(command + ["--expect"], capture_output=True, text=True, check=True, timeout=60).stdout.split())
    internal, as4_session = asn_of(other) == asn_of(mine), as4(mine) is not None
    r3, r2, r1 = lab.fabric("r3", "r2", "r1")  # recorded next hops are 192.0.2.1 and .2, which must not be evpnd's own
    client = ", route-reflector-client: true"
    e = Evpnd(r1, "asn: %d\nrouter-id: 198.51.100.77\ndataplane: none\nneighbors:\n  - {address: %s, asn: %d, passive: true%s}\n"
              "  - {address: %s, asn: %d, passive: true%s}\n" % (asn_of(other), r2.address, asn_of(mine), client if internal else "",
                                                               r3.address, asn_of(other), client))
    sink = Speaker(r3, r1.address, asn_of(other)).establish()
    player = r2.start("play", command + ["--dst", r1.address, "--src", r2.address, "--speed", "50", "--hold", "60"])
    wait_for(lambda: e.established(r2.address) or not player.alive(), 10, "the session is up")
    try:
        wait_for(lambda: e.keys() == expected, 40, "the keys are those expected")
    except AssertionError:
        got = e.keys()
        raise AssertionError("missing: %s\nnot expected: %s\nplayer: %s" % (sorted(expected - got), sorted(got - expected), player.tail()))
    assert e.established(r2.address)
    with open(os.path.join(path, "messages.hex")) as f, open(os.path.join(path, "session.json")) as g:
        said = [(m, bytes.fromhex(h)) for m, h in zip(json.load(g)["messages"], f.read().split()) if m["src"] == sender]
    conns = [m["conn"] for m, raw in said if raw[18] == 2]
    conn = max(sorted(set(conns)), key=conns.count)
    source = meaning([raw for m, raw in said if m["conn"] == conn and raw[18] == 2], as4_session)
    assert set(source) == expected
    looped = {k for k, r in source.items() if asn_of(other) in [asn for s in r[2].get(2, []) for asn in s["asns"]]}
    with sink:
        got = meaning(listen(sink, lambda u: set(meaning(u, True)) == expected - looped), True)
    assert set(got) == expected - looped, "all are passed on, but those with our own AS in their path (RFC 4271 9.1.2)"
    sender_id = refdec.decode(mine)["bgp_id"]
    wrong = []
    for key in sorted(got):
        want = passed_on(source[key], internal, as4_session, sender_id, "198.51.100.77")
        is_ = got[key][0], got[key][1], {c: v for c, v in got[key][2].items() if as4_session or c not in (2, 7, 17, 18)}
        if is_ != want:
            wrong.append("%s: %s\n    should be %s" % (key, is_, want))
    assert not wrong, "\n".join(wrong)
