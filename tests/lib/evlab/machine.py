# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""A machine that systemd has booted. In namespaces of its own, over a throw-away layer of this one's files: as a container is, with
nothing of this one's but its kernel and this checkout. Or, in a guest, that itself (EVLAB_SYSTEMD=here; tests/vm)."""
import os

from .evpnd import TOP
from .lab import Node
from .run import Process, run, wait_for

HERE = os.environ.get("EVLAB_SYSTEMD") == "here"
SYSTEMD = "/lib/systemd/systemd"

# Devices, of /sys and /proc/sys only what is the namespace's own, and no service but what systemd itself begins with.
BOOT_SH = """
set -e
layer=$1 root=$1/root
mount --make-rprivate /
mount -t tmpfs layer $layer
mkdir $layer/cgroup $layer/up $layer/work $root
mount -t overlay -o lowerdir=/,upperdir=$layer/up,workdir=$layer/work layer $root
rm -f $root/.dockerenv
mount -t proc proc $root/proc
mount --bind $root/proc/sys $root/proc/sys
mount --bind $root/proc/sys/net $root/proc/sys/net
mount -o remount,bind,ro $root/proc/sys
mount -t sysfs -o ro sys $root/sys
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
for dir in dev run tmp; do
    mount -t tmpfs -o mode=755 $dir $root/$dir
done
chmod 1777 $root/tmp
mkdir $root/dev/pts $root/dev/shm $root/dev/net
mount -t devpts -o newinstance,ptmxmode=666 devpts $root/dev/pts
ln -s pts/ptmx $root/dev/ptmx
for n in null zero full random urandom tty; do
    [ ! -e /dev/$n ] || { touch $root/dev/$n && mount --bind /dev/$n $root/dev/$n; }
done
[ ! -e /dev/net/tun ] || mknod -m 666 $root/dev/net/tun c 10 200 # of its own: a mode is not the machine's to change
ln -s /proc/self/fd $root/dev/fd
for n in stdin stdout stderr; do
    ln -s fd/$((i++)) $root/dev/$n
done
mkdir -p $root/mnt $root$2
mount --bind $2 $root$2
cd $root
pivot_root . mnt
umount -l /mnt
exec env -i container=evlab PATH=/usr/sbin:/usr/bin:/sbin:/bin {systemd} --unit=basic.target --show-status=no --log-level=warning
"""


def why_not():
    """What is missing here, or None."""
    if not os.path.exists(SYSTEMD):
        return "no systemd"
    if "cgroup2" not in open("/proc/filesystems").read():
        return "a kernel without cgroup2"
    return None


class Machine(Node):
    def make(self):
        self.into = []
        self.lab.peers.append(self)
        if HERE:
            run(["ip", "netns", "attach", self.ns, "1"])
            return
        self.cgroup = self.lab.path("cgroup")
        layer = self.lab.path(self.name + "-layer")
        script = self.lab.path(self.name + "-boot.sh")
        os.mkdir(self.cgroup)
        os.mkdir(layer)
        run(["mount", "-t", "cgroup2", "cgroup2", self.cgroup])
        self.own = os.path.join(self.cgroup, self.ns)
        os.mkdir(self.own)
        with open(script, "w") as f:
            f.write(BOOT_SH.replace("{systemd}", SYSTEMD))
        self.process = Process("systemd on " + self.name, [
            "sh", "-c", "echo $$ >%s/cgroup.procs && exec unshare -mpniuC --fork --kill-child bash %s %s %s" % (self.own, script, layer, TOP)],
            self.lab.path(self.name + "-systemd.log"))
        self.lab.processes.append(self.process)
        first = wait_for(lambda: open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)).read().split(), 10, "it begins")[0]
        wait_for(lambda: os.readlink("/proc/%s/exe" % first).endswith("systemd"), 10, "systemd is the first process")
        self.into = ["nsenter", "-a", "-r", "-w", "-t", first]
        run(["ip", "netns", "attach", self.ns, first])
        wait_for(lambda: self.run("systemctl", "is-active", "basic.target", check=False).returncode == 0, 30, "systemd has booted")

    def run(self, *argv, **kw):
        return run([*self.into, *argv], **kw)

    def start(self, name, argv, env=None):
        p = Process("%s on %s" % (name, self.name), [*self.into, *argv], self.lab.path("%s-%s.log" % (self.name, name)), env)
        self.lab.processes.append(p)
        return p

    def install(self, path, text, mode="644", group="root"):
        self.run("install", "-D", "-m", mode, "-g", group, "/dev/stdin", path, input=text)

    def close(self):
        """Cables that lead to a guest go with their other ends."""
        run(["ip", "netns", "del", self.ns], check=False)
        if not HERE:
            self.process.stop(9)
            for path, _, _ in os.walk(self.own, topdown=False):
                wait_for(lambda: os.rmdir(path) is None, 5, "its processes are gone")
            run(["umount", self.cgroup])
