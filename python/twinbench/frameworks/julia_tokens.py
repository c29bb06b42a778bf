"""Julia source as tokens: enough of the language to know strings, characters, comments and brackets apart.

Knows nothing of frameworks. Whatever else Julia's grammar has passes through as words and single characters.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["string", "raw", "char", "number", "word", "open", "close", "operator", "newline"]

_TOKEN = re.compile(
    r"""
      (?P<space>[^\S\n]+)
    | (?P<newline>\n)
    | (?P<block>\#=)
    | (?P<comment>\#[^\n]*)
    | (?P<quote>\"\"\"|")
    | (?P<command>```|`)
    | (?P<char>'(?:\\.[^'\n]*|[^\\'\n])')
    | (?P<number>\d[\d_]*(?:\.\d+)?(?:[eEf][+-]?\d+)?)
    | (?P<word>[^\W\d][\w!]*)
    | (?P<open>[(\[{])
    | (?P<close>[)\]}])
    | (?P<operator>=>|->|==|.)
    """,
    re.VERBOSE,
)
ONE_LINE = frozenset({"word", "operator", "open", "close", "number", "char"})
"""Kinds of tokens that hold no newline."""

_PLAIN = re.compile(r"[^\"`\\$]+")
_EDGE_OF_COMMENT = re.compile(r"#=|=#")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|x([0-9a-fA-F]{1,2})|(\n[ \t]*)|(.))", re.DOTALL)


class Unreadable(ValueError):
    """Source that ends inside a string or a comment, or that isn't what was expected at ``line``, counted from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


class Token(NamedTuple):
    """One token. The text of a ``string`` is its value, of any other kind what stands in the file."""

    kind: Kind
    text: str
    line: int
    """The line on which the token begins, counted from 1."""
    column: int
    """The characters before it on its line."""


def tokens(source: str) -> Iterator[Token]:
    """Every token but spaces and comments, in order. Raises Unreadable."""
    yield from _Scanner(source).tokens()


class _Scanner:
    def __init__(self, source: str) -> None:
        self.source = source

    def line(self, position: int) -> int:
        return self.source.count("\n", 0, position) + 1

    def tokens(self) -> Iterator[Token]:
        position, line, start_of_line = 0, 1, 0
        while position < len(self.source):
            kind, end, text = self.token(position)
            if kind is not None:
                yield Token(kind, text, line, position - start_of_line)
            if kind not in ONE_LINE:
                line += self.source.count("\n", position, end)
                start_of_line = max(start_of_line, self.source.rfind("\n", position, end) + 1)
            position = end

    def token(self, position: int) -> tuple[Kind | None, int, str]:
        """Kind, end and text of the token at a position; None for the kind of a space or comment."""
        match = _TOKEN.match(self.source, position)
        assert match is not None
        end, text = match.end(), match[0]
        previous = self.source[position - 1 : position]
        follows_word = previous.isalnum() or previous in ("_", "!")
        match match.lastgroup:
            case "space" | "comment":
                return None, end, ""
            case "block":
                return None, self.comment_end(position), ""
            case "quote":
                end, parts = self.string(position, text, raw=follows_word and not previous.isdigit())
                return ("raw", end, "") if parts is None else ("string", end, parts)
            case "command":
                return "raw", self.string(position, text, raw=False)[0], ""
            case "char" if follows_word or previous in (")", "]", "}", "'", "."):
                return "operator", position + 1, "'"  # a transpose
            case kind:
                return kind, end, text  # type: ignore[return-value]

    def comment_end(self, start: int) -> int:
        """Return the end of a block comment, in which others may be nested."""
        depth = 0
        for edge in _EDGE_OF_COMMENT.finditer(self.source, start):
            depth += 1 if edge[0] == "#=" else -1
            if depth == 0:
                return edge.end()
        raise Unreadable(self.line(start), "a comment '#=' has no end '=#'")

    def string(self, start: int, quote: str, *, raw: bool) -> tuple[int, str | None]:
        """Return the end of a string, and its value; None for the value of one that isn't plain text."""
        position = body = start + len(quote)
        plain = not raw
        while position < len(self.source):
            if self.source.startswith(quote, position):
                value = _value(self.source[body:position], triple=len(quote) == 3) if plain else None
                return position + len(quote), value
            if self.source[position] == "\\":
                position += 2
            elif self.source[position] == "$" and not raw:
                plain = False
                position = (
                    self.brackets_end(position + 1) if self.source.startswith("(", position + 1) else position + 1
                )
            else:
                chunk = _PLAIN.match(self.source, position)
                position = chunk.end() if chunk else position + 1
        raise Unreadable(self.line(start), f"a string {quote} has no end")

    def brackets_end(self, start: int) -> int:
        """Return the position behind the bracket that closes the one at ``start``."""
        depth, position = 0, start
        while position < len(self.source):
            kind, position, _ = self.token(position)
            depth += {"open": 1, "close": -1}.get(kind or "", 0)
            if depth == 0:
                return position
        raise Unreadable(self.line(start), "a bracket '(' has no match")


def _value(body: str, *, triple: bool) -> str:
    """Return what a string stands for: escapes replaced, and the indentation of a triple-quoted one taken away."""
    if triple:
        first, newline, rest = body.partition("\n")
        rest = textwrap.dedent(f"{rest}|")[:-1] if newline else rest
        body = rest if newline and not first.strip() else first + newline + rest
    return _ESCAPE.sub(_escaped, body)


def _escaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        return chr(int(code, 16))
    return "" if match[4] else _ESCAPES.get(match[5], match[5])
