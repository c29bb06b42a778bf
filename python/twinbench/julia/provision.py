"""Provisioning Julia by juliapkg, layer by layer, and compiling ahead. The only file that downloads anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from twinbench.errors import JuliaUnavailable
from twinbench.julia import layers, openssl
from twinbench.julia.find import Julia, check_needed, find, named, packages, provisioned, provisioned_project
from twinbench.julia.layers import Layer
from twinbench.julia.start import environment
from twinbench.julia.use import last_line

Progress = Callable[[str], None]
"""Function that shows one line."""

PROVISION = """
import json, socket, subprocess, sys, juliapkg
socket.setdefaulttimeout(20)  # for downloads: a network that swallows packets would hang for ever
for name, facts in json.loads(sys.argv[1]).items():
    juliapkg.add(name, **facts)
try:
    juliapkg.resolve()
except subprocess.CalledProcessError as error:
    raise SystemExit(f"Julia's package manager ended with {error.returncode}") from None
except Exception as error:
    raise SystemExit(f"{error}; is the network there?") from None
"""
"""The program that provisions a layer, in a process of its own."""

WARM = "import os; from twinbench.frameworks import julia; julia.load_all(); os._exit(0)"
"""The program that compiles ahead. It ends without Julia's exit hooks: with threads, juliacall can crash in them."""


def setup(progress: Progress, extra: Sequence[str] = ()) -> Julia:
    """Make a Julia ready to run: provision the base and extra layers, then compile ahead.

    For a Julia that the user has named, packages are only compiled. A layer that fails is left out, and a line says so.
    Raises JuliaUnavailable: no network, or a named Julia that lacks packages; BadInput for an unknown layer.
    """
    wanted = layers.chosen(extra)
    if named() is None:
        note = openssl.passed_over()
        if note:
            progress(note)
        for number, layer in enumerate(wanted, start=1):
            _provide(layer, f"layer {number} of {len(wanted)} ({layer.name})", progress)
    julia = find()
    check_needed(julia)
    precompile(julia, progress)
    return julia


def _provide(layer: Layer, title: str, progress: Progress) -> None:
    """Provision one layer. Raises JuliaUnavailable if the base fails; any other layer that fails is left out."""
    progress(f"{title}: {layer.summary}")
    start = time.monotonic()
    try:
        with _undone_on_failure(provisioned_project()):
            facts = {} if layer.name == layers.BASE else layer.packages  # juliapkg reads the base for itself
            project = {"PYTHON_JULIAPKG_PROJECT": str(provisioned_project().absolute())}
            command = [sys.executable, "-P", "-c", PROVISION, json.dumps(facts)]
            _run(command, os.environ | project, progress, "Julia could not be provisioned")
    except JuliaUnavailable as failure:
        if layer.name == layers.BASE:
            raise
        progress(f"{title}: failed after {time.monotonic() - start:.0f} s and left out: {failure}")
    else:
        progress(f"{title}: ready after {time.monotonic() - start:.0f} s")


@contextmanager
def _undone_on_failure(project: Path) -> Iterator[None]:
    """Put the project's TOML files and juliapkg's notes back as they were if the layer can't be had.

    Otherwise they would go on naming the layer's packages, and no later layer could be resolved. A new project is left
    as it is, so that the next attempt goes on from there.
    """
    if provisioned() is None:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="twinbench-") as scratch:
        saved = {file: Path(scratch) / str(number) for number, file in enumerate(_notes(project))}
        for file, copy in saved.items():
            shutil.copy2(file, copy)
        try:
            yield
        except BaseException:
            for file in set(_notes(project)) - saved.keys():
                file.unlink()
            for file, copy in saved.items():
                shutil.copy2(copy, file)
            raise


def _notes(project: Path) -> list[Path]:
    return [*project.glob("*.toml"), *(project / "pyjuliapkg").glob("*.json")]


def precompile(julia: Julia, progress: Progress) -> None:
    """Compile TwinBench ahead, by loading every framework once as a worker does. A second call costs seconds.

    Raises JuliaUnavailable.
    """
    progress("Compiling the Julia packages (minutes, once)")
    _run(
        [sys.executable, "-P", "-c", WARM], os.environ | environment(julia, 1), progress, "Julia's packages do not load"
    )


def missing_layers(julia: Julia) -> list[str]:
    """Return the names of the layers of which a Julia lacks packages. Raises JuliaUnavailable."""
    present = packages(julia)
    return [layer.name for layer in layers.layers().values() if layer.missing(present)]


def _run(command: list[str], env: Mapping[str, str], progress: Progress, failure: str) -> None:
    lines = [""]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            progress(lines[-1])
    if process.returncode != 0:
        raise JuliaUnavailable(f"{failure}: {last_line(chr(10).join(lines))}")
