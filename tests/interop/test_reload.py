# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Any number of reloads ends where a fresh start with the last file ends: what is shown, what is advertised, devices and rows.

    [was]  evpnd, reloaded a few times  --- GoBGP with routes of four VNIs
    [new]  evpnd, started with the last --- GoBGP with the same

Two fabrics of the same addresses. RELOAD_RUNS says how many seeds, SEED the first one.
"""
import difflib
import json
import os
import random
import time

import pytest

from evlab import Evpnd, Gobgp, Lab, gobgp, seeds

VNIS = (100, 101, 102, 103)
PORTS = ("pa", "pb", "pc", "pd")
FAR, FARTHER = "192.0.2.3", "192.0.2.4"
RUNS = int(os.environ.get("RELOAD_RUNS", "2"))


class World:
    """Everything but evpnd: ports a to d with a host's MAC behind each, and GoBGP."""

    def __init__(self, lab):
        self.lab = lab
        self.r1, rr = lab.fabric("r1", "rr")
        for port in PORTS:
            self.r1.ip("link add dev %s type veth peer name %sh" % (port, port))
            self.r1.ip("link set %s addrgenmode none up" % port)
            self.r1.ip("link set %sh addrgenmode none up" % port)
        g = Gobgp(rr, gobgp.conf(65000, rr.address, [(self.r1.address, 65000)]))
        for vni in VNIS:
            for far in (FAR, FARTHER):
                common = ["rd", "%s:%d" % (far, vni), "rt", "65000:%d" % vni, "encap", "vxlan", "nexthop", far]
                g.add("multicast", far, "etag", "0", *common, "pmsi", "ingress-repl", str(vni), far)
                for k in (1, 2):
                    g.add("macadv", mac(vni, k, far), "10.0.%d.%d" % (vni, k + 10 * int(far[-1])), "esi", "0", "etag", "0", "label", str(vni),
                          *common)
        self.evpnd = None

    def start(self, config):
        """As on a host that has never seen an evpnd."""
        if not self.evpnd:
            self.evpnd = Evpnd(self.r1, config)
            return
        self.evpnd.stop()
        for kind in ("vxlan", "bridge"):
            for link in self.r1.ip_json("link show type " + kind):
                self.r1.ip("link del dev " + link["ifname"])
        self.r1.ip("nexthop flush")
        self.evpnd.configure(config)
        self.evpnd.start()

    def snapshot(self):
        """All that must be the same, as text."""
        e, lines = self.evpnd, []

        def put(what, rows, *without):
            for row in rows:
                lines.append(what + " " + json.dumps({k: v for k, v in row.items() if k not in without}, sort_keys=True))
        for n in e.show("neighbors"):
            lines.append("neighbor %s %s %s %s" % (n["address"], n["state"], n["prefixes_received"], n["prefixes_sent"]))
        put("vni", e.show("vni"))
        put("mac", e.show("mac"), *CHANGING)
        put("arp", e.show("arp"), *CHANGING)
        put("fdb", e.fdb(owner="evpnd"), *CHANGING)
        put("port", e.show("ports"), *CHANGING)
        put("route", e.routes("--best"), *CHANGING)
        lines += ["config " + line for line in e.ctl("show", "config").stdout.splitlines()]
        lines += [device(link) for link in self.r1.ip_json("link show")]
        for d in {link["ifname"] for link in self.r1.ip_json("link show type vxlan")}:
            lines += ["row %s %s" % (d, json.dumps(self.to(r), sort_keys=True)) for r in self.r1.fdb(d)
                      if "dst" in r or "nhid" in r or "extern_learn" in r["flags"]]
        lines += ["neigh " + line for line in self.r1.ip("neigh show proto 179").splitlines()]
        lines += ["via " + n["gateway"] for n in self.r1.ip_json("nexthop list") if "gateway" in n]
        return sorted(lines)

    def to(self, row):
        row.pop("ifindex", None)
        if "nhid" in row:
            row["dst"] = self.r1._nexthop(row.pop("nhid"))
        return row


CHANGING = ("uptime_s", "state_s", "age_s", "changed_s")


def mac(vni, k, far):
    return "02:00:00:%02x:%02x:%s" % (vni, k, "0" + far[-1])


def device(link):
    """What evpnd decides of a device: none of what the kernel gives it."""
    info = link.get("linkinfo", {})
    data, port = info.get("info_data", {}), info.get("info_slave_data", {})
    keep = {k: data.get(k) for k in ("id", "group", "local", "local6", "port", "learning", "proxy", "rsc", "l2miss", "l3miss", "ageing")}
    keep.update({k: port.get(k) for k in ("learning", "neigh_suppress", "flood", "mcast_flood", "bcast_flood", "isolated")})
    return "device %s %s master %s mtu %s up %s %s" % (link["ifname"], info.get("info_kind"), link.get("master"), link["mtu"],
                                                       "UP" in link["flags"], json.dumps(keep, sort_keys=True))


def some(r, **choices):
    """Each key now and then, with one of its values."""
    return ["%s: %s" % (k.replace("_", "-"), r.choice(v)) for k, v in choices.items() if r.random() < 0.3]


def vni_text(r, vni, ports):
    keys = ["vni: %d" % vni]
    mode = r.choice(["evpn"] * 4 + ["static-l2", "static-flood", "multicast"])
    if mode != "evpn":
        keys.append("mode: " + mode)
    if mode == "multicast":
        keys.append("group: 239.1.1.%d" % r.randint(1, 2))
    elif mode == "static-flood" or r.random() < 0.3:
        keys.append("flood: " + r.choice(["[192.0.2.7]", "[192.0.2.7, 192.0.2.8]"]))
    if mode == "static-l2":
        keys.append('hosts: [{mac: "02:00:00:00:%02x:77", ip: 10.0.9.%d, vtep: 192.0.2.%d}]' % (vni, vni, r.randint(7, 8)))
    if mode == "evpn":
        keys += some(r, import_=['[auto, "65000:103"]', '["65000:100"]']) + some(r, export=['["65000:9"]'], rd=["192.0.2.1:%d" % (vni + 1000)])
        keys += ["flood-control: off"] if not any(k.startswith("flood") for k in keys) and r.random() < 0.2 else []
        keys += some(r, mac_limit=[1, 100], host_learning=["false"])
    keys += some(r, bridge=["brx%d" % vni], vxlan=["vx%d" % vni], vxlan_port=[4790, 8472], arp_suppression=["false"], unknown_unicast=["drop"])
    mine = [p for p in list(ports) if r.random() < 0.4]
    for p in mine:
        ports.remove(p)
    return "  - {%s, ports: [%s]}\n" % (", ".join(keys).replace("import-:", "import:"), ", ".join(mine))


def config(r):
    text = "asn: 65000\nrouter-id: 192.0.2.1\nvtep: 192.0.2.1\n"
    text += "".join(line + "\n" for line in some(r, log=["{level: debug}"], memory_limit=[100], restart=["{rows: flush}"]))
    neighbor = ['address: 192.0.2.2', 'asn: 65000', "hold-time: 30"] + some(r, description=["x", "y"], max_prefixes=[1000], families=["[evpn, rtc]"])
    text += "neighbors:\n  - {%s}\n" % ", ".join(neighbor)
    if r.random() < 0.3:
        text += "  - {address: 192.0.2.99, asn: 65000, passive: true}\n"
    ports = list(PORTS)
    r.shuffle(ports)
    vnis = [vni_text(r, vni, ports) for vni in VNIS if r.random() < 0.7]
    r.shuffle(vnis)
    return text + ("vnis:\n" + "".join(vnis) if vnis else "")


def same(lab, was, new):
    """Polls until both are the same; the difference if they do not become so."""
    end = time.monotonic() + 30
    while True:
        a, b = was.snapshot(), new.snapshot()
        if a == b:
            return
        if time.monotonic() > end:
            pytest.fail("\n".join(difflib.unified_diff(a, b, "after the reloads", "after a start", n=0, lineterm="")))
        time.sleep(0.2)


@pytest.fixture
def worlds(lab):
    other = Lab(lab.dataplane)
    try:
        yield World(lab), World(other)
    finally:
        wrong = other.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.kernel
@pytest.mark.seconds(60 + 60 * RUNS)
def test_reloads_end_where_a_start_ends(lab, worlds):
    was, new = worlds
    for seed in seeds(RUNS):
        r = random.Random(seed)
        files = [config(r) for _ in range(r.randint(2, 6))]
        for text in files:
            print("---\n" + text)
            was.evpnd.reload(text) if was.evpnd else was.start(text)
            time.sleep(r.choice([0, 0, 0.05, 0.3, 1]))
        new.start(files[-1])
        same(lab, was, new)
