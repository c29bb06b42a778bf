"""Every framework that trains, against the references: the same start, the same batches and the same arithmetic.

Each runs in a process of its own, through the interface that a worker uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from twinbench import ops
from twinbench.conformance.training import ADAM, LARGE_EPSILON, SHORT, examples
from twinbench.conformance.training import NETWORKS as CASES
from twinbench.frameworks import registry
from twinbench.ops.contract import Arrays
from twinbench.ops.training import networks
from twinbench.plan import stack
from twinbench.run.agree.agreement import check_agreement

NETWORKS = ("torch", "Keras", "Keras-JAX", "Keras-torch", "MXNet", "Flux")
ALL = (*NETWORKS, "scikit-learn")

LAYERS = {
    "dense": ("mlp", {"hidden": []}, (6,)),
    "relu": ("mlp", {"hidden": [5]}, (6,)),
    "convolution and pooling": ("cnn", {"channels": [3]}, (7, 6, 2)),
    "convolution over one axis": ("cnn1d", {"channels": [3], "kernel": 5}, (9, 2)),
    "two convolutions": ("cnn", {"channels": [2, 3]}, (8, 5)),
    "lstm": ("lstm", {"units": 4}, (5, 3)),
}


@pytest.fixture(
    scope="session", params=[pytest.param(name, marks=pytest.mark.julia if name == "Flux" else ()) for name in ALL]
)
def framework(request: pytest.FixtureRequest) -> str:
    """Each framework, or the reason why it isn't here."""
    if registry.get(request.param).environment is not None:
        request.getfixturevalue("mxnet")
        return request.param
    reason = stack.unavailable(registry.get(request.param))
    if reason is not None:
        pytest.skip(reason)
    return request.param


@pytest.fixture
def network(framework: str) -> str:
    """Each framework that trains networks."""
    if framework not in NETWORKS:
        pytest.skip(f"{framework} trains no networks")
    return framework


@pytest.fixture
def run(framework: str, elsewhere: Callable[..., Any]) -> Callable[..., Arrays]:
    """One op on neutral values, with their kinds; inputs must stay as they are."""
    return partial(elsewhere, framework, "run", framework)


@pytest.fixture
def chain(framework: str, elsewhere: Callable[..., Any]) -> Callable[..., Arrays]:
    """Ops one after the other, each taking the one before as its first input."""
    return partial(elsewhere, framework, "chain", framework)


def case(name: str, values: dict[str, Any], shape: tuple[int, ...]) -> tuple[Any, Any, Arrays, Arrays]:
    """Op, parameters, examples and givens; three epochs of ten batches."""
    op = ops.get(f"training.{name}")
    params = op.build(SHORT | {"seed": 5} | values)
    arrays = examples(shape, params.classes)
    return op, params, arrays, op.givens(params, arrays)


def without_adamw(network: str, params: Any) -> None:
    if network == "MXNet" and params.optimizer.name == "adamw":
        pytest.skip("MXNet 1.9.1 has no optimizer AdamW")


def agrees(op: Any, got: Arrays, want: Arrays, params: Any) -> bool:
    return all(finding.ok for finding in check_agreement(op, got, want, params=params))


def trained_right(op: Any, got: Arrays, params: Any, *inputs: Arrays) -> bool:
    """Whether a trained model agrees, checked as the harness does."""
    want = op.reference(params, *inputs)
    scale = {} if op.scale is None else op.scale(params, want, *inputs)
    return all(finding.ok for finding in check_agreement(op, got, want, None, params, scale, inputs))


@pytest.mark.parametrize("name", CASES)
def test_a_training_agrees_with_the_reference_to_its_end(network: str, run: Any, name: str):
    op, params, arrays, given = case(*CASES[name])
    without_adamw(network, params)
    want = op.reference(params, arrays, given)
    got = run(op.name, params, [(arrays, "arrays"), (given, "arrays")])
    assert list(got) == list(want)
    assert len(got["losses"]) == len(want["losses"]) == 30, "the last, smaller batch of each epoch counts"
    assert trained_right(op, got, params, arrays, given), (got["losses"], want["losses"])
    for key, values in want.items():
        assert (got[key].dtype, got[key].shape) == (values.dtype, values.shape), key
        if key != "input":
            np.testing.assert_allclose(got[key], values, atol=5e-3, err_msg=key)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_agrees_forward_and_backward(network: str, run: Any, chain: Any, name: str):
    """One step of plain SGD with rate 1 takes the gradient off every weight."""
    kind, values, shape = LAYERS[name]
    plain = {"optimizer": {"name": "sgd", "lr": 1.0}, "epochs": 1, "batch_size": 300}
    op, params, arrays, given = case(kind, values | plain, shape)
    weights = networks.weights_of(given)
    x = networks.examples(weights, arrays["x_train"])
    loss, gradients = networks.loss_and_gradients(weights, x[given["order"][0]], arrays["y_train"][given["order"][0]])
    trained = run(op.name, params, [(arrays, "arrays"), (given, "arrays")])
    np.testing.assert_allclose(trained["losses"], [loss], rtol=1e-5)
    for key, gradient in gradients.items():
        np.testing.assert_allclose(given[key] - trained[key], gradient, atol=1e-5, err_msg=key)
    model = {"input": given["input"], **weights, "losses": np.zeros(1, np.float32)}
    predict = ops.get("training.predict")
    p = predict.build({"batch_size": 16})
    scores = run(predict.name, p, [(model, "model"), (arrays, "arrays")])["scores"]
    np.testing.assert_allclose(scores, predict.reference(p, model, arrays)["scores"], atol=1e-5)


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("name", ["mlp adam", "mlp adamw, several classes", "cnn1d adam", "lstm adam, several classes"])
def test_scores_are_those_of_the_model_for_any_number_of_rows(network: str, run: Any, name: str, rows: int):
    _, _, arrays, given = case(*CASES[name])
    model = {key: values for key, values in given.items() if key != "order"} | {"losses": np.zeros(1, np.float32)}
    predict = ops.get("training.predict")
    for test, p in ((arrays["x_test"][:rows], {"batch_size": 33}), (arrays["x_test"], {"batch_size": 1, "rows": rows})):
        values = predict.build(p)
        got = run(predict.name, values, [(model, "model"), ({"x_test": test}, "arrays")])
        want = predict.reference(values, model, {"x_test": test})
        np.testing.assert_allclose(got["scores"], want["scores"], atol=1e-6, strict=True)


@pytest.mark.parametrize(
    "change", [{"eps": 1e-3}, {"beta2": 0.999}, {"lr": 9.9e-3}, {"name": "adamw", "weight_decay": 0.5}]
)
def test_another_arithmetic_of_the_optimizer_is_caught(network: str, run: Any, change: dict[str, Any]):
    op, params, arrays, given = case("mlp", {"hidden": [16, 8], "optimizer": ADAM}, (7,))
    other = replace(params, optimizer=ADAM | change)
    without_adamw(network, other)
    got = run(op.name, other, [(arrays, "arrays"), (given, "arrays")])
    assert not trained_right(op, got, params, arrays, given)


def test_an_epsilon_that_matters_is_where_the_contract_has_it(network: str, run: Any):
    """Keras and MXNet add epsilon at another place by themselves."""
    op, params, arrays, given = case(*LARGE_EPSILON["mlp"])
    got = run(op.name, params, [(arrays, "arrays"), (given, "arrays")])
    assert trained_right(op, got, params, arrays, given)


def test_another_order_of_the_batches_is_caught(network: str, run: Any):
    op, params, arrays, given = case(*CASES["mlp sgd"])
    shuffled = given | {"order": given["order"][:, ::-1].copy()}
    got = run(op.name, params, [(arrays, "arrays"), (shuffled, "arrays")])
    assert not trained_right(op, got, params, arrays, given)


@pytest.mark.parametrize("name", ["mlp adam", "cnn adam, several classes", "cnn1d adam", "lstm adam, several classes"])
def test_a_file_holds_the_model_to_the_last_bit(network: str, run: Any, chain: Any, name: str):
    _, _, arrays, given = case(*CASES[name])
    model = {key: values for key, values in given.items() if key != "order"} | {"losses": np.zeros(1, np.float32)}
    export, load, predict = (ops.get(f"training.{name}") for name in ("export", "load", "predict"))
    got = run(export.name, export.build({}), [(model, "model")])
    assert agrees(export, got, export.reference(export.build({}), model), export.build({}))
    p = predict.build({})
    steps = [
        (export.name, export.build({}), [(model, "model")]),
        (load.name, load.build({}), []),
        (predict.name, p, [(arrays, "arrays")]),
    ]
    want = run(predict.name, p, [(model, "model"), (arrays, "arrays")])
    np.testing.assert_array_equal(chain(steps)["scores"], want["scores"])


@pytest.mark.parametrize("seed", range(4))
def test_preparing_examples_agrees_with_the_reference(framework: str, run: Any, seed: int):
    rng = np.random.default_rng(seed)
    shape = [(1, 1, 1), (12, 3), (30, 2, 3), (8, 1)][seed]
    x = np.round(rng.normal(0, 100, shape), 2)
    x[(slice(None), *[0] * (len(shape) - 1))] = 7.1  # a constant feature
    arrays = {"x": x, "y": rng.integers(0, 3, shape[0])}
    if seed % 2:
        arrays["test"] = rng.integers(0, 2, shape[0]).astype(np.uint8)
    for name, values in (
        ("standardise", {}),
        ("split", {"flatten": seed < 2}),
        ("kfold", {"folds": 3, "seed": seed}),
        ("batches", {"batch_size": 7, "seed": seed}),
    ):
        op = ops.get(f"training.{name}")
        params = op.build(values)
        if op.name not in registry.get(framework).ops:
            continue
        if name == "kfold" and np.bincount(arrays["y"]).max() < 3:
            continue  # scikit-learn wants a class with as many rows as there are folds
        given = [(op.givens(params, arrays), "arrays")] if op.givens else []
        got = run(op.name, params, [(arrays, "arrays"), *given])
        want = op.reference(params, arrays, *(values for values, _ in given))
        assert agrees(op, got, want, params), (name, got, want)


@pytest.mark.julia
def test_mlutils_takes_the_same_rows_and_its_other_folds_are_declared(elsewhere: Any):
    mlutils = registry.get("MLUtils.jl")
    reason = stack.unavailable(mlutils)
    if reason is not None:
        pytest.skip(reason)
    arrays = {"x": np.arange(98.0)[:, None], "y": np.arange(98) % 3}
    findings = {}
    for name, values in (("split", {"seed": 1}), ("kfold", {"folds": 5, "seed": 1}), ("batches", {"seed": 1})):
        op = ops.get(f"training.{name}")
        params = op.build(values)
        given = op.givens(params, arrays)
        got = elsewhere("MLUtils.jl", "run", "MLUtils.jl", op.name, params, [(arrays, "arrays"), (given, "arrays")])
        findings[name] = check_agreement(
            op, got, op.reference(params, arrays, given), mlutils.deviations.get(op.name), params
        )
    assert all(finding.ok for name in ("split", "batches") for finding in findings[name])
    (fold,) = findings["kfold"]
    assert not fold.ok
    assert "each class for itself" in fold.declared


def test_logistic_regression_reaches_the_optimum(framework: str, run: Any):
    op, predict = ops.get("training.logistic"), ops.get("training.predict")
    if op.name not in registry.get(framework).ops:
        pytest.skip(f"{framework} has no {op.name}")
    for classes in (2, 3):
        arrays, params = examples((5,), classes), op.build({"classes": classes, "c": 0.1})
        want = op.reference(params, arrays)
        got = run(op.name, params, [(arrays, "arrays")])
        assert trained_right(op, got, params, arrays)
        assert not trained_right(op, op.reference(op.build({"classes": classes, "c": 0.01}), arrays), params, arrays)
        p = predict.build({"batch_size": 7})
        scores = run(predict.name, p, [(want, "model"), (arrays, "arrays")])["scores"]
        np.testing.assert_allclose(scores, predict.reference(p, want, arrays)["scores"], atol=1e-6, strict=True)


def test_values_are_held_in_float32(network: str, elsewhere: Any):
    held = elsewhere(network, "facts", network, examples((7,), 2), "arrays")
    assert held
    assert all("float32" in value.lower() for value in held.values()), held


def test_threads_are_read_back(framework: str, elsewhere: Any):
    counts = elsewhere(framework, "threads", framework)
    assert counts
    assert set(counts.values()) == {1}


UNSAFE = {
    "torch": "import torch, os\ntorch.save({'w1': os.system}, PATH)",
    "Keras": "import keras\nk = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)])\nk.save(PATH)",
    "scikit-learn": "import skops.io\nclass Evil: pass\nskops.io.dump(Evil(), PATH)",
}


@pytest.mark.parametrize("framework", UNSAFE, indirect=True)
def test_a_file_that_could_run_code_is_refused(framework: str, elsewhere: Any, tmp_path: Any):
    suffix = {"torch": ".pt", "Keras": ".keras", "scikit-learn": ".skops"}[framework]
    message = elsewhere(framework, "refusal", framework, UNSAFE[framework], str(tmp_path / f"model{suffix}"))
    assert "safe" in message.lower() or "trusted" in message.lower() or "weights_only" in message.lower(), message
