"""Descriptions and pictures of any dataset: tables, arrays with and without classes, images, folders of sound."""

from __future__ import annotations

import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from twinbench.data import picture
from twinbench.data.dataset import Dataset, Say
from twinbench.data.describe import Part, Variable, facts, parts
from twinbench.errors import BadInput
from twinbench.ops.contract import Arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class Made(Dataset):
    """A dataset of the tests' own."""

    place: Path
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def missing(self) -> str | None:
        return None

    def fetch(self, say: Say) -> None:
        pass

    def checksums(self) -> Mapping[str, str]:
        return {"recipe": "0" * 64}

    def file(self, name: str, amount: float | None) -> Path:
        return self.place / name

    def value(self, amount: float | None) -> Arrays:
        return {name: values[: None if amount is None else int(amount)] for name, values in self.arrays.items()}


def made(place: Path, **options: object) -> Made:
    told = {name: name for name in ("name", "modality", "summary", "source", "licence", "split")}
    return Made(place=place, unit="rows", most=None, **told | options)


def test_a_table_is_described_by_column(tmp_path: Path):
    (tmp_path / "t.csv").write_text("n,x,s\n1,0.5,b\n2,NA,\n3,2.5,b\n4,4.5,a\n")
    (part,) = parts(made(tmp_path, files=("t.csv",)), None)
    assert part == Part(
        "t.csv",
        "table",
        4,
        (
            Variable("n", "int64", (4,), 0, (1.0, 1.75, 2.5, 3.25, 4.0), None),
            Variable("x", "float64", (4,), 1, (0.5, 1.5, 2.5, 3.5, 4.5), None),
            Variable("s", "string", (4,), 1, None, 2),
        ),
        {},
        {},
    )


def test_arrays_have_shapes_and_the_balance_of_their_labels():
    arrays = {
        "x": np.array([[1.0, np.nan], [2.0, 4.0], [3.0, 3.0]]),
        "y": np.array([1, 0, 1]),
        "test": np.array([0, 0, 1], np.uint8),
    }
    (part,) = parts(made(Path(), value_kind="arrays", arrays=arrays), None)
    assert (part.kind, part.amount) == ("arrays", 3)
    assert part.variables[0] == Variable("x", "float64", (3, 2), 1, (1.0, 2.0, 3.0, 3.0, 4.0), None)
    assert part.labels == {"train": {"0": 1, "1": 1}, "test": {"1": 1}}


def test_labels_that_are_not_split_are_counted_together_and_a_size_is_kept_to():
    arrays = {"x": np.zeros((4, 8, 8), np.uint8), "y": np.array([3, 3, 5, 5])}
    (part,) = parts(made(Path(), value_kind="images", arrays=arrays), 3)
    assert part.labels == {"all": {"3": 2, "5": 1}}
    assert part.variables[0].shape == (3, 8, 8)


def test_a_column_without_any_number_has_no_quantiles(tmp_path: Path):
    (part,) = parts(made(tmp_path, value_kind="arrays", arrays={"x": np.array([np.nan])}), None)
    assert part.variables == (Variable("x", "float64", (1,), 1, None, None),)


def sounds(folder: Path) -> None:
    folder.mkdir()
    for name in ("a", "b"):
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(np.arange(100, dtype="<i2").tobytes())


def test_a_folder_is_described_by_its_files(tmp_path: Path):
    sounds(tmp_path / "sounds")
    (tmp_path / "sounds" / "README").write_text("")
    (part,) = parts(made(tmp_path, files=("sounds",)), None)
    assert (part.kind, part.amount, part.details) == ("folder", 3, {"README": 1, ".wav": 2})


def test_facts_need_no_data(tmp_path: Path):
    found = facts(made(tmp_path / "nowhere", files=("t.csv",)))
    assert found["licence"] == "licence"
    assert found["missing"] is None


@pytest.mark.parametrize("kind", ["table", "signals", "images", "colour", "sound"])
@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_every_kind_of_data_can_be_drawn_and_is_drawn_alike_each_time(tmp_path: Path, kind: str, ending: str):
    (tmp_path / "t.csv").write_text("n,x,s\n1,0.5,b\n2,NA,\n")
    sounds(tmp_path / "sounds")
    rng = np.random.default_rng(0)
    dataset = {
        "table": made(tmp_path, files=("t.csv",)),
        "signals": made(
            tmp_path, value_kind="arrays", arrays={"x": rng.normal(size=(3, 50)), "y": np.array([1, 0, 1])}
        ),
        "images": made(tmp_path, value_kind="images", arrays={"x": rng.integers(0, 255, (12, 8, 8)).astype(np.uint8)}),
        "colour": made(tmp_path, value_kind="images", arrays={"x": np.zeros((1, 8, 9, 3), np.uint8)}),
        "sound": made(tmp_path, files=("sounds",)),
    }[kind]
    for name in ("one", "two"):
        picture.draw(dataset, None, tmp_path / f"{name}{ending}")
    drawn = (tmp_path / f"one{ending}").read_bytes()
    assert drawn == (tmp_path / f"two{ending}").read_bytes()
    assert drawn.startswith(b"\x89PNG" if ending == ".png" else b"<?xml")


def test_a_picture_of_another_ending_or_of_nothing_that_can_be_drawn_is_refused(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(BadInput, match=r"ends in \.svg or \.png"):
        picture.draw(made(tmp_path, files=("notes.txt",)), None, tmp_path / "p.pdf")
    with pytest.raises(BadInput, match="nothing to draw"):
        picture.draw(made(tmp_path, files=("notes.txt",)), None, tmp_path / "p.png")
