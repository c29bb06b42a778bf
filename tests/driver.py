"""Runs in a process of its own, which imports one library under test, and calls functions of this file for the tests.

Started as ``driver.py READ_FD WRITE_FD``; requests and answers are pickles between processes of one test run.
"""

from __future__ import annotations

import copy
import os
import pickle
import statistics
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Any

import numpy

from twinbench import ops
from twinbench.frameworks import julia, probe, registry
from twinbench.ops.contract import Arrays, Kind
from twinbench.usercode import sources
from twinbench.usercode.function import Function
from twinbench.usercode.op import in_worker
from twinbench.worker import julia_measure, measure
from twinbench.worker.own import Implementation

if not hasattr(numpy, "_core"):  # the tests pickle with a NumPy that has other names inside
    sys.modules |= {
        name.replace("numpy.core", "numpy._core"): sys.modules[name]
        for name in list(sys.modules)
        if name.startswith("numpy.core")
    }

FRAMEWORKS = registry.frameworks()
_loaded: set[str] = set()


def _framework(name: str) -> Any:
    if name not in _loaded:
        FRAMEWORKS[name].load(1)
        _loaded.add(name)
    return FRAMEWORKS[name]


def _copied(arrays: Arrays) -> Arrays:
    """Out of the library's memory."""
    return {name: array.copy() for name, array in arrays.items()}


def run(name: str, op: str, params: Any, inputs: list[tuple[Any, Kind]], categories: bool = False) -> Arrays:
    """One op through the framework's interface: prepare, call, extract. Fails if an input was changed.

    ``categories``: whether strings of the tables are held as categories.
    """
    framework = _framework(name)
    before = copy.deepcopy(inputs)
    native = [value if kind == "file" else framework.prepare(value, kind) for value, kind in inputs]
    if categories:
        native = [_categorised(framework, *given, held) for given, held in zip(inputs, native, strict=True)]
    native_before = [
        framework.extract(value, kind) for value, (_, kind) in zip(native, inputs, strict=True) if kind != "file"
    ]
    kept = [_copied(arrays) for arrays in native_before]
    result = _copied(framework.extract(framework.ops[op](params, *native), ops.get(op).output))
    assert pickle.dumps(before) == pickle.dumps(inputs), "the NumPy input was changed"
    for arrays, was in zip(native_before, kept, strict=True):
        assert all(arrays[key].tobytes() == was[key].tobytes() for key in was), "the native input was changed"
    return result


def _categorised(framework: Any, value: Any, kind: Kind, native: Any) -> Any:
    texts = [name for name, values in value.items() if values.dtype.kind == "U"] if kind == "table" else []
    if not texts:
        return native
    op = ops.get("tables.categorise")
    return framework.ops[op.name](op.build({"columns": texts}), native)


def held(name: str, columns: list[str], path: str) -> tuple[dict[str, str], dict[str, str]]:
    """How strings of a file are held, and how they are held as categories."""
    framework = _framework(name)
    read, categorise = ops.get("tables.read_csv"), ops.get("tables.categorise")
    table = framework.ops[read.name](read.build({"table": "", "columns": dict.fromkeys(columns, "string")}), path)
    categories = framework.ops[categorise.name](categorise.build({"columns": columns}), table)
    return dict(framework.facts(table, "table")), dict(framework.facts(categories, "table"))


def chain(name: str, steps: list[tuple[str, Any, list[tuple[Any, Kind]]]]) -> Arrays:
    """Ops one after the other, the native result of each being the next one's first input."""
    framework = _framework(name)
    value: list[Any] = []
    for op, params, inputs in steps:
        native = [given if kind == "file" else framework.prepare(given, kind) for given, kind in inputs]
        value = [framework.ops[op](params, *value, *native)]
        kind = ops.get(op).output
    return _copied(framework.extract(value[0], kind))


def answers(name: str, asked: list[tuple[str, str, Any, tuple[str, ...], str | None]]) -> dict[str, Arrays]:
    """The outputs of steps that read files and each other's native outputs: id, op, parameters, inputs, file."""
    framework = _framework(name)
    native: dict[str, Any] = {}
    for step, op, params, inputs, file in asked:
        native[step] = framework.ops[op](params, *(native[of] for of in inputs), *([file] if file else []))
    return {step: _copied(framework.extract(native[step], ops.get(op).output)) for step, op, *_ in asked}


def outside(file: str, op: str, params: Any) -> Arrays:
    """An op of a Julia file that is not in our package."""
    framework = julia.read(Path(file))
    framework.load(1)
    return _copied(framework.extract(framework.ops[op](params), "arrays"))


def own(file: str, name: str, value: Arrays, kind: Kind, params: dict[str, Any]) -> Arrays | str:
    """The answer of a user's function in Julia on one input, or what is said of its mistake."""
    framework = _framework("Julia")
    implementation = Implementation(Function(file, name, sources.digest(Path(file))), 1, params)
    op = in_worker(name, (kind,), "table" if kind == "table" else "arrays", "")
    try:
        implementation.load()
        output = implementation(params, framework.prepare(value, kind))
        return _copied(implementation.extract(framework, op, output))
    except Exception as error:
        return implementation.source.described(error)


def round_trip(name: str, arrays: Arrays, kind: Kind) -> Arrays:
    """In and out again."""
    framework = _framework(name)
    return _copied(framework.extract(framework.prepare(arrays, kind), kind))


def borrowed_address(name: str, arrays: Arrays) -> tuple[list[int], list[int]]:
    """Addresses of NumPy's arrays, and of the same arrays after they went through Julia."""
    framework = _framework(name)
    back = framework.extract(framework.prepare(arrays, "arrays"), "arrays")
    return [a.ctypes.data for a in arrays.values()], [a.ctypes.data for a in back.values()]


def facts(name: str, value: Arrays, kind: Kind) -> dict[str, str]:
    """How a prepared value is held."""
    framework = _framework(name)
    return dict(framework.facts(framework.prepare(value, kind), kind))


def threads(name: str) -> dict[str, int]:
    """As the live runtime reports them."""
    return dict(_framework(name).threads())


def engine(name: str) -> dict[str, str]:
    """What executes the framework's calls, as the live library reports it."""
    return dict(_framework(name).engine())


def spin_medians(microseconds: float, bursts: int) -> tuple[float, float]:
    """Medians of the same busy-wait, timed by the Python loop and by the Julia loop, in alternating bursts."""
    params = ops.get("probe.spin").build({"microseconds": microseconds})
    in_julia = partial(_framework("probe.jl").ops["probe.spin"], params)
    in_python = partial(probe.spin, params)
    walls: tuple[list[float], list[float]] = ([], [])
    for _ in range(bursts):
        walls[0].extend(timing.wall_ns for timing in measure.burst(in_python, 1, 10, 0))
        walls[1].extend(timing.wall_ns for timing in julia_measure.burst(in_julia, 1, 10, 0))
    return statistics.median(walls[0]), statistics.median(walls[1])


def protocol(microseconds: float) -> dict[str, Any]:
    """The whole protocol over a busy-wait in Julia."""
    params = ops.get("probe.spin").build({"microseconds": microseconds})
    call = partial(_framework("probe.jl").ops["probe.spin"], params)
    first, result = julia_measure.first_call(call)
    evals = julia_measure.calibrate(call)
    warm = julia_measure.warm_up(call, evals, 1_000_000_000)
    timings = julia_measure.burst(call, evals, 5, 0)
    value = FRAMEWORKS["probe.jl"].extract(result, "arrays")
    return {
        "first": first,
        "value": _copied(value),
        "evals": evals,
        "warm": warm,
        "timings": timings,
    }


def refusal(name: str, script: str, path: str) -> str:
    """What a framework says when it is to load the file that a script wrote; empty if it loads it."""
    framework = _framework(name)
    exec(script, {"PATH": path})
    op = ops.get("training.load")
    try:
        framework.ops[op.name](op.build({}), Path(path))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def serve(read_fd: int, write_fd: int) -> None:
    """Until the tests hang up."""
    with os.fdopen(read_fd, "rb") as requests, os.fdopen(write_fd, "wb") as answers:
        while True:
            try:
                function, arguments = pickle.load(requests)
            except EOFError:
                return
            try:
                answer = (True, globals()[function](*arguments))
            except BaseException:
                answer = (False, traceback.format_exc())
            pickle.dump(answer, answers)
            answers.flush()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
    os._exit(0)  # libraries take seconds to tidy up
