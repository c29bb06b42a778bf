"""What differs, as tests that fail today: a file for pytest, and one for Julia's Test."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from twinbench.errors import BadInput
from twinbench.pair import paste, target, testing
from twinbench.pair.layout import reversed_dimensions
from twinbench.pair.tolerance import RTOL
from twinbench.pair.verdict import Finding, Verdict

if TYPE_CHECKING:
    from twinbench.pair.command import Request
    from twinbench.pair.session import Function

JULIA_HELPERS = """
same(a, b) = isequal(a, b)
same(a::Number, b::Number) = typeof(a) == typeof(b) && (isequal(a, b) || isapprox(a, b; rtol = RTOL, atol = ATOL))
same(a::AbstractArray, b::AbstractArray) =
    size(a) == size(b) && (isempty(a) || eltype(a) == eltype(b)) && all(same(x, y) for (x, y) in zip(a, b))
same(a::Tuple, b::Tuple) = length(a) == length(b) && all(same(x, y) for (x, y) in zip(a, b))
same(a::AbstractDict, b::AbstractDict) = keys(a) == keys(b) && all(same(a[key], b[key]) for key in keys(a))
"""
JULIA_TABLES = """same(a::DataFrame, b::DataFrame) =
    names(a) == names(b) && all(same(x, y) for (x, y) in zip(eachcol(a), eachcol(b)))
"""


def save(verdict: Verdict, request: Request, directory: Path) -> list[Path]:
    """Write the findings as tests into a directory, and return the files; none where nothing differs. Raises BadInput.

    A function of which a drawn input was found has a test of that one only, which is the smallest.
    """
    findings = [finding for finding in verdict.findings if finding.drawn or not _drawn(verdict, finding.function)]
    if not findings:
        return []
    targets = {each.name: each for each in request.targets()}
    name = "test_" + _identifier(f"{verdict.reference} and {' and '.join(verdict.candidates)}")[:60].strip("_")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        files = [directory / f"{name}.py"]
        text = _python(findings, verdict, targets, request, directory, name)
        files[0].write_text(text, encoding="utf-8")
        julia = _julia([f for f in findings if targets[f.function].language == "julia"], verdict, request, directory)
        if julia:
            files.append(directory / f"{name}.jl")
            files[1].write_text(julia, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--save-cases {directory}: can't be written: {error}") from None
    return files


def _drawn(verdict: Verdict, function: str) -> bool:
    return any(finding.drawn for finding in verdict.of(function))


def _identifier(text: str) -> str:
    return re.sub(r"\W+", "_", text).strip("_")


def _relative(each: target.Target, directory: Path) -> str:
    """Return a function's name with the path of its file, and of what runs it, relative to the directory of tests."""
    source = each.source
    if source.endswith((".py", ".jl")):
        source = os.path.relpath(source, directory)
    where = each.where
    if where is not None and os.path.exists(where):
        where = str(Path(where).absolute())
    return f"{source}:{each.function}" + (f"@{where}" if where else "")


def _python(
    findings: list[Finding],
    verdict: Verdict,
    targets: dict[str, target.Target],
    request: Request,
    directory: Path,
    name: str,
) -> str:
    bodies = []
    for number, finding in enumerate(findings, 1):
        others = [finding.function] if finding.function != verdict.reference else verdict.candidates[:1]
        functions = [_relative(targets[each], directory) for each in (verdict.reference, *others)]
        arguments = _arguments(finding, directory / f"{name}-{number}.input")
        options = [*arguments, "directory=HERE", *_options(request)]
        lines = ",\n        ".join([*map(repr, functions), *options])
        bodies.append(
            f"\n\ndef test_{_identifier(finding.function)}_{number}():\n"
            f"    # {finding.text.splitlines()[0][:100]}\n"
            f"    assert_same(\n        {lines},\n    )\n"
        )
    text = "".join(bodies)
    libraries = [line for alias, line in LIBRARIES.items() if f"{alias}." in text]
    head = ['"""What `twinbench pair` found; each test fails until the functions agree."""', ""]
    head += ["from pathlib import Path", "", *libraries, "from twinbench.pair.testing import assert_same", ""]
    return "\n".join([*head, "HERE = Path(__file__).resolve().parent"]) + "\n" + text.rstrip("\n") + "\n"


LIBRARIES = {"np": "import numpy as np", "pd": "import pandas as pd"}


def _arguments(finding: Finding, file: Path) -> list[str]:
    example = finding.example
    try:
        positional = "".join(f"{paste.python(value)}, " for value in example.positional)
        named = ", ".join(f"{key!r}: {paste.python(value)}" for key, value in example.named.items())
    except paste.TooLarge:
        testing.dump(example, file)
        return [f"saved={file.name!r}"]
    return [f"arguments=({positional.strip()})"] * bool(positional) + [f"named={{{named}}}"] * bool(named)


def _options(request: Request) -> Iterator[str]:
    rules = request.rules
    for name, value in (("rtol", rules.tolerance.rtol), ("atol", rules.tolerance.atol)):
        if value is not None:
            yield f"{name}={value!r}"
    for name, on in (
        ("loose_dtypes", rules.loose_dtypes),
        ("any_order", rules.any_order),
        ("mutates", request.mutates),
    ):
        if on:
            yield f"{name}=True"
    if request.layout != "same":
        yield f"layout={request.layout!r}"
    if request.threads != 1:
        yield f"threads={request.threads}"


def _julia(findings: list[Finding], verdict: Verdict, request: Request, directory: Path) -> str:
    """Return Julia's tests of the findings whose input and expected result can be written as text."""
    sets = []
    for finding in findings:
        try:
            test = _julia_test(verdict.functions[finding.function], finding)
            sets.append(f'\n@testset "{finding.function}" begin\n{test}end\n')
        except paste.TooLarge:
            continue
    if not sets:
        return ""
    sources = dict.fromkeys(os.path.relpath(verdict.functions[f.function].target.source, directory) for f in findings)
    text = "".join(sets)
    tables = "DataFrame(" in text
    tolerance = request.rules.tolerance
    rtol = RTOL[8] if tolerance.rtol is None else tolerance.rtol
    head = ["# What `twinbench pair` found; each test fails until the functions agree.", "", "using Dates, Test"]
    head += ["using DataFrames"] * tables
    head += ["", *(f'include(joinpath(@__DIR__, "{source}"))' for source in sources), ""]
    head += [f"const RTOL = {rtol!r}", f"const ATOL = {tolerance.atol or 0.0!r}"]
    return "\n".join(head) + "\n" + JULIA_HELPERS + (JULIA_TABLES if tables else "") + text


def _julia_test(function: Function, finding: Finding) -> str:
    positional, named = function.arguments(finding.example)
    name = function.target.function
    if finding.expected is None:
        names = [f"argument_{index}" for index in range(1, len(positional) + len(named) + 1)]
        values = zip(names, [*positional, *named.values()], strict=True)
        lines = [f"{variable} = {paste.julia(value)}" for variable, value in values]
        keywords = [f"{key} = {variable}" for key, variable in zip(named, names[len(positional) :], strict=True)]
        call, every = f"{name}({', '.join([*names[: len(positional)], *keywords])})", f"({', '.join(names)},)"
        lines += [f"before = deepcopy({every})", f"first = {call}"]
        lines += [f"@test isequal({every}, before)  # arguments are as they were"]
        lines += [f"@test same({call}, first)  # the same twice"]
    elif finding.expected.raised is not None:
        lines = [f"@test_throws Exception {paste.call('julia', name, positional, named)}"]
    else:
        call = paste.call("julia", name, positional, named)
        result = finding.expected.result
        expected = reversed_dimensions(result) if function.target.layout == "reversed" else result
        lines = [f"@test same({call}, {paste.julia(expected)})"]
    return "".join(f"    {line}\n" for line in lines)
