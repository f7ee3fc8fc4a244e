# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: 2026 The evpnd authors
"""evpnctl graph of two evpnds that share a VNI, as Graphviz reads it when it is installed."""
import shutil

from evlab import Evpnd, evpnd


def test_the_overlay_as_a_graph(lab):
    r1, r2 = nodes = lab.fabric("r1", "r2")
    hosts = [lab.host("h%d" % (k + 1), k + 1).plug(n) for k, n in enumerate(nodes)]
    text = "description: 'a \"quoted\" \\ one'"
    d1, _ = [Evpnd(n, evpnd.conf(n, 65000, [(o.address, 65000, text)], vnis=(100, 200), ports=["h%d" % (k + 1)]))
             for k, (n, o) in enumerate(((r1, r2), (r2, r1)))]
    lab.wait_for(lambda: d1.established(r2.address) and hosts[0].ping("10.0.0.2"), "h1 reaches h2", 20)
    lab.wait_for(lambda: '"VNI 100" -- "%s" [label="1 host"]' % r2.address in d1.ctl("graph").stdout, "h2 is in the picture")
    dot = d1.ctl("graph").stdout
    assert '"%s" -- "%s" [style=dashed, label="BGP Established' % (r1.address, r2.address) in dot
    assert r'\na \"quoted\" \\ one"]' in dot and '"VNI 200"' in dot
    assert '"VNI 200"' not in d1.ctl("graph", "--vni", "100").stdout
    o = d1.json("graph")
    ids = [n["id"] for n in o["nodes"]]
    assert ids == [r1.address, r2.address, "VNI 100", "VNI 200"] and {x for e in o["edges"] for x in (e["from"], e["to"])} == set(ids)
    assert [n["description"] for n in o["nodes"] if n["kind"] == "neighbor"] == ['a "quoted" \\ one']
    none = d1.ctl("graph", "--vni", "7", check=False)
    assert (none.returncode, none.stdout, none.stderr) == (1, "", "evpnctl: VNI 7 is not configured\n")
    if shutil.which("dot"):
        path = lab.path("overlay.dot")
        with open(path, "w") as f:
            f.write(dot)
        svg = r1.run("dot", "-Tsvg", path).stdout
        assert svg.count('class="node"') == 4 and svg.count('class="edge"') == 5 and "a &quot;quoted&quot; \\ one" in svg
    d1.stop()
    gone = d1.ctl("graph", check=False)
    assert gone.returncode == 1 and gone.stdout == "" and "no evpnd answers" in gone.stderr
