"""The Julia, the project, and the packages with their versions: read from files, which costs milliseconds."""

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

SETUP_HINT = "run 'twinbench julia setup', or 'twinbench julia use --exe ... --project ...' for an existing one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Julia:
    """An installed Julia, with its project: an environment of packages."""

    exe: str
    project: str
    depot: str | None = None
    """Value of ``JULIA_DEPOT_PATH``; None for the default."""
    lib: str | None = None
    bindir: str | None = None
    """Directory of the executables. With it and ``lib``, the path of libjulia, juliacall starts Julia once less."""
    source: Literal["environment", "config", "juliapkg"]
    """Origin: the two environment variables, ``twinbench julia use`` or ``twinbench julia setup``."""

    @property
    def version(self) -> files.Version | None:
        """The installed version, or else the version that the project was resolved with; None if both are unknown."""
        installed = files.version_of(shutil.which(self.exe) or self.exe)
        return installed or files.parse_version(manifest(self, None).get("julia_version", ""))


def find() -> Julia:
    """Find the Julia to use: named by the environment, or by the user's configuration, or provisioned by `setup`.

    Starts and downloads nothing. Raises JuliaUnavailable, with the command that mends the problem.
    """
    julia = named() or provisioned()
    if julia is None:
        note = openssl.passed_over()
        raise JuliaUnavailable(f"no Julia found{f' ({note})' if note else ''}; {SETUP_HINT}")
    check(julia)
    return julia


def named() -> Julia | None:
    """Return the Julia that the environment or else the user's configuration names. Raises JuliaUnavailable."""
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
    """Return the file in which `use` writes the user's choice."""
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


def juliacall_version() -> str:
    """Return the version of juliacall. Raises JuliaUnavailable where it isn't installed."""
    try:
        return importlib.metadata.version("juliacall")
    except importlib.metadata.PackageNotFoundError:
        raise JuliaUnavailable("juliacall is not installed; pip install juliacall") from None


def provisioned_project() -> Path:
    """Return the project that `setup` fills: one per version of juliacall, which fixes the version of PythonCall."""
    chosen = os.environ.get("PYTHON_JULIAPKG_PROJECT")
    return Path(chosen) if chosen else paths.cache_dir() / f"julia-{juliacall_version()}"


def provisioned() -> Julia | None:
    """Read the Julia that juliapkg recorded when it last resolved. Calling juliapkg itself could start a download."""
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
    """Check that the files exist, and PythonCall has juliacall's version. Raises JuliaUnavailable."""
    if shutil.which(julia.exe) is None:
        raise JuliaUnavailable(f"{_named_by(julia)}: no executable at {julia.exe}")
    if not files.project_file(Path(julia.project)):
        raise JuliaUnavailable(f"{_named_by(julia)}: no Project.toml in {julia.project}")
    wanted, version = juliacall_version(), packages(julia).get("PythonCall")
    if version != wanted:
        has = f"has PythonCall {version}" if version else "lacks PythonCall"
        raise JuliaUnavailable(f"the Julia project {julia.project} {has}, juliacall needs {wanted}; {mend(julia)}")


def check_needed(julia: Julia) -> None:
    """Check that the project has the packages without which nothing runs. Raises JuliaUnavailable."""
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
    """Read the project's manifest as a version of Julia does; empty without a manifest. Raises JuliaUnavailable."""
    try:
        return files.read_manifest(Path(julia.project), version)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise JuliaUnavailable(f"{error}; {mend(julia)}") from None


def packages(julia: Julia) -> dict[str, str]:
    """Return the versions of the packages that can be imported in the project. Raises JuliaUnavailable."""
    try:
        return files.packages(Path(julia.project), julia.version)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise JuliaUnavailable(f"{error}; {mend(julia)}") from None


def package_versions(names: Sequence[str]) -> dict[str, str | None]:
    """Return the versions of packages in the project; None for a package that it lacks. Raises JuliaUnavailable."""
    present = packages(find())
    return {name: present.get(name) for name in names}


def unavailable(names: Sequence[str]) -> str | None:
    """Say why code that imports these packages can't run, and what to do; None if it can run.

    Raises JuliaUnavailable if no Julia is found.
    """
    julia = find()
    present = packages(julia)
    missing = [name for name in names if name not in present]
    if missing:
        return f"the Julia project lacks {', '.join(missing)}; {mend(julia, missing)}"
    return crash(julia, names)


def crash(julia: Julia, names: Sequence[str]) -> str | None:
    """Say which of these packages would crash the process by their OpenSSL, and what to do; None if none would.

    Raises JuliaUnavailable.
    """
    if not openssl.clashes(julia.version):
        return None
    entries = manifest(julia, julia.version)
    users = {name: files.users_of(openssl.LIBRARY, entries, name) for name in names}
    hit = [name if users[name] == [name] else f"{name} (by {', '.join(users[name])})" for name in names if users[name]]
    return f"{', '.join(hit)} would crash: {openssl.advice(julia.version)}" if hit else None


def mend(julia: Julia, missing: Sequence[str] = ()) -> str:
    """Return the command that adds the missing packages, or by default PythonCall in juliacall's version."""
    if julia.source == "juliapkg" and set(missing) <= set(layers.all_packages()):
        needed = [name for name in layers.holding(missing) if name != layers.BASE]
        return f"run 'twinbench julia setup{''.join(f' {name}' for name in needed)}'"
    return _pkg_add(julia, missing)


def _pkg_add(julia: Julia, missing: Sequence[str]) -> str:
    wanted = [f'"{name}"' for name in missing if name != "PythonCall"]
    pythoncall = f'Pkg.PackageSpec(name="PythonCall", version="{juliacall_version()}")'
    specs = [f"Pkg.add([{', '.join(wanted)}])"] if wanted else []
    specs += [f"Pkg.add({pythoncall})"] if "PythonCall" in missing or not missing else []
    words = [julia.exe, f"--project={julia.project}", "-e", f"import Pkg; {'; '.join(specs)}"]
    return f"run {shlex.join(words)}"
