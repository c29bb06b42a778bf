"""The times of ``twinbench pair``: measured, stored, shown, and compared with the last run of the same functions."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from twinbench.cli.console import console
from twinbench.errors import FAILED, INTERRUPTED, OK, BadInput

if TYPE_CHECKING:
    from twinbench.pair.command import Request
    from twinbench.pair.verdict import Verdict
    from twinbench.results.decisions.compare_records import Comparison
    from twinbench.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How to measure, and what is judged."""

    store: Path
    options: dict[str, Any]
    """Options of the run by their names."""
    threshold: float | None
    """The share of ``--fail-on-regression``: 0.1 for 10 %."""
    base: str | None
    """The run to compare with, by its id or the file of a store; None for the newest of the same functions."""
    words: list[str]
    """The arguments that ask for this again."""
    as_json: bool


def measure(verdict: Verdict, request: Request, wanted: Wanted) -> tuple[int, dict[str, Any]]:
    """Measure functions that agree. Returns the exit code, and the figures as ``--json`` prints them."""
    from twinbench.cli.progress import watching
    from twinbench.pair import command, timing
    from twinbench.results.summary.run import plain, summarise
    from twinbench.run.watch import Watch
    from twinbench.store.records import Status
    from twinbench.store.store import Store
    from twinbench.views import terminal

    options = timing.usual_options(request.timeout_s, **wanted.options)
    with Store.open(wanted.store) as results:
        base = _base(results, list(verdict.functions), wanted) if wanted.threshold is not None else None
        try:
            silent = nullcontext(Watch())
            with command.judging(request) as judge, watching() if sys.stderr.isatty() else silent as watch:
                run_id = timing.run(verdict, judge, options, results, watch, wanted.words)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        if run_id is None:
            print("nothing is timed: the reference raises on every given input", file=sys.stderr)
            return OK, {"run": None, "comparison": None}
        summary = summarise(results, run_id)
        if not wanted.as_json:
            print()
            terminal.render(summary, console(None))
        print(f"results: run {run_id} in {results.path}; see 'twinbench show' and 'twinbench report'", file=sys.stderr)
        done = all(cell.status is Status.DONE for cell in results.cells(run_id))
        code, comparison = (OK if done else FAILED), None
        if wanted.threshold is not None and base is not None:
            comparison = _compared(results, base, run_id, wanted.threshold, wanted.as_json)
            code = code or (comparison.gate.exit_code if comparison.gate else OK)
    return code, {"run": plain(summary), "comparison": plain(comparison) if comparison else None}


def keep(verdict: Verdict, request: Request, wanted: Wanted) -> dict[str, Any]:
    """Store functions that differ, and what differs. Returns the run as ``--json`` prints it."""
    from twinbench.pair import differing, timing
    from twinbench.results.summary.run import plain, summarise
    from twinbench.store.store import Store

    with Store.open(wanted.store) as results:
        run_id = differing.keep(
            verdict, timing.usual_options(request.timeout_s, **wanted.options), results, wanted.words
        )
        print(f"results: run {run_id} in {results.path}; see 'twinbench show' and 'twinbench report'", file=sys.stderr)
        return {"run": plain(summarise(results, run_id)), "comparison": None}


def _base(results: Store, functions: list[str], wanted: Wanted) -> str:
    """Return the run to compare with, before anything is measured. Raises BadInput where none is there.

    A run in which a function differs or fails has no times to compare with.
    """
    from twinbench.store.records import SUBCOMMAND, Status

    if wanted.base is not None:
        return wanted.base if Path(wanted.base).is_file() else results.find_run(wanted.base).id
    for run in results.runs():
        same = run.arguments.get("request", {}).get("stacks") == functions
        if same and run.status == "done" and run.arguments.get(SUBCOMMAND) == "pair":
            cells = results.cells(run.id)
            if all(cell.status is Status.DONE for cell in cells):
                return run.id
    what = f"--fail-on-regression: {results.path} has no finished run of {' and '.join(functions)}"
    raise BadInput(f"{what}; run without this option first, or name one by --base")


def _compared(results: Store, base: str, run_id: str, limit: float, as_json: bool) -> Comparison:
    """Compare a run with the base, show it, and judge it."""
    from twinbench.results.decisions import compare, gate
    from twinbench.store.store import Store
    from twinbench.views import compare as view

    if Path(base).is_file():
        with Store.open_to_read(Path(base)) as other:
            comparison = compare.runs((other, other.find_run(None).id), (results, run_id))
    else:
        comparison = compare.runs((results, results.find_run(base).id), (results, run_id))
    judged = replace(comparison, gate=gate.judge(comparison, limit))
    if not as_json:
        print()
        view.render(judged, console())
    return judged
