"""The documentation site builds without a warning, and every command that a page names parses."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.test_walls import EVERYBODY, MAY_IMPORT
from twinbench import ops
from twinbench.cli import main
from twinbench.frameworks import registry
from twinbench.ops.contract import Op

ROOT = Path(__file__).parents[1]
UsageError = typer.BadParameter.__mro__[1]
"""What a line that doesn't parse raises: typer names only this subclass of it."""

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/**/*.md")])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def published() -> list[Op[Any]]:
    return [op for op in ops.all_ops() if op.modality != "probe"]


def test_the_site_has_every_command_and_op(site):
    cli = (site / "cli" / "index.html").read_text()
    assert all(f"twinbench {name}" in cli for name in main.COMMANDS)
    contracts = (site / "ops" / "index.html").read_text()
    assert all(op.name in contracts for op in published())
    assert all(f"<code>{field.name}</code>" in contracts for op in published() for field in fields(op.params))
    assert "<code>Sgd | Adam | AdamW</code>" in contracts


def test_the_matrix_has_every_op_and_framework_and_every_deviation(site):
    matrix = (site / "matrix" / "index.html").read_text()
    ours = [framework for name, framework in registry.frameworks().items() if name != "reference"]
    names = {op.name for op in published()}
    assert all(f"<code>{name.partition('.')[2]}</code>" in matrix for name in names)
    assert all(f">{framework.name}<" in matrix for framework in ours if names & framework.ops.keys())
    marks = re.findall(r'<td style="text-align: center;">([xd])</td>', matrix)
    assert len(marks) == sum(len(names & framework.ops.keys()) for framework in ours)
    assert marks.count("d") == sum(len(names & framework.deviations.keys()) for framework in ours)


def test_the_architecture_page_has_every_room(site):
    page = (site / "architecture" / "index.html").read_text()
    assert all(f"<td><code>{room}</code></td>" in page for room in MAY_IMPORT if room not in EVERYBODY)


def test_contributing_says_what_every_room_is_for():
    said = (ROOT / "CONTRIBUTING.md").read_text()
    rows = "".join(re.findall(r"^\| (`.*?) \|", said, flags=re.MULTILINE))
    rooms = {room.partition(".")[0] for room in MAY_IMPORT}
    assert rooms <= set(re.findall(r"`(\w+)`", rows))


def test_every_test_that_a_page_names_exists():
    named = {named for page in PAGES for named in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text())}
    assert named
    missing = [f"{file}::{test}" for file, test in named if f"def {test}(" not in (ROOT / file).read_text()]
    assert not missing


def test_every_file_that_a_page_names_exists():
    """Paths in inline code that begin at the root of the repository or of the package."""
    roots = "python|julia|tests|pipelines|benchmarks|docs"
    for page in PAGES:
        for name in re.findall(rf"`((?:{roots})/[\w./-]+)`", page.read_text()):
            assert (ROOT / name).exists(), f"{page.name}: {name}"


def blocks(page: str) -> Iterator[str]:
    yield from re.findall(r"^ *```[^\n]*\n(.*?)^ *```$", page, flags=re.MULTILINE | re.DOTALL)


def commands_in_blocks(page: str) -> Iterator[str]:
    """Lines of code blocks that begin with ``twinbench``, whether after a prompt, a variable or ``&&``."""
    for block in blocks(page):
        for line in block.replace("\\\n", " ").splitlines():
            start = r"(?:^\s*|^\s*- run: |^\$ |&& )(?:[A-Z_]+=\S+ )*"
            yield from re.findall(rf"{start}(twinbench [a-z-].*?)(?= && |$)", line)


def commands_in_prose(page: str) -> Iterator[str]:
    """Inline code that begins with ``twinbench``."""
    prose = re.sub(r"^ *```[^\n]*\n.*?^ *```$", "", page, flags=re.MULTILINE | re.DOTALL)
    yield from (" ".join(code.split()) for code in re.findall(r"`(twinbench [a-z-][^`]*)`", prose))


def parse(line: str) -> None:
    """Parse a command line by the real application, without running it. Raises UsageError or KeyError."""
    words = (word.strip("[]") for word in shlex.split(line, comments=True)[1:])
    arguments = ["1" if word == "N" else word for word in words]
    arguments = arguments[: next((i for i, word in enumerate(arguments) if word in (">", "|", "2>")), None)]
    if arguments == ["--help"]:
        return
    name, *rest = arguments
    command = main._load(name)
    while getattr(command, "commands", None) and rest and not rest[0].startswith("-"):
        name, *rest = rest
        command = command.commands[name]
    if getattr(command, "commands", None) and not rest:
        return
    with suppress(typer.Exit):  # --help
        command.make_context(name, rest)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_parses(page):
    text = page.read_text()
    wrong = []
    for command in commands_in_blocks(text):
        try:
            parse(command)
        except (UsageError, KeyError) as error:
            wrong.append(f"{command}: {error}")
    for command in commands_in_prose(text):
        try:
            parse(command)
        except (UsageError, KeyError) as error:
            if type(error).__name__ != "MissingParameter":  # prose may name a command without its arguments
                wrong.append(f"{command}: {error}")
    assert not wrong


def test_commands_are_found_where_pages_write_them():
    page = "Use `twinbench list`.\n\n```sh\n$ twinbench show 3f2a\nA=b twinbench run x && twinbench agree y\n```\n"
    assert list(commands_in_prose(page)) == ["twinbench list"]
    assert list(commands_in_blocks(page)) == ["twinbench show 3f2a", "twinbench run x", "twinbench agree y"]


@pytest.mark.parametrize("line", ["twinbench list frameworks", "twinbench run x --resolv 2%", "twinbench lists"])
def test_a_command_that_does_not_exist_is_refused(line):
    with pytest.raises((UsageError, KeyError)):
        parse(line)


def test_every_option_that_the_readme_names_is_an_option_of_some_command():
    options = set(re.findall(r"`(--[a-z-]+)", (ROOT / "README.md").read_text()))
    known = {option for name in main.COMMANDS for option in options_of(main._load(name))}
    assert options <= known


def options_of(command: Any) -> Iterator[str]:
    for inner in getattr(command, "commands", {}).values():
        yield from options_of(inner)
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)


def test_tables_of_the_site_fit_a_page_1280_pixels_wide(site, browser):
    """No table, picture or line of text makes a page or a table scroll sideways."""
    wide = []
    for page in sorted(site.rglob("index.html")):
        browser.open(page.as_uri(), width=1280)
        widths = browser.evaluate(
            "[...document.querySelectorAll('.md-typeset__scrollwrap')]"
            ".map(table => [table.scrollWidth - table.clientWidth, table.textContent.trim().slice(0, 40)])"
        )
        wide += [(page.parent.name, extra, text) for extra, text in widths if extra > 1]
        assert browser.evaluate("document.documentElement.scrollWidth") <= 1280, page
    assert not wide
