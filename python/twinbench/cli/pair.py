"""``twinbench pair``: whether own functions of Python and Julia give the same answers."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinbench import paths
from twinbench.cli import values
from twinbench.cli.console import print_json
from twinbench.cli.options import AsJson, StoreFile
from twinbench.errors import FAILED, OK, BadInput
from twinbench.pair.target import Layout

if TYPE_CHECKING:
    from twinbench.pair.command import Request


def pair(
    functions: Annotated[
        list[str],
        typer.Argument(
            metavar="FUNCTION",
            help="Two or more, the reference first: "
            "PATH.py:NAME, package.module:NAME, PATH.jl:NAME or PATH.jl:MODULE.NAME. "
            "LABEL=... labels one; ...@WHERE is the interpreter, virtual environment or Julia project that runs it.",
        ),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="[NAME=]FILE|NAME=VALUE",
            help="An argument. Repeatable. Files: .npy .npz .csv .parquet .arrow .json .txt .wav .png .jpg.",
        ),
    ] = None,
    cases: Annotated[
        str | None,
        typer.Option("--inputs", metavar="PATH.py:NAME", help="A function that gives inputs, each with a label."),
    ] = None,
    rtol: Annotated[float | None, typer.Option(help="Relative tolerance. Default: by the type of the numbers.")] = None,
    atol: Annotated[float | None, typer.Option(help="Absolute tolerance. Default: by the values' scale.")] = None,
    loose_dtypes: Annotated[
        bool, typer.Option("--loose-dtypes", help="Let types of numbers differ, and tuples be lists.")
    ] = False,
    any_order: Annotated[bool, typer.Option("--any-order", help="Let rows and elements be in any order.")] = False,
    compare: Annotated[
        str | None,
        typer.Option(metavar="PATH.py:NAME", help="Your own rule: a function of the reference's result and another's."),
    ] = None,
    mutates: Annotated[
        bool, typer.Option("--mutates", help="Let functions change their arguments, and compare these, too.")
    ] = False,
    generate: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Draw this many other inputs like yours. Default: 200, or 10 s."),
    ] = None,
    edge: Annotated[
        bool, typer.Option("--edge", help="Draw NaN, infinities, extremes and empty strings, too.")
    ] = False,
    where: Annotated[
        str | None, typer.Option(metavar="EXPRESSION", help="Draw only such inputs, as in 'k < len(x)'.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Draw the same inputs as the command that printed this seed.")
    ] = None,
    save_cases: Annotated[
        Path | None,
        typer.Option("--save-cases", metavar="DIR", help="Write what differs as tests, for pytest and Julia's Test."),
    ] = None,
    layout: Annotated[
        Layout, typer.Option(help="Give Julia arrays of the same shape, or with reversed dimensions and not copied.")
    ] = "same",
    threads: Annotated[int, typer.Option(min=1, help="Threads or processes that a function may use.")] = 1,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Longest wait for one call.")] = 60.0,
    times: Annotated[bool, typer.Option("--time/--no-time", help="Time the functions if they agree.")] = True,
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="Measuring time per function.")] = 5.0,
    processes: Annotated[
        int | None, typer.Option(metavar="N", help="Fresh processes per function. Default: 4, or 1 for slow functions.")
    ] = None,
    fail_on_regression: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT",
            help="End with exit code 4 if a function is certainly slower by more than this than in its last run.",
        ),
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="RUN", help="The run for --fail-on-regression, by its id or a store's file.")
    ] = None,
    store: StoreFile = None,
    as_json: AsJson = False,
) -> None:
    """Check that your own functions, in Python or Julia, give the same answers to the same inputs, and time them.

    After the given inputs others like them are drawn, and a difference is shown on the smallest input that has it. If
    all answers agree, the functions are timed side by side, and the run is stored as every run.

    Example: twinbench pair smooth.py:smooth smooth.jl:smooth --input signal.npy
    """
    from twinbench.pair import command
    from twinbench.pair.differences import Rules
    from twinbench.pair.tolerance import Tolerance
    from twinbench.pair.verdict import Search

    for option, value in (("--rtol", rtol), ("--atol", atol), ("--timeout", timeout)):
        if value is not None and not 0 <= value < float("inf"):
            raise BadInput(f"{option}: {value} is not a finite number of at least 0")
    threshold = None if fail_on_regression is None else values.percent("--fail-on-regression", fail_on_regression)
    request = command.Request(
        functions=functions,
        inputs=inputs or [],
        cases=cases,
        compare=compare,
        rules=Rules(Tolerance(rtol, atol), loose_dtypes, any_order),
        mutates=mutates,
        search=Search.of(generate, seed, edge=edge),
        where=where,
        timeout_s=timeout,
        threads=threads,
        layout=layout,
        times=times,
    )
    # Otherwise hypothesis makes a directory in the working directory.
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(paths.cache_dir() / "hypothesis"))
    verdict = command.run(request)
    if not as_json:
        for line in command.lines(verdict):
            print(line, flush=True)
    if save_cases is not None:
        from twinbench.pair import save

        for file in save.save(verdict, request, save_cases):
            if not as_json:
                print(f"written: {file}")
    code, figures = (OK if verdict.ok else FAILED), {"run": None, "comparison": None}
    if times:
        from twinbench.cli import pair_times

        wanted = pair_times.Wanted(
            store=store or paths.default_store(),
            options={"threads": threads, "budget_s": budget, "processes": processes},
            threshold=threshold,
            base=base,
            words=_words(request),
            as_json=as_json,
        )
        if verdict.ok:
            code, figures = pair_times.measure(verdict, request, wanted)
        else:
            figures = pair_times.keep(verdict, request, wanted)
    if as_json:
        print_json(asdict(command.printed(verdict)) | figures)
    raise typer.Exit(code)


def _words(request: Request) -> list[str]:
    """Return the arguments that time the same functions on the same inputs."""
    words = [each if isinstance(each, str) else each.text for each in request.functions]
    for text in request.inputs:
        words += ["--input", text]
    for option, value in (("--inputs", request.cases), ("--compare", request.compare)):
        words += [option, value] if value is not None else []
    words += ["--layout", request.layout] if request.layout != "same" else []
    return [*words, *(["--mutates"] if request.mutates else [])]
