"""The words that the style of this project rules out, in docstrings, comments, messages and names."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Set
from pathlib import Path

import pytest

import twinbench

PACKAGE = Path(twinbench.__file__).parent

RULES = {
    "a phrase that starts with 'Of' lacks its noun": re.compile(r"^Of "),
    "'is not a', not 'is no'": re.compile(r"(?<!\bthere )\bis no (?!longer\b)\w", re.IGNORECASE),
    "'this many' or N, not 'so many'": re.compile(r"\bso many\b(?! \w+ that)", re.IGNORECASE),
}
NAMES = {"place", "found", "known", "told"}
"""Names that say nothing about what they hold."""

RELEASED = {
    "results/models/endpoints.py": {"place"},
    "results/models/monitoring.py": {"known"},
    "run/selftest.py": {"found"},
    "store/fact_shapes.py": {"place"},
}
"""Such names, by file, of fields that are keys of released JSON output."""


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def phrases(source: str) -> Iterator[tuple[int, str]]:
    """Lines with the strings (docstrings and messages) and the comments of a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value.strip()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# ")


def names(source: str) -> Iterator[tuple[int, str]]:
    """Lines with the parameters of a file, and with the names of its module and its classes' fields."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.lineno, node.arg
        body = node.body if isinstance(node, (ast.Module, ast.ClassDef)) else []
        for statement in body:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                yield statement.lineno, statement.name
            targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
            for target in targets:
                for name in ast.walk(target) if target is not None else ():
                    if isinstance(name, ast.Name):
                        yield name.lineno, name.id


def faults(source: str, released: Set[str] = frozenset()) -> list[str]:
    """What the style rules out, each with its line."""
    wrong = []
    for line, text in phrases(source):
        wrong += [f"{line}: {rule}: {text[:80]!r}" for rule, pattern in RULES.items() if pattern.search(text)]
    return wrong + [
        f"{line}: {name!r} doesn't say what it holds" for line, name in names(source) if name in NAMES - released
    ]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_words_are_those_of_the_style(path: Path):
    file = path.relative_to(PACKAGE).as_posix()
    assert faults(path.read_text(encoding="utf-8"), RELEASED.get(file, set())) == []


def test_most_of_the_package_is_checked():
    assert {"data/dataset.py", "handover/models.py", "cli/main.py", "frameworks/numpy/tables.py"} <= {
        path.relative_to(PACKAGE).as_posix() for path in files()
    }


@pytest.mark.parametrize(
    "source",
    [
        'SIZE = 3\n"""Of one size."""',
        'def f():\n    """Of its own formula."""',
        'raise ValueError(f"labels: {x} is no class")',
        "x = 1  # one of so many",
        '"""One record of so many seconds."""',
        "def f(place): ...",
        "def found(): ...",
        "known = 1",
        "class A:\n    told: int",
        "lambda known: known",
        "a, (place, b) = 1, (2, 3)",
    ],
)
def test_what_the_style_rules_out_is_reported(source: str):
    assert faults(source)


@pytest.mark.parametrize(
    "source",
    ['"""Stack images."""', "x = 'there is no longer one'", "def f():\n    found = 1\n    return found", "offices = 1"],
)
def test_other_words_are_not_reported(source: str):
    assert not faults(source)
