"""Threads and processes beyond ``--threads``: they are counted and named, and allowed when asked for."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest

from tests.pair.ports_of import needs_julia
from tests.pair.requests import request
from twinbench.pair import command
from twinbench.pair.verdict import Verdict

PYTHON = """
import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor

POOL = ThreadPoolExecutor(3)
START = threading.Thread.start


def work(_):
    end = time.thread_time() + 0.005
    while time.thread_time() < end:
        pass
    return 1


def plain(x): return work(x)


def one_beside(x):
    with ThreadPoolExecutor(1) as pool:
        return list(pool.map(work, [0]))[0]


def threads(x):
    end = threading.Event()
    started = [threading.Thread(target=end.wait) for _ in range(4)]
    for each in started: each.start()
    end.set()
    for each in started: each.join()
    assert "census" not in START.__code__.co_filename
    return 1


def pool_of_the_module(x): return max(POOL.map(work, range(30)))


def processes(x):
    fork = multiprocessing.get_context("fork")
    end = fork.Event()
    started = [fork.Process(target=end.wait) for _ in range(2)]
    for each in started: each.start()
    end.set()
    for each in started: each.join()
    return 1
"""

JULIA = """
using LinearAlgebra
plain(x) = 1
function threaded(x)
    parts = zeros(8)
    Threads.@threads for part in eachindex(parts)
        parts[part] = sum(abs2, randn(10_000))
    end
    return length(parts) == 8 ? 1 : 0
end
function blas(x)
    BLAS.set_num_threads(4)
    a = ones(300, 300)
    for _ in 1:10
        a * a
    end
    BLAS.set_num_threads(1)
    return 1
end
processes(x) = (foreach(_ -> run(`sleep 20`; wait = false), 1:2); 1)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(PYTHON)
    Path("own.jl").write_text(textwrap.dedent(JULIA))
    np.save("x.npy", np.ones(3))


def verdict(functions: list[str], threads: int = 1) -> Verdict:
    return command.run(request(functions, inputs=["x=1"], generate=0, threads=threads))


@pytest.mark.usefixtures("here")
def test_threads_and_processes_of_python_are_counted():
    names = ["plain", "one_beside", "threads", "pool_of_the_module", "processes"]
    found = verdict([f"{name}=own.py:{name}" for name in names])
    assert {finding.function: finding.text for finding in found.findings} == {
        "threads": "starts 4 threads; --threads 4 allows that",
        "pool_of_the_module": "starts 3 threads; --threads 3 allows that",
        "processes": "starts 2 processes; --threads 2 allows that",
    }
    assert verdict([f"{name}=own.py:{name}" for name in names], threads=4).ok


@needs_julia
@pytest.mark.usefixtures("here")
def test_threads_and_processes_of_julia_are_counted():
    names = ["plain", "threaded", "blas", "processes"]
    found = verdict(["own.py:plain", *(f"{name}=own.jl:{name}" for name in names)])
    texts = {finding.function: finding.text for finding in found.findings}
    assert texts == {
        "blas": "starts 3 threads; --threads 3 allows that",
        "processes": "starts 4 processes; --threads 4 allows that",  # two in each of two calls
    }


@pytest.mark.usefixtures("here")
def test_pools_of_libraries_have_the_size_that_is_allowed():
    Path("pools.py").write_text(
        "import os\n\ndef f(x): return os.environ['OMP_NUM_THREADS'] + os.environ['OPENBLAS_NUM_THREADS']\n"
    )
    Path("sizes.py").write_text("def f(x): return '33'\n")
    assert verdict(["pools.py:f", "sizes.py:f"], threads=3).ok
