"""The literals by which a Julia file declares its framework, read as text. Julia isn't started.

A declaration is ``const NAME = ...`` at the beginning of a line. What can't be read is an error, never left out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from twinbench.frameworks.julia_tokens import Token, Unreadable, tokens

T = TypeVar("T")

Numbers = dict[str, float]
Texts = dict[str, str]

READ = ("NAME", "PACKAGES", "SUMMARY", "OPS", "NOTES", "DEVIATIONS", "DEVICES")
"""The constants that Python reads."""

_CLOSES = {"(": ")", "[": "]", "{": "}"}


class Literals:
    """The declarations of one file. Every method raises ValueError with file and line."""

    def __init__(self, file: Path) -> None:
        self.file = file
        source = file.read_text(encoding="utf-8")
        self._starts: dict[str, int] = {}
        try:
            self._tokens = list(tokens(source))
            self._index()
        except Unreadable as error:
            raise ValueError(f"{file}:{error.line}: {error}") from None

    def _index(self) -> None:
        """Note where each declaration's value begins."""
        for position, (const, name, equals) in enumerate(
            zip(self._tokens, self._tokens[1:], self._tokens[2:], strict=False)
        ):
            if (const.text, const.kind, const.column, equals.text) == ("const", "word", 0, "=") and name.text in READ:
                if name.text in self._starts:
                    raise Unreadable(name.line, f"{name.text} is declared twice")
                self._starts[name.text] = position + 3

    def text(self, name: str) -> str:
        """Read a string."""
        return self._required(name, _Reader.text)

    def texts(self, name: str) -> list[str]:
        """Read a vector of strings."""
        return self._required(name, _Reader.texts)

    def names(self, name: str) -> list[str]:
        """Read the keys of a Dict of functions, in their order."""
        return list(self._required(name, lambda reader: reader.pairs(_Reader.function, '"name" => function')))

    def optional_texts(self, name: str) -> list[str]:
        """Read a vector of strings; empty without a declaration."""
        return self.texts(name) if name in self._starts else []

    def notes(self, name: str) -> dict[str, str]:
        """Read a Dict of strings by string; empty without a declaration."""
        return self._optional(name, lambda reader: reader.pairs(_Reader.text, '"name" => "text"'))

    def reasons(self, name: str) -> dict[str, tuple[Texts, Numbers]]:
        """Read a Dict of ``(reason = "...", number = ...)`` by string; empty without a declaration.

        A tuple may also hold the texts ``effect`` and ``computes``.
        """
        shape = '"name" => (reason = "...", number = ...)'
        return self._optional(name, lambda reader: reader.pairs(_Reader.reason, shape))

    def _optional(self, name: str, read: Callable[[_Reader], dict[str, T]]) -> dict[str, T]:
        return self._required(name, read) if name in self._starts else {}

    def _required(self, name: str, read: Callable[[_Reader], T]) -> T:
        if name not in self._starts:
            raise ValueError(f"{self.file}: 'const {name} = ...' is missing")
        try:
            reader = _Reader(_value(self._tokens, self._starts[name]))
            value = read(reader)
            reader.end()
        except Unreadable as error:
            raise ValueError(f"{self.file}:{error.line}: {name}: {error}") from None
        return value


def _value(tokens: list[Token], start: int) -> list[Token]:
    """Read the tokens of the value that begins at ``start``, to the end of its line, without newlines."""
    waiting: list[Token] = []
    value: list[Token] = []
    for token in tokens[start:]:
        if token.kind == "newline":
            if value and not waiting and value[-1].text != "*":
                break
            continue
        if token.kind == "word" and token.text == "const" and token.column == 0:
            break
        if token.kind == "close":
            if not waiting or _CLOSES[waiting[-1].text] != token.text:
                raise Unreadable(token.line, f"the bracket '{token.text}' closes none")
            waiting.pop()
        elif token.kind == "open":
            waiting.append(token)
        value.append(token)
    if waiting:
        raise Unreadable(waiting[-1].line, f"the bracket '{waiting[-1].text}' has no match")
    if not value:
        raise Unreadable(tokens[start - 1].line, "has no value")
    return value


class _Reader:
    """Reads a value from its tokens. Methods take tokens from the front; the unexpected raises Unreadable."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0

    def _next(self, ahead: int = 0) -> Token:
        index = self._position + ahead
        return self._tokens[index] if index < len(self._tokens) else Token("newline", "", self._tokens[-1].line, 0)

    def _take(self, expected: str, kind: str = "") -> Token:
        """Take the next token, which has this text, or any text and this kind."""
        token = self._next()
        if token.kind != kind and (kind or token.text != expected or token.kind in ("string", "raw")):
            shown = f'"{token.text}"' if token.kind == "string" else f"'{token.text}'" if token.text else "the end"
            shown = "a string that isn't plain text" if token.kind == "raw" else shown
            raise Unreadable(token.line, f"{shown} where {expected} is expected")
        self._position += 1
        return token

    def _at(self, text: str) -> bool:
        return self._next().text == text and self._next().kind not in ("string", "raw")

    def end(self) -> None:
        """Nothing is left."""
        if self._position < len(self._tokens):
            self._take("the end of the declaration", "newline")

    def text(self) -> str:
        """Take a string, or several joined by ``*``."""
        parts = [self._take("a string", "string").text]
        while self._at("*"):
            self._position += 1
            parts.append(self._take("a string", "string").text)
        return "".join(parts)

    def texts(self) -> list[str]:
        """Read a vector of strings, such as ``["a", "b"]`` or ``String[]``."""
        if self._next().kind == "word":
            self._position += 1
        self._take("[")
        return self._until("]", self.text)

    def pairs(self, value: Callable[[_Reader], T], shape: str) -> dict[str, T]:
        """Read ``Dict(...)`` of pairs whose keys are strings, with or without types."""
        if self._take("Dict", "word").text.removeprefix("Ordered") != "Dict":
            raise Unreadable(self._tokens[0].line, "isn't a Dict(...)")
        if self._at("{"):
            while not self._at("}"):
                self._position += 1
            self._position += 1
        self._take("(")
        pairs: dict[str, T] = {}

        def entry() -> None:
            line = self._next().line
            try:
                name = self._take("a string", "string").text
                self._take("=>")
                read = value(self)
            except Unreadable as error:
                raise Unreadable(error.line, f"an entry isn't {shape}: {error}") from None
            if name in pairs:
                raise Unreadable(line, f'"{name}" is there twice')
            pairs[name] = read

        self._until(")", entry)
        return pairs

    def function(self) -> None:
        """Skip a function: its name, with or without its module's, or an anonymous one."""
        if not (self._next().kind == "word" and self._next(1).text in (",", ")", ".")):
            return self._anonymous()
        self._position += 1
        while self._at("."):
            self._position += 1
            self._take("a name", "word")
        return None

    def _anonymous(self) -> None:
        """``x -> ...`` or ``(x, y) -> ...``, up to the comma or the bracket behind it."""
        if self._next().kind == "word":
            self._position += 1
        elif self._at("("):
            self._skip_brackets()
        self._take("->")
        first = self._position
        while not (self._at(",") or self._next().kind in ("close", "newline")):
            if self._at("=>"):
                self._take("a comma")
            if self._next().kind == "open":
                self._skip_brackets()
            else:
                self._position += 1
        if self._position == first:
            self._take("a function")

    def _skip_brackets(self) -> None:
        depth = 0
        while True:
            depth += {"open": 1, "close": -1}.get(self._next().kind, 0)
            self._position += 1
            if depth == 0:
                return

    def reason(self) -> tuple[Texts, Numbers]:
        """Read a named tuple of a reason, other texts and numbers, such as ``(reason = "...", levels = 2)``."""
        self._take("(")
        line = self._next().line
        if self._at(";"):
            self._position += 1
        texts: Texts = {}
        numbers: Numbers = {}

        def field() -> None:
            name = self._take("a name", "word").text
            self._take("=")
            if name in numbers or name in texts:
                raise Unreadable(line, f"{name} is given twice")
            if name in ("reason", "effect", "computes"):
                texts[name] = self.text()
            else:
                sign = -1.0 if self._at("-") else 1.0
                self._position += self._at("-")
                digits = self._take("a number", "number").text
                numbers[name] = sign * float(digits.replace("_", "").replace("f", "e"))

        self._until(")", field)
        if "reason" not in texts:
            raise Unreadable(line, "the reason is missing")
        return texts, numbers

    def _until(self, closing: str, item: Callable[[], T]) -> list[T]:
        """Items with commas between them, and perhaps one behind the last, up to the closing bracket."""
        items: list[T] = []
        while not self._at(closing):
            items.append(item())
            if not self._at(closing):
                self._take(",")
        self._take(closing)
        return items
