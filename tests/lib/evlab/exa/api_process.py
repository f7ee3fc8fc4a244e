#!/usr/bin/python3
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""ExaBGP's API process: commands from a FIFO to ExaBGP, its events into a file.   exabgp_api.py FIFO FILE"""
import os
import sys
import threading


def commands(fifo):
    while True:
        with open(fifo) as f:  # ends when the last writer closes
            for line in f:
                os.write(1, line.encode())


threading.Thread(target=commands, args=(sys.argv[1],), daemon=True).start()
with open(sys.argv[2], "w") as out:
    for line in sys.stdin:
        out.write(line)
        out.flush()
