#!/usr/bin/python3
"""Replay the malformed corpus against a live BGP speaker and record what it does.

   bad_replay.py --speaker --dst ADDR --srcs ibgp=A,ebgp=B,ebgp-as2=C --cases F --result F --ribcmd CMD --ribfmt keys
        generic mode: run inside the tester's namespace against any daemon; CMD must print the Adj-RIB-In (all
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


def find(key, text):
    """is NLRI key in the RIB text?  key: type|rdhex|..."""
    f = key.split("|")
    rdh = bytes.fromhex(f[1])
    if rdh[:2] == b"\0\1":
        rd = "%d.%d.%d.%d:%d" % (rdh[2], rdh[3], rdh[4], rdh[5], rdh[6] * 256 + rdh[7])
    else:
        rd = None
    return rd, f


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
    rd, f = find(key, "")
    out = subprocess.run(a.ribcmd, shell=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    if a.ribfmt == "frr":
        try:
            j = json.loads(out)
        except Exception:
            return None
        for k, v in j.items():
            if not isinstance(v, dict) or (rd and k != rd and v.get("rd") != rd):
                continue
            if rd is None and k not in ("0:0", "0.0.0.0:0") and not k.startswith("UNK"):
                continue
            for p, pv in v.items():
                if not p.startswith("[%s]" % f[0]):
                    continue
                if f[0] == "2":
                    m = ":".join(f[3][i:i + 2] for i in range(0, 12, 2))
                    import ipaddress
                    ipx = str(ipaddress.ip_address(bytes.fromhex(f[4]))) if f[4] else None
                    if m in p and (("[" + ipx + "]") in p if ipx else p.count("[") == 4):
                        return True
                elif f[0] == "5":
                    import ipaddress
                    if "[%s]:[%s]" % (f[3], ipaddress.ip_address(bytes.fromhex(f[4]))) in p:
                        return True
                elif f[0] in ("3",):
                    import ipaddress
                    if str(ipaddress.ip_address(bytes.fromhex(f[3]))) in p:
                        return True
                else:
                    return True
        return False
    if a.ribfmt == "keys":          # one "nlri_key" per line, exactly as in cases.json
        return key in out.split()
    if a.ribfmt == "gobgp":
        try:
            j = json.loads(out or "{}")
        except Exception:
            return None
        for k in j:
            if rd and ("[rd:%s]" % rd) not in k:
                continue
            if f[0] == "2" and ":".join(f[3][i:i + 2] for i in range(0, 12, 2)) in k:
                return True
            if f[0] != "2" and k.startswith("[type:" + {"1": "A-D", "3": "multicast", "4": "esi", "5": "Prefix"}[f[0]]):
                return True
        return False
    return None


FRRCONF = """
debug bgp updates in
debug bgp neighbor-events
router bgp 65001
 bgp router-id 192.0.2.1
 no bgp default ipv4-unicast
 no bgp ebgp-requires-policy
 neighbor 192.0.2.2 remote-as 65001
 neighbor 192.0.2.12 remote-as 65002
 neighbor 192.0.2.13 remote-as 65002
 neighbor 192.0.2.2 passive
 neighbor 192.0.2.12 passive
 neighbor 192.0.2.13 passive
 neighbor 192.0.2.12 local-role provider
 address-family l2vpn evpn
  neighbor 192.0.2.2 activate
  neighbor 192.0.2.12 activate
  neighbor 192.0.2.13 activate
 exit-address-family
"""
GOCONF = """
[global.config]
  as = 65001
  router-id = "192.0.2.1"
""" + "".join("""
[[neighbors]]
  [neighbors.config]
    neighbor-address = "%s"
    peer-as = %d
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
  [neighbors.transport.config]
    passive-mode = true
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "l2vpn-evpn"
""" % x for x in (("192.0.2.2", 65001), ("192.0.2.12", 65002), ("192.0.2.13", 65002)))

if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--speaker", action="store_true")
    ap.add_argument("--dut", default="frr")
    ap.add_argument("--set", default="shared,holdout")
    ap.add_argument("--out", default="../vectors")
    ap.add_argument("--dst", default="192.0.2.1")
    ap.add_argument("--srcs", default="ibgp=192.0.2.2,ebgp=192.0.2.12,ebgp-as2=192.0.2.13")
    ap.add_argument("--cases")
    ap.add_argument("--result")
    ap.add_argument("--ribcmd", default="true")
    ap.add_argument("--ribfmt", default="frr")
    ap.add_argument("--wait", type=float, default=0.45)
    a = ap.parse_args()
    if a.speaker:
        run_cases(a)
        sys.exit()
    from lab import *
    for st in a.set.split(","):
        L = Lab("bad-%s-%s" % (a.dut, st), "192.0.2.1", "192.0.2.2")
        try:
            for x in ("192.0.2.12", "192.0.2.13"):
                sh("ip -n %s addr add %s/24 dev eth0" % (L.b, x))
            L.capture()
            if a.dut == "frr":
                L.start_frr(L.a, FRRCONF)
                rib, fmt = "ip netns exec %s vtysh --vty_socket %s -c 'show bgp l2vpn evpn json'" % (L.a, L._frr_dir), "frr"
                # vtysh runs in the mount/net ns of the caller: netns exec from inside the tester ns works because we are root
            else:
                L.start_gobgp(L.a, GOCONF)
                rib, fmt = "ip netns exec %s gobgp global rib -a evpn -j" % L.a, "gobgp"
            res = os.path.join(a.out, st, "malformed", "observed-%s.json" % a.dut)
            p = subprocess.Popen(["ip", "netns", "exec", L.b, "/usr/bin/python3", os.path.abspath(__file__), "--speaker", "--cases", os.path.join(a.out, st, "malformed", "cases.json"),
                                  "--result", res, "--ribcmd", rib, "--ribfmt", fmt], stdout=open(L.work + "/replay.log", "w"), stderr=subprocess.STDOUT)
            while p.poll() is None:
                time.sleep(1)
                if a.dut == "gobgp" and L.gobgpd.p.poll() is not None:
                    print("gobgpd died (rc %s): restarting" % L.gobgpd.p.returncode, flush=True)
                    os.rename(L.work + "/gobgpd.log", L.work + "/gobgpd.crash.%d" % int(time.time()))
                    L.start_gobgp(L.a, GOCONF)
                if a.dut == "frr" and L.frr["bgpd"].p.poll() is not None:
                    print("bgpd died (rc %s): restarting" % L.frr["bgpd"].p.returncode, flush=True)
                    L.start_bgpd()
        finally:
            L.close()
        print(st, a.dut, "done", flush=True)
