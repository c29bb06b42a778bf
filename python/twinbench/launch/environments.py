"""Python environments for libraries that can't live with the others: made once, and used by the workers that need them.

Each is a venv in the cache. Workers in it import the package of who starts them, by a link, and only what its library
brings.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from twinbench import paths
from twinbench.errors import BadInput, TwinbenchError, nearest


class EnvironmentFailure(TwinbenchError):
    """An environment could not be made; the message has pip's own words."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What is installed, in exact versions, and the newest Python that has it."""

    name: str
    requirements: tuple[str, ...]
    newest_python: tuple[int, int]
    reason: str
    """Why it needs one."""


ENVIRONMENTS = {
    "mxnet": Environment(
        "mxnet",
        ("mxnet==1.9.1", "numpy==1.23.5"),
        (3, 11),
        "MXNet is retired: its last release needs a NumPy below 1.24, which there is up to Python 3.11",
    )
}

COMPLETE = "complete"
"""A file that is there once everything is installed."""


def get(name: str) -> Environment:
    """The environment of this name. Raises BadInput."""
    if name not in ENVIRONMENTS:
        raise BadInput(f"unknown environment '{name}'{nearest(name, ENVIRONMENTS)}")
    return ENVIRONMENTS[name]


def directory(name: str) -> Path:
    """Its place in the cache."""
    return paths.cache_dir() / "environments" / name


def exists(name: str) -> bool:
    """Whether it is there as a whole, with the Python that it was made with."""
    return _made(name) and Path(interpreter(name)).exists()


def _made(name: str) -> bool:
    return (directory(name) / COMPLETE).is_file()


def interpreter(name: str | None) -> str:
    """The Python that runs a worker: ours, or that of an environment."""
    return sys.executable if name is None else str(directory(name) / "bin" / "python")


def variables(name: str | None, scratch: Path) -> dict[str, str]:
    """What a worker in it has in its own environment: the only code besides its libraries is this package.

    The link to it is in the worker's own ``scratch``: several checkouts may use one environment at once.
    """
    if name is None:
        return {}
    return {"PYTHONPATH": str(linked(scratch)), "VIRTUAL_ENV": str(directory(name))}


def linked(scratch: Path) -> Path:
    """A directory for ``PYTHONPATH`` that holds nothing but this package, by a link."""
    place = scratch / "package"
    place.mkdir()
    (place / "twinbench").symlink_to(paths.PACKAGE)
    return place


def unavailable(name: str) -> str | None:
    """Why it can't be used, with what to do; None if it can."""
    environment = get(name)
    if exists(name):
        return None
    if sys.version_info[:2] > environment.newest_python:
        newest = ".".join(map(str, environment.newest_python))
        return f"{environment.reason}; this is Python {sys.version_info[0]}.{sys.version_info[1]}, run it with {newest}"
    what = "the Python of its environment is gone" if _made(name) else "its environment is not made yet"
    return f"{what}; run 'twinbench env create {name}'"


def versions(name: str, packages: tuple[str, ...]) -> dict[str, str | None]:
    """Of packages in it; None for one that isn't there."""
    found = {
        str(distribution.metadata["Name"]).lower(): distribution.version
        for distribution in importlib.metadata.distributions(path=[str(p) for p in _site_packages(name)])
    }
    return {package: found.get(package.lower()) for package in packages}


def _site_packages(name: str) -> list[Path]:
    return sorted((directory(name) / "lib").glob("python*/site-packages"))


def create(name: str, say: Callable[[str], None]) -> Path:
    """Make it, in the place of what an interrupted attempt left. Raises BadInput or EnvironmentFailure.

    Of two that are asked for it at once, one makes it and the other waits.
    """
    environment = get(name)
    place = directory(name)
    if sys.version_info[:2] > environment.newest_python and not exists(name):
        raise EnvironmentFailure(f"environment {name}: {unavailable(name)}")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not exists(name):
            _make(name, environment, place, say)
    return place


def _make(name: str, environment: Environment, place: Path, say: Callable[[str], None]) -> None:
    say(f"making {place}")
    shutil.rmtree(place, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(place)], name)
    say(f"installing {', '.join(environment.requirements)}")
    pip = [interpreter(name), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, *environment.requirements], name)
    (place / COMPLETE).touch()


def remove(name: str) -> bool:
    """Delete it. Returns whether it was there."""
    get(name)
    there = directory(name).is_dir()
    shutil.rmtree(directory(name), ignore_errors=True)
    return there


def _run(command: list[str], name: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "no reason given")
        raise EnvironmentFailure(f"environment {name}: {said}; 'twinbench env create {name}' tries again")
