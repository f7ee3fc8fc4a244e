# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Hosts behind several VTEPs (RFC 7432 8): aliasing, backup path, mass withdrawal; traffic that goes on meanwhile.

                          +--- 192.0.2.2 [pe2] br100 --- h9a  02:..:09 10.0.0.9
    h1 --br100 [r1 evpnd] =                                                          one host to r1, on one segment
                          +--- 192.0.2.3 [pe3] br100 --- h9b  02:..:09 10.0.0.9
                          +--- 192.0.2.4 [rr]  GoBGP or ExaBGP, which speaks for both
"""
import ipaddress
import socket
import threading
import time

import pytest

from evlab import Evpnd, Exabgp, Gobgp, gobgp
from evlab import evpnd as evpnd_conf
from evlab.run import in_namespace

ESI = ["MAC", "44:38:39:ff:00:01", "1"]
ESI_TEXT = "03:44:38:39:ff:00:01:00:00:01"
MAC9, RT = "02:00:00:00:00:09", "65000:100"
BOTH = ["192.0.2.2", "192.0.2.3"]


class Speaker:
    """GoBGP at 192.0.2.4, which says what PEs would."""

    def __init__(self, node, router):
        self.g = Gobgp(node, gobgp.conf(65000, node.address, [(router.address, 65000)]))

    def _common(self, pe, number):
        return ["rd", "%s:%d" % (pe, number), "rt", RT, "encap", "vxlan", "nexthop", pe]

    def per_es(self, pe, delete=False):
        self.g.add("a-d", "esi", *ESI, "etag", "4294967295", "label", "0", *self._common(pe, 1), "esi-label", "0", delete=delete)

    def per_evi(self, pe, delete=False):
        self.g.add("a-d", "esi", *ESI, "etag", "0", "label", "100", *self._common(pe, 100), delete=delete)

    def mac(self, pe, mac=MAC9, ip="0.0.0.0", delete=False):
        self.g.add("macadv", mac, ip, "esi", *ESI, "etag", "0", "label", "100", *self._common(pe, 100), delete=delete)

    def es(self, pe):
        self.g.add("esi", pe, "esi", *ESI, "rd", "%s:1" % pe, "rt", "65000:1", "encap", "vxlan", "nexthop", pe)


class Fabric:
    def __init__(self, lab, dataplane="kernel", speaker=Speaker):
        self.lab = lab
        self.r1, self.pe2, self.pe3, self.rr = lab.fabric("r1", "pe2", "pe3", "rr")
        self.pes = [self.pe2, self.pe3]
        self.h1 = lab.host("h1", 1).plug(self.r1)
        self.h9 = []
        for pe, name in zip(self.pes, ("h9a", "h9b")):
            pe.vxlan(100, pe.address)
            self.h9.append(lab.host(name, 9).plug(pe, "br100"))
            pe.bridge("fdb append 00:00:00:00:00:00 dev vxlan100 dst " + self.r1.address)
        self.evpnd = Evpnd(self.r1, evpnd_conf.conf(self.r1, 65000, [(self.rr.address, 65000)], ports=["h1"], more="dataplane: %s\n" % dataplane))
        self.speaker = speaker(self.rr, self.r1)
        lab.wait_for(lambda: self.evpnd.established(self.rr.address), "the session is up", 20)

    def vteps(self, mac=MAC9):
        m = self.evpnd.mac(100, mac)
        return m and m["vteps"]

    def goes_to(self, vteps, mac=MAC9):
        def there():
            rows = [r for r in self.evpnd.fdb(mac=mac) if r["table"] in ("vxlan", "vtep") and r["desired"] and r["observed"]]
            return self.vteps(mac) == vteps and [r["vteps"] for r in rows] == ([vteps] if vteps else [])
        self.lab.wait_for(there, "frames to %s go to %s" % (mac, vteps))

    def nexthops(self):
        """All of the kernel's objects, by where they lead."""
        nh = {n["id"]: n for n in self.r1.ip_json("nexthop list")}
        return sorted(["to", n["gateway"]] if "gateway" in n else ["group", *(nh[m["id"]]["gateway"] for m in n["group"])] for n in nh.values())

    def kernel_group(self, mac=MAC9):
        """The VTEPs that the kernel has for it."""
        nh = {n["id"]: n for n in self.r1.ip_json("nexthop list")}
        row, = [r for r in self.r1.fdb("vxlan100", mac) if "nhid" in r]
        return sorted(nh[m["id"]]["gateway"] for m in nh[row["nhid"]]["group"])


class Stream:
    """Numbered packets from h1 to 10.0.0.9 over many flows, and who got which."""

    FLOWS, RATE = 32, 2000

    def __init__(self, fabric):
        fabric.h1.ip("neigh replace 10.0.0.9 lladdr %s dev %s" % (MAC9, fabric.h1.dev))
        self.out = [in_namespace(fabric.h1, self._sender) for _ in range(self.FLOWS)]
        self.into = [in_namespace(h, self._receiver) for h in fabric.h9]
        self.sent, self.going = 0, True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _sender(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect(("10.0.0.9", 9999))
        return s

    def _receiver(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
        s.bind(("10.0.0.9", 9999))
        s.setblocking(False)
        return s

    def _run(self):
        while self.going:
            for _ in range(self.RATE // 1000):  # never more at once, however late it is: bursts are lost in queues
                self.out[self.sent % self.FLOWS].send(self.sent.to_bytes(8, "big"))
                self.sent += 1
            time.sleep(0.001)

    def stop(self):
        """The numbers that each end got."""
        self.going = False
        self.thread.join()
        time.sleep(0.2)  # for frames that are under way
        got = []
        for s in self.into:
            got.append([])
            try:
                while True:
                    got[-1].append(int.from_bytes(s.recv(64), "big"))
            except BlockingIOError:
                pass
            s.close()
        for s in self.out:
            s.close()
        return got


def announce_all(s):
    for pe in BOTH:
        s.per_es(pe)
        s.per_evi(pe)
    s.mac(BOTH[0])


@pytest.mark.parametrize("dataplane", ["kernel", "userspace"])
def test_members_come_and_go_without_loss(lab, dataplane):
    f = Fabric(lab, dataplane)
    announce_all(f.speaker)
    f.goes_to(BOTH)
    stream = Stream(f)
    for _ in range(5):
        f.speaker.per_es(BOTH[0], delete=True)
        f.goes_to(BOTH[1:])
        f.speaker.per_es(BOTH[0])
        f.goes_to(BOTH)
        f.speaker.per_evi(BOTH[1], delete=True)
        f.goes_to(BOTH[:1])
        f.speaker.per_evi(BOTH[1])
        f.goes_to(BOTH)
    a, b = stream.stop()
    assert sorted(a + b) == list(range(stream.sent)), "%d sent, %d and %d received" % (stream.sent, len(a), len(b))
    assert len(a) > stream.sent // 10 and len(b) > stream.sent // 10, "both carry their share: %d and %d" % (len(a), len(b))


def test_gobgp(lab):
    """What is shown, and what the kernel has, at each step of a segment's life."""
    f = Fabric(lab)
    s = f.speaker
    s.mac(BOTH[0])
    s.mac(BOTH[0], "02:00:00:00:00:0a", "10.0.0.10")
    s.es(BOTH[0])
    lab.wait_for(lambda: f.evpnd.mac(100, MAC9), "the MAC is known")
    m = f.evpnd.mac(100, MAC9)
    assert (m["state"], m["esi"], m["vtep"], m["vteps"]) == ("remote", ESI_TEXT, BOTH[0], []), "no PE stands for the segment yet"
    assert not f.r1.fdb("vxlan100", MAC9)
    assert "no VTEP of its segment" in f.evpnd.ctl("show", "mac").stdout
    for pe in BOTH:
        s.per_es(pe)
        s.per_evi(pe)
    f.goes_to(BOTH)
    f.goes_to(BOTH, "02:00:00:00:00:0a")
    lab.wait_for(lambda: f.kernel_group() == BOTH, "the second VTEP is written, too")
    segment, = f.evpnd.show("segments")
    assert segment == {"vni": 100, "esi": ESI_TEXT, "redundancy": "all-active", "macs": 2, "vteps": BOTH, "pes": [
        {"vtep": pe, "state": "active", "per_es": True, "per_evi": True, "packet_vni": 100} for pe in BOTH]}
    assert f.evpnd.show("segments", "--vni", "100") and not f.evpnd.show("segments", "--vni", "7")
    assert [(v["vtep"], v["macs"]) for v in f.evpnd.show("vtep")] == [(pe, 2) for pe in BOTH]
    assert [r["mac"] for r in f.evpnd.show("mac", "--vtep", BOTH[1])] == [MAC9, "02:00:00:00:00:0a"], "its frames go there, too"
    assert {r["type"] for r in f.evpnd.routes("--rd", BOTH[0] + ":1")} == {1, 4}
    assert "192.0.2.2 active, 192.0.2.3 active" in f.evpnd.ctl("show", "segments").stdout
    group = [r["nhid"] for r in f.r1.fdb("vxlan100", MAC9) if "nhid" in r]
    s.per_es(BOTH[0], delete=True)
    f.goes_to(BOTH[1:])
    lab.wait_for(lambda: f.kernel_group() == BOTH[1:], "the first VTEP is out of it")
    assert [r["nhid"] for r in f.r1.fdb("vxlan100", MAC9) if "nhid" in r] == group, "the same group"
    assert f.evpnd.show("segments")[0]["pes"][0]["state"] == "unused"
    s.per_es(BOTH[1], delete=True)
    f.goes_to([])
    lab.wait_for(lambda: not f.r1.fdb("vxlan100", MAC9), "the kernel has no row of it")
    s.per_es(BOTH[1])
    f.goes_to(BOTH[1:])
    s.mac(BOTH[0], delete=True)
    lab.wait_for(lambda: not f.evpnd.mac(100, MAC9), "the MAC is gone")


@pytest.mark.kernel
def test_restart_keeps_the_set_and_loses_nothing(lab):
    """kill -9: the rows go on without us, and the next evpnd takes them over with the set that they go to. Routes come in any order: with
    some of them the set is another for a moment, and has another group then."""
    f = Fabric(lab)
    announce_all(f.speaker)
    for k in range(10, 20):
        f.speaker.mac(BOTH[0], "02:00:00:00:00:%02x" % k)
    for mac in (MAC9, "02:00:00:00:00:13"):
        f.goes_to(BOTH, mac)
    group, nexthops = f.kernel_group(), f.nexthops()
    stream = Stream(f)
    f.evpnd.kill()
    f.evpnd.start()
    lab.wait_for(lambda: f.evpnd.established(f.rr.address), "the session is up again", 20)
    for mac in (MAC9, "02:00:00:00:00:13"):
        f.goes_to(BOTH, mac)
    a, b = stream.stop()
    assert sorted(a + b) == list(range(stream.sent)), "%d sent, %d and %d received" % (stream.sent, len(a), len(b))
    assert f.kernel_group() == group
    lab.wait_for(lambda: f.nexthops() == nexthops, "as many objects as before", 20)


def test_lost_session_takes_the_segment_with_it(lab):
    f = Fabric(lab)
    announce_all(f.speaker)
    f.goes_to(BOTH)
    f.speaker.g.gobgp("neighbor", f.r1.address, "shutdown")
    lab.wait_for(lambda: not f.evpnd.show("segments") and not f.r1.fdb("vxlan100", MAC9), "nothing of it is left")
    assert not [n for n in f.r1.ip_json("nexthop list") if n.get("protocol") == "179"]


class Exa:
    """ExaBGP, for what GoBGP has no words for: the single-active flag."""

    ESI = bytes.fromhex(ESI_TEXT.replace(":", ""))
    WITH = "extended-community [ 0x0002fde800000064 0x030c000000000008%s ]"

    def __init__(self, node, router):
        self.x = Exabgp(node, 65000, router.address, 65000)

    def _ad(self, pe, number, tag, label, more):
        rd = b"\0\1" + ipaddress.ip_address(pe).packed + number.to_bytes(2, "big")
        return rd + self.ESI + tag.to_bytes(4, "big") + label.to_bytes(3, "big"), pe, self.WITH % more

    def per_es(self, pe):
        self.x.announce(1, *self._ad(pe, 1, 0xffffffff, 0, " 0x0601010000000000"))

    def per_evi(self, pe):
        self.x.announce(1, *self._ad(pe, 100, 0, 100, ""))

    def gone(self, pe):
        self.x.withdraw(1, self._ad(pe, 1, 0xffffffff, 0, "")[0])

    def mac(self, pe):
        rd = b"\0\1" + ipaddress.ip_address(pe).packed + b"\0\x64"
        self.x.announce(2, rd + self.ESI + bytes(4) + b"\x30" + bytes.fromhex(MAC9.replace(":", "")) + b"\0" + b"\0\0\x64", pe, self.WITH % "")


def test_exabgp_single_active(lab):
    f = Fabric(lab, speaker=Exa)
    announce_all(f.speaker)
    f.goes_to(BOTH[:1])
    segment, = f.evpnd.show("segments")
    assert (segment["redundancy"], [p["state"] for p in segment["pes"]]) == ("single-active", ["active", "backup"])
    stream = Stream(f)
    f.speaker.gone(BOTH[0])
    f.goes_to(BOTH[1:])
    so_far = stream.sent
    lab.wait_for(lambda: stream.sent > so_far + 100, "some more are sent")
    a, b = stream.stop()
    assert sorted(a + b) == list(range(stream.sent)) and b, "the backup has taken over without a loss"
