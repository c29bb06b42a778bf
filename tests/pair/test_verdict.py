"""What `twinbench pair` says about functions that differ, raise, change things, print, crash or hang."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pair.requests import request
from twinbench.errors import BadInput
from twinbench.pair import command
from twinbench.pair.differences import Rules
from twinbench.pair.tolerance import Tolerance
from twinbench.pair.verdict import Verdict

Ask = Callable[..., Verdict]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Compares the functions ``f`` and ``g`` of a source, in the directory of the test."""
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.array([1.5, -0.5, 2.0, 4.25]))

    def compare(source: str, *functions: str, inputs: tuple[str, ...] = ("x.npy",), **options: Any) -> Verdict:
        Path("own.py").write_text(textwrap.dedent(source))
        names = [f"{name}=own.py:{name}" for name in functions or ("f", "g")]
        return command.run(request(names, inputs=list(inputs), **options))

    return compare


def texts(verdict: Verdict, function: str = "g") -> list[str]:
    return [finding.text for finding in verdict.of(function)]


def test_two_that_are_the_same(ask: Ask):
    verdict = ask("import math\ndef f(x): return x.sum()\ndef g(x): return math.fsum(x)", generate=50)
    assert (verdict.ok, verdict.given, verdict.drawn) == (True, 1, 50)


def test_a_sum_in_another_order_is_the_same_and_a_wrong_weight_is_not(ask: Ask):
    source = "def f(x): return x.mean()\ndef g(x): return sum(reversed(x.tolist())) / len(x)\n"
    np.save("x.npy", np.random.default_rng(1).normal(size=5000) + 1e6)
    assert ask(source, generate=0).ok
    assert not ask(source.replace("/ len(x)", "/ len(x) * (1 + 1e-7)"), generate=0).ok


def test_a_difference_is_made_small(ask: Ask):
    source = "def f(x): return x[x > 0].sum()\ndef g(x): return x[x > 1].sum()"
    (finding,) = ask(source, generate=100, seed=1).findings[1:] or ask(source, generate=100, seed=1).findings
    assert finding.drawn
    assert len(finding.example.positional[0]) == 1


def test_the_seed_draws_the_same(ask: Ask):
    source = "def f(x): return x.max(initial=0)\ndef g(x): return min(x.max(initial=0), 4)"
    first = ask(source, generate=100)
    again = ask(source, generate=100, seed=first.seed)
    assert [finding.example.encoded() for finding in first.findings] == [f.example.encoded() for f in again.findings]


def test_both_raising_is_agreement_and_one_raising_is_not(ask: Ask):
    both = "def f(x): raise ValueError('no')\ndef g(x): raise KeyError('no')"
    verdict = ask(both, generate=20)
    assert verdict.ok
    assert verdict.both_raised == 21
    (note,) = verdict.notes
    assert note == "no result is compared: the reference raises on every input, ValueError: no (own.py:1 in f)"
    one = "def f(x): return 1.0\ndef g(x):\n    return inner(x)\ndef inner(x):\n    raise KeyError('no')"
    assert texts(ask(one, generate=0)) == [
        "raises KeyError: 'no' (own.py:5 in inner, called at own.py:3 in g); the reference returns 1.0"
    ]


def test_a_reference_that_raises_on_some_inputs_was_compared_on_the_others(ask: Ask):
    ties = "def f(x): return max(set(x), key=x.count)\ndef g(x): return max(sorted(set(x), reverse=True), key=x.count)"
    verdict = ask(ties, inputs=("x=[3, 1, 3, 2]",), generate=100, seed=1)
    assert len(verdict.findings) == 1
    assert not [note for note in verdict.notes if "no result is compared" in note]


def test_a_changed_argument_is_a_fault_that_mutates_allows(ask: Ask):
    source = "def f(x):\n    x += 1\ndef g(x):\n    x += {}"
    assert texts(ask(source.format(1), generate=0), "f") == ["changes its argument `x`; --mutates allows that"]
    assert ask(source.format(1), generate=30, mutates=True).ok
    assert "argument x" in texts(ask(source.format(2), generate=0, mutates=True))[0]
    assert not ask("def f(x): return x + 1\ndef g(x):\n    x += 1\n    return x", generate=0, mutates=True).ok


def test_state_and_chance_are_told_apart(ask: Ask):
    counter = "calls = []\ndef f(x): return 1\ndef g(x):\n    calls.append(1)\n    return len(calls)"
    assert texts(ask(counter, generate=0))[0].startswith("keeps state between calls: two calls give 1 and 2")
    chance = "import random\ndef f(x): return 1.0\ndef g(x): return random.random()"
    assert texts(ask(chance, generate=0))[0].startswith("isn't deterministic: two calls give")


def test_a_memo_that_ignores_part_of_the_input_is_state(ask: Ask):
    memo = "memo = {}\ndef f(x): return x.sum()\ndef g(x): return memo.setdefault(len(x), x.sum())"
    assert texts(ask(memo, generate=100, seed=1))[0].startswith("keeps state between calls; after other inputs")


def test_what_a_function_prints_is_noted_and_never_taken_for_an_answer(ask: Ask):
    verdict = ask("import os\ndef f(x): return 1\ndef g(x):\n    os.write(1, b'hello\\n')\n    return 1", generate=0)
    assert verdict.ok
    assert verdict.notes == ["g prints: hello"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("os._exit(3)", "its process ends with exit code 3"),
        ("os.kill(os.getpid(), 9)", "its process is killed by SIGKILL"),
        ("time.sleep(60)", "gives no answer within 4 s"),
    ],
)
def test_a_function_that_ends_or_hangs_its_process_fails_alone(ask: Ask, body: str, text: str):
    source = f"import os, time\ndef f(x): return 1\ndef g(x): {body}\ndef h(x): return 1"
    verdict = ask(source, "f", "g", "h", generate=20, timeout_s=4.0 if "sleep" in body else 60.0)
    assert texts(verdict) == [text]
    assert texts(verdict, "h") == []
    assert verdict.drawn == 20


def test_a_crash_on_a_drawn_input_is_found(ask: Ask):
    source = "import os\ndef f(x): return len(x)\ndef g(x): return len(x) if len(x) else os._exit(3)"
    (finding,) = ask(source, generate=200, seed=1).findings
    assert (finding.text, finding.drawn) == ("its process ends with exit code 3", True)
    assert len(finding.example.positional[0]) == 0


def test_conditions_bound_what_is_drawn(ask: Ask):
    source = "def f(x, k): return x[k]\ndef g(x, k): return x[k] if k < len(x) else 0.0"
    inputs = ("x.npy", "k=1")
    assert not ask(source, inputs=inputs, generate=200, seed=1).ok
    assert ask(source, inputs=inputs, generate=100, seed=1, where="k < len(x)").drawn > 20
    with pytest.raises(BadInput, match=r"doesn't hold for the given input"):
        ask(source, inputs=inputs, where="k > len(x)")


def test_edge_values_are_drawn_only_when_asked_for(ask: Ask):
    source = "import numpy as np\ndef f(x): return 1.0\ndef g(x): return 1.0 if np.isfinite(x).all() else 2.0"
    assert ask(source, generate=100).ok
    assert not ask(source, generate=200, edge=True).ok


def test_a_generator_gives_labelled_inputs(ask: Ask):
    source = """
    def f(x, k=1): return [k * v for v in x]
    def g(x, k=1): return [k * v for v in x] if k != 3 else []
    def cases():
        yield "first", ([1, 2],)
        yield "by name", {"x": [1, 2], "k": 3}
    """
    verdict = ask(source, inputs=(), cases="own.py:cases", generate=0)
    assert [(finding.example.label, finding.text) for finding in verdict.findings] == [
        ("by name", "2 and 0 elements: [3, 6] and []")
    ]
    with pytest.raises(BadInput, match=r"--inputs own.py:f: TypeError: .*missing 1 required"):
        ask(source, inputs=(), cases="own.py:f")


def test_the_rules_can_be_loosened(ask: Ask):
    types = "def f(x): return x\ndef g(x): return x.astype('float32')"
    assert texts(ask(types, generate=0)) == ["float64 and float32"]
    assert ask(types, generate=0, rules=Rules(loose_dtypes=True)).ok
    near = "def f(x): return x\ndef g(x): return x * 1.001"
    assert not ask(near, generate=0).ok
    assert ask(near, generate=0, rules=Rules(Tolerance(rtol=0.01))).ok
    order = "def f(x): return x\ndef g(x): return x[::-1]"
    assert not ask(order, generate=0).ok
    assert ask(order, generate=0, rules=Rules(any_order=True)).ok


def test_an_own_rule_decides(ask: Ask):
    source = """
    def f(x): return "Yes"
    def g(x): return "yes"
    def h(x): return "no"
    def alike(a, b):
        assert a.lower() == b.lower(), f"{a} is not {b}"
    def broken(a, b): return a.nothing
    """
    verdict = ask(source, "f", "g", "h", compare="own.py:alike", generate=0)
    assert texts(verdict) == []
    assert texts(verdict, "h")[0].startswith("AssertionError: Yes is not no")
    with pytest.raises(Exception, match=r"--compare own.py:broken: AttributeError"):
        ask(source, compare="own.py:broken", generate=0)


def test_a_result_that_cannot_be_compared_is_named(ask: Ask):
    assert (
        "the reference's result of type generator can't be compared"
        in texts(ask("def f(x): yield 1\ndef g(x): yield 1", generate=0))[0]
    )


def test_a_drawn_input_that_the_reference_does_not_answer_is_left_out(ask: Ask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("twinbench.pair.verdict.DRAWN_S", 1.0)
    source = "import time\ndef f(k): return time.sleep(60) if k == 2 else k\ndef g(k): return f(k)"
    verdict = ask(source, inputs=("k=1",), generate=15, seed=1)
    assert verdict.findings == []
    (note,) = verdict.notes
    assert note.startswith("the reference gives no answer within 1 s to ")
    assert verdict.drawn > 5


def test_a_number_that_grows_fast_is_drawn_large_enough_to_overflow(ask: Ask):
    source = "import numpy as np\ndef f(n): return 3**n\ndef g(n): return int(np.int64(3) ** np.int64(n))"
    (finding,) = ask(source, inputs=("n=5",), generate=200, seed=1).findings
    assert finding.example.named == {"n": 40}
