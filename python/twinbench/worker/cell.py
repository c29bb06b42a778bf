"""A cell inside its worker: the stack's frameworks, the steps, and the native values between the steps."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from functools import partial, wraps
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Concatenate, ParamSpec, TypeVar

from twinbench.frameworks.api import Framework
from twinbench.ops import arrays
from twinbench.ops.contract import NEUTRAL
from twinbench.worker import measure, memory, protocol, recheck
from twinbench.worker.job import Job
from twinbench.worker.protocol import Content, Message, ProtocolError, Request
from twinbench.worker.step import Step, exported, resolve

P = ParamSpec("P")
ReplyType = TypeVar("ReplyType", bound=Content)

ANSWERS: dict[str, Callable[..., Content]] = {}
"""The methods of `Cell` that answer requests, by the request's name."""


def _answers(
    request: Request[ReplyType], *, aside: bool = False
) -> Callable[[Callable[Concatenate[Cell, P], ReplyType]], Callable[Concatenate[Cell, P], ReplyType]]:
    """Register a method of `Cell` as the answer to a request.

    ``aside`` marks a request outside the measurement, such as an agreement check: the memory that it takes isn't
    attributed to the stack.
    """

    def register(method: Callable[Concatenate[Cell, P], ReplyType]) -> Callable[Concatenate[Cell, P], ReplyType]:
        registered = _aside(method) if aside else method
        ANSWERS[request.name] = registered
        return registered

    return register


def _aside(
    method: Callable[Concatenate[Cell, P], ReplyType],
) -> Callable[Concatenate[Cell, P], ReplyType]:
    @wraps(method)
    def answer(cell: Cell, /, *args: P.args, **kwargs: P.kwargs) -> ReplyType:
        cell.peak()
        try:
            return method(cell, *args, **kwargs)
        finally:
            memory.reset_peak()

    return answer


class Cell:
    """The steps of one stack in this worker, and the answers to requests about them."""

    def __init__(self, job: Job) -> None:
        self.threads = job.threads
        self.device = job.device
        self.values = job.values
        """Inputs that no step of the stack makes, such as the dataset's value."""
        self.native_values: dict[tuple[str, str], Any] = {}
        """The same values by framework and source, in the framework's form, once a step has needed them."""
        self.handovers = Path(job.handovers)
        """Directory of the outputs of steps that other workers run, each in a directory named after its step."""
        self.isolated_outputs: dict[str, Any] = {}
        """Outputs of steps on the reference's inputs, where they can't be saved and read back."""
        self.varied_outputs: dict[str, Any] = {}
        """Outputs of steps on inputs that no call had seen before, which later varied steps take."""
        self.varied_digests: dict[str, str] = {}
        """Checksums of these outputs in their neutral form, as they were last seen."""
        self.steps = {step.id: resolve(step) for step in job.steps}
        self.outputs: dict[str, Any] = {}
        """Outputs that later steps take, and the last output."""
        self.calls: dict[str, partial[Any]] = {}
        """Calls that are timed, with their inputs, by step."""
        self.inputs: dict[str, Sequence[Any]] = {}
        """Native inputs of these calls."""
        self.evals: dict[str, int] = {}
        """Evaluations of one sample, by step."""
        self.collected: set[str] = set()
        """Measuring modules whose language's garbage was collected before the first warm-up."""
        self.peak_bytes = 0
        """Largest resident set until the last reset, in bytes."""

    @property
    def frameworks(self) -> list[Framework]:
        """The frameworks of the cell, in the order of their first step."""
        return list({step.framework.name: step.framework for step in self.steps.values()}.values())

    @_answers(protocol.LOAD)
    def load(self) -> protocol.Loaded:
        """Import the frameworks, in the order of their first step, before anything else heavy."""
        times, devices = {}, {}
        for framework in self.frameworks:
            start = perf_counter_ns()
            framework.load(self.threads)
            for step in self.steps.values():
                if step.own is not None and step.framework is framework:
                    step.own.load()
            times[framework.name] = perf_counter_ns() - start
            devices[framework.name] = self._move_to_device(framework)
        rss_bytes = memory.rss_bytes()
        engines = {f.name: _named(f, "engine", f.engine()) for f in self.frameworks}
        return protocol.Loaded(times, devices, engines, rss_bytes)

    def _move_to_device(self, framework: Framework) -> str:
        """Move a framework to the run's device if the framework can use it. Returns the framework's device."""
        if self.device != "cuda" or framework.cuda is None:
            return "cpu"
        measure.wait_for(framework.cuda())
        return "cuda"

    @_answers(protocol.THREAD_COUNTS)
    def thread_counts(self) -> protocol.ThreadCounts:
        """Return the thread counts that the live libraries report, after the first calls."""
        return protocol.ThreadCounts({f.name: _named(f, "threads", f.threads()) for f in self.frameworks})

    @_answers(protocol.FIRST)
    def first(self, step: str) -> protocol.FirstCall:
        """Prepare the inputs, then execute a step for the first time and keep its output."""
        self._free_outputs()
        resolved = self.steps[step]
        start = perf_counter_ns()
        inputs, crossed = self._inputs(resolved)
        boundary = perf_counter_ns() - start if crossed else 0
        call = resolved.call(*inputs)
        self.calls[step], self.inputs[step] = call, inputs
        self.peak()
        memory.reset_peak()
        before = memory.rss_bytes()
        timing, self.outputs[step] = resolved.measure.first_call(call)
        return protocol.FirstCall(
            timing=_sent(timing),
            boundary_ns=boundary,
            rss_increase_bytes=max(0, memory.peak_bytes() - before),
            facts=_named(resolved.framework, "facts", resolved.facts(self.outputs[step])),
        )

    @_answers(protocol.EXTRACT, aside=True)
    def extract(self, step: str, directory: str) -> protocol.Crossing:
        """Convert a step's output to the neutral form and save it, for the agreement check."""
        import numpy  # noqa: F401  saving needs it: not to be imported inside the boundary's time

        resolved = self.steps[step]
        start = perf_counter_ns()
        value = resolved.extract(self.outputs[step])
        boundary = perf_counter_ns() - start
        arrays.save(Path(directory), value)
        return protocol.Crossing(boundary)

    @_answers(protocol.HAND_OVER)
    def hand_over(self, step: str, directory: str) -> protocol.Crossing:
        """Save a step's output for another worker. The time to save is part of the boundary."""
        import numpy  # noqa: F401  not to be imported inside the boundary's time

        resolved = self.steps[step]
        start = perf_counter_ns()
        arrays.save(Path(directory), resolved.extract(self.outputs[step]))
        return protocol.Crossing(perf_counter_ns() - start)

    @_answers(protocol.ISOLATED, aside=True)
    def isolated(self, step: str, inputs: list[str], directory: str) -> protocol.Done:
        """Execute a step on inputs that were saved in directories, and save its output for the agreement check."""
        resolved = self.steps[step]
        values: list[Any] = [] if resolved.file is None else [resolved.file]
        for source, saved, kind in zip(resolved.inputs, inputs, resolved.kinds, strict=True):
            if source in self.isolated_outputs:
                values.append(self.isolated_outputs[source])
            else:
                values.append(resolved.framework.prepare(arrays.load(Path(saved)), kind))
        output = resolved.implementation(resolved.params, *values, *resolved.prepared_given(resolved.given))
        if resolved.op.output not in NEUTRAL or (resolved.own is not None and resolved.op.output == "model"):
            self.isolated_outputs[step] = output
        arrays.save(Path(directory), resolved.extract(output))
        if resolved.op.output == "saved":
            self.calls[step]()  # the file holds the stack's own output again
        return protocol.Done()

    @_answers(protocol.AGAIN, aside=True)
    def again(self, step: str, scoring: str, given: str, directory: str) -> protocol.Retrained:
        """Train once more from other givens, score, and save ``scores`` and ``losses``."""
        resolved, scorer = self.steps[step], self.steps[scoring]
        *inputs, _ = self.inputs[step]  # the givens come last
        start = resolved.framework.prepare(arrays.load(Path(given)), "arrays")
        timing, model = resolved.measure.first_call(resolved.call(*inputs, start))
        sources = zip(scorer.inputs, self.inputs[scoring], strict=True)
        scores = scorer.implementation(
            scorer.params, *(model if source == step else value for source, value in sources)
        )
        losses = resolved.framework.extract(model, "model")["losses"]
        arrays.save(Path(directory), scorer.framework.extract(scores, "arrays") | {"losses": losses})
        return protocol.Retrained(timing.wall_ns)

    @_answers(protocol.REPEAT, aside=True)
    def repeat(self, step: str, directory: str) -> protocol.Repeated:
        """Execute a step once more after its bursts, by the same clock, and save the output."""
        resolved = self.steps[step]
        timing, output = resolved.measure.first_call(self.calls[step])
        arrays.save(Path(directory), resolved.extract(output))
        return protocol.Repeated(timing.cpu_ns)

    @_answers(protocol.VARIED, aside=True)
    def varied(
        self, step: str, inputs: dict[str, str], file: str | None, given: str | None, directory: str
    ) -> protocol.Varied:
        """Execute a step on inputs that no call has seen before, and save the output.

        ``inputs`` are directories by source, for sources that no earlier varied step has made. A file is deleted after
        the call. What was measured is freed first, and can't be measured again.
        """
        for measured in (self.calls, self.inputs, self.outputs, self.native_values, self.isolated_outputs):
            measured.clear()
        producers = {source: self.steps[source] for source in self.varied_outputs}
        values = recheck.inputs(self.steps[step], inputs, file, self.varied_outputs, producers)
        crossing = [
            s for s, made in producers.items() if s in inputs or made.framework is not self.steps[step].framework
        ]
        digests = {s: digest for s, digest in self.varied_digests.items() if s not in crossing}
        output, reply = recheck.varied(self.steps[step], values, file, given, Path(directory), digests)
        self.varied_digests |= digests
        if self.steps[step].needed:
            self.varied_outputs[step] = output
        return reply

    @_answers(protocol.KEEP, aside=True)
    def keep(self, step: str, directory: str) -> protocol.KeptModel:
        """Copy a step's trained model, as own code or the framework exports it, into a directory. Untimed."""
        path = exported(self.steps, self.outputs, step)
        if path is None:
            return protocol.KeptModel("")
        if path.is_dir():
            shutil.copytree(path, Path(directory) / path.name)
        else:
            shutil.copy(path, directory)
        return protocol.KeptModel(path.name)

    @_answers(protocol.SCORE)
    def score(self, step: str, rows: Message) -> protocol.Scores:
        """Score rows that come with the request, by a step that takes a model. For serving; not measured."""
        resolved = self.steps[step]
        native = resolved.framework.prepare({"x_test": arrays.unpack(rows)}, "arrays")
        scores = resolved.implementation(resolved.params, self.outputs[resolved.inputs[0]], native)
        return protocol.Scores(arrays.pack(resolved.framework.extract(scores, "arrays")["scores"]))

    @_answers(protocol.WARM_UP)
    def warm_up(self, step: str, limit_ns: int) -> protocol.WarmUp:
        """Calibrate, then run until the times have settled. A step that is a user's request isn't calibrated."""
        measured, call = self._to_warm(step)
        resolved = self.steps[step]
        self.evals[step] = 1 if resolved.op.is_request(resolved.params) else measured.calibrate(call)
        return _warm(self.evals[step], measured.warm_up(call, self.evals[step], limit_ns))

    @_answers(protocol.WARM_AGAIN)
    def warm_again(self, step: str, evals: int, time_ns: float, collector_limit_ns: int) -> protocol.WarmUp:
        """Warm up as an earlier process has shown to be enough, with samples of as many evaluations as there."""
        measured, call = self._to_warm(step)
        self.evals[step] = evals
        return _warm(evals, measured.warm_again(call, evals, time_ns, collector_limit_ns))

    def _to_warm(self, step: str) -> tuple[Any, Callable[[], Any]]:
        """Return a step's measuring module and call, after garbage is collected once in each language."""
        self._free_outputs()
        measured = self.steps[step].measure
        if measured.__name__ not in self.collected:
            self.collected.add(measured.__name__)
            measured.collect()
        return measured, self.calls[step]

    @_answers(protocol.BURST)
    def burst(self, step: str, min_samples: int, limit_ns: int) -> protocol.Burst:
        """Take one burst of samples."""
        measured, call = self.steps[step].measure, self.calls[step]
        timings = measured.burst(call, self.evals[step], min_samples, limit_ns)
        return protocol.Burst(tuple(_sent(timing) for timing in timings))

    @_answers(protocol.MEMORY)
    def memory(self) -> protocol.Memory:
        """Return the memory that the process holds, and the most that it held for the stack."""
        return protocol.Memory(memory.rss_bytes(), self.peak())

    def peak(self) -> int:
        """Return the largest resident set so far, in bytes, without the requests that were served aside."""
        self.peak_bytes = max(self.peak_bytes, memory.peak_bytes())
        return self.peak_bytes

    def _inputs(self, step: Step) -> tuple[Sequence[Any], bool]:
        """Return a step's native inputs, and whether any was converted from another form."""
        values: list[Any] = [step.file] if step.file is not None else []
        crossed = False
        for source, kind in zip(step.inputs, step.kinds, strict=True):
            if source in self.values:
                crossed |= (step.framework.name, source) not in self.native_values
                values.append(self._value(step.framework, source))
                continue
            if source not in self.steps:
                saved = self.handovers / source
                values.append(str(saved) if kind == "saved" else step.framework.prepare(arrays.load(saved), kind))
                crossed = True
                continue
            value, producer = self.outputs[source], self.steps[source].framework
            if producer is not step.framework:
                value, crossed = step.framework.prepare(producer.extract(value, kind), kind), True
            values.append(value)
        return [*values, *step.prepared_given(step.given)], crossed

    def _free_outputs(self) -> None:
        """Free outputs that no later step takes.

        Their agreement has been checked, and ten results of 10 million rows wouldn't fit in memory.
        """
        self.outputs = {step: value for step, value in self.outputs.items() if self.steps[step].needed}

    def _value(self, framework: Framework, source: str) -> Any:
        key = framework.name, source
        if key not in self.native_values:
            saved = self.values[source]
            kind: Any = saved.kind
            self.native_values[key] = framework.prepare(arrays.load(Path(saved.directory)), kind)
        return self.native_values[key]


def _named(framework: Framework, function: str, value: Any) -> dict[str, Any]:
    """Return what a function of a framework says, by name. Raises ProtocolError if it says something else."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ProtocolError(f"{function} of {framework.name}: {ascii(value)[:40]} instead of values by name")
    return dict(value)


def _warm(evals: int, warm: measure.WarmUp) -> protocol.WarmUp:
    return protocol.WarmUp(evals, *astuple(warm))


def _sent(timing: measure.Timing) -> protocol.Timing:
    return protocol.Timing(timing.wall_ns, timing.cpu_ns, timing.gc_ns, timing.evals)
