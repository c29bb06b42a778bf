"""The options of a run, and the constants of the measurement protocol with their reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from twinbench.errors import BadInput, nearest
from twinbench.numbers.stats import OWN_SPREAD
from twinbench.worker.protocol import DEVICES, WarmUp

USUAL_PROCESSES = OWN_SPREAD
"""Processes without ``--processes``, for steps that are fast enough: the fewest whose spread needn't be assumed."""

MIN_ROUNDS = 5
"""Fewest blocks per process where the spread between processes is assumed: with fewer blocks an interval over blocks
says nothing."""

FEW_ROUNDS = 3
"""Fewest blocks per process with `USUAL_PROCESSES` or more, whose own spread gives the interval: one disturbed block of
three doesn't move their median."""

RESOLVE_PROCESSES = 5
"""Processes that share the budget with ``--resolve``: the spread between processes can only be estimated from several
of them, however many samples one process has."""

MAX_PROCESSES = 20
"""Most processes with ``--resolve``: a machine that needs more is too noisy for the question."""

BURST_SAMPLES = 3
"""Samples in a burst: three give a median, and more in a row fall into the same quiet or busy moment."""

BURST_NS = 20_000_000
"""Least time of a burst: 20 ms, so that the samples of a short step don't fall into one moment."""

SHORT_STEP_NS = 1_000_000
"""Longest time of a short step, 1 ms: its bursts share `SHORT_ROUND_NS`."""

SHORT_ROUND_NS = 500_000_000
"""Time of a round of short steps: 0.5 s, since collecting garbage and syncing the store take some 6 ms a burst, and
should be about 1 % of the round."""

LONG_STEP_NS = 200_000_000
"""Time above which a step is sampled once per burst: 0.2 s. The median of such a step is over blocks."""

WARM_UP_NS = 1_000_000_000
"""Longest warm-up of a step, 1 s: it ends then even if the times still change, which is recorded and shown."""

WARM_UP_BUDGETS = 2.0
"""Longest warm-up of all steps of a process, in budgets of a cell: a short budget asks for a short run."""

LATER_WARM_UP_NS = 20_000_000
"""Least warm-up of a step in the processes after the first: as long as a burst, 20 ms, which fills the caches."""

LATER_WARM_UPS = 2
"""Warm-up of a step in the processes after the first, as a multiple of the time that the first needed to get level."""

COLLECTOR_SHARE = 0.01
"""Share of a step's time from which on every process measures what the garbage collector takes in the long run."""

COLLECTOR_NS = WARM_UP_NS // 8
"""Longest time for which the processes after the first watch the collector at a step: half as long as the first one."""

MOST = 1_000_000
"""Largest number of threads, processes or seeds."""

LONGEST_S = 365 * 86_400.0
"""Longest budget and time-out in seconds: longer ones are no times to the functions that wait."""


def burst_size(typical_ns: float, steps: int, short_round_ns: int = SHORT_ROUND_NS) -> tuple[int, int]:
    """Return the fewest samples of a usual burst of a step, and its least time in nanoseconds.

    ``steps`` is the number of steps of the pipeline, and ``short_round_ns`` the time of a round of short steps.
    """
    if typical_ns > LONG_STEP_NS:
        return 1, 0
    if typical_ns > SHORT_STEP_NS:
        return BURST_SAMPLES, BURST_NS
    return BURST_SAMPLES, max(BURST_NS, short_round_ns // steps)


def later_warm_up(first: WarmUp, limit_ns: int) -> tuple[float, int]:
    """Return the nanoseconds of a step's warm-up after the first process, and those for which its collector is watched.

    A step that was still changing when the first process's warm-up ended is warmed up for as long again, at most
    ``limit_ns``.
    """
    time_ns = max(LATER_WARM_UP_NS, min(LATER_WARM_UPS * first.level_ns, limit_ns))
    weighs = first.collector_ns is not None and first.collector_ns >= COLLECTOR_SHARE * first.usual_ns
    return time_ns, COLLECTOR_NS if weighs else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to measure.

    ``budget_s`` is the measuring time per cell, ``timeout_s`` the longest time of one request, and ``memory_limit`` the
    memory of a worker in bytes. Without ``processes``, steps that are fast have `USUAL_PROCESSES` and others one, and
    the budget is spent only where something is left to be decided. ``resolve`` is the smallest difference that matters:
    0.02 for 2 %. ``seed`` gives the order of measuring and the surroundings of the processes, and ``seeds`` is the
    number of trainings that quality is computed from. Frameworks that can use ``device`` compute there.
    """

    threads: int = 1
    budget_s: float = 10.0
    processes: int | None = None
    resolve: float | None = None
    timeout_s: float = 300.0
    memory_limit: int | None = None
    seed: int = 0
    seeds: int = 1
    device: str = "cpu"

    def warm_up_ns(self, steps: int) -> int:
        """Return the longest warm-up of a step, in nanoseconds, in a pipeline with a number of steps."""
        return min(WARM_UP_NS, round(WARM_UP_BUDGETS * self.budget_s * 1e9 / steps))

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise BadInput(f"--device: unknown device '{self.device}'{nearest(self.device, DEVICES)}")
        counts = [self.threads, self.seeds, *([] if self.processes is None else [self.processes])]
        if not all(1 <= count <= MOST for count in counts):
            raise BadInput(f"--threads, --processes and --seeds take a number from 1 to {MOST:,}")
        if not all(0 < seconds <= LONGEST_S for seconds in (self.budget_s, self.timeout_s)):
            raise BadInput(f"--budget and --timeout take seconds above 0, up to {LONGEST_S:,.0f} (a year)")
        if self.resolve is not None and not 0 < self.resolve < 1:
            raise BadInput("--resolve takes a percentage between 0 and 100, such as 2%")

    @property
    def process_budget_s(self) -> float:
        """Measuring time per cell in one process."""
        return self.budget_s / max(self.processes or USUAL_PROCESSES, RESOLVE_PROCESSES if self.resolve else 1)

    def as_json(self) -> dict[str, Any]:
        """Return the options as the store has them."""
        return asdict(self)

    def as_arguments(self) -> list[str]:
        """Return the options of ``twinbench run`` that give these options again, without defaults.

        ``seed`` has no option of its own.
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
    """Return a share as a percentage, without rounding: 0.035 gives 3.5%."""
    digits = f"{Decimal(repr(share)) * 100:f}"
    return (digits.rstrip("0").removesuffix(".") if "." in digits else digits) + "%"
