"""Messages between the harness and a worker: one JSON object per line, over file descriptors of their own.

stdin and stdout aren't used: a library may print, and starting Julia makes stdin non-blocking.

The harness sends a `Job`, and then requests by name with arguments. Each request has one type of reply, whose content
is checked where it arrives.
"""

from __future__ import annotations

import json
import math
import os
import types
import typing
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, Generic, Self, TypeVar

Message = dict[str, Any]

LARGEST = 2**63 - 1
"""Largest number in a message: the largest integer that the store can hold."""


class ProtocolError(ValueError):
    """A message that isn't what the protocol says. The text names the field and the value found there."""


class Channel:
    """The worker's end of the connection. Reads and writes block."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._incoming = os.fdopen(read_fd, "r", encoding="utf-8")
        self._write_fd = write_fd

    def messages(self) -> Iterator[Message]:
        """Yield messages until the harness closes its end or goes away."""
        for line in self._incoming:
            yield json.loads(line)

    def send(self, message: Message) -> None:
        """Send one message, in full."""
        data = encode(message)
        while data:
            data = data[os.write(self._write_fd, data) :]


def encode(message: Message) -> bytes:
    """Return a message as one line of bytes. Raises ValueError for NaN, which isn't JSON."""
    return json.dumps(message, allow_nan=False).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a message, by the fields of a subclass.

    Fields are str, bool, int, float, Any, another content, None, or a dict or tuple of these. All numbers are finite,
    from 0 to `LARGEST`.
    """

    def as_json(self) -> Message:
        """Return plain data: dicts, lists, strings, numbers."""
        return {key: _listed(value) for key, value in asdict(self).items()}

    @classmethod
    def of(cls, plain: Any, path: str = "") -> Self:
        """Read what `as_json` returned. Raises ProtocolError; unknown keys are an error too."""
        if not isinstance(plain, dict):
            raise ProtocolError(f"{path or cls.__name__}: {_shown(plain)} instead of an object")
        content: Any = cls
        hints = _hints(content)
        prefix = f"{path}." if path else ""
        for key in plain.keys() - hints.keys():
            raise ProtocolError(f"{prefix}{key}: unknown field")
        for key in hints.keys() - plain.keys():
            raise ProtocolError(f"{prefix}{key}: missing")
        return cls(**{key: _checked(plain[key], hint, f"{prefix}{key}") for key, hint in hints.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepJob(Content):
    """One step of a cell. It names code and paths, and never carries code."""

    id: str
    op: str
    """Name of the op."""
    params: dict[str, Any]
    inputs: tuple[str, ...]
    """Ids of steps, of this worker or another, or names of values."""
    framework: str
    """Name of the framework."""
    file: str | None = None
    """Path of the file that the step reads; None for a step without a file."""
    given: str | None = None
    """Directory of the arrays that every implementation gets as its last argument; None where the op has no givens."""
    needed: bool
    """Whether a later step takes the output, in this worker or another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedValue(Content):
    """A value whose arrays are saved in a directory, and the value's kind."""

    directory: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Content):
    """The cell of a worker, or its part of the cell."""

    threads: int
    device: str = "cpu"
    steps: tuple[StepJob, ...]
    values: dict[str, SavedValue]
    """Inputs that no step of the stack makes, such as the dataset's value."""
    handovers: str = ""
    """Directory of the outputs that other workers save for this one, in directories named after their steps."""
    served: bool = False
    """Whether the worker serves a model, and must outlive the thread that started it."""


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
        if self.evals < 1:
            raise ProtocolError(f"evals: {self.evals} instead of a number from 1 on")


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


@dataclass(frozen=True, slots=True)
class Crossing(Content):
    """An output was converted to the neutral form.

    ``boundary_ns`` includes the time to save the output only where another worker needs it.
    """

    boundary_ns: int


@dataclass(frozen=True, slots=True)
class Retrained(Content):
    """A step trained once more."""

    wall_ns: float


@dataclass(frozen=True, slots=True)
class Repeated(Content):
    """A step was executed once more, in this processor time, on the inputs of its samples; the output was saved."""

    cpu_ns: float


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
    """What the times did when warm-up ended: ``settled``, ``faster``, ``slower``, or ``short``: too few to tell."""
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


@dataclass(frozen=True, slots=True)
class Burst(Content):
    """One burst of samples, with at least one sample."""

    timings: tuple[Timing, ...]

    def __post_init__(self) -> None:
        if not self.timings:
            raise ProtocolError("timings: empty")


@dataclass(frozen=True, slots=True)
class Memory(Content):
    """Resident memory of the process."""

    rss_bytes: int
    peak_bytes: int


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


@cache
def _hints(content: type[Content]) -> dict[str, Any]:
    types_of = typing.get_type_hints(content)
    return {field.name: types_of[field.name] for field in fields(content)}


def _checked(value: Any, hint: Any, path: str) -> Any:
    """Return the value in the type of a field. Raises ProtocolError where it isn't of this type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _checked(value, arguments[0], path)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_checked(item, arguments[0], f"{path}[{position}]") for position, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {_name(key, path): _checked(item, arguments[1], f"{path}.{key}") for key, item in value.items()}
    if isinstance(hint, type) and issubclass(hint, Content):
        return hint.of(value, path)
    if hint in (int, float):
        return _number(value, hint, path)
    if hint in (str, bool) and isinstance(value, hint):
        return value
    raise ProtocolError(f"{path}: {_shown(value)} instead of {NAMES.get(origin or hint, 'text')}")


NAMES = {tuple: "a list", dict: "an object", bool: "true or false"}
"""Names of types in messages."""


def _number(value: Any, kind: type, path: str) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if (whole or (kind is float and isinstance(value, float) and math.isfinite(value))) and 0 <= value <= LARGEST:
        return value
    what = "a whole number" if kind is int else "a finite number"
    raise ProtocolError(f"{path}: {_shown(value)} instead of {what} from 0 on")


def _name(key: str, path: str) -> str:
    """Return a key. Raises ProtocolError if the store can't hold it, such as half of a surrogate pair."""
    if not key.isprintable():
        raise ProtocolError(f"{path}: {_shown(key)} instead of a name")
    return key


def _shown(value: Any) -> str:
    return repr(value)[:40]


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value
