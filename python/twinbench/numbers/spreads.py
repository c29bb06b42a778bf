"""The spreads of a machine: how far processes and runs differ from each other, and what is assumed of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

PROCESS_SD = 0.02
"""Standard deviation between processes of the log ratio of two identical workers. On shared 2-core machines it was
1.2 % in a quiet hour and 1.6 to 3.1 % in others. `twinbench selftest` measures it anew."""

TIME_SD = 0.05
"""Standard deviation between the processes of one run of the log time of one stack, not divided by another stack's. On
a shared 2-core machine it was 3 % in a quiet hour and 14 % in a busy one."""

RUN_SD = 0.04
"""Standard deviation between runs of the log time of one stack, in addition to the spread between their processes: up
to 6 % on a shared 2-core machine. `twinbench selftest` measures `TIME_SD` and `RUN_SD` anew."""


@dataclass(frozen=True, slots=True)
class Spreads:
    """Standard deviations of log times on one machine: those that its selftest measured, or else the usual ones."""

    process_sd: float = PROCESS_SD
    """Spread between processes of the ratio of two identical stacks."""
    time_sd: float = TIME_SD
    """Spread between the processes of a run of the time of one stack."""
    run_sd: float = RUN_SD
    """Spread between runs of the time of one stack, without the part that comes from their processes."""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Take the spreads of a record that has them under these names; a spread that is missing is the usual one."""
        return cls(**{field.name: float(record[field.name]) for field in fields(cls) if field.name in record})

    def wider(self, other: Spreads) -> Spreads:
        """Return the larger of the two, spread by spread."""
        return Spreads(
            process_sd=max(self.process_sd, other.process_sd),
            time_sd=max(self.time_sd, other.time_sd),
            run_sd=max(self.run_sd, other.run_sd),
        )
