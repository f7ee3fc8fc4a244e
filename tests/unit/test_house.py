# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The house as docs/design.md draws it: who may include whom, and that every file says whose it is."""
import os
import re
import subprocess

import pytest

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
MAY = {
    "base": {"base"},
    "include": {"base", "include"},
    "bgp": {"bgp", "base", "include"},
    "evpn": {"evpn", "base", "include"},
    "dataplane": {"dataplane", "base", "include"},
    "conf": {"conf", "base", "include"},
    "cmd": {"base", "bgp", "cmd", "conf", "dataplane", "evpn", "include"},
    "tests": {"base", "bgp", "cmd", "conf", "dataplane", "evpn", "include", "tests"},
}
WRAPPED = {"ev.h": "base/loop.h"}  # a library that one header wraps


def files(*suffixes):
    names = subprocess.run(["git", "-C", TOP, "-c", "safe.directory=*", "ls-files"], capture_output=True, text=True, check=True).stdout
    return [n for n in names.splitlines() if n.endswith(suffixes) and os.path.exists(os.path.join(TOP, n))]


def text(name):
    with open(os.path.join(TOP, name), errors="replace") as f:
        return f.read()


def includes(name):
    return re.findall(r'^\s*#\s*include\s+(["<])([^">]+)[">]', text(name), re.M)


def misplaced(name, quote, header):
    """What is wrong with this include, or None."""
    if quote == "<":
        return "only %s includes it" % WRAPPED[header] if header in WRAPPED and name != WRAPPED[header] else None
    room, _, rest = header.partition("/")
    if not rest or room not in MAY or ".." in header:
        return "not written from the top folder"
    return None if room in MAY[name.split("/")[0]] else "%s/ may not see %s/" % (name.split("/")[0], room)


def test_includes_follow_the_house():
    wrong = ["%s: #include %s: %s" % (n, h, misplaced(n, q, h)) for n in files(".c", ".h") for q, h in includes(n) if misplaced(n, q, h)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name, quote, header", [
    ("bgp/rib.c", '"', "evpn/nlri.h"), ("evpn/mac.c", '"', "bgp/rib.h"), ("dataplane/dp.c", '"', "bgp/rib.h"), ("conf/load.c", '"', "evpn/rd.h"),
    ("base/loop.c", '"', "include/bgp.h"), ("include/bgp.h", '"', "bgp/rib.h"), ("bgp/rib.c", '"', "rib.h"), ("bgp/rib.c", '"', "../base/log.h"),
    ("cmd/evpnd/main.c", "<", "ev.h"), ("base/loop.c", "<", "ev.h"), ("bgp/rib.c", '"', "tests/lib/rng.h")])
def test_the_rules_have_teeth(name, quote, header):
    assert misplaced(name, quote, header)


def test_top_level_is_the_house():
    rooms = {n.split("/")[0] for n in files("") if "/" in n}
    assert rooms - {".ci"} <= set(MAY) | {"docs"}, rooms


def test_every_source_says_whose_it_is():
    without = [n for n in files(".c", ".h", ".py", "Makefile") if not n.startswith("tests/vectors/") and
               ("SPDX-License-Identifier: ISC" not in text(n)[:200] or "The evpnd authors" not in text(n)[:200])]
    assert not without, without


def test_lines_of_c_fit_into_120_columns():
    long = ["%s:%d" % (n, i) for n in files(".c", ".h") for i, line in enumerate(text(n).splitlines(), 1)
            if len(line.expandtabs(8)) > 120]
    assert not long, long


def test_every_test_file_says_what_it_holds():
    """Right behind the licence; what a header of its own says stands there."""
    def silent(name):
        begin = "\n".join(text(name).splitlines()[2:4])
        return '"""' not in begin and not begin.startswith("/*")
    mute = [n for n in files(".c", ".h", ".py") if n.startswith("tests/") and not n.startswith("tests/vectors/") and
            not (n.endswith(".c") and os.path.exists(os.path.join(TOP, n[:-2] + ".h"))) and silent(n)]
    assert not mute, mute


def test_nothing_points_outside_of_the_repository():
    outside = "shared" + "/"
    wrong = [n for n in files("") if not n.startswith("tests/vectors/sessions") and re.search(r"(\.\./|/work/|[\"'\s(])" + outside, text(n))]
    assert not wrong, wrong


def test_a_skip_says_why():
    bare = [n for n in files(".c", ".h") if re.search(r"(?<!\w)_?skip\(\)", text(n)) and n != "tests/lib/test.h"]
    assert not bare, "SKIP() of tests/lib/test.h: %s" % bare
    mute = [n for n in files(".py") if re.search(r"pytest\.skip\(\)|mark\.skip(if\((?!.*reason=)|(?!\(reason=|if))", text(n))]
    assert not mute, mute


def test_threads_let_a_refused_system_call_be_said():
    """A thread that blocks SIGSYS, too, dies of what cmd/evpnd/syscalls.c only refuses."""
    rooms = {n: text(n) for n in files(".c") if n.split("/")[0] in ("base", "bgp", "evpn", "dataplane", "conf", "cmd")}
    wrong = [n for n, t in rooms.items() if re.search(r"sigfillset\(&(\w+)\);(?!\s*sigdelset\(&\1, SIGSYS\))", t)]
    assert not wrong, wrong
    assert any("sigfillset(" in t for t in rooms.values())
