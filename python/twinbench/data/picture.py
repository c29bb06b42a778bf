"""Draw a dataset: histograms of a table, lines of signals, or a sheet of images."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.data import columns
from twinbench.data.dataset import Dataset
from twinbench.data.describe import LABELS, files
from twinbench.errors import BadInput
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

SHOWN = 10
"""Number of columns, records or images in a picture."""

ACROSS = 5
"""Number of charts in a row."""

SAMPLES = 2000
"""Most samples of a record that are drawn: more can't be distinguished in print."""


def draw(dataset: Dataset, amount: float | None, target: Path) -> None:
    """Draw a dataset into a file that ends in .svg or .png. Raises BadInput if the dataset has nothing to draw."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    if target.suffix not in (".svg", ".png"):
        raise BadInput(f"{target}: a picture's name ends in .svg or .png")
    drawn = _drawn(dataset, amount)
    down = -(-len(drawn) // ACROSS)
    figure = Figure(figsize=(8, 1.6 * down + 0.4), layout="constrained")
    axes = figure.subplots(down, min(ACROSS, len(drawn)), squeeze=False).ravel()
    for ax in axes[len(drawn) :]:
        ax.remove()
    for ax, (name, values, how) in zip(axes, drawn, strict=False):
        how(ax, values)
        ax.set_title(name, fontsize=8)
        ax.tick_params(labelsize=6, length=2)
    with mpl.rc_context({"svg.hashsalt": dataset.name, "svg.fonttype": "none"}):  # the same file every time
        metadata = {"Date": None} if target.suffix == ".svg" else {"Software": None}
        try:
            figure.savefig(target, dpi=90, metadata=metadata)
        except OSError as error:
            raise BadInput(f"{target}: can't be written: {error.strerror}") from None


def _drawn(dataset: Dataset, amount: float | None) -> list[tuple[str, NDArray[Any], Any]]:
    """Return for each chart its title, its values, and the function that draws them."""
    if dataset.value_kind is not None:
        value = dataset.value(amount)
        how = _image if dataset.value_kind == "images" else _line
        return [(title, value["x"][row], how) for row, title in _examples(value)]
    for name in dataset.files:
        path = dataset.file(name, amount)
        if path.suffix == ".csv":
            table = columns.columns(dataset, name, amount)
            return [(f"{name}.{column}", table[column], _distribution) for column in list(table)[:SHOWN]]
        sounds = [file for file in files(path) if file.suffix == ".wav"] if path.is_dir() else []
        if sounds:
            return [(file.stem, _sound(file), _line) for file in sounds[:: max(1, len(sounds) // SHOWN)][:SHOWN]]
    raise BadInput(f"dataset {dataset.name}: neither tables nor signals nor images, so there is nothing to draw")


def _examples(value: Arrays) -> list[tuple[int, str]]:
    """Return the row numbers and titles of the examples to draw: the first of each class, then others in order."""
    import numpy as np

    rows = len(value["x"])
    if LABELS not in value:
        return [(row, "") for row in range(min(rows, SHOWN))]
    labels = np.asarray(value[LABELS])
    _, first = np.unique(labels, return_index=True)
    others = np.setdiff1d(np.arange(rows), first)
    return [(int(row), f"class {labels[row]}") for row in [*first, *others][:SHOWN]]


def _sound(path: Path) -> NDArray[Any]:
    import numpy as np

    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype=f"<i{file.getsampwidth()}")
    return samples[:: file.getnchannels()]


def _line(ax: Axes, values: NDArray[Any]) -> None:
    import numpy as np

    ax.plot(np.ravel(values)[:SAMPLES], linewidth=0.6)


def _image(ax: Axes, values: NDArray[Any]) -> None:
    ax.imshow(values, cmap="gray", vmin=0, vmax=255)
    ax.set_axis_off()


def _distribution(ax: Axes, values: NDArray[Any]) -> None:
    """Draw a histogram; for strings, the frequencies of the 100 most frequent values, highest first."""
    import numpy as np

    if values.dtype.kind == "U":
        _, counts = np.unique(values[values != ""], return_counts=True)
        counts = np.sort(counts)[::-1][:100]
        ax.bar(range(len(counts)), counts, width=1.0)
        ax.set_xlabel("values by rank", fontsize=6)
    else:
        present = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        ax.hist(present, bins=min(30, max(1, len(np.unique(present)))))
