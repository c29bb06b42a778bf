"""What commands make of stores that are damaged in one bit, or forged by somebody else.

Each store is shown, and one more command reads it, in this process. Unexpected is any end but success and one line that
says what is wrong, with a documented exit code.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.figures.figure import Figure

LIBRARIES = ()
FLIPS, FORGERIES = 5000, 1000


def measure() -> Iterator[Figure]:
    """Both counts for changed bits and for forged stores; each has the seeds 0, 1, ..."""
    yield from _figures("one bit changed", FLIPS, _flipped)
    yield from _figures("forged", FORGERIES, _forged)


def _flipped(path: Path, content: bytes, rng: random.Random) -> None:
    from benchmarks import forgeries

    path.write_bytes(forgeries.flip(content, rng))


def _forged(path: Path, content: bytes, rng: random.Random) -> None:
    from benchmarks import forgeries

    path.write_bytes(content)
    forgeries.forge(path, rng)


def _figures(what: str, count: int, damage: Callable[[Path, bytes, random.Random], None]) -> Iterator[Figure]:
    unexpected, hanging = tried(count, damage)
    yield Figure(f"{count} stores, {what}: unexpected ends", unexpected, "", "<=", 0)
    yield Figure(f"{count} stores, {what}: commands without an end", hanging, "", "<=", 0)


def tried(count: int, damage: Callable[[Path, bytes, random.Random], None] = _flipped) -> tuple[int, int]:
    """Return how many commands had an unexpected end, and how many didn't end, among this many damaged stores."""
    from benchmarks import hostile

    unexpected = hanging = 0
    with tempfile.TemporaryDirectory() as home:
        base = Path(home, "base.db")
        hostile.make(base)
        content = base.read_bytes()
        for seed in range(count):
            rng = random.Random(seed)
            with tempfile.TemporaryDirectory(dir=home) as directory:
                path = Path(directory, "store.db")
                damage(path, content, rng)
                first, *others = hostile.commands(path, Path(directory))
                ends = [hostile.ended(arguments) for arguments in (first, rng.choice(others))]
            for problem in filter(None, (end.problem for end in ends)):
                print(f"  seed {seed}: {problem[:300]!a}", flush=True)
            hanging += sum(end.code is None for end in ends)
            unexpected += sum(bool(end.problem) and end.code is not None for end in ends)
    return unexpected, hanging
