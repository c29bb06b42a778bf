"""A call on inputs that no call has seen before: what a memo, a mutation or work put off until later betrays."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import process_time_ns
from typing import Any

from twinbench import ops
from twinbench.frameworks.neutral import other_form
from twinbench.ops import arrays
from twinbench.ops.contract import NEUTRAL, Arrays
from twinbench.worker import protocol
from twinbench.worker.step import Step

CROSSING = ("float32", "float64", "int64", "uint8")
"""Types of numbers that Julia's frameworks can be given."""


def inputs(
    step: Step, saved: Mapping[str, str], file: str | None, outputs: Mapping[str, Any], producers: Mapping[str, Step]
) -> list[Any]:
    """Return a step's native inputs: outputs of other varied steps, or else arrays from the directories in ``saved``.

    A value crosses from one framework to the next as it does in the measurement.
    """
    values: list[Any] = [] if file is None else [file]
    for source, kind in zip(step.inputs, step.kinds, strict=True):
        if source in saved:
            values.append(step.framework.prepare(arrays.load(Path(saved[source]), mapped=False), kind))
        elif producers[source].framework is step.framework:
            values.append(outputs[source])
        else:
            values.append(step.framework.prepare(producers[source].framework.extract(outputs[source], kind), kind))
    return values


def varied(
    step: Step, values: Sequence[Any], file: str | None, given: str | None, directory: Path, digests: dict[str, str]
) -> tuple[Any, protocol.Varied]:
    """Call a step on native inputs, save the output, and return it with what was observed.

    A model that comes from outside is called on other rows before: a library may compile what it computes with a model.
    ``digests`` has the checksums of values as they were last seen, by source, and gets that of the output.
    """
    if "model" in step.kinds:
        step.implementation(step.params, *_reversed(step, values))
    call = step.call(*values, *step.prepared_given(given))
    before = _digests(step, values, digests)
    timing, output = step.measure.first_call(call)
    after = _digests(step, values, {})
    digests.update((source, digest) for source, digest in after.items() if source in digests)
    if file is not None:
        _delete(Path(file))  # what still reads the file now was not computed by the call
    kind = step.op.output
    try:
        neutral, extract_ns = _timed(lambda: step.extract(output))
    except Exception as error:
        if file is None:
            raise
        raise RuntimeError(
            f"the output still needs the file after the call has ended, which isn't timed: {error}"
        ) from error
    arrays.save(directory, neutral)
    digests[step.id] = _digest(neutral)
    equal_ns, form = extract_ns, ""
    if _can_be_prepared(step, neutral):
        equal = step.framework.prepare(arrays.load(directory, mapped=False), kind)
        equal_ns = _timed(lambda: step.framework.extract(equal, kind))[1]
        form = "" if step.framework.language == "julia" else other_form(output, equal)
    changed = tuple(source for source, digest in before.items() if after[source] != digest)
    return output, protocol.Varied(timing.cpu_ns, extract_ns, equal_ns, changed, form)


def _reversed(step: Step, values: Sequence[Any]) -> list[Any]:
    """Return inputs with the rows of their arrays in reverse order."""
    turned = []
    for value, kind in zip(values, step.kinds, strict=True):
        if kind == "arrays":
            neutral = {name: array[::-1].copy() for name, array in step.framework.extract(value, kind).items()}
            turned.append(step.framework.prepare(neutral, kind))
        else:
            turned.append(value)
    return turned


def _can_be_prepared(step: Step, output: Arrays) -> bool:
    """Whether the framework can make the step's output from neutral arrays, to show what a computed value is.

    A model can be made where the framework scores models. Only types that ops take cross to Julia.
    """
    if step.framework.language == "julia" and not all(
        values.dtype.kind == "U" or values.dtype.name in CROSSING for values in output.values()
    ):
        return False
    if step.op.output == "model":
        return any(ops.get(name).role == "score" for name in step.framework.ops)
    return step.op.output in NEUTRAL


def _digests(step: Step, values: Sequence[Any], seen: Mapping[str, str]) -> dict[str, str]:
    """Return a checksum of each input that has a neutral form, by source; the one that was seen, where there is one."""
    sources = zip(step.inputs, step.kinds, values, strict=True) if step.kinds else ()
    return {
        source: seen[source] if source in seen else _digest(step.framework.extract(value, kind))
        for source, kind, value in sources
        if kind in NEUTRAL
    }


def _digest(values: Arrays) -> str:
    digest = hashlib.blake2b()
    for name, array in values.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _timed(call: Callable[[], Arrays]) -> tuple[Arrays, int]:
    start = process_time_ns()
    return call(), process_time_ns() - start


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
