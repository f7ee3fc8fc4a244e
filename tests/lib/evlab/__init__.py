# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""A laboratory of network namespaces for evpnd and its peers.

    run.py     programs: start, stop, output into files; wait_for; seeds
    lab.py     namespaces, the underlay, hosts; everything is undone by Lab.close()
    pings.py   a ping that goes on while something else happens
    machine.py a machine that systemd has booted
    evpnd.py   the daemon and evpnctl
    frr.py, gobgp.py, exabgp.py   the peers
    speaker.py  a socket and hand-made messages
    tshark.py   what Wireshark makes of messages
"""
from .run import Timeout, seeds, wait_for  # noqa: F401
from .lab import Host, Lab, Node, sweep  # noqa: F401
from .pings import Pings  # noqa: F401
from .evpnd import Evpnd  # noqa: F401
from .frr import Frr  # noqa: F401
from .gobgp import Gobgp  # noqa: F401
from .exabgp import Exabgp  # noqa: F401
from .speaker import Speaker  # noqa: F401
