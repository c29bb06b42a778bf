"""Stand-ins for Julia: programs and projects made of files, where a test needs no Julia that runs."""

from __future__ import annotations

import importlib.metadata
import os
import stat
import sys
from pathlib import Path

import pytest

from twinbench.julia import layers

JULIACALL = importlib.metadata.version("juliacall")


def project(folder: Path, **versions: str | None) -> Path:
    """A project that resolved to these packages, with PythonCall unless told otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = {"PythonCall": JULIACALL} | versions
    entries = [
        f'[[deps.{name}]]\ngit-tree-sha1 = "0"\nuuid = "0"\nversion = "{version}"\n'
        for name, version in packages.items()
        if version is not None
    ]
    direct = [f'{name} = "0"\n' for name, version in packages.items() if version is not None]
    (folder / "Project.toml").write_text("[deps]\n" + "".join(direct))
    (folder / "Manifest.toml").write_text('julia_version = "1.10.8"\nmanifest_format = "2.0"\n\n' + "\n".join(entries))
    return folder


def program(file: Path, answer: str = "", code: int = 0) -> Path:
    """A stand-in for the julia executable, which prints ``answer``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f"#!{sys.executable}\nimport sys\nsys.stdout.write({answer!r})\nsys.stderr.write('boom')\nsys.exit({code})\n"
    )
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def all_packages() -> dict[str, str]:
    """Every package of ours but PythonCall, at a version."""
    return {name: "1.0.0" for name in layers.all_packages() if name != "PythonCall"}


def header(exe: Path, version: str) -> None:
    """The header file of an installed Julia, which says its version."""
    directory = exe.parent.parent / "include" / "julia"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "julia_version.h").write_text(f'#define JULIA_VERSION_STRING "{version}"\n')


def none_named(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Nothing that this machine or its user names counts; cache and configuration are under ``directory``."""
    for name in list(os.environ):
        if name.startswith(("PYTHON_JULIA", "JULIA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(directory / "cache"))
    monkeypatch.setenv("TWINBENCH_CONFIG_DIR", str(directory / "config"))
