# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""A ping that goes on while something else happens."""
import re
import signal


class Pings:
    """From a host every 10 ms, until it is asked how many were lost."""

    def __init__(self, host, to, seconds=0.01):
        self.process = host.start("pings-" + to, ["ping", "-n", "-i", str(seconds), to])

    def lost(self):
        """Of how many; the last one may be under way still."""
        self.process.stop(signal.SIGINT)
        text = self.process.tail(1 << 20)
        sent = int(re.search(r"(\d+) packets transmitted", text).group(1))
        answered = {int(n) for n in re.findall(r"icmp_seq=(\d+) ttl", text)}
        return len(set(range(1, sent)) - answered), sent
