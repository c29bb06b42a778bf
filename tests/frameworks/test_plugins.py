"""A broken plug-in is named and left out, and costs nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from twinbench.frameworks import plugins, registry
from twinbench.plan import stack

GOOD = """
from twinbench.frameworks.api import Framework
def framework(**fields):
    plain = dict(name="Good", language="python", summary="s", packages=("good",), load=print, prepare=print,
                 extract=print, threads=dict, ops={"probe.noop": print})
    return Framework(**(plain | fields))
"""

BROKEN = {
    "import error": ("import not_there_at_all", "not_there_at_all"),
    "exception": ("1 / 0", "ZeroDivisionError"),
    "exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "base exception": ("class Odd(BaseException): pass\nraise Odd('odd')", "Odd: odd"),
    "syntax": ("def", "SyntaxError"),
    "prints": ("print('hello\\x1b[2J')\nFRAMEWORKS = framework()", "its import prints 'hello"),
    "prints past Python": ("import os; os.write(1, b'hello')\nFRAMEWORKS = framework()", "its import prints 'hello'"),
    "nothing in it": ("", "FRAMEWORKS"),
    "wrong type": ("FRAMEWORKS = 7", "a value of type int"),
    "a class": ("FRAMEWORKS = Framework", "a value of type type"),
    "taken, in another case": ("FRAMEWORKS = framework(name='PANDAS')", "'PANDAS' is taken: pandas"),
    "taken": ("FRAMEWORKS = framework(name='pandas')", "'pandas' is taken"),
    "a look-alike": ("FRAMEWORKS = framework(name='p\u0430ndas')", "its name"),
    "a name that is two": ("FRAMEWORKS = framework(name='a+b')", "its name 'a+b'"),
    "a name of 300 bytes": ("FRAMEWORKS = framework(name='a' * 300)", "its name"),
    "no name": ("FRAMEWORKS = framework(name=None)", "its name"),
    "no packages": ("FRAMEWORKS = framework(packages=())", "Good.packages"),
    "ops that are none": ("FRAMEWORKS = framework(ops={'probe.noop': 3})", "Good.ops"),
    "another language": ("FRAMEWORKS = framework(language='cobol')", "Good.language"),
    "an op's mapping that raises": (
        "class M(dict):\n    def items(self): raise OSError('no items')\nFRAMEWORKS = framework(ops=M(a=print))",
        "OSError: no items",
    ),
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Installs a module as somebody else's package, for this process."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(name: str, source: str, entry_points: str | None = None) -> None:
        facts = tmp_path / f"{name}-0.1.dist-info"
        facts.mkdir()
        (tmp_path / f"{name}.py").write_text(GOOD + source, encoding="utf-8")
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
        default = f"[{plugins.GROUP}]\n{name} = {name}:FRAMEWORKS\n"
        (facts / "entry_points.txt").write_text(default if entry_points is None else entry_points)

    return install


def loaded() -> plugins.Plugins:
    return plugins.load(registry._own())


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_named_and_left_out(installed, capfd: pytest.CaptureFixture[str], kind: str):
    source, reason = BROKEN[kind]
    name = f"broken_{list(BROKEN).index(kind)}"
    installed(name, source)
    installed(f"{name}_neighbour", "FRAMEWORKS = (framework(name='Neighbour'),)")
    found = loaded()
    assert set(found.frameworks) == {"Neighbour"}
    (line,) = found.left_out
    assert line.startswith(f"plug-in '{name}' of {name} 0.1: ")
    assert reason in line
    assert "\n" not in line
    assert capfd.readouterr() == ("", "")


def test_of_two_plugins_of_one_name_the_first_stays(installed):
    installed("first_twin", "FRAMEWORKS = framework(name='Twin')")
    installed("second_twin", "FRAMEWORKS = [framework(name='TWIN'), framework(name='Other')]")
    found = loaded()
    assert {name.lower() for name in found.frameworks} == {"twin", "other"}
    (line,) = found.left_out
    assert "is taken: " in line


def test_damaged_entry_points_of_one_package_cost_that_package(installed):
    installed("damaged_points", "", f"[{plugins.GROUP}]\nno equals sign\n")
    installed("beside_it", "FRAMEWORKS = framework(name='Beside')")
    found = loaded()
    assert "Beside" in found.frameworks
    assert any("damaged_points" in line for line in found.left_out) or not found.left_out


def test_every_command_works_beside_a_broken_plugin(plugin, twinbench, tmp_path: Path):
    env = plugin("very_broken", "print('{\"no\": \"json\"}')\nraise SystemExit('done \\x1b[2J')")
    done = twinbench("list", "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frameworks"]
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: left out: plug-in 'very_broken' of very_broken 0.1: SystemExit: done \\x1b[2J")


def test_an_unknown_environment_makes_a_framework_unavailable(installed, monkeypatch: pytest.MonkeyPatch):
    installed("needs_much", "FRAMEWORKS = framework(environment='../../etc')")
    (framework,) = loaded().frameworks.values()
    assert "which twinbench can't make" in (stack.unavailable(framework) or "")
    assert stack.versions(framework) == {"good": None}
