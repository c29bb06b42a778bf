"""Pipelines of images as a user starts them: what agrees, what deviates and says so, and what is caught."""

from __future__ import annotations

import json

import pytest

PYTHON = ("Pillow", "OpenCV", "scikit-image", "SciPy", "torch")


def stacks(*names: str) -> list[str]:
    return [argument for name in names for argument in ("--stack", name)]


def test_photos_agree_or_say_why_not(twinbench):
    done = twinbench("agree", "photos", *stacks(*PYTHON), "--json", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    checked = {one["stack"]: one for one in json.loads(done.stdout)}
    assert list(checked) == list(PYTHON)
    levels = {
        (stack, step): finding["level"]
        for stack, one in checked.items()
        for step, findings in one["findings"].items()
        for finding in findings
        if finding["output"] in ("x", "labels")
    }
    for step in ("decode_png", "median", "otsu", "opening", "components"):
        assert {level for (_, own), level in levels.items() if own == step} == {"exact"}
    assert {stack for (stack, step), level in levels.items() if step == "grey" and level == "different"} == {
        "scikit-image"
    }
    grey = next(f for f in checked["scikit-image"]["findings"]["grey"] if f["output"] == "x")
    assert "Rec. 709" in grey["declared"]
    assert 20 < grey["psnr_db"] < 60
    assert grey["max_abs"] <= 34


def test_a_stack_gets_from_the_reference_what_it_cannot_make(twinbench):
    done = twinbench("agree", "photos", *stacks("SciPy"), "--json")
    (one,) = json.loads(done.stdout)
    assert {"sobel", "opening", "components"} <= set(one["findings"]), "of grey and of black and white images"
    assert not {"grey", "otsu"} & set(one["findings"]), "which SciPy has no function for"


DIGITS = """
[pipeline]
name = "few-digits"
modality = "images"
dataset = "digits"

[goal]
question = "Which digit?"
metric = "accuracy"

[sizes]
small = { images = 300 }

[[step]]
op = "images.resize"
height = 11
width = 13

[[step]]
op = "images.normalise"
mean = [0.3]
sd = [0.4]

[[step]]
op = "training.split"

[[step]]
op = "training.mlp"
hidden = [16]
classes = 10
epochs = 12
batch_size = 16

[[step]]
op = "training.predict"
input = ["mlp", "split"]
"""


@pytest.fixture
def few_digits(tmp_path):
    (tmp_path / "few-digits.toml").write_text(DIGITS)
    return ["few-digits", "--pipelines", str(tmp_path)]


def other(change: str) -> str:
    """Somebody's framework, which resizes as the reference does and then changes every tenth pixel."""
    return f"""
        from dataclasses import replace
        from twinbench.frameworks import scipy
        from twinbench.ops.images.geometry import resize as right

        (SCIPY,) = scipy.FRAMEWORKS

        def resize(p, images):
            x = right(p, images)["x"].copy()
            some = x.reshape(-1)[::10]
            {change}
            return images | {{"x": x}}

        FRAMEWORKS = replace(SCIPY, name="Other", ops={{"images.resize": resize}})
    """


def test_one_level_in_an_image_is_not_held_against_what_is_trained_on_it(twinbench, plugin, few_digits):
    env = plugin("other", other("some[some < 255] += 1"))
    done = twinbench("agree", *few_digits, *stacks("Other+torch", "SciPy+torch"), "--json", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    checked = {one["stack"]: one["findings"] for one in json.loads(done.stdout)}
    (resized,) = (f for f in checked["Other+torch"]["resize"] if f["output"] == "x")
    assert (resized["level"], resized["max_abs"]) == ("rounding", 1.0)
    for step in ("normalise", "split", "mlp", "predict"):
        assert checked["Other+torch"][step] == checked["SciPy+torch"][step]


def test_two_levels_are_too_many(twinbench, plugin, few_digits):
    env = plugin("other", other("some[some < 254] += 2"))
    done = twinbench("agree", *few_digits, *stacks("Other+torch"), env=env)
    assert done.returncode == 1
    assert "different" in done.stdout


def test_quality_is_that_of_the_stacks_own_chain(twinbench, store, plugin, few_digits):
    env = plugin("other", other("x[:] = 0"))
    arguments = (*stacks("Other+torch"), "--budget", "0.2", "--no-track")
    done = twinbench("run", *few_digits, *arguments, env=env, timeout=300)
    assert done.returncode == 1, "black images are a wrong answer"
    with store() as results:
        (cell,) = results.cells(results.find_run().id)
        accuracy = next(q.value for q in results.qualities(cell.id) if q.metric == "accuracy")
    assert (cell.status, cell.kind) == ("disagrees", "wrong answer")
    assert accuracy < 0.2, "not that of the comparison, which began from the reference's images"


def test_digits_reach_the_target(twinbench, store):
    arguments = (*stacks("OpenCV+torch"), "--budget", "0.2", "--no-track")
    done = twinbench("run", "digits", *arguments, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    with store() as results:
        run = results.find_run()
        (planned,) = results.pipelines(run.id)
        (cell,) = results.cells(run.id)
        dummy = next(b.value for b in results.baselines(run.id) if (b.name, b.metric) == ("most-frequent", "accuracy"))
        accuracy = next(q.value for q in results.qualities(cell.id) if q.metric == "accuracy")
    assert cell.status == "done", cell.reason
    assert accuracy > planned.spec["target"] > dummy


def test_digits_agree_on_every_stack(twinbench):
    names = [f"{name}+torch" for name in PYTHON if name != "torch"] + ["torch"]
    done = twinbench("agree", "digits", *stacks(*names), timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_not_here_and_cannot_be_fetched_is_one_line(twinbench):
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "TWINBENCH_FILES_DIR": ""}
    done = twinbench("agree", "mnist", env=nowhere)
    assert done.returncode == 2
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("twinbench: error:")]
    assert "can't be fetched" in error
    assert "Traceback" not in done.stderr
