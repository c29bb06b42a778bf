"""Whatever is written into a pipeline's file or on the command line is refused in one line, or means what it says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import mutated_texts
from benchmarks.figures import mutations
from twinbench import paths
from twinbench.errors import BadInput
from twinbench.ops.signals.features import Mfcc
from twinbench.plan import pipeline
from twinbench.run.options import Options

FLIGHTS = (paths.resource("pipelines") / "tables" / "flights-delay.toml").read_text()
SPEECH = (paths.resource("pipelines") / "signals" / "speech-features.toml").read_text()


def test_mutated_pipelines_are_refused_in_a_line_or_mean_what_they_say():
    assert list(mutations.pipelines(200, seed=1)) == []


def test_mutated_arguments_end_in_a_line():
    assert list(mutations.arguments(120, seed=1)) == []


Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return path

    return write


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("rows = 20_000", f"rows = {'9' * 5000}", "digits"),
        ("rows = 20_000", f"rows = 0x{'f' * 5000}", "sizes.small.rows: an integer of more than 1024 bits"),
        ("window = 50", f"window = 0b{'1' * 20_000}", ".window: an integer of more than 1024 bits"),
        ("lr = 1e-3", f"lr = 0o{'7' * 400}", ".optimizer.lr: an integer"),
        ("keys = [", f"keys = [0x{'f' * 5000}, ", ".keys[0]: an integer"),
        ("[goal]", f"[goal]\nmore = [{{a = 0x{'f' * 5000}}}]", "goal.more[0].a: an integer"),
        ("window = 50", f"window = {'[' * 3000}1{']' * 3000}", "nested too deeply"),
        ("window = 50", f"window = {'[' * 120}1{']' * 120}", "nested too deeply"),
        ("rows = 20_000", f"rows = {'{a = ' * 120}1{'}' * 120}", "nested too deeply"),
        ("lr = 1e-3", "lr = 9007199254740993", "step[16].optimizer.lr: an integer of more than 15 digits"),
        ("target = 0.85", "target = 9007199254740993", "goal.target: an integer of more than 15 digits"),
        ("rows = 20_000", "rows = 9007199254740993", "sizes.small.rows: more than any dataset has"),
        ("window = 50", "window = 2026-01-02", "no dates"),
        ("window = 50", "window = 99999999999999999999", "window"),
        ('id = "planes"', f'id = "{"p" * 101}"', "up to 100"),
        ("small =", f"{'s' * 101} =", "sizes"),
        ('question = "', 'question = "\\u0000', "goal.question"),
        ('question = "', 'question = "\\u001b[2J', "goal.question"),
        ('question = "', f'question = "{"long " * 500}', "goal.question"),
        ("[goal]", f"{'a.' * 3000}b = 1\n[goal]", ""),
        ("[goal]", "\ud800[goal]", "not a TOML file"),
    ],
)
def test_odd_values_are_refused_with_the_key(write: Write, old: str, new: str, words: str):
    assert old in FLIGHTS
    with pytest.raises(BadInput) as raised:
        pipeline.load(write("flights-delay", FLIGHTS.replace(old, new, 1)))
    message = str(raised.value)
    assert words in message
    assert "\n" not in message
    assert len(message) < 2500


@pytest.mark.parametrize("value", ["0", "-1.0", "1e-320", "nan"])
def test_a_rate_of_mfcc_that_is_none_is_refused(write: Write, value: str):
    text = mutated_texts.OWN[1].replace("rate_hz = 100.0", f"rate_hz = {value}")
    with pytest.raises(BadInput, match=r"step\[0\]"):
        pipeline.load(write("own", text))


@pytest.mark.parametrize("fields", [{"bands": 2**31}, {"frame": 2**40, "bands": 2**39}, {"frame": 10**4000}])
def test_absurd_numbers_of_bands_are_refused_at_once(fields: dict[str, int]):
    with pytest.raises(ValueError, match=r"bands|frame"):
        Mfcc(**({"rate_hz": 100.0, "frame": 64, "hop": 32} | fields))


@pytest.mark.parametrize("key", ["sales.csv", "~/shops.csv"])
@pytest.mark.parametrize("path", ["", "a\\u0000b", "~nobody-at-all/x.csv"])
def test_a_path_that_is_none_is_refused(write: Write, key: str, path: str):
    with pytest.raises(BadInput, match="dataset"):
        pipeline.load(write("own", mutated_texts.OWN[0].replace(key, path)))


def test_what_is_no_file_or_too_large_is_not_read(tmp_path: Path, write: Write):
    os.mkfifo(tmp_path / "pipe.toml")
    large = write("large", "#" * (pipeline.MOST_BYTES + 1))
    assert pipeline.discover([tmp_path]) == {"large": large}
    with pytest.raises(BadInput, match="more than 1 MiB"):
        pipeline.load(large)


def test_a_search_for_pipelines_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pipeline, "MOST_ENTRIES", 3)
    for number in range(4):
        (tmp_path / f"{number}.txt").touch()
    with pytest.raises(BadInput, match="more than 3 files"):
        pipeline.discover([tmp_path])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0, 1e300])
@pytest.mark.parametrize("name", ["budget_s", "timeout_s"])
def test_times_that_are_none_are_refused(name: str, value: float):
    with pytest.raises(BadInput, match="--budget and --timeout"):
        Options(**{name: value})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "noop", "--size", ""], "argument 4, after '--size', is empty"),
        (["compare", "a", "--fail-on-regression="], "argument 3, after '--fail-on-regression', is empty"),
        (["show", "a\0b"], "NUL"),
        (["run", "noop", "--budget", "nan"], "--budget and --timeout"),
        (["run", "noop", "--memory-limit", "9" * 5000], "is not a size"),
        (["run", "noop", "--threads", "9" * 5000], "Invalid value for '--threads'"),
        (["run", "noop", "--threads", "1000001"], "from 1 to 1,000,000"),
        (["agree", "noop", "--timeout", "inf"], "--budget and --timeout"),
        (["recommend", "--min-quality", "nan"], "--min-quality"),
        (["endpoint", "http://127.0.0.1:1", "--timeout", "nan"], "--timeout"),
        (["show", "--store", "x" * 300], "x" * 300),
        (["list", "--pipelines", "y" * 300], "y" * 300),
        (["list", "--jsn"], "see 'twinbench list --help'"),
        (["show", "--store"], "requires an argument"),
    ],
)
def test_odd_arguments_are_bad_input_in_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from twinbench.cli import main

    monkeypatch.setenv("TWINBENCH_DATA_DIR", str(tmp_path))
    assert main._guarded(words, debug=False) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("twinbench: error: ")
    assert said in line
    assert len(line) < 2500
