"""Stores that somebody damaged or forged, and what each command makes of them: shared by a figure and by tests."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from twinbench.cli.main import main
from twinbench.results.models.endpoints import Endpoint, EndpointLatency, keep
from twinbench.run.models.mistakes import compare as compare_predictions
from twinbench.run.models.mistakes import keep as keep_predictions
from twinbench.store.records import EXAMPLE, TRAINED, Agreement, PlannedPipeline, Sample, Status
from twinbench.store.store import Store

RUN, PIPELINE, SIZES = "20260501-120000-abcd", "flights", ("small", "large")
STACKS = ("NumPy+scikit-learn", "pandas+scikit-learn")
STEPS = {"read": "tables.read_csv", "train": "training.logistic"}
ROWS = 40

CODES = {0, 1, 2, 3, 4}
"""Exit codes that are documented, without that of Ctrl-C."""

SECONDS = 20
"""Longest time of a command on a store of a few kilobytes."""


class HangingCommand(BaseException):
    """A command that didn't end in time."""


def make(path: Path) -> None:
    """Write a store with one run that has every kind of record, and a model whose file is nonsense."""
    labels = np.repeat(np.array([0, 1], np.float32), ROWS // 2)
    with Store.open(path) as store:
        store.new_run(RUN, created="2026-05-01T12:00:00+00:00", arguments=_arguments(), environment=_environment())
        for number, size in enumerate(SIZES):
            _pipeline(store, size, 1000 * (1 + number), labels)
        store.add_noise(RUN, "2026-05-01T12:01:00+00:00", {"warnings": ["other processes were busy"], "load": 0.5})
        store.finish_run(RUN, "done")
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")  # one file


def _arguments() -> dict[str, Any]:
    request = {"pipelines": [PIPELINE], "sizes": list(SIZES), "stacks": [], "directories": ["/home/me"]}
    options = {"threads": 1, "budget_s": 10.0, "processes": 2, "resolve": None, "seed": 3, "seeds": 1, "device": "cpu"}
    return {"request": request, "options": options, "harness": {"pid": 77, "started": 1.5e9}}


def _environment() -> dict[str, Any]:
    selftest = {"smallest": 0.02, "false_alarms": 0.04, "comparisons": 20, "process_sd": 0.01}
    return {
        "threads": 1,
        "device": "cpu",
        "cpu": {"model": "Example 9000", "logical": 2, "usable": 2.0, "governor": None, "architecture": "x86_64"},
        "load": [0.1, 0.2, 0.3],
        "memory": {"total_bytes": 2**33},
        "os": {"description": "Linux"},
        "python": {"version": "3.11.7"},
        "twinbench": {"version": "0.1", "commit": "ab" * 20, "modified": False},
        "frameworks": {"NumPy": {"numpy": "2.0"}},
        "selftest": selftest,
    }


def _pipeline(store: Store, size: str, amount: int, labels: Any) -> None:
    steps = [{"id": id, "op": op, "params": {}, "inputs": []} for id, op in STEPS.items()]
    spec = {"modality": "tables", "question": "Late?", "metric": "roc_auc", "baseline": "most-frequent", "target": 0.7}
    dataset = {"name": "flights", "sha256": "5a" * 32, "unit": "rows", "amount": amount, "taken": ""}
    store.add_pipeline(RUN, PlannedPipeline(PIPELINE, size, spec | {"steps": steps}, dataset))
    store.add_baseline(RUN, PIPELINE, size, "most-frequent", "roc_auc", 0.5)
    rng = np.random.default_rng(0)
    carriers = np.tile(np.array(["AA", "UA"]), ROWS // 2)
    for number, stack in enumerate(STACKS):
        cell = store.add_cell(RUN, PIPELINE, stack, size, dict(zip(STEPS, stack.split("+"), strict=True)), "f")
        store.add_samples(cell, _samples(amount * (1 + number), rng))
        for step in STEPS:
            store.add_agreement(cell, Agreement(step, "x", "rounding", 0.1, 1e-12, True))
            store.add_fact(cell, step, "warm_up", {"evals": 1, "discarded": 2, "settled": True, "trend": "settled"})
            store.add_fact(cell, step, "held_as", {"dtype": "float64", "bytes": 100})
        points = [{"epoch": n, "seconds": 0.1 * n, "loss": 1 / n, "metrics": {"roc_auc": 0.7}} for n in (1, 2)]
        store.add_fact(cell, "train", "curve", points)
        store.add_fact(cell, "", "versions", {"NumPy": {"numpy": "2.0"}})
        for key in ("peak_rss_bytes", "peak_rss_bytes:0"):
            store.add_fact(cell, "", key, 10**8)
        store.add_quality(cell, "roc_auc", 0.8 + number / 100)
        scores = np.clip(0.3 + 0.4 * labels + rng.normal(0, 0.2, len(labels)), 0, 1).astype(np.float32)
        keep_predictions(store, cell, labels, scores, {"carrier": carriers})
        _add_model(store, cell, labels)
        store.set_status(cell, Status.DONE)
    cells = [cell for cell in store.cells(RUN) if cell.size == size]
    compare_predictions(store, cells, labels, {"carrier": carriers})


def _samples(typical: float, rng: np.random.Generator) -> list[Sample]:
    samples = [Sample(0, 0, "", "import", 1e9, detail="NumPy")]
    for process in range(2):
        samples += [Sample(process, 0, step, "first_call", 3e3 * typical) for step in STEPS]
        walls = typical * 1e3 * np.exp(rng.normal(0, 0.01, (2, len(STEPS))))
        samples += [
            Sample(process, block, step, "steady", float(walls[block, position]), 1, typical, 0.5)
            for block in range(2)
            for position, step in enumerate(STEPS)
        ]
    return samples


def _add_model(store: Store, cell: int, labels: Any) -> None:
    about = {"framework": "scikit-learn", "name": "model.skops", "input": "read", "features": ["a", "b"]}
    x = np.random.default_rng(1).normal(size=(ROWS, 2)).astype(np.float32)
    example, trained = io.BytesIO(), io.BytesIO()
    np.save(example, x[:5], allow_pickle=False)
    np.savez_compressed(trained, sample=x, low=x.min(axis=0), high=x.max(axis=0), y_test=labels)
    store.add_fact(cell, "", "model", about)
    for name, content in (
        ("model/model.skops", b"no model"),
        (EXAMPLE, example.getvalue()),
        (TRAINED, trained.getvalue()),
    ):
        store.add_file(cell, name, content)
    latency = EndpointLatency(0.01, 0.009, 0.011, 0.02, 0.03, 100, 0.001, 1)
    measured = {"measured": "2026-05-01T13:00:00+00:00", "versions": {"twinbench": "0.1"}, "detail": "", "error": 0.1}
    times = {"ready_s": 1.0, "first_s": 1.1, "cpu_s": 2.0, "peak_rss_bytes": 10**8, "throughput": None}
    keep(store, cell, Endpoint(stack=STACKS[0], place="here", agrees=True, latency=latency, **measured, **times))


def commands(path: Path, directory: Path) -> Iterator[list[str]]:
    """Yield the commands that read a store and start no process; what they write is in ``directory``."""
    rows = directory / "rows.npz"
    if not rows.exists():
        np.savez(rows, x=np.zeros((50, 2), np.float32), scores=np.full(50, 0.5, np.float32))
    model = ["--stack", STACKS[0], "--size", SIZES[0]]
    file = ["--store", str(path)]
    yield ["show", "--json", *file]
    yield ["show", *file]
    yield ["report", "-o", str(directory / "report.html"), *file]
    yield ["errors", *file]
    yield ["compare", RUN, *(word for stack in STACKS for word in ("--stack", stack)), "--steps", *file]
    yield ["recommend", *file]
    yield ["export", RUN, "-o", str(directory / "tables"), "--format", "csv", *file]
    yield ["monitor", *model, "--data", str(rows), *file]
    yield ["merge", str(path), "--store", str(directory / "merged.db")]


def handovers(path: Path, directory: Path) -> Iterator[list[str]]:
    """Yield the commands that send a run or a model elsewhere; some start a process that loads the model."""
    model = ["--stack", STACKS[0], "--size", SIZES[0], "--store", str(path)]
    yield ["track", "mlflow", "--no-models", "--store", str(path)]
    yield ["track", "comet", "--store", str(path)]
    yield ["track", "asv", "--config", str(_asv_project(directory)), "--commit", "HEAD", "--store", str(path)]
    yield ["deploy", "--to", "docker", "-o", str(directory / "deployed"), *model]
    yield ["promote", *model]
    yield ["endpoint", "--serve", "--budget", "0.1", *model]


def _asv_project(directory: Path) -> Path:
    """Make a repository with a project of asv; returns the project's file."""
    project = directory / "project"
    file = project / "asv.conf.json"
    if not file.exists():
        project.mkdir()
        git = ["git", "-C", str(project), "-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run([*git, "init", "--quiet"], check=True)
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "first"], check=True)
        settings = {"version": 1, "project": "p", "repo": ".", "branches": ["HEAD"], "results_dir": "results"}
        file.write_text(json.dumps(settings), encoding="utf-8")
    return file


def variables(directory: Path) -> dict[str, str]:
    """Return the environment variables with which these commands write below a directory only."""
    return {
        "TWINBENCH_DATA_DIR": str(directory / "data"),
        "MLFLOW_TRACKING_URI": (directory / "mlruns").as_uri(),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "TMPDIR": str(directory),
        "HOME": str(directory),  # of asv's record of the machine, and of Comet's settings
    }


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a command: its exit code, None where it didn't end in time, and what it wrote."""

    code: int | str | None
    out: str
    err: str

    @property
    def problem(self) -> str:
        """What is wrong with the end: an exception, an exit code that isn't documented, no line about the error."""
        if self.code is None:
            return "no end in time"
        if self.code not in CODES or "unexpected" in self.err or "Traceback" in self.err:
            return f"exit {self.code}: {self.err}"
        if self.code and len([line for line in self.err.splitlines() if "error:" in line.lower()]) != 1:
            return f"exit {self.code} without one line about an error: {self.err!r}"
        return ""


def ended(arguments: list[str], seconds: int = SECONDS) -> Ended:
    """Run a command in this process for up to ``seconds``, and return its end."""
    out, err = io.StringIO(), io.StringIO()
    words, before = sys.argv, signal.signal(signal.SIGALRM, _ring)
    signal.alarm(seconds)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            sys.argv = ["twinbench", *arguments]
            main()
    except SystemExit as end:
        return Ended(end.code or 0, out.getvalue(), err.getvalue())
    except HangingCommand:
        return Ended(None, out.getvalue(), err.getvalue())
    finally:
        sys.argv = words
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _ring(*_: object) -> None:
    raise HangingCommand


def listing(directory: Path, without: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of all that is in a directory, but for one directory in it."""
    found = {}
    for root, directories, files in os.walk(directory):
        directories[:] = [name for name in directories if Path(root, name) != without]
        for name in (*directories, *files):
            status = os.lstat(os.path.join(root, name))
            found[os.path.join(root, name)] = (status.st_size, status.st_mtime_ns)
    return found
