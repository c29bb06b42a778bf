"""The run of functions that differ: nothing is timed, and the store keeps what differs on which input."""

from __future__ import annotations

from collections.abc import Sequence

from twinbench.pair import command as words
from twinbench.pair import timing
from twinbench.pair.session import Outcome
from twinbench.pair.timed import Cases
from twinbench.pair.verdict import Verdict
from twinbench.run.ending import ENDINGS
from twinbench.run.measuring import now
from twinbench.run.options import Options
from twinbench.store.records import Agreement, Kind, Status
from twinbench.store.store import Store

COUNTEREXAMPLES = "counterexamples"
"""Key of the fact of a cell that lists what is wrong with the function: the finding, the input, and calls with it."""

SEED = "seed of the drawn inputs"
"""Key of the fact of a cell that holds the seed by which the same inputs are drawn."""


LONGEST_CALL = 200
"""Most characters of a call in the reason of a cell; the fact has all of it."""


def keep(verdict: Verdict, options: Options, store: Store, command: Sequence[str] = ()) -> str:
    """Store a verdict on functions of which some are wrong. Returns the run's id.

    ``command`` is stored, too: the arguments that ask for this again.
    """
    cases = Cases(tuple(timing.cases_of(verdict.answers)))
    if not cases.steps:
        cases = Cases(tuple(timing.cases_of([(verdict.findings[0].example, Outcome(None))])))
    planned = timing.plan(list(verdict.functions.values()), cases)
    run_id = timing.start(verdict, options, store, command)
    store.add_pipeline(run_id, planned)
    findings = words.printed(verdict).findings
    for name in verdict.functions:
        cell = timing.add_cell(verdict, name, planned, store, run_id)
        own = [finding for finding in findings if finding.function == name]
        if not own:
            store.set_status(cell, Status.DONE)
            continue
        store.add_fact(cell, "", COUNTEREXAMPLES, [_plain(finding) for finding in own])
        store.add_fact(cell, "", SEED, verdict.seed)
        smallest = own[-1]
        calls = [call for call in smallest.calls.values() if call is not None]
        calls = [call if len(call) <= LONGEST_CALL else f"{call[:LONGEST_CALL]}..." for call in calls]
        on = f"{smallest.input}: {' and '.join(calls)}" if calls else smallest.input
        alone = any(finding.expected is None for finding in verdict.of(name))
        kind: Kind = verdict.of(name)[-1].kind if alone else "wrong answer"
        status = ENDINGS.get(kind, Status.FAILED) if alone else Status.DISAGREES
        step = cases.steps[0].id
        wrong = Agreement(step, "result", "different", float("inf"), float("inf"), False, smallest.text)
        store.add_agreements(cell, [] if alone else [wrong])
        store.set_status(cell, status, kind=kind, reason=f"{smallest.text}, on {on}")
    store.add_noise(run_id, now(), {"warnings": verdict.notes})
    store.finish_run(run_id, "done")
    return run_id


def _plain(finding: words.PrintedFinding) -> dict[str, object]:
    return {"input": finding.input, "drawn": finding.drawn, "what": finding.text, "calls": dict(finding.calls)}
