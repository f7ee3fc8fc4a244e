# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""Programs that make network devices, as they are: systemd-networkd and ifupdown2 on a node, each with files of its own."""
import os

from .evpnd import TOP
from .run import run, wait_for

NETWORKD = "/lib/systemd/systemd-networkd"
IFUPDOWN2 = os.path.join(os.environ.get("VM_CACHE", os.path.join(TOP, "build", "vm")), "ifupdown2")

# A mount namespace of its own. Without udev networkd manages a device at once; a read-only /sys tells it so.
NETWORKD_SH = """
mount -o remount,ro /sys
mount --bind {files} /etc/systemd/network
mkdir -p /run/systemd
mount -t tmpfs -o mode=755 tmpfs /run/systemd
install -d -o systemd-network -g systemd-network /run/systemd/netif /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
exec {networkd}
"""

# The package lies over the system's files; what it notes stays in {state}.
IFUPDOWN2_SH = """
mount -t overlay -o lowerdir={package}/usr/share:/usr/share overlay /usr/share
for d in /etc/network /run/network /var/lib/ifupdown2; do
    mkdir -p $d {state}$d && mount --bind {state}$d $d
done
cp -a {package}/etc/network/. /etc/network/
cp -a {package}/var/lib/ifupdown2/. /var/lib/ifupdown2/
cp {interfaces} /etc/network/interfaces
[ -e /etc/default/networking ] || touch /etc/default/networking 2>/dev/null
exec python3 -c 'import sys; sys.path.insert(0, "/usr/share/ifupdown2"); sys.argv = sys.argv[1:]; exec(open("/usr/share/ifupdown2/__main__.py").read())' "$@"
"""


class Networkd:
    """files: {"10-br0.netdev": "..."}"""

    def __init__(self, node, files):
        self.node, self.files = node, node.lab.path(node.name + "-networkd")
        os.mkdir(self.files)
        os.chmod(self.files, 0o755)
        for name, text in files.items():
            with open(os.path.join(self.files, name), "w") as f:
                f.write(text)
            os.chmod(f.name, 0o644)
        self.script = node.lab.path(node.name + "-networkd.sh")
        with open(self.script, "w") as f:
            f.write("set -e" + NETWORKD_SH.format(files=self.files, networkd=NETWORKD))
        os.makedirs("/etc/systemd/network", exist_ok=True)
        node.lab.peers.append(self)
        self.process = None
        self.start()

    def __str__(self):
        return "systemd-networkd on " + self.node.name

    def start(self):
        """Returns when it has seen what is there; that it may end at that is for a test to see."""
        self.process = self.node.start("networkd", ["unshare", "-m", "bash", self.script])
        wait_for(lambda: "Enumeration completed" in self.state() or not self.process.alive(), 20, str(self) + " is there")

    def restart(self):
        self.process.stop()
        self.start()

    def state(self):
        return self.process.tail()

    def close(self):
        self.process.stop()


def ifupdown2(node, verb, interfaces, check=True):
    """`ifup -a` or `ifreload -a` with this /etc/network/interfaces."""
    file, script = (node.lab.path("%s-interfaces%s" % (node.name, end)) for end in ("", ".sh"))
    with open(file, "w") as f:
        f.write(interfaces)
    with open(script, "w") as f:
        f.write("set -e" + IFUPDOWN2_SH.format(package=IFUPDOWN2, state=node.lab.path(node.name + "-ifupdown2"), interfaces=file))
    return run(["ip", "netns", "exec", node.ns, "unshare", "-m", "bash", script, verb, "-a"], timeout=60, check=check)
