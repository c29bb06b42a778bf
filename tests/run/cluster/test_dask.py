"""Runs on a Dask cluster that is really there: a scheduler and workers on loopback."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import psutil
import pytest

from tests.run.cluster.conftest import a_scheduler, wait_for
from twinbench.run.cluster.dask import exposed
from twinbench.run.options import Options
from twinbench.run.request import Request
from twinbench.store.records import ORIGIN


def test_pipelines_are_measured_on_hosts_and_arrive_as_runs(twinbench, store, scheduler, worker, mine, tmp_path):
    worker("one", TMPDIR=str(tmp_path))
    arguments = ["--budget", "0.5", "--no-track", "--json", "--executor", "dask", "--scheduler", scheduler]
    done = twinbench("run", *mine, "noop", *arguments)
    assert done.returncode == 0, done.stderr
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    with store() as results:
        runs = results.runs()
        assert {run.id for run in runs} == {summary["run_id"] for summary in shown}
        pipelines = {planned.name for run in runs for planned in results.pipelines(run.id)}
        assert pipelines == {"mine", "noop"}
        for run in runs:
            assert run.status == "done"
            assert run.arguments[ORIGIN]
            assert run.arguments["options"]["budget_s"] == 0.5
            cells = results.cells(run.id)
            assert {cell.stack for cell in cells} >= {"probe-a", "probe-b"}
            assert all(len(results.samples(cell.id)) > 10 for cell in cells if cell.status == "done")
    assert "mine: measuring; results are in" in done.stderr
    assert "probe-a: done" in done.stderr
    assert "warning" not in done.stderr, "all of it is on loopback"
    assert not list(tmp_path.glob("twinbench-job-*")), "the host keeps nothing that has arrived"


OWN = """
[pipeline]
name = "own"
modality = "tables"
stacks = ["NumPy"]

[dataset]
files = { sales = "sales.csv" }

[goal]
question = "What was sold where?"

[sizes]
all = {}

[[step]]
op = "tables.read_csv"
table = "sales"
columns = { shop = "string", price = "float64" }
"""


def test_data_of_the_users_own_are_read_where_they_are(twinbench, store, scheduler, worker, tmp_path):
    directory = tmp_path / "own"
    directory.mkdir()
    (directory / "own.toml").write_text(OWN)
    (directory / "sales.csv").write_text("shop,price\nnorth,1.5\nsouth,2.5\n")
    worker("one")
    arguments = ["--budget", "0.2", "--no-track", "--executor", "dask", "--scheduler", scheduler]
    done = twinbench("run", "own", "--pipelines", str(directory), *arguments)
    assert done.returncode == 0, done.stderr
    with store() as results:
        (cell,) = results.cells(results.find_run().id)
        assert cell.status == "done"


def test_each_host_measures_and_two_workers_of_a_host_are_one(twinbench, store, scheduler, worker, mine):
    worker("one")
    worker("two")
    done = twinbench(
        "run", *mine, "--budget", "0.2", "--no-track", "--executor", "dask", "--scheduler", scheduler, "--each-host"
    )
    assert done.returncode == 0, done.stderr
    with store() as results:
        assert len(results.runs()) == 1


def test_a_host_measures_one_job_at_a_time(twinbench, store, scheduler, worker, mine):
    worker("one")
    worker("two")
    arguments = ["--budget", "0.5", "--no-track", "--executor", "dask", "--scheduler", scheduler]
    done = twinbench("run", *mine, "work", *arguments)
    assert done.returncode == 0, done.stderr
    assert "waiting for another job on this host" in done.stderr
    with store() as results:
        spans = []
        for run in results.runs():
            spans.append((run.environment["taken_at"], max(cell.changed for cell in results.cells(run.id))))
    first, second = sorted(spans)
    assert first[1][:19] <= second[0][:19], "the second began before the first had ended"


def test_a_job_whose_host_is_lost_is_measured_on_another(twinbench, store, scheduler, worker, mine, places, tmp_path):
    lost = worker("lost")
    arguments = ["--budget", "3", "--no-track", "--executor", "dask", "--scheduler", scheduler]
    command = [sys.executable, "-m", "twinbench", "run", "--processes", "1", *mine, *arguments]
    with (tmp_path / "err").open("wb") as err:
        running = subprocess.Popen(command, env=places, stdout=subprocess.DEVNULL, stderr=err)
    wait_for(lambda: "probe-b: starting" in (tmp_path / "err").read_text())
    for each in (*psutil.Process(lost.pid).children(recursive=True), lost):
        each.kill()
    wait_for(lambda: "no worker offers the resource 'twinbench'" in (tmp_path / "err").read_text())
    worker("other")
    assert running.wait(90) == 0, (tmp_path / "err").read_text()
    with store() as results:
        (run,) = results.runs()
        assert [cell.status for cell in results.cells(run.id)] == ["done", "done"]


def test_ctrl_c_ends_the_jobs_and_keeps_what_they_measured(store, scheduler, worker, mine, places, tmp_path):
    worker("one")
    arguments = ["--budget", "60", "--no-track", "--executor", "dask", "--scheduler", scheduler]
    command = [sys.executable, "-m", "twinbench", "run", "--processes", "1", *mine, "noop", *arguments]
    with (tmp_path / "err").open("wb") as err:
        running = subprocess.Popen(command, env=places, stdout=subprocess.DEVNULL, stderr=err)
    wait_for(lambda: "measuring: " in (tmp_path / "err").read_text())
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 130, (tmp_path / "err").read_text()
    said = (tmp_path / "err").read_text()
    assert "what had been measured is in" in said
    assert "Traceback" not in said
    with store() as results:
        (run,) = results.runs()
        assert run.status == "interrupted"
        assert all(results.samples(cell.id) for cell in results.cells(run.id))
    ours = places["TWINBENCH_DATA_DIR"]
    wait_for(
        lambda: (
            not [
                p
                for p in psutil.process_iter(["cmdline", "environ"])
                if "twinbench.worker.main" in (p.info["cmdline"] or [])
                and (p.info["environ"] or {}).get("TWINBENCH_DATA_DIR") == ours
            ]
        )
    )


def test_what_was_measured_outlives_the_scheduler(twinbench, store, worker, mine, places, tmp_path):
    with a_scheduler(tmp_path) as (address, scheduler):
        worker("one", of=address, TMPDIR=str(tmp_path))
        arguments = ["--budget", "60", "--no-track", "--executor", "dask", "--scheduler", address]
        command = [sys.executable, "-m", "twinbench", "run", "--processes", "1", *mine, *arguments]
        with (tmp_path / "err").open("wb") as err:
            running = subprocess.Popen(command, env=places, stdout=subprocess.DEVNULL, stderr=err)
        wait_for(lambda: "measuring: " in (tmp_path / "err").read_text())
        scheduler.kill()
        assert running.wait(60) == 1
    *_, last = (tmp_path / "err").read_text().splitlines()
    assert "mine: the connection to the scheduler was lost" in last
    assert "Traceback" not in (tmp_path / "err").read_text()
    (kept,) = tmp_path.glob("twinbench-job-*/results.db")
    merged = twinbench("merge", str(kept))
    assert merged.returncode == 0, merged.stderr
    with store() as results:
        (run,) = results.runs()
        assert all(results.samples(cell.id) for cell in results.cells(run.id))


def test_what_goes_wrong_on_the_host_is_said_here_with_its_exit_code(twinbench, scheduler, worker, mine, tmp_path):
    worker("one", TWINBENCH_CACHE_DIR=str(tmp_path / "a host without MXNet"))
    arguments = ["--no-track", "--executor", "dask", "--scheduler", scheduler, "--require", "MXNet"]
    done = twinbench("run", *mine, *arguments)
    assert done.returncode == 3, done.stderr
    assert "required framework MXNet is unavailable" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--executor", "dask"], "no --scheduler"),
        (["--executor", "dsak"], "did you mean 'dask'"),
        (["--each-host"], "add --executor dask"),
        (["--executor", "dask", "--scheduler", "tcp://127.0.0.1:9", "--resume"], "--resume goes on"),
        (["--executor", "dask", "--scheduler", "tcp://127.0.0.1:9"], "no Dask scheduler answers there"),
        (["--executor", "dask", "--scheduler", "tpc://127.0.0.1:9"], "did you mean 'tcp'"),
        (["--executor", "dask", "--scheduler", "127.0.0.1:99999"], "no Dask scheduler answers there"),
    ],
)
def test_a_bad_request_is_refused_in_a_line(twinbench, arguments, what):
    done = twinbench("run", "noop", *arguments, env={"DASK_SCHEDULER_ADDRESS": ""})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert what in done.stderr


def test_a_cluster_that_nobody_offers_anything_in_is_refused_in_a_line(twinbench, scheduler, worker):
    worker("idle", "--resources", "other=1")
    done = twinbench("run", "noop", "--executor", "dask", "--scheduler", scheduler)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"dask worker {scheduler} --host 127.0.0.1 --dashboard-address 127.0.0.1:0 " in done.stderr


@pytest.mark.parametrize(
    ("address", "exposes"),
    [
        ("tcp://127.0.0.1:8786", False),
        ("tcp://[::1]:8786", False),
        ("tcp://localhost:8786", False),
        ("tls://10.0.0.5:8786", False),
        ("tcp://10.0.0.5:8786", True),
        ("ws://10.0.0.5:8786", True),
        ("10.0.0.5:8786", True),
        ("tcp://[fd00::5]:8786", True),
        ("tcp://127.example.org:8786", True),
    ],
)
def test_an_address_beyond_loopback_without_tls_exposes_the_cluster(address, exposes):
    loopback = "tcp://127.0.0.1:1"
    expected = [address] if exposes else []
    assert exposed({"address": address, "workers": {loopback: {}}}) == expected
    assert exposed({"address": loopback, "workers": {address: {}}}) == expected


def test_another_version_on_a_host_is_refused(twinbench, scheduler, worker, tmp_path):
    site = tmp_path / "older" / "twinbench"
    site.mkdir(parents=True)
    (site / "__init__.py").write_text('__version__ = "0.0.1"\n')
    (site / "run" / "cluster").mkdir(parents=True)
    (site / "run" / "__init__.py").write_text("")
    (site / "run" / "cluster" / "__init__.py").write_text("")
    (site / "run" / "cluster" / "host.py").write_text("def version():\n    return '0.0.1'\n")
    worker("older", PYTHONPATH=str(site.parent))
    done = twinbench("run", "noop", "--executor", "dask", "--scheduler", scheduler)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "has twinbench 0.0.1" in done.stderr


def test_a_host_is_given_every_option(monkeypatch, tmp_path):
    """What the command line takes is what a host's command line gets."""
    from typer.testing import CliRunner

    from twinbench.cli import main
    from twinbench.run.cluster import dask

    options = Options(
        threads=2, budget_s=0.25, processes=3, resolve=0.035, timeout_s=7.5, memory_limit=123_456_789, seeds=4
    )
    request = Request(pipelines=("noop",), sizes=("default",), stacks=("probe-a",), required=("probe-a",))
    given: dict[str, object] = {}

    def stop(results: object, request: Request, parts: object, options: Options, resume: bool, more: object) -> str:
        given.update(request=request, options=options)
        raise SystemExit(0)

    monkeypatch.setattr("twinbench.cli.run._measured_here", stop)
    told = ["run", "noop", *dask.arguments(request, options)]
    done = CliRunner().invoke(main.app, told, env={"TWINBENCH_DATA_DIR": str(tmp_path)})
    assert done.exit_code == 0, done.output
    assert given == {"request": request, "options": options}
