"""What every test may use: a place of its own for results, the command as a user runs it, and plugins."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import snapshots
from tests.browser import Browser, find
from twinbench.launch import environments
from twinbench.store.store import Store

Command = Callable[..., "subprocess.CompletedProcess[str]"]

# Answers don't depend on how much Julia optimises what it compiles, and compiling is most of the time of a test that
# starts Julia. No test claims a speed.
os.environ.setdefault("PYTHON_JULIACALL_OPTIMIZE", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="write the snapshots anew instead of comparing")


def pytest_configure() -> None:
    """Heed Ctrl-C where the tests were started with it ignored, as a shell does behind ``&``: children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> snapshots.Snapshot:
    """Compares a text with a file in ``snapshots/`` beside the test; ``--update-snapshots`` writes the file."""

    def compare(name: str, text: str) -> None:
        path = request.path.with_name("snapshots") / f"{name}.txt"
        snapshots.check(path, text, update=request.config.getoption("--update-snapshots"))

    return compare


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the whole session, and for all processes of pytest-xdist: what is in it is made once."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    place.mkdir(exist_ok=True)
    return place


@pytest.fixture
def places(tmp_path: Path, cache: Path) -> dict[str, str]:
    """The environment in which nothing of the user's is touched. The user's own configuration of Julia stays."""
    return os.environ | {
        "TWINBENCH_CACHE_DIR": str(cache),
        "TWINBENCH_DATA_DIR": str(tmp_path / "data"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "TWINBENCH_TRACK_TIMEOUT": "300",
    }


@pytest.fixture
def twinbench(places: dict[str, str]) -> Command:
    """Runs ``twinbench`` in a process of its own.

    A run has one process per cell, unless the test asks for another number: four take four times as long.
    """

    def command(*arguments: str, env: Mapping[str, str] | None = None, timeout: float = 120, **options: object):
        few = ["--processes", "1"] if arguments[0] == "run" and "--processes" not in arguments else []
        return subprocess.run(
            [sys.executable, "-m", "twinbench", *arguments, *few],
            env=places | dict(env or {}),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            **options,
        )

    return command


@pytest.fixture
def store(places: dict[str, str]) -> Callable[[], Store]:
    """Opens the store that ``twinbench`` wrote."""
    return lambda: Store.open(Path(places["TWINBENCH_DATA_DIR"]) / "results.db", create=False)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Headless Chromium."""
    executable = find()
    if executable is None:
        pytest.skip("no Chromium found; `make browser` installs Debian's")
    started = Browser(executable, tmp_path_factory.mktemp("browser"))
    yield started
    started.close()


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[[str, str], dict[str, str]]:
    """Installs a module as somebody else's package: its ``FRAMEWORKS`` are found through the entry point."""

    def install(name: str, source: str) -> dict[str, str]:
        site = tmp_path / "site"
        facts = site / f"{name}-0.1.dist-info"
        facts.mkdir(parents=True)
        (site / f"{name}.py").write_text(textwrap.dedent(source))
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
        (facts / "entry_points.txt").write_text(f"[twinbench.frameworks]\n{name} = {name}:FRAMEWORKS\n")
        path = os.pathsep.join(part for part in (str(site), os.environ.get("PYTHONPATH")) if part)
        return {"PYTHONPATH": path}

    return install


@pytest.fixture(scope="session")
def mxnet(cache: Path) -> Path:
    """The environment of MXNet, made once for the session; skipped, with pip's words, where that can't be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINBENCH_CACHE_DIR", str(cache))
        try:
            return environments.create("mxnet", print)
        except environments.EnvironmentFailure as error:
            pytest.skip(str(error))


@contextmanager
def driver(scratch: Path, home: Path | None) -> Iterator[Callable[..., Any]]:
    """Calls a function of ``driver.py`` in one process, whose temporary files have a place of their own.

    ``home``: of the environment that it runs in, if not this one.
    """
    quick = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}  # as JAX tests itself: most of its time is compiling
    interpreter, variables = sys.executable, os.environ | {"TMPDIR": str(scratch)} | quick
    if home is not None:
        interpreter = str(home / "bin" / "python")
        variables |= {"PYTHONPATH": str(environments.linked(scratch))}
    read, answers = os.pipe()
    requests, write = os.pipe()
    command = [interpreter, str(Path(__file__).with_name("driver.py")), str(requests), str(answers)]
    process = subprocess.Popen(command, pass_fds=(requests, answers), stdin=subprocess.DEVNULL, env=variables)
    os.close(requests)
    os.close(answers)
    with os.fdopen(write, "wb") as out, os.fdopen(read, "rb") as back:

        def call(function: str, *arguments: Any) -> Any:
            pickle.dump((function, arguments), out)
            out.flush()
            try:
                ok, value = pickle.load(back)
            except EOFError:
                pytest.fail(f"the process died in {function}: {process.wait()}")
            if not ok:
                pytest.fail(value)
            return value

        yield call
    process.wait(60)


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Calls a function of ``driver.py`` in a long-lived process that is named: libraries may not meet in one."""
    with ExitStack() as stack:
        calls: dict[str, Callable[..., Any]] = {}

        def call(process: str, function: str, *arguments: Any) -> Any:
            if process not in calls:
                home = request.getfixturevalue("mxnet") if process == "MXNet" else None
                calls[process] = stack.enter_context(driver(tmp_path_factory.mktemp("driver"), home))
            return calls[process](function, *arguments)

        yield call
