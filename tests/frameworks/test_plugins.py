"""A broken plug-in is named and left out, and costs nothing else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from twinbench.frameworks import plugins, registry
from twinbench.plan import stack
from twinbench.plugins import trial

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
    "the end of the process": ("import os; os._exit(0)", "its import ends the process with exit code 0"),
    "a crash": ("import os; os.abort()", "its import ends the process by SIGABRT"),
    "Ctrl-C": ("raise KeyboardInterrupt", "KeyboardInterrupt without a message"),
    "another directory": (
        "import os; os.chdir('/')\nFRAMEWORKS = framework()",
        "its import changes the working directory; a module of a plug-in leaves the process as it is",
    ),
    "another handler": (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nFRAMEWORKS = framework()",
        "its import changes how signals are handled",
    ),
    "a thread": (
        "import threading; threading.Thread(target=threading.Event().wait).start()\nFRAMEWORKS = framework()",
        "its import changes the process's threads",
    ),
    "a question": ("input()", "EOFError"),
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
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Installs a module as somebody else's package, for this process and this test."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def install(name: str, source: str, entry_points: str | None = None) -> None:
        facts = tmp_path / f"{name}-0.1.dist-info"
        facts.mkdir()
        (tmp_path / f"{name}.py").write_text(GOOD + source, encoding="utf-8")
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
        default = f"[{plugins.GROUP}]\n{name} = {name}:FRAMEWORKS\n"
        (facts / "entry_points.txt").write_text(default if entry_points is None else entry_points)

    yield install
    for name in set(sys.modules) - before:
        if (tmp_path / f"{name}.py").exists():
            del sys.modules[name]


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


HANGING = {
    "a loop that catches everything": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "a loop in C": "sum(iter(int, 1))",
    "a wait without the alarm": (
        "import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: time.sleep(9)"
    ),
}


def test_an_import_without_an_end_is_ended_and_the_next_one_is_tried(installed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trial, "LIMIT_S", 1)
    monkeypatch.setattr(trial, "START_S", 3)
    for number, source in enumerate(HANGING.values()):
        installed(f"hanging_{number}", source)
    installed("a_neighbour", "FRAMEWORKS = framework(name='Neighbour')")
    found = loaded()
    assert set(found.frameworks) == {"Neighbour"}
    assert len(found.left_out) == len(HANGING)
    assert all(line.endswith(": its import isn't done after 1 s") for line in found.left_out), found.left_out


def test_an_import_changes_no_variable_of_the_environment(installed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TWINBENCH_KEPT", "1")
    installed("changes_much", "import os; os.environ.update(TWINBENCH_KEPT='2', OTHER='3')\nFRAMEWORKS = framework()")
    assert set(loaded().frameworks) == {"Good"}
    assert (os.environ["TWINBENCH_KEPT"], os.environ.get("OTHER")) == ("1", None)


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


WHOLE = """
from dataclasses import replace
from twinbench.frameworks import probe
FRAMEWORKS = replace(probe.FRAMEWORKS[0], name="Good")
"""


def test_every_command_works_beside_a_broken_plugin_and_a_worker_does_not_import_it(plugin, twinbench, tmp_path: Path):
    env = plugin(
        "very_broken", "print('{\"no\": \"json\"}')\nopen('imported', 'a').write('x')\nraise SystemExit('\\x1b[2J')"
    )
    env |= plugin("good", WHOLE)
    done = twinbench("run", "noop", "--stack", "Good", "--budget", "0.1", "--no-track", "--json", env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [cell["stack"] for pipeline in json.loads(done.stdout)["pipelines"] for cell in pipeline["cells"]] == [
        "Good"
    ]
    (line,) = (line for line in done.stderr.splitlines() if "left out" in line)
    assert line.startswith("warning: left out: plug-in 'very_broken' of very_broken 0.1: SystemExit: \\x1b[2J")
    assert (tmp_path / "imported").read_text() == "x", "only the trial imports it"


def test_an_unknown_environment_makes_a_framework_unavailable(installed, monkeypatch: pytest.MonkeyPatch):
    installed("needs_much", "FRAMEWORKS = framework(environment='../../etc')")
    (framework,) = loaded().frameworks.values()
    assert "which twinbench can't make" in (stack.unavailable(framework) or "")
    assert stack.versions(framework) == {"good": None}
