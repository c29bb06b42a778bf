"""``twinbench run``: measure a pipeline on every stack."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from twinbench import paths
from twinbench.cli.console import console, print_json
from twinbench.cli.options import (
    TRACK_S,
    AsJson,
    Device,
    MorePipelines,
    StoreFile,
    Threads,
    Timeout,
    TrackTimeout,
    Trust,
)
from twinbench.errors import FAILED, INTERRUPTED, OK, BadInput, TwinbenchError, in_one_line, nearest

if TYPE_CHECKING:
    from twinbench.run.options import Options
    from twinbench.run.request import Request
    from twinbench.run.runner import Part
    from twinbench.store.store import Store


MIN_TRACK_S = 1.0
"""Least time in seconds in which a run is sent: one of many runs may find the time used up."""


def run(
    pipelines: Annotated[list[str], typer.Argument(metavar="PIPELINE", help="Names, as 'twinbench list' shows them.")],
    stack: Annotated[
        list[str] | None, typer.Option(help="A stack, such as pandas+torch. Repeatable. Default: all.")
    ] = None,
    size: Annotated[
        list[str] | None, typer.Option(help="A size of the pipeline. Repeatable. Default: its first.")
    ] = None,
    threads: Threads = 1,
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="Measuring time per cell.")] = 10.0,
    device: Device = "cpu",
    processes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Fresh processes per cell, whose spread is part of the interval. Default: 4, or 1 for steps too slow "
            "for the budget; their intervals are called assumed, and they are not ranked.",
        ),
    ] = None,
    resolve: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT", help="Go on until differences this small are resolved, or the budget is spent."
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="Trainings from different starts; from 5 on, qualities are tested for equivalence.")
    ] = 1,
    timeout: Timeout = 300.0,
    memory_limit: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Resident memory per worker, such as 2G.")
    ] = None,
    pipelines_dir: MorePipelines = None,
    trust: Trust = False,
    require: Annotated[
        list[str] | None,
        typer.Option(metavar="FRAMEWORK", help="End with exit code 3 if it is unavailable. Repeatable."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish the newest interrupted run of the same request.")
    ] = False,
    executor: Annotated[
        str, typer.Option(metavar="local|dask", help="Measure here, or on a host of a Dask cluster.")
    ] = "local",
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", envvar="DASK_SCHEDULER_ADDRESS", help="The cluster's scheduler: tcp://127.0.0.1:8786."
        ),
    ] = None,
    each_host: Annotated[bool, typer.Option("--each-host", help="Measure on every host of the cluster.")] = False,
    track: Annotated[bool, typer.Option(help="Log to MLflow when done.")] = True,
    track_timeout: TrackTimeout = TRACK_S,
    store: StoreFile = None,
    as_json: AsJson = False,
) -> None:
    """Run a pipeline on its stacks: check that they agree, then measure them side by side.

    With several sizes the command also shows how time grows with the amount of data: the exponent, by stack and step.

    Example: twinbench run groupby --size 1e5 --size 1e6 --stack pandas --stack Polars
    """
    from twinbench.cli import values
    from twinbench.plan import trusted
    from twinbench.run import device as device_of_run
    from twinbench.run import request
    from twinbench.run.options import Options
    from twinbench.store.store import Store

    options = Options(
        threads=threads,
        device=device,
        budget_s=budget,
        processes=processes,
        seeds=seeds,
        resolve=values.percent("--resolve", resolve) if resolve else None,
        timeout_s=timeout,
        memory_limit=values.size("--memory-limit", memory_limit) if memory_limit else None,
    )
    track_s = values.waiting("--track-timeout", track_timeout)
    wanted = request.Request(
        pipelines=tuple(pipelines),
        sizes=tuple(size or ()),
        stacks=tuple(stack or ()),
        directories=tuple(path.resolve() for path in pipelines_dir or ()),
        required=tuple(require or ()),
    )
    cluster = _cluster(executor, scheduler, each_host=each_host, resume=resume)
    parts = request.parts(wanted, trust=trust)
    if cluster is None:
        request.require(wanted)
        device_of_run.require(parts, options)
    for part in parts if cluster is not None else ():
        trusted.refuse(part.pipeline, "which other hosts don't have; run it here, without --executor dask")
    unrecorded = [*(["--store", str(store)] if store else []), *([] if track else ["--no-track"])]
    unrecorded += ["--track-timeout", f"{track_s:g}"] if track_s != TRACK_S else []
    unrecorded += [*(["--trust"] if trust else []), *(["--json"] if as_json else [])]
    with Store.open(store or paths.default_store()) as results:
        if cluster is None:
            runs, code = [_measured_here(results, wanted, parts, options, resume, unrecorded)], OK
        else:
            runs, code = _measured_away(results, wanted, options, cluster, each_host)
        track_until = time.monotonic() + track_s
        for run_id in runs:
            _show(results, run_id, as_json, one_line=cluster is not None)
            if track:
                _track(results, run_id, track_until)
            if not as_json:
                print(
                    f"results: run {run_id} in {results.path}; see 'twinbench show' and 'twinbench report'",
                    file=sys.stderr,
                )
            code = code or _exit_code(results, run_id)
        raise typer.Exit(code)


def _measured_here(
    results: Store, wanted: Request, parts: list[Part], options: Options, resume: bool, unrecorded: list[str]
) -> str:
    """Measure on this machine. Returns the run's id.

    ``unrecorded``: arguments of the command that are in neither the request nor the options.
    """
    from twinbench.cli.progress import figures_of, watching
    from twinbench.run import request, runner

    if resume:
        run_id, options = request.resume(results, wanted, options.device)
    else:
        options = replace(options, seed=secrets.randbelow(2**32))
        run_id = request.new_run(results, wanted, options)
    results.remember(run_id)
    figures = None if "--json" in unrecorded else figures_of(results, run_id)
    try:
        with watching(figures) as watch:
            runner.run(parts, options, results, run_id, watch)
    except KeyboardInterrupt:
        results.finish_run(run_id, "interrupted")
        arguments = [*wanted.as_arguments(), *options.as_arguments(), *unrecorded, "--resume"]
        again = shlex.join(["twinbench", "run", *arguments])
        with contextlib.suppress(OSError):  # the terminal may be what has ended
            print(f"interrupted; everything measured is kept. Go on with: {again}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    except TwinbenchError:
        results.finish_run(run_id, "interrupted")
        raise
    except Exception as error:
        results.fail_run(run_id, f"unexpected {in_one_line(error)}")
        raise
    results.finish_run(run_id, "done")
    return run_id


def _cluster(executor: str, scheduler: str | None, *, each_host: bool, resume: bool) -> str | None:
    """Return the address of the cluster's scheduler; None to measure on this machine. Raises BadInput."""
    if executor == "local":
        if each_host:
            raise BadInput("--each-host: there is one host without a cluster; add --executor dask --scheduler ADDRESS")
        return None
    if executor != "dask":
        raise BadInput(f"--executor: unknown executor '{executor}'{nearest(executor, ('local', 'dask'))}")
    if scheduler is None:
        raise BadInput("--executor dask: no --scheduler; give its address, such as tcp://127.0.0.1:8786")
    if resume:
        raise BadInput("--resume goes on with a run where it was begun, and not with --executor dask; start it anew")
    return scheduler


def _measured_away(
    results: Store, wanted: Request, options: Options, cluster: str, each_host: bool
) -> tuple[list[str], int]:
    """Measure on the cluster. Returns the runs' ids, and the highest exit code of the failures."""
    from twinbench.run.cluster import dask

    try:
        with dask.connected(cluster) as client:
            fetched = dask.run(client, wanted, options, results, _say, each_host=each_host)
    except KeyboardInterrupt:
        print(f"interrupted; what had been measured is in {results.path}: see 'twinbench show'", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    for failure in fetched.failures:
        print(f"twinbench: error: {failure}", file=sys.stderr)
    return fetched.runs, max((failure.exit_code for failure in fetched.failures), default=OK)


def _say(host: str, line: str) -> None:
    print(f"[{host}] {line}", file=sys.stderr, flush=True)


def _show(results: Store, run_id: str, as_json: bool, *, one_line: bool) -> None:
    from twinbench.results.decisions.recommend import usual
    from twinbench.results.summary import run
    from twinbench.views import terminal

    summary = run.summarise(results, run_id)
    if as_json:
        print_json(run.plain(summary), one_line=one_line)
    else:
        terminal.render(summary, console(None), usual(summary))


def _track(results: Store, run_id: str, until: float) -> None:
    """Send a run to MLflow, until a moment of the monotonic clock.

    An error is printed, and the results stay in the store to be sent later.
    """
    from twinbench.handover import tracking

    try:
        sending = tracking.Sending(tracker="mlflow", store=str(results.path), run=run_id)
        sent = tracking.send(sending, max(MIN_TRACK_S, until - time.monotonic()))
        print(f"MLflow: {sent.summary}", file=sys.stderr)
    except (TwinbenchError, OSError) as error:  # whatever fails: the run is measured
        elsewhere = [] if results.path == paths.default_store() else ["--store", str(results.path)]
        later = shlex.join(["twinbench", "track", "mlflow", run_id, *elsewhere])
        print(f"not tracked: {' '.join(str(error).split())}; send it later with: {later}", file=sys.stderr)


def _exit_code(results: Store, run_id: str) -> int:
    from twinbench.store.records import Status

    fine = {Status.DONE, Status.UNAVAILABLE}
    return OK if all(cell.status in fine for cell in results.cells(run_id)) else FAILED
