"""What a training step costs through an implementation over a bare hand-written loop in the same framework.

The same convolutional network on the same 2,048 images of 28 x 28, in batches of 256, for eight epochs: what a call
costs once, such as making a network and giving it back, is not a step's. Each framework has a process of its own, in
which bursts of the two alternate in random order. The bare loops start from the given weights, once a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks import steps
from benchmarks.figures import alternate
from benchmarks.figures.figure import Figure

LIBRARIES = ("torch", "keras", "tensorflow-cpu", "juliacall")
TARGET = 1.02
LONG_S = 2e-3
"""A shorter step is shown without a target."""

ROWS, BATCH, CLASSES, EPOCHS = 2_048, 256, 10, 8
PARAMS = {"channels": [8, 16], "hidden": [32], "classes": CLASSES, "epochs": EPOCHS, "batch_size": BATCH, "seed": 1}

FLUX = """
    import Flux
    (_, arrays, given) -> begin
        turn(w) = reverse(w; dims = (1, 2))
        pool = TwinBench.FRAMEWORKS["Flux"].pool
        model = Flux.Chain(
            Flux.Conv(turn(given.conv1_w), copy(given.conv1_b), Flux.relu; pad = 1), pool,
            Flux.Conv(turn(given.conv2_w), copy(given.conv2_b), Flux.relu; pad = 1), pool,
            Flux.flatten,
            Flux.Dense(copy(given.w1), copy(given.b1), Flux.relu),
            Flux.Dense(copy(given.w2), copy(given.b2)),
        )
        state = Flux.setup(Flux.Adam(1e-3, (0.9, 0.999), 1e-8), model)
        x = reshape(arrays.x_train, size(arrays.x_train)[1:2]..., 1, :)
        y = Flux.onehotbatch(Int.(arrays.y_train), 0:9)
        losses = Float32[]
        for order in eachcol(given.order), rows in Iterators.partition(order .+ 1, 256)
            batch, wanted = x[:, :, :, rows], y[:, rows]
            loss, gradients = Flux.withgradient(m -> Flux.logitcrossentropy(m(batch), wanted), model)
            Flux.update!(state, model, gradients[1])
            push!(losses, loss)
        end
        return (; losses)
    end
"""


def measure() -> Iterator[Figure]:
    """Ratios of our time to the bare loop's, by framework."""
    for framework in ("torch", "Keras", "Flux"):
        name = f"{framework} training step: ours / bare loop"
        with alternate.a_process() as process:
            try:
                ratio, step_s = process.submit(one, framework).result()
            except NotImplementedError as reason:
                yield Figure(name, None, unavailable=str(reason))
            else:
                yield Figure(name, ratio, "", "<=", TARGET) if step_s > LONG_S else Figure(name, ratio)
                yield Figure(f"{framework} training step", step_s * 1e3, "ms")


def one(name: str) -> tuple[float, float]:
    """The ratio, and the seconds of one step of ours. Fails if the losses differ."""
    import numpy as np

    from twinbench.numbers import stats
    from twinbench.worker import julia_measure, measure

    framework = steps.loaded(name)
    params, arrays, given = case()
    native = [framework.prepare(values, "arrays") for values in (arrays, given)]
    ours = partial(framework.ops["training.cnn"], params, *native)
    julia = framework.language == "julia"
    bare: Callable[[], Any] = partial(alternate.JuliaFunction(FLUX), *native) if julia else partial(BARE[name], *native)
    theirs = framework.extract(bare(), "arrays")["losses"] if julia else np.array(bare())
    np.testing.assert_allclose(framework.extract(ours(), "model")["losses"], theirs, rtol=5e-4)
    blocks = alternate.alternated(julia_measure if julia else measure, ours, bare)  # type: ignore[arg-type]
    return stats.ratio([blocks[0]], [blocks[1]]).estimate, min(map(min, blocks[0])) / (EPOCHS * ROWS // BATCH)


def case() -> tuple[Any, Any, Any]:
    """Parameters, examples and givens."""
    import numpy as np

    from twinbench import ops

    rng = np.random.default_rng(0)
    op = ops.get("training.cnn")
    params = op.build(PARAMS)
    y = rng.integers(0, CLASSES, ROWS).astype(np.float32)
    arrays = {"x_train": rng.standard_normal((ROWS, 28, 28)).astype(np.float32), "y_train": y}
    assert op.givens is not None
    return params, arrays, op.givens(params, arrays)


def torch_loop(arrays: Any, given: Any) -> list[float]:
    """Train as a tutorial does, from given weights."""
    import torch
    from torch import nn

    network = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, CLASSES)),
    )
    names = ("conv1_w", "conv1_b", "conv2_w", "conv2_b", "w1", "b1", "w2", "b2")
    with torch.no_grad():
        for weight, name in zip(network.parameters(), names, strict=True):
            weight.copy_(given[name].T if name in ("w1", "w2") else given[name])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    criterion = nn.CrossEntropyLoss()
    losses = []
    for order in given["order"]:
        x, y = arrays["x_train"][order].unsqueeze(1), arrays["y_train"][order].long()
        for start in range(0, ROWS, BATCH):
            optimizer.zero_grad()
            loss = criterion(network(x[start : start + BATCH]), y[start : start + BATCH])
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    return torch.stack(losses).tolist()


def keras_loop() -> Callable[[Any, Any], list[float]]:
    """``train_on_batch`` of a compiled model, which is traced once."""
    import keras
    import numpy as np
    from keras import layers

    from twinbench.frameworks.keras import networks

    network: Any = None

    def loop(arrays: Any, given: Any) -> list[float]:
        nonlocal network
        start = {name: np.asarray(value) for name, value in given.items()}
        if network is None:
            convolution = {"padding": "same", "activation": "relu"}
            network = keras.Sequential(
                [
                    *(layers.Input((28, 28)), layers.Reshape((28, 28, 1))),
                    *(layers.Conv2D(8, 3, **convolution), layers.MaxPooling2D(2)),
                    *(layers.Conv2D(16, 3, **convolution), layers.MaxPooling2D(2)),
                    *(layers.Flatten(), layers.Dense(32, activation="relu"), layers.Dense(CLASSES)),
                ]
            )
            criterion = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            network.compile(keras.optimizers.Adam(1e-3, epsilon=1e-8 * 0.001**0.5), criterion)
        network.set_weights(networks.values(network, start))
        for variable in network.optimizer.variables[2:]:
            variable.assign(np.zeros(variable.shape))
        network.optimizer.iterations.assign(0)
        losses = []
        for order in start["order"]:
            x, y = keras.ops.take(arrays["x_train"], order, axis=0), keras.ops.take(arrays["y_train"], order)
            for place in range(0, ROWS, BATCH):
                losses.append(float(network.train_on_batch(x[place : place + BATCH], y[place : place + BATCH])))
        return losses

    return loop


def keras_bare(arrays: Any, given: Any) -> list[float]:
    """The loop, made at the first call."""
    if "keras" not in LOOPS:
        LOOPS["keras"] = keras_loop()
    return LOOPS["keras"](arrays, given)


LOOPS: dict[str, Callable[[Any, Any], list[float]]] = {}
BARE: dict[str, Callable[[Any, Any], list[float]]] = {"torch": torch_loop, "Keras": keras_bare}
