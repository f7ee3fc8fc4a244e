#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""ExaBGP 4.2 with more API commands, for families that it can encode but not configure:

    announce evpn TYPE HEX next-hop ADDRESS [ATTRIBUTES as in "announce route"]
    withdraw evpn TYPE HEX next-hop ADDRESS
    announce rtc HEX next-hop ADDRESS
    withdraw rtc HEX next-hop ADDRESS

HEX is the NLRI, of EVPN without its type and length. TYPE@N has path identifier N before it (RFC 7911).
"""
import sys

from exabgp.application.bgp import main
from exabgp.bgp.message import OUT
from exabgp.bgp.message.open.capability.capabilities import Capabilities
from exabgp.bgp.message.update.nlri.evpn.nlri import GenericEVPN
from exabgp.bgp.message.update.nlri.rtc import RTC
from exabgp.configuration.neighbor.family import ParseFamily
from exabgp.protocol.family import AFI, SAFI
from exabgp.reactor.api.command.command import Command
from exabgp.reactor.api.command.limit import extract_neighbors, match_neighbors


class EvpnPath(GenericEVPN):
    def __init__(self, code, packed, path_id):
        super().__init__(code, packed)
        self.path_id = path_id

    def pack_nlri(self, negotiated=None):
        return self.path_id.to_bytes(4, "big") + super().pack_nlri(negotiated)


class Membership(RTC):
    """As it is on the wire: ExaBGP's own has no prefixes, and cannot be shown."""
    def __init__(self, octets):
        super().__init__(AFI.ipv4, SAFI.rtc, OUT.UNSET, 0, None)
        self.octets = octets

    def pack_nlri(self, negotiated=None):
        return self.octets

    def index(self):
        return b"rtc" + self.octets

    def json(self, *args, **kw):
        return '{ "rtc": "%s" }' % self.octets.hex()

    @classmethod
    def unpack_nlri(cls, afi, safi, bgp, action, addpath):
        end = 1 + (bgp[0] + 7) // 8
        nlri = cls(bytes(bgp[:end]))
        nlri.action = action
        return nlri, bgp[end:]


def evpn_nlri(kind, body):
    kind, _, path_id = kind.partition("@")
    return EvpnPath(int(kind), bytes.fromhex(body), int(path_id)) if path_id else GenericEVPN(int(kind), bytes.fromhex(body))


def evpn_change(api, command):
    """The attributes are parsed as those of an IPv4 route, whose NLRI is then exchanged."""
    verb, family, *rest = command.split()
    at = 2 if family == "evpn" else 1
    change = api.api_route("%s route 0.0.0.0/32 %s" % (verb, " ".join(rest[at:])))[0]
    nlri = evpn_nlri(*rest[:at]) if family == "evpn" else Membership(bytes.fromhex(rest[0]))
    nlri.nexthop = change.nlri.nexthop
    nlri.action = OUT.ANNOUNCE if verb == "announce" else OUT.WITHDRAW
    change.nlri = nlri
    return change


def evpn_command(self, reactor, service, line):
    def callback():
        descriptions, command = extract_neighbors(line)
        peers = match_neighbors(reactor.peers(service), descriptions)
        try:
            reactor.configuration.inject_change(peers, evpn_change(self, command))
        except Exception as e:
            self.log_failure("%s: %r" % (command, e))
        yield True

    reactor.asynchronous.schedule(service, line, callback())
    return True


RTC.unpack_nlri = Membership.unpack_nlri
ParseFamily.convert["ipv4"]["rtc"] = (AFI.ipv4, SAFI.rtc)
Capabilities._ADD_PATH.append((AFI.l2vpn, SAFI.evpn))  # sending only: what comes is decoded without identifiers
for verb in ("announce", "withdraw"):
    Command.register("text", verb + " evpn")(evpn_command)
    Command.register("text", verb + " rtc")(evpn_command)

if __name__ == "__main__":
    sys.argv[0] = "exabgp"
    sys.exit(main())
