"""Without a key a run becomes archives, and the figures are in them."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.results.make_store import PIPELINE, RUN, SHA256, make_store
from twinbench.store.store import Store
from twinbench.trackers import comet


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "results.db")
    with Store.open(tmp_path / "results.db") as opened:
        opened.add_noise(RUN, "2026-05-01T12:02:00+00:00", {"load": 0.5, "available_bytes": 2e9, "steal": 0.0})
        yield opened


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("COMET_API_KEY", raising=False)
    monkeypatch.setenv("TWINBENCH_DATA_DIR", str(tmp_path / "my data"))
    return tmp_path / "my data"


def told(archive: Path) -> dict[str, dict[str, Any]]:
    """What an archive says, by kind."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    with zipfile.ZipFile(archive) as opened:
        for line in opened.read("messages.json").decode().splitlines():
            message = json.loads(line)
            payload = message["payload"]
            if message["type"] == "metric_msg":
                found["metrics"][payload["metric"]["metricName"]] = payload["metric"]["metricValue"]
            elif message["type"] == "parameter_msg":
                found["params"][payload["param"]["paramName"]] = payload["param"]["paramValue"]
            elif message["type"] == "log_other":
                found["others"][payload["key"]] = payload["value"]
            elif message["type"] == "file_upload":
                found["files"][payload["additional_params"]["fileName"]] = payload
    return found


def test_every_cell_is_an_archive_with_its_figures(store, data):
    sent = comet.send(store, RUN)
    assert sent.experiments == 7
    assert shlex.split(str(sent))[-3:] == ["comet", "upload", f"{data}/comet/{RUN}/*.zip"]
    assert str(sent).endswith("/*.zip"), "a shell still fills it in"
    archives = {path.stem: path for path in (data / "comet" / RUN).glob("*.zip")}
    assert len(archives) == 7
    pandas = told(archives[comet.key_of(RUN, PIPELINE, "pandas+torch small")])
    assert pandas["metrics"]["total/median_s"] == pytest.approx(0.276, rel=0.02)
    assert pandas["metrics"]["quality/roc_auc"] == pytest.approx(0.92)
    assert pandas["metrics"]["step/mlp/boundary_in_s"] == pytest.approx(0.005)
    assert pandas["params"]["version.pandas"] == "1.2.3"
    assert pandas["others"]["Name"] == "pandas+torch small"
    assert SHA256 in pandas["others"]["twinbench.dataset"]
    assert {"agreement.json", "samples.parquet"} <= pandas["files"].keys()
    crashed = told(archives[comet.key_of(RUN, PIPELINE, "pandas+Flux small")])
    assert "segmentation fault" in crashed["others"]["reason"]
    assert "total/median_s" not in crashed["metrics"]
    whole = told(archives[comet.key_of(RUN, PIPELINE, "")])
    assert "report.html" in whole["files"]
    assert whole["metrics"]["system/load"] == 0.5
    assert "share rank 1" in whole["others"]["answer"]


def test_sending_again_replaces_the_archives_and_this_process_is_not_in_them(store, data):
    for _ in range(2):
        comet.send(store, RUN)
    assert len(list((data / "comet" / RUN).iterdir())) == 7
    archive = data / "comet" / RUN / f"{comet.key_of(RUN, PIPELINE, '')}.zip"
    with zipfile.ZipFile(archive) as opened:
        kinds = {json.loads(line)["type"] for line in opened.read("messages.json").decode().splitlines()}
    assert kinds <= {"metric_msg", "parameter_msg", "log_other", "file_upload"}


def test_a_server_that_is_not_there_is_one_line(store, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    env = os.environ | {
        "COMET_API_KEY": "a-key",
        "COMET_URL_OVERRIDE": f"{address}/clientlib/",
        "TWINBENCH_DATA_DIR": str(tmp_path / "data"),
    }
    command = [sys.executable, "-m", "twinbench", "track", "comet", "--store", str(store.path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=110)
    assert done.returncode == 1
    assert done.stderr.startswith("twinbench: error: Comet doesn't answer: ")
    assert done.stderr.count("\n") == 1


def test_without_the_library_the_extra_is_named(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "comet_ml", None)
    with pytest.raises(comet.TrackingError, match=r"pip install 'twinbench\[comet\]'"):
        comet.send(store, RUN)
