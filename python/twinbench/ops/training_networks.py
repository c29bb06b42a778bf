"""The contracts of the training ops that train a network: perceptron, convolutional and recurrent."""

from __future__ import annotations

from dataclasses import dataclass

from twinbench.ops import training_networks_reference as reference
from twinbench.ops import training_optimizers as optimizers
from twinbench.ops.contract import Arrays, Op, Tolerance
from twinbench.ops.training_optimizers import DEFAULT, Optimizer, Sgd


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What every network has. ``hidden``: widths of the dense hidden layers. ``seed``: of weights and batches."""

    hidden: tuple[int, ...] = ()
    classes: int = 2
    epochs: int = 1
    batch_size: int = 256
    optimizer: Optimizer = DEFAULT
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "optimizer", optimizers.optimizer(self.optimizer))
        if min((self.epochs, self.batch_size, *self.hidden)) < 1:
            raise ValueError("hidden, epochs and batch_size must be at least 1")
        if self.classes < 2:
            raise ValueError("classes must be at least 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlp(Training):
    """A multilayer perceptron."""

    hidden: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cnn(Training):
    """``channels``: of each convolution. ``kernel``: its height and width, odd."""

    channels: tuple[int, ...]
    kernel: int = 3

    def __post_init__(self) -> None:
        Training.__post_init__(self)
        if not self.channels or min(self.channels) < 1:
            raise ValueError("channels must be a list of numbers from 1 on")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError("kernel must be odd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cnn1d(Cnn):
    """The same over one axis. ``kernel``: its length, odd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lstm(Training):
    """``units``: the width of the state."""

    units: int

    def __post_init__(self) -> None:
        Training.__post_init__(self)
        if self.units < 1:
            raise ValueError("units must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """``c``: the inverse of the penalty's weight, as scikit-learn has it."""

    c: float = 1.0
    classes: int = 2

    def __post_init__(self) -> None:
        if not self.c > 0 or self.classes < 2:
            raise ValueError("c must be above 0, and classes at least 2")


def first_losses(arrays: Arrays) -> Arrays:
    """The losses of the first 20 steps: later ones drift apart as rounding errors grow."""
    return {"losses": arrays["losses"][:20]}


def by_optimizer(p: Training) -> Tolerance:
    """Under SGD errors stay as small as they are; Adam divides by moments that are close to 0 at first."""
    return Tolerance(rtol=1e-5 if isinstance(p.optimizer, Sgd) else 5e-4)


DENSE = """Dense layers: h = relu(h W + b) for each width of `hidden`, then one linear layer that gives the logits: one,
z, for two classes, and z of (n, classes) for more. Weights `w1`, `b1`, `w2`, ..., with w of shape (inputs, outputs)."""

TRAINING = f"""`y_train` is float32 (n,), the classes 0 to `classes` - 1. All in float32. The givens hold the initial
weights; `input`, int64, the shape of one example; and `order`, int64 (epochs, n), rows counted from 0: epoch e takes
batches order[e, 0:B], order[e, B:2B], ...; the last batch may be smaller. Loss of a batch: for two classes the mean of
max(z, 0) - z y + log(1 + exp(-|z|)), for more the mean of log(sum_k exp(z_k)) - z_y. {optimizers.SEMANTICS}
The output holds `input`, the trained weights under the names, in the order and in the shapes of the givens, and
`losses`, float32 (steps,), each taken before its update. Losses are kept on the device of the library and read once
per epoch at most. The first 20 losses are compared."""

MLP = Op(
    name="training.mlp",
    params=Mlp,
    inputs=("arrays",),
    output="model",
    summary="Train a multilayer perceptron to tell classes apart.",
    semantics=f"Input: `x_train` float32 (n, d). {DENSE} {TRAINING}",
    source=optimizers.SOURCES,
    reference=reference.train,
    givens=reference.mlp_givens,
    tolerance=Tolerance(rtol=1e-5),
    compared=first_losses,
)
CNN = Op(
    name="training.cnn",
    params=Cnn,
    inputs=("arrays",),
    output="model",
    summary="Train a convolutional network on images.",
    semantics=f"""Input: `x_train` float32 (n, height, width) or (n, height, width, channels). Blocks, one for each
number in `channels`: convolution, relu, max pooling. The convolution is a cross-correlation (the kernel is not turned)
with stride 1 and zeros around the image so that its size stays: out[o, y, x] = b[o] + sum over i, u, v of w[o, i, u, v]
in[i, y + u - k/2, x + v - k/2], k/2 rounded down. Pooling takes the largest value of each 2 x 2 block, stride 2; an odd
row or column at the end is dropped. Weights `conv1_w` (outputs, inputs, kernel height, kernel width), `conv1_b`
(outputs,), `conv2_w`, ... Then the activations, (channels, height, width), become one row, the width varying fastest.
{DENSE} {TRAINING}""",
    source=f"LeCun et al. 1998, https://doi.org/10.1109/5.726791; {optimizers.SOURCES}",
    reference=reference.train,
    givens=reference.cnn_givens,
    tolerance=Tolerance(rtol=5e-4),
    tolerance_of=by_optimizer,
    compared=first_losses,
)
CNN1D = Op(
    name="training.cnn1d",
    params=Cnn1d,
    inputs=("arrays",),
    output="model",
    summary="Train a convolutional network on series.",
    semantics=f"""Input: `x_train` float32 (n, length) or (n, length, channels). As `training.cnn` with one axis in the
place of two: weights `conv1_w` (outputs, inputs, kernel length), ...; pooling takes the larger of each two values; then
the activations, (channels, length), become one row, the length varying fastest. {DENSE} {TRAINING}""",
    source=f"LeCun et al. 1998, https://doi.org/10.1109/5.726791; {optimizers.SOURCES}",
    reference=reference.train,
    givens=reference.cnn1d_givens,
    tolerance=Tolerance(rtol=5e-4),
    tolerance_of=by_optimizer,
    compared=first_losses,
)
LSTM = Op(
    name="training.lstm",
    params=Lstm,
    inputs=("arrays",),
    output="model",
    summary="Train a recurrent network (LSTM) on series.",
    semantics=f"""Input: `x_train` float32 (n, steps) or (n, steps, features). One LSTM layer from h = c = 0: for each
step t, [i, f, g, o] = x_t Wx + h Wh + b, each `units` wide and in this order; c = sigmoid(f) c + sigmoid(i) tanh(g); h
= sigmoid(o) tanh(c). Weights `lstm_wx` (features, 4 units), `lstm_wh` (units, 4 units) and one bias, `lstm_b` (4
units,): a library that has two keeps the second at 0 and does not train it. The last h goes on. {DENSE} {TRAINING}""",
    source="Hochreiter & Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735, with the forget gate of Gers et "
    f"al. 2000 and without peepholes; {optimizers.SOURCES}",
    reference=reference.train,
    givens=reference.lstm_givens,
    tolerance=Tolerance(rtol=5e-4),
    tolerance_of=by_optimizer,
    compared=first_losses,
)
LOGISTIC = Op(
    name="training.logistic",
    params=Logistic,
    inputs=("arrays",),
    output="model",
    summary="Fit a logistic regression to its optimum.",
    semantics="""Input: `x_train` float32 (n, d), `y_train` float32 (n,), the classes 0 to `classes` - 1. A network of
one linear layer, `w1` (d, outputs) and `b1` (outputs,): one output for two classes, one for each class for more. The
objective, c times the sum over rows of the loss of `training.mlp` plus half the sum of the squares of `w1` (`b1` is not
penalised), is convex and has one minimum, which a library may reach by any way. Output: `input`, `w1` and `b1`,
float32, and `losses`, float32 (1,), the mean loss at the end, without the penalty. It is what is compared, since a flat
minimum leaves the weights some freedom.""",
    source="scikit-learn LogisticRegression, https://scikit-learn.org/stable/modules/linear_model.html",
    reference=reference.logistic,
    tolerance=Tolerance(rtol=1e-3, atol=1e-4),
    compared=first_losses,
)
