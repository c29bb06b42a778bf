"""What a command prints goes through guarded streams: no name of others acts on the terminal, whatever its encoding."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import IO

import pytest
from rich.text import Text

from twinbench.cli import main, streams
from twinbench.cli.console import console, print_json, print_table
from twinbench.errors import BadInput

HOSTILE = "x\x1b]0;title\x07\x9b2J\u202ey\r"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[io.BytesIO, io.BytesIO]]:
    """Guards streams of an encoding; returns what arrives in them."""

    def opened(encoding: str) -> tuple[io.BytesIO, io.BytesIO]:
        bytes_ = io.BytesIO(), io.BytesIO()
        for name, target in zip(("stdout", "stderr"), bytes_, strict=True):
            monkeypatch.setattr(sys, name, io.TextIOWrapper(target, encoding=encoding, write_through=True))
        streams.guard_streams()
        return bytes_

    return opened


WAYS: list[Callable[[str], object]] = [
    lambda text: print(text),
    lambda text: print(text, file=sys.stderr),
    lambda text: sys.stdout.writelines([text, "\n"]),
    lambda text: console().print(Text(text)),
    lambda text: console(None, stderr=True).print(Text(text)),
    lambda text: print_table(console(), text, (text, "b"), [(text, 1)]),
    lambda text: print_json({text: text}),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_nothing_of_others_acts_on_a_terminal(terminal, way: Callable[[str], object], encoding: str):
    streams = terminal(encoding)
    way(f"{HOSTILE} ±1.4 é \ud800")
    text = b"".join(stream.getvalue() for stream in streams).decode(encoding)
    assert "title" in text
    assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e", "\r"}
    assert "1.4" in text


def test_json_stays_what_it_says_in_every_encoding(terminal):
    for encoding in ("utf-8", "ascii"):
        out, _ = terminal(encoding)
        print_json({"name": f"{HOSTILE}é\U000e0041\ud800"})
        assert json.loads(out.getvalue().decode(encoding))["name"] == f"{HOSTILE}é\U000e0041\ud800"


def test_columns_stay_where_an_encoding_lacks_our_characters(terminal):
    out, _ = terminal("ascii")
    print("12.3 ms ±1.4%")
    assert out.getvalue() == b"12.3 ms ~1.4%\n"


def test_a_traceback_is_visible_and_an_error_is_one_line(terminal, monkeypatch: pytest.MonkeyPatch):
    _, err = terminal("utf-8")
    monkeypatch.setenv("SOME_TOKEN", "c4n4ry")

    def fails(arguments: list[str]) -> int:
        raise BadInput(f"{HOSTILE}\nsecond") from OSError(f"c4n4ry{HOSTILE}")

    monkeypatch.setattr(main, "_call", fails)
    monkeypatch.setattr(main, "guard_streams", lambda: None)
    assert main._guarded([], debug=True) == 2
    text = err.getvalue().decode()
    assert text.splitlines()[-1].endswith("second")
    assert "OSError: ***x\\x1b]0;title\\x07" in text
    assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e", "\r"}


def test_a_writer_behind_the_door_keeps_its_colours(terminal):
    out, _ = terminal("utf-8")
    stream: IO[str] = streams.unguarded(sys.stdout)
    stream.write("\x1b[1mbold\x1b[0m")
    assert out.getvalue() == b"\x1b[1mbold\x1b[0m"
