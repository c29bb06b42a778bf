"""``twinbench agree``: check every stack against the reference, or show what a step computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinbench.cli.console import console, print_json
from twinbench.cli.options import Device, MorePipelines, Threads, Timeout, Trust
from twinbench.errors import FAILED, BadInput

if TYPE_CHECKING:
    from rich.console import Console

    from twinbench.run.options import Options
    from twinbench.run.runner import Part


def agree(
    pipeline: Annotated[str, typer.Argument(help="Name, as 'twinbench list' shows it.")],
    stack: Annotated[
        list[str] | None, typer.Option(help="A stack, such as pandas+torch. Repeatable. Default: all.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="A size of the pipeline. Default: its first.")] = None,
    threads: Threads = 1,
    device: Device = "cpu",
    timeout: Timeout = 300.0,
    pipelines_dir: MorePipelines = None,
    trust: Trust = False,
    show: Annotated[
        str | None,
        typer.Option(metavar="STEP", help="Print what a step computes instead: the reference, or each --stack."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --show: write the answer to a .csv, .npz, .png or .wav file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every finding as JSON.")] = False,
) -> None:
    """Check every step of every stack for agreement with the reference, without timing anything.

    With --show, print the answer of one step instead.

    Example: twinbench agree flights-delay --stack Polars+torch
    """
    from twinbench.run import device as device_of_run
    from twinbench.run import request
    from twinbench.run.options import Options

    wanted = request.Request(
        pipelines=(pipeline,),
        sizes=(size,) if size else (),
        stacks=tuple(stack or ()),
        directories=tuple(pipelines_dir or ()),
    )
    (part,) = request.parts(wanted, trust=trust)
    options = Options(threads=threads, timeout_s=timeout, device=device)
    device_of_run.require([part], options)
    if to is not None and show is None:
        raise BadInput("--to: writes what --show STEP shows; name the step")
    if show is None:
        _check(part, options, console(None), as_json=as_json)
    else:
        if as_json:
            raise BadInput("--json: --show prints tables; --to FILE.npz writes all values")
        _show(part, show, options, console(None), to, stacks=stack or [])


def _check(part: Part, options: Options, out: Console, *, as_json: bool) -> None:
    from twinbench.results.summary.run import plain
    from twinbench.run import check
    from twinbench.views import layout, terminal

    taken = "" if part.pipeline.dataset is None else part.pipeline.dataset.taken(part.pipeline.amount(part.size))
    if not as_json:
        layout.say(out, "data" if taken else "", taken)
    checked = []
    for result in check.check(part, options):
        checked.append(result)
        if as_json:
            continue
        if result.reason:
            print(f"{result.stack}: {result.reason}")
        for name, reason in result.unsupported.items():
            print(f"{result.stack}: {name}: unsupported: {reason}")
        for finding in result.wrong:
            print(f"{result.stack}: {finding.step}: {finding.output}: {finding.detail}")
    if as_json:
        print_json([plain(result) | {"ok": result.ok, "data": taken} for result in checked])
    else:
        steps = {step.id: step.op.name for step in part.pipeline.steps}
        terminal.agreement_matrix(steps, {result.stack: result.findings for result in checked if result.available}, out)
        for step, (first, count) in {s: at for result in checked for s, at in result.parts_at.items()}.items():
            seeds = f"twinbench run {part.pipeline.name} --seeds 5"
            print(
                f"{step}: trainings that differ by roundings part at step {first:,} of {count:,}: from there on only "
                f"large mistakes are seen here, and equal quality over seeds decides ({seeds})"
            )
    if not all(result.ok for result in checked if result.available):
        raise typer.Exit(FAILED)


def _show(part: Part, name: str, options: Options, out: Console, to: Path | None, stacks: list[str]) -> None:
    """Print what a step computes, by the stacks that were named or else by the reference; or write it to a file."""
    from twinbench.run import answers
    from twinbench.views import answers as view
    from twinbench.views import layout

    step = answers.step_of(part, name)
    by_reference = not stacks
    if to is not None and len(stacks) > 1:
        raise BadInput(f"--to: {to} can hold one answer; name one --stack")
    shown = replace(part, stacks=[] if by_reference else part.stacks)
    failed = False
    for stack, answer in answers.answers(shown, step, options, of_reference=by_reference):
        if isinstance(answer, str):
            print(f"{stack}: {answer}")
            failed = True
        elif to is None:
            view.render(f"{step.id} ({step.op.name}) by {stack}", answer, out, table=step.op.output == "table")
        else:
            rates = (getattr(s.params, "rate_hz", None) for s in (step, *part.pipeline.steps))
            try:
                written = view.write(answer, to, next((rate for rate in rates if rate is not None), None))
            except (ValueError, OSError) as error:
                raise BadInput(f"--to {to}: {step.id} by {stack}: {error}") from None
            layout.say(out, str(to), written)
    if failed:
        raise typer.Exit(FAILED)
