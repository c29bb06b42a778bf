"""Mutated wrong workers: every field of every reply dropped, of another type, huge, late or twice, in real runs."""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures.figure import Figure
from benchmarks.stress import mutants, site
from twinbench import paths
from twinbench.store.store import Store

LIBRARIES = ("psutil",)
COUNT = 200
AT_ONCE = 10
"""Wrong workers in one run, beside one that is right."""

RIGHT = "probe-a"
TIMEOUT_S = 10
LONGEST_S = 60.0
"""Longest time of one wrong worker, in seconds, after which its run counts as hanging: a busy machine is slow."""

SIGNS = ("Traceback", "unexpected", "this is a bug")
"""What a run prints where something went wrong that nobody thought of."""


@dataclass(slots=True)
class Found:
    """What runs with wrong workers did."""

    contained: int = 0
    """Wrong workers whose cell ended and whose neighbour was measured."""
    unexpected: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    """Number of cells by how they ended."""
    accepted: list[str] = field(default_factory=list)
    """Mutations with which a cell was done."""


def try_out(numbers: Sequence[int], directory: Path, found: Found) -> None:
    """Run one right and some wrong workers together, and note what happens."""
    here = site.make(directory, paths.cache_dir())
    names = {f"mutant-{number}": str(mutants.ALL[number]) for number in numbers}
    arguments = ["run", "noop", "--no-track", "--processes", "1", "--budget", "0.2", "--timeout", str(TIMEOUT_S)]
    stacks = [word for name in (RIGHT, *names) for word in ("--stack", name)]
    process = here.start([*arguments, *stacks], numbers)
    try:
        _, said = process.communicate(timeout=LONGEST_S * len(numbers))
    except subprocess.TimeoutExpired:
        process.kill()
        found.unexpected.append(f"{', '.join(names.values())}: the run hangs")
        return
    found.left += here.left()
    if process.returncode not in (0, 1) or any(sign in said for sign in SIGNS):
        found.unexpected.append(f"{', '.join(names.values())}: exit {process.returncode}: {said[-2000:]}")
        return
    with Store.open(here.store, create=False) as store:
        cells = {cell.stack: cell for cell in store.cells(store.find_run().id)}
    if cells[RIGHT].status != "done":
        found.unexpected.append(f"{RIGHT}: {cells[RIGHT].status}: {cells[RIGHT].reason}")
        return
    for name, mutation in names.items():
        cell = cells[name]
        found.contained += cell.status.ended
        found.ends[f"{cell.status} {cell.kind}".strip()] += 1
        if cell.status == "done":
            found.accepted.append(mutation)


def drawn(count: int, seed: int) -> list[int]:
    """Draw mutations: each act at least once if there is room, and fields at random."""
    rng = random.Random(seed)
    numbers = list(range(len(mutants.ALL)))
    rng.shuffle(numbers)
    acts: dict[str, int] = {}
    for number in numbers:
        acts.setdefault(mutants.ALL[number].act, number)
    return list(dict.fromkeys([*acts.values(), *numbers]))[:count]


def measure() -> Iterator[Figure]:
    """Try out `COUNT` wrong workers, drawn anew each time; the seed is printed."""
    seed = random.SystemRandom().randrange(10**6)
    numbers = drawn(COUNT, seed)
    found = Found()
    for start in range(0, len(numbers), AT_ONCE):
        with tempfile.TemporaryDirectory() as name:
            try_out(numbers[start : start + AT_ONCE], Path(name) / "site", found)
        tried = min(start + AT_ONCE, len(numbers))
        print(f"  {found.contained} of {tried} contained, {len(found.left)} left", flush=True)
    print(f"  seed {seed}; ends: {dict(found.ends.most_common())}")
    print(f"  accepted, since nothing that is checked was wrong: {'; '.join(found.accepted) or 'none'}")
    for line in [*found.unexpected, *found.left]:
        print(f"  {line}")
    yield Figure("wrong workers contained", found.contained, "", ">=", len(numbers))
    yield Figure("runs with something unexpected", len(found.unexpected), "", "<=", 0)
    yield Figure("leftovers: processes, files, sockets", len(found.left), "", "<=", 0)
