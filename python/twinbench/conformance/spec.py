"""Finding the frameworks that a person names, and looking at one in a fresh process."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from twinbench.errors import BadInput
from twinbench.frameworks import julia as julia_files
from twinbench.frameworks.api import Framework

TIMEOUT_S = 600
"""Julia compiles what it hasn't compiled before."""


def resolve(spec: str) -> tuple[Framework, ...]:
    """The frameworks of ``MODULE:NAME``, or of a Julia file. Raises BadInput, with what to do."""
    if spec.endswith(".jl"):
        try:
            return (julia_files.read(Path(spec)),)
        except (OSError, ValueError) as error:
            raise BadInput(f"{spec}: {error}") from error
    module, _, name = spec.partition(":")
    if not module or not name:
        raise BadInput(
            f"{spec}: a framework is named MODULE:NAME, such as mypackage.frames:FRAMEWORKS, or by a .jl file"
        )
    try:
        value = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise BadInput(f"{spec}: {error}; install the package, or use 'python -m pytest' in its directory") from error
    except AttributeError as error:
        raise BadInput(f"{spec}: {error}") from error
    frameworks = value if isinstance(value, tuple) else (value,)
    wrong = [type(item).__name__ for item in frameworks if not isinstance(item, Framework)]
    if wrong or not frameworks:
        what = wrong[0] if wrong else "an empty tuple"
        raise BadInput(f"{spec}: {what} instead of a twinbench.frameworks.api.Framework or a tuple of them")
    return frameworks


def in_fresh_process(spec: str, position: int, threads: int | None, variables: dict[str, str]) -> dict[str, Any]:
    """What a new process sees of a framework: ``modules`` after its import, and ``threads`` after ``load``.

    ``position`` is the framework's place in the tuple. It is loaded where ``threads`` is given. Raises RuntimeError,
    with the last line that the process wrote.
    """
    path = os.pathsep.join(part or os.getcwd() for part in sys.path)
    command = [sys.executable, "-P", "-m", "twinbench.conformance.spec", spec, str(position), json.dumps(threads)]
    done = subprocess.run(
        command, env=variables | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    if done.returncode != 0:
        raise RuntimeError((done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def top_level(distributions: tuple[str, ...]) -> set[str]:
    """The modules that the files of some distributions add to Python: ``cv2`` for ``opencv-python-headless``."""
    wanted = {_normal(name) for name in distributions} - {"twinbench"}
    return {module for module, owners in packages_distributions().items() if wanted & {_normal(o) for o in owners}}


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def main(spec: str, position: str, threads: str) -> None:
    """Print what `in_fresh_process` returns, as JSON."""
    framework = resolve(spec)[int(position)]
    modules = sorted({name.partition(".")[0] for name in sys.modules})
    counts = {}
    if threads != "null":
        framework.load(int(threads))
        counts = dict(framework.threads())
    print(json.dumps({"modules": modules, "threads": counts}))


if __name__ == "__main__":
    main(*sys.argv[1:])
