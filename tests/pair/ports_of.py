"""Functions of files in processes that live longer than one comparison: starting Julia takes a second or more."""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import Self

import pytest

from twinbench.errors import JuliaUnavailable
from twinbench.pair import target
from twinbench.pair.differences import Rules
from twinbench.pair.inputs import Input
from twinbench.pair.judge import Judge
from twinbench.pair.process import Process, julia_of
from twinbench.pair.session import Function, Session
from twinbench.pair.target import Target
from twinbench.pair.verdict import Search, Trial, Verdict
from twinbench.pair.where import Condition

SEED = 7
START_S = 120.0


def _why_not() -> str | None:
    try:
        julia_of(Target("julia", "any.jl", "any", None))
    except JuliaUnavailable as error:
        return str(error)
    return None


def needs_julia(test):
    """Mark a test that starts Julia, and skip it where there is none."""
    reason = _why_not()
    return pytest.mark.julia(pytest.mark.skipif(reason is not None, reason=reason or "")(test))


class Live(Session):
    """Processes that get other functions again and again: one for each language that is named."""

    def __init__(self, languages: list[str]) -> None:
        self.timeout_s = 60.0
        self.functions = []
        sources = {"python": "none.py", "julia": "none.jl"}
        self._processes = [Process(Target(name, sources[name], "none", None)) for name in languages]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for process in self._processes:
            process.close()

    def load_functions(self, texts: list[str]) -> list[Function]:
        self.functions = []
        for text, process in zip(texts, self._processes, strict=True):
            process.target = target.parse(text)
            description = process.ask(process.target.loading(), START_S)
            assert "error" not in description, description
            self.functions.append(Function(process, description))
        return self.functions

    def verdict(
        self,
        texts: list[str],
        example: Input,
        condition: Condition | None = None,
        *,
        more: list[Input] | None = None,
        rules: Rules | None = None,
        examples: int = 40,
    ) -> Verdict:
        functions = self.load_functions(texts)
        search = Search(examples=examples, seed=SEED)
        if condition is not None:
            names = functions[0].parameters
            search = replace(
                search, allowed=lambda drawn: condition.holds(dict(zip(names, drawn.positional, strict=True)))
            )
        return Trial(self, Judge(rules or Rules()), search).run([example, *(more or [])])
