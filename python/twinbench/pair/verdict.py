"""The verdict on a pair: given inputs first, then others like them; the smallest input on which a function differs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from twinbench.pair.code import Code
from twinbench.pair.inputs import Input
from twinbench.pair.judge import Judge, layout, short_line
from twinbench.pair.layout import handover
from twinbench.pair.process import Died
from twinbench.pair.session import Ending, Function, Outcome, Session

if TYPE_CHECKING:
    from twinbench.store.records import Kind


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a function, on one input."""

    function: str
    """Name of the function."""
    text: str
    """What is wrong: a phrase whose subject is the function or its result."""
    example: Input
    drawn: bool
    """Whether the input was drawn, and made as small as possible."""
    expected: Outcome | None = None
    """What the reference did; None where the function is wrong by itself."""
    kind: Kind = ""
    """How its process ended, or "threads"; empty where the text says it all, and where the answer is wrong."""


@dataclass(slots=True)
class Verdict:
    """What is known about all functions of a pair."""

    reference: str
    candidates: list[str]
    seed: int
    given: int = 0
    """Number of given inputs."""
    drawn: int = 0
    """Number of drawn inputs on which functions were compared."""
    also: str = ""
    """What was drawn beside values like those given, in words."""
    both_raised: int = 0
    """Number of inputs, given or drawn, on which the reference raised an exception."""
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    handover: str = ""
    """How Julia gets arrays of two or more dimensions, if there are some."""
    functions: dict[str, Function] = field(default_factory=dict)
    """The functions by name; their processes have ended."""
    answers: list[tuple[Input, Outcome]] = field(default_factory=list)
    """The given inputs with what the reference answered, without those that it didn't answer."""
    code: dict[str, Code] = field(default_factory=dict)
    """What each function is, by its name; empty where nothing is timed."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def of(self, function: str) -> list[Finding]:
        """Return the findings about a function."""
        return [finding for finding in self.findings if finding.function == function]


@dataclass(frozen=True, slots=True)
class Search:
    """How many inputs are drawn, and which ones."""

    examples: int = 200
    seconds: float = 10.0
    seed: int | None = None
    edge: bool = False
    allowed: Callable[[Input], bool] = lambda _: True

    @classmethod
    def of(cls, generate: int | None, seed: int | None, *, edge: bool) -> Self:
        """Return the usual search, or one for a number of inputs, in nearly any time."""
        usual = cls(seed=seed, edge=edge)
        return usual if generate is None else replace(usual, examples=generate, seconds=3600.0)


DRAWN_S = 5.0
"""Longest wait, in seconds, for an answer to a drawn input; a reference that takes longer isn't meant for the input."""


class _Dead(BaseException):
    """A process that ended while inputs were drawn; hypothesis lets it through."""


class Trial:
    """One comparison of the functions of a session."""

    def __init__(self, session: Session, judge: Judge, search: Search) -> None:
        self.session, self.judge, self.search = session, judge, search
        self.first: dict[str, Outcome] = {}
        self.unanswered = 0
        self.raised = ""
        """The first exception of the reference."""
        self.answered = False
        """Whether the reference has answered any input."""
        self.undetermined: dict[str, str] = {}
        """By function a difference that isn't counted, because the reference's answer is rounding noise."""
        seed = secrets.randbelow(2**32) if search.seed is None else search.seed
        names = [function.name for function in session.functions]
        self.verdict = Verdict(names[0], names[1:], seed)
        self.verdict.functions = dict(zip(names, session.functions, strict=True))

    def run(self, given: Iterable[Input]) -> Verdict:
        """Compare the functions on the given inputs, and then on drawn ones."""
        inputs = list(given)
        self.verdict.handover = handover((function.target for function in self.session.functions), inputs)
        for example in inputs:
            self.verdict.given += 1
            self._one_given(example)
        if len(inputs) > 1:
            self._again(inputs[0])
        if inputs and any(example.values() for example in inputs) and self.search.examples:
            self._draw(inputs)
        if self.raised and not self.answered:
            self.verdict.notes.append(f"no result is compared: the reference raises on every input, {self.raised}")
        for name, said in self.undetermined.items():
            text = "there the reference's own answer changes as much when its inputs change in the last place"
            self.verdict.notes.append(f"{name} differs by rounding noise, which isn't counted: {said}; {text}")
        if self.unanswered:
            text = f"the reference gives no answer within {DRAWN_S:g} s to {self.unanswered} of the drawn inputs"
            self.verdict.notes.append(f"{text}; --where keeps such inputs out")
        return self.verdict

    def _live(self) -> list[Function]:
        """Return the functions without a finding by themselves, such as a change of an argument or a crash."""
        alone = {finding.function for finding in self.verdict.findings if finding.expected is None}
        return [function for function in self.session.functions if function.name not in alone]

    def _one_given(self, example: Input) -> None:
        functions = self._live()
        outcomes = self.session.outcomes(functions, example, twice=True)
        for function, outcome in zip(functions, outcomes, strict=True):
            self._alone(function, outcome, example, drawn=False)
            if isinstance(outcome, Outcome):
                self.first.setdefault(function.name, outcome)
        if not functions or functions[0] is not self.session.functions[0] or not isinstance(outcomes[0], Outcome):
            return
        self.verdict.both_raised += outcomes[0].raised is not None
        self.verdict.answers.append((example, outcomes[0]))
        self._note_answer(outcomes[0])
        for function, outcome in zip(functions[1:], outcomes[1:], strict=True):
            if isinstance(outcome, Outcome) and not self.verdict.of(function.name):
                self._compare(function, outcome, outcomes[0], example, drawn=False)

    def _compare(
        self, function: Function, outcome: Outcome, reference: Outcome, example: Input, *, drawn: bool
    ) -> bool:
        """Record how an outcome differs from the reference's, and whether only earlier calls make it differ."""
        said = self._difference(function, reference, outcome, example)
        if said is None:
            return False
        fresh = self._fresh(function, example)
        if fresh is not None and self.judge.difference(reference, fresh, example) is None:
            said = f"keeps state between calls; after other inputs: {said}"
            self._found(function, said, example, drawn=drawn)
        else:
            self._found(function, said, example, drawn=drawn, expected=reference)
        return True

    def _difference(self, function: Function, reference: Outcome, outcome: Outcome, example: Input) -> str | None:
        """Say how an outcome differs from the reference's where that one is determined; None where it doesn't."""
        from twinbench.pair import stability

        said = self.judge.difference(reference, outcome, example, julia=layout(function))
        if said is None or self.judge.compare or reference.raised is not None or outcome.raised is not None:
            return said
        for ask in (False, True):
            moved = self._moved(example) if ask else None
            result = stability.settled(reference.result, outcome.result, moved)
            left = self.judge.difference(reference, replace(outcome, result=result), example, julia=layout(function))
            if left is not None:
                return left if ask else said
        self.undetermined.setdefault(function.name, said)
        return None

    def _moved(self, example: Input) -> list[list[Any]]:
        """Return what the reference returns for an input whose numbers are moved by rounding errors, by direction."""
        from twinbench.pair import stability

        reference = self.session.functions[0]
        results: list[list[Any]] = []
        for side in stability.moved_inputs(example):
            results.append([])
            for each in side:
                (outcome,) = self.session.outcomes([reference], each, timeout_s=DRAWN_S)
                if isinstance(outcome, Ending):
                    self.session.restart(reference)
                elif outcome.raised is None:
                    results[-1].append(outcome.result)
        return results

    def _fresh(self, function: Function, example: Input) -> Outcome | None:
        """Return what the first call of a function does that was loaded anew; None where its process ends."""
        try:
            self.session.reload(function)
        except Died:
            return None
        fresh = self.session.outcomes([function], example)[0]
        return fresh if isinstance(fresh, Outcome) else None

    def _alone(self, function: Function, outcome: Outcome | Ending, example: Input, *, drawn: bool) -> None:
        """Record what is wrong with a function by itself."""
        if isinstance(outcome, Ending):
            self._found(function, outcome.text, example, drawn=drawn, kind=outcome.kind)
            return
        if outcome.printed and not any(note.startswith(f"{function.name} prints") for note in self.verdict.notes):
            self.verdict.notes.append(f"{function.name} prints: {short_line(outcome.printed)}")
        excess = self.judge.excess(outcome)
        if excess is not None:
            self._found(function, excess, example, drawn=drawn, kind="threads")
            return
        said = self.judge.fault(outcome, example)
        if said is None:
            return
        if outcome.changed and not self.judge.mutates:
            self._found(function, said, example, drawn=drawn)
            return
        self._found(function, f"{self._why(function, outcome, example)}: two calls give {said}", example, drawn=drawn)

    def _why(self, function: Function, outcome: Outcome, example: Input) -> str:
        fresh = self._fresh(function, example)
        if fresh is None or self.judge.difference(replace(outcome, second=None), fresh, example):
            return "isn't deterministic"
        return "keeps state between calls"

    def _again(self, example: Input) -> None:
        """Call each function once more with the first input: what other inputs left behind shows now."""
        functions = [function for function in self._live() if function.name in self.first]
        after = self.session.outcomes(functions, example)
        for function, outcome in zip(functions, after, strict=True):
            if isinstance(outcome, Outcome):
                said = self.judge.difference(self.first[function.name], outcome, example)
                if said is not None:
                    self._found(function, f"keeps state between calls: before and after other inputs {said}", example)

    def _found(
        self,
        function: Function,
        text: str,
        example: Input,
        *,
        drawn: bool = False,
        expected: Outcome | None = None,
        kind: Kind = "",
    ) -> None:
        self.verdict.findings.append(Finding(function.name, text, example, drawn, expected, kind))

    def _draw(self, given: list[Input]) -> None:
        """Draw inputs for all candidates at once; one that differs leaves with its smallest input, the others go on."""
        from twinbench.pair import draw, search

        self.verdict.also = draw.unseen(given, edge=self.search.edge)
        strategy = draw.strategy(given, edge=self.search.edge)
        reference = self.session.functions[0]
        candidates = [f for f in self._live() if f is not reference]
        both_raised = self.verdict.both_raised
        while candidates and reference in self._live():
            self.verdict.both_raised = both_raised  # of the last search only
            asked = candidates
            try:
                example, tried = search.smallest(
                    strategy,
                    lambda drawn, asked=asked: self._passes(asked, drawn),  # type: ignore[misc]  # bound now: asked changes
                    self.search.allowed,
                    examples=self.search.examples,
                    seconds=self.search.seconds,
                    seed=self.verdict.seed,
                )
            except _Dead:
                candidates = [f for f in self._live() if f in candidates]
                continue
            if example is None:
                self.verdict.drawn = max(self.verdict.drawn, tried)
                return
            wrong = self._confirm(candidates, example)
            left = [function for function in candidates if function.name not in wrong]
            if len(left) == len(candidates):
                return
            candidates = left

    def _passes(self, candidates: list[Function], example: Input) -> bool:
        functions = [self.session.functions[0], *candidates]
        outcomes = self.session.outcomes(functions, example, timeout_s=DRAWN_S)
        if functions[0].process.hung:
            self.unanswered += 1
            for function in functions:
                if function.process.hung:
                    self.session.restart(function)
            return True
        for function, outcome in zip(functions, outcomes, strict=True):
            if isinstance(outcome, Ending):
                self._found(function, outcome.text, example, drawn=True, kind=outcome.kind)
        if any(isinstance(outcome, Ending) for outcome in outcomes):
            raise _Dead
        first = outcomes[0]
        assert isinstance(first, Outcome)
        self._note_answer(first)
        if any(self._wrong(functions, outcomes, example)):
            return False
        self.verdict.both_raised += first.raised is not None
        return True

    def _note_answer(self, outcome: Outcome) -> None:
        """Note whether the reference answers at all; without an answer no result is compared."""
        self.raised = self.raised or outcome.says
        self.answered = self.answered or outcome.raised is None

    def _wrong(self, functions: list[Function], outcomes: list[Outcome | Ending], example: Input) -> list[str]:
        """Return the names of the functions with which something is wrong."""
        first = outcomes[0]
        assert isinstance(first, Outcome)
        names = []
        for function, outcome in zip(functions, outcomes, strict=True):
            if isinstance(outcome, Outcome):
                said = self.judge.fault(outcome, example)
                said = said or self._difference(function, first, outcome, example)
                names += [function.name] if said else []
        return names

    def _confirm(self, candidates: list[Function], example: Input) -> list[str]:
        """Call the functions once more on the smallest input, note what is wrong, and return the functions' names."""
        functions = [self.session.functions[0], *candidates]
        outcomes = self.session.outcomes(functions, example, twice=True)
        before = len(self.verdict.findings)
        for function, outcome in zip(functions, outcomes, strict=True):
            self._alone(function, outcome, example, drawn=True)
        new = {finding.function for finding in self.verdict.findings[before:]}
        reference = outcomes[0]
        for function, outcome in zip(functions[1:], outcomes[1:], strict=True):
            if isinstance(outcome, Ending) or isinstance(reference, Ending) or function.name in new:
                continue
            if self._compare(function, outcome, reference, example, drawn=True):
                new.add(function.name)
        return list(new)
