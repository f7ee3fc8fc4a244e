# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnctl report: what a bug report needs, without secrets, in a file that only its maker reads."""
import json
import os
import re
import stat

from evlab import Evpnd, evpnd
from evlab.run import run

INLINE, IN_FILE = "in-line-s3cr3t", "fr0m-a-file-s3cr3t"


def sections(text):
    """{title: [line]}"""
    head, *parts = re.split(r"^==== ", text, flags=re.M)
    assert "read it before you" in head
    out = {p.split("\n", 1)[0]: p.split("\n")[1:] for p in parts}
    assert len(out) == len(parts), "a section is there twice"
    return out


def test_report_has_everything_but_secrets(lab):
    r1, r2, r3 = lab.fabric("r1", "r2", "r3")
    h1 = lab.host("h1", 1).plug(r1)
    secret = lab.path("secret")
    with open(secret, "w") as f:
        f.write(IN_FILE + "\n")
    conf = evpnd.conf(r1, 65000, [(r2.address, 65000, "password: %s" % INLINE), (r3.address, 65000, "password-file: %s" % secret)], ports=["h1"])
    d = Evpnd(r1, conf)
    h1.speak()
    lab.wait_for(lambda: d.mac(100, h1.mac), "h1 is learned")
    pid = d.show("version")["pid"]
    path = lab.path("report.txt")
    done = d.ctl("report", path)
    assert done.stdout == "" and done.stderr == ""
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path) as f:
        text = f.read()
    for word in (INLINE, IN_FILE):
        assert word not in text
    s = sections(text)
    rows = {v: [json.loads(line) for line in s["show " + v] if line] for v in ("version", "neighbors", "vni", "mac", "rib", "fdb", "memory")}
    assert rows["version"][0]["pid"] == pid
    assert [n["address"] for n in rows["neighbors"]] == [r2.address, r3.address]
    assert rows["vni"][0]["vni"] == 100 and rows["mac"][0]["mac"] == h1.mac and rows["rib"] and rows["fdb"]
    assert "    asn: 65000" in s["show config"]
    assert {"doctor", "diff", "show events", "show rib --summary", "ip -d nexthop show", "bridge -d fdb show", "/etc/os-release", "/proc/%d/status" % pid} <= set(s)
    assert any("vxlan id 100 " in line for line in s["ip -d -s link show"])
    assert any(line.startswith(h1.mac) for line in s["bridge -d fdb show"])
    assert list(s).index("diff") < list(s).index("show rib") == len(s) - 5, "what may be long comes last"

    for there in (path, lab.path("link")):  # nothing is overwritten, no link is followed
        if there != path:
            os.symlink(lab.path("elsewhere"), there)
        again = d.ctl("report", there, check=False)
        assert (again.returncode, again.stderr) == (1, "evpnctl: %s: File exists\n" % there)
    assert open(path).read() == text and not os.path.exists(lab.path("elsewhere"))
    full = r1.run("sh", "-c", " ".join(d.argv("report", "-")) + " >/dev/full", check=False)
    assert full.returncode == 1 and "No space left" in full.stderr

    # The kernel's tables are those of evpnd's network namespace, wherever it is asked from.
    filters = r1.run("nft", "list", "ruleset", check=False).returncode == 0  # a kernel may have none
    for rule in not filters and () or ("add table inet f", "add chain inet f out { type filter hook output priority 0; }", "add rule inet f out udp dport 4789 drop"):
        r1.run("nft", rule)
    out = lab.path("outside.txt")
    run(d.argv("report", out))
    outside = sections(open(out).read())
    assert any("vxlan id 100 " in line for line in outside["ip -d -s link show"])
    assert any("another network namespace" in line for line in outside["evpnctl"])
    assert not filters or "firewall-vxlan" in [json.loads(line)["code"] for line in outside["doctor"] if line]
    assert not filters or any("udp dport 4789 drop" in line for line in outside["nft -a list ruleset"])

    d.stop()
    gone = d.ctl("report", "-")
    assert "no evpnd answers" in gone.stderr
    s = sections(gone.stdout)
    assert any('"not-running"' in line for line in s["doctor"])
    assert "no evpnd answers" in s["show neighbors"][0] and any("br100" in line for line in s["ip -d -s link show"])
