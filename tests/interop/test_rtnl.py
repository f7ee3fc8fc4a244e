# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Another program holds the kernel's lock (RTNL): rows wait for it, and nothing else does.

    h1 --br100 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 evpnd] br100
"""
import signal
import socket
import time

import pytest

from evlab import Evpnd, evpnd
from evlab.rtnl import Held
from evlab.run import in_namespace

pytestmark = [pytest.mark.kernel, pytest.mark.alone]

HELD_S = 3.5  # at most, since all of the machine waits: what is to happen meanwhile takes one
MACS = 50


def frames(host):
    """From so many new stations: bridges learn them without the lock."""
    s = in_namespace(host, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
    s.bind((host.dev, 0))
    for i in range(MACS):
        s.send(b"\xff" * 6 + bytes([2, 0, 0, 0, 2, i]) + b"\x88\xb5" + bytes(46))
    s.close()


def up(lab):
    r1, r2 = lab.fabric("r1", "r2")
    h1 = lab.host("h1", 1).plug(r1)
    e1 = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], ports=["h1"]))
    e2 = Evpnd(r2, evpnd.conf(r2, 65000, [(r1.address, 65000)]).replace("asn: 65000}", "asn: 65000, hold-time: 3}"))
    lab.wait_for(lambda: e1.established(r2.address) and e2.established(r1.address), "the session is up", 20)
    lab.wait_for(lambda: r1.flood("vxlan100") and r2.flood("vxlan100"), "they flood to one another")
    lab.wait_for(lambda: r1.ip_json("link show h1")[0]["linkinfo"]["info_slave_data"]["state"] == "forwarding", "the port forwards")
    try:
        return r1, h1, e2, Held(HELD_S)
    except OSError as e:
        pytest.skip("cannot hold the lock: %s" % e)


def settled(e2):
    return all(f["observed"] for f in e2.fdb(desired=True)) and len(e2.fdb(table="vxlan", observed=True)) >= MACS


def test_sessions_and_control_socket_answer_while_rows_wait_for_the_kernel(lab):
    r1, h1, e2, held = up(lab)

    def sent():
        return e2.neighbor(r1.address)["messages"]["out"]["keepalive"]

    with held:
        before = sent()
        frames(h1)
        # Asked by the control socket, which answers, of UPDATEs that are taken in and KEEPALIVEs that go out.
        lab.wait_for(lambda: len([m for m in e2.show("mac") if m["state"] == "remote"]) >= MACS and sent() > before, "the daemon goes on", HELD_S)
        waiting = sum(not f["observed"] for f in e2.fdb(desired=True))
        assert held.is_held(), "all of that while another held the lock"
    assert waiting >= MACS, "rows waited for the lock"
    lab.wait_for(lambda: settled(e2), "and then they are there")


def test_stop_while_rows_wait_for_the_kernel(lab):
    """It ends with the call that is under way, and the next one does the rest."""
    h1, e2, held = up(lab)[1:]
    with held:
        frames(h1)
        time.sleep(0.3)  # for rows to wait for the kernel
        e2.process.p.send_signal(signal.SIGTERM)
        time.sleep(0.1)  # for it to stand in the call when the kernel goes on
    assert e2.process.p.wait(10) == 0
    e2.start()
    lab.wait_for(lambda: settled(e2), "every row is there", 20)
