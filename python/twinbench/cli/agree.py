"""``twinbench agree``: check every stack against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.console import print_json
from twinbench.errors import FAILED


def agree(
    pipeline: Annotated[str, typer.Argument(help="Name, as 'twinbench list' shows it.")],
    stack: Annotated[
        list[str] | None, typer.Option(help="A stack, such as pandas+torch. Repeatable. Default: all.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="A size of the pipeline. Default: its first.")] = None,
    threads: Annotated[int, typer.Option(help="Threads for every library and for Julia.")] = 1,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Longest wait for one step.")] = 300.0,
    pipelines_dir: Annotated[
        list[Path] | None, typer.Option("--pipelines", metavar="DIR", help="More pipelines. Repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every finding as JSON.")] = False,
) -> None:
    """Check every step of every stack for agreement with the reference, without timing anything.

    Example: twinbench agree flights-delay --stack Polars+torch
    """
    from rich.console import Console

    from twinbench.results.summary.run import plain
    from twinbench.run import check, request
    from twinbench.run.options import Options
    from twinbench.views import terminal

    wanted = request.Request(
        pipelines=(pipeline,),
        sizes=(size,) if size else (),
        stacks=tuple(stack or ()),
        directories=tuple(pipelines_dir or ()),
    )
    (part,) = request.parts(wanted)
    checked = []
    for result in check.check(part, Options(threads=threads, timeout_s=timeout)):
        checked.append(result)
        if result.reason and not as_json:
            print(f"{result.stack}: {result.reason}")
    if as_json:
        print_json([plain(result) | {"ok": result.ok} for result in checked])
    else:
        steps = {step.id: step.op.name for step in part.pipeline.steps}
        terminal.agreement_matrix(
            steps, {result.stack: result.findings for result in checked if result.available}, Console()
        )
    if not all(result.ok for result in checked if result.available):
        raise typer.Exit(FAILED)
