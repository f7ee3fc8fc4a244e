# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Tables of the userspace VTEP while it forwards: one that changes, and a large one beside a small one.

    bench_load, in r2 --BGP--> r1's evpnd: MACs behind 198.18.0.1, which is r2, too
    h1 --frames--> r1 --> r2, by VNI 100; h3 by VNI 101
"""
import json
import os
import statistics
import subprocess
import time

import evlab
from evlab.evpnd import BUILD
from evlab.run import run, wait_for

FLOW, LOAD, LOOKUPS = (os.path.join(BUILD, "tests/bench", x) for x in ("bench_flow", "bench_load", "bench_fdb"))
FED = "passive: true" # r2 has a daemon of its own at that port
SINK = "import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.bind(('198.18.0.1',4789))\nprint('up',flush=True)\nwhile 1: s.recv(9)"


def feed(lab, name, address, vni, routes, *phases):
    lab.r2.ip("addr add %s/24 dev eth0" % address)
    return lab.r2.start(name, [LOAD, "--target", "192.0.2.1", "--feed", address, "--asn", "65000", "--rt-as", "65000", "--hold", "180",
                               "--routes", str(routes), "--vteps", "1", "--vnis", "1", "--first-vni", str(vni), "--timeout", "60", *phases])


def flow(lab, seconds, rate):
    """A paced flow from h1 to h2: (sent, received, the fewest in a tenth of a second as a part of the mean)."""
    server = lab.h2.start("flow", [FLOW, "serve", "7000", "1", str(seconds + 0.5)])
    wait_for(lambda: "up" in server.tail(), 10, "the server listens")
    sent = json.loads(lab.h1.run(FLOW, "udp", "10.0.0.2", "7000", "1", str(seconds), "18", str(rate)).stdout)["packets"]
    server.p.wait(timeout=30)
    server.stopped = True
    got = json.loads(server.tail().strip().splitlines()[-1])
    os.unlink(lab.path("h2-flow.log"))
    return sent, got["packets"], got["slowest"]


def changing(make_lab, o, routes=100000, seconds=4, rate=50000):
    """MACs come and go by BGP while a flow is forwarded at a steady rate."""
    lab = make_lab()
    try:
        more = "dataplane: userspace\n"
        e1 = evlab.Evpnd(lab.r1, evlab.evpnd.conf(lab.r1, 65000, [(lab.r2.address, 65000), ("192.0.2.3", 65000, FED)], ports=["h1"], more=more))
        e2 = evlab.Evpnd(lab.r2, evlab.evpnd.conf(lab.r2, 65000, [(lab.r1.address, 65000)], ports=["h2"], more=more))
        wait_for(lambda: lab.h1.ping("10.0.0.2"), 20, "h1 reaches h2")
        quiet = flow(lab, seconds, rate)
        feeder = feed(lab, "feed", "192.0.2.3", 100, routes, *["announce", "withdraw"] * 40)
        wait_for(lambda: e1.show("vni", "100")["remote_macs"] > 1, 20, "MACs come")
        churn = flow(lab, seconds, rate)
        busy = feeder.alive()
        feeder.stop()
        feeder.stopped = True
        for name, (sent, got, slowest) in (("at rest", quiet), ("%d MACs come and go%s" % (routes, "" if busy else " (ENDED EARLY)"), churn)):
            print("%d packets/s, %s: %d of %d arrived, slowest tenth of a second %.3f of the mean" % (rate, name, got, sent, slowest))
        print("dropped by the VTEPs in all: %s" % [{k: v for k, v in e.drops().items() if v} for e in (e1, e2)])
        return {"changing": {"quiet": quiet, "churn": churn}}
    finally:
        lab.close()


def worker_seconds(daemon):
    total = 0
    base = "/proc/%d/task" % daemon.process.p.pid
    for t in os.listdir(base):
        with open("%s/%s/comm" % (base, t)) as f:
            if not f.read().startswith("vtep-"):
                continue
        with open("%s/%s/schedstat" % (base, t)) as f:
            total += int(f.read().split()[0]) * 1e-9
    return total


def forward(e1, host, vni, seconds):
    """1,000 MACs by turns: frames a second that left, and workers' ns a frame."""
    def count():
        return [t["tx_frames"] for t in e1.show("traffic") if t["scope"] == "vni" and t["vni"] == vni][0], worker_seconds(e1), time.monotonic()
    p = host.start("macs", [FLOW, "macs", "eth0", "1000", str(seconds + 0.5)])
    time.sleep(0.2)
    a = count()
    time.sleep(seconds)
    b = count()
    p.p.wait(timeout=10)
    p.stopped = True
    return (b[0] - a[0]) / (b[2] - a[2]), (b[1] - a[1]) / (b[0] - a[0]) * 1e9


def large(make_lab, o, rounds=5, small=1000, routes=1000000, seconds=0.8):
    """Two VNIs of one daemon, by turns: one knows the 1,000 MACs that frames go to, the other a million more."""
    lab = make_lab()
    try:
        lab.h3 = lab.host("h3", 3).plug(lab.r1)
        lab.r2.ip("addr add 198.18.0.1/15 dev eth0")
        lab.r1.ip("route add 198.18.0.0/15 dev eth0")
        sink = lab.r2.start("sink", ["/usr/bin/python3", "-c", SINK])
        wait_for(lambda: "up" in sink.tail(), 10, "someone listens")
        conf = evlab.evpnd.conf(lab.r1, 65000, [("192.0.2.3", 65000, FED), ("192.0.2.4", 65000, FED)], more="dataplane: userspace\n")
        e1 = evlab.Evpnd(lab.r1, conf.replace("{vni: 100, ports: []}", "{vni: 100, ports: [h1]}") + "  - {vni: 101, ports: [h3]}\n")
        feeders = [feed(lab, "feed%d" % v, a, v, n, "announce", "wait=60000")
                   for a, v, n in (("192.0.2.3", 100, small), ("192.0.2.4", 101, routes))]
        wait_for(lambda: [v["remote_macs"] for v in e1.show("vni")] == [small, routes], 60, "all MACs are there")
        got = [[forward(e1, host, vni, seconds) for host, vni in ((lab.h1, 100), (lab.h3, 101))] for _ in range(rounds)]
        for f in feeders + [sink]:
            f.stop()
            f.stopped = True
    finally:
        lab.close()
    lookups = json.loads(run([LOOKUPS, str(routes)]).stdout)
    rate, ns = ([statistics.median(f(b, a) for a, b in got)] for f in (lambda b, a: b[0] / a[0], lambda b, a: b[1] / a[1]))
    return {"large": {"rate": rate[0], "ns": ns[0], "rounds": got, "lookups": lookups}}


def run_all(make_lab, o, verdict):
    result = {}
    print()
    for part in (changing, large):
        try:
            result.update(part(make_lab, o))
        except (RuntimeError, AssertionError, OSError, subprocess.SubprocessError) as e:
            print("%s: %s" % (part.__name__, e))
    if "changing" in result:
        sent, got, slowest = result["changing"]["churn"]
        verdict("100,000 MACs come and go: packets that arrive", got / sent, 1)
        verdict("  slowest tenth of a second, of that at rest", slowest / max(result["changing"]["quiet"][2], 0.01), 0.95)
    if "large" in result:
        r = result["large"]
        print("1,000 MACs by turns: %s frames/s" % ", ".join("%d/%d" % (a[0], b[0]) for a, b in r["rounds"]))
        verdict("1,000 flows in a table of 1,000,000: frames/s, of 1,000", r["rate"], 0.95)
        verdict("  workers' time a frame, of 1,000", r["ns"], 1.05, most=True)
        verdict("random lookups in it, of the time in 1,000", r["lookups"]["ratio"], 3, most=True)
        verdict("  octets an entry", r["lookups"]["octets_entry"], 96, most=True)
    return result
