"""``twinbench compare``: which steps became faster or slower, and whether a build fails because of them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinbench.cli import values
from twinbench.cli.console import console, print_json
from twinbench.cli.options import AsJson, StoreFile
from twinbench.errors import OK, REGRESSED

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
        str | None,
        typer.Option(metavar="STACK", help="An unchanged stack of both runs: compare the others relative to it."),
    ] = None,
    steps: Annotated[bool, typer.Option("--steps", help="Compare every step as well.")] = False,
    margin: Annotated[
        str, typer.Option(metavar="PERCENT", help="Differences smaller than this count as the same.")
    ] = "2%",
    fail_on_regression: Annotated[
        str | None,
        typer.Option(metavar="PERCENT", help="End with exit code 4 if anything is slower by more than this, or broke."),
    ] = None,
    as_json: AsJson = False,
    store: StoreFile = None,
) -> None:
    """Compare run B with run A, or the stacks of one run: ratios with intervals, and a verdict for each.

    Example: twinbench compare 3f2a 77b0 --fail-on-regression 5%
    """
    from twinbench.results.summary.run import plain
    from twinbench.views import compare as view

    limit = values.percent("--fail-on-regression", fail_on_regression) if fail_on_regression else None
    comparison = _comparison(run, other, stack or [], control or "", steps, values.percent("--margin", margin), store)
    if as_json:
        print_json(plain(comparison))
    else:
        view.render(comparison, console(), limit)
    regressed = limit is not None and (comparison.regressions(limit) or comparison.broken())
    raise typer.Exit(REGRESSED if regressed else OK)


def _comparison(
    run: str, other: str | None, stacks: list[str], control: str, steps: bool, margin: float, store: Path | None
) -> Comparison:
    from twinbench.results.decisions import compare as comparing

    with ExitStack() as opened:
        a = _opened(opened, run, store)
        if other is None:
            return comparing.stacks(*a, stacks, steps=steps, margin=margin)
        b = _opened(opened, other, store)
        return comparing.runs(a, b, stacks=stacks, control=control, steps=steps, margin=margin)


def _opened(opened: ExitStack, run: str, store: Path | None) -> tuple[Store, str]:
    """Return the store and the id of a run that the user named by its id, or by the store file that holds the run."""
    from twinbench.paths import default_store
    from twinbench.store.store import Store

    is_file = Path(run).is_file()
    results = opened.enter_context(Store.open(Path(run) if is_file else store or default_store(), create=False))
    return results, results.find_run(None if is_file else run).id
