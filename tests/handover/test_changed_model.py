"""A model that isn't the one that was measured is not handed over, and a name in a store is never a way out of it."""

from __future__ import annotations

import hashlib
import io
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from benchmarks import hostile
from tests.handover.conftest import START_S, Made
from twinbench.errors import StoreError
from twinbench.results.models.kept import Model, of_cell
from twinbench.store.records import EXAMPLE, SCORES, TRAINED
from twinbench.store.store import Store


@pytest.fixture
def model(made: Made) -> Model:
    return made("scikit-learn")


@pytest.fixture
def copied(home: Path, model: Model, tmp_path: Path) -> Path:
    """A copy of the store, which a test may damage."""
    return Path(shutil.copy(home / "results.db", tmp_path / "copied.db"))


def changed(path: Path, name: str, content: bytes, sha256: str | None = None) -> None:
    """Put another content in the place of a file of the model's cell, with or without a SHA-256 that fits."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        values = (content, hashlib.sha256(content).hexdigest() if sha256 is None else sha256)
        db.execute("UPDATE files SET content = ?, sha256 = ? WHERE name = ?", (*values, name))


def stored(path: Path, model: Model, name: str) -> bytes:
    with Store.open_to_read(path) as store:
        return store.file(model.cell.id, name) or b""


def words(command: str, model: Model, tmp_path: Path) -> list[str]:
    rows = tmp_path / "rows.npz"
    np.savez(rows, x=model.example, scores=model.scores[: len(model.example)])
    more = {
        "deploy": ["--to", "docker", "-o", str(tmp_path / "deployed")],
        "promote": [],
        "endpoint": ["--serve", "--budget", "0.1"],
        "monitor": ["--data", str(rows)],
    }
    return [command, model.cell.run_id, "--stack", model.cell.stack, *more[command]]


@pytest.mark.parametrize("command", ["deploy", "promote", "endpoint", "monitor"])
@pytest.mark.parametrize("name", [EXAMPLE, SCORES, "model/model.skops", TRAINED])
def test_one_changed_byte_is_noticed(command: str, name: str, model: Model, copied: Path, tmp_path: Path):
    content = stored(copied, model, name)
    sha256 = hashlib.sha256(content).hexdigest()
    changed(copied, name, content[:-1] + bytes([content[-1] ^ 1]), sha256)
    with Store.open_to_read(copied) as store, pytest.raises(StoreError, match="another SHA-256"):
        store.file(model.cell.id, name)
    if name in (EXAMPLE, SCORES) or (name == TRAINED) == (command == "monitor"):
        end = hostile.ended([*words(command, model, tmp_path), "--store", str(copied)])
        assert (end.code, end.problem) == (1, "")
        assert f"name '{name}': the content has another SHA-256" in end.err


@pytest.mark.parametrize("command", ["deploy", "promote"])
def test_a_model_that_gives_other_scores_is_not_handed_over(
    command: str, model: Model, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)  # where MLflow keeps what it is sent
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    other, content = model.scores.copy(), io.BytesIO()
    other[0] = other[0][::-1] if other.ndim > 1 else 1 - other[0]
    np.save(content, other, allow_pickle=False)
    changed(copied, SCORES, content.getvalue())
    end = hostile.ended([*words(command, model, tmp_path), "--store", str(copied)], START_S)
    assert (end.code, end.problem) == (1, "")
    assert f"doesn't give the scores of run {model.cell.run_id}: row 0 scores" in end.err
    assert not (tmp_path / "deployed").exists()


def test_files_without_a_checksum_are_said_to_be_unchecked(model: Model, copied: Path, tmp_path: Path):
    with closing(sqlite3.connect(copied, isolation_level=None)) as db:
        db.execute("UPDATE files SET sha256 = ''")
    end = hostile.ended([*words("monitor", model, tmp_path), "--store", str(copied)])
    assert (end.code, end.err.count("are not checked")) == (0, 1), end.err


NAMES = ("../evil", "/tmp/evil", "a/../../evil", "model/../../evil", "..", "", "a\0b", "a//b", "./a", "\x1b[2J")


@pytest.mark.parametrize("name", NAMES)
def test_no_name_in_a_store_leads_out_of_its_directory(name: str, tmp_path: Path):
    path, inside = tmp_path / "a" / "b" / "store.db", tmp_path / "a" / "b" / "unpacked"
    hostile.make(path)
    with Store.open_to_read(path) as store:
        kept = of_cell(store, store.cells(hostile.RUN)[0])
    assert kept is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE files SET name = ? WHERE name = 'model/model.skops'", (f"model/{name}",))
    inside.mkdir()
    before = hostile.listing(tmp_path, without=inside)
    with Store.open_to_read(path) as store, pytest.raises(StoreError, match="name"):
        kept.unpack(store, inside)
    assert hostile.listing(tmp_path, without=inside) == before


def test_a_link_in_the_directory_is_not_followed_out_of_it(tmp_path: Path):
    hostile.make(tmp_path / "store.db")
    inside, outside = tmp_path / "unpacked", tmp_path / "outside"
    outside.mkdir()
    inside.mkdir()
    (inside / "model.skops").symlink_to(outside / "model.skops")
    with Store.open_to_read(tmp_path / "store.db") as store:
        kept = of_cell(store, store.cells(hostile.RUN)[0])
        assert kept is not None
        with pytest.raises(StoreError, match="leads out of its directory"):
            kept.unpack(store, inside)
    assert list(outside.iterdir()) == []
