"""MXNet 1.9.1 with Gluon. It runs in an environment of its own, with the NumPy that it needs.

MXNet computes while Python goes on, so every op waits in the end. This file knows MXNet and the contracts, and nothing
of how they are run or timed.
"""

from __future__ import annotations

import ctypes
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from twinbench.frameworks.api import Framework, Ops
from twinbench.ops import training as t
from twinbench.ops.contract import Arrays, Kind

mx: Any = None
np: Any = None

POOL = 2


def load(threads: int) -> None:
    """Import MXNet. Its pools read their size from the environment; its engine's threads are set here."""
    global mx, np
    import importlib
    import os

    os.environ["MXNET_CPU_WORKER_NTHREADS"] = str(threads)
    np = importlib.import_module("numpy")
    mx = importlib.import_module("mxnet")


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network, the shape of the examples that it takes, and the loss of each batch before its update."""

    network: Any
    input: Any
    losses: Any


def cuda() -> Callable[[], object]:
    """Make the CUDA device the default for new arrays."""
    if not mx.context.num_gpus():
        raise RuntimeError(f"MXNet {mx.__version__} finds no CUDA device, or is built without CUDA")
    mx.test_utils.set_default_context(mx.gpu(0))
    return mx.nd.waitall  # type: ignore[no-any-return]


def prepare(value: Arrays, kind: Kind) -> Any:
    """Convert arrays into NDArrays, except empty arrays, which MXNet lacks; build a model from weights and losses."""
    arrays = {
        name: mx.nd.array(values, dtype=values.dtype) if values.size else values for name, values in value.items()
    }
    return Model(build(value), value["input"], arrays["losses"]) if kind == "model" else arrays


def extract(value: Any, kind: Kind) -> Arrays:
    """Convert NDArrays into arrays, a model into weights and losses, and a saved model into its files' arrays."""
    if kind == "saved":
        kept = load_model(t.Load(), value)
        return {"input": kept.input, **weights(kept.network)}
    if kind == "model":
        return {"input": value.input, **weights(value.network), "losses": _numpy(value.losses)}
    return {name: _numpy(array) for name, array in value.items()}


def _numpy(array: Any) -> Any:
    return array if isinstance(array, np.ndarray) else array.asnumpy()


def threads() -> Mapping[str, int]:
    """Return the threads of OpenMP, as counted by the library that MXNet loaded."""
    return {"openmp": int(ctypes.CDLL(mx.libinfo.find_lib_path()[0]).omp_get_max_threads())}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Describe the dtype of each array."""
    if kind == "saved":
        size = sum(file.stat().st_size for file in value.iterdir())
        return {"format": "Gluon's symbol and parameters", "bytes": str(size)}
    if kind == "model":
        return {name: str(values.dtype) for name, values in weights(value.network).items()}
    return {name: np.dtype(array.dtype).name for name, array in value.items()}


def build(given: Arrays) -> Any:
    """Build the network that the names and shapes of the weights describe, with copies of the weights."""
    nn, network = mx.gluon.nn, mx.gluon.nn.HybridSequential(prefix="")
    for i in range(1, 1 + sum(name.startswith("conv") for name in given) // 2):
        outgoing, incoming, *kernel = given[f"conv{i}_w"].shape
        conv, pool = (nn.Conv2D, nn.MaxPool2D) if len(kernel) == 2 else (nn.Conv1D, nn.MaxPool1D)
        padding = kernel[0] // 2
        network.add(conv(outgoing, kernel[0], padding=padding, in_channels=incoming, prefix=f"conv{i}_"))
        network.add(nn.Activation("relu"), pool(POOL))
    if "conv1_w" in given:
        network.add(nn.Flatten())
    if "lstm_wx" in given:
        features, units = given["lstm_wx"].shape[0], given["lstm_wh"].shape[0]
        network.add(mx.gluon.rnn.LSTM(units, layout="NTC", input_size=features, prefix="lstm_"))
        network.add(nn.HybridLambda(lambda f, h: f.squeeze(f.slice_axis(h, axis=1, begin=-1, end=None), axis=1)))
    depth = sum(name.startswith("w") for name in given)
    for i in range(1, depth + 1):
        incoming, outgoing = given[f"w{i}"].shape
        network.add(nn.Dense(outgoing, in_units=incoming, prefix=f"dense{i}_"))
        if i < depth:
            network.add(nn.Activation("relu"))
    network.initialize()
    for name, parameter, turned in _parameters(network):
        values = given[name].T if turned else given[name]
        parameter.set_data(mx.nd.array(values, dtype="float32"))
    if "lstm_wx" in given:
        second = network.collect_params()["lstm_l0_h2h_bias"]
        second.set_data(mx.nd.zeros(second.shape))
        second.grad_req = "null"  # of the two biases one is trained
    network.hybridize(static_alloc=True)
    return network


def _parameters(network: Any) -> Iterator[tuple[str, Any, bool]]:
    """Yield, in the contracts' order, each weight's name, its parameter, and whether the parameter is transposed."""
    parameters = network.collect_params()
    for i in range(1, 1 + sum(name.startswith("conv") for name in parameters) // 2):
        yield f"conv{i}_w", parameters[f"conv{i}_weight"], False
        yield f"conv{i}_b", parameters[f"conv{i}_bias"], False
    if "lstm_l0_i2h_weight" in parameters:
        yield "lstm_wx", parameters["lstm_l0_i2h_weight"], True
        yield "lstm_wh", parameters["lstm_l0_h2h_weight"], True
        yield "lstm_b", parameters["lstm_l0_i2h_bias"], False
    for i in range(1, 1 + sum(name.startswith("dense") for name in parameters) // 2):
        yield f"w{i}", parameters[f"dense{i}_weight"], True
        yield f"b{i}", parameters[f"dense{i}_bias"], False


def weights(network: Any) -> Arrays:
    """Return the weights under the contracts' names and in their shapes."""
    by_name = ((name, parameter.data().asnumpy(), turned) for name, parameter, turned in _parameters(network))
    return {name: np.ascontiguousarray(values.T) if turned else values for name, values, turned in by_name}


def examples(network: Any, x: Any) -> Any:
    """Return examples in the first layer's form: channels after the examples, features after the steps."""
    parameters = network.collect_params()
    if "lstm_l0_i2h_weight" in parameters:
        return x if x.ndim == 3 else x.expand_dims(-1)
    if "conv1_weight" in parameters:
        last = x.ndim - 1
        whole = x.ndim == parameters["conv1_weight"].data().ndim
        return x.transpose((0, last, *range(1, last))) if whole else x.expand_dims(1)
    return x


def standardise(p: t.Standardise, arrays: dict[str, Any]) -> dict[str, Any]:
    """Standardise features; a constant feature is only centred, because its deviation is 0."""
    x = arrays["x"]
    count = x.shape[0]
    constant = mx.nd.broadcast_equal(x, x[:1]).sum(axis=0, keepdims=True) == count
    centred = mx.nd.broadcast_sub(x, x.sum(axis=0, keepdims=True) / count)
    deviation = (centred.square().sum(axis=0, keepdims=True) / count).sqrt()
    scaled = mx.nd.broadcast_mul(mx.nd.broadcast_div(centred, deviation + constant), 1 - constant)
    mx.nd.waitall()
    return arrays | {"x": scaled}


def split(p: t.Split, arrays: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Take rows first, then convert their dtype."""
    taken = {}
    for part in ("train", "test"):
        x, y = (_rows(arrays[name], given[part]) for name in ("x", "y"))
        taken[f"x_{part}"] = x.reshape((x.shape[0], int(np.prod(x.shape[1:])))) if p.flatten else x
        taken[f"y_{part}"] = y
    mx.nd.waitall()
    return taken


def _rows(array: Any, rows: Any) -> Any:
    """Take rows as float32. MXNet can't take an empty list of rows."""
    return array.take(rows).astype("float32") if rows.size else np.zeros((0, *array.shape[1:]), np.float32)


def train(p: t.Training, arrays: dict[str, Any], given: dict[str, Any]) -> Model:
    """Train on slices of rows that are put in order once an epoch."""
    start = {name: array.asnumpy() for name, array in given.items() if name != "order"}
    network, losses = build(start), []
    x, y = examples(network, arrays["x_train"]), arrays["y_train"]
    several = p.classes > 2
    criterion = mx.gluon.loss.SoftmaxCrossEntropyLoss() if several else _logistic_loss
    y = y if several else y.expand_dims(1)
    trainer = mx.gluon.Trainer(network.collect_params(), *_optimizer(p.optimizer))
    for order in given["order"]:
        rows, wanted = x.take(order), y.take(order)
        for first in range(0, rows.shape[0], p.batch_size):
            with mx.autograd.record():
                logits = network(rows[first : first + p.batch_size])
                loss = criterion(logits, wanted[first : first + p.batch_size]).mean()
            loss.backward()
            trainer.step(1)
            losses.append(loss)
    together = mx.nd.concat(*losses, dim=0)
    mx.nd.waitall()
    return Model(network, start["input"], together)


def _logistic_loss(z: Any, y: Any) -> Any:
    """Return log(1 + exp(z)) - z y. Gluon's own loss has the derivative -y where z is exactly 0, instead of 1/2 - y."""
    return mx.nd.Activation(z, act_type="softrelu") - z * y


def _optimizer(p: t.Optimizer) -> tuple[Any, dict[str, Any] | None]:
    if isinstance(p, t.Sgd):
        return "nag" if p.nesterov else "sgd", {"learning_rate": p.lr, "momentum": p.momentum}
    if isinstance(p, t.AdamW):
        raise NotImplementedError("MXNet 1.9.1 has no optimizer AdamW")
    return _adam_class()(learning_rate=p.lr, beta1=p.beta1, beta2=p.beta2, epsilon=p.eps), None


@cache
def _adam_class() -> Any:
    """Return MXNet's Adam with the contracts' epsilon, which MXNet adds to the root of the uncorrected v."""

    class Adam(mx.optimizer.Adam):  # type: ignore[misc]  # MXNet has no types
        def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
            given: float = self.epsilon  # type: ignore[has-type]  # set by MXNet
            step = self._index_update_count.get(index, self.begin_num_update) + 1
            self.epsilon = given * math.sqrt(1 - self.beta2**step)
            super().update(index, weight, grad, state)
            self.epsilon = given

    return Adam


def predict(p: t.Predict, model: Model, arrays: dict[str, Any]) -> dict[str, Any]:
    """Score examples without recording gradients."""
    x = arrays["x_test"]
    if p.rows:
        x = x[: p.rows]
    if not x.shape[0]:
        outputs = list(_parameters(model.network))[-1][1].data().shape[0]
        return {"scores": np.zeros((0,) if outputs == 1 else (0, outputs), np.float32)}
    x = examples(model.network, x)
    parts = [model.network(x[first : first + p.batch_size]) for first in range(0, x.shape[0], p.batch_size)]
    logits = mx.nd.concat(*parts, dim=0)
    scores = logits.reshape((-1,)).sigmoid() if logits.shape[1] == 1 else logits.softmax()
    mx.nd.waitall()
    return {"scores": scores}


def export(p: t.Export, model: Model) -> Path:
    """Save symbol and parameters, which Gluon loads without the code that made them, and the shape of the examples."""
    directory = Path(tempfile.gettempdir()) / "mxnet-model"
    directory.mkdir(exist_ok=True)
    model.network(
        examples(model.network, mx.nd.zeros((1, *model.input.tolist())))
    )  # the graph exists after the first run
    model.network.export(str(directory / "model"))
    np.save(directory / "input.npy", model.input, allow_pickle=False)
    return directory


def load_model(p: t.Load, directory: Path | str) -> Model:
    """Load a graph of MXNet's own operators, and arrays: both are data only."""
    directory = Path(directory)
    symbol, parameters = str(directory / "model-symbol.json"), str(directory / "model-0000.params")
    network = mx.gluon.SymbolBlock.imports(symbol, ["data"], parameters)
    return Model(network, np.load(directory / "input.npy", allow_pickle=False), np.zeros(0, np.float32))


OPS: Ops = {
    "training.standardise": standardise,
    "training.split": split,
    "training.mlp": train,
    "training.cnn": train,
    "training.cnn1d": train,
    "training.lstm": train,
    "training.predict": predict,
    "training.export": export,
    "training.load": load_model,
}

_NOTE = (
    "Adam is a subclass of MXNet's that sets epsilon at each step: MXNet adds it to the root of the uncorrected v, "
    "where the contract's is epsilon * sqrt(1 - beta2^t). Of two classes the loss is log(1 + exp(z)) - z y: Gluon's "
    "SigmoidBCELoss has a wrong derivative where z is 0, as for examples that leave all hidden units at rest"
)

FRAMEWORKS = (
    Framework(
        name="MXNet",
        language="python",
        summary="Apache MXNet 1.9.1 with Gluon, retired, in an environment of its own",
        packages=("mxnet", "numpy"),
        environment="mxnet",
        load=load,
        cuda=cuda,
        prepare=prepare,
        extract=extract,
        threads=threads,
        facts=facts,
        ops=OPS,
        notes=dict.fromkeys(("training.mlp", "training.cnn", "training.cnn1d", "training.lstm"), _NOTE),
    ),
)
