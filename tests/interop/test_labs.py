# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The demo and the labs of docs/labs show what they say they show."""
import glob
import os
import subprocess
import uuid

import pytest

from evlab.evpnd import TOP
from evlab.run import wait_for

LABS = sorted(p for p in glob.glob(os.path.join(TOP, "docs/labs/*")) if os.access(p, os.X_OK))


@pytest.mark.parametrize("dataplane", ["kernel", "userspace"])
@pytest.mark.parametrize("path", [os.path.join(TOP, "tests/demo/run")] + LABS, ids=lambda p: os.path.relpath(p, TOP))
def test_lab(path, dataplane):
    mark = str(uuid.uuid4())  # in the environment of everything that the lab starts
    p = subprocess.run([path], env=dict(os.environ, EVPND_LAB=mark, DATAPLANE=dataplane), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, timeout=110)
    assert p.returncode == 0 and "Every step showed what it should" in p.stdout, p.stdout
    wait_for(lambda: not processes_with(mark), 10, "nothing is left running")


def processes_with(mark):
    found = []
    for file in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(file, "rb") as f:
                found += [file] if mark.encode() in f.read() else []
        except OSError:
            pass
    return found


def test_there_are_labs():
    assert len(LABS) >= 5
