"""For tests of your own: functions of Python and Julia that must give the same answer to one input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from twinbench.pair import target
from twinbench.pair.callee import wire
from twinbench.pair.callee.native import neutral
from twinbench.pair.differences import Rules
from twinbench.pair.inputs import Input
from twinbench.pair.judge import Judge
from twinbench.pair.session import Session
from twinbench.pair.tolerance import Tolerance
from twinbench.pair.verdict import Search, Trial


def assert_same(
    *functions: str,
    arguments: tuple[Any, ...] = (),
    named: Mapping[str, Any] | None = None,
    saved: str | None = None,
    directory: Path | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    loose_dtypes: bool = False,
    any_order: bool = False,
    mutates: bool = False,
    layout: target.Layout = "same",
    threads: int = 1,
    timeout: float = 60.0,
) -> None:
    """Call functions, the reference first, with the same arguments. Raises AssertionError where they differ.

    ``functions`` are named as ``twinbench pair`` takes them; paths are relative to ``directory``. ``saved`` is a
    file there that ``--save-cases`` wrote, and stands for ``arguments`` and ``named``.
    """
    base = directory or Path()
    targets = [replace(_relative_to(base, target.split(text)), layout=layout, threads=threads) for text in functions]
    example = Input(
        "these arguments", [neutral(v) for v in arguments], {k: neutral(v) for k, v in (named or {}).items()}
    )
    if saved is not None:
        example = load(base / saved)
    judge = Judge(Rules(Tolerance(rtol, atol), loose_dtypes, any_order), mutates=mutates, threads=threads)
    with Session(targets, timeout) as session:
        session.load()
        verdict = Trial(session, judge, Search(examples=0)).run([example])
    assert verdict.ok, "\n".join(f"{finding.function}: {finding.text}" for finding in verdict.findings)


def _relative_to(base: Path, written: target.Target) -> target.Target:
    if not written.source.endswith((".py", ".jl")):
        return written
    return replace(written, source=str(base / written.source))


def load(file: Path) -> Input:
    """Read arguments that ``--save-cases`` wrote. Raises ValueError for another file."""
    positional, named = wire.decode(file.read_bytes())
    return Input("the saved input", list(positional), dict(named))


def dump(example: Input, file: Path) -> None:
    """Write arguments so that `load` reads them."""
    file.write_bytes(wire.encode((tuple(example.positional), example.named)))
