"""A cell of a pipeline while it is measured: its workers, the agreement with the reference, and its model.

A failure ends this cell only. The samples before it stay in the store.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench import metrics
from twinbench.launch import saved
from twinbench.launch.process import START_TIMEOUT_S, WorkerFailure
from twinbench.launch.team import Team
from twinbench.ops.contract import Arrays
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.plan.stack import Stack, left_out
from twinbench.run import recheck
from twinbench.run.agree.reference import Reference
from twinbench.run.ending import add_fact, check_frameworks
from twinbench.run.jobs import jobs
from twinbench.run.measurable import Measurable, and_more
from twinbench.run.models import keep, mistakes, quality, retrain
from twinbench.run.outputs import check_output, costs_its_cell_only, held_as_input
from twinbench.run.surroundings import SURROUNDINGS, Surroundings
from twinbench.store.records import MODEL, NO_QUALITY, Agreement, Status
from twinbench.worker import protocol
from twinbench.worker.protocol import FirstCall

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(slots=True, kw_only=True)
class Contender(Measurable[Step]):
    """A cell of a pipeline and, while it is alive, its worker."""

    stack: Stack
    pipeline: Pipeline
    reference: Reference
    environment: Mapping[str, str]
    slices: Mapping[str, NDArray[Any]]
    """Values of the test rows, by slicing column."""
    rechecks: dict[str, Arrays | None] = field(default_factory=dict)
    """The steps whose first outputs agree; with the first output where it is what later ones must equal."""
    held: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """How the framework holds the output of each step, by column."""

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.stack.name

    @property
    def work(self) -> Pipeline:
        """The pipeline."""
        return self.pipeline

    @property
    def steps(self) -> list[Step]:
        """Steps that this stack runs, in order."""
        return [step for step in self.pipeline.steps if step.id in self.stack.steps]

    @property
    def declared(self) -> dict[str, str]:
        """Reasons why the library can't follow the contract, by step."""
        reasons: dict[str, str] = {}
        for a in self.store.agreements(self.cell):
            if a.declared:
                reasons.setdefault(a.step, a.declared)
        return reasons

    def start(self, process: int, surroundings: Surroundings) -> None:
        """Start a fresh process and import the frameworks. Thread counts are verified later, once the pools exist."""
        self.process = process
        self.store.set_status(self.cell, Status.RUNNING)
        self.store.add_fact(self.cell, "", f"{SURROUNDINGS}:{process}", surroundings.as_json())
        variables = {**self.environment, **surroundings.variables()}
        self.worker = Team(
            jobs(self.pipeline, self.stack, self.reference, self.options), variables, self.options.memory_limit
        )
        answer = self.worker.ask(protocol.LOAD, START_TIMEOUT_S)
        check_frameworks(self.stack, "load", answer.imports)
        self._add([self._sample("", "import", ns, name) for name, ns in answer.imports.items()])
        add_fact(self.store, self.cell, "", "rss_after_import_bytes", answer.rss_bytes)
        add_fact(self.store, self.cell, "", "devices", answer.devices)
        add_fact(self.store, self.cell, "", "engines", answer.engines)
        for left, reason in left_out(self.stack, self.pipeline).items():
            self.store.add_fact(self.cell, left, "unsupported", reason)

    def first_call(self, step: Step) -> FirstCall:
        """Execute a step for the first time."""
        answer = Measurable.first_call(self, step)
        self.held[step.id] = answer.facts
        if not self.agreement_checked:
            add_fact(self.store, self.cell, step.id, "held_as", answer.facts)
        return answer

    def agree(self, step: Step, scratch: Path) -> list[Agreement]:
        """Check that a step's output agrees with the reference's, and store the findings."""
        directory = scratch / step.id
        answer = self._ask(protocol.EXTRACT, step=step.id, directory=str(directory))
        self._add([self._sample(step.id, "boundary", answer.boundary_ns, "out")])
        findings = check_output(self._ask, step, self.stack, self.reference, directory)
        findings += held_as_input(step, self.held)
        self.store.add_agreements(self.cell, findings)
        if (parts_at := self.reference.parts_at(step)) is not None:
            self.store.add_fact(self.cell, step.id, "parts_at", parts_at)
        examples = self.reference.examples(step)
        if examples:
            self.store.add_fact(self.cell, step.id, "examples", examples)
        if step.op.is_request(step.params):
            self.store.add_fact(self.cell, step.id, "request", True)
        if quality.scores_all(step) and not any(f.error == float("inf") for f in findings):
            with costs_its_cell_only(step):
                self._score(self.reference.output(step.inputs[1]), saved.output(step.id, directory))
        self.rechecks |= recheck.planned(step, findings, directory)
        shutil.rmtree(directory, ignore_errors=True)
        return findings

    def _score(self, labels: Arrays, scores: Arrays) -> None:
        """Store the metrics of predictions, or why they can't be computed, and the errors."""
        obstacle = metrics.obstacle(labels["y_test"], scores["scores"])
        if obstacle:
            self.store.add_fact(self.cell, "", NO_QUALITY, obstacle)
        for metric, value in metrics.evaluate(labels["y_test"], scores["scores"]).items():
            self.store.add_quality(self.cell, metric, value)
        mistakes.keep(self.store, self.cell, labels["y_test"], scores["scores"], self.slices)

    def agreed(self, directory: Path) -> None:
        """Store the trained model."""
        exported = keep.model(self._ask, self.pipeline, self.stack, self.reference, directory)
        if exported is not None:
            for name, content in exported.files.items():
                self.store.add_file(self.cell, name, content)
            self.store.add_fact(self.cell, "", MODEL, exported.about)

    def train_again(self, directory: Path) -> None:
        """Store loss and quality over time, and quality from other seeds, after the first calls have compiled."""
        for training in retrain.trained(self.pipeline):
            if training.step.id in self.stack.steps and not self.disagreements:
                with costs_its_cell_only(training.step):
                    self._train_again(training, directory)

    def _train_again(self, training: retrain.Trained, directory: Path) -> None:
        typical_s = self.typical_ns[training.step.id] / 1e9
        points = [asdict(p) for p in retrain.curve(self._ask, training, self.reference, typical_s, directory)]
        add_fact(self.store, self.cell, training.step.id, "curve", points)
        seeds = retrain.other_seeds(self._ask, training, self.reference, self.options.seeds, directory)
        for seed, values in seeds:
            for metric, value in values.items():
                self.store.add_quality(self.cell, metric, value, seed)

    def check_threads(self) -> None:
        """Refuse a stack whose libraries use more threads than the run allows."""
        counts = self._ask(protocol.THREAD_COUNTS).threads
        check_frameworks(self.stack, "thread_counts", counts)
        add_fact(self.store, self.cell, "", "threads", counts)
        asked = self.options.threads
        wrong = [
            f"{framework} {pool}: {count}"
            for framework, pools in counts.items()
            for pool, count in pools.items()
            if count > asked
        ]
        if wrong:
            raise WorkerFailure("threads", f"runs on more than {asked} thread(s): {', '.join(wrong)}")

    def prepare_recheck(self) -> None:
        """Compute the reference's answers on other data."""
        recheck.prepare(self.pipeline, self.reference)

    def recheck(self) -> list[Agreement]:
        """Return what the last outputs and a run on other data disagree in; the process can't be measured any more.

        Another thread may call this method: it leaves the store alone.
        """
        assert self.worker is not None
        self.worker.resume()
        return list(recheck.recheck(self._ask, self.pipeline, self.stack, self.reference, self.rechecks))

    def finish(self) -> None:
        """Give the cell its final status.

        Where steps are independent, a declared deviation in one step doesn't affect the status.
        """
        if not self.failed and not self.disagreements and not self.pipeline.independent and (declared := self.declared):
            reasons = [f"{step}: {reason}" for step, reason in declared.items()]
            self.store.set_status(self.cell, Status.DISAGREES, kind="unsupported", reason=and_more(reasons))
            return
        Measurable.finish(self)
