# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Programs: run one and take its output, keep one running with its output in a file, wait for a condition."""
import ctypes
import os
import pathlib
import random
import signal
import subprocess
import threading
import time

PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
# How many times slower this machine is than one that the times in tests are for.
PATIENCE = float(os.environ.get("EVLAB_PATIENCE", "1"))


class Timeout(AssertionError):
    """A condition did not come true in time."""


def wait_for(cond, timeout, what, interval=0.05):
    """Polls cond() until it gives something true and returns that. An exception counts as false."""
    timeout *= PATIENCE
    end = time.monotonic() + timeout
    last = None
    while True:
        try:
            last = cond()
            if last:
                return last
        except Exception as e:  # the thing may be half there: a socket missing, JSON cut short
            last = e
        if time.monotonic() > end:
            raise Timeout("waited %g s for: %s; last: %r" % (timeout, what, last))
        time.sleep(interval)


def seeds(runs=1):
    """SEED and the numbers after it, else some that nobody knows before. Each is said, so that SEED=N plays that run again."""
    first = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    for seed in range(first, first + runs):
        print("SEED=%d" % seed)
        yield seed


def run(argv, check=True, timeout=20, input=None, env=None):
    """Runs argv to its end; gives subprocess.CompletedProcess with text."""
    p = subprocess.run(argv, stdin=subprocess.DEVNULL if input is None else None, input=input, capture_output=True, text=True,
                       errors="replace", timeout=timeout * PATIENCE, env=env)
    if check and p.returncode:
        raise RuntimeError("%s: exit %d\n%s%s" % (" ".join(argv), p.returncode, p.stdout, p.stderr))
    return p


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A program that runs until stop(); stdout and stderr go to the file log (a pipe would hang with a daemon's children)."""

    def __init__(self, name, argv, log, env=None):
        self.name, self.argv, self.log = name, argv, log
        self.stopped = False
        with open(log, "ab") as out:
            self.p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, start_new_session=True,
                                      preexec_fn=_die_with_parent)

    @property
    def pid(self):
        return self.p.pid

    def alive(self):
        return self.p.poll() is None

    def ticks(self):
        """Hundredths of a second of processor time that it has used so far, all threads."""
        with open("/proc/%d/stat" % self.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def send(self, sig):
        self.p.send_signal(sig)

    def stop(self, sig=signal.SIGTERM, timeout=10):
        """Gives the exit status; SIGKILL after timeout, which raises."""
        self.stopped = True
        if self.alive():
            self.send(signal.SIGCONT)
            self.send(sig)
        try:
            return self.p.wait(timeout)
        except subprocess.TimeoutExpired:
            stuck = self.threads()
            self.p.kill()
            self.p.wait(5)
            raise Timeout("%s did not end within %g s of signal %d: %s" % (self.name, timeout, sig, stuck))

    def threads(self):
        """Where in the kernel each thread waits."""
        said = []
        for task in pathlib.Path("/proc/%d/task" % self.pid).glob("*"):
            try:
                comm, wchan = ((task / f).read_text().strip() for f in ("comm", "wchan"))
                said.append("%s %s" % (comm, "runs" if wchan == "0" else "in " + wchan))
            except OSError:
                continue  # it has just ended
        return ", ".join(said)

    def tail(self, lines=60):
        try:
            with open(self.log, errors="replace") as f:
                return "".join(f.readlines()[-lines:])
        except OSError as e:
            return "%s\n" % e


def in_namespace(node, fn):
    """What fn() gives, run in a thread that has entered the namespace of node."""
    out = []

    def body():
        with open("/run/netns/" + node.ns) as f:
            if _libc.setns(f.fileno(), CLONE_NEWNET):
                out.append(OSError(ctypes.get_errno(), "setns"))
                return
        try:
            out.append(fn())
        except OSError as e:
            out.append(e)

    t = threading.Thread(target=body)
    t.start()
    t.join()
    if isinstance(out[0], OSError):
        raise out[0]
    return out[0]


def as_root_only():
    if os.geteuid() != 0:
        raise SystemExit("interop tests make network namespaces: run them as root")
