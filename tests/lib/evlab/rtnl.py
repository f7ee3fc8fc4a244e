# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""The kernel's lock of its network configuration (RTNL), held for as long as a test likes.

IP_ADD_MEMBERSHIP copies its argument while it holds the lock, and a page that userfaultfd(2) watches is not there before
we say so."""
import ctypes
import fcntl
import mmap
import os
import platform
import socket
import struct
import threading

SYS_USERFAULTFD = {"x86_64": 323, "aarch64": 282}
UFFDIO_API, UFFDIO_REGISTER, UFFDIO_ZEROPAGE = 0xc018aa3f, 0xc020aa00, 0xc020aa04
UFFD_API, MISSING = 0xaa, 1
IPPROTO_IP, IP_ADD_MEMBERSHIP, PAGE = 0, 35, 4096


class Held:
    """with Held(): nobody changes an interface, an address, a neighbour or an FDB row, for longest seconds at most: all of the
    machine waits. OSError where the kernel has no userfaultfd."""

    def __init__(self, longest=3):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.syscall(SYS_USERFAULTFD.get(platform.machine(), -1), os.O_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "userfaultfd")
        fcntl.ioctl(self.fd, UFFDIO_API, bytearray(struct.pack("=3Q", UFFD_API, 0, 0)))
        self.page = mmap.mmap(-1, PAGE)
        self.at = ctypes.addressof(ctypes.c_char.from_buffer(self.page))
        fcntl.ioctl(self.fd, UFFDIO_REGISTER, bytearray(struct.pack("=4Q", self.at, PAGE, MISSING, 0)))
        self.timer = threading.Timer(longest, self._let_go)
        self.thread = threading.Thread(target=self._join_nothing)

    def _join_nothing(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            self.libc.setsockopt(s.fileno(), IPPROTO_IP, IP_ADD_MEMBERSHIP, ctypes.c_void_p(self.at), 12)

    def __enter__(self):
        self.thread.start()
        os.read(self.fd, 32)  # the fault: it has the lock
        self.timer.start()
        return self

    def is_held(self):
        return self.thread.is_alive()

    def _let_go(self):
        fcntl.ioctl(self.fd, UFFDIO_ZEROPAGE, bytearray(struct.pack("=3Qq", self.at, PAGE, 0, 0)))

    def __exit__(self, *exc):
        self.timer.cancel()
        if self.thread.is_alive():
            self._let_go()
        self.thread.join()
        os.close(self.fd)
