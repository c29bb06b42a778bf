"""``twinbench agree --show``: the answer itself, of the reference and of stacks, printed and in files."""

from __future__ import annotations

import csv
import json
import wave
from pathlib import Path

import numpy as np
import pytest

HEAD = """
[pipeline]
name = "mine"
modality = "{modality}"
stacks = ["{stack}"]
[dataset]
{data}
[goal]
question = "?"
[sizes]
all = {{}}
few = {{ {unit} = 20 }}
"""

TABLE = """
[[step]]
op = "tables.read_csv"
table = "a"
columns = { k = "string", v = "float64" }
[[step]]
op = "tables.sort"
by = ["v"]
"""

SOUND = """
[[step]]
op = "signals.zero_phase"
input = "data"
order = 2
cutoff_hz = [10.0]
rate_hz = 200
band = "lowpass"
"""

PICTURES = """
[[step]]
op = "images.sobel"
input = "data"
"""


@pytest.fixture
def show(cli, tmp_path: Path):
    """``show("images", "sobel", "--to", file)``: one step of a pipeline of its own data."""
    rng = np.random.default_rng(1)
    (tmp_path / "a.csv").write_text("k,v\n" + "".join(f"k{i},{v}\n" for i, v in enumerate(rng.permutation(25))))
    np.savez(tmp_path / "sound.npz", x=rng.normal(size=(400, 60)))
    np.savez(tmp_path / "pictures.npz", x=rng.integers(0, 255, (20, 30, 3), dtype=np.uint8))
    kinds = {
        "tables": (TABLE, "NumPy", 'files = { a = "a.csv" }', "rows"),
        "signals": (SOUND, "SciPy", 'arrays = "sound.npz"', "records"),
        "images": (PICTURES, "SciPy", 'arrays = "pictures.npz"', "images"),
    }

    def run(modality: str, *arguments: str):
        steps, stack, data, unit = kinds[modality]
        head = HEAD.format(modality=modality, stack=stack, data=data, unit=unit)
        (tmp_path / "mine.toml").write_text(head + steps)
        return cli("agree", "mine", "--pipelines", str(tmp_path), *arguments)

    return run


def test_the_head_of_a_table_is_shown_for_the_reference_and_for_a_stack(show):
    by_reference, by_stack = show("tables", "--show", "sort"), show("tables", "--show", "sort", "--stack", "NumPy")
    assert by_reference.returncode == by_stack.returncode == 0, by_reference.stderr + by_stack.stderr
    first, *lines = by_reference.stdout.splitlines()
    assert first == "sort (tables.sort) by reference: 25 rows, 2 columns"
    assert [line.split()[1] for line in lines if line.startswith(" k") and "string" not in line][:3] == ["0", "1", "2"]
    assert "and 15 more rows" in by_reference.stdout
    assert by_stack.stdout == by_reference.stdout.replace("by reference", "by NumPy")


def test_arrays_are_shown_by_type_shape_and_values(show):
    done = show("signals", "--show", "zero_phase")
    assert done.returncode == 0, done.stderr
    [line] = [line for line in done.stdout.splitlines() if line.startswith(" x ")]
    assert line.split()[:6] == ["x", "float64", "400", "x", "60", "0"]
    assert "..." in line


def test_answers_are_written_to_the_files_that_show_them(show, tmp_path):
    written = {}
    for modality, step, name in (
        ("tables", "sort", "a.out.csv"),
        ("signals", "zero_phase", "a.wav"),
        ("signals", "zero_phase", "a.npz"),
        ("images", "sobel", "a.png"),
    ):
        done = show(modality, "--show", step, "--to", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
        written[name] = done.stdout.strip().removeprefix(f"{tmp_path / name}: ")
    assert written == {
        "a.out.csv": "25 rows",
        "a.wav": "record 1 of 400, 0.3 s at 200 Hz",
        "a.npz": "1 arrays",
        "a.png": "image 1 of 20, 30 x 3",
    }
    with (tmp_path / "a.out.csv").open(newline="") as file:
        assert [float(row["v"]) for row in csv.DictReader(file)] == list(range(25))
    with wave.open(str(tmp_path / "a.wav")) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (200, 60)
        levels = np.frombuffer(sound.readframes(60), "<i2")
    exact = np.load(tmp_path / "a.npz")["x"][0]
    assert np.abs(levels / 32767 - exact / np.abs(exact).max()).max() < 1e-4
    from PIL import Image

    assert Image.open(tmp_path / "a.png").size == (3, 30)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--show", "srt"], "no step 'srt'; did you mean 'sort'?"),
        (["--to", "a.csv"], "name the step"),
        (["--show", "sort", "--json"], "--to FILE.npz writes all values"),
        (["--show", "sort", "--to", "a.wav"], "it holds no records of samples; write it to FILE.npz"),
        (["--show", "sort", "--to", "a.txt"], "'.txt' is not one of the endings .csv, .npz, .png, .wav"),
        (["--show", "sort", "--to", "a.csv", "--stack", "NumPy", "--stack", "pandas"], "name one --stack"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(show, arguments, says):
    done = show("tables", *arguments)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert says in line


def test_what_was_taken_of_own_data_is_said(show):
    done = show("tables", "--size", "few")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "data: a: 20 of 25 rows of 2 columns"
    for modality, taken in (("signals", "400 records of 60 samples"), ("images", "20 grey images of 30 x 3")):
        [stack] = json.loads(show(modality, "--json").stdout)
        assert stack["data"] == taken


def test_warnings_of_numpy_do_not_reach_stderr(show, tmp_path):
    np.savez(tmp_path / "sound.npz", x=np.full((3, 64), 1e308) * np.array([[1.0], [-1.0], [1.0]]))
    done = show("signals")
    assert "Warning" not in done.stderr
