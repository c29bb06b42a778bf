"""Which Julia, which project, and which packages at which versions: read from files, which costs milliseconds."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shlex
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from twinbench import paths
from twinbench.errors import JuliaUnavailable
from twinbench.julia import layers, openssl
from twinbench.julia import project as files

EXE, PROJECT = "PYTHON_JULIACALL_EXE", "PYTHON_JULIACALL_PROJECT"

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

    @property
    def version(self) -> files.Version | None:
        """The version that is installed, or else the one that the project was resolved with; None if neither tells."""
        installed = files.version_of(shutil.which(self.exe) or self.exe)
        return installed or files.parse_version(manifest(self, None).get("julia_version", ""))


def find() -> Julia:
    """The Julia to use: named by the environment, or by the user's configuration, or provisioned by `setup`.

    Starts and downloads nothing. Raises JuliaUnavailable, with the command that mends it.
    """
    julia = named() or provisioned()
    if julia is None:
        note = openssl.passed_over()
        raise JuliaUnavailable(f"no Julia found{f' ({note})' if note else ''}; {SETUP_HINT}")
    check(julia)
    return julia


def named() -> Julia | None:
    """The Julia that the environment names, or else the user's configuration. Raises JuliaUnavailable."""
    return _from_environment() or _from_config()


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
    """The file in which `use` keeps its answer."""
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


def provisioned() -> Julia | None:
    """The Julia that juliapkg wrote down when it last resolved. Asking juliapkg itself could start a download."""
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


def check(julia: Julia) -> None:
    """Check that the files are there, and the one version that juliacall insists on. Raises JuliaUnavailable."""
    if shutil.which(julia.exe) is None:
        raise JuliaUnavailable(f"{_named_by(julia)}: no executable at {julia.exe}")
    if not files.project_file(Path(julia.project)):
        raise JuliaUnavailable(f"{_named_by(julia)}: no Project.toml in {julia.project}")
    wanted, version = importlib.metadata.version("juliacall"), packages(julia).get("PythonCall")
    if version != wanted:
        has = f"has PythonCall {version}" if version else "lacks PythonCall"
        raise JuliaUnavailable(f"the Julia project {julia.project} {has}, juliacall needs {wanted}; {mend(julia)}")


def check_needed(julia: Julia) -> None:
    """Check that the packages are there without which nothing runs. Raises JuliaUnavailable."""
    missing = [name for name in layers.NEEDED if name not in packages(julia)]
    if missing:
        raise JuliaUnavailable(f"the Julia project {julia.project} lacks {', '.join(missing)}; {mend(julia, missing)}")


def _named_by(julia: Julia) -> str:
    return {
        "environment": f"{EXE} and {PROJECT}",
        "config": str(config_file()),
        "juliapkg": "the Julia of 'twinbench julia setup'",
    }[julia.source]


def manifest(julia: Julia, version: files.Version | None) -> dict[str, Any]:
    """The project's manifest as that version of Julia reads it; empty without one. Raises JuliaUnavailable."""
    try:
        return files.read_manifest(Path(julia.project), version)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise JuliaUnavailable(f"{error}; {mend(julia)}") from None


def packages(julia: Julia) -> dict[str, str]:
    """The packages that can be imported in the project, with their versions. Raises JuliaUnavailable."""
    try:
        return files.packages(Path(julia.project), julia.version)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise JuliaUnavailable(f"{error}; {mend(julia)}") from None


def package_versions(names: Sequence[str]) -> dict[str, str | None]:
    """The versions of these packages in the project; None for one that isn't there. Raises JuliaUnavailable."""
    present = packages(find())
    return {name: present.get(name) for name in names}


def unavailable(names: Sequence[str]) -> str | None:
    """Why code that imports these packages can't run, with what to do; None if it can.

    Raises JuliaUnavailable where there is no Julia at all.
    """
    julia = find()
    present = packages(julia)
    missing = [name for name in names if name not in present]
    if missing:
        return f"the Julia project lacks {', '.join(missing)}; {mend(julia, missing)}"
    return crash(julia, names)


def crash(julia: Julia, names: Sequence[str]) -> str | None:
    """Why one of these packages would crash the process by its OpenSSL, with what to do; None if none would.

    Raises JuliaUnavailable.
    """
    if not openssl.clashes(julia.version):
        return None
    entries = manifest(julia, julia.version)
    users = {name: files.users_of(openssl.LIBRARY, entries, name) for name in names}
    hit = [name if users[name] == [name] else f"{name} (by {', '.join(users[name])})" for name in names if users[name]]
    return f"{', '.join(hit)} would crash: {openssl.advice(julia.version)}" if hit else None


def mend(julia: Julia, missing: Sequence[str] = ()) -> str:
    """The command that adds missing packages, or without any, PythonCall in juliacall's version."""
    if julia.source == "juliapkg" and set(missing) <= set(layers.all_packages()):
        needed = [name for name in layers.holding(missing) if name != layers.BASE]
        return f"run 'twinbench julia setup{''.join(f' {name}' for name in needed)}'"
    return _pkg_add(julia, missing)


def _pkg_add(julia: Julia, missing: Sequence[str]) -> str:
    wanted = [f'"{name}"' for name in missing if name != "PythonCall"]
    pythoncall = f'Pkg.PackageSpec(name="PythonCall", version="{importlib.metadata.version("juliacall")}")'
    specs = [f"Pkg.add([{', '.join(wanted)}])"] if wanted else []
    specs += [f"Pkg.add({pythoncall})"] if "PythonCall" in missing or not missing else []
    words = [julia.exe, f"--project={julia.project}", "-e", f"import Pkg; {'; '.join(specs)}"]
    return f"run {shlex.join(words)}"
