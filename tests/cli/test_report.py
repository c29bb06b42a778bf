"""``twinbench report`` writes a page and says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.results.make_store import RUN, make_store


@pytest.fixture
def made(tmp_path: Path) -> str:
    make_store(tmp_path / "results.db")
    return str(tmp_path / "results.db")


def test_the_page_is_named_after_the_run_and_written_here(cli, made, tmp_path):
    done = cli("report", "--store", made)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"twinbench-{RUN}.html\n"
    assert RUN in (tmp_path / "empty" / f"twinbench-{RUN}.html").read_text()


def test_open_shows_it_with_the_users_browser(cli, made, tmp_path):
    viewer = tmp_path / "viewer"
    viewer.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/shown\n')
    viewer.chmod(0o755)
    done = cli("report", "--store", made, "-o", str(tmp_path / "r.html"), "--open", BROWSER=f"{viewer} %s")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "shown").read_text().strip() == (tmp_path / "r.html").as_uri()


def test_a_place_that_can_not_be_written_is_one_line(cli, made):
    done = cli("report", "--store", made, "-o", "/nowhere/report.html")
    assert done.returncode == 1
    assert done.stderr == "twinbench: error: /nowhere/report.html: can't be written: No such file or directory\n"
