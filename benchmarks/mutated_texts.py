"""Mutated texts: files of pipelines, and arguments of commands. Shared by a figure and by tests."""

from __future__ import annotations

import contextlib
import copy
import datetime
import math
import random
import re
import tomllib
from collections.abc import Iterator
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")

NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 3, 7, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30, 10**4000, -(10**4000)),
    *(0.0, -0.0, 0.5, 1e-300, 5e-324, 1e308, -1e308, math.inf, -math.inf, math.nan, 1e16 + 2),
)

TEXTS = (
    *("", " ", "a", "x" * 255, "x" * 256, "x" * 5000, "..", "../../etc/passwd", "/", "~", "~nobody/x", "data", "."),
    *(
        "\0",
        "\x1b[2J",
        "\u202e",
        "é" * 200,
        "日本",
        "\ufeff",
        "a\nb",
        "a\rb",
        "'; --",
        "nan",
        "inf",
        "true",
        "1e9",
        "%s",
    ),
    *("{}", "$(id)", "probe.noop", "training.mlp", "pandas", "adam", "*", "\\", '"', "CON", "a+b", "-1", "--help"),
)

OWN = (
    """
[pipeline]
name = "own"
modality = "tables"
[dataset]
files = { sales = "sales.csv", shops = "~/shops.csv" }
main = "sales"
source = "us"
[goal]
question = "Which?"
[sizes]
all = {}
some = { rows = 5 }
[[step]]
op = "tables.read_csv"
table = "sales"
columns = { shop = "string" }
""",
    """
[pipeline]
name = "own"
modality = "signals"
[dataset]
arrays = "signals.npz"
[goal]
question = "Which?"
metric = "accuracy"
[sizes]
full = { records = 80 }
[[step]]
op = "signals.mfcc"
input = "data"
rate_hz = 100.0
frame = 64
hop = 32
""",
    """
[pipeline]
name = "own"
modality = "text"
stacks = ["Python", "torch"]
[dataset]
files = { notes = "notes.csv" }
[goal]
question = "Which?"
[sizes]
full = { rows = 80 }
[op.words]
inputs = ["file"]
output = "arrays"
python = "own.py:f"
julia = "own.jl:f"
frameworks = { torch = "own.py:f" }
rtol = 1e-6
[op.words.params]
least = { type = "int", default = 2, min = 1, max = 9 }
kinds = { type = "list[str]", default = ["a"], choices = ["a", "b"] }
weight = { type = "float", min = 0.0 }
[op.halves]
inputs = ["arrays"]
output = "arrays"
role = "split"
reference = "own.py:f"
[[step]]
op = "words"
file = "notes"
least = 3
kinds = ["a", "b"]
weight = 0.5
[[step]]
op = "halves"
""",
)
"""Pipelines with the user's own data and ops."""

MOMENT = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)

OTHERS: tuple[Any, ...] = (True, False, [], {}, [[]], [1], ["a"], {"a": 1}, [{}], MOMENT, MOMENT.date(), MOMENT.time())


def pipeline(text: str, rng: random.Random) -> str:
    """Change a TOML file in one to three ways: its values, its keys, or its characters."""
    if rng.random() < 0.2:
        return _scrambled(text, rng)
    tree = tomllib.loads(text)
    for _ in range(rng.randint(1, 3)):
        _change(tree, rng)
    return "".join(_toml(tree))


def _scrambled(text: str, rng: random.Random) -> str:
    start = rng.randrange(len(text))
    end = min(len(text), start + rng.choice((0, 1, 2, 20)))
    piece = rng.choice(
        (
            *(*TEXTS, "9" * 5000, f"0x{'f' * 5000}", "[" * 3000, "a." * 3000 + "b = 1\n"),
            *("[[step]]\n", "= ", "inf", "nan", "\ud800"),
        )
    )
    return text[:start] + piece + text[end:]


def _change(tree: dict[str, Any], rng: random.Random) -> None:
    holders = list(_holders(tree))
    holder, key = rng.choice(holders)
    how = rng.random()
    if how < 0.55:
        holder[key] = _value(rng, holder[key])
    elif how < 0.7 and isinstance(holder, dict):
        holder[rng.choice((*TEXTS, "op", "input", "id", "rows", "name"))] = copy.deepcopy(holder[key])
    elif how < 0.8:
        del holder[key]
    elif how < 0.9 and isinstance(holder, list):
        holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(rng.choice(holder)))
    else:
        other, name = rng.choice(holders)
        with contextlib.suppress(KeyError, IndexError):
            holder[key] = copy.deepcopy(other[name])


def _value(rng: random.Random, before: Any) -> Any:
    if isinstance(before, int | float) and not isinstance(before, bool) and abs(before) < 2**63 and rng.random() < 0.3:
        return rng.choice((-before, before + 1, before * 2, before / 3, float(before), before * 10**6, str(before)))
    if rng.random() < 0.05:
        deep: Any = 1
        for _ in range(rng.choice((5, 60, 200))):
            deep = [deep]
        return deep
    return copy.deepcopy(rng.choice(rng.choice((NUMBERS, TEXTS, OTHERS))))


def _holders(node: Any) -> Iterator[tuple[Any, Any]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield node, key
        yield from _holders(value)


def _toml(tree: dict[str, Any]) -> Iterator[str]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield f"[{_key(key)}]\n"
            yield from (f"{_key(inner)} = {_inline(item)}\n" for inner, item in value.items())
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for item in value:
                yield f"[[{_key(key)}]]\n"
                yield from (f"{_key(inner)} = {_inline(each)}\n" for inner, each in item.items())
        else:
            yield f"{_key(key)} = {_inline(value)}\n"


def _key(key: str) -> str:
    return key if BARE.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    return '"' + "".join(c if c.isprintable() and c not in '\\"' else f"\\U{ord(c):08x}" for c in text) + '"'


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int) and abs(value) >= 10**4000:
        return "9" * 5000 if value > 0 else f"0x{'f' * 5000}"
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else repr(value)


def words(words: list[str], rng: random.Random) -> list[str]:
    for _ in range(rng.randint(1, 2)):
        index = rng.randrange(1, len(words))
        how = rng.random()
        if how < 0.65:
            words[index] = _word(rng)
        elif how < 0.75:
            words.insert(index, _word(rng))
        elif how < 0.85 and len(words) > 2:
            del words[index]
        else:
            words.insert(rng.randrange(1, len(words) + 1), words[index])
    return words


def _word(rng: random.Random) -> str:
    numbers = (
        *map(repr, NUMBERS[:-13]),
        "9" * 5000,
        "1e400",
        "nan",
        "inf",
        "-inf",
        "1_0",
        "٣",
        "0x10",
        "1e-400",
        "5%%",
    )
    return rng.choice(
        (rng.choice(numbers), rng.choice(TEXTS), rng.choice(("/dev/null", "/proc/self/mem", "/", "tcp://[::1")))
    )
