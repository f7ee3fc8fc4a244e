# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The labs of docs/labs show what they say they show."""
import glob
import os
import subprocess

import pytest

from evlab.evpnd import TOP

LABS = sorted(p for p in glob.glob(os.path.join(TOP, "docs/labs/*")) if os.access(p, os.X_OK))


@pytest.mark.parametrize("path", LABS, ids=os.path.basename)
def test_lab(path):
    p = subprocess.run([path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert p.returncode == 0 and "Every step showed what it should" in p.stdout, p.stdout


def test_there_are_labs():
    assert len(LABS) >= 5
