"""The accidents of a process, drawn anew for each: its turn to start, its hash seed, the size of its environment.

An order of imports, a hash seed or the length of the environment, which moves the stack in memory, can make a program
several percent faster in a whole process: Mytkowicz et al. (2009), Producing wrong data without doing anything
obviously wrong!, ASPLOS. What doesn't vary between processes can't be seen in their spread, so all three vary, by the
run's seed, and are recorded.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

SURROUNDINGS = "surroundings"
"""Start of the key of the facts of a process; its ordinal follows."""

MOST_PADDING = 4096
"""Bytes below which the environment's size varies: one page, after which addresses repeat."""

HASH_SEEDS = 2**32
"""Number of hash seeds that Python accepts."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The accidents of one process."""

    turn: int
    """Position in the order in which the stacks were started, from 0 on."""
    hash_seed: int
    """Value of PYTHONHASHSEED."""
    padding_bytes: int
    """Bytes by which the environment is longer than it must be."""

    def variables(self) -> dict[str, str]:
        """Return the environment variables that make these surroundings."""
        return {"PYTHONHASHSEED": str(self.hash_seed), "TWINBENCH_PADDING": "x" * self.padding_bytes}

    def as_json(self) -> Mapping[str, Any]:
        """Return the surroundings as the store has them."""
        return asdict(self)


def drawn(seed: int, process: int, stacks: Sequence[str]) -> dict[str, Surroundings]:
    """Draw the surroundings of the ``process``-th process of each stack; the result is in the order of their turns."""
    rng = random.Random(f"{seed} {process}")
    order = rng.sample(stacks, len(stacks))
    return {
        stack: Surroundings(turn, rng.randrange(HASH_SEEDS), rng.randrange(MOST_PADDING))
        for turn, stack in enumerate(order)
    }
