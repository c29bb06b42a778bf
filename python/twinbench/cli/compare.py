"""``twinbench compare``: which steps became faster or slower, and whether a build fails because of them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinbench.cli import values
from twinbench.cli.console import console, print_json
from twinbench.cli.options import AsJson, StoreFile
from twinbench.errors import OK, BadInput

if TYPE_CHECKING:
    from twinbench.results.decisions.compare_records import Comparison
    from twinbench.store.store import Store


def compare(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN_A", help="The base: a run's id or the start of it, or a store file, whose newest run is taken."
        ),
    ],
    other: Annotated[
        str | None, typer.Argument(metavar="RUN_B", help="The run that is judged, named in the same way.")
    ] = None,
    stack: Annotated[
        list[str] | None,
        typer.Option(help="Only this stack; within a single run the base, then the others. Repeatable."),
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STACK",
            help="An unchanged stack of both runs: compare the others relative to it. Repeatable: several show how "
            "alike stacks bear a disturbance, which is assumed with one.",
        ),
    ] = None,
    steps: Annotated[bool, typer.Option("--steps", help="Compare every step as well.")] = False,
    margin: Annotated[
        str, typer.Option(metavar="PERCENT", help="Differences smaller than this count as the same.")
    ] = "2%",
    fail_on_regression: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT",
            help="End with exit code 4 if anything is certainly slower by more than this, or broke; with 2 if "
            "something can't be judged.",
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Let --fail-on-regression judge runs of two CPUs, devices or numbers of threads."),
    ] = False,
    as_json: AsJson = False,
    store: StoreFile = None,
) -> None:
    """Compare run B with run A, or the stacks of one run: ratios with intervals, and a verdict for each.

    Exit codes with --fail-on-regression: 0 nothing is certainly slower, and everything was judged; 4 something is, or
    broke; 2 something that the base measured can't be judged.

    Example: twinbench compare 3f2a 77b0 --fail-on-regression 5%
    """
    from twinbench.results.decisions import gate
    from twinbench.results.summary.run import plain
    from twinbench.views import compare as view

    limit = values.percent("--fail-on-regression", fail_on_regression) if fail_on_regression else None
    comparison = _comparison(run, other, stack or [], control or [], steps, values.percent("--margin", margin), store)
    if limit is not None:
        comparison = replace(comparison, gate=gate.judge(comparison, limit, force=force))
    if as_json:
        print_json(plain(comparison))
    else:
        view.render(comparison, console())
    if comparison.gate is None and not comparison.outcomes:
        raise BadInput("nothing was compared: no stack did the same work on both sides")
    raise typer.Exit(comparison.gate.exit_code if comparison.gate else OK)


def _comparison(
    run: str, other: str | None, stacks: list[str], controls: list[str], steps: bool, margin: float, store: Path | None
) -> Comparison:
    from twinbench.results.decisions import compare as comparing

    with ExitStack() as opened:
        a = _opened(opened, run, store)
        if other is None:
            if controls:
                raise BadInput("--control needs two runs: stacks of one run are compared in the blocks that they share")
            return comparing.stacks(*a, stacks, steps=steps, margin=margin)
        b = _opened(opened, other, store)
        return comparing.runs(a, b, stacks=stacks, control=controls, steps=steps, margin=margin)


def _opened(opened: ExitStack, run: str, store: Path | None) -> tuple[Store, str]:
    """Return the store and the id of a run that the user named by its id, or by the store file that holds the run."""
    from twinbench.paths import default_store
    from twinbench.store.store import Store

    is_file = Path(run).is_file()
    results = opened.enter_context(Store.open_to_read(Path(run) if is_file else store or default_store()))
    return results, results.find_run(None if is_file else run).id
