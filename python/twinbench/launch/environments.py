"""Python environments for libraries whose requirements conflict with the others': made once, used by their workers.

Each environment is a venv in the cache. Those of `ENVIRONMENTS` have names; others are made for the requirements of the
user's own functions, and are named by a hash of these. A worker in an environment imports twinbench by a link to the
package of the process that starts the worker, and beside it only the library and its requirements.
"""

from __future__ import annotations

import fcntl
import hashlib
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
    """An environment could not be made; the message quotes pip's error."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment: the packages in exact versions, and the newest Python that they support."""

    name: str
    requirements: tuple[str, ...]
    newest_python: tuple[int, int]
    reason: str
    """Why the library needs an environment of its own."""


ENVIRONMENTS = {
    "mxnet": Environment(
        "mxnet",
        ("mxnet==1.9.1", "numpy==1.23.5"),
        (3, 11),
        "MXNet is retired: its last release needs a NumPy below 1.24, which there is up to Python 3.11",
    )
}

COMPLETE = "complete"
"""Name of the file that marks an environment as completely installed."""

REQUIREMENTS = "requirements.txt"
"""Name of the file with the requirements of an environment that isn't in `ENVIRONMENTS`, one on each line."""

OWN = "own-"
"""Beginning of the names of such environments."""


def every() -> dict[str, Environment]:
    """Return all environments by name: those that twinbench knows, and those that were made for requirements."""
    own = sorted(paths.cache_dir().glob(f"environments/{OWN}*/{REQUIREMENTS}"))
    return ENVIRONMENTS | {
        file.parent.name: _own(tuple(file.read_text(encoding="utf-8").splitlines()), file.parent.name) for file in own
    }


def _own(requirements: tuple[str, ...], name: str) -> Environment:
    return Environment(name, requirements, sys.version_info[:2], "functions of your own asked for it")


def get(name: str) -> Environment:
    """Return the environment of this name. Raises BadInput for an unknown name."""
    environments = every()
    if name not in environments:
        raise BadInput(f"unknown environment '{name}'{nearest(name, environments)}")
    return environments[name]


def directory(name: str) -> Path:
    """Return the environment's directory in the cache."""
    return paths.cache_dir() / "environments" / name


def exists(name: str) -> bool:
    """Whether the environment is completely installed, and the Python that it was made with still exists."""
    return _complete(name) and Path(interpreter(name)).exists()


def _complete(name: str) -> bool:
    return (directory(name) / COMPLETE).is_file()


def interpreter(name: str | None) -> str:
    """Return the Python that runs a worker: the current one if ``name`` is None, else the environment's."""
    return sys.executable if name is None else str(directory(name) / "bin" / "python")


def variables(name: str | None, scratch: Path) -> dict[str, str]:
    """Return the environment variables of a worker in an environment; empty if ``name`` is None.

    They make this package importable by a link in the worker's own directory ``scratch``, since several checkouts may
    use one environment at once.
    """
    if name is None:
        return {}
    return {"PYTHONPATH": str(linked(scratch)), "VIRTUAL_ENV": str(directory(name))}


def linked(scratch: Path) -> Path:
    """Make a directory for ``PYTHONPATH`` that holds only a link to this package."""
    parent = scratch / "package"
    parent.mkdir()
    (parent / "twinbench").symlink_to(paths.PACKAGE)
    return parent


def unavailable(name: str) -> str | None:
    """Say why an environment can't be used, and what to do; None if it can be used."""
    if name not in ENVIRONMENTS:
        return f"it needs the environment '{name}', which twinbench can't make"
    environment = get(name)
    if exists(name):
        return None
    if sys.version_info[:2] > environment.newest_python:
        newest = ".".join(map(str, environment.newest_python))
        return f"{environment.reason}; this is Python {sys.version_info[0]}.{sys.version_info[1]}, run it with {newest}"
    what = "the Python of its environment is gone" if _complete(name) else "its environment is not made yet"
    return f"{what}; run 'twinbench env create {name}'"


def versions(name: str, packages: tuple[str, ...]) -> dict[str, str | None]:
    """Return the versions of packages in an environment; None for a package that isn't installed."""
    installed = {
        str(distribution.metadata["Name"]).lower(): distribution.version
        for distribution in importlib.metadata.distributions(path=[str(p) for p in _site_packages(name)])
    }
    return {package: installed.get(package.lower()) for package in packages}


def _site_packages(name: str) -> list[Path]:
    return sorted((directory(name) / "lib").glob("python*/site-packages"))


def create(name: str, say: Callable[[str], None]) -> Path:
    """Make an environment, replacing what an interrupted attempt left, and return its directory.

    Of two processes that make an environment at once, one makes it and the other waits. Raises BadInput or
    EnvironmentFailure.
    """
    environment = get(name)
    if sys.version_info[:2] > environment.newest_python and not exists(name):
        raise EnvironmentFailure(f"environment {name}: {unavailable(name)}")
    return _created(environment, say)


def create_for(requirements: tuple[str, ...], say: Callable[[str], None]) -> Path:
    """Make an environment with these requirements, unless there is one, and return its directory.

    It belongs to this version of Python. Raises EnvironmentFailure.
    """
    key = "\n".join([*sorted(requirements), *map(str, sys.version_info[:2])])
    return _created(_own(requirements, OWN + hashlib.sha256(key.encode()).hexdigest()[:8]), say)


def _created(environment: Environment, say: Callable[[str], None]) -> Path:
    target = directory(environment.name)
    paths.make_private(target.parent)
    with target.with_name(f"{environment.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not exists(environment.name):
            _make(environment, target, say)
    return target


def _make(environment: Environment, target: Path, say: Callable[[str], None]) -> None:
    say(f"making {target}")
    shutil.rmtree(target, ignore_errors=True)
    _run([sys.executable, "-P", "-m", "venv", str(target)], environment.name)
    say(f"installing {', '.join(environment.requirements)}")
    name = environment.name
    pip = [interpreter(name), "-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        _run([*pip, *environment.requirements], name)
    except BaseException:
        if name not in ENVIRONMENTS:
            shutil.rmtree(target, ignore_errors=True)  # nobody would come back to its name
        raise
    if name not in ENVIRONMENTS:
        (target / REQUIREMENTS).write_text("\n".join(environment.requirements), encoding="utf-8")
    (target / COMPLETE).touch()


def remove(name: str) -> bool:
    """Delete an environment. Returns whether it existed. Raises BadInput for an unknown name."""
    get(name)
    existed = directory(name).is_dir()
    shutil.rmtree(directory(name), ignore_errors=True)
    return existed


def _run(command: list[str], name: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "no reason given")
        if name not in ENVIRONMENTS:
            raise EnvironmentFailure(f"{reason.removeprefix('ERROR: ')}; correct the requirements after @")
        raise EnvironmentFailure(f"environment {name}: {reason}; 'twinbench env create {name}' tries again")
