"""Mutated pipelines and arguments: each is refused in one line, or means what it says; none is unexpected, none hangs.

Nothing is measured. A pipeline is loaded and its stacks are planned; a command runs up to where it would measure, send
or install.
"""

from __future__ import annotations

import contextlib
import io
import random
import signal
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import mutated_texts
from benchmarks.figures.figure import Figure

LIBRARIES = ("pydantic", "typer")

PIPELINES, ARGUMENTS = 20_000, 5_000
"""Numbers of mutations of the figures."""

LIMIT_S = 10.0
"""Seconds after which a mutation counts as a hang."""


class Hang(BaseException):
    """A mutation that took longer than `LIMIT_S`."""


def measure() -> Iterator[Figure]:
    """Yield the counts: what was unexpected or another thing than it says, and what hangs."""
    for name, count, tried in (
        ("mutated pipelines", PIPELINES, pipelines),
        ("mutated arguments", ARGUMENTS, arguments),
    ):
        faults = list(tried(count))
        for fault in faults[:20]:
            print(f"  {fault[:500]}", flush=True)
        yield Figure(f"{name}: tried", count)
        yield Figure(f"{name}: unexpected", sum("hang: " not in fault for fault in faults), "", "<=", 0)
        yield Figure(f"{name}: hangs", sum("hang: " in fault for fault in faults), "", "<=", 0)


def pipelines(count: int, seed: int = 0) -> Iterator[str]:
    """Try mutated files of pipelines; yield a line for each fault."""
    from twinbench import paths

    rng = random.Random(seed)
    files = sorted(paths.resource("pipelines").rglob("*.toml"))
    with tempfile.TemporaryDirectory() as directory:
        for number in range(count):
            source = rng.choice((*files, "own.toml"))
            path = Path(directory) / Path(source).name
            text = mutated_texts.pipeline(
                rng.choice(mutated_texts.OWN) if source == "own.toml" else source.read_text(encoding="utf-8"), rng
            )
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            (Path(directory) / "own.py").write_text("def f(*inputs, **params): ...\n", encoding="utf-8")
            (Path(directory) / "own.jl").write_text("f(inputs...; params...) = inputs\n", encoding="utf-8")
            yield from _tried(f"pipeline {number} of {path.stem}", lambda path=path: pipeline_fault(path))


def pipeline_fault(path: Path) -> str:
    """Load a file of a pipeline; return what is wrong with how it is refused or with what it means, or nothing."""
    from twinbench.data.describe import facts
    from twinbench.errors import BadInput
    from twinbench.plan import pipeline, stack, steps

    try:
        loaded = pipeline.load(path)
        stacks = stack.stacks_of(loaded, [])
    except BadInput as error:
        return (
            "" if "\n" not in str(error) and len(str(error)) < 3000 else f"a refusal that isn't a line: {error!s:.400}"
        )
    if loaded.dataset is not None:
        facts(loaded.dataset)
    raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    for table, step in zip(raw["step"], loaded.steps, strict=True):
        params = asdict(step.params)
        given = {key: value for key, value in table.items() if key not in steps.STEP_KEYS}
        different = _difference(given, params)
        if different:
            return f"{step.op.name} means something else: {different}"
        if step.op.build(_through_json(step.as_json())["params"]).__class__ is not step.params.__class__:
            return f"{step.op.name} is another op in a worker"
    for name, size in raw.get("sizes", {}).items():
        if size and loaded.sizes[name] != next(iter(size.values())):
            return f"size {name} means something else: {loaded.sizes[name]!r}"
    _through_json(loaded.as_json())
    return "" if stacks or not raw["pipeline"].get("stacks") else "no stack is left"


def _through_json(value: Any) -> Any:
    import json

    text = json.dumps(value, allow_nan=False)
    text.encode("utf-8")
    return json.loads(text)


def _difference(given: Any, taken: Any) -> str:
    """Say in what the value that was taken differs from the one that was given, or nothing."""
    if isinstance(given, dict) and isinstance(taken, dict):
        return next((d for key in given if (d := _difference(given[key], taken.get(key)))), "")
    if isinstance(given, list) and isinstance(taken, list | tuple) and len(given) == len(taken):
        return next((d for pair in zip(given, taken, strict=True) if (d := _difference(*pair))), "")
    kinds = {type(given), type(taken)}
    alike = len(kinds) == 1 or kinds == {int, float}
    return "" if alike and given == taken else f"{given!r:.80} became {taken!r:.80}"


def arguments(count: int, seed: int = 0) -> Iterator[str]:
    """Try mutated arguments of commands; yield a line for each fault."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory, _harmless(Path(directory)):
        lines = _lines(Path(directory))
        for number in range(count):
            words = mutated_texts.words(list(rng.choice(lines)), rng)
            yield from _tried(f"arguments {number} {words!r:.300}", lambda words=words: arguments_fault(words))


def arguments_fault(words: list[str]) -> str:
    """Run a command with these arguments; return what is wrong with how it ends, or nothing."""
    from twinbench.cli import main

    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["twinbench", *words]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main._guarded(words, debug=False)
    finally:
        sys.argv = before
    text = err.getvalue()
    lines = [line for line in text.splitlines() if line.startswith("twinbench: error: ")]
    if "--debug shows where" in text or "Traceback" in text or code not in (0, 1, 2, 3, 4):
        return f"exit code {code}: {text:.400}"
    if code == 2 and not lines and "Usage:" not in text + out.getvalue():
        return f"exit code 2 without a reason: {text:.400}"
    return "" if len(lines) <= 1 or words[:1] == ["list"] else f"{len(lines)} errors: {text:.400}"


def _tried(what: str, try_: Callable[[], str]) -> Iterator[str]:
    def late(*_: object) -> None:
        raise Hang

    previous = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        fault = try_()
    except Hang:
        fault = "hang: longer than the limit"
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    if fault:
        yield f"{what}: {fault}"


def _lines(directory: Path) -> list[list[str]]:
    """Return valid lines of arguments of the commands that read, with a store to read from."""
    store = ["--store", str(directory / "r.db")]
    rows = directory / "rows.csv"
    rows.write_text("a,b\n1,2\n")
    return [
        *(
            ["run", "noop", "--stack", "probe-a", "--size", "default", option, value, "--no-track"]
            for option, value in (
                ("--threads", "2"),
                ("--budget", "1"),
                ("--processes", "3"),
                ("--resolve", "2%"),
                ("--seeds", "5"),
                ("--timeout", "10"),
                ("--memory-limit", "2G"),
                ("--device", "cpu"),
                ("--require", "probe-a"),
                ("--executor", "local"),
                ("--scheduler", "tcp://127.0.0.1:1"),
                ("--pipelines", str(directory)),
            )
        ),
        ["run", "flights-delay", "--size", "small", "--stack", "pandas+torch", "--budget", "10", "--json"],
        ["agree", "noop", "--stack", "probe-a", "--threads", "1", "--timeout", "3", "--size", "default"],
        ["agree", "noop", "--show", "noop", "--to", str(directory / "x.csv")],
        ["list", "--pipelines", str(directory)],
        ["show", "RUN", "--json", *store],
        ["show", "--markdown", *store],
        ["report", "RUN", "-o", str(directory / "r.html"), *store],
        ["errors", "RUN", *store],
        ["compare", "RUN", "RUN", "--margin", "2%", "--fail-on-regression", "5%", *store],
        ["compare", "RUN", "--stack", "pandas+torch", "--steps", "--control", "Polars+torch", *store],
        ["recommend", "RUN", "--min-quality", "0.9", "--max-memory", "1G", "--max-cold-start", "5s", *store],
        ["recommend", "--weights", "speed=0.7,cold=0.3", "--language", "any", "--modality", "tables", *store],
        ["export", "RUN", "--format", "csv", "-o", str(directory / "out"), *store],
        ["monitor", "RUN", "--stack", "pandas+torch", "--data", str(rows), "--margin", "0.1", *store],
        ["deploy", "RUN", "--stack", "pandas+torch", "--to", "docker", "--image", "a:1", "--base", "b:1", *store],
        ["promote", "RUN", "--stack", "pandas+torch", "--name", "x", "--alias", "y", *store],
        ["track", "mlflow", "RUN", "--tracking-uri", "http://127.0.0.1:1", "--track-timeout", "9", *store],
        ["endpoint", "http://127.0.0.1:1", "RUN", "--stack", "pandas+torch", "--clients", "2", "--budget", "1", *store],
        ["endpoint", "--serve", "RUN", "--timeout", "2", "--header", "A=B", "--pipeline", "p", "--size", "s", *store],
        ["merge", str(directory / "r.db"), "--into", str(directory / "all.db")],
        ["track", "asv", "RUN", "--config", str(directory / "asv.json"), "--commit", "HEAD", *store],
        ["data", "describe", "ACSF1", "--size", "x"],
        ["selftest", "--comparisons", "4"],
    ]


@contextlib.contextmanager
def _harmless(directory: Path) -> Iterator[None]:
    """Give the commands a store and directories of their own, and keep them from measuring, sending and installing."""
    from unittest import mock

    from tests.results.make_store import RUN, make_store

    def ends(*_: object, **__: object) -> None:
        raise SystemExit(0)

    make_store(directory / "r.db", run_id="RUN")
    assert RUN
    names = ("cli.run._measured_here", "cli.run._measured_away", "run.check.check", "run.answers.answers")
    names += ("run.selftest.pairs", "handover.endpoint.measure.measure", "handover.endpoint.measure.serve")
    names += ("handover.tracking.send", "handover.deploy.write.write", "trackers.asv.send")
    variables = {f"TWINBENCH_{kind}_DIR": str(directory / kind) for kind in ("CACHE", "DATA", "CONFIG")}
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.dict("os.environ", variables))
        stack.enter_context(contextlib.chdir(directory))  # a path may be relative
        stack.enter_context(mock.patch("webbrowser.open", return_value=False))
        for name in names:
            stack.enter_context(mock.patch(f"twinbench.{name}", ends))
        yield
