"""Messages arrive as they were sent, and what isn't a message of the protocol is refused with the field's name."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.stress import mutants
from twinbench.worker import measure, protocol
from twinbench.worker.channel import Refusal, encode, error_answer, read_answer
from twinbench.worker.job import Job, SavedValue, StepJob
from twinbench.worker.protocol import (
    LARGEST,
    Burst,
    Content,
    FirstCall,
    Loaded,
    ProtocolError,
    Request,
    Timing,
)

NUMBERS = st.integers(0, LARGEST)
TIMES = st.floats(0, 1e18)
TEXTS = st.text()
NAMES = st.text(st.characters(categories=["L", "N"]), max_size=5)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
STEPS = st.builds(
    StepJob,
    params=st.dictionaries(NAMES, PLAIN, max_size=3),
    inputs=st.lists(TEXTS, max_size=3).map(tuple),
    file=st.none() | TEXTS,
)
MEASURED = st.none() | TIMES
TIMINGS = st.builds(Timing, TIMES, TIMES, TIMES, st.integers(1, LARGEST))
MESSAGES = st.one_of(
    st.builds(
        Job,
        threads=NUMBERS,
        steps=st.lists(STEPS, max_size=2).map(tuple),
        values=st.dictionaries(NAMES, st.builds(SavedValue), max_size=2),
    ),
    st.builds(
        lambda names, ns, rss: Loaded(
            dict.fromkeys(names, ns), dict.fromkeys(names, "cpu"), {name: {} for name in names}, rss
        ),
        *(st.lists(NAMES, max_size=3), NUMBERS, NUMBERS),
    ),
    st.builds(protocol.ThreadCounts, st.dictionaries(NAMES, st.dictionaries(NAMES, NUMBERS, max_size=2), max_size=2)),
    st.builds(FirstCall, TIMINGS, NUMBERS, NUMBERS, st.dictionaries(NAMES, PLAIN, max_size=2)),
    st.builds(
        protocol.WarmUp,
        *(
            st.integers(1, LARGEST),
            NUMBERS,
            st.sampled_from(protocol.TRENDS),
            MEASURED,
            NUMBERS,
            MEASURED,
            TIMES,
            TIMES,
        ),
    ),
    st.builds(Burst, st.lists(TIMINGS.filter(lambda t: t.wall_ns > 1), min_size=1, max_size=3).map(tuple)),
    st.builds(protocol.Memory, NUMBERS, NUMBERS),
    st.builds(protocol.KeptModel),
    st.just(protocol.Done()),
)


@given(MESSAGES)
def test_a_message_is_the_same_at_the_other_end(message: Content):
    assert type(message).of(json.loads(encode(message.as_json()))) == message


GOOD = FirstCall(Timing(1.5, 1.0, 0.0, 4), 7, 0, {"dtype": "int64"}).as_json()


def changed(path: str, value: Any) -> dict[str, Any]:
    """A good reply to ``first`` with another value at a path; without the field if the value is ``...``."""
    message: dict[str, Any] = json.loads(json.dumps(GOOD))
    *parents, last = path.split(".")
    inner = message
    for name in parents:
        inner = inner[name]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return message


@pytest.mark.parametrize("value", [..., None, "7", True, [7], {}, math.nan, math.inf, -1, -0.5, 2**63, 1.5])
@pytest.mark.parametrize("path", ["boundary_ns", "timing.evals"])
def test_a_number_that_is_not_one_is_refused(path: str, value: Any):
    with pytest.raises(ProtocolError, match=path):
        FirstCall.of(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("timing", 3),
        ("timing.wall_ns", math.nan),
        ("timing.wall_ns", math.inf),
        ("timing.wall_ns", -1e-9),
        ("timing.cpu_ns", None),
        ("facts", []),
        ("facts", {"\udcff": 1}),
        ("more", 1),
    ],
)
def test_a_reply_of_another_shape_is_refused_by_the_name_of_the_field(path: str, value: Any):
    with pytest.raises(ProtocolError, match=path):
        FirstCall.of(changed(path, value))


@pytest.mark.parametrize("plain", [None, 3, "ok", [], [GOOD]])
def test_what_is_not_an_object_is_refused(plain: Any):
    with pytest.raises(ProtocolError, match="instead of an object"):
        FirstCall.of(plain)


def test_a_burst_has_samples_and_a_sample_has_evaluations():
    with pytest.raises(ProtocolError, match="timings"):
        Burst.of({"timings": []})
    with pytest.raises(ProtocolError, match="evals"):
        Burst.of({"timings": [{"wall_ns": 1, "cpu_ns": 1, "gc_ns": 1, "evals": 0}]})


def test_requests_have_names_of_their_own_and_replies_that_can_be_checked():
    requests = [value for value in vars(protocol).values() if isinstance(value, Request)]
    assert len({request.name for request in requests}) == len(requests) > 10
    for request in requests:
        with pytest.raises(ProtocolError):
            request.reply.of({"nothing": "of this name"})


def reply_to(line: bytes, number: int = 1) -> FirstCall:
    return read_answer(line, number, FirstCall)


def test_an_answer_is_read_as_it_was_sent():
    assert reply_to(encode({"id": 3, "ok": GOOD}), 3) == FirstCall.of(GOOD)
    with pytest.raises(Refusal) as refusal:
        reply_to(encode(error_answer(3, "memory", "too \ud800 large\nand so on", "trace")), 3)
    assert (refusal.value.kind, refusal.value.reason, refusal.value.traceback) == ("memory", "too ? large", "trace")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (encode({"id": 2, "ok": GOOD}), "request 2 instead of 1"),
        (encode({"id": True, "ok": GOOD}), "request True instead of 1"),
        (encode({"ok": GOOD}), "garbage"),
        (encode({"id": 1, "ok": GOOD, "error": ""}), "garbage"),
        (encode({"id": 1, "error": "x", "kind": "refusal", "traceback": ""}), "kind: 'refusal'"),
        (encode({"id": 1, "error": None, "kind": "memory", "traceback": ""}), "error: None instead of text"),
        (b'{"id": 1, "id": 1, "ok": {}}', "twice"),
        (b"[" * 100_000, "garbage"),
        (b'{"id": 1, "ok": ' + b"1" * 5000 + b"}", "garbage"),
        (b"\xff\xfe", "garbage"),
        (b"", "garbage"),
    ],
)
def test_an_answer_of_another_form_is_refused(answer: bytes, said: str):
    with pytest.raises(ProtocolError, match=said):
        reply_to(answer)


REPLIES = {request.name: (request, reply) for request, reply in mutants.REPLIES.items()}


@pytest.mark.parametrize("name", REPLIES)
def test_a_mutated_reply_is_refused_or_means_what_it_says(name: str):
    request, reply = REPLIES[name]
    good = {"id": 1, "ok": reply.as_json()}
    refused = 0
    for path in mutants.paths(good):
        for value in mutants.VALUES.values():
            message = mutants.changed(good, path, value)
            try:
                content = read_answer(json.dumps(message).encode(), 1, request.reply)
            except ProtocolError:
                refused += 1
            else:
                assert {"id": 1, "ok": content.as_json()} == message
    assert refused > len(mutants.VALUES)


def test_a_timing_is_sent_with_all_that_is_measured():
    assert [field.name for field in fields(Timing)] == [field.name for field in fields(measure.Timing)]
