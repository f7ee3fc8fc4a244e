# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Wireshark's decoder over octets that a test has: what it makes of each UPDATE, as it names it."""
import struct
import subprocess
import xml.etree.ElementTree as ET

ATTRIBUTE = "bgp.update.path_attribute"


def _pcap(messages):
    """A capture of one direction of a session: IPv4 and TCP without checksums (link type RAW)."""
    out = struct.pack("!IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
    seq = 1
    for i, m in enumerate(messages):
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(m), i & 0xffff, 0, 64, 6, 0, b"\xc0\0\2\1", b"\xc0\0\2\2")
        tcp = struct.pack("!HHIIBBHHH", 179, 40000, seq, 1, 0x50, 0x18, 65535, 0, 0)
        seq += len(m)
        out += struct.pack("!IIII", i, 0, 40 + len(m), 40 + len(m)) + ip + tcp + m
    return out


class Field:
    """A field and what is below it; values are lists, because most things may occur more than once."""
    def __init__(self, element):
        self.element = element

    def below(self, name):
        return [Field(e) for e in self.element.iter("field") if e.get("name") == name]

    def shown(self, name):
        return [f.element.get("show") for f in self.below(name)]

    def numbers(self, name):
        return [int(f.element.get("value"), 16) for f in self.below(name)]

    def octets(self, name):
        return [bytes.fromhex(f.element.get("value")) for f in self.below(name)]

    def words(self, name):
        return [f.element.get("showname") for f in self.below(name)]

    def one(self, name, values="shown"):
        """The only one, None when there is none."""
        found = getattr(self, values)(name)
        assert len(found) < 2, "%s: %s" % (name, found)
        return found[0] if found else None


def updates(messages):
    """For each message the attributes by code: Field. A message that it calls malformed fails the test."""
    xml = subprocess.run(["tshark", "-r", "-", "-T", "pdml"], input=_pcap(messages), capture_output=True, check=True, timeout=60).stdout
    out = []
    for packet in ET.fromstring(xml).iter("packet"):
        bgp = Field(next(p for p in packet.iter("proto") if p.get("name") == "bgp"))
        wrong = [e.get("showname") for e in packet.iter() if e.get("name") == "_ws.malformed" or e.get("name") == "_ws.expert" and any(
            "Error" in s.get("showname") or "Warning" in s.get("showname") for s in e.iter() if s.get("name") == "_ws.expert.severity")]
        assert not wrong, "tshark: %s in %s" % (wrong, ET.tostring(bgp.element)[:2000])
        out.append({a.one(ATTRIBUTE + ".type_code", "numbers"): a for a in bgp.below(ATTRIBUTE) if a.below(ATTRIBUTE + ".type_code")})
    return out
