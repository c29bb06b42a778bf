"""The requests that the harness sends to a worker, and the type of each request's reply.

How they are sent is in `twinbench.worker.channel`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from twinbench.worker.content import LARGEST, Content, Message, ProtocolError

__all__ = ["LARGEST", "Content", "Message", "ProtocolError"]

SHORTEST_NS = 1e-3
"""Least wall time of an evaluation in a burst, in nanoseconds: nothing computes in a picosecond."""

TRENDS = ("settled", "short", "faster", "slower")
"""What the times may do at the end of a warm-up."""

DEVICES = ("cpu", "cuda")
"""Devices of frameworks."""


@dataclass(frozen=True, slots=True)
class Done(Content):
    """A request was carried out."""


@dataclass(frozen=True, slots=True)
class Timing(Content):
    """One sample: ``evals`` evaluations, timed together. Times are nanoseconds per evaluation."""

    wall_ns: float
    cpu_ns: float
    gc_ns: float
    evals: int

    def __post_init__(self) -> None:
        _check_evals(self.evals)

    @property
    def claimed_ns(self) -> float:
        """Wall time of all evaluations, in nanoseconds."""
        return self.wall_ns * self.evals

    @property
    def claimed_cpu_ns(self) -> float:
        """Processor time of all evaluations, in nanoseconds; that of the garbage collector is part of it."""
        return max(self.cpu_ns, self.gc_ns) * self.evals


@dataclass(frozen=True, slots=True)
class Loaded(Content):
    """The frameworks are imported."""

    imports: dict[str, int]
    """Nanoseconds of the import, by framework."""
    devices: dict[str, str]
    """Device by framework: ``cpu`` or ``cuda``."""
    engines: dict[str, dict[str, str]]
    """What executes the calls, by framework, as the live library reports it."""
    rss_bytes: int

    def __post_init__(self) -> None:
        for field, names in (("devices", self.devices), ("engines", self.engines)):
            if names.keys() != self.imports.keys():
                raise ProtocolError(f"{field}: {', '.join(names)}, but the imports are {', '.join(self.imports)}")
        for device in self.devices.values():
            _check_word("devices", device, DEVICES)

    @property
    def claimed_ns(self) -> float:
        """Time of the imports, in nanoseconds."""
        return sum(self.imports.values())

    @property
    def claimed_bytes(self) -> int:
        """Memory after the imports, in bytes."""
        return self.rss_bytes


@dataclass(frozen=True, slots=True)
class ThreadCounts(Content):
    """Thread counts by framework and pool, as the live libraries report them."""

    threads: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class FirstCall(Content):
    """A step was executed for the first time."""

    timing: Timing
    boundary_ns: int
    """Time to convert the inputs to the framework's form; 0 where the framework made them."""
    rss_increase_bytes: int
    facts: dict[str, Any]
    """How the framework holds the output."""

    @property
    def claimed_ns(self) -> float:
        """Time of the conversion and of the call, in nanoseconds."""
        return self.boundary_ns + self.timing.claimed_ns

    @property
    def claimed_cpu_ns(self) -> float:
        """Processor time of the call, in nanoseconds."""
        return self.timing.claimed_cpu_ns

    @property
    def claimed_bytes(self) -> int:
        """Memory that the call took, in bytes."""
        return self.rss_increase_bytes


@dataclass(frozen=True, slots=True)
class Crossing(Content):
    """An output was converted to the neutral form.

    ``boundary_ns`` includes the time to save the output only where another worker needs it.
    """

    boundary_ns: int

    @property
    def claimed_ns(self) -> float:
        """Time of the conversion, in nanoseconds."""
        return self.boundary_ns


@dataclass(frozen=True, slots=True)
class Retrained(Content):
    """A step trained once more."""

    wall_ns: float

    @property
    def claimed_ns(self) -> float:
        """Time of the training, in nanoseconds."""
        return self.wall_ns


@dataclass(frozen=True, slots=True)
class Repeated(Content):
    """A step was executed once more, in this processor time, on the inputs of its samples; the output was saved."""

    cpu_ns: float

    @property
    def claimed_cpu_ns(self) -> float:
        """Processor time of the call, in nanoseconds."""
        return self.cpu_ns


@dataclass(frozen=True, slots=True)
class Varied(Content):
    """A step was executed on new inputs, and the output saved. The times are processor time."""

    cpu_ns: float
    extract_ns: int
    equal_ns: int
    """Processor time to convert an equal value, which was prepared from arrays."""
    changed: tuple[str, ...]
    """Inputs that the call changed."""
    form: str
    """What the output is, where the prepared value is something else; empty otherwise."""

    @property
    def claimed_cpu_ns(self) -> float:
        """Processor time of the call and the conversions, in nanoseconds."""
        return self.cpu_ns + self.extract_ns + self.equal_ns


@dataclass(frozen=True, slots=True)
class KeptModel(Content):
    """A model was exported. The name of its file or directory is empty where the framework can't export."""

    name: str


@dataclass(frozen=True, slots=True)
class Scores(Content):
    """The scores of the rows that came with the request, as `arrays.pack` gives them."""

    scores: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WarmUp(Content):
    """A step is warm."""

    evals: int
    """Evaluations of one sample."""
    discarded: int
    """Samples that were taken during warm-up, and discarded."""
    trend: str
    """What the times did when warm-up ended, one of `TRENDS`; ``short``: too few to tell."""
    collector_ns: float | None
    """Time of the garbage collector per evaluation in the long run; None where each sample pays for itself."""
    collections: int
    """Samples of the warm-up in which the collector ran."""
    allocated_bytes: float | None
    """Bytes that an evaluation allocates; None where the language doesn't count them."""
    level_ns: float
    """Time of the samples before the times had the level of the end; of all if they changed to the end."""
    usual_ns: float
    """Median time of an evaluation at the end."""

    def __post_init__(self) -> None:
        _check_evals(self.evals)
        _check_word("trend", self.trend, TRENDS)

    @property
    def claimed_ns(self) -> float:
        """Time of the samples before the level of the end, or of one sample with the garbage collector, if longer."""
        return max(self.level_ns, self.usual_ns * self.evals, (self.collector_ns or 0.0) * self.evals)


@dataclass(frozen=True, slots=True)
class Burst(Content):
    """One burst of samples, with at least one sample."""

    timings: tuple[Timing, ...]

    def __post_init__(self) -> None:
        if not self.timings:
            raise ProtocolError("timings: empty")
        for number, timing in enumerate(self.timings):
            if timing.wall_ns < SHORTEST_NS:
                raise ProtocolError(f"timings[{number}].wall_ns: {timing.wall_ns:g} instead of a time above 0")

    @property
    def claimed_ns(self) -> float:
        """Wall time of all samples, in nanoseconds."""
        return sum(timing.claimed_ns for timing in self.timings)

    @property
    def claimed_cpu_ns(self) -> float:
        """Processor time of all samples, in nanoseconds."""
        return sum(timing.claimed_cpu_ns for timing in self.timings)


@dataclass(frozen=True, slots=True)
class Memory(Content):
    """Resident memory of the process."""

    rss_bytes: int
    peak_bytes: int

    @property
    def claimed_bytes(self) -> int:
        """The larger of the two, in bytes."""
        return max(self.rss_bytes, self.peak_bytes)


def _check_evals(evals: int) -> None:
    if evals < 1:
        raise ProtocolError(f"evals: {evals} instead of a number from 1 on")


def _check_word(field: str, word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        raise ProtocolError(f"{field}: {ascii(word)[:40]} instead of one of {', '.join(words)}")


Reply = TypeVar("Reply", bound=Content)


@dataclass(frozen=True, slots=True)
class Request(Generic[Reply]):
    """A request's name, and the type of its reply."""

    name: str
    reply: type[Reply]


LOAD = Request("load", Loaded)
THREAD_COUNTS = Request("thread_counts", ThreadCounts)
FIRST = Request("first", FirstCall)
EXTRACT = Request("extract", Crossing)
HAND_OVER = Request("hand_over", Crossing)
ISOLATED = Request("isolated", Done)
AGAIN = Request("again", Retrained)
REPEAT = Request("repeat", Repeated)
VARIED = Request("varied", Varied)
KEEP = Request("keep", KeptModel)
SCORE = Request("score", Scores)
WARM_UP = Request("warm_up", WarmUp)
WARM_AGAIN = Request("warm_again", WarmUp)
BURST = Request("burst", Burst)
MEMORY = Request("memory", Memory)
