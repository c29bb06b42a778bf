"""How far rounding moves a training, and that whatever else moves a training is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbench import ops
from twinbench.conformance.trainers import WRONG_TRAINERS, possible
from twinbench.conformance.training import NETWORKS, network
from twinbench.conformance.trial import Question, ask
from twinbench.ops.contract import Arrays
from twinbench.ops.training import learning
from twinbench.run.agree import divergence

SMALL = {
    "mlp, several classes": ("mlp adamw, several classes", {}),
    "mlp, a smaller last batch": ("mlp adam", {}),
    "mlp nesterov": ("mlp nesterov", {}),
    "lstm": ("lstm momentum, several features", {"units": 3}),
}


@pytest.fixture(scope="module", params=SMALL)
def question(request: pytest.FixtureRequest) -> Question:
    """A training of three epochs of ten batches, with the reference's answer."""
    name, values = SMALL[request.param]
    case = network(NETWORKS[name])
    case.values.update(values)
    return ask(ops.get(f"training.{NETWORKS[name][0]}"), case, Path())


def errors(question: Question, model: Arrays) -> dict[str, float]:
    """Errors in tolerances, by array."""
    return {finding.output: finding.error for finding in question.check_agreement(model)}


def test_every_wrong_trainer_is_refused(question: Question):
    """With ten tolerances to spare, so that a network in which rounding grows more would do as well."""
    tried = list(possible(question.op, question.params, question.inputs))
    assert len(tried) >= len(WRONG_TRAINERS) - 1
    for wrong in tried:
        assert max(errors(question, wrong.train(question.params, *question.inputs)).values()) > 10, wrong.name


def test_an_honest_training_in_float32_is_far_inside_the_tolerance(question: Question):
    honest = learning.trained(question.params, *question.inputs, np.float32)
    assert set(errors(question, honest)) == {"losses", "epoch_losses", "fit"}
    assert max(errors(question, honest).values()) < 0.1


def test_on_a_gpu_its_own_rounding_errors_agree_and_a_wrong_trainer_is_refused(question: Question):
    """The gradients of cuDNN's deterministic convolutions are 2^-18 of the largest away from float64."""
    p, inputs = question.params, question.inputs
    scale = learning.growth(p, question.want, *inputs, "cuda")
    on_gpu = replace(question, scale=scale)
    coarse = learning._noise(np.random.default_rng(99), 2.0**-18)
    assert max(errors(on_gpu, learning.trained(p, *inputs, np.float32, coarse)).values()) < 1
    for wrong in possible(question.op, p, inputs):
        assert max(errors(on_gpu, wrong.train(p, *inputs)).values()) > 1, wrong.name


def test_the_bound_on_a_gpu_allows_for_its_own_rounding_errors():
    question = ask(ops.get("training.mlp"), network(NETWORKS["mlp adam"]), Path())
    p, inputs = question.params, question.inputs
    coarse = [
        learning.trained(p, *inputs, np.float32, learning._noise(np.random.default_rng(seed), 2.0**-18))
        for seed in range(3)
    ]
    on_gpu = replace(question, scale=learning.growth(p, question.want, *inputs, "cuda"))
    on_cpu, on_gpu = (max(max(errors(each, model).values()) for model in coarse) for each in (question, on_gpu))
    assert on_cpu > 1.5 * on_gpu
    assert on_gpu < 1


def test_a_smaller_last_batch_is_among_the_cases():
    case = network(NETWORKS["mlp adam"])
    wrong = possible(ops.get("training.mlp"), ask(ops.get("training.mlp"), case, Path()).params, inputs_of(case))
    assert {each.name for each in wrong} == {each.name for each in WRONG_TRAINERS}


def inputs_of(case: Any) -> tuple[Any, ...]:
    op = ops.get("training.mlp")
    return (*case.inputs, op.givens(op.build(case.values), *case.inputs))


def test_the_bound_grows_where_rounding_grows():
    """At a rate far beyond the stable one, trainings part; at a small one they don't."""
    op = ops.get("training.mlp")
    growth = {}
    for rate in (1e-3, 3.0):
        case = network(("mlp", {"hidden": [16, 8], "optimizer": {"name": "sgd", "lr": rate, "momentum": 0.9}}, (7,)))
        growth[rate] = ask(op, case, Path()).scale
    assert growth[1e-3]["losses"].max() < 20
    assert growth[3.0]["losses"].max() > 100 * growth[1e-3]["losses"].max()
    assert all((values >= 1).all() for values in growth[3.0].values())


def test_a_model_without_its_weights_or_losses_is_refused(question: Question):
    model = question.want
    assert max(errors(question, {n: v for n, v in model.items() if n != "losses"}).values()) == np.inf
    assert max(errors(question, model | {"b1": model["b1"][:-1]}).values()) == np.inf


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"losses": [0.7, np.nan]}, "the loss of step 2 is nan"),
        ({"losses": [0.7, np.inf]}, "the loss of step 2 is inf"),
        ({"w1": [1.0, -np.inf]}, "'w1' at 1 is -inf"),
        ({"losses": [0.7, 2.0, 1e5]}, "the loss rose from 0.7 to 1e+05"),
        ({"losses": [0.7, 1e5, 0.6]}, "the loss rose from 0.7 to 1e+05"),
    ],
)
def test_a_training_that_diverged_is_said_to_have(change: dict[str, list[float]], words: str):
    model = {"losses": np.array([0.7, 0.6], np.float32), "w1": np.ones(2, np.float32)}
    wrong = model | {name: np.array(values, np.float32) for name, values in change.items()}
    assert words in divergence.reason(ops.get("training.mlp"), wrong)
    assert not divergence.reason(ops.get("training.mlp"), model)
    assert not divergence.reason(ops.get("training.predict"), wrong), "only a training diverges"


@pytest.mark.parametrize("optimizer", [{"name": "sgd", "lr": 1e6}, {"name": "adam", "lr": 1e6}])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.filterwarnings("error")
def test_a_learning_rate_of_a_million_diverges_without_a_warning(optimizer: dict[str, Any], classes: int):
    op = ops.get("training.mlp")
    case = network(("mlp", {"hidden": [8], "classes": classes, "optimizer": optimizer}, (5,)))
    question = ask(op, case, Path())
    assert "diverged" in divergence.reason(op, question.want)


@pytest.mark.parametrize(("rate", "parts"), [(1e-3, False), (1.0, True)])
def test_the_step_from_which_trainings_part_is_known(rate: float, parts: bool):
    op = ops.get("training.mlp")
    values = {"hidden": [32, 32, 32], "epochs": 8, "optimizer": {"name": "sgd", "lr": rate}}
    question = ask(op, network(("mlp", values, (7,))), Path())
    assert op.parts_at is not None
    step = op.parts_at(question.want, question.scale)
    assert (0 < step <= len(question.want["losses"])) is parts
    assert step > 1 or not parts, "the first losses agree"
