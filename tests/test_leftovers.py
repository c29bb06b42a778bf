"""Temporary directories of processes that were killed are removed, and nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twinbench import leftovers

NAME = "import sys; from twinbench import leftovers; print(leftovers.owner()); sys.stdout.flush(); sys.stdin.read()"


def test_what_a_dead_process_left_is_removed_and_what_a_living_one_has_stays(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        name = other.stdout.readline().strip()
        assert not leftovers.is_dead(name)
        directory = tmp_path / f"twinbench-{name}-abc"
        (directory / "inside").mkdir(parents=True)
        (tmp_path / f"data.csv-{name}-abc").touch()
        leftovers.sweep(tmp_path)
        assert directory.exists()
        other.kill()
        other.stdin.close()
    assert leftovers.is_dead(name)
    leftovers.sweep(tmp_path)
    assert not directory.exists()
    leftovers.sweep(tmp_path, "data.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", [(0, "999999999"), (1, "1")])
def test_an_id_that_was_given_again_is_another_process(change: tuple[int, str]):
    parts = leftovers.owner().split("-")
    parts[change[0]] = change[1]
    assert leftovers.is_dead("-".join(parts))


def test_what_can_not_be_told_stays(tmp_path: Path):
    pid, start, namespace = leftovers.owner().split("-")
    elsewhere = tmp_path / f"twinbench-999999999-{start}-{int(namespace) + 1}-abc"
    target = tmp_path / "target"
    link = tmp_path / f"twinbench-999999999-{start}-{namespace}-link"
    for directory in (elsewhere, target, tmp_path / "twinbench-abc", tmp_path / f"twinbench-{pid}"):
        directory.mkdir()
    (target / "file").touch()
    link.symlink_to(target)
    leftovers.sweep(tmp_path)
    assert elsewhere.exists()
    assert (target / "file").exists()
    assert len(list(tmp_path.iterdir())) == 4 + link.exists()


def test_a_temporary_directory_names_its_process(tmp_path: Path):
    with leftovers.directory("own", tmp_path) as name:
        assert Path(name).name.startswith(f"own-{os.getpid()}-")
        leftovers.sweep(tmp_path, "own")
        assert Path(name).is_dir()
    assert not list(tmp_path.iterdir())
