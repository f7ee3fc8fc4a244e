# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnctl serve: who is answered and with what, as a client on the network sees it."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from evlab import Evpnd, evpnd
from evlab.run import in_namespace

PASSWORD = "h77p-s3cr3t"
PAGE, METRICS, HEALTH, API = "/", "/metrics", "/healthz", "/api/v1/"


class Serve:
    """An exporter on a node, of what answers on that socket."""

    def __init__(self, d, *options, listen="127.0.0.1:0", before=()):
        self.node, self.d = d.node, d
        self.p = d.node.start("serve-%d" % id(self), [*before, *d.argv("serve", "--listen", listen, *options)])
        d.node.lab.wait_for(lambda: "serving http://" in self.p.tail(), "it serves")
        self.host, port = re.search(r"serving http://\[?([^\]/]*)\]?:(\d+)/", self.p.tail()).groups()
        self.port = int(port)

    def ask(self, path, method="GET", headers=None, host=None, body=None):
        def talk():
            c = http.client.HTTPConnection(self.host, self.port, timeout=20)
            c.putrequest(method, path, skip_host=host is not None, skip_accept_encoding=True)
            if host is not None:
                c.putheader("Host", host)
            for k, v in (headers or {}).items():
                c.putheader(k, v)
            if body:
                c.putheader("Content-Length", str(len(body)))
            c.endheaders(body)
            r = c.getresponse()
            out = r.status, dict((k.lower(), v) for k, v in r.getheaders()), r.read().decode()
            c.close()
            return out
        return in_namespace(self.node, talk)

    def status(self, *args, **kw):
        return self.ask(*args, **kw)[0]

    def json(self, path):
        status, headers, body = self.ask(path)
        assert (status, headers["content-type"]) == (200, "application/json"), body
        return json.loads(body)

    def raw(self, data):
        def talk():
            with socket.create_connection((self.host, self.port), timeout=20) as s:
                s.sendall(data)
                out = b""
                while chunk := s.recv(65536):
                    out += chunk
            return out
        return in_namespace(self.node, talk)


def metrics(text):
    """{sample: value} of the text format 0.0.4; checks that it is that: families together, each with its head, no sample twice."""
    types, seen, out, family = {}, set(), {}, None
    assert text.endswith("\n")
    for line in text.splitlines():
        if m := re.fullmatch(r"# HELP ([a-z0-9_]+) \S.*", line):
            assert m[1] not in seen, "family %s twice" % m[1]
            family = m[1]
            seen.add(family)
        elif m := re.fullmatch(r"# TYPE ([a-z0-9_]+) (counter|gauge|histogram)", line):
            assert m[1] == family
            types[family] = m[2]
        else:
            m = re.fullmatch(r'([a-z0-9_]+)(\{[a-z]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z]+="(?:[^"\\\n]|\\[\\"n])*")*\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)', line)
            assert m, "no sample: %r" % line
            name = re.sub("_(bucket|sum|count)$", "", m[1]) if types[family] == "histogram" else m[1]
            assert name == family and (types[family] == "counter") == name.endswith("_total"), line
            assert line.rsplit(" ", 1)[0] not in out
            out[line.rsplit(" ", 1)[0]] = float(m[3])
    counters = {k: v for k, v in out.items() if types.get(re.sub(r"\{.*", "", k)) == "counter"}
    return out, counters


@pytest.fixture
def pair(lab):
    r1, r2 = lab.fabric("r1", "r2")
    h1, h2 = lab.host("h1", 1).plug(r1), lab.host("h2", 2).plug(r2)
    key = "password: %s, description: '<b>\"x\"</b>'" % PASSWORD
    d, other = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000, key)], ports=[h], more="control: {group: nogroup}\n"))
                for n, o, h in ((r1, r2, "h1"), (r2, r1, "h2"))]
    lab.wait_for(lambda: d.established(r2.address) and h1.ping("10.0.0.2"), "h1 reaches h2", 20)
    lab.wait_for(lambda: d.mac(100, h2.mac), "h2 is known")
    return d, other


def test_everything_that_is_shown(lab, pair):
    d, other = pair
    s = Serve(d)
    assert s.ask(HEALTH)[::2] == (200, "ok\n")
    names = s.json(API)
    assert names == s.json("/api/v1") and s.ask("/api/v12")[0] == 404
    assert {"neighbors", "rib", "vni", "mac", "arp", "fdb", "vtep", "version", "memory", "config"} <= set(names)
    everything = s.ask(PAGE)[2] + s.ask(METRICS)[2] + "".join(s.ask(API + n)[2] for n in names)
    assert PASSWORD not in everything
    assert all(s.status(API + n) == 200 for n in names)
    assert s.json(API + "config") == d.show("config") and s.json(API + "vtep") == d.show("vtep")
    assert s.ask(API + "config")[2] == d.ctl("--json", "show", "config").stdout, "as the daemon writes it"
    assert s.json(API + "neighbors/192.0.2.2")["address"] == "192.0.2.2" and s.json(API + "vni/100")["vni"] == 100
    macs = s.json(API + "mac")
    assert len(macs) == 2 and s.json(API + "mac?limit=1") == [dict(macs[0], age_s=s.json(API + "mac?limit=1")[0]["age_s"])]
    assert len(s.json(API + "mac?limit=2")) == 2 and s.json(API + "mac?vni=7") == []
    assert [m["mac"] for m in s.json(API + "mac?vni=100&mac=02:00:00:00:00:02&limit=5")] == ["02:00:00:00:00:02"]
    assert {r["type"] for r in s.json(API + "rib?type=3&best")} == {3}
    for bad in ("mac?vni=x", "mac?best", "mac?limit=0", "mac?limit=1x", "mac?vni=" + "1" * 3000, "config?yaml", "rib?type=2&type=3"):
        status, headers, body = s.ask(API + bad)
        assert (status, headers["content-type"]) == (400, "application/json") and json.loads(body)["error"], bad
    for none in ("mac/x", "nothing", "neighbors/192.0.2.77", "vni/7", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "neighbors/--json",
                 "reload", "neighbor/192.0.2.2/down"):
        status, headers, body = s.ask(API + none)
        assert (status, headers["content-type"]) == (404, "application/json") and json.loads(body)["error"], none
    assert s.status("/etc/passwd") == 404 and s.status("/index.html") == 404

    first, counters = metrics(s.ask(METRICS)[2])
    assert first["evpnd_up"] == 1 and first['evpnd_neighbor_up{neighbor="192.0.2.2",asn="65000"}'] == 1
    assert first['evpnd_vni_macs{vni="100",where="local"}'] == 1 and first['evpnd_vni_macs{vni="100",where="remote"}'] == 1
    assert first['evpnd_vni_frames_total{vni="100",direction="out"}'] > 0
    assert first['evpnd_http_request_duration_seconds_bucket{path="/api/v1",le="+Inf"}'] >= 20
    later, _ = metrics(s.ask(METRICS)[2])
    assert all(later[k] >= v for k, v in counters.items()), "counters grow"
    assert later["evpnd_control_requests_total"] > first["evpnd_control_requests_total"]
    if shutil.which("promtool"):
        check = subprocess.run(["promtool", "check", "metrics"], input=s.ask(METRICS)[2], text=True, capture_output=True)
        assert (check.returncode, check.stdout, check.stderr) == (0, "", "")

    other.ctl("neighbor", "192.0.2.1", "down", "why <not>")
    lab.wait_for(lambda: s.ask(HEALTH)[::2] == (503, "none of 1 sessions is up\n"), "it is not healthy without a session")
    assert metrics(s.ask(METRICS)[2])[0]['evpnd_neighbor_up{neighbor="192.0.2.2",asn="65000"}'] == 0
    d.stop()
    status, _, body = s.ask(HEALTH)
    assert status == 503 and "no evpnd answers" in body
    status, _, body = s.ask(API + "mac")
    assert status == 503 and "no evpnd answers" in json.loads(body)["error"]
    assert metrics(s.ask(METRICS)[2])[0]["evpnd_up"] == 0
    d.start()
    assert s.json(API + "version")["pid"] != 0
    assert s.p.stop(signal.SIGTERM) == 0


def test_who_is_answered_and_how(lab, pair):
    d, _ = pair
    s = Serve(d, "--hostnames", "vtep1,vtep1.example.net")
    # DNS rebinding: only by an address or a name that is known.
    for host in ("127.0.0.1:%d" % s.port, "localhost", "vtep1", "VTEP1.example.net:80", "[::1]", "198.51.100.1"):
        assert s.status(HEALTH, host=host) == 200, host
    for host in ("evil.example", "evil.example:%d" % s.port, "127.0.0.1.evil.example", ""):
        assert s.status(API + "mac", host=host) in (421, 400), host
    assert s.raw(b"GET /api/v1/mac HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421 ")
    assert metrics(s.ask(METRICS)[2])[0]["evpnd_http_misdirected_requests_total"] >= 4

    for path in (PAGE, METRICS, HEALTH, API, API + "mac", "/nothing"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            status, headers, _ = s.ask(path, method, body=b"x" * 100 if method == "POST" else None)
            assert status == 405 and headers["allow"] == "GET, HEAD", (path, method)
    for path, kind in ((PAGE, "text/html"), (METRICS, "text/plain"), (HEALTH, "text/plain"), (API + "mac", "application/json")):
        status, headers, body = s.ask(path, headers={"Origin": "http://evil.example", "Accept": kind + ", */*;q=0.1"})
        assert status == 200 and headers["content-type"].split(";")[0] == kind and body
        assert not any(h.startswith("access-control-") for h in headers), "nobody else's script reads this"
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
        assert s.status(path, headers={"Accept": "image/png"}) == 406
        status, head, body = s.ask(path, "HEAD")
        assert status == 200 and body == "" and head["content-type"] == headers["content-type"]
    assert s.ask(METRICS)[1]["content-type"] == "text/plain; version=0.0.4; charset=utf-8"

    # The page runs its own script, and nothing else.
    status, headers, page = s.ask(PAGE)
    nonce, = set(re.findall(r'nonce="([^"]*)"', page))
    policy = headers["content-security-policy"]
    assert "script-src 'nonce-%s'" % nonce in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert nonce not in s.ask(PAGE)[2] and "NONCE" not in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page), "nothing comes from elsewhere"

    # Requests that are none, or too long, end that connection and nothing else.
    assert s.raw(b"nonsense\r\n\r\n")[:12] in (b"HTTP/1.1 400", b"")
    assert not s.raw(b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert s.status(HEALTH) == 200

    # Only so many at once; those who say nothing are let go, and others are served again.
    idle = in_namespace(d.node, lambda: [socket.create_connection(("127.0.0.1", s.port), timeout=20) for _ in range(60)])
    time.sleep(0.3)
    threads = len(os.listdir("/proc/%d/task" % serving(d.node, s)))
    assert threads <= 18, threads
    for c in idle:
        c.close()
    lab.wait_for(lambda: s.status(HEALTH) == 200, "it serves again", 10)

    six = Serve(d, listen="[::1]:0")
    assert six.json(API + "version")["name"] == "evpnd"
    assert d.ctl("serve", "--listen", "127.0.0.1:%d" % s.port, check=False).stderr.endswith("Address already in use\n")
    wrong = d.ctl("serve", "--listen", "9179", check=False)
    assert wrong.returncode == 2 and "expected an address and a port" in wrong.stderr
    wide = Serve(d, listen="%s:0" % d.node.address)
    assert "whoever reaches that address" in wide.p.tail()

    # With the right to look, and no other.
    os.chmod(os.path.dirname(d.socket), 0o755)
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    nobody = Serve(d, before=user)
    assert nobody.json(API + "version")["name"] == "evpnd"
    stranger = Serve(d, before=["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"])
    status, _, body = stranger.ask(API + "version")
    assert status == 503 and "no permission" in json.loads(body)["error"]


def serving(node, s):
    """The process of the exporter, which was started by ip netns exec."""
    out = node.run("ss", "-Hltnp", "sport = :%d" % s.port).stdout
    return int(re.search(r"pid=(\d+)", out)[1])


def test_a_long_answer_is_not_held(lab):
    r1, = lab.fabric("r1")
    n = 20000
    hosts = ", ".join('{mac: "02:00:00:%02x:%02x:%02x", vtep: 192.0.2.%d}' % (i >> 16, i >> 8 & 255, i & 255, 2 + i % 200) for i in range(n))
    d = Evpnd(r1, "vtep: 192.0.2.1\ndataplane: userspace\nworkers: 1\nvnis:\n  - {vni: 100, mode: static-l2, hosts: [%s]}\n" % hosts)
    s = Serve(d)
    s.status(API + "version")
    pid = serving(r1, s)

    def peak():
        with open("/proc/%d/status" % pid) as f:
            return int(re.search(r"VmHWM:\s*(\d+) kB", f.read())[1])
    before = peak()
    status, _, body = s.ask(API + "mac")
    assert status == 200 and len(json.loads(body)) == n
    assert peak() - before < len(body) / 1024 / 4, "%d KiB for %d" % (peak() - before, len(body) / 1024)
    d_rows = s.json(API + "mac?limit=1000")
    assert len(d_rows) == 1000
