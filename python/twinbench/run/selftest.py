"""The selftest of this machine: the whole harness measures identical pairs and an injected slowdown."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from twinbench import paths
from twinbench.launch.process import scratch
from twinbench.numbers import stats
from twinbench.numbers.spreads import PROCESS_SD
from twinbench.run import request, runner
from twinbench.run.options import Options
from twinbench.run.watch import Watch
from twinbench.store.samples import figures, nested, paired
from twinbench.store.store import Store

INJECTED = 1.05
"""Work of ``probe-slow`` relative to ``probe-a``: 5 % more."""

STACKS = ("probe-a", "probe-b", "probe-slow")

PROCESSES = 8
"""Processes of each cell in one comparison. On a shared machine whose identical processes differed by 2.8 % (standard
deviation), one process found a slowdown of 5 % in 53 % of the cases and three in 68 %."""

SECONDS = 4.0
"""Budget of one cell in one comparison, over all processes: some five blocks in each process."""

LEAST_SPREAD = 0.003
"""Smallest spread that is reported: that of processes on a quiet machine. Few pairs may show less by chance."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison in fresh processes: the ratios of an identical probe and of a slower probe to ``probe-a``."""

    same: stats.Ratio
    slowed: stats.Ratio
    times: tuple[float, ...]
    """Seconds of ``probe-a``, one value per process, which show the spread between processes and runs."""

    @property
    def false_alarm(self) -> bool:
        """Whether the identical pair was declared different."""
        return not self.same.low <= 1 <= self.same.high

    @property
    def slowdown_found(self) -> bool:
        """Whether the slowdown was found, in the right direction."""
        return self.slowed.low > 1


@dataclass(frozen=True, slots=True)
class Selftest:
    """The differences that this machine can find, as ``twinbench selftest --json`` prints them."""

    at: str
    comparisons: int
    false_alarms: float
    """Share of identical pairs that were declared different; the intervals are made for 0.05."""
    found: float
    """Share of the injected 5 % slowdowns that were found."""
    process_sd: float
    """Spread of the log ratios of identical pairs of interleaved processes, as a standard deviation."""
    time_sd: float
    """Spread of the log times of one probe between processes of a run, as a standard deviation."""
    run_sd: float
    """Spread of the log times of one probe between runs, without the part that comes from their processes."""
    smallest: float
    """Smallest difference that one comparison of `PROCESSES` processes finds in four of five cases: 0.03 for 3 %."""


def compare_once(store: Store, seed: int, seconds: float = SECONDS, process_sd: float = PROCESS_SD) -> Pair:
    """Make one comparison, as ``twinbench run work`` does."""
    wanted = request.Request(pipelines=("work",), stacks=STACKS)
    options = Options(budget_s=seconds, processes=PROCESSES, seed=seed)
    run_id = request.new_run(store, wanted, options)
    runner.run(request.parts(wanted), options, store, run_id, Watch())
    store.finish_run(run_id, "done")
    times = {cell.stack: figures(store.samples(cell.id)).totals(["work"]) for cell in store.cells(run_id)}
    return Pair(
        same=stats.ratio(*paired(times["probe-b"], times["probe-a"]), process_sd=process_sd),
        slowed=stats.ratio(*paired(times["probe-slow"], times["probe-a"]), process_sd=process_sd),
        times=tuple(statistics.median(map(statistics.median, blocks)) for blocks in nested(times["probe-a"])),
    )


def pairs(comparisons: int) -> Iterator[Pair]:
    """Make comparisons one after the other, in a store of their own."""
    with scratch() as directory, Store.open(Path(directory) / "selftest.db") as store:
        for seed in range(comparisons):
            yield compare_once(store, seed)


def judge(pairs: list[Pair]) -> Selftest:
    """Compute the selftest's figures from at least two comparisons."""
    logs = [math.log(pair.same.estimate) for pair in pairs]
    time_sd, run_sd = spreads([[math.log(time) for time in pair.times] for pair in pairs])
    return Selftest(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        comparisons=len(pairs),
        false_alarms=sum(pair.false_alarm for pair in pairs) / len(pairs),
        found=sum(pair.slowdown_found for pair in pairs) / len(pairs),
        process_sd=max(_spread(logs) * PROCESSES**0.5, LEAST_SPREAD),
        time_sd=max(time_sd, LEAST_SPREAD),
        run_sd=max(run_sd, LEAST_SPREAD),
        smallest=statistics.median(pair.same.resolvable for pair in pairs),
    )


def spreads(runs: list[list[float]]) -> tuple[float, float]:
    """Return the standard deviations between the processes of a run and between runs of several processes each.

    Source: the analysis of variance of a one-way random-effects model, Searle, Casella & McCulloch (1992), Variance
    Components, section 3.2.
    """
    within = statistics.fmean(map(statistics.variance, runs))
    between = statistics.variance(map(statistics.fmean, runs)) - within / statistics.fmean(map(len, runs))
    return math.sqrt(within), math.sqrt(max(0.0, between))


def _spread(logs: list[float]) -> float:
    """Estimate a standard deviation by the median absolute deviation from 0, which one busy moment hardly changes."""
    return 1.4826 * statistics.median(abs(value) for value in logs)


def save(result: Selftest) -> Path:
    """Save a result for the records of later runs on this machine. Returns the path of the file."""
    path = paths.selftest_file()
    paths.make_private(path.parent)
    path.write_text(json.dumps(asdict(result), indent=2), encoding="utf-8")
    return path
