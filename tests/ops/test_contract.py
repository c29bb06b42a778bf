"""What every contract promises, and that reading contracts is cheap."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import pytest

from twinbench import ops
from twinbench.modalities import MODALITIES
from twinbench.ops.contract import EXACT, ROUNDING, Op, Tolerance


@pytest.mark.parametrize("op", ops.all_ops(), ids=lambda op: op.name)
def test_a_contract_says_all_that_another_language_needs(op: Op):
    assert op.summary.endswith(".")
    assert op.semantics
    assert op.source
    assert ops.get(op.name) is op
    assert op.modality in MODALITIES
    arguments = list(inspect.signature(op.reference).parameters)
    assert len(arguments) == 1 + len(op.inputs) + (op.givens is not None)


def test_reading_the_contracts_imports_no_numerical_library():
    code = "import json, sys; from twinbench import ops; ops.all_ops(); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert not {"numpy", "scipy", "pandas", "torch", "pydantic"} & set(json.loads(done.stdout))


def test_an_unknown_op_is_a_key_error():
    for name in ("tables.nothing", "nothing.sort", "sort"):
        with pytest.raises(KeyError):
            ops.get(name)


def test_params_come_out_of_json_as_they_went_in():
    values = json.loads('{"hidden": [8], "optimizer": {"name": "adam", "lr": 0.1}, "unknown": 1}')
    params = ops.get("training.mlp").build(values)
    assert params.optimizer.lr == 0.1
    assert params.optimizer.beta2 == 0.999


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("tables.rolling", {"name": "m", "by": [], "column": "x", "window": 0}),
        ("tables.split", {"label": "y", "test_fraction": 1.0}),
        ("training.mlp", {"hidden": [8, 0]}),
        ("training.mlp", {"hidden": [8], "batch_size": 0}),
    ],
)
def test_values_that_make_no_sense_are_refused(name: str, values: dict[str, object]):
    with pytest.raises(ValueError, match="must"):
        ops.get(name).build(values)


@pytest.mark.parametrize(
    ("tolerance", "level"), [(EXACT, "exact"), (ROUNDING, "rounding"), (Tolerance(rtol=1e-5), "approximate")]
)
def test_a_tolerance_has_a_level(tolerance: Tolerance, level: str):
    assert tolerance.level == level
