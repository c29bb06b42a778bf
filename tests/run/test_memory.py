"""Whose memory a cell's peak is."""

from __future__ import annotations

HUNGRY = """
    from dataclasses import replace
    from twinbench.frameworks.probe import FRAMEWORKS as PROBES

    def hold(mib):
        return len(b"x" * (mib << 20))

    def loads(threads):
        hold(300)

    def compiles(p, once=[]):
        if not once:
            once.append(hold(300))

    def extracts(value, kind):
        hold(600)
        return PROBES[0].extract(value, kind)

    def framework(name, **changes):
        return replace(PROBES[0], name=name, packages=("hungry",), **changes)

    FRAMEWORKS = (
        framework("loads", load=loads),
        framework("compiles", ops={"probe.noop": compiles}),
        framework("extracts", extract=extracts),
    )
"""

TWICE = """
[pipeline]
name = "twice"
modality = "probe"
stacks = ["loads", "compiles", "extracts"]

[goal]
question = "Whose memory is it?"

[sizes]
default = {}

[[step]]
op = "probe.noop"

[[step]]
id = "again"
op = "probe.noop"
"""


def test_the_peak_is_that_of_imports_and_steps_and_not_of_the_comparison(twinbench, store, plugin, tmp_path):
    (tmp_path / "twice.toml").write_text(TWICE)
    env = plugin("hungry", HUNGRY)
    done = twinbench("run", "twice", "--pipelines", str(tmp_path), "--budget", "0.1", "--no-track", env=env)
    assert done.returncode == 0, done.stderr
    with store() as results:
        peaks = {
            cell.stack: fact.value / 2**20
            for cell in results.cells(results.find_run().id)
            for fact in results.facts(cell.id)
            if fact.key == "peak_rss_bytes"
        }
    assert peaks["loads"] > 300
    assert peaks["compiles"] > 300
    assert peaks["extracts"] < 300
