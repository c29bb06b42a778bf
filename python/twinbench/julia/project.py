"""The packages of a Julia project, read from the TOML files that Julia would read. Nothing here starts Julia."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

Version = tuple[int, int, int]

VERSIONED_SINCE: Version = (1, 10, 8)
"""The first Julia that prefers ``Manifest-v1.10.toml`` to ``Manifest.toml``."""

WORKSPACES_SINCE: Version = (1, 12, 0)
"""The first Julia that keeps the manifest of a workspace's project beside the workspace's own project file."""

_VERSIONED = re.compile(r"(?:Julia)?Manifest-v(\d+)\.(\d+)\.toml")


def parse_version(text: str) -> Version | None:
    """Parse ``1.10.8`` as ``(1, 10, 8)``, ``1.13.0-beta2`` as ``(1, 13, 0)``; None for text without a version."""
    numbers = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(numbers[1]), int(numbers[2]), int(numbers[3] or 0)) if numbers else None


def version_of(exe: str) -> Version | None:
    """Read the version of an installed Julia from its header file; None if there is no header."""
    prefix = Path(exe).resolve().parent.parent
    try:
        header = (prefix / "include" / "julia" / "julia_version.h").read_text(encoding="utf-8")
    except OSError:
        return None
    stated = re.search(r'JULIA_VERSION_STRING\s+"([^"]+)"', header)
    return parse_version(stated[1]) if stated else None


def project_file(directory: Path) -> Path | None:
    """Return ``JuliaProject.toml`` or ``Project.toml``, in Julia's own order; None if the directory has neither."""
    return _first(directory, "JuliaProject.toml", "Project.toml")


def manifest_file(directory: Path, julia: Version | None) -> Path | None:
    """Return the manifest that a version of Julia reads for the project in a directory; None if it has none yet.

    With an unknown version (None), the newest ``Manifest-v*.toml`` comes before ``Manifest.toml``. Raises
    tomllib.TOMLDecodeError and OSError.
    """
    file = project_file(directory)
    if file is None:
        return None
    named = _read(file).get("manifest")
    if named is not None:
        explicit = directory / named
        return explicit if explicit.is_file() else None
    root = _workspace_root(directory) if julia is None or julia >= WORKSPACES_SINCE else None
    if root is not None:
        return manifest_file(root, julia)
    return _first(directory, *_versioned_names(directory, julia), "JuliaManifest.toml", "Manifest.toml")


def _versioned_names(directory: Path, julia: Version | None) -> Iterator[str]:
    if julia is None:
        names = {file.name: match for file in directory.glob("*.toml") if (match := _VERSIONED.fullmatch(file.name))}
        yield from sorted(names, key=lambda name: (int(names[name][1]), int(names[name][2])), reverse=True)
    elif julia >= VERSIONED_SINCE:
        yield from (f"{prefix}Manifest-v{julia[0]}.{julia[1]}.toml" for prefix in ("Julia", ""))


def _workspace_root(directory: Path) -> Path | None:
    """Return the parent whose project lists ``directory`` in its ``[workspace]``; None without a workspace."""
    directory = directory.resolve()
    for parent in directory.parents:
        file = project_file(parent)
        listed = _read(file).get("workspace", {}).get("projects", []) if file else []
        if any((parent / name).resolve() == directory for name in listed):
            return parent
    return None


def read_manifest(directory: Path, julia: Version | None) -> dict[str, Any]:
    """Parse the manifest of a project; empty if there is none yet. Raises tomllib.TOMLDecodeError and OSError."""
    file = manifest_file(directory, julia)
    return _read(file) if file else {}


def packages(directory: Path, julia: Version | None) -> dict[str, str]:
    """Return the resolved versions of the packages that a project can import: its direct dependencies.

    The version of a standard library is ``stdlib``. Raises tomllib.TOMLDecodeError and OSError.
    """
    file = project_file(directory)
    direct = _read(file).get("deps", {}) if file else {}
    resolved = read_manifest(directory, julia).get("deps", {})
    return {name: resolved[name][0].get("version", "stdlib") for name in direct if name in resolved}


def users_of(library: str, manifest: dict[str, Any], package: str) -> list[str]:
    """List the packages among a package and its dependencies that depend on ``library`` directly.

    Standard libraries are left out: they load such a library only when they need the library.
    """
    entries = manifest.get("deps", {})
    waiting, seen, users = [package], set[str](), []
    while waiting:
        name = waiting.pop()
        entry = entries.get(name, [{}])[0]
        if name in seen or "git-tree-sha1" not in entry:
            continue
        seen.add(name)
        needs = list(entry.get("deps", []))  # a list of names, or a table of names and UUIDs
        if library in needs:
            users.append(name)
        waiting += needs
    return sorted(users)


def _first(directory: Path, *names: str) -> Path | None:
    return next((file for name in names if (file := directory / name).is_file()), None)


def _read(file: Path) -> dict[str, Any]:
    return _parsed(file, file.stat().st_mtime_ns)


@cache
def _parsed(file: Path, mtime_ns: int) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise tomllib.TOMLDecodeError(f"{file}: {error}") from None
