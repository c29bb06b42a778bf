"""What every command has in common: lazy loading, errors in one line, exit codes, closed pipes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from types import ModuleType

import pytest

from twinbench.cli import main
from twinbench.errors import BadInput, JuliaUnavailable

HEAVY = ("numpy", "pandas", "torch", "polars", "duckdb", "juliacall", "mlflow", "asv", "jinja2", "pyarrow", "scipy")
GROUPS = (
    ("julia", "setup"),
    ("julia", "status"),
    ("julia", "use"),
    ("track", "mlflow"),
    ("track", "comet"),
    ("track", "asv"),
    *(("data", name) for name in ("list", "describe", "fetch")),
)


def test_help_imports_nothing_that_is_heavy(cli):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "twinbench", "--help"], capture_output=True, text=True, timeout=60
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & {*HEAVY, "pydantic", "psutil", "sqlite3"}


def test_help_names_every_command_and_every_exit_code(cli):
    done = cli("--help")
    assert done.returncode == 0
    for name in main.COMMANDS:
        assert f"\n  {name} " in done.stdout
    for code in ("0", "1", "2", "3", "4", "130"):
        assert f" {code}  " in done.stdout
    lines = [line.strip() for line in done.stdout.splitlines()]
    (unavailable,) = (line for line in lines if line.startswith(f"{JuliaUnavailable.exit_code}  "))
    for what in ("--require", "--device", "Julia"):
        assert what in unavailable


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("source", None, "copy"), "copy: No space left on device; free some space on that disk"),
        (("source",), "source: No space left on device; free some space on that disk"),
        ((), "No space left on device; free some space on that disk"),
    ],
)
def test_a_full_disk_is_named_by_the_copy_that_fills_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], names: tuple[str | None, ...], said: str
):
    def call(_: list[str]) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *names)  # with both names, as by shutil.copyfile

    monkeypatch.setattr(main, "_call", call)
    assert main._guarded([], debug=False) == 1
    assert capsys.readouterr().err.startswith(f"twinbench: error: {said}")


@pytest.mark.parametrize("command", [("track", "mlflow"), ("promote",), ("monitor",)], ids=" ".join)
def test_help_says_where_runs_go_when_nobody_says_where(cli, command):
    said = " ".join(cli(*command, "--help", COLUMNS="200").stdout.split())
    assert "if left out MLFLOW_TRACKING_URI, or else mlflow.db in twinbench's data directory" in said


@pytest.mark.parametrize("command", [*((name,) for name in main.COMMANDS), *GROUPS], ids=" ".join)
def test_help_of_a_command_shows_an_example(cli, command):
    done = cli(*command, "--help")
    assert done.returncode == 0, done.stderr
    assert f"Example: twinbench {command[0]}" in " ".join(done.stdout.split())


def test_version(cli):
    from twinbench import __version__

    assert cli("--version").stdout == f"twinbench {__version__}\n"


def test_an_unknown_command_suggests_the_nearest(cli):
    done = cli("docter")
    assert done.returncode == 2
    assert "Did you mean 'doctor'?" in done.stderr


def test_an_unknown_option_is_bad_input(cli):
    done = cli("list", "--jsn")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_error_is_one_line_with_its_exit_code(cli, tmp_path):
    nowhere = tmp_path / "nowhere"
    done = cli("list", "--pipelines", str(nowhere))
    assert done.returncode == 2
    assert done.stderr == f"twinbench: error: {nowhere}: no such directory of pipelines\n"


def test_debug_adds_the_traceback_wherever_it_stands(cli, tmp_path):
    done = cli("list", "--debug", "--pipelines", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("twinbench: error: ")


@pytest.fixture
def ending(monkeypatch):
    """``ending(error)`` runs a command that raises it, and gives the exit code."""

    def end(error: BaseException) -> int:
        def boom() -> None:
            raise error

        module = ModuleType("twinbench_boom")
        module.boom = boom
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(main.COMMANDS, "list", (f"{module.__name__}:boom", ""))
        monkeypatch.setattr(sys, "argv", ["twinbench", "list"])
        with pytest.raises(SystemExit) as ended:
            main.main()
        return ended.value.code

    return end


@pytest.mark.parametrize(("error", "code"), [(BadInput("x"), 2), (JuliaUnavailable("x"), 3)])
def test_an_error_decides_the_exit_code(ending, capsys, error, code):
    assert ending(error) == code
    assert capsys.readouterr().err == "twinbench: error: x\n"


def test_an_unexpected_exception_is_one_line_that_says_how_to_see_more(ending, capsys):
    assert ending(ZeroDivisionError("by zero")) == 1
    assert capsys.readouterr().err == ("twinbench: error: unexpected ZeroDivisionError: by zero; --debug shows where\n")


def test_ctrl_c_ends_with_130(ending, capsys):
    assert ending(KeyboardInterrupt()) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [("list",), ("list", "--json"), ("julia", "status", "--json"), ("--help",)], ids=" ".join
)
def test_a_closed_pipe_is_no_matter(places, arguments):
    places.pop("PYTHONUNBUFFERED", None)  # buffered as for users: what is short is only written at the end
    command = [sys.executable, "-m", "twinbench", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=places) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
