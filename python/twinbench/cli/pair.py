"""``twinbench pair``: whether own functions of Python and Julia give the same answers."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from twinbench import paths
from twinbench.cli.console import print_json
from twinbench.errors import FAILED, BadInput
from twinbench.pair.target import Layout


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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check that your own functions, in Python or Julia, give the same answers to the same inputs.

    After the given inputs others like them are drawn, and a difference is shown on the smallest input that has it.

    Example: twinbench pair smooth.py:smooth smooth.jl:smooth --input signal.npy
    """
    from twinbench.pair import command
    from twinbench.pair.differences import Rules
    from twinbench.pair.tolerance import Tolerance
    from twinbench.pair.verdict import Search

    for option, value in (("--rtol", rtol), ("--atol", atol), ("--timeout", timeout)):
        if value is not None and not 0 <= value < float("inf"):
            raise BadInput(f"{option}: {value} is not a finite number of at least 0")
    request = command.Request(
        functions=functions,
        inputs=inputs or [],
        cases=cases,
        compare=compare,
        rules=Rules(Tolerance(rtol, atol), loose_dtypes, any_order),
        mutates=mutates,
        search=Search(200 if generate is None else generate, 10.0 if generate is None else 3600.0, seed, edge),
        where=where,
        timeout_s=timeout,
        threads=threads,
        layout=layout,
    )
    # Otherwise hypothesis makes a directory in the working directory.
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(paths.cache_dir() / "hypothesis"))
    verdict = command.run(request)
    if as_json:
        print_json(asdict(command.printed(verdict)))
    else:
        for line in command.lines(verdict):
            print(line)
    if save_cases is not None:
        from twinbench.pair import save

        for file in save.save(verdict, request, save_cases):
            if not as_json:
                print(f"written: {file}")
    if not verdict.ok:
        raise typer.Exit(FAILED)
