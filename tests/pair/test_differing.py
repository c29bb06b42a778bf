"""What the store keeps of functions that are wrong: each finding has its own words, and every view shows them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Command
from tests.pair.requests import request
from twinbench.pair import command, differing, timing
from twinbench.store.records import Status
from twinbench.store.store import Store

CODE = """
import os, random, threading, time
calls = []
def doubled(x): return x * 2
def prints(x):
    print("\\x1b[31mhello")
    return x * 2
def changes(x):
    x *= 2
    return x
def random_(x): return x * 2 + random.random()
def keeps(x):
    calls.append(1)
    return x * 2 + len(calls)
def starts(x):
    threads = [threading.Thread(target=time.sleep, args=(0.3,)) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return x * 2
def raises(x): raise ValueError("no")
def ends(x): os._exit(3)
def hangs(x): time.sleep(60)
"""

ENDS = {
    "changes": (Status.FAILED, "", "changes its argument `x`; --mutates allows that, on "),
    "random_": (Status.FAILED, "", "isn't deterministic: two calls give "),
    "keeps": (Status.FAILED, "", "keeps state between calls: two calls give "),
    "starts": (Status.FAILED, "threads", "starts 4 threads; --threads 4 allows that, on "),
    "raises": (Status.DISAGREES, "wrong answer", "raises ValueError: no (code.py:"),
    "ends": (Status.FAILED, "exit", "its process ends with exit code 3, on "),
    "hangs": (Status.TIMEOUT, "time-out", "gives no answer within 2 s, on "),
}
"""Status, kind and reason of a function's cell, by the function's name."""


def test_each_finding_ends_a_function_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twinbench: Command
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.py").write_text(CODE)
    np.save("x.npy", np.arange(5.0))
    functions = [f"{name}=code.py:{name}" for name in ("doubled", "prints", *ENDS)]
    asked = request(functions, inputs=["x.npy"], generate=0, timeout_s=2.0)
    verdict = command.run(replace(asked, times=True))
    with Store.open(tmp_path / "r.db") as store:
        run = differing.keep(verdict, timing.usual_options(2.0), store)
        cells = {cell.stack: cell for cell in store.cells(run)}
    assert {name: (cells[name].status, cells[name].kind) for name in ENDS} == {n: end[:2] for n, end in ENDS.items()}
    for name, (_, _, reason) in ENDS.items():
        assert cells[name].reason.startswith(reason), cells[name].reason
    assert cells["doubled"].status == cells["prints"].status == Status.DONE
    said = twinbench("show", "--store", "r.db", cwd=tmp_path).stdout
    assert "changes: failed: changes its argument `x`" in said
    assert "warning: prints prints: [31mhello" in said
    shown = json.loads(twinbench("show", "--store", "r.db", "--json", cwd=tmp_path).stdout)
    assert "exception" not in json.dumps(shown)
