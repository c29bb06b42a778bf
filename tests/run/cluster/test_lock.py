"""The lock of a host is a file of this user: what somebody else puts there blocks nobody."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from twinbench.errors import TwinbenchError
from twinbench.run.cluster import host


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the user's own temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp" / f"twinbench-{os.getuid()}"


def locked() -> None:
    with host._turn("key", lambda: None):
        pass


def test_the_lock_is_private(directory: Path):
    locked()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / host.LOCK).stat().st_mode) == 0o600


def to_a_link(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.parametrize("occupy", [os.mkfifo, to_a_link, Path.mkdir])
def test_what_is_not_a_file_is_refused_at_once(directory: Path, occupy: Callable[[Path], None]):
    directory.mkdir(mode=0o700)
    occupy(directory / host.LOCK)
    with pytest.raises(TwinbenchError, match=r"can't be locked: .*; remove it"):
        locked()
    assert not (directory / "elsewhere").exists()


def test_a_directory_that_others_may_write_to_is_not_used(directory: Path, tmp_path: Path):
    directory.mkdir()
    directory.chmod(0o777)
    os.mkfifo(directory / host.LOCK)
    locked()
    assert [path.name for path in (tmp_path / "cache").glob("*/*")] == [host.LOCK]


def test_a_link_in_the_place_of_the_directory_is_not_used(directory: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    directory.symlink_to(tmp_path / "elsewhere")
    locked()
    assert list((tmp_path / "elsewhere").iterdir()) == []
