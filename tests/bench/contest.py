# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Who is measured, how a daemon and its load are set up, how results of rounds become figures."""
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import evlab  # noqa: E402
from evlab import gobgp  # noqa: E402
from evlab.evpnd import BUILD  # noqa: E402
from evlab.frr import bgp_conf  # noqa: E402

LOAD = os.path.join(BUILD, "tests/bench/bench_load")
WRITE = os.path.join(BUILD, "tests/bench/bench_write")
ROWS = os.path.join(BUILD, "tests/bench/bench_rows")
TARGET, FEED = "192.0.2.1", "192.0.2.2"
SINKS = "10.99.0.0/16"  # all of it is local on the load's node


class Unfinished(Exception):
    """A contestant did not get there in time; that is a result too, and no reason to end the run."""


class EvpndUnderTest:
    name = "evpnd"
    octets_per_route = 200  # what it will take at most, about: so much memory is warmed before (bench_load --warm)

    def __init__(self, node, neighbors, client=False, vnis=(), dataplane=None, load=None):
        dataplane = dataplane or (None if vnis else "none")
        lines = ["asn: 65001", "router-id: %s" % node.address, "log: {level: warn}"]
        lines += ["vtep: %s" % node.address, "vnis: [%s]" % ", ".join("{vni: %d}" % v for v in vnis)] if vnis else []
        lines += ["dataplane: %s" % dataplane] if dataplane else []
        lines += ["neighbors:"] + ["  - {address: %s, asn: 65001, passive: true, route-reflector-client: %s}" % (n, str(client).lower())
                                   for n in neighbors]
        self.daemon = evlab.Evpnd(node, "\n".join(lines) + "\n")

    def pids(self):
        return [self.daemon.process.pid]

    def ctl(self, *argv):
        """The shell command that asks it."""
        return " ".join([os.path.join(BUILD, "evpnctl"), "-s", self.daemon.socket, *argv])


class FrrUnderTest:
    name = "FRR"
    octets_per_route = 1300

    def __init__(self, node, neighbors, client=False, vnis=(), dataplane=None, load=None):
        for v in vnis:
            node.vxlan(v, node.address)
        more = ["af route-reflector-client"] if client else []
        self.daemon = evlab.Frr(node, bgp_conf(65001, node.address, [(n, 65001, ["passive"] + more) for n in neighbors]))

    def pids(self):
        return [self.daemon.bgpd.pid, self.daemon.zebra.pid]

    def last_words(self):
        return (self.daemon.zebra.tail(1000).strip().splitlines() or [""])[-1]


class GobgpUnderTest:
    name = "GoBGP"
    octets_per_route = 3000

    def __init__(self, node, neighbors, client=False, vnis=(), dataplane=None, load=None):
        extra = "[neighbors.transport.config]\npassive-mode = true\n"
        if client:
            extra += "[neighbors.route-reflector.config]\nroute-reflector-client = true\nroute-reflector-cluster-id = \"%s\"\n" % node.address
        self.daemon = evlab.Gobgp(node, gobgp.conf(65001, node.address, [(n, 65001, extra) for n in neighbors]))

    def pids(self):
        return [self.daemon.process.pid]


class WriteUnderTest:
    """No daemon: a loop that write()s the same load to the same sockets."""
    name = "write"
    octets_per_route = 100

    def __init__(self, node, neighbors, client=False, vnis=(), dataplane=None, load=None):
        argv = [WRITE, "--feed", FEED] + [str(x) for k in ("routes", "vteps", "vnis") for x in ("--" + k, load[k])]
        self.process = node.start("write", argv)
        evlab.wait_for(lambda: ":179" in node.run("ss", "-Hltn").stdout, 20, "bench_write listens")

    def pids(self):
        return [self.process.pid]


class RawUnderTest:
    """No daemon: a loop that writes the rows of the load (bench_rows), beside the same listeners."""
    name = "raw writer"


def measured(node, *argv, timeout=150):
    argv = [str(a) for a in argv]
    p = node.run(*argv, check=False, timeout=timeout) if node else subprocess.run(argv, capture_output=True, text=True, timeout=timeout)
    if p.returncode:
        raise Unfinished(p.stderr.strip() or "%s: exit status %d" % (argv[0], p.returncode))
    return json.loads(p.stdout)


def sink_address(i):
    return "10.99.%d.%d" % ((i + 1) // 256, (i + 1) % 256)


class Loaded:
    """A daemon and, beside it, a node whose addresses are the load's sessions. Use as a context."""

    def __init__(self, contestant, sinks=0, client=True, vnis_here=(), dataplane=None, **load):
        self.lab, self.sinks, self.contestant = evlab.Lab(), sinks, contestant
        self.load = dict({"routes": 100000, "vteps": 100, "vnis": 10}, **load)
        try:
            self._start(contestant, client, vnis_here, dataplane)
        except BaseException:
            self.lab.close()
            raise

    def _start(self, contestant, client, vnis, dataplane):
        self.dut, self.node = self.lab.fabric("dut", "load")
        self.node.ip("route add local %s dev lo" % SINKS)
        self.dut.ip("route add %s via %s" % (SINKS, FEED))
        self.dut.ip("route add 198.18.0.0/15 dev eth0")  # FRR uses a route only when its next hop is reachable
        neighbors = [FEED] + [sink_address(i) for i in range(self.sinks)]
        self.daemon = contestant(self.dut, neighbors, client=client, vnis=vnis, dataplane=dataplane, load=self.load)
        time.sleep(1)  # FRR takes its VNI up after a while, and says so nowhere that both have

    def undisturbed(self):
        """What its turns take must not be what other programs of the machine take: it goes before them."""
        for p in self.daemon.pids():
            os.sched_setscheduler(p, os.SCHED_FIFO, os.sched_param(1))

    def run(self, *words, timeout=60):
        """bench_load with these options and phases: its result, with the (last) phase of each name in "by_name"."""
        argv = [LOAD, "--target", TARGET, "--feed", FEED, "--timeout", timeout]
        argv += [x for k, v in self.load.items() for x in (("--" + k.replace("_", "-"),) if v is True else ("--" + k.replace("_", "-"), v))]
        argv += ["--warm", self.load["routes"] * self.contestant.octets_per_route >> 20]
        argv += ["--sinks", self.sinks, "--first-sink", sink_address(0)] if self.sinks else []
        argv += [x for p in self.daemon.pids() for x in ("--pid", p)]
        try:
            result = measured(self.node, *argv, *words, timeout=timeout + 30)
        except Unfinished as e:
            last = getattr(self.daemon, "last_words", str)()
            raise Unfinished("%s; %s" % (e, last) if last else str(e)) from e
        result["by_name"] = {p["name"]: p for p in result["phases"]}
        return result

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.lab.close()


def figure(values):
    """Median (minimum..maximum)."""
    values = [v for v in values if v is not None]
    if not values:
        return "-"
    if len(values) == 1:
        return "%.4g" % values[0]
    return "%.4g (%.4g..%.4g)" % (statistics.median(values), min(values), max(values))


def ratio(ours, theirs):
    if not ours or not theirs or not statistics.median(theirs):
        return "-"
    return "%.3g" % (statistics.median(ours) / statistics.median(theirs))
