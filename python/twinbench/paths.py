"""Paths: the resources of the package, and the user's directories for cache, data and configuration."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """Return the directory ``julia`` or ``pipelines``, inside an installed wheel or at the root of a checkout."""
    installed = PACKAGE / f"_{name}"
    return installed if installed.is_dir() else PACKAGE.parents[1] / name


def make_private(directory: Path) -> None:
    """Make a directory and its parents, as far as they are missing, closed to other users. Raises OSError."""
    for missing in reversed([path for path in (directory, *directory.parents) if not path.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def _user(kind: str, variable: str) -> Path:
    import platformdirs

    value = os.environ.get(variable)
    directory = value or getattr(platformdirs, f"user_{kind}_dir")("twinbench", appauthor=False)
    return Path(directory).absolute()


def cache_dir() -> Path:
    """Return the directory for data that can be made again: ``TWINBENCH_CACHE_DIR``, or the platform's default."""
    return _user("cache", "TWINBENCH_CACHE_DIR")


def files_dir() -> Path | None:
    """Return the directory of the user's copies of the files that datasets fetch: ``TWINBENCH_FILES_DIR``, or None."""
    value = os.environ.get("TWINBENCH_FILES_DIR")
    return Path(value) if value else None


def data_dir() -> Path:
    """Return the directory for results: ``TWINBENCH_DATA_DIR``, or the platform's default."""
    return _user("data", "TWINBENCH_DATA_DIR")


def config_dir() -> Path:
    """Return the directory for configuration: ``TWINBENCH_CONFIG_DIR``, or the platform's default."""
    return _user("config", "TWINBENCH_CONFIG_DIR")


def default_store() -> Path:
    """Return the store that commands use by default: ``results.db`` in the data directory."""
    return data_dir() / "results.db"


def selftest_file() -> Path:
    """Return the file with the newest result of ``twinbench selftest`` on this machine."""
    return data_dir() / "selftest.json"
