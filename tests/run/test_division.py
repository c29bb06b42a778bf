"""The time of a run goes to the steps and stacks that aren't decided, by the samples alone: fake samples, no worker."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

from twinbench.numbers.allocation import LEAST_EFFORT
from twinbench.run import division
from twinbench.run.division import EXECUTIONS, Needs
from twinbench.run.measured import Measured
from twinbench.store.records import Sample
from twinbench.store.samples import Blocks


def steps(**inputs: str) -> list[SimpleNamespace]:
    """Steps with the ids of their inputs, several with a space between."""
    return [SimpleNamespace(id=id, inputs=tuple(sources.split())) for id, sources in inputs.items()]


def blocks(rng: np.random.Generator, times: list[float], sd: float, count: int = 3) -> Blocks:
    """Blocks of one sample, ``count`` for each process; ``times`` are the seconds of the processes."""
    return {
        (process, block): [time * float(np.exp(rng.normal(0, sd)))]
        for process, time in enumerate(times)
        for block in range(count)
    }


def test_a_chain_is_fast_as_a_whole_or_not_at_all():
    chain = steps(read="", group="read")
    quick, slow = {"read": 0.9, "group": 1.1}, {"read": 0.9, "group": 1.2}
    assert division.fast(chain, quick, 10.0, independent=False) == {"read", "group"}
    assert division.fast(chain, slow, 10.0, independent=False) == set()
    assert EXECUTIONS == 5


def test_of_independent_steps_the_fast_ones_have_several_processes():
    questions = steps(read="", q1="read", q2="read", q3="read")
    seconds = {"read": 1.9, "q1": 0.1, "q2": 0.2, "q3": 3.0}
    assert division.fast(questions, seconds, 10.0, independent=True) == {"q1", "q2"}
    assert division.needed(questions, {"q1"}) == {"read", "q1"}
    assert division.fast(questions, seconds | {"read": 2.9}, 10.0, independent=True) == {"q1"}, "reading costs, too"
    assert division.fast(questions, seconds | {"read": 9.0}, 10.0, independent=True) == set()


def test_inputs_of_inputs_are_needed():
    assert division.needed(steps(a="", b="a", c="b", d=""), {"c"}) == {"a", "b", "c"}


def test_later_processes_do_not_change_which_steps_are_fast():
    measured = Measured([Sample(0, 0, "a", "steady", 1e9), Sample(1, 0, "a", "steady", 9e9)])
    assert division.typical_s([measured, Measured()], "a") == pytest.approx(1.0)


def test_what_is_decided_needs_nothing_and_what_is_close_needs_blocks():
    rng = np.random.default_rng(3)
    times = {"a": [1.0], "b": [1.01], "far": [3.0]}
    figures = {"": {stack: blocks(rng, its, 0.03) for stack, its in times.items()}}
    needs = Needs(figures, 0, 0.02)
    assert needs.undecided[""] == needs.open[""] == {"a", "b"}


def test_a_close_pair_whose_process_is_known_well_waits_for_other_processes():
    rng = np.random.default_rng(4)
    figures = {"": {stack: blocks(rng, [1.0], 0.001) for stack in ("a", "b")}}
    needs = Needs(figures, 0, 0.02)
    assert (needs.undecided[""], needs.open[""]) == ({"a", "b"}, set())


def test_a_new_process_is_measured_although_earlier_ones_are_known_well():
    rng = np.random.default_rng(4)
    figures = {"": {stack: blocks(rng, [1.0, 1.0], 0.001) for stack in ("a", "b")}}
    assert Needs(figures, 2, 0.02).open[""] == {"a", "b"}


def test_a_stack_that_is_alone_is_measured_until_its_process_is_known():
    rng = np.random.default_rng(8)
    assert Needs({"": {"a": blocks(rng, [1.0], 0.05)}}, 0, 0.02).open[""] == {"a"}
    assert Needs({"": {"a": blocks(rng, [1.0], 0.0005)}}, 0, 0.02).open[""] == set()


def test_a_decided_stack_takes_the_smallest_bursts():
    numbers = count()
    measured = Measured(
        Sample(0, block, step, "steady", ns + next(numbers) % 7 * spread)
        for step, ns, spread in (("quiet", 1e8, 1e4), ("loud", 1e8, 1e7))
        for block in range(6)
    )
    found = division.efforts(measured, ["quiet", "loud"], decided=False)
    assert found["loud"] > 1 > found["quiet"]
    assert set(division.efforts(measured, ["quiet", "loud"], decided=True).values()) == {LEAST_EFFORT}


@pytest.mark.parametrize("spread", [0.005, 0.05])
def test_time_goes_to_what_is_undecided_and_identical_stacks_stay_so(spread):
    """Simulated runs of three stacks, two of them identical, in four processes of up to twelve blocks."""
    rng = np.random.default_rng(11)
    taken = {"close": 0, "far": 0}
    false = 0
    for _ in range(30):
        logs = {
            "close": {stack: rng.normal(0, spread, 4) for stack in ("a", "b")},
            "far": {"a": rng.normal(0, spread, 4), "b": rng.normal(1.5, spread, 4)},
        }
        figures: dict[str, dict[str, Blocks]] = {name: {"a": {}, "b": {}} for name in logs}
        for process in range(4):
            for block in range(12):
                needs = Needs(figures, process, 0.02)
                for name, by_stack in logs.items():
                    if block < 3 or needs.open[name]:
                        taken[name] += 1
                        for stack, its in by_stack.items():
                            figures[name][stack][process, block] = [float(np.exp(its[process] + rng.normal(0, 0.03)))]
        false += "a" not in needs.undecided["close"]
    assert taken["far"] == 30 * 4 * 3, "a decided step has the fewest blocks"
    assert taken["close"] > 2 * taken["far"]
    assert false <= 1
