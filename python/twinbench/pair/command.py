"""From what the command line asks for to a verdict, and the verdict in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from twinbench.errors import BadInput, TwinbenchError
from twinbench.pair import inputs, target
from twinbench.pair.callee import wire
from twinbench.pair.code import Code
from twinbench.pair.differences import Rules
from twinbench.pair.inputs import Input
from twinbench.pair.judge import Compare, Judge
from twinbench.pair.process import START_S, Died
from twinbench.pair.session import Function, Session
from twinbench.pair.target import Layout, Target
from twinbench.pair.verdict import Finding, Search, Trial, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for."""

    functions: Sequence[str | Target]
    inputs: list[str]
    cases: str | None
    compare: str | None
    rules: Rules
    mutates: bool
    search: Search
    where: str | None
    timeout_s: float
    threads: int = 1
    layout: Layout = "same"
    times: bool = False
    """Whether functions that agree are timed afterwards."""
    given: Callable[[Function], list[Input]] | None = None
    """Returns inputs for a reference, beside those of ``inputs`` and ``cases``."""
    rule: Compare | None = None
    """The user's own rule, where it isn't that of ``compare``."""

    def targets(self) -> list[Target]:
        """Return the functions. Raises BadInput for fewer than two, and for two of one name."""
        targets = [
            replace(target.parse(each) if isinstance(each, str) else each, threads=self.threads, layout=self.layout)
            for each in self.functions
        ]
        if len(targets) < 2:
            only = targets[0].name if targets else "no function"
            raise BadInput(f"{only}: a pair has two functions or more; name another one")
        names = [each.name for each in targets]
        for name in names:
            if names.count(name) > 1:
                raise BadInput(f"two functions are named '{name}'; label one of them: NEW={name}")
        return targets


@dataclass(frozen=True)
class PrintedFinding:
    """Something wrong with a function, on one input."""

    function: str
    text: str
    """What is wrong, in words; of two values the reference's comes first."""
    input: str
    """Label of the input."""
    drawn: bool
    """Whether the input was drawn, and made as small as possible."""
    calls: dict[str, str | None]
    """By function the call as source text of its language. Null for an input that is too large."""


@dataclass(frozen=True)
class PrintedPair:
    """The verdict on own functions."""

    ok: bool
    """Whether nothing is wrong."""
    reference: str
    candidates: list[str]
    given: int
    """Number of given inputs."""
    drawn: int
    """Number of drawn inputs on which the functions agreed."""
    both_raised: int
    """Number of these inputs, given or drawn, on which the reference raised an exception."""
    handover: str
    """How Julia gets arrays of two or more dimensions; empty if it gets none."""
    states: dict[str, str]
    """By function what the terminal says about it: in how far it is the same."""
    seed: int
    """What `--seed` draws the same inputs with."""
    findings: list[PrintedFinding]
    notes: list[str]


def run(request: Request) -> Verdict:
    """Start the functions, and compare them. Raises BadInput, JuliaUnavailable and TwinbenchError."""
    targets = request.targets()
    if not request.inputs and request.cases is None and request.given is None:
        raise BadInput("no input; give arguments by --input FILE or --input NAME=VALUE, or --inputs PATH.py:FUNCTION")
    with ExitStack() as stack:
        session = stack.enter_context(Session(targets, request.timeout_s))
        helper = stack.enter_context(Session(_helpers(request), request.timeout_s))
        given = [inputs.from_options(request.inputs)] if request.inputs else []
        functions, helpers = session.load(), helper.load()
        if request.cases is not None:
            given += _cases(helpers[0], request.timeout_s)
        if request.given is not None:
            given += request.given(functions[0])
        for example in given:
            inputs.refuse_others(example)
            for function in functions:
                function.check_names(example)
        compare = request.rule if request.compare is None else _compare(helpers[-1], request.timeout_s)
        search = replace(request.search, allowed=_allowed(request, functions[0], given))
        judge = Judge(request.rules, compare, mutates=request.mutates, threads=request.threads)
        verdict = Trial(session, judge, search).run(given)
        if request.times:
            verdict.code = codes(functions, all_live=verdict.ok)
        return verdict


def codes(functions: list[Function], *, all_live: bool = True) -> dict[str, Code]:
    """Ask each function's process what it runs: after all calls, when everything is imported.

    Of a process that has ended the files aren't known. With ``all_live`` none may have: raises TwinbenchError.
    """
    answers: dict[str, Code] = {}
    for each in functions:
        try:
            answer = each.process.ask({"do": "sources"}, START_S)
        except Died as error:
            if all_live:
                raise TwinbenchError(f"after the last call: {error}") from None
            answer = {"directory": "", "files": [], "versions": {}}
        answers[each.name] = Code.of(each.target, answer)
    return answers


@contextmanager
def judging(request: Request) -> Iterator[Judge]:
    """Yield the rules of a request; a rule of the user's runs in a process of its own meanwhile."""
    rules = [target.parse(request.compare)] if request.compare is not None else []
    with Session(rules, request.timeout_s) as helper:
        compare = _compare(helper.load()[0], request.timeout_s) if rules else request.rule
        yield Judge(request.rules, compare, mutates=request.mutates, threads=request.threads)


def _helpers(request: Request) -> list[Target]:
    """Return the user's functions that are compared with nothing: those of ``--inputs`` and ``--compare``."""
    helpers = []
    for option, text in (("--inputs", request.cases), ("--compare", request.compare)):
        if text is not None:
            helper = target.parse(text)
            if helper.language != "python":
                raise BadInput(f"{option} {text}: must be a function of Python")
            helpers.append(helper)
    return helpers


def _cases(helper: Function, timeout_s: float) -> list[Input]:
    """Ask the user's generator for its inputs. Raises BadInput."""
    try:
        answer = helper.process.ask({"do": "cases"}, timeout_s)
    except Died as error:
        raise TwinbenchError(f"--inputs {helper.name}: {error}") from None
    if "error" in answer:
        raise BadInput(f"--inputs {helper.name}: {answer['error']}")
    if not answer["cases"]:
        raise BadInput(f"--inputs {helper.name}: gives no input; yield (label, arguments)")
    return [Input(label, positional, named) for label, positional, named in answer["cases"]]


def _compare(helper: Function, timeout_s: float) -> Compare:
    def compare(want: Any, got: Any) -> str | None:
        request = {"do": "judge", "reference": wire.encode(want), "candidate": wire.encode(got)}
        try:
            answer = helper.process.ask(request, timeout_s)
        except Died as error:
            raise TwinbenchError(f"--compare {helper.name}: {error}") from None
        if "error" in answer:
            raise TwinbenchError(f"--compare {helper.name}: {answer['error']}")
        differs: str | None = answer.get("differs")
        return differs

    return compare


def _allowed(request: Request, reference: Function, given: list[Input]) -> Any:
    """Return the check of ``--where``. Raises BadInput for a condition that a given input doesn't meet."""
    if request.where is None:
        return lambda _: True
    from twinbench.pair.where import Condition

    condition = Condition(request.where, list(dict.fromkeys([*reference.names, *given[0].named])))

    def allowed(example: Input) -> bool:
        return condition.holds(dict(zip(reference.names, example.positional, strict=False)) | example.named)

    for example in given:
        if not allowed(example):
            raise BadInput(f"--where '{request.where}': doesn't hold for {example.label}; correct one of them")
    return allowed


# Words


def lines(verdict: Verdict) -> Iterator[str]:
    """Yield what the terminal shows."""
    names = [verdict.reference, *verdict.candidates]
    width = max(map(len, names))
    for name in names:
        role = "reference" if name == verdict.reference else "candidate"
        yield f"{role}  {name:{width}}  {_state(verdict, name)}".rstrip()
    if verdict.handover:
        yield f"handover   {verdict.handover}"
    for finding in verdict.findings:
        yield ""
        yield from _finding(finding, verdict)
    for note in verdict.notes:
        yield ""
        yield f"note: {note}"
    if verdict.drawn or any(finding.drawn for finding in verdict.findings):
        yield ""
        also = f"; also drawn: {verdict.also}" if verdict.also else ""
        yield f"seed {verdict.seed}: the same inputs are drawn with --seed {verdict.seed}{also}"


def _state(verdict: Verdict, name: str) -> str:
    alone = any(finding.expected is None for finding in verdict.of(name))
    if alone:
        return "fails"
    if name == verdict.reference:
        return ""
    if verdict.of(name):
        return "differs"
    if verdict.of(verdict.reference):
        return "not compared: the reference fails"
    drawn = f" and {verdict.drawn} drawn" if verdict.drawn else ""
    count = verdict.given + verdict.drawn
    raised = f"; the reference raises on {verdict.both_raised}" if verdict.both_raised else ""
    return f"same on {verdict.given} given{drawn} input{'' if count == 1 else 's'}{raised}"


def _finding(finding: Finding, verdict: Verdict) -> Iterator[str]:
    from twinbench.pair import paste

    on = "the smallest input that was found" if finding.drawn else finding.example.label
    yield f"{finding.function} on {on}:"
    yield f"  {finding.text}"
    if finding.drawn:
        for name in dict.fromkeys((verdict.reference, finding.function)):
            function = verdict.functions[name]
            language = function.target.language
            try:
                source = paste.call(language, function.target.function, *function.arguments(finding.example))
            except paste.TooLarge:
                source = "the input is too large to be shown; --save-cases DIR writes it"
            yield f"  {language:6}  {source}"


def printed(verdict: Verdict) -> PrintedPair:
    """Return the verdict as ``--json`` prints it."""
    return PrintedPair(
        ok=verdict.ok,
        reference=verdict.reference,
        candidates=verdict.candidates,
        given=verdict.given,
        drawn=verdict.drawn,
        both_raised=verdict.both_raised,
        handover=verdict.handover,
        states={name: _state(verdict, name) for name in (verdict.reference, *verdict.candidates)},
        seed=verdict.seed,
        findings=[_printed_finding(finding, verdict) for finding in verdict.findings],
        notes=verdict.notes,
    )


def _printed_finding(finding: Finding, verdict: Verdict) -> PrintedFinding:
    from twinbench.pair import paste

    calls: dict[str, str | None] = {}
    for name in dict.fromkeys((verdict.reference, finding.function)):
        function = verdict.functions[name]
        try:
            arguments = function.arguments(finding.example)
            calls[name] = paste.call(function.target.language, function.target.function, *arguments)
        except paste.TooLarge:
            calls[name] = None
    return PrintedFinding(finding.function, finding.text, finding.example.label, finding.drawn, calls)
