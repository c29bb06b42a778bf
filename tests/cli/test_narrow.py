"""A narrow terminal that knows ASCII only gets readable text, and never an error about a character."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from tests.results.make_store import RUN, make_store
from twinbench.cli import main, streams


class Terminal(io.TextIOWrapper):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stored") / "r.db"
    make_store(path)
    return path


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize(
    "words",
    [
        ["show", RUN],
        ["show", "--markdown"],
        ["recommend"],
        ["compare", RUN, "--stack", "NumPy+torch", "--stack", "pandas+torch"],
        ["errors"],
    ],
)
def test_every_view_fits_an_ascii_terminal(
    words: list[str], columns: int, stored: Path, monkeypatch: pytest.MonkeyPatch
):
    out, err = io.BytesIO(), io.BytesIO()
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys, "stdout", Terminal(out, encoding="ascii", write_through=True))
    monkeypatch.setattr(sys, "stderr", Terminal(err, encoding="ascii", write_through=True))
    streams.guard_streams()
    assert main._guarded([*words, "--store", str(stored)], debug=False) == 0, err.getvalue()
    text = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue().decode("ascii"))  # without Rich's own colours
    assert "torch" in text
    assert not set(text) & {"\x1b", "\x9b"}
    assert [line for line in text.splitlines() if line.startswith(("+--", "|--")) and len(line) > columns] == []
