#!/usr/bin/python3
"""Replay the malformed corpus against a live BGP speaker and record what it does.

   bad_replay.py --speaker --dst ADDR --srcs ibgp=A,ebgp=B,ebgp-as2=C --cases F --result F --ribcmd CMD --ribfmt keys
        run inside the tester's namespace against any daemon; CMD must print the Adj-RIB-In (all
        peers, before import), one NLRI key per line in the form of cases.json's "nlri_key":
          1|RDHEX|ESIHEX|ETAG      2|RDHEX|ETAG|MACHEX|IPHEX     3|RDHEX|ETAG|IPHEX
          4|RDHEX|ESIHEX|IPHEX     5|RDHEX|ETAG|PLEN|PREFIXHEX    (ETAG: decimal, but ffffffff for MAX-ET)

DUT expected: AS 65001, router-id 192.0.2.1, passive, EVPN only, peers: iBGP (A, AS 65001), eBGP (B, AS 65002), eBGP (C, AS 65002).
"""
import argparse, json, os, select, socket, struct, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bgpbuild as K


class Sess:
    def __init__(self, dst, src, asn, as4, rid, dport=179):
        self.args = (dst, src, asn, as4, rid, dport)
        self.s, self.buf, self.alive = None, b"", False

    def connect(self, opening=True, tries=60):
        dst, src, asn, as4, rid, dport = self.args
        for _ in range(tries):
            try:
                self.buf = b""
                self.s = socket.create_connection((dst, dport), timeout=2, source_address=(src, 0))
                self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if not opening:
                    m = self.recv(3)
                    if m and m[18] == 1:
                        return True
                    self.s.close(); time.sleep(0.3); continue
                self.s.sendall(self.open())
                ok = 0
                t = time.time()
                while time.time() - t < 4:
                    m = self.recv(1)
                    if m is None:
                        if not self.alive_():
                            break
                        continue
                    if m[18] == 1:
                        ok |= 1
                        self.s.sendall(K.msg(4, b""))
                    elif m[18] == 4:
                        ok |= 2
                    elif m[18] == 3:
                        break
                    if ok == 3:
                        self.alive = True
                        return True
                self.s.close()
            except OSError:
                pass
            time.sleep(0.35)
        return False

    def open(self):
        dst, src, asn, as4, rid, dport = self.args
        p = K.par(K.MPC) + K.par(K.RRC) + K.par(K.cap(70, b""))
        if as4:
            p += K.par(K.AS4C(asn))
        return K.opn(asn=asn, rid=rid, params=p)

    def alive_(self):
        return self.s is not None and self.s.fileno() >= 0 and self._closed is False if hasattr(self, "_closed") else True

    def recv(self, t):
        end = time.time() + t
        self._closed = False
        while True:
            if len(self.buf) >= 19:
                n = struct.unpack("!H", self.buf[16:18])[0]
                if len(self.buf) >= n >= 19:
                    m, self.buf = self.buf[:n], self.buf[n:]
                    return m
            left = end - time.time()
            if left <= 0:
                return None
            r, _, _ = select.select([self.s], [], [], left)
            if r:
                try:
                    d = self.s.recv(65536)
                except OSError:
                    d = b""
                if not d:
                    self._closed = True
                    self.alive = False
                    return None
                self.buf += d

    def close(self):
        try:
            self.s.close()
        except Exception:
            pass
        self.alive = False


def run_cases(a):
    cases = json.load(open(a.cases))
    srcs = dict(x.split("=") for x in a.srcs.split(","))
    sess, res = {}, []
    for c in cases:
        k = c["session"]
        asn = 65001 if k == "ibgp" else 65002
        as4 = k != "ebgp-as2"
        r = {"id": c["id"], "title": c["title"], "expect": c["expect"]["action"]}
        raw = bytes.fromhex(c["hex"])
        try:
            if c["state"] == "Established":
                s = sess.get(k)
                if s is None or not s.alive:
                    s = sess[k] = Sess(a.dst, srcs[k], asn, as4, srcs[k])
                    if not s.connect():
                        r["observed"] = "cannot-connect"
                        res.append(r); print(r, flush=True)
                        sess.pop(k); continue
                while s.recv(0.02):
                    pass
                if not s.alive:
                    sess.pop(k); s = sess[k] = Sess(a.dst, srcs[k], asn, as4, srcs[k]); s.connect()
                n = int(c["id"][1:])
                eb = k != "ibgp"
                ctx = K.Ctx(50000 + n if c["id"][0] == "S" else 55000 + n)
                pa = [K.ORG, (K.ASPE if as4 else K.att(0x40, 2, struct.pack("!BBH", 2, 1, 65002))) if eb else K.ASP0] + ([] if eb else [K.LP])
                can = K.upd([K.mpr(ctx.t2)] + pa + [K.EC])
                if c["prior"]:
                    pr = bytes.fromhex(c["prior"])
                    s.s.sendall(pr)
                    time.sleep(0.08)
                    r["prior_in_rib"] = inrib(a, c["nlri_key"])
                s.s.sendall(raw)
                time.sleep(0.05)
                try:
                    s.s.sendall(can)
                except OSError:
                    pass
                notif, other = None, []
                t = time.time()
                while time.time() - t < a.wait:
                    m = s.recv(a.wait - (time.time() - t))
                    if m is None:
                        if not s.alive:
                            break
                        continue
                    if m[18] == 3:
                        notif = m
                        break
                    if m[18] != 4:
                        other.append(m[18])
                if notif:
                    r.update(observed="notification", code=notif[19], subcode=notif[20], data=notif[21:61].hex())
                    s.close(); sess.pop(k)
                elif not s.alive:
                    r["observed"] = "closed"
                    s.close(); sess.pop(k)
                else:
                    ik = inrib(a, c["nlri_key"]) if c["nlri_key"] else None
                    ck = inrib(a, ctx.key2())
                    r.update(observed="session-up", nlri_in_rib=ik, canary_in_rib=ck)
            else:
                s = Sess(a.dst, srcs[k], asn, as4, srcs[k])
                if not s.connect(opening=False):
                    r["observed"] = "cannot-connect"
                else:
                    if c["state"] == "OpenConfirm":
                        s.s.sendall(s.open())
                        time.sleep(0.05)
                    s.s.sendall(raw)
                    obs = "no-answer"
                    t = time.time()
                    while time.time() - t < 1.2:
                        m = s.recv(1.2 - (time.time() - t))
                        if m is None:
                            if s._closed:
                                obs = "closed" if obs == "no-answer" else obs
                                break
                            continue
                        if m[18] == 3:
                            obs = "notification"
                            r.update(code=m[19], subcode=m[20], data=m[21:61].hex())
                            break
                        if m[18] == 4:
                            obs = "accepted (KEEPALIVE)"
                            if c["state"] == "OpenSent":
                                break
                    r["observed"] = obs
                s.close()
                sess.pop(k, None)       # the DUT may have dropped the other connection of this peer
                time.sleep(0.1)
        except Exception as e:
            r["observed"] = "tester-error %r" % e
            sess.pop(k, None)
        res.append(r)
        print(json.dumps(r), flush=True)
        json.dump(res, open(a.result, "w"), indent=1)


def inrib(a, key):
    """Is the key among the lines that the RIB command prints?"""
    out = subprocess.run(a.ribcmd, shell=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return key in out.split()


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--speaker", action="store_true", required=True)
    ap.add_argument("--dst", default="192.0.2.1")
    ap.add_argument("--srcs", default="ibgp=192.0.2.2,ebgp=192.0.2.12,ebgp-as2=192.0.2.13")
    ap.add_argument("--cases", required=True)
    ap.add_argument("--result", required=True)
    ap.add_argument("--ribcmd", required=True)
    ap.add_argument("--ribfmt", choices=["keys"], default="keys")
    ap.add_argument("--wait", type=float, default=0.45)
    run_cases(ap.parse_args())
