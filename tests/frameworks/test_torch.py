"""PyTorch's training step against the reference: the same start, the same batches and the same Adam."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

from twinbench import ops
from twinbench.ops.contract import Arrays

MLP, PREDICT = ops.get("training.mlp"), ops.get("training.predict")
PARAMS = MLP.build(
    {
        "hidden": [16, 8],
        "epochs": 2,
        "batch_size": 32,
        "optimizer": {"name": "adam", "lr": 1e-2, "beta1": 0.8, "beta2": 0.99, "eps": 1e-4},
        "seed": 5,
    }
)


@pytest.fixture(scope="module")
def split() -> Arrays:
    """500 rows of 7 features, column-major and read-only, as a frame or a memory map may hand them over."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((500, 7)).astype(np.float32)
    y = (x @ np.arange(-3, 4) + rng.normal(size=500) > 0).astype(np.float32)
    arrays = {"x_train": np.asfortranarray(x[:400]), "y_train": y[:400], "x_test": x[400:], "y_test": y[400:]}
    for values in arrays.values():
        values.flags.writeable = False
    return arrays


@pytest.fixture(scope="module")
def start(split: Arrays) -> Arrays:
    return MLP.givens(PARAMS, split)


def test_the_first_losses_agree_with_the_reference(torch: Any, run: Any, agrees: Any, split: Arrays, start: Arrays):
    want = MLP.reference(PARAMS, split, start)
    got = run(torch, MLP, PARAMS, split, given=start)
    assert list(got) == list(want)
    assert len(got["losses"]) == len(want["losses"]) == 26, "the last, smaller batch of each epoch counts"
    agrees(MLP, got, want)
    for name, values in want.items():
        assert got[name].dtype == np.float32
        np.testing.assert_allclose(got[name], values, rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("rows", [0, 1, 100])
def test_several_classes_agree_with_the_reference(torch: Any, run: Any, agrees: Any, split: Arrays, rows: int):
    params = MLP.build({"hidden": [16], "classes": 4, "epochs": 2, "batch_size": 32, "seed": 1})
    labelled = split | {"y_train": (np.arange(400) % 4).astype(np.float32)}
    start = MLP.givens(params, labelled)
    want = MLP.reference(params, labelled, start)
    agrees(MLP, run(torch, MLP, params, labelled, given=start), want)
    predict, test = PREDICT.build({"batch_size": 33}), {"x_test": split["x_test"][:rows]}
    got = run(torch, PREDICT, predict, want, test)
    np.testing.assert_allclose(got["scores"], PREDICT.reference(predict, want, test)["scores"], atol=1e-6, strict=True)
    assert got["scores"].shape == (rows, 4)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_preparing_examples_agrees_with_the_reference(torch: Any, run: Any, agrees: Any, data: Any):
    shape = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 3), st.integers(1, 3)))
    x = data.draw(numpy_arrays(np.float64, shape, elements=st.floats(-1e3, 1e3).map(lambda v: round(v, 2))))
    x[:, 0, 0] = 7.1  # a constant feature
    examples = {"x": x, "y": data.draw(numpy_arrays(np.int64, shape[0], elements=st.integers(0, 2)))}
    if data.draw(st.booleans()):
        examples["test"] = data.draw(numpy_arrays(np.uint8, shape[0], elements=st.integers(0, 1)))
    for name, values in (("standardise", {}), ("split", {"flatten": data.draw(st.booleans())})):
        op = ops.get(f"training.{name}")
        params = op.build(values)
        extra = {"given": op.givens(params, examples)} if op.givens else {}
        want = op.reference(params, examples, *extra.values())
        agrees(op, run(torch, op, params, examples, **extra), want)


def test_another_order_of_the_batches_is_rejected(torch: Any, run: Any, agrees: Any, split: Arrays, start: Arrays):
    shuffled = start | {"order": start["order"][:, ::-1]}
    got = run(torch, MLP, PARAMS, split, given=shuffled)
    with pytest.raises(AssertionError):
        agrees(MLP, got, MLP.reference(PARAMS, split, start))


@pytest.mark.parametrize("change", [{"eps": 1e-3}, {"beta2": 0.999}, {"lr": 9.9e-3}])
def test_another_arithmetic_of_adam_is_rejected(
    torch: Any, run: Any, agrees: Any, split: Arrays, start: Arrays, change: dict[str, float]
):
    adam = {name: getattr(PARAMS.optimizer, name) for name in ("lr", "beta1", "beta2", "eps")} | change
    other = MLP.build({"hidden": [16, 8], "epochs": 2, "batch_size": 32, "optimizer": adam})
    got = run(torch, MLP, other, split, given=start)
    with pytest.raises(AssertionError):
        agrees(MLP, got, MLP.reference(PARAMS, split, start))


@pytest.mark.parametrize("rows", [0, 1, 100])
def test_scores_are_those_of_the_same_model(torch: Any, run: Any, split: Arrays, start: Arrays, rows: int):
    model = MLP.reference(PARAMS, split, start)
    params, test = PREDICT.build({"batch_size": 33}), {"x_test": split["x_test"][:rows]}
    got = run(torch, PREDICT, params, model, test)
    want = PREDICT.reference(params, model, test)
    assert got["scores"].dtype == np.float32
    np.testing.assert_allclose(got["scores"], want["scores"], atol=1e-6, strict=True)


def test_training_does_not_move_the_given_weights(torch: Any, split: Arrays, start: Arrays):
    arrays, given = torch.prepare(split, "arrays"), torch.prepare(start, "arrays")
    model = torch.ops["training.mlp"](PARAMS, arrays, given)
    assert not np.array_equal(torch.extract(model, "model")["w1"], start["w1"])
    for name, values in start.items():
        np.testing.assert_array_equal(given[name].numpy(), values)


def test_tensors_are_row_major_whatever_the_arrays_were(torch: Any, split: Arrays):
    facts = torch.facts(torch.prepare(split, "arrays"), "arrays")
    assert set(facts.values()) == {"float32 C cpu"}
