"""``twinbench.pair``: the comparison from a script or a notebook, and its result as text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from html import escape
from pathlib import Path
from typing import Any, get_args

import twinbench
from twinbench import paths
from twinbench.errors import BadInput, in_one_line, nearest
from twinbench.pair import command, inputs, target
from twinbench.pair.callee.main import case, judged
from twinbench.pair.callee.native import native, neutral
from twinbench.pair.command import PrintedFinding, PrintedPair, Request
from twinbench.pair.differences import Rules
from twinbench.pair.inputs import Input
from twinbench.pair.session import Function
from twinbench.pair.target import Layout, Target
from twinbench.pair.tolerance import Tolerance
from twinbench.pair.verdict import Search, Verdict

JULIA_CODE = re.compile(r"\s*function\s.*|.*(\n|->|\)\s*=(?!=)).*", re.DOTALL)
"""What makes a text Julia code. The name of a function has nothing of it."""

DEFINITION = re.compile(r"^(?:function\s+)?([^\W\d][\w!]*)\(", re.MULTILINE)


@dataclass(frozen=True, repr=False)
class Pair(PrintedPair):
    """The verdict on own functions, which a notebook shows as a table."""

    lines: list[str]
    """What the terminal shows of the verdict."""
    run: Any = None
    """The run as `twinbench.load` returns it, with times if the functions agree. None with ``time=False``."""

    def __repr__(self) -> str:
        return "\n".join([*self.lines, *([] if self.run is None else ["", repr(self.run)])])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{role}</td><td><code>{escape(name)}</code></td><td>{escape(self.states[name])}</td></tr>"
            for name, role in [(self.reference, "reference"), *((name, "candidate") for name in self.candidates)]
        )
        findings = "".join(map(_finding, self.findings))
        notes = "".join(f"<p>note: {escape(note)}</p>" for note in self.notes)
        times = "" if self.run is None else self.run._repr_html_()
        return f"<table>{rows}</table>{findings}{notes}<p>seed {self.seed}</p>{times}"


def _finding(finding: PrintedFinding) -> str:
    calls = "\n".join(call for call in finding.calls.values() if call is not None) if finding.drawn else ""
    source = f"<pre>{escape(calls)}</pre>" if calls else ""
    on = "the smallest input that was found" if finding.drawn else finding.input
    return f"<p><code>{escape(finding.function)}</code> on {escape(on)}: {escape(finding.text)}</p>{source}"


def pair(
    functions: tuple[Callable[..., Any] | str, ...],
    given: Any,
    *,
    rtol: float | None,
    atol: float | None,
    loose_dtypes: bool,
    any_order: bool,
    compare: Callable[[Any, Any], Any] | None,
    mutates: bool,
    generate: int | None,
    edge: bool,
    where: str | None,
    seed: int | None,
    layout: str,
    threads: int,
    timeout: float,
    time: bool,
    budget: float,
    processes: int | None,
    store: str | Path | None,
) -> Pair:
    """Compare functions as `twinbench.pair` describes. Raises BadInput, JuliaUnavailable and TwinbenchError."""
    if layout not in get_args(Layout):
        raise BadInput(f"layout: '{layout}' is neither 'same' nor 'reversed'")
    request = Request(
        functions=_targets(functions),
        inputs=[],
        cases=None,
        compare=None,
        rules=Rules(Tolerance(rtol, atol), loose_dtypes, any_order),
        mutates=mutates,
        search=Search.of(generate, seed, edge=edge),
        where=where,
        timeout_s=timeout,
        threads=threads,
        layout="reversed" if layout == "reversed" else "same",
        times=time,
        given=lambda reference: _inputs(given, reference),
        rule=None if compare is None else lambda want, got: _judged(compare, want, got),
    )
    verdict = command.run(request)
    printed = command.printed(verdict)
    values = {field.name: getattr(printed, field.name) for field in fields(printed)}
    run = _stored(verdict, request, store, budget_s=budget, processes=processes) if time else None
    return Pair(**values, lines=list(command.lines(verdict)), run=run)


def _stored(verdict: Verdict, request: Request, store: str | Path | None, **options: Any) -> Any:
    """Time functions that agree, and store the run, or what differs. Returns the run.

    None where functions agree and the reference raises on every given input.
    """
    from twinbench.pair import differing, timing
    from twinbench.run.watch import Watch
    from twinbench.store.store import Store

    path = paths.default_store() if store is None else Path(store)
    usual = timing.usual_options(request.timeout_s, threads=request.threads, **options)
    with Store.open(path) as results, command.judging(request) as judge:
        run_id = (
            timing.run(verdict, judge, usual, results, Watch())
            if verdict.ok
            else differing.keep(verdict, usual, results)
        )
    return None if run_id is None else twinbench.load(run_id, path)


# Functions


def _targets(functions: tuple[Callable[..., Any] | str, ...]) -> list[Target | str]:
    """Return what the functions are; those that are not named by the user are numbered where names are equal."""
    targets: list[Target | str] = []
    names: list[str] = []
    for function in functions:
        if isinstance(function, str) and not JULIA_CODE.fullmatch(function):
            targets.append(function)
            continue
        named = _julia(function) if isinstance(function, str) else _python(function)
        names.append(named.name)
        number = names.count(named.name)
        targets.append(named if number == 1 else _renamed(named, f"{named.name} ({number})"))
    return targets


def _renamed(each: Target, name: str) -> Target:
    return Target(name, each.source, each.function, each.where, each.code)


def _julia(code: str) -> Target:
    defined = DEFINITION.findall(code)
    return Target(f"{defined[-1]} in Julia" if defined else "Julia code", "Julia code", "", None, code)


def _python(function: Callable[..., Any]) -> Target:
    import cloudpickle

    if not callable(function):
        raise BadInput(f"{function!r} is not a function; give a function, or its name: {target.EXAMPLES}")
    name = getattr(function, "__name__", type(function).__name__).strip("<>")
    try:
        code = cloudpickle.dumps(function)
    except Exception as error:  # whatever a value that the function uses raises
        raise BadInput(f"{name} can't be sent to a process of its own: {in_one_line(error)}") from None
    return Target(name, name, "f" if name == "lambda" else name, None, code)


# Inputs


def _inputs(given: Any, reference: Function) -> list[Input]:
    """Return the inputs that a value of ``inputs`` stands for. Raises BadInput."""
    if callable(given):
        return [_input(*case(number, each)) for number, each in enumerate(given(), 1)]
    if not isinstance(given, dict):
        positional = list(given) if isinstance(given, tuple) else [given]
        return [_input("the given input", positional, {})]
    names = [name for name in given if name in reference.names]
    if not names or not given:
        return [_input(*case(1, (str(label), arguments))) for label, arguments in given.items()]
    if len(names) < len(given):
        other = next(name for name in given if name not in names)
        raise BadInput(f"inputs: {reference.name} has no argument '{other}'{nearest(str(other), reference.names)}")
    return [_input("the given input", [], given)]


def _input(label: str, positional: list[Any], named: dict[str, Any]) -> Input:
    return Input(label, list(map(_value, positional)), {name: _value(value) for name, value in named.items()})


def _value(value: Any) -> Any:
    if getattr(getattr(value, "dtype", None), "names", None):
        raise BadInput("inputs: records of several fields can't be handed over; give each field as an array")
    return inputs.read(value) if isinstance(value, Path) else neutral(value)


def _judged(rule: Callable[[Any, Any], Any], want: Any, got: Any) -> str | None:
    """Return how two results differ by the user's own rule, which runs in this process."""
    answer = judged(rule, native(want), native(got))
    if "error" in answer:
        raise BadInput(f"compare: {answer['error']}")
    differs: str | None = answer.get("differs")
    return differs
