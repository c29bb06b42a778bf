"""The check that what is timed is what agreed, after all is measured and outside every figure.

Each step is called once more on the inputs of its samples, and its output must agree as the first one did. Then the
whole pipeline is executed on other data of the same shapes, whose answer the reference knows. So an answer from a memo,
a call that goes on from where the last one ended, one that changes its inputs, and one that puts its work off until
its answer is read are found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock
from time import monotonic

from twinbench.launch import saved
from twinbench.launch.process import Ask, WorkerFailure, scratch
from twinbench.ops.contract import NEUTRAL, Arrays, Kind
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.plan.stack import Stack
from twinbench.plan.stack import deviation as deviation_of
from twinbench.run.agree import reference as references
from twinbench.run.agree import variation
from twinbench.run.agree.agreement import check_agreement
from twinbench.run.agree.reference import FIRST_LOSSES, Reference
from twinbench.run.outputs import costs_its_cell_only, different
from twinbench.store.records import Agreement
from twinbench.worker import protocol
from twinbench.worker.protocol import Repeated, Varied

MEMO_FACTOR = 8
"""How many times longer a call may take on inputs that no call has seen before. Cold caches of the processor cost an
honest call up to three times its time."""

MEMO_NS = 200_000
"""Least nanoseconds that must be missing before a call is said to answer from a memo: the first call after a pause of
a microsecond's work takes up to 0.1 ms."""

DEFERRED_FACTOR = 4
"""How many times longer than the call and the conversion of an equal value the conversion of an output may take."""

DEFERRED_NS = 5_000_000
"""Least nanoseconds of a conversion that is said to do the call's work."""

TWICE_S = 5.0
"""Most seconds that the steps take on other data, for them to be executed on further data without a suspicion."""

TRIES = 3
"""Variations that must all show a memo, or work that is put off: a disturbance shows in one."""


VARYING = Lock()
"""Lock of the thread that computes the reference's answers to a variation, so that no other computes them, too."""


def planned(step: Step, findings: Sequence[Agreement], directory: Path) -> dict[str, Arrays | None]:
    """Return the step if its first output agrees; with this output, where the reference's has other inputs."""
    if not all(finding.ok or finding.declared for finding in findings):
        return {}
    return {step.id: saved.output(step.id, directory, mapped=False) if step.isolated else None}


def prepare(pipeline: Pipeline, reference: Reference) -> None:
    """Compute the reference's answers to the first variation, unless they are cached.

    Ctrl-C ends this function at once, but not what other threads do.
    """
    with suppress(WorkerFailure):  # then the checks do without other data
        references.varied(pipeline, reference, 0)


def recheck(
    ask: Ask, pipeline: Pipeline, stack: Stack, reference: Reference, steps: Mapping[str, Arrays | None]
) -> Iterator[Agreement]:
    """Yield a finding for each output, input or time that isn't as it was when the first outputs agreed.

    ``steps`` is the union of what `planned` returned. The worker can't measure any more afterwards.
    """
    with scratch() as directory:
        checks = _Checks(ask, pipeline, stack, reference, Path(directory))
        planned_steps = [step for step in pipeline.steps if step.id in steps]
        repeated: dict[str, Repeated] = {}
        for step in planned_steps:
            repeated[step.id], findings = checks.repeated(step, steps[step.id])
            yield from findings
        yield from checks.varied(planned_steps, repeated)


class _Checks:
    def __init__(self, ask: Ask, pipeline: Pipeline, stack: Stack, reference: Reference, directory: Path) -> None:
        self.ask = ask
        self.pipeline = pipeline
        self.stack = stack
        self.reference = reference
        self.directory = directory
        self.calls = 0
        self.executed: set[str] = set()
        """Steps that the worker has executed on the present variation."""

    def _output(self) -> Path:
        """Return a new directory for an output."""
        self.calls += 1
        return self.directory / str(self.calls)

    def repeated(self, step: Step, first: Arrays | None) -> tuple[Repeated, list[Agreement]]:
        """Call a step once more, and check its output: against the first one if given, or else the reference's."""
        output = self._output()
        answer = self.ask(protocol.REPEAT, step=step.id, directory=str(output))
        want = self.reference.output(step.id) if first is None else first
        return answer, self._disagreements(step, output, want, self.reference, "after the last sample")

    def varied(self, steps: Sequence[Step], repeated: Mapping[str, Repeated]) -> Iterator[Agreement]:
        """Execute the steps on other data, twice if that is quick.

        Suspicious times must show on `TRIES` variations to be reported.
        """
        suspects: dict[str, str] = {}
        wrong: set[str] = set()
        start = monotonic()
        for number in range(TRIES):
            if number > 0 and not suspects and (number > 1 or monotonic() - start > TWICE_S):
                return
            try:
                with VARYING:
                    variant = references.varied(self.pipeline, self.reference, number)
            except WorkerFailure:  # the reference's, on other data: no stack is to blame
                return
            if variant is None:
                return
            self.executed.clear()
            found: dict[str, str] = {}
            for step in filter(self._able, steps):
                output = self._output()
                answer = self._call(step, variant, output)
                self.executed.add(step.id)
                want = variant.output(step.id)
                findings = self._disagreements(step, output, want, variant, "on other rows of the same data")
                findings += _broken(step, answer)
                if step.id not in wrong:
                    yield from findings
                wrong |= {finding.step for finding in findings}
                if reason := suspicious(answer, repeated[step.id]):
                    found[step.id] = reason
            suspects = {step: reason for step, reason in found.items() if number == 0 or step in suspects}
        for suspect, reason in suspects.items():
            yield different(suspect, "time", reason)

    def _able(self, step: Step) -> bool:
        """Whether a step's inputs can be had: a saved model exists only where its step was executed."""
        return all(kind in NEUTRAL or self._made_here(step, source) for source, kind in _sources(step))

    def _made_here(self, step: Step, source: str) -> bool:
        """Whether the step's worker has made a source on the present variation."""
        maker = self.stack.steps.get(source)
        return (
            source in self.executed and maker is not None and maker.environment == self.stack.steps[step.id].environment
        )

    def _call(self, step: Step, variant: Reference, output: Path) -> Varied:
        foreign = {
            source: variant.directory_of(source)
            for source, kind in _sources(step)
            if kind in NEUTRAL and (step.isolated or not self._made_here(step, source))
        }
        file = None
        if step.id in variant.files:
            original = Path(variant.files[step.id])
            file = self._output() / original.name
            variation.copy(original, file)
        try:
            return self.ask(
                protocol.VARIED,
                step=step.id,
                inputs=foreign,
                file=None if file is None else str(file),
                given=variant.given(step.id),
                directory=str(output),
            )
        except WorkerFailure as failure:
            reason = f"{failure.reason} (on other rows of the same data)"
            raise WorkerFailure(failure.kind, reason, failure.output) from failure

    def _disagreements(
        self, step: Step, output: Path, want: Arrays, reference: Reference, when: str
    ) -> list[Agreement]:
        deviation = deviation_of(self.stack.steps[step.id], step.op.name)
        scale, values = reference.scale(step.id), reference.inputs(step)
        with costs_its_cell_only(step):
            got = saved.output(step.id, output)
            if (
                reference is not self.reference
                and step.op.role == "train"
                and len(got.get("losses", ())) > FIRST_LOSSES
            ):
                # On the pipeline's own data the whole training is checked. On others, two honest ones may part later.
                got, want, scale = (_beginning(parts) for parts in (got, want, scale))
                values = []
            findings = check_agreement(step.op, got, want, deviation, step.params, scale, values)
        return [
            replace(finding, step=step.id, detail=f"{when}: {finding.detail}")
            for finding in findings
            if not (finding.ok or finding.declared)
        ]


def _beginning(training: Arrays) -> Arrays:
    """Keep the first losses of a training, or their scales: a training of other data or weights differs in them."""
    return {name: values[:FIRST_LOSSES] for name, values in training.items() if name == "losses"}


def _sources(step: Step) -> Iterator[tuple[str, Kind]]:
    """Yield the inputs that aren't files, with their kinds."""
    yield from zip(step.inputs, (kind for kind in step.op.inputs if kind != "file"), strict=True)


def _broken(step: Step, answer: Varied) -> Iterator[Agreement]:
    """Yield the promises about inputs and outputs that a call on other data broke."""
    for source in answer.changed:
        if source not in step.inputs:
            raise WorkerFailure("protocol", f"varied {step.id}: changed: {ascii(source)[:40]} is not an input")
        yield different(step.id, source, "the call changes its input; let it work on a copy")
    if answer.form:
        yield different(step.id, "type", f"the call returns {answer.form}, so what is timed may not be the whole work")


def suspicious(answer: Varied, repeated: Repeated) -> str:
    """Say why the processor times of a call on other data make the timed calls doubtful; empty if they don't."""
    if answer.cpu_ns > MEMO_FACTOR * repeated.cpu_ns + MEMO_NS:
        times = f"{repeated.cpu_ns / 1e6:.3g} ms on inputs that it has seen and {answer.cpu_ns / 1e6:.3g} ms on others"
        return f"the call answers from a memo: it takes {times}"
    if answer.extract_ns > DEFERRED_FACTOR * (answer.equal_ns + answer.cpu_ns) + DEFERRED_NS:
        times = f"{answer.extract_ns / 1e6:.3g} ms, and {answer.equal_ns / 1e6:.3g} ms for an equal value"
        return f"reading the output takes {times}: the call leaves work undone that isn't timed then"
    return ""
