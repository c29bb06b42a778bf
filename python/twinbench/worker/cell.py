"""A cell inside its worker: the stack's frameworks, the steps, and the native values that flow between them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from time import perf_counter_ns
from types import ModuleType
from typing import Any, Concatenate, ParamSpec

from twinbench import ops
from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework
from twinbench.ops import arrays
from twinbench.ops.contract import NEUTRAL, Kind, Op
from twinbench.worker import measure, memory
from twinbench.worker.protocol import Message

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Step:
    """One step, resolved: what to call, on which steps' outputs, with what given."""

    id: str
    op: Op
    params: Any
    framework: Framework
    inputs: tuple[str, ...]
    file: str | None
    given: str | None
    kept: bool
    """Whether a later step takes its output, here or in another worker."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Of the inputs that steps make."""
        return tuple(kind for kind in self.op.inputs if kind != "file")


def _aside(request: Callable[Concatenate[Cell, P], Message]) -> Callable[Concatenate[Cell, P], Message]:
    """A request that serves the comparison: what it takes for a time is none of the stack's memory."""

    @wraps(request)
    def answer(cell: Cell, /, *args: P.args, **kwargs: P.kwargs) -> Message:
        cell.peak()
        try:
            return request(cell, *args, **kwargs)
        finally:
            memory.reset_peak()

    return answer


class Cell:
    """Runs the steps of one stack. ``job`` is plain data from the harness; it can name code, never carry it."""

    def __init__(self, job: Message) -> None:
        self.threads: int = job["threads"]
        self.device: str = job["device"]
        self.values: dict[str, tuple[str, Kind]] = job["values"]
        """By source the directory and the kind of what no step of the stack makes, such as the dataset's value."""
        self.native_values: dict[tuple[str, str], Any] = {}
        """The same by framework and source, in that framework's form, once a step has asked for it."""
        self.handovers = Path(job["handovers"])
        """Where the outputs of steps that another worker runs are found, in directories of their names."""
        self.isolated_outputs: dict[str, Any] = {}
        """What steps made of the reference's inputs, where that can't be saved and read back."""
        self.steps = {step["id"]: _resolve(step) for step in job["steps"]}
        self.outputs: dict[str, Any] = {}
        """Those that later steps take, and the last one."""
        self.calls: dict[str, Any] = {}
        self.evals: dict[str, int] = {}
        self.peak_bytes = 0
        """The largest resident set until the last reset."""

    def load(self) -> Message:
        """Import the frameworks, in the order of their first step. Nothing else heavy was imported before."""
        times, devices = {}, {}
        for framework in {step.framework.name: step.framework for step in self.steps.values()}.values():
            start = perf_counter_ns()
            framework.load(self.threads)
            times[framework.name] = perf_counter_ns() - start
            devices[framework.name] = self._place(framework)
        return {"imports": times, "devices": devices, "rss_bytes": memory.rss_bytes()}

    def _place(self, framework: Framework) -> str:
        """Take a framework to the run's device, if it can go there. Returns where it computes."""
        if self.device != "cuda" or framework.cuda is None:
            return "cpu"
        measure.wait_for(framework.cuda())
        return "cuda"

    def thread_counts(self) -> Message:
        """Thread counts as the live libraries report them, after the first calls."""
        frameworks = {step.framework.name: step.framework for step in self.steps.values()}
        return {"threads": {name: dict(framework.threads()) for name, framework in frameworks.items()}}

    def first(self, step: str) -> Message:
        """Prepare the inputs, then execute a step for the first time and keep its output."""
        self._forget()
        this = self.steps[step]
        start = perf_counter_ns()
        inputs, crossed = self._inputs(this)
        boundary = perf_counter_ns() - start if crossed else 0
        call = partial(this.framework.ops[this.op.name], this.params, *inputs)
        self.calls[step] = call
        self.peak()
        memory.reset_peak()
        before = memory.rss_bytes()
        timing, self.outputs[step] = self._measure(this).first_call(call)
        return {
            "timing": asdict(timing),
            "boundary_ns": boundary,
            "rss_increase_bytes": max(0, memory.peak_bytes() - before),
            "facts": dict(this.framework.facts(self.outputs[step], this.op.output)),
        }

    @_aside
    def extract(self, step: str, directory: str) -> Message:
        """Bring a step's output back and save it for the comparison."""
        import numpy  # noqa: F401  saving needs it: not to be imported inside the boundary's time

        this = self.steps[step]
        start = perf_counter_ns()
        value = this.framework.extract(self.outputs[step], this.op.output)
        boundary = perf_counter_ns() - start
        arrays.save(Path(directory), value)
        return {"boundary_ns": boundary}

    def hand_over(self, step: str, directory: str) -> Message:
        """Save a step's output for another worker. The saving is part of the crossing, and so of its time."""
        import numpy  # noqa: F401  not to be imported inside the boundary's time

        this = self.steps[step]
        start = perf_counter_ns()
        arrays.save(Path(directory), this.framework.extract(self.outputs[step], this.op.output))
        return {"boundary_ns": perf_counter_ns() - start}

    @_aside
    def isolated(self, step: str, inputs: list[str], directory: str) -> Message:
        """Execute a step on given inputs, which were saved in directories, and save its output for the comparison."""
        this = self.steps[step]
        values: list[Any] = [] if this.file is None else [this.file]
        for source, place, kind in zip(this.inputs, inputs, this.kinds, strict=True):
            made = self.isolated_outputs.get(source)
            values.append(this.framework.prepare(arrays.load(Path(place)), kind) if made is None else made)
        output = this.framework.ops[this.op.name](this.params, *values, *self._given(this))
        if this.op.output not in NEUTRAL:
            self.isolated_outputs[step] = output
        arrays.save(Path(directory), this.framework.extract(output, this.op.output))
        if this.op.output == "saved":
            self.calls[step]()  # the file is in its place again
        return {}

    @_aside
    def again(self, step: str, scoring: str, given: str, directory: str) -> Message:
        """Train anew from other givens, and score: ``scores`` and ``losses`` are saved. Returns the training's time."""
        this, scorer = self.steps[step], self.steps[scoring]
        _, *inputs, _ = self.calls[step].args  # the parameters come first, and the givens last
        start = this.framework.prepare(arrays.load(Path(given)), "arrays")
        call = partial(self.calls[step].func, this.params, *inputs, start)
        timing, model = self._measure(this).first_call(call)
        known = zip(scorer.inputs, self.calls[scoring].args[1:], strict=True)
        scores = self.calls[scoring].func(
            scorer.params, *(model if source == step else value for source, value in known)
        )
        losses = this.framework.extract(model, "model")["losses"]
        arrays.save(Path(directory), scorer.framework.extract(scores, "arrays") | {"losses": losses})
        return {"wall_ns": timing.wall_ns}

    @_aside
    def keep(self, step: str, directory: str) -> Message:
        """Copy a step's trained model, as its framework exports it, into a directory. Untimed.

        Returns what it is called there: nothing where the framework can't export.
        """
        this, export = self.steps[step], ops.get("training.export")
        if export.name not in this.framework.ops:
            return {"name": ""}
        saved = this.framework.ops[export.name](export.build({}), self.outputs[step])
        place = Path(str(getattr(saved, "path", saved)))  # a path, or a Julia value that has one
        if place.is_dir():
            shutil.copytree(place, Path(directory) / place.name)
        else:
            shutil.copy(place, directory)
        return {"name": place.name}

    def score(self, step: str, rows: Message) -> Message:
        """Scores, by a step that takes a model, of rows that come with the request: to serve, and not to measure."""
        this = self.steps[step]
        native = this.framework.prepare({"x_test": arrays.unpack(rows)}, "arrays")
        scores = this.framework.ops[this.op.name](this.params, self.outputs[this.inputs[0]], native)
        return {"scores": arrays.pack(this.framework.extract(scores, "arrays")["scores"])}

    def warm_up(self, step: str, limit_ns: int) -> Message:
        """Calibrate, then run until the times have settled. A request is a sample of its own, however short."""
        self._forget()
        measured, call = self._measure(self.steps[step]), self.calls[step]
        self.evals[step] = 1 if self.steps[step].op.is_request(self.steps[step].params) else measured.calibrate(call)
        discarded, settled = measured.warm_up(call, self.evals[step], limit_ns)
        return {"evals": self.evals[step], "discarded": discarded, "settled": settled}

    def burst(self, step: str, min_samples: int, limit_ns: int) -> Message:
        """One burst of samples."""
        measured, call = self._measure(self.steps[step]), self.calls[step]
        timings = measured.burst(call, self.evals[step], min_samples, limit_ns)
        return {"timings": [asdict(timing) for timing in timings]}

    def memory(self) -> Message:
        """What the process holds, and the most that it held for the stack."""
        return {"rss_bytes": memory.rss_bytes(), "peak_bytes": self.peak()}

    def peak(self) -> int:
        """The largest resident set so far, in bytes, of all but what was done aside."""
        self.peak_bytes = max(self.peak_bytes, memory.peak_bytes())
        return self.peak_bytes

    def _inputs(self, step: Step) -> tuple[Sequence[Any], bool]:
        """A step's native inputs, and whether anything had to cross from one framework's form to another's."""
        values: list[Any] = [step.file] if step.file is not None else []
        crossed = False
        for source, kind in zip(step.inputs, step.kinds, strict=True):
            if source in self.values:
                crossed |= (step.framework.name, source) not in self.native_values
                values.append(self._value(step.framework, source))
                continue
            if source not in self.steps:
                place = self.handovers / source
                values.append(str(place) if kind == "saved" else step.framework.prepare(arrays.load(place), kind))
                crossed = True
                continue
            value, producer = self.outputs[source], self.steps[source].framework
            if producer is not step.framework:
                value, crossed = step.framework.prepare(producer.extract(value, kind), kind), True
            values.append(value)
        return [*values, *self._given(step)], crossed

    def _forget(self) -> None:
        """Let go of what no step takes: it was compared by now, and ten answers of 10 million rows fill a memory."""
        self.outputs = {step: value for step, value in self.outputs.items() if self.steps[step].kept}

    def _value(self, framework: Framework, source: str) -> Any:
        place = framework.name, source
        if place not in self.native_values:
            directory, kind = self.values[source]
            self.native_values[place] = framework.prepare(arrays.load(Path(directory)), kind)
        return self.native_values[place]

    @staticmethod
    def _given(step: Step) -> list[Any]:
        return [] if step.given is None else [step.framework.prepare(arrays.load(Path(step.given)), "arrays")]

    @staticmethod
    def _measure(step: Step) -> ModuleType:
        """Julia code is timed inside Julia, by the same protocol."""
        return import_module("twinbench.worker.julia_measure") if step.framework.language == "julia" else measure


def _resolve(step: Message) -> Step:
    op = ops.get(step["op"])
    return Step(
        id=step["id"],
        op=op,
        params=op.build(step["params"]),
        framework=registry.get(step["framework"]),
        inputs=tuple(step["inputs"]),
        file=step["file"],
        given=step["given"],
        kept=step["kept"],
    )
