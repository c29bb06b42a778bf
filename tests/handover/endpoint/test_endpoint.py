"""An endpoint is timed only if it gives the run's answers, and what can go wrong on the way is said in a line."""

from __future__ import annotations

import io
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.handover.conftest import Made
from tests.handover.endpoint.stand_in import answering, right
from tests.results.make_store import overrule
from twinbench.errors import BadInput
from twinbench.handover.endpoint import client, measure
from twinbench.handover.endpoint.client import EndpointFailure
from twinbench.handover.endpoint.measure import RequestPlan
from twinbench.results.models import endpoints
from twinbench.results.models.kept import Model, of_cell
from twinbench.store.fact_shapes import ENDPOINT
from twinbench.store.records import SCORES, Status
from twinbench.store.store import Store

QUICK = RequestPlan(budget_s=0.3, clients=1, timeout_s=5)


@pytest.fixture(scope="module")
def model(made: Made) -> Model:
    return made("torch")


@pytest.fixture(scope="module")
def stored(model: Model, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the run, not measured yet, with a second stack: the same model, beside scores that it doesn't give."""
    place = tmp_path_factory.mktemp("store") / "results.db"
    with closing(sqlite3.connect(home / "results.db")) as source, closing(sqlite3.connect(place)) as copy:
        source.backup(copy)
    cell = model.cell
    with Store.open(place) as store:
        store.add_fact(cell.id, "", ENDPOINT, [])  # other tests measure the stack that they share
        other = store.add_cell(cell.run_id, cell.pipeline, "SciPy+other", cell.size, cell.steps, "another")
        for name in store.files(cell.id):
            store.add_file(other, name, store.file(cell.id, name) or b"")
        for fact in store.facts(cell.id):
            store.add_fact(other, fact.step, fact.key, fact.value)
        scores = model.scores.copy()
        scores[1, 0] += 0.001
        content = io.BytesIO()
        np.save(content, scores)
        store.add_file(other, SCORES, content.getvalue())
        overrule(store, other, Status.DONE)
    return place


def kept(place: Path, run_id: str) -> dict[str, tuple[endpoints.Endpoint, ...]]:
    with Store.open(place) as store:
        return {cell.stack: endpoints.of_facts(store.facts(cell.id)) for cell in store.cells(run_id)}


def test_stacks_are_served_measured_kept_and_shown_and_one_that_disagrees_is_not_timed(
    twin: Any, stored: Path, model: Model
):
    run = model.cell.run_id
    done = twin("endpoint", "--serve", run, "--budget", "1", "--clients", "2", "--store", str(stored))
    assert done.returncode == 1, done.stderr
    assert "SciPy+other: disagrees with the run: row 1 scores " in done.stdout
    found = kept(stored, run)
    (good,), (bad,) = found["SciPy+torch"], found["SciPy+other"]
    assert good.agrees
    assert good.error is not None
    assert good.error <= 1
    assert (good.place, bad.place) == (endpoints.HERE, endpoints.HERE)
    assert good.ready_s is not None
    assert good.first_s is not None
    assert 0 < good.ready_s < good.first_s
    assert good.latency is not None
    assert 0 < good.latency.low_s <= good.latency.p50_s <= good.latency.p95_s <= good.latency.p99_s
    assert good.throughput is not None
    assert (good.throughput.batch, good.throughput.clients) == (256, 2)
    assert (good.peak_rss_bytes or 0) > 50 << 20
    assert 0.1 < (good.cpu_s or 0) < 300
    assert good.versions.keys() == {"twinbench", "mlflow"}
    assert not bad.agrees
    assert (bad.first_s, bad.latency, bad.throughput) == (None, None, None)
    shown = twin("show", run, "--store", str(stored))
    assert "first answer" in shown.stdout
    assert "DIFFERENT" in shown.stdout
    assert json.loads(twin("show", run, "--store", str(stored), "--json").stdout)


def serving(pid: int) -> list[psutil.Process]:
    """The servers that a process has started."""
    found = []
    for child in psutil.Process(pid).children():
        with suppress(psutil.Error):
            found += [child] if child.cmdline()[-1].endswith("serve.py") else []
    return found


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_measurement_leaves_no_server(
    ending: signal.Signals, variables: dict[str, str], stored: Path, model: Model
):
    arguments = ["endpoint", "--serve", model.cell.run_id, "--stack", "SciPy+torch", "--store", str(stored)]
    command = [sys.executable, "-m", "twinbench", *arguments, "--budget", "300"]
    with subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 120
            while not (servers := serving(process.pid)):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
            time.sleep(1)
            process.send_signal(ending)
            assert process.wait(60) == 130
        finally:
            process.kill()
    _, alive = psutil.wait_procs(servers, timeout=1)
    assert not alive


def measured(url: str, model: Model, protocol: RequestPlan = QUICK) -> endpoints.Endpoint:
    return measure.measure(client.address(url), model, protocol)


def test_latency_and_throughput_are_those_of_the_server(model: Model):
    with answering(right(model), delay_s=0.02) as url:
        one = measured(url, model, RequestPlan(2.0, 1, 5))
        four = measured(url, model, RequestPlan(2.0, 4, 5))
    assert one.latency is not None
    assert one.latency.ping_s is not None
    assert 0.02 < one.latency.p50_s < 0.04
    assert one.latency.ping_s < 0.01
    assert one.throughput is not None
    assert four.throughput is not None
    assert one.throughput.rows_per_s < 256 / 0.02
    assert four.throughput.rows_per_s > 1.5 * one.throughput.rows_per_s


def test_a_server_that_closes_connections_is_told(model: Model):
    with answering(right(model), keeps=False) as url:
        found = measured(url, model)
    assert found.agrees
    assert found.latency is not None
    assert found.latency.connections > found.latency.requests


def body(predictions: Any) -> bytes:
    return json.dumps({"predictions": predictions}).encode()


WRONG: dict[str, Callable[[Model, int, list[Any]], tuple[int, bytes]]] = {
    "another model's": lambda model, _, rows: (200, body([[0.1] * 10] * len(rows))),
    "the order of rows": lambda model, _, rows: (200, body(model.scores[: len(rows)][::-1].tolist())),
    "one class": lambda model, _, rows: (200, body([0.5] * len(rows))),
    "not a number": lambda model, _, rows: (200, body([[float("nan")] * 10] * len(rows))),
    "words": lambda model, _, rows: (200, body([["a"] * 10] * len(rows))),
    "ragged": lambda model, _, rows: (200, body([[0.1], [0.1, 0.2]])),
    "right at first": lambda model, number, rows: (
        right(model)(number, rows) if number < 3 else (200, body([[1.0] * 10]))
    ),
}


@pytest.mark.parametrize("how", WRONG)
def test_wrong_answers_are_caught_and_nothing_is_timed(how: str, model: Model):
    with answering(lambda number, rows: WRONG[how](model, number, rows)) as url:
        found = measured(url, model)
    assert not found.agrees
    assert found.detail
    assert (found.first_s, found.latency, found.throughput) == (None, None, None)
    json.dumps(asdict(found), allow_nan=False)


BROKEN: dict[str, tuple[tuple[int, bytes], str]] = {
    "garbage": ((200, b"<html>\x1b[31mhello</html>"), "no JSON in the answer: <html> [31mhello</html>"),
    "other JSON": ((200, b"[1, 2]"), "no 'predictions' in the answer: [1, 2]"),
    "nothing": ((200, b""), "no JSON in the answer"),
    "an error": ((500, b'{"error_code": "X", "message": "model\\nis gone"}'), "HTTP status 500: model is gone"),
    "a redirection": ((302, b""), "HTTP status 302"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_an_answer_that_is_none_is_one_line(how: str, model: Model):
    answer, said = BROKEN[how]
    with answering(lambda *_: answer) as url, pytest.raises(EndpointFailure) as failure:
        measured(url, model)
    assert str(failure.value) == f"{url}: {said}"


def test_a_server_that_hangs_is_left_after_the_time_out(twin: Any, model: Model):
    with answering(right(model), delay_s=60) as url:
        began = time.monotonic()
        done = twin("endpoint", url, model.cell.run_id, "--timeout", "0.5")
    assert time.monotonic() - began < 30
    assert (done.returncode, done.stderr) == (1, f"twinbench: error: {url}: no answer within 0.5 s\n")


def test_a_refused_connection_is_one_line(twin: Any, model: Model):
    done = twin("endpoint", "http://127.0.0.1:9", model.cell.run_id)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "http://127.0.0.1:9: " in done.stderr
    assert "refused" in done.stderr


def test_secrets_are_sent_and_neither_shown_nor_kept(
    twin: Any, variables: dict[str, str], stored: Path, model: Model, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(variables, "TOKEN", "Bearer s3cret")
    with answering(right(model)) as url:
        done = twin(
            *("endpoint", f"{url}/invocations?key=s3cret", model.cell.run_id, "--stack", "SciPy+torch"),
            *("--header", "Authorization=TOKEN", "--budget", "0.2", "--store", str(stored)),
        )
    assert done.returncode == 0, done.stderr
    assert f"{url}/invocations" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr
    assert b"s3cret" not in b"".join(file.read_bytes() for file in stored.parent.iterdir())


def test_a_header_is_what_its_variable_holds():
    found = client.headers(["Authorization=TOKEN", "x-ms=OTHER"], {"TOKEN": "Bearer a=b", "OTHER": "c"})
    assert found == {"Authorization": "Bearer a=b", "x-ms": "c"}
    for bad in ("Authorization", "a b=TOKEN", "A=", "A=MISSING", "A=TWO"):
        with pytest.raises(BadInput) as refused:
            client.headers([bad], {"TOKEN": "t", "TWO": "secret\r\nX: y"})
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/",
        "127.0.0.1:8080",
        "file:///etc/passwd",
        "http://",
        "http://host:99999",
        "http://a b/",
        "http://[::1",
    ],
)
def test_only_http_is_asked(url: str):
    with pytest.raises(BadInput, match="is not a URL"):
        client.address(url)


def test_a_password_on_the_command_line_is_refused_and_not_repeated(twin: Any):
    done = twin("endpoint", "https://me:s3cret@host/")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--header" in done.stderr
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize(
    ("url", "scoring", "ping"),
    [
        ("http://host:1", "/invocations", "/ping"),
        ("http://host/", "/invocations", "/ping"),
        ("http://host/a/invocations", "/a/invocations", "/a/ping"),
        ("https://host/v1/endpoints/1:predict?k=1", "/v1/endpoints/1:predict?k=1", None),
    ],
)
def test_requests_go_where_the_url_says(url: str, scoring: str, ping: str | None):
    address = client.address(url)
    assert (address.scoring, address.beside("/ping")) == (scoring, ping)
    assert "k=1" not in address.shown


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "no endpoint is named"),
        (("--serve", "a", "b"), 2, "'b' is one name too many"),
        (("http://127.0.0.1:9", "nope"), 2, "no run 'nope'"),
        (("http://127.0.0.1:9", "RUN", "--stack", "SciPy+troch"), 2, "did you mean 'SciPy+torch'?"),
        (("http://127.0.0.1:9", "RUN"), 2, "--stack: one URL serves one of SciPy+torch, SciPy+other; name it"),
    ],
)
def test_what_makes_no_sense_is_one_line(twin: Any, stored: Path, model: Model, arguments, code: int, said: str):
    words = [model.cell.run_id if word == "RUN" else word for word in arguments]
    done = twin("endpoint", *words, "--store", str(stored))
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    assert said in done.stderr


def test_quantiles_are_numpys_and_the_interval_of_the_median_holds_it_as_often_as_it_says():
    rng = np.random.default_rng(1)
    walls = rng.exponential(size=1001).tolist()
    found = measure._quantiles(walls, [], 1)
    assert [found.p50_s, found.p95_s, found.p99_s] == np.percentile(walls, [50, 95, 99]).tolist()
    assert found.requests == 1001
    samples = (measure._quantiles(rng.exponential(size=60).tolist(), [], 1) for _ in range(1000))
    inside = sum(one.low_s <= np.log(2) <= one.high_s for one in samples)
    assert 930 <= inside <= 990


def test_a_later_measurement_replaces_the_one_of_the_same_place(stored: Path, model: Model):
    with Store.open(stored) as store:
        cell = next(cell for cell in store.cells(model.cell.run_id) if cell.stack == "SciPy+torch")
        kept_model = of_cell(store, cell)
        assert kept_model is not None
        with answering(right(model)) as url, answering(right(model)) as other:
            for place in (url, other, url):
                endpoints.keep(store, cell.id, measured(place, kept_model, RequestPlan(0.1, 1, 5)))
        places = [one.place for one in endpoints.of_facts(store.facts(cell.id))]
    assert len(places) == len(set(places))
    assert {url, other} <= set(places)
