"""Choosing an existing Julia: starting it once, checking it, and writing it into the user's configuration."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from twinbench.errors import JuliaUnavailable
from twinbench.julia.find import Julia, check, check_needed, config_file
from twinbench.julia.project import parse_version
from twinbench.julia.start import environment
from twinbench.julia.status import OLDEST

START_TIMEOUT_S = 120
"""Longest wait, in seconds, for one start of Julia; on a network file system a start may take a minute."""


def use(exe: str, project: str, depot: str | None = None) -> Julia:
    """Use an existing Julia from now on: start it once, check its packages, and write the user's configuration.

    ``depot`` is a directory or a whole ``JULIA_DEPOT_PATH``. Raises JuliaUnavailable, and then changes nothing.
    """
    path = shutil.which(exe)
    julia = Julia(
        exe=str(Path(path).absolute()) if path else exe, project=str(Path(project).absolute()), source="config"
    )
    if depot:
        # The trailing separator keeps Julia's own depots, where its standard libraries are compiled already.
        julia = replace(julia, depot=depot if os.pathsep in depot else f"{Path(depot).absolute()}{os.pathsep}")
    check(julia)
    julia = _ask(julia)
    check_needed(julia)
    values = {
        "exe": julia.exe,
        "project": julia.project,
        "depot": julia.depot,
        "lib": julia.lib,
        "bindir": julia.bindir,
    }
    config_file().parent.mkdir(parents=True, exist_ok=True)
    # JSON's strings are TOML's basic strings.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items() if value]
    config_file().write_text("".join(lines), encoding="utf-8")
    return julia


def _ask(julia: Julia) -> Julia:
    """Start Julia once, and add the paths that it reports. Raises JuliaUnavailable if it fails or is too old."""
    script = 'import Libdl; print(join((VERSION, abspath(Libdl.dlpath("libjulia")), Sys.BINDIR), "\\0"))'
    command = [julia.exe, "--startup-file=no", f"--project={julia.project}", "-e", script]
    try:
        done = subprocess.run(
            command,
            env=os.environ | environment(julia, 1),
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
            check=True,
        )
        version, lib, bindir = done.stdout.split("\0")
    except subprocess.CalledProcessError as error:
        raise JuliaUnavailable(f"{julia.exe} does not start: {last_line(error.stderr)}") from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise JuliaUnavailable(f"{julia.exe} does not start: {error}") from None
    if (parse_version(version) or (0, 0, 0))[:2] < OLDEST:
        raise JuliaUnavailable(
            f"{julia.exe} is Julia {version}, too old; twinbench needs Julia {OLDEST[0]}.{OLDEST[1]} or newer"
        )
    return replace(julia, lib=lib, bindir=bindir)


def last_line(text: str) -> str:
    """Return the last line of a program's output that isn't blank."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")
