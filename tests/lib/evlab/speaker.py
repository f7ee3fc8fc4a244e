# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""A BGP speaker with no opinion: a socket in a node's namespace, and the messages that the test writes into it."""
import os
import socket
import struct
import sys
import time

from .run import in_namespace

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "vectors", "tools"))
import bgpbuild as bgp  # noqa: E402

OPEN, UPDATE, NOTIFICATION, KEEPALIVE = 1, 2, 3, 4


class Speaker:
    """Connects from node to address. Use as a context."""

    def __init__(self, node, address, asn, router_id=None, port=179, source=None, timeout=5):
        self.node, self.asn, self.router_id = node, asn, router_id or node.address
        source = source or (node.address6 if ":" in address else node.address)
        self.s = in_namespace(node, lambda: socket.create_connection((address, port), timeout=timeout, source_address=(source, 0)))
        self.buf = b""
        self.closed = False

    def send(self, raw):
        self.s.sendall(raw)

    def recv(self, timeout=5):
        """The next message, None when none came or the connection ended (self.closed)."""
        end = time.monotonic() + timeout
        while True:
            if len(self.buf) >= 19 and len(self.buf) >= struct.unpack("!H", self.buf[16:18])[0]:
                n = struct.unpack("!H", self.buf[16:18])[0]
                m, self.buf = self.buf[:n], self.buf[n:]
                return m
            left = end - time.monotonic()
            if left <= 0 or self.closed:
                return None
            self.s.settimeout(left)
            try:
                data = self.s.recv(65536)
            except socket.timeout:
                return None
            except OSError:
                data = b""
            self.closed = not data
            self.buf += data

    def recv_type(self, kind, timeout=5):
        """The next message of this type; others are dropped."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and not self.closed:
            m = self.recv(end - time.monotonic())
            if m and m[18] == kind:
                return m
        return None

    def notification(self, timeout=5):
        """(code, subcode, data) of the NOTIFICATION that comes, or None."""
        m = self.recv_type(NOTIFICATION, timeout)
        return (m[19], m[20], m[21:]) if m else None

    def open_message(self, hold=90, params=None):
        if params is None:
            params = bgp.par(bgp.MPC) + bgp.par(bgp.RRC) + bgp.par(bgp.AS4C(self.asn))
        return bgp.opn(asn=self.asn if self.asn < 65536 else 23456, rid=self.router_id, params=params, hold=hold)

    def establish(self, **kw):
        self.send(self.open_message(**kw))
        assert self.recv_type(OPEN), "no OPEN"
        self.send(bgp.msg(KEEPALIVE, b""))
        assert self.recv_type(KEEPALIVE), "no KEEPALIVE"
        return self

    def close(self):
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
