"""What a run is asked to do, and the constants of the protocol that a user may not know but may want to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from twinbench.errors import BadInput, nearest
from twinbench.store.records import WARM_UP_S

MIN_ROUNDS = 5
"""Blocks per process before anything may stop: below that an interval over blocks says nothing."""

RESOLVE_PROCESSES = 5
"""With ``--resolve`` no process may spend more than a fifth of the budget: the spread between processes takes
several to be known, and no number of samples in one of them replaces that."""

MAX_PROCESSES = 20
"""Processes that ``--resolve`` may add: beyond that the machine is too noisy for the question."""

BURST_SAMPLES = 3
"""Samples in a burst. Three give a median; more of them in a row see the same quiet or busy moment."""

BURST_NS = 20_000_000
"""A burst lasts at least 20 ms, so that short steps see more than one moment."""

SHORT_STEP_NS = 1_000_000
SHORT_ROUND_NS = 500_000_000
"""A round of a pipeline's steps below 1 ms lasts 0.5 s: collecting garbage and syncing the store take some 6 ms a
burst, and are to be about 1 % of it."""

LONG_STEP_NS = 200_000_000
"""A step above 0.2 s is sampled once per burst: its median comes from the blocks."""

WARM_UP_NS = int(WARM_UP_S * 1e9)
"""Warm-up ends here even if the times still fall; this is then recorded and shown."""

DEVICES = ("cpu", "cuda")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to measure. ``budget_s``: measuring time per cell. ``resolve``: the ratio that matters, 0.02 for 2 %.

    ``seed``: of the order of measuring. ``seeds``: how many trainings quality is taken from. ``device``: where
    frameworks compute that can.
    """

    threads: int = 1
    budget_s: float = 10.0
    processes: int = 1
    resolve: float | None = None
    timeout_s: float = 300.0
    memory_limit: int | None = None
    seed: int = 0
    seeds: int = 1
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise BadInput(f"--device: unknown device '{self.device}'{nearest(self.device, DEVICES)}")
        if self.threads < 1 or self.processes < 1 or self.seeds < 1:
            raise BadInput("--threads, --processes and --seeds take a number from 1 on")
        if self.budget_s <= 0 or self.timeout_s <= 0:
            raise BadInput("--budget and --timeout take seconds above 0")
        if self.resolve is not None and not 0 < self.resolve < 1:
            raise BadInput("--resolve takes a percentage between 0 and 100, such as 2%")

    @property
    def process_budget_s(self) -> float:
        """Measuring time per cell in one process."""
        return self.budget_s / max(self.processes, RESOLVE_PROCESSES if self.resolve else 1)

    def as_json(self) -> dict[str, Any]:
        """For the store."""
        return asdict(self)

    def as_arguments(self) -> list[str]:
        """Return the options of ``twinbench run`` that give these again; defaults are left out.

        ``seed`` has no option.
        """
        default = Options()
        words: dict[str, tuple[str, Callable[[Any], str]]] = {
            "--threads": ("threads", str),
            "--device": ("device", str),
            "--budget": ("budget_s", _number),
            "--processes": ("processes", str),
            "--seeds": ("seeds", str),
            "--resolve": ("resolve", _percent),
            "--timeout": ("timeout_s", _number),
            "--memory-limit": ("memory_limit", str),
        }
        arguments: list[str] = []
        for option, (name, written) in words.items():
            value = getattr(self, name)
            if value != getattr(default, name):
                arguments += [option, written(value)]
        return arguments


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _percent(share: float) -> str:
    """Return a percentage that is the same number again: no rounding in between."""
    digits = f"{Decimal(repr(share)) * 100:f}"
    return (digits.rstrip("0").removesuffix(".") if "." in digits else digits) + "%"
