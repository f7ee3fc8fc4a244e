# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""What `make install` puts where, and that `make uninstall` takes all of it away; that manual pages have no faults."""
import os
import shutil
import subprocess

import pytest

from test_house import TOP, files


def make(*argv):
    subprocess.run(["make", "-s", "-C", TOP, *argv], check=True, capture_output=True)


def below(root):
    return sorted(os.path.relpath(os.path.join(at, name), root) for at, _, names in os.walk(root) for name in names)


@pytest.mark.parametrize("prefix", ["usr", "usr/local"])
def test_install_and_uninstall(tmp_path, prefix):
    where = ["DESTDIR=%s" % tmp_path, "PREFIX=/" + prefix]
    make("install", *where)
    have = below(tmp_path)
    assert set(have) >= {os.path.join(prefix, name) for name in (
        "sbin/evpnd", "bin/evpnctl", "bin/evpnd-http", "lib/systemd/system/evpnd.service", "lib/systemd/system/evpnd-http.service", "lib/sysusers.d/evpnd.conf", "share/man/man8/evpnd.8",
        "share/man/man8/evpnctl.8", "share/man/man5/evpnd.yaml.5", "share/bash-completion/completions/evpnctl",
        "share/doc/evpnd/samples/all-keys.yaml")}
    unit = (tmp_path / prefix / "lib/systemd/system/evpnd.service").read_text()
    assert "ExecStart=/%s/sbin/evpnd\n" % prefix in unit and "@" not in unit.replace("@system-service", "")
    unit = (tmp_path / prefix / "lib/systemd/system/evpnd-http.service").read_text()
    assert "ExecStart=/%s/bin/evpnd-http\n" % prefix in unit
    assert "man:evpnd-http(8)" in unit
    assert ".It Pa /%s/share/doc/evpnd/samples\n" % prefix in (tmp_path / prefix / "share/man/man5/evpnd.yaml.5").read_text()
    make("uninstall", *where)
    assert below(tmp_path) == []


@pytest.mark.parametrize("page", [n for n in files(".5", ".8") if n.startswith("docs/")])
def test_manual_pages(page):
    """groff's own warnings; and mandoc's, where it is, but for those of style."""
    env = dict(os.environ, LC_ALL="C.UTF-8")
    if not shutil.which("groff") and not shutil.which("mandoc"):
        pytest.skip("neither groff nor mandoc")
    if shutil.which("groff"):
        p = subprocess.run(["groff", "-mandoc", "-Tutf8", "-ww", "-z", os.path.join(TOP, page)], capture_output=True, text=True, env=env)
        assert not p.stderr, p.stderr
    if shutil.which("mandoc"):
        p = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", os.path.join(TOP, page)], capture_output=True, text=True)
        assert not p.stdout, p.stdout
