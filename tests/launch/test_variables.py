"""The variables of a worker: what it inherits, and the one number of threads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twinbench.launch.variables import THREAD_VARIABLES, worker_environment


@given(threads=st.integers(1, 512))
def test_every_pool_gets_the_one_number_of_threads(threads):
    variables = worker_environment(threads)
    assert {variables[name] for name in THREAD_VARIABLES} == {str(threads)}


def test_workers_inherit_what_is_listed_and_nothing_else(monkeypatch):
    monkeypatch.setenv("LC_NUMERIC", "de_DE.UTF-8")
    monkeypatch.setenv("PYTHON_JULIACALL_EXE", "/somewhere/julia")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    for unseen in ("OMP_SCHEDULE", "PYTHONNOUSERSITE", "PYTHONOPTIMIZE", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(unseen, "1")
        assert unseen not in worker_environment(1)
    variables = worker_environment(2, {"EXTRA": "x", "PATH": "/only"})
    assert variables["LC_NUMERIC"] == "de_DE.UTF-8"
    assert variables["PYTHON_JULIACALL_EXE"] == "/somewhere/julia"
    assert variables["OMP_NUM_THREADS"] == "2"
    assert variables["EXTRA"] == "x"
    assert variables["PATH"] == "/only"
    assert variables["PYTHONHASHSEED"] == "0"
