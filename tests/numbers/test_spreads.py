"""The spreads of a machine: from a record of any version, and of two machines."""

from __future__ import annotations

import json

from twinbench.numbers.spreads import Spreads
from twinbench.run import request
from twinbench.run.options import Options
from twinbench.store.store import Store


def test_what_a_record_lacks_is_as_usual():
    assert Spreads.of({}) == Spreads()
    assert Spreads.of({"run_sd": 0.5, "comparisons": 20}) == Spreads(run_sd=0.5)


def test_of_two_machines_the_wider_spread_counts():
    assert Spreads(0.01, 0.2, 0.3).wider(Spreads(0.1, 0.02, 0.3)) == Spreads(0.1, 0.2, 0.3)


def test_a_run_has_the_spreads_of_the_selftest_before_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINBENCH_DATA_DIR", str(tmp_path))
    with Store.open(tmp_path / "s.db") as store:
        for text in (json.dumps({"process_sd": 0.011, "time_sd": 0.022, "run_sd": 0.033}), "[1]", '{"run_sd": null}'):
            (tmp_path / "selftest.json").write_text(text)
            request.new_run(store, request.Request(pipelines=("noop",)), Options())
        unreadable, also, measured = sorted(store.runs(), key=lambda run: run.spreads != Spreads())
    assert measured.spreads == Spreads(0.011, 0.022, 0.033)
    assert unreadable.spreads == also.spreads == Spreads()
