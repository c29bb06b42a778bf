"""Whether the machine was loaded while a run was measured, and the times of its samples without interruptions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from twinbench.numbers import load
from twinbench.store.records import Run
from twinbench.store.samples import Blocks, Figures, sums
from twinbench.store.store import Store

STEAL_LIMIT = 0.01
"""Share of the CPU time that a hypervisor may take away on a quiet machine."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else happened on the machine during a run."""

    loaded: bool | None
    """Whether other processes took CPU time. None if it wasn't recorded."""
    on_device: bool
    """Whether steps may compute on another device than the CPU."""

    @property
    def quiet(self) -> bool:
        """Whether the machine is known to have been quiet."""
        return self.loaded is False


def surroundings(store: Store, run: Run) -> Surroundings:
    """Read the surroundings of a run from the readings of load, steal and busy processes that were taken during it."""
    noises = [noise.facts for noise in store.noise(run.id) if "load" in noise.facts]
    usable = run.environment.get("cpu", {}).get("usable")
    loaded = None
    if noises and usable:
        loaded = any(
            facts["load"] > usable or facts.get("busy_others") or facts.get("steal", 0.0) > STEAL_LIMIT
            for facts in noises
        )
    return Surroundings(loaded, run.environment.get("device", "cpu") != "cpu")


def computing(measured: Figures, steps: Collection[str], around: Surroundings) -> dict[str, Blocks]:
    """Return the times without interruptions by step, and under the empty name those of the total.

    A step whose CPU time wasn't measured is missing, and with it the total.
    """
    cores = 0.0 if around.on_device else 1.0
    by_step: dict[str, Blocks] = {
        step: load.computing(measured.steady[step], busy, cores=cores, loaded=bool(around.loaded))
        for step, busy in measured.busy.items()
    }
    return by_step | {"": sums(by_step, steps)}
