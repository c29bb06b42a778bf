"""A canary secret in each input is in no output: terminal, store, report, tables. For MLflow see test_deadline."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.results.make_store import RUN, make_store
from tests.trackers import hostile
from tests.trackers.canary import ADDRESS, CANARY, SECRETS, files, songs
from twinbench.cli import main
from twinbench.store.store import Store
from twinbench.trackers import mlflow
from twinbench.trackers.tracking import TrackingError

PLUGIN = """
import os
from twinbench.frameworks.api import Framework

def fails(params):
    print(dict(os.environ), flush=True)
    raise OSError(f"\\x1b[2J can't do it: {dict(os.environ)}")

FRAMEWORKS = Framework(name="Telltale", language="python", summary="s", packages=("telltale",),
    load=lambda threads: None, prepare=lambda value, kind: value,
    extract=lambda value, kind: value, threads=dict, ops={"probe.noop": fails})
"""


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def test_no_output_of_a_run_holds_a_secret(twinbench, plugin, secrets, tmp_path: Path):
    with hostile.served(hostile.Echo) as host:
        env = SECRETS | plugin("telltale", PLUGIN) | {"MLFLOW_TRACKING_URI": f"HTTP://{ADDRESS}{host}"}
        stacks = ["--stack", "probe-a", "--stack", "Telltale"]
        done = twinbench("run", "noop", *stacks, "--budget", "0.1", "--debug", env=env)
    assert "not tracked: MLflow at HTTP://127.0.0.1" in done.stderr, done.stderr
    assert "can't do it: " in done.stdout + done.stderr
    assert not set(done.stdout + done.stderr) & {"\x1b"}
    store = str(tmp_path / "data" / "results.db")
    for words in (["show"], ["show", "--json"], ["report", "-o", str(tmp_path / "data" / "r.html")]):
        assert main._guarded([*words, "--store", store], debug=True) == 0
    assert (
        main._guarded(["export", "-o", str(tmp_path / "data" / "out"), "--format", "csv", "--store", store], True) == 0
    )
    assert songs(done.stdout, done.stderr, *files(tmp_path / "data")) == []


@pytest.mark.parametrize(
    "uri",
    [
        f"HTTP://{ADDRESS}HOST",
        f"http://{ADDRESS}HOST/?token={quote(CANARY)}",
        f"http://HOST/?api_key={quote(CANARY, safe='')}",
        f"databricks://{ADDRESS}HOST",
        f"databricks-uc://{ADDRESS}profile",
        f"postgresql://{ADDRESS}HOST/mlflow?password={quote(CANARY)}",
        f"mysql+nothing://{ADDRESS}HOST/mlflow",
        f"s3://{ADDRESS}bucket",
        f"odd://{ADDRESS}HOST",
        f"http://{ADDRESS}[::1",
        f"http://someone:{CANARY}@HOST",
    ],
)
def test_no_error_of_a_tracker_holds_the_password_of_its_address(uri: str, tmp_path: Path, monkeypatch):
    make_store(tmp_path / "r.db")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr("mlflow.store.db.utils.MAX_RETRY_COUNT", 1)
    raises = pytest.raises(TrackingError)
    with hostile.served(hostile.Echo) as host, Store.open(tmp_path / "r.db") as store, raises as raised:
        mlflow.send(store, RUN, uri.replace("HOST", host))
    assert songs(str(raised.value)) == []
    assert "someone" not in str(raised.value)


def test_comet_and_pip_tell_no_secret(secrets, tmp_path: Path):
    make_store(tmp_path / "r.db")
    with hostile.served(hostile.Echo) as host:
        env = os.environ | {
            "COMET_URL_OVERRIDE": f"http://{host}/clientlib/",
            "TWINBENCH_DATA_DIR": str(tmp_path / "d"),
        }
        command = [sys.executable, "-m", "twinbench", "track", "comet", "--track-timeout", "60", "--debug"]
        done = subprocess.run(
            [*command, "--store", str(tmp_path / "r.db")], env=env, capture_output=True, text=True, timeout=200
        )
    assert done.returncode == 1
    assert songs(done.stdout, done.stderr, *files(tmp_path)) == []
