"""Plain-text snapshots of what users read: a changed word fails a test with a diff.

``pytest --update-snapshots`` writes the files anew; read their diff before you commit it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

Snapshot = Callable[[str, str], None]
"""Compares a text with the snapshot file of a name, which lies in ``snapshots/`` beside the test."""


def check(path: Path, text: str, *, update: bool) -> None:
    """Fail with a unified diff unless the file at ``path`` holds ``text``; with ``update``, write it there instead."""
    text = "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    if text != expected:
        diff = difflib.unified_diff(expected.splitlines(), text.splitlines(), path.name, "now", lineterm="")
        pytest.fail("\n".join([*diff, "if this is meant: pytest --update-snapshots"]), pytrace=False)


class _Text(HTMLParser):
    """Collects the text of a page, one line per element, without its script and style."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.silent = False

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if words and not self.silent:
            self.lines.append(words)


def text_of(html: str) -> str:
    """The text of an HTML page, one line per element."""
    parser = _Text()
    parser.feed(html)
    return "\n".join(parser.lines)
