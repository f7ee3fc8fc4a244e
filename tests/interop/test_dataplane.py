# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The kernel's rows under disturbance: devices that vanish or contradict, rows of others, lost privileges.

    h1 --br100 [r1 evpnd] 192.0.2.1 ==== switch ==== 192.0.2.2 [r2 evpnd] br100-- h2
"""
import os
import re
import signal

import pytest

from evlab import Evpnd, evpnd
from evlab.evpnd import BUILD, SANITIZED
from evlab.vlans import kernel_has_vlans

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"


class Pair:
    def __init__(self, lab, prepare=None):
        self.lab = lab
        self.r1, self.r2 = lab.fabric("r1", "r2")
        self.h1, self.h2 = lab.host("h1", 1).plug(self.r1), lab.host("h2", 2).plug(self.r2)
        if prepare:
            prepare(self.r1)
        self.conf = evpnd.conf(self.r1, 65000, [(self.r2.address, 65000)], ports=["h1"])
        self.e2 = Evpnd(self.r2, evpnd.conf(self.r2, 65000, [(self.r1.address, 65000)], ports=["h2"]))
        self.e1 = Evpnd(self.r1, self.conf)
        lab.wait_for(lambda: self.e1.established(self.r2.address), "the session is up", 20)

    def reach(self):
        return self.reach_beside([])

    def reach_beside(self, foreign):
        """With flood rows to these VTEPs, which are not ours."""
        self.lab.wait_for(lambda: self.h1.ping("10.0.0.2"), "h1 reaches h2", 20)
        self.lab.wait_for(lambda: self.r1.remote("vxlan100", MAC2) == self.r2.address, "r1 has h2")
        self.lab.wait_for(lambda: self.r1.flood("vxlan100") == [self.r2.address, *foreign], "r1 floods to r2")
        self.lab.wait_for(lambda: all(r["desired"] == r["observed"] for r in self.e1.fdb(owner="evpnd")), "nothing is left to do")
        return self


@pytest.mark.kernel
def test_devices_are_made_and_adopted(lab):
    """r1's bridge and vxlan device are there before, made by someone else; r2's are made by evpnd. Both work the same."""
    p = Pair(lab, lambda r1: r1.vxlan(100, r1.address)).reach()
    before = {link["ifname"]: link["ifindex"] for link in p.r1.ip_json("link show")}
    assert p.e1.stop() == 0
    after = {link["ifname"]: link["ifindex"] for link in p.r1.ip_json("link show")}
    assert {k: after.get(k) for k in ("br100", "vxlan100")} == {k: before[k] for k in ("br100", "vxlan100")}, "what was there stays"


@pytest.mark.kernel
@pytest.mark.parametrize("device", ["vxlan100", "br100"])
def test_deleted_device_comes_back(lab, device):
    p = Pair(lab).reach()
    p.r1.ip("link del " + device)
    p.reach()
    assert p.e1.established(p.r2.address)
    link, = p.r1.ip_json("link show vxlan100")
    assert link["master"] == "br100" and "UP" in link["flags"]


@pytest.mark.kernel
def test_foreign_rows_are_untouched(lab):
    """Rows that someone else wrote stay as they are, from before the start until after the stop, beside ours."""
    def prepare(r1):
        r1.vxlan(100, r1.address)
        r1.bridge("fdb add 02:00:00:00:0f:01 dev vxlan100 self dst 192.0.2.200 permanent")
        r1.bridge("fdb append 00:00:00:00:00:00 dev vxlan100 self dst 192.0.2.201")
        r1.ip("neigh add 10.0.0.200 lladdr 02:00:00:00:0f:02 dev br100 nud permanent")

    p = Pair(lab, prepare)

    def foreign():
        return (p.r1.remote("vxlan100", "02:00:00:00:0f:01"), "192.0.2.201" in p.r1.flood("vxlan100"),
                [n["lladdr"] for n in p.r1.ip_json("neigh show 10.0.0.200 dev br100")])
    lab.wait_for(lambda: p.h1.ping("10.0.0.2"), "h1 reaches h2", 20)
    lab.wait_for(lambda: p.r1.remote("vxlan100", MAC2) == p.r2.address, "ours is there")
    assert foreign() == ("192.0.2.200", True, ["02:00:00:00:0f:02"])
    p.r1.bridge("fdb add 02:00:00:00:0f:03 dev vxlan100 self dst 192.0.2.202 permanent")
    p.h2.unplug()
    lab.wait_for(lambda: not p.r1.fdb("vxlan100", MAC2), "ours goes")
    assert p.e1.stop() == 0
    assert foreign() == ("192.0.2.200", True, ["02:00:00:00:0f:02"])
    assert p.r1.remote("vxlan100", "02:00:00:00:0f:03") == "192.0.2.202"


@pytest.mark.kernel
def test_foreign_external_rows_survive_restarts(lab):
    """extern_learn rows of another program to VTEPs that are none of ours: no nexthop is made for them, so no later start takes them for ours."""
    def prepare(r1):
        r1.vxlan(100, r1.address)
        r1.bridge("fdb append 00:00:00:00:00:00 dev vxlan100 self dst 192.0.2.201 extern_learn")
        r1.bridge("fdb add 02:00:00:00:0f:01 dev vxlan100 self dst 192.0.2.202 extern_learn")

    p = Pair(lab, prepare).reach_beside(["192.0.2.201"])
    assert "192.0.2.20" not in p.r1.ip("nexthop list")
    for sig in (signal.SIGTERM, signal.SIGKILL):
        p.e1.process.stop(sig)
        p.h2.unplug()
        p.e1.start()
        lab.wait_for(lambda: not p.r1.fdb("vxlan100", MAC2), "what is left over of ours is swept", 30)
        p.h2.plug(p.r2, "br100")
        p.reach_beside(["192.0.2.201"])
        assert p.r1.remote("vxlan100", "02:00:00:00:0f:01") == "192.0.2.202"


@pytest.mark.kernel
def test_learned_row_makes_room(lab):
    """The vxlan device learned from the underlay before evpnd adopts it: what it learned does not outlive a route."""
    def prepare(r1):
        r1.vxlan(100, r1.address)
        r1.bridge("fdb add %s dev vxlan100 self dst 192.0.2.99 dynamic" % MAC2)
        r1.bridge("fdb add %s dev vxlan100 master dynamic" % MAC2)

    Pair(lab, prepare).reach()


@pytest.mark.kernel
def test_bridge_keeps_its_address(lab):
    """Ports come and go, the bridge that evpnd made keeps its address: a change would cost every neighbour on it."""
    p = Pair(lab).reach()
    p.r1.ip("neigh add 10.0.0.200 lladdr 02:00:00:00:0f:02 dev br100 nud permanent")
    before = p.r1.ip_json("link show br100")[0]["address"]
    p.r1.ip("link add low address 00:00:00:00:00:01 type veth peer name peer")
    p.r1.ip("link set low master br100")
    p.r1.ip("link set low up")
    p.r1.ip("link del low")
    assert p.r1.ip_json("link show br100")[0]["address"] == before != p.r2.ip_json("link show br100")[0]["address"]
    assert "02:00:00:00:0f:02" in p.r1.ip("neigh show 10.0.0.200 dev br100")


@pytest.mark.kernel
def test_our_neighbour_that_someone_changes_is_put_right(lab):
    """Of another state it would age, and take the answer to the host's ARP with it."""
    p = Pair(lab).reach()
    p.r2.ip("addr add 10.0.0.102/24 dev br100")
    p.r2.run("ping", "-c1", "-W2", "10.0.0.2")

    def ours():
        return "lladdr %s extern_learn NOARP proto 179" % MAC2 in p.r1.ip("neigh show 10.0.0.2 dev br100")
    lab.wait_for(ours, "the neighbour row is there")
    for change in ("lladdr %s nud stale" % MAC2, "lladdr 02:00:00:00:00:99 nud reachable", "lladdr %s nud permanent" % MAC2):
        p.r1.ip("neigh replace 10.0.0.2 dev br100 " + change)
        lab.wait_for(ours, "it is as it was after: " + change)


@pytest.mark.kernel
def test_our_row_that_someone_removes_or_changes_comes_back(lab):
    """As it was, byte by byte, and counted, whatever the hand has done. A change that leads to the same place is left alone."""
    p = Pair(lab).reach()
    n = p.r1
    n.ip("addr add 10.0.0.101/24 dev br100")
    p.h2.speak()
    lab.wait_for(lambda: "extern_learn" in n.ip("neigh show 10.0.0.2 dev br100"), "the neighbour row is there")

    def rows():
        text = n.bridge("fdb show dev vxlan100") + n.bridge("fdb show dev h1") + n.ip("neigh show dev br100") + n.ip("nexthop list proto 179")
        return sorted(line.strip() for line in text.splitlines() if re.match("id |10.0.0.2 |00:00:00:00:00:00|" + MAC2, line))

    def repairs():
        return p.e1.show("memory")["dataplane"]["repairs"]
    before = rows()
    assert len(before) == 6, before
    group, = [x["id"] for x in n.ip_json("nexthop list proto 179") if "group" in x]
    single, = [x["id"] for x in n.ip_json("nexthop list proto 179") if "group" not in x]
    n.ip("nexthop add id 77 via 192.0.2.9 fdb")
    n.ip("nexthop add id 78 group 77 fdb")
    for hand in ("bridge fdb del {mac} dev vxlan100 self", "bridge fdb del {mac} dev vxlan100 master",
                 "bridge fdb flush dev vxlan100 self", "bridge fdb flush dev br100",
                 "bridge fdb replace {mac} dev vxlan100 self nhid 78 extern_learn",
                 "bridge fdb replace {mac} dev vxlan100 master static sticky",
                 "bridge fdb del 00:00:00:00:00:00 dev vxlan100 dst 192.0.2.2",
                 "ip neigh del 10.0.0.2 dev br100", "ip neigh flush dev br100",
                 "ip nexthop del id {group}", "ip nexthop del id {single}",
                 "ip nexthop replace id {single} via 192.0.2.9 fdb", "ip nexthop replace id {group} group 77 fdb",
                 "ip nexthop flush proto 179", "ip nexthop flush", "ip link set br100 down; ip link set br100 up"):
        count = repairs()
        n.run("sh", "-c", hand.format(mac=MAC2, group=group, single=single), check=False)
        lab.wait_for(lambda: rows() == before and repairs() > count, "undone and counted: " + hand, 5)
    p.reach()


def test_local_mac_is_never_written_over(lab):
    """A MAC that is local to r1 and announced by r2 with no higher sequence stays on its port here."""
    p = Pair(lab).reach()
    p.h1.speak()
    twin = lab.host("twin", 1).plug(p.r2, "br100")  # the same MAC and address on the other side, at the same time
    twin.ip("addr flush dev eth0")
    p.h1.speak()
    lab.wait_for(lambda: (p.e1.mac(100, MAC1) or {}).get("state") == "local", "h1 is local")
    rows = [r for r in p.r1.fdb("h1") if r["mac"] == MAC1]
    assert rows, "the bridge row is still at its port"


@pytest.mark.kernel
def test_contradicting_device_is_reported_and_left_alone(lab):
    """vxlan100 exists with another VNI and another local address: said in log and `show vni`, not changed."""
    r1, r2 = lab.fabric("r1", "r2")
    r1.ip("link add vxlan100 type vxlan id 101 local 192.0.2.99 dstport 4789 nolearning")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)]))
    lab.wait_for(lambda: "vxlan100" in e.log() and "101" in e.log(), "the log names the device and what is wrong with it")
    link, = r1.ip_json("link show vxlan100")
    data = link["linkinfo"]["info_data"]
    assert (data["id"], data["local"]) == (101, "192.0.2.99")
    assert "101" in e.ctl("show", "vni", "100").stdout or "contradict" in e.ctl("show", "vni", "100").stdout


@pytest.mark.dataplanes
def test_port_that_comes_later_is_taken_in(lab):
    """A port named in the configuration that does not exist yet joins the bridge when it comes."""
    r1, r2 = lab.fabric("r1", "r2")
    e = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000)], ports=[port])) for n, o, port in ((r1, r2, "h1"), (r2, r1, "h2"))]
    lab.wait_for(lambda: e[0].established(r2.address), "the session is up", 20)
    h1, _ = lab.host("h1", 1).plug(r1), lab.host("h2", 2).plug(r2)
    lab.wait_for(lambda: r1.userspace or r1.ip_json("link show h1")[0].get("master") == "br100", "h1 is a port of br100")
    lab.wait_for(lambda: h1.ping("10.0.0.2"), "h1 reaches h2")


def test_without_privileges_the_capability_is_named(lab):
    r1, r2 = lab.fabric("r1", "r2")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)]), start=False)
    os.chmod(e.file, 0o644)
    os.chmod(lab.dir, 0o777)
    p = r1.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", os.path.join(BUILD, "evpnd"), "-c", e.file, "-s",
               lab.path("nobody.sock"), check=False)
    assert p.returncode == 1
    assert "CAP_NET_ADMIN" in p.stderr or "CAP_NET_BIND_SERVICE" in p.stderr, p.stderr


@pytest.mark.kernel
def test_stop_of_rows_flush_leaves_nothing(lab):
    """`restart: {rows: flush}`: after the stop no row of ours is left; the default keeps them for the next start."""
    p = Pair(lab).reach()
    assert p.e1.stop() == 0
    assert p.r1.remote("vxlan100", MAC2) == p.r2.address, "rows: keep is the default"
    p.e1.configure(p.conf + "restart: {rows: flush}\n")
    p.e1.start()
    lab.wait_for(lambda: p.e1.established(p.r2.address), "the session is up", 20)
    p.reach()
    assert p.e1.stop() == 0
    assert not p.r1.ip("nexthop list proto 179").strip()
    if p.r1.ip("link show vxlan100", check=False):
        assert not p.r1.fdb("vxlan100", MAC2) and not p.r1.flood("vxlan100")


@pytest.mark.kernel
@pytest.mark.parametrize("vnis", [(100,), ()], ids=["one-of-two", "all"])
def test_devices_of_a_vni_that_left_the_configuration_go(lab, vnis):
    """While evpnd does not run a VNI leaves the configuration: the next start removes what a reload would have; adopted devices stay."""
    r1, r2 = lab.fabric("r1", "r2")
    r1.vxlan(300, r1.address)
    r1.ip("link add other type bridge")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], vnis=(100, 200, 300)))

    def links():
        return {link["ifname"] for link in r1.ip_json("link show")} - {"lo", "eth0"}
    lab.wait_for(lambda: {"br100", "vxlan100", "br200", "vxlan200"} <= links(), "devices are made")
    e.kill()
    e.configure(evpnd.conf(r1, 65000, [(r2.address, 65000)], vnis=vnis).replace("dataplane: none", "vtep: " + r1.address))
    e.start()
    kept = {"br300", "vxlan300", "other"} | {d + str(v) for v in vnis for d in ("br", "vxlan")}
    lab.wait_for(lambda: links() == kept, "what was made for no VNI goes, all else stays")


def test_many_vnis_are_made_in_slices(lab):
    """Their devices take seconds; the session comes up meanwhile, and what we did ourselves is not taken for another's hand."""
    r1, r2 = lab.fabric("r1", "r2")
    peer = Evpnd(r2, evpnd.conf(r2, 65000, [(r1.address, 65000)], vnis=()))
    e = Evpnd(r1, evpnd.conf(r1, 65000, [(r2.address, 65000)], vnis=range(1, 301)))
    lab.wait_for(lambda: e.established(r2.address), "the session is up", 20)
    lab.wait_for(lambda: all(v["ready"] for v in e.show("vni")), "every VNI is ready", 60)
    up, = [x["id"] for x in e.show("events", "--kind", "neighbor") if x["event"] == "Established"]
    ready = [x["id"] for x in e.show("events", "--kind", "system") if x["event"] == "ready"]
    assert len(ready) == 300 and (r1.userspace or up < max(ready)), "the session did not wait for them"
    lab.wait_for(lambda: len(peer.routes("--type", "3")) == 300, "the neighbor has all routes")
    expected = "iptables" if not SANITIZED else "iptables|no filter for system calls"
    assert not [line for line in e.log().splitlines() if " warn " in line and not re.search(expected, line)]


@pytest.mark.dataplanes
def test_reload_of_a_vni_touches_no_row(lab):
    """Another RD, more route targets, no suppression: devices with what others put on them and every row that stays right stay."""
    p = Pair(lab).reach()
    if lab.dataplane == "kernel":
        p.r1.ip("addr add 10.0.0.101/24 dev br100")
    monitor = p.r1.start("monitor", ["stdbuf", "-oL", "bridge", "monitor", "fdb"])
    for change in ("rd: \"192.0.2.1:77\"", "import: [auto, \"65000:7\"]", "arp-suppression: false"):
        ping = p.h1.start("ping", ["ping", "-q", "-i0.01", "-c100", "-W1", "10.0.0.2"])
        p.e1.reload(p.conf.replace("{vni: 100,", "{vni: 100, %s," % change))
        p.reach()
        lab.wait_for(lambda: not ping.alive(), "the ping has ended")
        assert " 0% packet loss" in ping.tail() or "rd" in change, (change, ping.tail())
        ping.stop()
    assert lab.dataplane == "userspace" or "10.0.0.101" in p.r1.ip("addr show dev br100")
    assert not [line for line in monitor.tail().splitlines() if line.startswith("Deleted") and MAC2 in line], monitor.tail()
    monitor.stop()


def test_second_userspace_vtep_is_refused(lab):
    """Their sockets would share the packets. A VNI that goes and comes again is no second one."""
    r1, = lab.fabric("r1")
    conf = "vtep: 192.0.2.1\ndataplane: userspace\nvnis: [%s]\n"
    e = Evpnd(r1, conf % "{vni: 100}")
    other = Evpnd(r1, conf % "{vni: 200}", name="other", start=False)
    with pytest.raises(AssertionError, match="192.0.2.1 port 4789: Address already in use"):
        other.start()
    for vni in ("", "{vni: 100}", "", "{vni: 100}", "{vni: 100, vxlan-port: 4790}", "{vni: 100}"):
        e.reload(conf % vni)
        lab.wait_for(lambda: all(v["ready"] for v in e.show("vni")) and len(e.show("vni")) == bool(vni), "it is as configured")


@pytest.mark.kernel
def test_devices_that_the_kernels_dataplane_has_left_are_named_to_the_userspace_vtep(lab):
    """Rows were to be kept, and forward: who means to change the dataplane is told what to remove."""
    r1, = lab.fabric("r1")
    conf = "vtep: 192.0.2.1\ndataplane: %s\nvnis: [{vni: 100}]\n"
    Evpnd(r1, conf % "kernel").stop()
    e = Evpnd(r1, conf % "userspace", name="next", start=False)
    with pytest.raises(AssertionError) as refused:
        e.start()
    said, = [x for x in str(refused.value).splitlines() if "Address already in use; an earlier evpnd" in x]
    for command in said.split("forwards: ")[1].split("; "):
        assert command in ("ip link del vxlan100", "ip link del br100")
        r1.run(*command.split())
    e.start()
    e.stop()
    r1.ip("link add other type vxlan id 7 dstport 4789 local 192.0.2.1")
    r1.ip("link set other up")
    with pytest.raises(AssertionError, match="Address already in use; other, a vxlan device of the kernel's, has it"):
        e.start()


@pytest.mark.kernel
def test_second_evpnd_is_refused(lab):
    """On another control socket, without neighbors: it would take the first one's rows for an earlier run's."""
    p = Pair(lab).reach()
    other = Evpnd(p.r1, "vtep: 192.0.2.1\nvnis: [{vni: 100}]\n", name="other", start=False)
    with pytest.raises(AssertionError, match="another evpnd, process [1-9]"):
        other.start()
    p.reach()


@pytest.mark.kernel
def test_a_bridge_that_cannot_be_made_says_what_is_lacking(lab):
    r1, = lab.fabric("r1")
    e = Evpnd(r1, evpnd.conf(r1, 65000, [], vni_more="vlan: 10"))
    if kernel_has_vlans():
        lab.wait_for(lambda: e.show("vni", "100")["ready"], "the bridge is made")
        return
    problem = lab.wait_for(lambda: e.show("vni", "100")["problem"], "it is said")
    assert problem == "br100: cannot make the bridge: Operation not supported; the kernel lacks the module bridge, or VLAN filtering in it"
