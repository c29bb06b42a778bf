"""Ops of other packages: used as ours are; a broken one is named and left out, and none takes the name of ours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.frameworks import test_plugins as frameworks_plugins
from twinbench import ops
from twinbench.errors import BadInput
from twinbench.ops import plugged
from twinbench.plan import pipeline as pipelines
from twinbench.plan import stack
from twinbench.run.agree import reference

GOOD = """
from dataclasses import dataclass, replace
from twinbench.ops.contract import Op
import numpy as np

@dataclass(frozen=True, kw_only=True)
class Tokens:
    least: int = 1

def tokens(p, path):
    words = [word for line in open(path) for word in line.split() if len(word) >= p.least]
    return {"count": np.array([len(words)])}

def op(**fields):
    plain = dict(name="text.tokens", params=Tokens, inputs=("file",), output="arrays", summary="", semantics="",
                 source="", reference=tokens, file_param="least")
    return Op(**(plain | fields))
"""

BROKEN = {
    "import error": ("import not_there_at_all", "not_there_at_all"),
    "exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "prints": ("print('hello')\nOPS = op()", "its import prints 'hello'"),
    "nothing in it": ("OPS = 7", "a value of type int"),
    "one of ours": ("OPS = op(name='tables.sort')", "its name 'tables.sort' is taken: an op of twinbench's own has it"),
    "no modality": ("OPS = op(name='tokens')", "the name 'tokens' is not one of an op"),
    "no data class": ("OPS = op(params=int)", "text.tokens.params"),
    "a kind that there isn't": ("OPS = op(inputs=('video',))", "text.tokens.inputs"),
    "a role that there isn't": ("OPS = op(role='teach')", "text.tokens.role"),
    "no reference": ("OPS = op(reference=None)", "text.tokens.reference"),
    "no tolerance": ("OPS = op(tolerance=0.1)", "text.tokens.tolerance"),
}

HARM = (
    *("exception", "base exception", "syntax", "the end of the process", "a crash", "Ctrl-C", "another directory"),
    *("another handler", "a thread", "a question", "prints past Python"),
)
"""Kinds of an import that does harm, in the tests of frameworks."""

Install = Callable[[str, str, str], None]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a module as somebody else's package, for this process and this test."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def install(name: str, source: str, target: str) -> None:
        facts = tmp_path / f"{name}-0.1.dist-info"
        facts.mkdir()
        (tmp_path / f"{name}.py").write_text(GOOD + source, encoding="utf-8")
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
        (facts / "entry_points.txt").write_text(f"[{plugged.GROUP}]\n{name} = {name}{target}\n")

    yield install
    for name in set(sys.modules) - before:
        if (tmp_path / f"{name}.py").exists():
            del sys.modules[name]


def loaded() -> tuple[list[str], list[str]]:
    found = plugged.load(op.name for op in ops.ours())
    return list(found.ops), found.left_out


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_op_is_named_and_left_out(installed: Install, capfd: pytest.CaptureFixture[str], kind: str):
    source, reason = BROKEN[kind]
    name = f"broken_ops_{list(BROKEN).index(kind)}"
    installed(name, source, ":OPS")
    installed(f"{name}_neighbour", "OPS = [op(name='text.first'), op(name='text.second')]", ":OPS")
    found, (line,) = loaded()
    assert found == ["text.first", "text.second"]
    assert line.startswith(f"plug-in '{name}' of {name} 0.1: ")
    assert reason in line
    assert capfd.readouterr() == ("", "")


def test_a_module_brings_the_ops_in_it_and_the_first_of_two_stays(installed: Install):
    installed("whole_module", "A = op(name='text.a')\nB = op(name='text.b')", "")
    installed("with_list", "A = op(name='text.b')\nB = op(name='text.c')\nOPS = [A]", "")
    found, (line,) = loaded()
    assert sorted(found) == ["text.a", "text.b"]
    assert "its name 'text.b' is taken: an op of plug-in '" in line


def test_a_pipeline_uses_an_op_of_a_package(installed: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fields = "params=Counted, reference=counted, file_param='table'"
    source = f"""
@dataclass(frozen=True, kw_only=True)
class Counted:
    table: str

def counted(p, path):
    return tokens(Tokens(), path)

OPS = (op({fields}),)
"""
    installed("brings_tokens", source, ":OPS")
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(ops, "_plugged", lambda: plugged.load(op.name for op in ops.ours()))
    (tmp_path / "notes.csv").write_text("text\na few words\n")
    path = tmp_path / "case.toml"
    path.write_text(
        '[pipeline]\nname = "case"\nmodality = "text"\n[dataset]\nfiles = { notes = "notes.csv" }\n[goal]\n'
        'question = "?"\n[sizes]\nall = {}\n[[step]]\nop = "text.tokens"\ntable = "notes"\n'
    )
    pipeline = pipelines.load(path)
    assert reference.prepare(pipeline, "all").output("tokens")["count"].tolist() == [4]
    assert stack.build("NumPy", pipeline).missing is not None
    assert pipeline.code == []
    path.write_text(path.read_text().replace("text.tokens", "text.tokns"))
    with pytest.raises(BadInput, match=r"did you mean 'text\.tokens'"):
        pipelines.load(path)


def test_an_import_that_does_harm_costs_a_plugin_of_ops_as_one_of_frameworks(installed: Install):
    """The kinds of harm are those that plug-ins of frameworks are tried with."""
    for number, kind in enumerate(HARM):
        installed(
            f"harmful_{number}", f"{frameworks_plugins.BROKEN[kind][0].partition('FRAMEWORKS')[0]}\nOPS = op()", ":OPS"
        )
    installed("a_neighbour", "OPS = op(name='text.others')", ":OPS")
    names, left_out = loaded()
    assert names == ["text.others"]
    for number, kind in enumerate(HARM):
        (line,) = (line for line in left_out if f"'harmful_{number}'" in line)
        assert frameworks_plugins.BROKEN[kind][1] in line
