"""Mistakes in own ops: one line, with the file, the key or the line of code, and the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.usercode.own import FEATURES, SCALED, STEP, agreed, reason, written, wrong
from twinbench.errors import BadInput
from twinbench.plan import pipeline as pipelines
from twinbench.run.agree import reference

MODEL = SCALED.replace('output = "arrays"', 'output = "model"')

FILES = [
    (SCALED.replace("features.py:", "feature.py:"), "op.scaled.python: ", "did you mean 'features.py'?"),
    (SCALED.replace(":scaled", ":scale"), "has no function 'scale'", "did you mean 'scaled'?"),
    (SCALED.replace("features.py:scaled", "features.py"), "op.scaled.python", "doesn't name a function"),
    (SCALED.replace("features.py:scaled", "features.jl:scaled"), "op.scaled.python", "is not in Python"),
    (SCALED.replace("python =", "pythn ="), "op.scaled.pythn", "did you mean 'python'?"),
    (SCALED.replace("python =", "julia ="), "op.scaled", "names no reference"),
    (SCALED.replace('["arrays"]', '["array"]'), "op.scaled.inputs.0", "'arrays'"),
    (SCALED.replace('output = "arrays"', 'output = "file"'), "op.scaled.output", "'arrays'"),
    (MODEL, "op.scaled.output", 'role = "train"'),
    (SCALED.replace("output", 'role = "exprt"\noutput'), "op.scaled.role", "'export'"),
    (SCALED.replace("output", 'role = "score"\noutput'), "op.scaled.inputs", "a model and arrays"),
    (SCALED.replace("output", 'frameworks = { panda = "features.py:scaled" }\noutput'), "frameworks", "'pandas'?"),
    (SCALED.replace("op.scaled", "op.Scaled"), "op.Scaled", "not a name of an op"),
    (SCALED.replace("default = 2.0", "default = -2.0"), "op.scaled.params.factor.default", "less than 0"),
    (SCALED.replace("default = 2.0", 'default = "2"'), "op.scaled.params.factor.default", "not of type float"),
    (SCALED.replace('"float"', '"double"'), "op.scaled.params.factor.type", "'float'"),
    (SCALED.replace("min = 0.0", "choices = [1]"), "op.scaled.params.factor.choices", "not of type float"),
    (SCALED.replace("factor =", "lambda ="), "op.scaled.params.lambda", "reserved"),
    (SCALED.replace("output", "rtol = -1.0\noutput"), "op.scaled.rtol", "greater than or equal to 0"),
]


@pytest.mark.parametrize(("ops", "key", "hint"), FILES, ids=[key for _, key, _ in FILES])
def test_a_mistake_in_a_declaration_names_file_key_and_nearest_name(tmp_path: Path, ops: str, key: str, hint: str):
    path = written(tmp_path, ops)
    (tmp_path / "features.jl").write_text("scaled(arrays; factor) = arrays\n")
    with pytest.raises(BadInput) as caught:
        pipelines.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert key in message
    assert hint in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('op = "scaled"', 'op = "scale"', ["step[0].op", "did you mean 'scaled'?"]),
        ('input = "data"', 'input = "data"\nfctor = 1.0', ["step[0].fctor", "did you mean 'factor'?"]),
        ('input = "data"', 'input = "data"\nfactor = -1.0', ["step[0]", "factor: -1.0 is less than 0"]),
        ('input = "data"', 'input = "data"\nfactor = "1"', ["step[0]", "factor", "number"]),
        ('input = "data"', "input = []", ["step[0].input", "1 input(s)"]),
    ],
)
def test_a_mistake_in_a_step_is_told_as_for_any_op(tmp_path: Path, old: str, new: str, words: list[str]):
    with pytest.raises(BadInput) as caught:
        pipelines.load(written(tmp_path, steps=STEP.replace(old, new)))
    assert all(word in str(caught.value) for word in words), caught.value


BODY = "    return {"

CODE = {
    "raises": (
        f"    inner(arrays)\n{BODY}",
        "ValueError: too few (features.py:9 in inner, called at features.py:5 in s",
    ),
    "exits": (f"    raise SystemExit(3)\n{BODY}", "SystemExit"),
    "returns a list": (
        '    return [arrays["x"]]\n    return {',
        "returns a value of type list instead of a dict of Num",
    ),
    "returns nothing": ("    arrays = dict(arrays)\n    1 or {", "returns a value of type NoneType instead of"),
    "an array of objects": ('    return {"x": [None, {}]}\n    return {', "returns 'x' as an array of object"),
    "writes into its input": (
        f'    arrays["x"][0] = 0\n{BODY}',
        "read-only: it changes its input; let it work on a co",
    ),
    "replaces in its input": (f'    arrays["x"] = 1\n{BODY}', "changes its input 'x'; let it work on a copy"),
}
"""By what the function does: its body instead of the plain one's beginning, and what is said."""


@pytest.mark.parametrize("mistake", CODE)
def test_what_the_reference_does_wrong_is_a_line_with_the_users_frames(tmp_path: Path, mistake: str):
    body, said = CODE[mistake]
    inner = '\ndef inner(arrays):\n    raise ValueError("too few")\n'
    code = FEATURES.replace(BODY, body, 1).replace("\ndef slower", f"{inner}\ndef slower")
    path = written(tmp_path, code=code)
    with pytest.raises(BadInput) as caught:
        reference.prepare(pipelines.load(path), "all")
    message = str(caught.value)
    assert message.startswith(f"{path}: step 'scaled': features.py:scaled")
    assert said in message
    assert "\n" not in message
    assert "twinbench/" not in message


IMPLEMENTATIONS = {
    "raises": ("raise KeyError('x')", "scaled: fast.py:scaled of Python: KeyError: 'x' (fast.py:2 in scaled)"),
    "a list": ("return [1]", "scaled: fast.py:scaled returns a value of type list instead of a dict of NumPy arrays"),
    "other parameters": (
        None,
        "can't be called with 1 input, factor=: got an unexpected keyword argument 'factor'; did",
    ),
    "changes its input": ('arrays["x"][0] = 0', "it changes its input; let it work on a copy"),
}


@pytest.mark.parametrize("mistake", IMPLEMENTATIONS)
def test_what_an_implementation_does_wrong_is_a_line_about_its_step(tmp_path: Path, mistake: str):
    body, said = IMPLEMENTATIONS[mistake]
    head = "def scaled(arrays, factr=1)" if body is None else "def scaled(arrays, factor)"
    (tmp_path / "fast.py").write_text(f"{head}:\n    {body}\n    return arrays\n")
    named = 'reference = "features.py:scaled"\npython = "fast.py:scaled"\n'
    assert said in reason(written(tmp_path, SCALED.replace('python = "features.py:scaled"\n', named)))


def test_a_function_that_changes_what_another_step_made_is_found(tmp_path: Path):
    (tmp_path / "fast.py").write_text("def scaled(arrays, factor):\n    arrays['x'] *= factor\n    return arrays\n")
    twice = f'[[step]]\nid = "first"\nop = "plain"\ninput = "data"\n{STEP}'.replace('input = "data"\n', "", 2)
    ops = SCALED.replace("python", 'reference = "features.py:scaled"\npython').replace(
        'python = "features', 'python = "fast'
    )
    plain = SCALED.replace("op.scaled", "op.plain")
    steps = twice.replace('op = "plain"\n', 'op = "plain"\ninput = "data"\n')
    findings = wrong(agreed(pipelines.load(written(tmp_path, ops + plain, steps)), "Python"))
    assert any("the call changes its input; let it work on a copy" in text for text in findings), findings


def test_code_that_changed_since_the_pipeline_was_read_is_not_executed(tmp_path: Path):
    pipeline = pipelines.load(written(tmp_path))
    (tmp_path / "helper.py").write_text("raise AssertionError('executed')\n")
    with pytest.raises(BadInput, match=r"features\.py:scaled: the code was changed since the command began"):
        reference.prepare(pipeline, "all")
