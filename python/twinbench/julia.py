"""Finding, provisioning and starting Julia through juliacall.

Reading where Julia is costs milliseconds and starts nothing. Nothing is ever downloaded but by `setup`. This file knows
no framework: what is loaded into Julia is up to ``frameworks/julia.py``.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from twinbench import paths
from twinbench.errors import JuliaUnavailable

EXE, PROJECT = "PYTHON_JULIACALL_EXE", "PYTHON_JULIACALL_PROJECT"
START_TIMEOUT_S = 120
"""For one start of Julia that only looks around; a network file system may take a minute."""

SETUP_HINT = "run 'twinbench julia setup', or 'twinbench julia use --exe ... --project ...' for one that is there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Julia:
    """A Julia with its project: an environment of packages."""

    exe: str
    project: str
    depot: str | None = None
    """What ``JULIA_DEPOT_PATH`` has to be, if the default won't do."""
    lib: str | None = None
    bindir: str | None = None
    """Where libjulia and the executables are, if known: juliacall then needn't start Julia once more to ask."""
    source: Literal["environment", "config", "juliapkg"]
    """Who named it: the two environment variables, ``twinbench julia use`` or ``twinbench julia setup``."""


def find() -> Julia:
    """The Julia to use: named by the environment, or by the user's configuration, or provisioned by `setup`.

    Starts and downloads nothing. Raises JuliaUnavailable, with the command that mends it.
    """
    julia = _from_environment() or _from_config() or _from_juliapkg()
    if julia is None:
        raise JuliaUnavailable(f"no Julia found; {SETUP_HINT}")
    _check(julia)
    return julia


def _from_environment() -> Julia | None:
    exe, project = os.environ.get(EXE), os.environ.get(PROJECT)
    if not exe and not project:
        return None
    if not exe or not project:
        there, absent = (EXE, PROJECT) if exe else (PROJECT, EXE)
        raise JuliaUnavailable(f"{there} is set but {absent} is not; set both, or neither")
    return Julia(
        exe=exe,
        project=project,
        depot=os.environ.get("JULIA_DEPOT_PATH"),
        lib=os.environ.get("PYTHON_JULIACALL_LIB"),
        bindir=os.environ.get("PYTHON_JULIACALL_BINDIR"),
        source="environment",
    )


def config_file() -> Path:
    """Where `use` keeps its answer."""
    return paths.config_dir() / "julia.toml"


def _from_config() -> Julia | None:
    file = config_file()
    if not file.is_file():
        return None
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        return Julia(source="config", **values)
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise JuliaUnavailable(f"{file}: {error}; run 'twinbench julia use' again") from None


def provisioned_project() -> Path:
    """The project that `setup` fills; one per version of juliacall, which fixes the version of PythonCall."""
    chosen = os.environ.get("PYTHON_JULIAPKG_PROJECT")
    return Path(chosen) if chosen else paths.cache_dir() / f"julia-{importlib.metadata.version('juliacall')}"


def _from_juliapkg() -> Julia | None:
    """What juliapkg wrote down when it last resolved. Asking juliapkg itself could start a download."""
    project = provisioned_project()
    try:
        meta = json.loads((project / "pyjuliapkg" / "meta.json").read_text(encoding="utf-8"))
        exe = meta["executable"]
    except (OSError, ValueError, KeyError):
        return None
    return Julia(
        exe=exe,
        project=str(project),
        depot=os.environ.get("JULIA_DEPOT_PATH"),
        lib=meta.get("libjulia"),
        bindir=meta.get("bindir"),
        source="juliapkg",
    )


def _check(julia: Julia) -> None:
    """That the files are there, and the one version that juliacall insists on. Raises JuliaUnavailable."""
    if shutil.which(julia.exe) is None:
        raise JuliaUnavailable(f"{_named_by(julia)}: no executable at {julia.exe}")
    if not _project_file(julia.project, "Project.toml"):
        raise JuliaUnavailable(f"{_named_by(julia)}: no Project.toml in {julia.project}")
    wanted, found = importlib.metadata.version("juliacall"), _versions(julia).get("PythonCall")
    if found != wanted:
        has = f"has PythonCall {found}" if found else "lacks PythonCall"
        raise JuliaUnavailable(f"the Julia project {julia.project} {has}, juliacall needs {wanted}; {_mend(julia)}")


def _named_by(julia: Julia) -> str:
    return {
        "environment": f"{EXE} and {PROJECT}",
        "config": str(config_file()),
        "juliapkg": "the Julia of 'twinbench julia setup'",
    }[julia.source]


def _project_file(project: str, name: str) -> Path | None:
    """``Project.toml`` or ``Manifest.toml``, or the form with ``Julia`` in front that Julia prefers."""
    return next((file for prefix in ("Julia", "") if (file := Path(project) / f"{prefix}{name}").is_file()), None)


@cache
def _manifest(file: Path, mtime_ns: int) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _read_manifest(julia: Julia) -> dict[str, Any]:
    file = _project_file(julia.project, "Manifest.toml")
    try:
        return _manifest(file, file.stat().st_mtime_ns) if file else {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise JuliaUnavailable(f"{file}: {error}; {_mend(julia)}") from None


def _versions(julia: Julia) -> dict[str, str]:
    """Every package that the project resolved to, with its version."""
    packages = _read_manifest(julia).get("deps", {})
    return {name: entries[0].get("version", "stdlib") for name, entries in packages.items()}


def package_versions(names: Sequence[str]) -> dict[str, str | None]:
    """The versions of these packages in the project, read from its manifest; None for one that isn't there.

    Raises JuliaUnavailable.
    """
    found = _versions(find())
    return {name: found.get(name) for name in names}


NEEDED = ("PythonCall", "PrecompileTools")
"""Without these nothing runs. Any other package is missed only by the frameworks that are built on it."""


def all_packages() -> tuple[str, ...]:
    """What a project must hold for all of our frameworks, as ``juliapkg.json`` lists it."""
    listed = json.loads((paths.PACKAGE / "juliapkg.json").read_text(encoding="utf-8"))
    return "PythonCall", *listed["packages"]


def _lacking(julia: Julia, names: Sequence[str]) -> list[str]:
    versions = _versions(julia)
    return [name for name in names if name not in versions]


def _check_needed(julia: Julia) -> None:
    missing = _lacking(julia, NEEDED)
    if missing:
        raise JuliaUnavailable(f"the Julia project {julia.project} lacks {', '.join(missing)}; {_mend(julia, missing)}")


def lacking(julia: Julia) -> str | None:
    """Which packages of ours a Julia is without, and the command that mends it; None if it has them all."""
    missing = _lacking(julia, all_packages())
    return f"the Julia project lacks {', '.join(missing)}; {_mend(julia, missing)}" if missing else None


def _mend(julia: Julia, missing: Sequence[str] = ()) -> str:
    if julia.source == "juliapkg":
        return "run 'twinbench julia setup'"
    wanted = [f'"{name}"' for name in missing if name != "PythonCall"]
    pythoncall = f'Pkg.PackageSpec(name="PythonCall", version="{importlib.metadata.version("juliacall")}")'
    specs = [f"Pkg.add([{', '.join(wanted)}])"] if wanted else []
    specs += [f"Pkg.add({pythoncall})"] if "PythonCall" in missing or not missing else []
    words = [julia.exe, f"--project={julia.project}", "-e", f"import Pkg; {'; '.join(specs)}"]
    return f"run {shlex.join(words)}"


def status() -> dict[str, Any]:
    """Which Julia, which packages at which version, what is missing, and the one command that mends it.

    Keys: ``source``, ``exe``, ``project``, ``depot``, ``version``, ``packages``, ``missing``, ``problem``, ``mend``;
    None where there is nothing to say. Never raises; starts nothing.
    """
    known = dict.fromkeys(("source", "exe", "project", "depot", "version", "problem", "mend"))
    told: dict[str, Any] = known | {"packages": {}, "missing": []}
    try:
        julia = _from_environment() or _from_config() or _from_juliapkg()
        if julia is not None:
            told |= {"source": julia.source, "exe": julia.exe, "project": julia.project, "depot": julia.depot}
            versions = _versions(julia)
            told["version"] = _read_manifest(julia).get("julia_version")
            told["packages"] = {name: versions.get(name) for name in all_packages()}
            told["missing"] = [name for name, version in told["packages"].items() if version is None]
        find()
    except JuliaUnavailable as error:
        problem, _, mend = str(error).partition("; ")
        return told | {"problem": problem, "mend": mend or SETUP_HINT}
    if julia is not None and told["missing"]:
        told |= {
            "problem": f"the Julia project lacks {', '.join(told['missing'])}",
            "mend": _mend(julia, told["missing"]),
        }
    return told


def environment(julia: Julia, threads: int) -> dict[str, str]:
    """The environment variables that a worker needs in order to start this Julia with so many threads."""
    variables = {
        EXE: julia.exe,
        PROJECT: julia.project,
        "PYTHON_JULIACALL_THREADS": str(threads),
        "PYTHON_JULIACALL_HANDLE_SIGNALS": "yes",  # Julia's threads stop for its collector by signals
        "PYTHON_JULIACALL_STARTUP_FILE": "no",
        "JULIA_NUM_THREADS": str(threads),
        "JULIA_CONDAPKG_BACKEND": "Null",  # Python is here already
    }
    optional = {
        "JULIA_DEPOT_PATH": _writable(julia.depot),
        "PYTHON_JULIACALL_LIB": julia.lib,
        "PYTHON_JULIACALL_BINDIR": julia.bindir,
        "JULIA_PKG_OFFLINE": None if julia.source == "juliapkg" else "true",
    }
    return variables | {name: value for name, value in optional.items() if value}


def _writable(depot: str | None) -> str | None:
    """A depot path whose first place, where Julia puts what it compiles, can be written to."""
    if not depot:
        return None
    first = Path(depot.split(os.pathsep)[0] or Path.home() / ".julia")
    place = next(parent for parent in (first, *first.parents) if parent.exists())
    return depot if os.access(place, os.W_OK) else os.pathsep.join([str(paths.cache_dir() / "julia-depot"), depot])


def use(exe: str, project: str, depot: str | None = None) -> Julia:
    """Honour an existing Julia from now on: start it once, check its packages, and write the user's configuration.

    ``depot`` is a directory or a whole ``JULIA_DEPOT_PATH``. Raises JuliaUnavailable, and then changes nothing.
    """
    found = shutil.which(exe)
    julia = Julia(
        exe=str(Path(found).absolute()) if found else exe, project=str(Path(project).absolute()), source="config"
    )
    if depot:
        # The trailing separator keeps Julia's own depots, where its standard libraries are compiled already.
        julia = replace(julia, depot=depot if os.pathsep in depot else f"{Path(depot).absolute()}{os.pathsep}")
    _check(julia)
    julia = _ask(julia)
    _check_needed(julia)
    known = {"exe": julia.exe, "project": julia.project, "depot": julia.depot, "lib": julia.lib, "bindir": julia.bindir}
    config_file().parent.mkdir(parents=True, exist_ok=True)
    # JSON's strings are TOML's basic strings.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in known.items() if value]
    config_file().write_text("".join(lines), encoding="utf-8")
    return julia


def _ask(julia: Julia) -> Julia:
    """Start Julia once: where its library is. Raises JuliaUnavailable when it doesn't start or is too old."""
    script = 'import Libdl; print(join((VERSION >= v"1.10", abspath(Libdl.dlpath("libjulia")), Sys.BINDIR), "\\0"))'
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
        recent, lib, bindir = done.stdout.split("\0")
    except subprocess.CalledProcessError as error:
        raise JuliaUnavailable(f"{julia.exe} does not start: {_last_line(error.stderr)}") from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise JuliaUnavailable(f"{julia.exe} does not start: {error}") from None
    if recent != "true":
        raise JuliaUnavailable(f"{julia.exe} is too old; twinbench needs Julia 1.10 or newer")
    return replace(julia, lib=lib, bindir=bindir)


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")


PROVISION = """
import socket, subprocess, juliapkg
socket.setdefaulttimeout(20)  # for downloads: a network that swallows packets would hang for ever
try:
    juliapkg.resolve()
except subprocess.CalledProcessError as error:
    raise SystemExit(f"Julia's package manager ended with {error.returncode}") from None
except Exception as error:
    raise SystemExit(f"{error}; is the network there?") from None
"""
"""Runs in a process of its own, which shows what it does."""

WARM = "from twinbench.frameworks import julia; julia.load_all()"


def setup(progress: Callable[[str], None]) -> Julia:
    """Have a Julia that is ready to run: provision it with juliapkg unless one is named already, then compile ahead.

    ``progress`` gets one line at a time. Raises JuliaUnavailable: no network, or a named Julia that lacks packages.
    """
    named = _from_environment() or _from_config()
    if named is None:
        project = {"PYTHON_JULIAPKG_PROJECT": str(provisioned_project().absolute())}
        _run([sys.executable, "-c", PROVISION], os.environ | project, progress, "Julia could not be provisioned")
    julia = find()
    _check_needed(julia)
    precompile(julia, progress)
    return julia


def precompile(julia: Julia, progress: Callable[[str], None]) -> None:
    """Compile TwinBench ahead, by loading every framework once as a worker does. Costs seconds if it was done before.

    Raises JuliaUnavailable.
    """
    progress("Compiling the Julia packages (minutes, once)")
    _run([sys.executable, "-c", WARM], os.environ | environment(julia, 1), progress, "Julia's packages do not load")


def _run(command: list[str], env: Mapping[str, str], progress: Callable[[str], None], failure: str) -> None:
    lines = [""]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            progress(lines[-1])
    if process.returncode != 0:
        raise JuliaUnavailable(f"{failure}: {_last_line(chr(10).join(lines))}")


def start(threads: int) -> Any:
    """Start Julia in this process, with TwinBench loaded; returns juliacall's ``Main``. Raises JuliaUnavailable."""
    os.environ.update(environment(find(), threads))
    from juliacall import Main

    package = str(paths.resource("julia"))
    Main.seval("path -> path in LOAD_PATH || push!(LOAD_PATH, path)")(package)
    Main.seval("import TwinBench")
    Main.TwinBench.set_blas_threads(threads)
    return Main
