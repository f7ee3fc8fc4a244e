# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnctl top: pages in a pipe, and a live view on a terminal (a pseudo terminal of ours)."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from evlab import Evpnd, evpnd
from evlab.run import PATIENCE

ENTER, LEAVE, PAGE = "\x1b[?1049h", "\x1b[?1049l", "\x1b\\[H.*?\x1b\\[J"


class Terminal:
    def __init__(self, node, argv, columns=100, lines=30):
        self.master, self.slave = pty.openpty()
        self.size(columns, lines)
        self.before = termios.tcgetattr(self.slave)
        self.text = ""
        self.p = subprocess.Popen(["ip", "netns", "exec", node.ns, *argv], stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                  start_new_session=True)

    def size(self, columns, lines):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def expect(self, what, seconds=10):
        """Until that comes; gives all up to there, and forgets it."""
        end = time.monotonic() + seconds * PATIENCE
        while not (m := re.search(what, self.text, re.S)):
            if time.monotonic() > end or (self.p.poll() is not None and not select.select([self.master], [], [], 0)[0]):
                raise AssertionError("no %r in %r" % (what, self.text))
            if select.select([self.master], [], [], 0.1)[0]:
                self.text += os.read(self.master, 65536).decode()
        out, self.text = self.text[:m.end()], self.text[m.end():]
        return out

    def seconds_to_page(self, key=b" "):
        began = time.monotonic()
        os.write(self.master, key)
        self.expect(PAGE)
        return time.monotonic() - began

    def end(self, key=None):
        """What it leaves behind: its status; the terminal has to be as it was."""
        if key:
            os.write(self.master, key)
        self.expect(re.escape(LEAVE))
        status = self.p.wait(10)
        assert termios.tcgetattr(self.slave) == self.before
        os.close(self.master)
        os.close(self.slave)
        return status


def test_pages_in_a_pipe_and_on_a_terminal(lab):
    r1, r2 = lab.fabric("r1", "r2")
    h1, h2 = lab.host("h1", 1).plug(r1), lab.host("h2", 2).plug(r2)
    d, _ = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], ports=[h])) for n, o, h in ((r1, r2, "h1"), (r2, r1, "h2"))]
    lab.wait_for(lambda: d.established(r2.address) and h1.ping("10.0.0.2"), "h1 reaches h2", 20)

    start = time.monotonic()
    out = d.ctl("top", "--count", "2").stdout
    assert 1 <= time.monotonic() - start < 5 * PATIENCE
    first, second = out.split("\n\nevpnd ")
    assert "\x1b" not in out and "sessions 1 of 1" in first and "sessions 1 of 1" in second
    assert "in -/s" in first and re.search(r"in [0-9.]+/s", second)
    assert re.search(r"^192\.0\.2\.2 +65000 Established ", second, re.M) and re.search(r"^100 evpn +ready +1 +1 +1 ", second, re.M)

    one, two = [json.loads(line) for line in d.ctl("--json", "top", "--count", "2").stdout.splitlines()]
    for o in (one, two):
        assert list(o) == ["version", "rates", "memory", "neighbors", "vnis"] and all(r is not None for r in o["rates"].values())
        assert o["neighbors"][0]["nlri_in"] >= 2 and o["vnis"][0]["frames_in_per_s"] is not None
    assert len(d.ctl("top", "-j").stdout.splitlines()) == 1

    t = Terminal(r1, d.argv("top"))
    t.expect(re.escape(ENTER) + ".*NEIGHBOR.*MISSES/s.*100 evpn.*\x1b\\[J")
    t.size(60, 12)
    t.p.send_signal(signal.SIGWINCH)
    page = t.expect(PAGE)
    rows = [re.sub("\x1b\\[.", "", r) for r in re.split("\r+\n", page)]
    assert len(rows) <= 12 and all(len(r) <= 60 for r in rows) and "MISSES/s" not in page
    t.expect(PAGE)
    assert min(t.seconds_to_page() for _ in range(5)) < 0.5, "a key asks for a page at once, and not in a second"
    t.expect(PAGE, 3)  # of the second that follows, however many keys there were
    assert t.end(b"q") == 0

    t = Terminal(r1, d.argv("top"))
    t.expect("NEIGHBOR")
    d.stop()
    t.expect("no evpnd answers")
    d.start()
    t.expect("sessions . of 1")
    t.p.send_signal(signal.SIGTERM)
    assert t.end() == 0
    d.stop()
    gone = d.ctl("top", check=False)
    assert (gone.returncode, gone.stdout) == (1, "") and "no evpnd answers" in gone.stderr
