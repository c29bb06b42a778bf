"""Models of the user's own: trained, scored, exported and loaded by own ops, and kept in the store."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Command
from tests.pair.ports_of import needs_julia
from tests.usercode.own import HEADER, agreed, written, wrong
from twinbench.errors import BadInput
from twinbench.plan import pipeline as pipelines

OPS = """
[op.centres]
inputs = ["arrays"]
output = "model"
role = "train"
python = "features.py:train"
julia = "centres.jl:train"
[op.nearest]
inputs = ["model", "arrays"]
output = "arrays"
role = "score"
python = "features.py:score"
julia = "centres.jl:score"
rtol = 1e-6
[op.save]
inputs = ["model"]
output = "saved"
role = "export"
python = "features.py:save"
julia = "centres.jl:save"
[op.open]
inputs = ["saved"]
output = "model"
role = "load"
python = "features.py:load"
julia = "centres.jl:load"
"""

STEPS = """
[[step]]
op = "training.split"
input = "data"
[[step]]
op = "centres"
[[step]]
op = "save"
[[step]]
op = "open"
[[step]]
op = "nearest"
input = ["open", "split"]
"""

DIRECT = STEPS + '[[step]]\nid = "direct"\nop = "nearest"\ninput = ["centres", "split"]\n'

CODE = """
from pathlib import Path
import numpy as np

class Centres:
    def __init__(self, means):
        self.means = means

def train(split):
    x, y = split["x_train"], split["y_train"]
    means = np.stack([x[y == label].mean(axis=0) for label in (0, 1)])
    return {"weights": means, "model": Centres(means)}

def score(model, split):
    near, far = (np.square(split["x_test"] - mean).sum(axis=1) for mean in model["model"].means)
    return {"scores": 1 / (1 + np.exp(far - near))}

def save(model, directory):
    path = Path(directory) / "centres.npy"
    np.save(path, model["weights"])
    return path

def load(path):
    means = np.load(path)
    return {"weights": means, "model": Centres(means)}
"""

JULIA = """
struct Centres
    means::Matrix{Float32}
end

function train(split)
    x, y = split.x_train, split.y_train
    means = reduce(hcat, [vec(sum(x[:, y .== label]; dims = 2)) ./ count(==(label), y) for label in (0, 1)])
    return (weights = means, model = Centres(means))
end

function score(model, split)
    near, far = (vec(sum(abs2, split.x_test .- mean; dims = 1)) for mean in eachcol(model.model.means))
    return (scores = 1 ./ (1 .+ exp.(far .- near)),)
end

function save(model; directory)
    path = joinpath(directory, "centres.bin")
    write(path, model.weights)
    return path
end

function load(path)
    means = reshape(collect(reinterpret(Float32, read(path))), :, 2)
    return (weights = means, model = Centres(means))
end
"""

SAVED = 'np.save(path, model["weights"])'

WRONG = {
    "rounds": (SAVED, 'np.save(path, model["weights"].astype(np.float16).astype(float))', "open: weights"),
    "opens another": ("means = np.load(path)\n", "means = np.load(path)[::-1]\n", "open: weights"),
    "loads what it doesn't show": (
        'np.load(path)\n    return {"weights": means, "model": Centres(means)}',
        'np.load(path)\n    return {"weights": means, "model": Centres(means * 2)}',
        "nearest: scores",
    ),
}
"""Mistakes of an implementation, each with the text that it replaces and the finding."""


@pytest.fixture(autouse=True)
def own_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def pipeline_in(directory: Path, ops: str = OPS, steps: str = STEPS, code: str = CODE) -> Path:
    (directory / "centres.jl").write_text(JULIA)
    return written(directory, ops, steps, code)


def test_an_own_model_is_exported_loaded_and_scored_and_may_hold_more_than_arrays(tmp_path: Path):
    findings = agreed(pipelines.load(pipeline_in(tmp_path, steps=DIRECT)), "scikit-learn")
    assert wrong(findings) == []
    assert {finding.step for finding in findings} == {"split", "centres", "open", "nearest", "direct"}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_export_or_load_disagrees(tmp_path: Path, mistake: str):
    old, new, finding = WRONG[mistake]
    assert old in CODE
    (tmp_path / "wrong.py").write_text(CODE.replace(old, new))
    ops = OPS.replace('python = "features.py:', 'python = "wrong.py:').replace(
        "role =", 'reference = "features.py:F"\nrole ='
    )
    for function in ("train", "score", "save", "load"):
        ops = ops.replace('features.py:F"', f'features.py:{function}"', 1)
    findings = agreed(pipelines.load(pipeline_in(tmp_path, ops, DIRECT)), "scikit-learn")
    assert any(text.startswith(finding) for text in wrong(findings)), wrong(findings)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("3", "features.py:save returns a value of type int instead of the path that it wrote"),
        ("'/elsewhere/model'", "which is not in the directory that it is given"),
        ("Path(directory) / 'other'", "which is not there"),
    ],
)
def test_an_export_that_returns_no_path_of_its_own_is_a_line(tmp_path: Path, returned: str, said: str):
    path = pipeline_in(tmp_path, code=CODE.replace("    return path\n", f"    return {returned}\n"))
    with pytest.raises(BadInput, match=said) as caught:
        agreed(pipelines.load(path), "scikit-learn")
    assert "step 'save'" in str(caught.value)


@pytest.mark.parametrize(
    ("ops", "steps", "said"),
    [
        (OPS, STEPS.replace('["open"', '["centres"'), "step 'save': saves a model that no later step loads and scores"),
        (OPS.replace('role = "export"', ""), STEPS, "op.save: .saved. is what role"),
        (OPS.replace('inputs = ["saved"]', 'inputs = ["arrays"]'), STEPS, 'role = "load" takes "saved"'),
        (OPS.replace('output = "saved"', 'output = "arrays"'), STEPS, 'role = "export" gives "saved"'),
        (f'{OPS}[op.save.params]\ndirectory = {{ type = "int" }}\n', STEPS, "op.save.params.directory"),
    ],
)
def test_a_mistake_in_roles_names_op_or_step(tmp_path: Path, ops: str, steps: str, said: str):
    with pytest.raises(BadInput, match=said):
        pipelines.load(pipeline_in(tmp_path, ops, steps))


def run(twinbench: Command, path: Path, stack: str) -> None:
    where = ["--pipelines", str(path.parent), "--stack", stack, "--trust", "--no-track", "--budget", "0.3"]
    done = twinbench("run", "case", *where)
    assert done.returncode == 0, done.stdout + done.stderr


def refusals_and_files(twinbench: Command, stack: str, directory: Path) -> Path:
    """Check that no command runs a stored model's code, and return where its file was written."""
    for command in (("promote",), ("deploy", "--to", "docker"), ("endpoint", "--serve")):
        refused = twinbench(*command, "--stack", stack)
        assert refused.returncode != 0
        assert "twinbench runs no code for a stored model" in refused.stderr
        assert refused.stderr.count("\n") == 1
        assert f"--model {stack} -o DIR" in refused.stderr
    written_to = twinbench("export", "--model", stack, "-o", str(directory))
    assert written_to.returncode == 0, written_to.stderr
    return Path(written_to.stdout.strip())


def test_an_own_model_is_kept_and_recommended_and_its_files_come_back(tmp_path: Path, twinbench: Command):
    path = pipeline_in(tmp_path)
    path.write_text(path.read_text().replace(HEADER, HEADER.replace('"Python"', '"scikit-learn"')))
    run(twinbench, path, "scikit-learn")
    assert "choose scikit-learn" in twinbench("recommend").stdout
    shown = json.loads(twinbench("show", "--json").stdout)
    assert '"accuracy"' in json.dumps(shown)
    file = refusals_and_files(twinbench, "scikit-learn", tmp_path / "out")
    assert file.name == "centres.npy"
    assert np.load(file).shape == (2, 6)


@needs_julia
def test_an_own_model_in_julia_is_kept_and_its_file_comes_back(tmp_path: Path, twinbench: Command):
    run(twinbench, pipeline_in(tmp_path), "MLUtils.jl")
    file = refusals_and_files(twinbench, "MLUtils.jl", tmp_path / "out")
    assert file.name == "centres.bin"
    assert len(np.fromfile(file, np.float32)) == 12
