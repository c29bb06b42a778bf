"""Pack the running twinbench into a wheel, for an image that can't install twinbench from an index.

The source is an installed twinbench or a checkout; no build tool or network is used. Equal files give equal wheels.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import zipfile
from collections.abc import Iterator
from pathlib import Path

import twinbench
from twinbench import paths
from twinbench.errors import TwinbenchError

RESOURCES = ("julia", "pipelines")
"""Directories that lie at the root of a checkout, but inside the package of a wheel."""

LEFT_OUT = {"__pycache__", "Manifest.toml"}
"""Names of files and directories that Python and Julia write beside the sources, with paths of this machine."""

REFUSAL = "no wheel of twinbench can be made"

FORMAT = "Wheel-Version: 1.0\nGenerator: twinbench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def write(directory: Path) -> Path:
    """Write the wheel into a directory. Raises TwinbenchError if the metadata is missing or of another version."""
    facts = f"twinbench-{twinbench.__version__}.dist-info"
    path = directory / f"twinbench-{twinbench.__version__}-py3-none-any.whl"
    record = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in (*_code(), *_metadata(facts)):
            wheel.writestr(_entry(name), content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(content)}\n")
        record.append(f"{facts}/RECORD,,\n")
        wheel.writestr(_entry(f"{facts}/RECORD"), "".join(record))
    return path


def _entry(name: str) -> zipfile.ZipInfo:
    """Return a ZIP entry without a time of creation, so that equal files give equal wheels."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o100644 << 16
    return entry


def _code() -> Iterator[tuple[str, bytes]]:
    yield from _files(paths.PACKAGE, "twinbench")
    for name in RESOURCES:
        directory = paths.resource(name)
        if not directory.is_relative_to(paths.PACKAGE):
            yield from _files(directory, f"twinbench/_{name}")


def _files(directory: Path, name: str) -> Iterator[tuple[str, bytes]]:
    for file in sorted(directory.rglob("*")):
        inside = file.relative_to(directory)
        if file.is_file() and not LEFT_OUT & set(inside.parts):
            yield f"{name}/{inside.as_posix()}", file.read_bytes()


def _metadata(facts: str) -> Iterator[tuple[str, bytes]]:
    try:
        installed = importlib.metadata.distribution("twinbench")
    except importlib.metadata.PackageNotFoundError:
        raise TwinbenchError(f"{REFUSAL}: twinbench is not installed; install it with pip") from None
    if installed.version != twinbench.__version__:
        versions = f"installed is {installed.version}, the code is {twinbench.__version__}"
        raise TwinbenchError(f"{REFUSAL}: {versions}; install twinbench again")
    for name in ("METADATA", "entry_points.txt", "licenses/LICENSE"):
        text = installed.read_text(name)
        if text is not None:
            yield f"{facts}/{name}", text.encode()
    yield f"{facts}/WHEEL", FORMAT.encode()
