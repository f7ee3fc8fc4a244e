# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnctl capture: packets of a VNI before and after encapsulation, read by tshark."""
import os

import pytest

from evlab.run import run
from test_vtep import MAC2, Pair, transfer

IN, OUT = "0x00000001", "0x00000002"


def read(path, *fields, filter=""):
    """Rows of these fields of the packets that the filter lets through."""
    argv = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=|"] + [x for f in fields for x in ("-e", f)]
    out = run(argv + (["-Y", filter] if filter else [])).stdout
    return [tuple(line.split("|")) for line in out.splitlines()]


def no_arp(p):
    """What is to be seen is what is sent: the hosts ask nobody whether the other is still there."""
    for h, other in ((p.h1, p.h2), (p.h2, p.h1)):
        h.ip("neigh replace %s lladdr %s dev %s nud permanent" % (other.ip4, other.mac, h.dev))


def test_a_ping_is_seen_four_times_on_its_way(lab):
    """Each of request and reply at the port, and in the underlay's packet, with what it is and where it went."""
    p = Pair(lab, "kernel").reach()
    no_arp(p)
    path = lab.path("ping.pcapng")
    capture = p.r1.start("capture", p.e1.argv("capture", "--vni", "100", "--host", "10.0.0.1", "--count", "8", path))
    lab.wait_for(lambda: os.path.exists(path), "the capture begins")
    assert p.h1.ping("10.0.0.2", 2)
    lab.wait_for(lambda: not capture.alive(), "eight packets are there")
    assert "4 frames at ports, 4 packets of the underlay, 0 lost" in capture.tail()
    rows = read(path, "frame.interface_name", "frame.packet_flags_direction", "frame.comment", "icmp.type", "vxlan.vni", "ip.src",
                "udp.dstport")
    vtep = p.r2.address
    assert sorted(set(rows)) == sorted({
        ("vni100", IN, "from port h1", "8", "", "10.0.0.1", ""),
        ("underlay", OUT, "to VTEP " + vtep, "8", "100", p.v1 + ",10.0.0.1", "4789"),
        ("underlay", IN, "from VTEP " + vtep, "0", "100", vtep + ",10.0.0.2", "4789"),
        ("vni100", OUT, "to port h1", "0", "", "10.0.0.2", "")}) and len(rows) == 8
    assert not read(path, "frame.number", filter="ip.checksum.status == 0 || _ws.malformed")


@pytest.mark.kernel
def test_where_the_kernel_forwards(lab):
    """The same at its vxlan device and underlay; its checksums are whole there."""
    p = Pair(lab, "kernel").reach()
    no_arp(p)
    path = lab.path("kernel.pcapng")
    capture = p.r2.start("capture", p.e2.argv("capture", "--vni", "100", "--host", "10.0.0.1", "--count", "8", path))
    lab.wait_for(lambda: os.path.exists(path), "the capture begins")
    assert p.h1.ping("10.0.0.2", 2)
    lab.wait_for(lambda: not capture.alive(), "eight packets are there")
    rows = read(path, "frame.interface_name", "frame.packet_flags_direction", "frame.comment", "icmp.type", "vxlan.vni", "ip.src",
                "udp.dstport")
    assert sorted(set(rows)) == sorted({
        ("underlay", IN, "from VTEP " + p.v1, "8", "100", p.v1 + ",10.0.0.1", "4789"),
        ("vni100", IN, "from port vxlan100", "8", "", "10.0.0.1", ""),
        ("vni100", OUT, "to port vxlan100", "0", "", "10.0.0.2", ""),
        ("underlay", OUT, "to VTEP " + p.v1, "0", "100", p.v2 + ",10.0.0.2", "4789")}) and len(rows) == 8
    in_time = sorted((float(t), *where) for t, *where in read(path, "frame.time_epoch", "frame.interface_name", "frame.packet_flags_direction"))
    assert [tuple(where) for _, *where in in_time] == 2 * [("underlay", IN), ("vni100", IN), ("vni100", OUT), ("underlay", OUT)]
    p.e2.reload(p.e2.config.replace("vni: 100", "vni: 101"))


def test_of_ipv6_and_of_one_mac(lab):
    """Another host's frames are not in it. The source port is the real one."""
    p = Pair(lab, "userspace", v6=True).reach()
    path, other = lab.path("v6.pcapng"), lab.path("other.pcapng")
    one = p.r1.start("capture", p.e1.argv("capture", "--vni", "100", "--host", MAC2, "--count", "16", path))
    lab.wait_for(lambda: os.path.exists(path), "the capture begins")
    assert p.e1.ctl("capture", "--vni", "100", other, check=False).stderr.strip().endswith("a capture of VNI 100 is under way")
    p.h1.ping(p.h2.ip6, 4)
    lab.wait_for(lambda: not one.alive(), "they are there")
    for src, dst in read(path, "eth.src", "eth.dst"):
        assert MAC2 in src.split(",") + dst.split(",")
    assert {r[0].split(",")[0] for r in read(path, "ipv6.src", filter="vxlan")} == {p.v1, p.v2}
    assert all(int(port) >= 49152 for port, in read(path, "udp.srcport", filter="vxlan"))
    # A host that is not there: nothing, for a second.
    assert p.e1.ctl("capture", "--vni", "100", "--host", "02:00:00:00:00:99", "--seconds", "1", other).stdout == \
        "0 frames at ports, 0 packets of the underlay, 0 lost\n"
    assert read(other, "frame.number") == []


def test_traffic_is_not_held_up_by_who_does_not_read(lab):
    """The reader stops; 32 MiB go by; what was lost is counted, and the next capture works."""
    p = Pair(lab, "userspace").reach()
    path = lab.path("much.pcapng")
    capture = p.r1.start("capture", p.e1.argv("capture", "--vni", "100", path))
    lab.wait_for(lambda: os.path.exists(path), "the capture begins")
    capture.send(19)  # SIGSTOP
    transfer(lab, p.h2, p.h1, p.h2.ip4, 32 << 20)
    capture.send(18)
    lab.wait_for(lambda: os.path.getsize(path) > 100000, "it goes on")
    p.h1.ping("10.0.0.2")
    assert capture.stop(2) == 0
    words = capture.tail().split()
    assert int(words[0]) > 0 and int(words[-2]) > 0, words
    assert read(path, "frame.number")


@pytest.mark.kernel
def test_what_stands_in_the_way_is_said(lab):
    p = Pair(lab, "kernel")
    for e, argv, status, words in (
            (p.e1, ["--vni", "7", "/dev/null"], 1, "VNI 7 is not configured"),
            (p.e1, ["--vni", "100", "--host", "nobody", "/dev/null"], 2, "expected a MAC or an IP address"),
            (p.e1, ["--vni", "100", "--count", "1", "/nosuch/file"], 1, "/nosuch/file: No such file"),
            (p.e1, ["--vni", "100"], 2, "capture needs FILE")):
        out = e.ctl("capture", *argv, check=False)
        assert out.returncode == status and words in out.stderr, out.stderr


def test_a_capture_ends_with_its_vni(lab):
    p = Pair(lab, "kernel").reach()
    path = lab.path("end.pcapng")
    capture = p.r1.start("capture", p.e1.argv("capture", "--vni", "100", path))
    lab.wait_for(lambda: os.path.exists(path), "the capture begins")
    p.e1.reload(p.e1.config.replace("vni: 100", "vni: 101"))
    lab.wait_for(lambda: not capture.alive(), "it ends")
    assert "the capture broke off" in capture.tail()
