# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""A ping that goes on while something else happens."""
import re
import signal

from .run import Timeout, wait_for


class Pings:
    """From a host every 10 ms, until it is asked how many were lost."""

    def __init__(self, host, to, seconds=0.01):
        self.process = host.start("pings-" + to, ["ping", "-n", "-i", str(seconds), to])

    def text(self):
        return self.process.tail(1 << 20)

    def answered(self):
        return {int(n) for n in re.findall(r"icmp_seq=(\d+) ttl", self.text())}

    def go_on(self, n):
        """Until n more are answered: a ping that has to wait for a processor sends fewer in a second."""
        enough = len(self.answered()) + n
        wait_for(lambda: len(self.answered()) >= enough, 15, "%d more pings are answered" % n)

    def lost(self):
        """Of how many that were sent until now. It goes on until one of later is answered: by then none of these is under way."""
        self.process.send(signal.SIGQUIT)  # it says how many there were
        sent = int(wait_for(lambda: re.search(r"\d+/(\d+) packets, ", self.text()), 5, "ping tells").group(1))
        try:
            wait_for(lambda: max(self.answered(), default=0) > sent, 10, "a later one is answered")
        except Timeout:
            pass  # nothing is answered any more
        self.process.stop(signal.SIGINT)
        return len(set(range(1, sent + 1)) - self.answered()), sent
